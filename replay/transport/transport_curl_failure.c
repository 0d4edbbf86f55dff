/* transport_curl_failure.c - what libcurl's result codes stand for, in the words that the native
 * transport has for the same. */
#include <string.h>

#include "core/url.h"
#include "replay/transport/dial_race.h"
#include "replay/transport/transport_curl.h"
#include "replay/transport/transport_curl_tls.h"
#include "traces/content_stream.h"

/* 0: not known. */
static int os_error_of(const struct transport_call *call)
{
    long os_error = 0;
    if (call->socket_error)
        return call->socket_error;
    curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &os_error);
    return (int)os_error;
}

static enum failure timeout_failure(CURL *easy)
{
    curl_off_t pretransfer_us = 0;
    curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer_us);
    return pretransfer_us ? FAILURE_TIMEOUT : FAILURE_CONNECT_TIMEOUT;
}

/* The same code also stands for an answer that libcurl cannot read; only its text tells. */
static enum failure receive_failure(const struct transport_call *call)
{
    if (strstr(call->error_text, "chunked-encoding"))
        return FAILURE_PROTOCOL;
    if (strstr(call->error_text, "CONNECT tunnel failed")) /* by the proxy */
        return FAILURE_CONNECT;
    return strstr(call->error_text, "Too large") ? FAILURE_HEAD_TOO_LARGE : FAILURE_RESET;
}

/* Inside an answer's head it also stands for a line over libcurl's limit of 100 KB. */
static bool has_status(CURL *easy)
{
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status != 0;
}

enum failure tcurl_failure_of(const struct transport_call *call, CURLcode code)
{
    if (call->has_body_failed && code != CURLE_OK)
        return FAILURE_PLUGIN;
    switch (code) {
    case CURLE_OK:
        return FAILURE_NONE;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return FAILURE_DNS;
    case CURLE_COULDNT_CONNECT:
        return dial_failure_of(os_error_of(call));
    case CURLE_PROXY:
        return FAILURE_CONNECT;
    case CURLE_OPERATION_TIMEDOUT:
        return timeout_failure(call->easy);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_USE_SSL_FAILED:
        return FAILURE_TLS;
    case CURLE_PEER_FAILED_VERIFICATION:
        return FAILURE_CERTIFICATE;
    case CURLE_GOT_NOTHING:
        return FAILURE_CLOSED;
    case CURLE_PARTIAL_FILE:
        return FAILURE_TRUNCATED;
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2_STREAM:
        return FAILURE_RESET;
    case CURLE_RECV_ERROR:
        return receive_failure(call);
    case CURLE_WRITE_ERROR: /* ours: over a limit */
        return buf_failed(&call->header_text) ? FAILURE_HEAD_TOO_LARGE : FAILURE_BODY_TOO_LARGE;
    case CURLE_FILESIZE_EXCEEDED:
        return FAILURE_BODY_TOO_LARGE;
    case CURLE_BAD_CONTENT_ENCODING:
        return FAILURE_CODING;
    case CURLE_OUT_OF_MEMORY:
        return has_status(call->easy) ? FAILURE_HEAD_TOO_LARGE : FAILURE_NO_FILES;
    default:
        return FAILURE_PROTOCOL;
    }
}

/* ---- in words ---- */

/* libcurl's line without what it puts before and behind the reason: "Recv failure: Connection reset
 * by peer", "OpenSSL SSL_connect: Connection reset by peer in connection to localhost:443",
 * "error:0A00010B:SSL routines::wrong version number". */
static struct bytes reason_of(const char *text)
{
    static const char *const before[] = {
        "Recv failure: ", "Send failure: ", "OpenSSL SSL_connect: ", "::"};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        const char *found = strstr(text, before[i]);
        if (found)
            text = found + strlen(before[i]);
    }
    const char *end = strstr(text, " in connection to");
    if (strncmp(text, "SSL_ERROR_", strlen("SSL_ERROR_")) == 0) /* nothing behind it says more */
        return bytes_of("closed by the target");
    return end ? bytes_make(text, (size_t)(end - text)) : bytes_of(text);
}

