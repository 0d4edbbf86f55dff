/* transport_curl_body.c - bodies that libcurl asks for, or hands over, piece by piece. */
#include "replay/transport/transport_curl_headers.h"
#include "traces/content_stream.h"

/* libcurl's own default is four times as much, for each request that is sent at the moment. */
enum { UPLOAD_BUFFER_BYTES = 16 * 1024, DEFAULT_BUFFER_BYTES = 64 * 1024 };

/* What libcurl has in hand of a body may not be in its count yet. */
enum { READ_BUFFER_BYTES = CURL_MAX_WRITE_SIZE };

bool tcurl_reads_body(const struct http_request *http)
{
    return http->source || http->body_pieces;
}

/* As many bytes as there is room for and the pace allows. */
static size_t on_read(char *into, size_t size, size_t count, void *owner)
{
    struct transport_call *call = owner;
    const struct http_request *http = call->request.http;
    struct loop *loop = call->user->transport->loop;
    uint64_t now_us = loop->now_us, left = http_request_body_bytes(http) - call->body_sent;
    size_t most = left < size * count ? (size_t)left : size * count;
    if (!left)
        return 0;
    if (!call->pace.has_begun)
        body_pace_begin(&call->pace, http->source ? http->source->bytes_per_s : 0, now_us);
    size_t allowed = (size_t)body_pace_allows(&call->pace, most, now_us);
    uint64_t next_us = body_pace_next_us(&call->pace, most, now_us);
    if (next_us > now_us && allowed < most) {
        timers_set(&loop->timers, &call->body_timer, next_us);
        return CURL_READFUNC_PAUSE;
    }
    ssize_t got = http_request_read_body(http, call->body_sent, into, allowed);
    if (got <= 0) {
        call->has_body_failed = true;
        return CURL_READFUNC_ABORT;
    }
    body_pace_spend(&call->pace, (uint64_t)got);
    call->body_sent += (uint64_t)got;
    if ((uint64_t)got == left)
        call->body_ended_us = loop_read_clock(loop);
    return (size_t)got;
}

/* A connection that was kept turned out to be gone: from the beginning again. */
static int on_seek(void *owner, curl_off_t offset, int origin)
{
    struct transport_call *call = owner;
    if (origin != SEEK_SET || offset < 0)
        return CURL_SEEKFUNC_CANTSEEK;
    call->body_sent = (uint64_t)offset;
    call->body_ended_us = 0;
    call->pace.has_begun = false;
    return CURL_SEEKFUNC_OK;
}

void tcurl_body_on_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct transport_call *call = owner;
    (void)timer;
    (void)now_us;
    curl_easy_pause(call->easy, CURLPAUSE_CONT);
    tcurl_multi_act(call->multi, CURL_SOCKET_TIMEOUT, 0);
}

void tcurl_body_apply(struct transport_call *call)
{
    const struct http_request *http = call->request.http;
    const struct http_body_source *source = http->source;
    bool is_read = tcurl_reads_body(http);
    uint64_t timeout_us = tcurl_timeout_us(call);
    CURL *easy = call->easy;
    curl_off_t len = (curl_off_t)http_request_body_bytes(http);
    const char *body = http->body.ptr ? http->body.ptr : "";
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, len);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, is_read ? NULL : body);
    if (!is_read)
        return;
    call->has_body_options = true;
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, call);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, call);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER_BYTES);
    /* The time that the pace takes is not the target's. */
    if (source)
        timeout_us += body_pace_takes_us(source->body_bytes, source->bytes_per_s);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(timeout_us / 1000));
}

void tcurl_body_fini(struct transport_call *call)
{
    struct transport *transport = call->user->transport;
    timers_cancel(&transport->loop->timers, &call->body_timer);
    call->answered_us = 0;
    if (!call->has_body_options) /* whether any of it was read or not */
        return;
    call->has_body_options = false;
    curl_easy_setopt(call->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)DEFAULT_BUFFER_BYTES);
    curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, (long)(transport->options.timeout_us / 1000));
    call->pace.has_begun = false;
    call->body_sent = call->body_ended_us = 0;
}

/* Of an answer that is only shown: one that is kept has its buffer's end. libcurl decodes, so that
 * what is not coded is told from what is by their counts alone. */
static bool is_over_ratio(struct transport_call *call, size_t len)
{
    curl_off_t coded_bytes = 0;
    call->shown_bytes += len;
    if (call->request.keeps_body || call->shown_bytes <= CONTENT_FREE_BYTES)
        return false;
    curl_easy_getinfo(call->easy, CURLINFO_SIZE_DOWNLOAD_T, &coded_bytes);
    return call->shown_bytes > content_most_bytes((uint64_t)coded_bytes + READ_BUFFER_BYTES);
}

/* To the viewer. False: it wants no more. */
static bool show(struct transport_call *call, struct bytes piece)
{
    const struct transport_request *request = &call->request;
    struct http_header headers[CALL_MAX_HEADERS];
    struct transport_result so_far;
    if (!request->viewer->wants_so_far)
        return request->viewer->on_body(request->owner, NULL, piece);
    tcurl_result_so_far(call, headers, &so_far);
    return request->viewer->on_body(request->owner, &so_far, piece);
}

size_t tcurl_body_take(char *data, size_t size, size_t count, void *owner)
{
    struct transport_call *call = owner;
    size_t len = size * count;
    if (call->request.keeps_body && buf_append(&call->body, data, len))
        return 0; /* libcurl ends the transfer with CURLE_WRITE_ERROR */
    if (call->was_shown && is_over_ratio(call, len)) {
        call->is_over_ratio = true;
        return 0;
    }
    if (call->was_shown && len)
        call->is_cut = !show(call, bytes_make(data, len));
    return call->is_cut ? 0 : len;
}
