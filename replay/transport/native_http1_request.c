/* native_http1_request.c - a request as the bytes HTTP/1.1 writes, as views wherever it can be. */
#include "replay/transport/native_http1.h"

#include <assert.h>
#include <inttypes.h>

_Static_assert(sizeof(struct bytes) == sizeof(struct iovec) &&
                   offsetof(struct bytes, ptr) == offsetof(struct iovec, iov_base) &&
                   offsetof(struct bytes, len) == offsetof(struct iovec, iov_len),
               "pieces are handed to the kernel as they are");

static bool is_method(const struct http_request *http, const char *method)
{
    return bytes_equal(http->method, bytes_of(method));
}

/* A body means nothing with HEAD (RFC 9110 9.3.2). */
static uint64_t body_bytes_of(const struct http_request *http)
{
    return is_method(http, "HEAD") ? 0 : http_request_body_bytes(http);
}

bool native_request_is_valid(const struct transport_request *request)
{
    const struct http_request *http = request->http;
    struct url url;
    return request->cut || (http1_is_token(http->method) && http->method.len <= 32 &&
                            !is_method(http, "CONNECT") && url_parse(http->url, &url) == 0);
}

bool native_request_fits(const struct transport_request *request)
{
    enum { MORE_BYTES = 128 }; /* the words of ours: version, Host, Content-Length */
    const struct http_request *http = request->http;
    if (request->cut)
        return true;
    size_t bytes = MORE_BYTES + 2 * http->url.len + request->cookies.len;
    for (size_t i = 0; i < http->header_count; i++)
        bytes += http->headers[i].name.len + http->headers[i].value.len + 4;
    return bytes <= NATIVE_MAX_REQUEST_HEAD_BYTES;
}

bool native_request_expects_continue(const struct transport_request *request)
{
    const struct http_request *http = request->http;
    if (http_request_body_bytes(http) == 0)
        return false;
    struct bytes value = http_headers_find(http->headers, http->header_count, bytes_of("expect"));
    return bytes_equal_nocase(value, bytes_of("100-continue"));
}

/* What frames the message is written by us alone; a line must stay one line. */
static bool is_written(const struct http_header *header)
{
    return !bytes_equal_nocase(header->name, bytes_of("content-length")) &&
           !bytes_equal_nocase(header->name, bytes_of("transfer-encoding")) &&
           http_text_is_one_line(header->name) && http_text_is_one_line(header->value);
}

static void write_header(struct buf *out, struct bytes name, struct bytes value)
{
    buf_append_bytes(out, name);
    buf_append(out, ": ", 2);
    buf_append_bytes(out, value);
    buf_append(out, "\r\n", 2);
}

/* Length of a body, 0 for the methods that mean to bring one, none else: as browsers do. */
static void write_length(struct buf *out, const struct http_request *http)
{
    uint64_t len = body_bytes_of(http);
    if (len || is_method(http, "POST") || is_method(http, "PUT") || is_method(http, "PATCH"))
        buf_printf(out, "Content-Length: %" PRIu64 "\r\n", len);
}

static struct bytes write_head(const struct transport_request *request, struct buf *out)
{
    const struct http_request *http = request->http;
    struct url url = {0};
    int parsed = url_parse(http->url, &url);
    assert(parsed == 0); /* native_request_is_valid() */
    buf_clear(out);
    buf_append_bytes(out, http->method);
    buf_append_text(out, url.target.ptr[0] == '?' ? " /" : " ");
    buf_append_bytes(out, url.target);
    buf_append_text(out, " HTTP/1.1\r\n");
    if (!http_headers_find(http->headers, http->header_count, bytes_of("host")).ptr)
        write_header(out, bytes_of("Host"), url.authority);
    for (size_t i = 0; i < http->header_count; i++) {
        if (is_written(&http->headers[i]))
            write_header(out, http->headers[i].name, http->headers[i].value);
    }
    if (request->cookies.len && http_text_is_one_line(request->cookies))
        write_header(out, bytes_of("Cookie"), request->cookies);
    write_length(out, http);
    buf_append(out, "\r\n", 2);
    return buf_bytes(out);
}

