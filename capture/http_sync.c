/* http_sync.c - recognises where an HTTP/1 message begins. */
#include "capture/http_sync.h"

enum { MAX_METHOD_BYTES = 32, STATUS_LINE_BYTES = 12 /* "HTTP/1.1 200" */ };

static bool has_known_method(struct bytes in, size_t *ret_len)
{
    static const char *const methods[] = {"GET ",     "POST ",  "PUT ",     "HEAD ", "DELETE ",
                                          "OPTIONS ", "PATCH ", "CONNECT ", "TRACE "};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct bytes method = bytes_of(methods[i]);
        if (bytes_starts_with(in, method)) {
            *ret_len = method.len;
            return true;
        }
    }
    return false;
}

static bool is_method_char(char c)
{
    return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

/* "METHOD target HTTP/1.x", the whole line. */
static bool is_request_line(struct bytes line)
{
    size_t i = 0;
    while (i < line.len && i < MAX_METHOD_BYTES && is_method_char(line.ptr[i]))
        i++;
    if (i < 3 || i == line.len || line.ptr[i] != ' ' || line.len < i + 11)
        return false;
    struct bytes version = bytes_from(line, line.len - 9);
    return bytes_starts_with(version, bytes_of(" HTTP/1.")) && ascii_is_digit(version.ptr[8]);
}

bool http_sync_is_request(struct bytes in)
{
    size_t end = bytes_index_of(in, '\n');
    if (end < in.len) {
        if (end && in.ptr[end - 1] == '\r')
            end--;
        return is_request_line(bytes_make(in.ptr, end));
    }
    size_t method;
    if (!has_known_method(in, &method) || method == in.len)
        return false;
    char first = in.ptr[method];
    return first == '/' || first == '*' || ascii_is_alnum(first);
}

bool http_sync_is_response(struct bytes in)
{
    if (in.len < STATUS_LINE_BYTES || !bytes_starts_with(in, bytes_of("HTTP/1.")))
        return false;
    return ascii_is_digit(in.ptr[7]) && in.ptr[8] == ' ' && in.ptr[9] >= '1' && in.ptr[9] <= '9' &&
           ascii_is_digit(in.ptr[10]) && ascii_is_digit(in.ptr[11]) &&
           (in.len == STATUS_LINE_BYTES || in.ptr[12] == ' ' || in.ptr[12] == '\r' ||
            in.ptr[12] == '\n');
}

static bool is_behind_blank_line(struct bytes in, size_t at)
{
    if (at >= 2 && in.ptr[at - 1] == '\n' && in.ptr[at - 2] == '\n')
        return true;
    return at >= 3 && in.ptr[at - 1] == '\n' && in.ptr[at - 2] == '\r' && in.ptr[at - 3] == '\n';
}

/* The next place worth a look at or behind `from`: behind a line end, or at an 'H'. */
static size_t next_place(struct bytes in, size_t from, char mark)
{
    return from + bytes_index_of(bytes_from(in, from), mark);
}

size_t http_sync_find(struct bytes in, bool is_response, enum http_sync_places places)
{
    if (is_response ? http_sync_is_response(in) : http_sync_is_request(in))
        return 0;
    if (places == HTTP_SYNC_AT_START)
        return in.len;
    if (is_response && places == HTTP_SYNC_ANYWHERE) {
        for (size_t at = 1; (at = next_place(in, at, 'H')) < in.len; at++) {
            if (http_sync_is_response(bytes_from(in, at)))
                return at;
        }
        return in.len;
    }
    for (size_t at = 0; (at = next_place(in, at, '\n')) < in.len; at++) {
        struct bytes rest = bytes_from(in, at + 1);
        if (is_behind_blank_line(in, at + 1) &&
            (is_response ? http_sync_is_response(rest) : http_sync_is_request(rest)))
            return at + 1;
    }
    return in.len;
}

/* SOCKS 4 (command 1 or 2) and 5 (RFC 1928: as many methods as announced). */
bool http_sync_is_socks(struct bytes in)
{
    if (in.len >= 8 && in.ptr[0] == 4 && (in.ptr[1] == 1 || in.ptr[1] == 2))
        return true;
    return in.len >= 3 && in.ptr[0] == 5 && in.ptr[1] > 0 && in.len == 2 + (size_t)in.ptr[1];
}

/* The line, or the block, that a balancer puts ahead of the client's bytes (PROXY protocol 1, 2).
 */
size_t http_sync_proxy_line(struct bytes in)
{
    static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";
    if (bytes_starts_with(in, bytes_of("PROXY "))) {
        size_t end = bytes_index_of(in, '\n');
        return end < in.len && end <= 107 ? end + 1 : 0;
    }
    if (in.len < 16 || memcmp(in.ptr, signature, sizeof signature - 1) != 0)
        return 0;
    size_t len = 16 + (((size_t)(unsigned char)in.ptr[14] << 8) | (unsigned char)in.ptr[15]);
    return len <= in.len ? len : 0;
}
