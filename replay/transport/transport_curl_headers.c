/* transport_curl_headers.c - a request as libcurl options, and libcurl's answer as a result. */
#include "replay/transport/transport_curl_headers.h"

#include <stdlib.h>

/* What libcurl would add by itself; the recorded client did not send them. */
static const char *const own_defaults[] = {"Accept", "Accept-Encoding", "Content-Type", "Expect"};

void header_list_fini(struct header_list *list)
{
    buf_fini(&list->text);
    free(list->nodes);
    *list = (struct header_list){0};
}

/* What says where the message ends is written by libcurl alone. */
static bool is_framing(struct bytes name)
{
    return bytes_equal_nocase(name, bytes_of("Content-Length")) ||
           bytes_equal_nocase(name, bytes_of("Transfer-Encoding"));
}

/* libcurl's notation: "Name: value", "Name;" for an empty value, "Name:" to leave its own out. */
static size_t write_lines(const struct http_request *http, struct buf *text)
{
    size_t count = 0;
    for (size_t i = 0; i < http->header_count; i++) {
        const struct http_header *header = &http->headers[i];
        if (!http_text_is_one_line(header->value) || !http_text_is_one_line(header->name) ||
            is_framing(header->name))
            continue;
        buf_append_bytes(text, header->name);
        buf_append_text(text, header->value.len ? ": " : ";");
        buf_append_bytes(text, header->value);
        buf_append_char(text, '\0');
        count++;
    }
    for (size_t i = 0; i < sizeof own_defaults / sizeof own_defaults[0]; i++) {
        if (http_headers_find(http->headers, http->header_count, bytes_of(own_defaults[i])).ptr)
            continue;
        buf_append_text(text, own_defaults[i]);
        buf_append(text, ":", 2); /* with its '\0' */
        count++;
    }
    return count;
}

/* libcurl only reads a list, so its nodes may be ours: one block, used again for the next request.
 */
static int header_list_make(struct header_list *list, const struct http_request *http)
{
    buf_clear(&list->text);
    list->text.max_len = HTTP_MAX_URL_BYTES + HTTP1_MAX_HEAD_BYTES;
    size_t count = write_lines(http, &list->text);
    if (buf_failed(&list->text) || count == 0)
        return -1;
    if (count > list->capacity) {
        struct curl_slist *nodes = realloc(list->nodes, count * sizeof *nodes);
        if (!nodes)
            return -1;
        list->nodes = nodes;
        list->capacity = count;
    }
    char *line = list->text.data;
    for (size_t i = 0; i < count; i++) {
        list->nodes[i].data = line;
        list->nodes[i].next = i + 1 < count ? &list->nodes[i + 1] : NULL;
        line += strlen(line) + 1;
    }
    return 0;
}

static int apply_headers(struct transport_call *call)
{
    if (header_list_make(&call->headers, call->request.http))
        return -1;
    return curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers.nodes) == CURLE_OK ? 0
                                                                                             : -1;
}

/* NUL-terminated in the transport's scratch; libcurl copies it. */
static const char *as_text(struct transport *transport, struct bytes bytes)
{
    buf_clear(&transport->scratch);
    return buf_append_bytes(&transport->scratch, bytes) ? NULL : buf_text(&transport->scratch);
}

static void apply_method(struct transport_call *call)
{
    const struct http_request *http = call->request.http;
    CURL *easy = call->easy;
    bool is_get = bytes_equal(http->method, bytes_of("GET"));
    bool is_post = bytes_equal(http->method, bytes_of("POST"));
    bool has_body = http_request_body_bytes(http) || is_post ||
                    bytes_equal(http->method, bytes_of("PUT")) ||
                    bytes_equal(http->method, bytes_of("PATCH"));
    /* A body means nothing there (RFC 9110 9.3.2), and with one libcurl would wait for another. */
    if (bytes_equal(http->method, bytes_of("HEAD"))) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    curl_easy_setopt(easy, has_body ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
    if (has_body)
        tcurl_body_apply(call);
    bool is_default = has_body ? is_post : is_get;
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
                     is_default ? NULL : as_text(call->user->transport, http->method));
}