/* How long the body is with the slots' values in it. */
static uint64_t body_len(const struct transport_request *request)
{
    const struct request_cut *cut = request->cut;
    uint64_t len = cut->body.len;
    for (uint32_t i = 0; request->values && i < cut->slot_count; i++) {
        const struct request_slot *slot = &cut->slots[i];
        if (slot->is_in_body && request->values[slot->value].ptr)
            len = len - slot->len + request->values[slot->value].len;
    }
    return len;
}

/* Of a body that is made while it is sent, the bytes that may go now; of any other, all. */
static size_t write_body(struct transport_call *call, size_t head_len, struct bytes *all,
                         uint64_t body_len)
{
    const struct http_request *http = call->request.http;
    if (body_len == 0)
        return 0;
    if (http->source) {
        uint64_t sent = call->sent_bytes > head_len ? call->sent_bytes - head_len : 0;
        all[0] = sent < body_len ? native_body_block(call, sent) : (struct bytes){0};
        return all[0].len > 0;
    }
    if (!http->body_pieces) {
        all[0] = http->body;
        return 1;
    }
    assert(http->body_piece_count < REQUEST_CUT_MAX_PIECES);
    memcpy(all, http->body_pieces, http->body_piece_count * sizeof *all);
    return http->body_piece_count;
}

/* How many there are; of which *ret_body_len bytes at their end are the body, or begin it. */
static size_t write_pieces(struct transport_call *call, bool with_body,
                           struct native_pieces *pieces, uint64_t *ret_body_len)
{
    const struct transport_request *request = &call->request;
    if (request->cut) {
        bool has_cookies = request->cookies.len && http_text_is_one_line(request->cookies);
        *ret_body_len = body_len(request);
        return request_cut_pieces(request->cut, request->values,
                                  has_cookies ? request->cookies : (struct bytes){0}, request->http,
                                  &pieces->scratch, pieces->all);
    }
    uint64_t body_len = body_bytes_of(request->http);
    pieces->all[0] = write_head(request, &call->user->transport->request_text);
    pieces->end = pieces->all[0].len + (with_body ? body_len : 0);
    *ret_body_len = 0;
    return 1 + (with_body ? write_body(call, pieces->all[0].len, pieces->all + 1, body_len) : 0);
}

/* Drop `len` bytes at the end. */
static size_t cut_end(struct bytes *all, size_t count, uint64_t len)
{
    while (len && count) {
        struct bytes *last = &all[count - 1];
        size_t cut = len < last->len ? (size_t)len : last->len;
        last->len -= cut;
        len -= cut;
        count -= last->len == 0;
    }
    return count;
}

void native_request_pieces(struct transport_call *call, bool with_body,
                           struct native_pieces *pieces)
{
    uint64_t body_bytes = 0, total = 0, skipped = call->sent_bytes;
    size_t count = write_pieces(call, with_body, pieces, &body_bytes), first = 0;
    for (size_t i = 0; i < count; i++)
        total += pieces->all[i].len;
    if (call->request.cut && !with_body) {
        count = cut_end(pieces->all, count, body_bytes);
        total -= body_bytes;
    }
    if (call->request.cut)
        pieces->end = total;
    else if (call->request.http->source && skipped > pieces->all[0].len)
        skipped = pieces->all[0].len; /* what follows is not sent yet */
    for (; first < count && skipped >= pieces->all[first].len; first++)
        skipped -= pieces->all[first].len;
    if (first < count)
        pieces->all[first] = bytes_from(pieces->all[first], (size_t)skipped);
    pieces->first = (struct iovec *)(void *)&pieces->all[first];
    pieces->count = (int)(count - first);
    pieces->len = 0;
    for (size_t i = first; i < count; i++)
        pieces->len += pieces->all[i].len;
}
