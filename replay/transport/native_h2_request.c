/* native_h2_request.c - a recorded request as HTTP/2 writes it: names in lower case, no header of
 * the connection's, the body from where it lies. */
#include <inttypes.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay/transport/native_h2.h"
#include "replay/transport/native_http1.h"

enum { MAX_FIELDS = HTTP_MAX_HEADERS + 6, MAX_FILLED_BYTES = 64 * 1024 * 1024 };

/* A request with its user's values in it, for one that has slots. */
struct native_h2_filled {
    struct arena arena;
    struct http_request http;
};

struct fields {
    nghttp2_nv all[MAX_FIELDS];
    size_t count;
};

static const struct http_request *request_of(const struct transport_call *call)
{
    return call->filled ? &call->filled->http : call->request.http;
}

/* nghttp2 copies both. */
static void add(struct fields *fields, struct bytes name, struct bytes value)
{
    if (fields->count == MAX_FIELDS)
        return;
    fields->all[fields->count++] =
        (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.ptr,
                     .namelen = name.len,
                     .value = (uint8_t *)(uintptr_t)(value.ptr ? value.ptr : ""),
                     .valuelen = value.len};
}

/* What HTTP/2 has in another place (RFC 9113 8.2.2, 8.3.1), or what we write ourselves. */
static bool is_left_out(const struct http_header *header)
{
    static const char *const names[] = {"host", "content-length", "http2-settings"};
    if (header->name.len == 2 && bytes_equal_nocase(header->name, bytes_of("te")))
        return !bytes_equal_nocase(header->value, bytes_of("trailers"));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (bytes_equal_nocase(header->name, bytes_of(names[i])))
            return true;
    }
    return http_header_is_hop_by_hop(header->name) || !http1_is_token(header->name) ||
           !http_text_is_one_line(header->value);
}

/* The name in lower case, written into `room`. */
static struct bytes lower(struct buf *room, struct bytes name)
{
    char *at = buf_reserve(room, name.len);
    if (!at)
        return (struct bytes){0};
    for (size_t i = 0; i < name.len; i++)
        at[i] = ascii_lower(name.ptr[i]);
    buf_commit(room, name.len);
    return bytes_make(at, name.len);
}

/* Room for all that is not a view of the request, so that what is written there stays in place. */
static int make_room(struct buf *room, const struct http_request *http)
{
    size_t bytes = http->url.len + 1;
    for (size_t i = 0; i < http->header_count; i++)
        bytes += http->headers[i].name.len;
    buf_clear(room);
    return buf_reserve(room, bytes) ? 0 : -1;
}

static void add_headers(struct fields *fields, const struct http_request *http, struct buf *room)
{
    for (size_t i = 0; i < http->header_count; i++) {
        if (!is_left_out(&http->headers[i]))
            add(fields, lower(room, http->headers[i].name), bytes_trim(http->headers[i].value));
    }
}

/* In the order of Firefox and curl. */
static void add_pseudo(struct fields *fields, const struct http_request *http,
                       const struct url *url, struct buf *room)
{
    struct bytes host = http_headers_find(http->headers, http->header_count, bytes_of("host"));
    struct bytes path = url->target;
    if (path.ptr[0] == '?') {
        buf_append_char(room, '/');
        buf_append_bytes(room, path);
        path = buf_bytes(room);
    }
    bool has_host = host.len && http_text_is_one_line(host);
    add(fields, bytes_of(":method"), http->method);
    add(fields, bytes_of(":path"), path);
    add(fields, bytes_of(":authority"), has_host ? host : url->authority);
    add(fields, bytes_of(":scheme"), bytes_of(url->is_secure ? "https" : "http"));
}

/* As many bytes of the body as there is room for in the frame; none before 100 has come. */
static ssize_t read_body(nghttp2_session *session, int32_t stream_id, uint8_t *out, size_t room,
                         uint32_t *flags, nghttp2_data_source *source, void *owner)
{
    struct transport_call *call = source->ptr;
    if (call->expects_continue)
        return NGHTTP2_ERR_DEFERRED;
    const struct http_request *http = request_of(call);
    uint64_t left = http_request_body_bytes(http) - call->body_sent;
    ssize_t len = 0;
    (void)session;
    (void)stream_id;
    (void)owner;
    if (http->source)
        len = (ssize_t)native_body_read(call, call->body_sent, out, room);
    else if (left)
        len = http_request_read_body(http, call->body_sent, out, room);
    if (http->source && left && !len)
        return NGHTTP2_ERR_DEFERRED; /* until its pace allows more, or the call ends by it */
    call->body_sent += (uint64_t)len;
    if ((uint64_t)len == left)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return len;
}