/* libcurl writes the request itself: with the values in it. */
static int fill_slots(struct transport_request *request)
{
    if (!request->cut || request->is_filled || !request->cut->slot_count || !request->values)
        return 0;
    struct http_request *filled = arena_alloc(request->http->arena, sizeof *filled);
    if (!filled)
        return -1;
    *filled = *request->http;
    request->http = filled;
    return request_cut_fill(request->cut, request->values, filled);
}

/* Where requests may share a connection, the first one's is waited for, as browsers do: else each
 * that starts before its handshake is over opens one of its own. */
static long may_be_h2(const struct transport *transport, struct bytes url)
{
    enum transport_http http = transport->options.http;
    bool is_secure = url.len > 5 && bytes_equal_nocase(bytes_make(url.ptr, 5), bytes_of("https"));
    return http == TRANSPORT_HTTP_2 || (http == TRANSPORT_HTTP_AUTO && is_secure);
}

int tcurl_request_apply(struct transport_call *call)
{
    struct transport *transport = call->user->transport;
    const struct transport_request *request = &call->request;
    if (fill_slots(&call->request))
        return -1;
    const char *url = as_text(transport, request->http->url);
    if (!url || curl_easy_setopt(call->easy, CURLOPT_URL, url) != CURLE_OK)
        return -1;
    apply_method(call);
    curl_easy_setopt(call->easy, CURLOPT_PIPEWAIT, may_be_h2(transport, request->http->url));
    curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, (long)request->closes_connection);
    bool has_cookies = request->cookies.len && http_text_is_one_line(request->cookies);
    const char *cookies = has_cookies ? as_text(transport, request->cookies) : NULL;
    curl_easy_setopt(call->easy, CURLOPT_COOKIE, cookies);
    /* Decodes what is looked at; the header list says what is asked for. */
    bool is_seen = request->keeps_body || request->viewer;
    curl_easy_setopt(call->easy, CURLOPT_ACCEPT_ENCODING, is_seen ? "" : NULL);
    return apply_headers(call);
}

int tcurl_header_keep(struct transport_call *call, struct bytes line)
{
    if (bytes_starts_with_nocase(line, bytes_of("HTTP/"))) {
        buf_clear(&call->header_text); /* what came before was an interim answer */
        return 0;
    }
    if (!call->request.keeps_headers && !bytes_starts_with_nocase(line, bytes_of("set-cookie:")))
        return 0;
    while (line.len && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
        line.len--;
    if (line.len == 0)
        return 0;
    buf_append_bytes(&call->header_text, line);
    return buf_append_char(&call->header_text, '\n');
}

static size_t split_headers(const struct buf *text, struct http_header *headers)
{
    struct bytes rest = buf_bytes(text), line;
    size_t count = 0;
    while (count < CALL_MAX_HEADERS && bytes_split(&rest, '\n', &line)) {
        size_t colon = bytes_index_of(line, ':');
        if (colon < line.len)
            headers[count++] = (struct http_header){bytes_trim(bytes_make(line.ptr, colon)),
                                                    bytes_trim(bytes_from(line, colon + 1))};
    }
    return count;
}

/* libcurl takes what TLS settles on, whatever it was told. */
static bool has_other_version(const struct transport_call *call)
{
    long version = 0;
    if (call->user->transport->options.http != TRANSPORT_HTTP_2)
        return false;
    curl_easy_getinfo(call->easy, CURLINFO_HTTP_VERSION, &version);
    return version != CURL_HTTP_VERSION_2_0;
}

void tcurl_head_show(struct transport_call *call)
{
    struct http_header headers[CALL_MAX_HEADERS];
    struct http_response head = {.headers = headers};
    long status = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200)
        return;
    head.status = (int)status;
    head.header_count = split_headers(&call->header_text, headers);
    call->was_shown = true;
    call->request.viewer->on_head(call->request.owner, &head);
}