/* Where, and what the system said of it. */
static bool say_connect(const struct transport_call *call, const struct url *url, char *out,
                        size_t size)
{
    int os_error = os_error_of(call);
    const char *said = os_error ? strerrordesc_np(os_error) : NULL;
    if (!said)
        return false;
    snprintf(out, size, "%.*s port %u: %s", BYTES_ARG(url->host), (unsigned)url->port, said);
    return true;
}

/* What needs nothing of the call; NULL: libcurl's own words are as good. */
static const char *plain_text(const struct transport_call *call, enum failure failure)
{
    const char *const texts[FAILURE_COUNT] = {
        [FAILURE_CONNECT_TIMEOUT] = "no connection in time",
        [FAILURE_TIMEOUT] = call->has_limit ? TRANSPORT_LIMITED : "no whole answer in time",
        [FAILURE_CLOSED] = "closed without an answer",
        [FAILURE_TRUNCATED] = "closed inside the answer",
        [FAILURE_HEAD_TOO_LARGE] = "the answer's headers are over 256 KiB, or a line of them over "
                                   "libcurl's 100 KB",
        [FAILURE_BODY_TOO_LARGE] = "the answer's body is over the limit",
        [FAILURE_CODING] = "the body is not in the coding that it says",
    };
    if (failure != FAILURE_PROTOCOL)
        return texts[failure];
    if (strstr(call->error_text, "chunk"))
        return "the answer's chunks are broken";
    if (strstr(call->error_text, "Content-Length"))
        return "the answer's Content-Length is no length, or not one";
    if (strstr(call->error_text, "without colon"))
        return "a line of the answer's head is no header";
    bool is_other =
        strstr(call->error_text, "HTTP/0.9") || strstr(call->error_text, "HTTP version");
    return is_other ? "the answer is not HTTP/1" : NULL;
}

/* False: libcurl's own words are as good, or better: only it knows of a proxy where that is. */
static bool say(const struct transport_call *call, const struct url *url, enum failure failure,
                char *out, size_t size)
{
    bool is_shown_body = failure == FAILURE_BODY_TOO_LARGE && call->is_over_ratio;
    bool has_proxy = call->user->transport->options.proxy_url != NULL;
    struct bytes reason = reason_of(call->error_text);
    const char *text = is_shown_body ? CONTENT_RATIO_DETAIL : plain_text(call, failure);
    switch (failure) {
    case FAILURE_DNS:
        snprintf(out, size, "%.*s: the name was not resolved", BYTES_ARG(url->host));
        return !has_proxy;
    case FAILURE_CONNECT_REFUSED:
    case FAILURE_CONNECT:
    case FAILURE_NO_PORTS:
    case FAILURE_NO_FILES:
        return !has_proxy && say_connect(call, url, out, size);
    case FAILURE_TLS:
        snprintf(out, size, "TLS handshake with %.*s: %.*s", BYTES_ARG(url->host),
                 BYTES_ARG(reason));
        return !has_proxy;
    case FAILURE_CERTIFICATE:
        snprintf(out, size, "the certificate of %.*s: %s", BYTES_ARG(url->host),
                 trust_failure_text(call->easy));
        return !has_proxy;
    case FAILURE_RESET:
        snprintf(out, size, "%.*s", BYTES_ARG(reason));
        return true;
    default:
        snprintf(out, size, "%s", text ? text : "");
        return text != NULL;
    }
}

const char *tcurl_failure_detail(struct transport_call *call, CURLcode code)
{
    char text[sizeof call->error_text];
    struct url url;
    if (call->has_body_failed)
        return call->request.http->source->failure;
    if (url_parse(call->request.http->url, &url) == 0 &&
        say(call, &url, tcurl_failure_of(call, code), text, sizeof text))
        memcpy(call->error_text, text, sizeof text);
    return call->error_text[0] ? call->error_text : curl_easy_strerror(code);
}