/* Put the user's values into a copy of the request. */
static int fill(struct transport_call *call)
{
    const struct transport_request *request = &call->request;
    bool has_values = false;
    if (request->is_filled)
        return 0;
    for (uint32_t i = 0; request->cut && request->values && i < request->cut->slot_count; i++)
        has_values = has_values || request->values[request->cut->slots[i].value].ptr;
    if (!has_values || call->filled)
        return 0;
    call->filled = calloc(1, sizeof *call->filled);
    if (!call->filled)
        return -1;
    arena_init(&call->filled->arena, MAX_FILLED_BYTES);
    call->filled->http = *request->http;
    call->filled->http.arena = &call->filled->arena;
    return request_cut_fill(request->cut, request->values, &call->filled->http);
}

void native_h2_request_fini(struct transport_call *call)
{
    if (!call->filled)
        return;
    arena_fini(&call->filled->arena);
    free(call->filled);
    call->filled = NULL;
}

enum failure native_h2_submit(struct native_h2 *h2, struct transport_call *call)
{
    struct transport *transport = call->user->transport;
    struct fields fields;
    struct url url;
    char length[24];
    if (fill(call) || make_room(&transport->request_text, request_of(call)))
        return FAILURE_NO_FILES;
    const struct http_request *http = request_of(call);
    if (url_parse(http->url, &url)) /* with the user's values in it */
        return FAILURE_PROTOCOL;
    uint64_t body_bytes = call->answer.is_to_head ? 0 : http_request_body_bytes(http);
    bool has_length = body_bytes || bytes_equal(http->method, bytes_of("POST")) ||
                      bytes_equal(http->method, bytes_of("PUT")) ||
                      bytes_equal(http->method, bytes_of("PATCH"));
    fields.count = 0;
    add_pseudo(&fields, http, &url, &transport->request_text);
    add_headers(&fields, http, &transport->request_text);
    if (call->request.cookies.len && http_text_is_one_line(call->request.cookies))
        add(&fields, bytes_of("cookie"), call->request.cookies);
    if (has_length) {
        snprintf(length, sizeof length, "%" PRIu64, body_bytes);
        add(&fields, bytes_of("content-length"), bytes_of(length));
    }
    call->body_sent = 0;
    native_body_reset(call);
    call->expects_continue = body_bytes && native_request_expects_continue(&call->request);
    const nghttp2_data_provider body = {.source.ptr = call, .read_callback = read_body};
    int32_t id = nghttp2_submit_request(h2->session, NULL, fields.all, fields.count,
                                        body_bytes ? &body : NULL, call);
    call->stream_id = id > 0 ? id : 0;
    return id > 0 ? FAILURE_NONE : FAILURE_NO_FILES;
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
    struct native_h2 *h2 = owner;
    /* Ours: what HPACK has to say is lost, and with it all that follows. */
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code == NGHTTP2_COMPRESSION_ERROR &&
        !h2->broken_by)
        h2->broken_by =
            "an answer's headers are broken, or one is over 64 KiB: --http 1.1 takes it";
    bool is_request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    struct transport_call *call =
        is_request ? nghttp2_session_get_stream_user_data(session, frame->hd.stream_id) : NULL;
    if (!call)
        return 0;
    uint64_t now_us = h2->user->transport->loop->now_us;
    if (!call->is_ready)
        call->ready_us = now_us;
    call->is_ready = true;
    call->sent_bytes += NATIVE_H2_FRAME_HEAD_BYTES + frame->hd.length;
    if (frame->hd.type == NGHTTP2_HEADERS && call->expects_continue)
        native_call_await_continue(call);
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
        call->sent_us = now_us;
        call->is_sent = true;
    }
    return 0;
}

/* nghttp2 has refused it, and closes its stream: as one that may be sent again, which is in vain.
 */
static int on_frame_not_send(nghttp2_session *session, const nghttp2_frame *frame, int code,
                             void *owner)
{
    (void)owner;
    if (frame->hd.type != NGHTTP2_HEADERS || code != NGHTTP2_ERR_FRAME_SIZE_ERROR)
        return 0;
    struct transport_call *call =
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (!call)
        return 0;
    native_h2_unlink(call);
    native_call_done(call, FAILURE_HEAD_TOO_LARGE, NATIVE_REQUEST_TOO_LARGE);
    return 0;
}

void native_h2_request_shared(struct native_h2_shared *shared)
{
    enum { MORE_BYTES = 16 }; /* of a field, at most: what HPACK needs for its lengths */
    nghttp2_session_callbacks_set_on_frame_send_callback(shared->callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(shared->callbacks, on_frame_not_send);
    /* Its own limit of 64 KiB is less than a recording's. */
    nghttp2_option_set_max_send_header_block_length(shared->option, NATIVE_MAX_REQUEST_HEAD_BYTES +
                                                                        MORE_BYTES * MAX_FIELDS);
}