static uint64_t info_us(CURL *easy, CURLINFO info)
{
    curl_off_t value = 0;
    curl_easy_getinfo(easy, info, &value);
    return value > 0 ? (uint64_t)value : 0;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/*
 * libcurl's moments count from the start of the transfer; each is 0 when it was not reached.
 * Sending begins when the connection is there, at once on one in use. CURLINFO_PRETRANSFER_TIME is
 * not used: it is stamped behind the first send, so that an answer may seem to come before its
 * request left.
 */
static void fill_times(const struct transport_call *call, struct transport_result *result)
{
    CURL *easy = call->easy;
    uint64_t dns_us = info_us(easy, CURLINFO_NAMELOOKUP_TIME_T);
    uint64_t connected_us = info_us(easy, CURLINFO_CONNECT_TIME_T);
    uint64_t tls_us = info_us(easy, CURLINFO_APPCONNECT_TIME_T);
    uint64_t first_us = info_us(easy, CURLINFO_STARTTRANSFER_TIME_T);
    uint64_t total_us = info_us(easy, CURLINFO_TOTAL_TIME_T);
    uint64_t ready_us = 0;
    long connects = 0;
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    if (connects) {
        result->dns_us = dns_us;
        result->connect_us = minus(connected_us, dns_us);
        result->tls_us = tls_us ? minus(tls_us, connected_us) : 0;
        ready_us = dns_us + result->connect_us + result->tls_us;
    } else if (call->may_wait) { /* for one of the user's connections: libcurl marks its end so */
        result->connect_us = ready_us = dns_us;
    }
    if (!info_us(easy, CURLINFO_PRETRANSFER_TIME_T)) /* never got as far as sending */
        return;
    if (first_us < ready_us)
        first_us = total_us;
    /* When the last byte of the request left is not told: sending is part of waiting, unless
     * libcurl has asked for the body. It takes the first byte of that for the answer's, too. */
    if (call->answered_us) {
        uint64_t answered_us = minus(call->answered_us, call->started_us);
        first_us = total_us && answered_us > total_us ? total_us : answered_us;
    }
    uint64_t sent_us = minus(call->body_ended_us, call->started_us);
    if (call->body_ended_us && sent_us > ready_us)
        result->sending_us = minus(sent_us < first_us ? sent_us : first_us, ready_us);
    result->waiting_us = minus(first_us, ready_us + result->sending_us);
    result->receiving_us = minus(total_us, first_us);
}

/* libcurl sends a small body with its head and counts it in both. */
static bool is_sent_with_head(const struct http_request *http)
{
    enum { SMALL_BYTES = 64 * 1024 };
    return !tcurl_reads_body(http) && http->body.len < SMALL_BYTES &&
           !http_headers_find(http->headers, http->header_count, bytes_of("Expect")).ptr;
}

void tcurl_result_so_far(struct transport_call *call, struct http_header *headers,
                         struct transport_result *ret_result)
{
    long status = 0;
    *ret_result = (struct transport_result){.was_shown = true};
    fill_times(call, ret_result);
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    ret_result->body_bytes = info_us(call->easy, CURLINFO_SIZE_DOWNLOAD_T);
    ret_result->response.status = (int)status;
    ret_result->response.headers = headers;
    ret_result->response.header_count = split_headers(&call->header_text, headers);
}

void tcurl_result_fill(struct transport_call *call, CURLcode code, struct http_header *headers,
                       struct transport_result *ret_result)
{
    long status = 0, header_bytes = 0, request_bytes = 0;
    CURL *easy = call->easy;
    struct transport_result result = {.failure = tcurl_failure_of(call, code),
                                      .was_shown = call->was_shown};
    fill_times(call, &result);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_HEADER_SIZE, &header_bytes);
    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    result.bytes_sent = (uint64_t)request_bytes;
    if (!is_sent_with_head(call->request.http))
        result.bytes_sent += info_us(easy, CURLINFO_SIZE_UPLOAD_T);
    result.body_bytes = info_us(easy, CURLINFO_SIZE_DOWNLOAD_T);
    result.bytes_received = (uint64_t)header_bytes + result.body_bytes;
    if (result.failure == FAILURE_NONE && has_other_version(call)) {
        result.failure = FAILURE_PROTOCOL;
        result.detail = "the target does not speak HTTP/2";
    } else if (result.failure == FAILURE_NONE) {
        result.response.status = (int)status;
        result.response.headers = headers;
        result.response.header_count = split_headers(&call->header_text, headers);
        if (call->request.keeps_body)
            result.response.body = buf_bytes(&call->body);
    } else {
        result.detail = tcurl_failure_detail(call, code);
    }
    *ret_result = result;
}
