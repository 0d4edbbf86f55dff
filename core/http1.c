/* http1.c - reads HTTP/1 message heads where they lie. */
#include "core/http1.h"

enum { MAX_METHOD_BYTES = 32 };

/* tchar of RFC 9110 5.6.2. */
static bool is_token_char(char c)
{
    return ascii_is_alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

bool http1_is_token(struct bytes in)
{
    for (size_t i = 0; i < in.len; i++) {
        if (!is_token_char(in.ptr[i]))
            return false;
    }
    return in.len > 0;
}

/* The line at the start of *rest, without its end; *rest moves behind it. False: no LF yet. */
static bool take_line(struct bytes *rest, struct bytes *ret_line)
{
    size_t at = bytes_index_of(*rest, '\n');
    if (at == rest->len)
        return false;
    size_t len = at && rest->ptr[at - 1] == '\r' ? at - 1 : at;
    *ret_line = bytes_make(rest->ptr, len);
    *rest = bytes_from(*rest, at + 1);
    return true;
}

/* A CR that ends no line, or a NUL: whoever reads the line next may see two of it. */
static bool has_line_breaker(struct bytes line)
{
    return bytes_index_of(line, '\r') != line.len || bytes_index_of(line, '\0') != line.len;
}

static struct bytes skip_empty_lines(struct bytes in)
{
    while (in.len && (in.ptr[0] == '\r' || in.ptr[0] == '\n'))
        in = bytes_from(in, 1);
    return in;
}

/* "HTTP/1.x" at the start; case matters (RFC 9112 2.3). */
static int parse_version(struct bytes in, int *ret_minor)
{
    if (in.len < 8 || !bytes_starts_with(in, bytes_of("HTTP/1.")) || !ascii_is_digit(in.ptr[7]))
        return -1;
    *ret_minor = in.ptr[7] - '0';
    return 0;
}

static int parse_request_line(struct bytes line, struct http1_head *head)
{
    size_t space = bytes_index_of(line, ' ');
    head->method = bytes_make(line.ptr, space);
    if (space == line.len || space > MAX_METHOD_BYTES || !http1_is_token(head->method) ||
        has_line_breaker(line))
        return -1;
    struct bytes rest = bytes_trim(bytes_from(line, space + 1));
    if (rest.len < 10) /* one byte, a space and the version */
        return -1;
    struct bytes version = bytes_from(rest, rest.len - 8);
    head->target = bytes_trim(bytes_make(rest.ptr, rest.len - 8));
    if (rest.ptr[rest.len - 9] != ' ' || head->target.len == 0)
        return -1;
    return parse_version(version, &head->minor_version);
}

static int parse_status_line(struct bytes line, struct http1_head *head)
{
    if (parse_version(line, &head->minor_version))
        return -1;
    struct bytes rest = bytes_from(line, 8);
    if (rest.len < 4 || rest.ptr[0] != ' ')
        return -1;
    rest = bytes_trim(rest);
    uint64_t status;
    if (rest.len < 3 || !bytes_to_u64(bytes_make(rest.ptr, 3), &status) || status < 100)
        return -1;
    if (rest.len > 3 && rest.ptr[3] != ' ')
        return -1;
    head->status = (int)status;
    head->reason = bytes_trim(bytes_from(rest, 3));
    return 0;
}

/* A header line; or a line that continues the one before it (obs-fold). */
static int parse_header_line(struct bytes line, struct http1_head *head)
{
    if (memchr(line.ptr, '\0', line.len))
        return -1;
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t') {
        if (!head->header_count) {
            head->has_bad_line = true;
            return 0;
        }
        struct bytes *value = &head->headers[head->header_count - 1].value;
        struct bytes more = bytes_trim(line);
        if (value->len == 0)
            *value = more;
        else if (more.len)
            value->len = (size_t)(more.ptr + more.len - value->ptr);
        head->has_folded_value = true;
        return 0;
    }
    size_t colon = bytes_index_of(line, ':');
    /* Space before the colon is forbidden (RFC 9112 5.1) and seen: keep the name without it. */
    struct bytes name = bytes_trim(bytes_make(line.ptr, colon));
    if (colon == line.len || name.len == 0) {
        head->has_bad_line = true;
        return 0;
    }
    if (head->header_count == HTTP1_MAX_HEADERS)
        return -1;
    head->headers[head->header_count++] =
        (struct http_header){.name = name, .value = bytes_trim(bytes_from(line, colon + 1))};
    return 0;
}

static ssize_t parse_headers(struct bytes in, struct bytes rest, struct http1_head *head)
{
    const char *start = rest.ptr;
    head->header_count = 0;
    head->has_folded_value = head->has_bad_line = false;
    for (;;) {
        const char *line_start = rest.ptr;
        struct bytes line;
        if (!take_line(&rest, &line))
            return HTTP1_NEED_MORE;
        if (line.len == 0) {
            head->header_block = bytes_make(start, (size_t)(line_start - start));
            return rest.ptr - in.ptr;
        }
        if (parse_header_line(line, head))
            return HTTP1_BAD;
    }
}

ssize_t http1_parse_request(struct bytes in, struct http1_head *head)
{
    struct bytes rest = skip_empty_lines(in);
    struct bytes line;
    if (!take_line(&rest, &line))
        return HTTP1_NEED_MORE;
    head->is_response = false;
    head->status = 0;
    head->reason = (struct bytes){0};
    if (parse_request_line(line, head))
        return HTTP1_BAD;
    return parse_headers(in, rest, head);
}

ssize_t http1_parse_response(struct bytes in, struct http1_head *head)
{
    struct bytes rest = skip_empty_lines(in);
    struct bytes line;
    if (!take_line(&rest, &line))
        return HTTP1_NEED_MORE;
    head->is_response = true;
    head->method = head->target = (struct bytes){0};
    if (parse_status_line(line, head))
        return HTTP1_BAD;
    return parse_headers(in, rest, head);
}

bool http1_looks_like_request(struct bytes in)
{
    in = skip_empty_lines(in);
    size_t i = 0;
    while (i < in.len && i <= MAX_METHOD_BYTES && is_token_char(in.ptr[i]))
        i++;
    if (i > MAX_METHOD_BYTES)
        return false;
    if (i == in.len)
        return true;
    if (i == 0 || in.ptr[i] != ' ')
        return false;
    /* Methods have capital letters in every protocol that looks like this one and is not it, too;
     * the target tells them apart: a path, "*", an absolute URL or, for CONNECT, an authority. */
    struct bytes target = bytes_trim(bytes_from(in, i + 1));
    if (target.len == 0)
        return true;
    char first = target.ptr[0];
    return first == '/' || first == '*' || ascii_is_alnum(first) || first == '[' || first == '?' ||
           first == '%';
}

bool http1_looks_like_response(struct bytes in)
{
    static const char start[] = "HTTP/1.";
    in = skip_empty_lines(in);
    size_t len = in.len < sizeof start - 1 ? in.len : sizeof start - 1;
    return bytes_equal(bytes_make(in.ptr, len), bytes_make(start, len));
}

struct bytes http1_header(const struct http1_head *head, const char *name)
{
    struct bytes wanted = bytes_of(name);
    for (size_t i = 0; i < head->header_count; i++) {
        if (bytes_equal_nocase(head->headers[i].name, wanted))
            return head->headers[i].value;
    }
    return (struct bytes){0};
}

bool http1_header_has_token(const struct http1_head *head, const char *name, const char *token)
{
    struct bytes wanted_name = bytes_of(name), wanted = bytes_of(token);
    for (size_t i = 0; i < head->header_count; i++) {
        if (!bytes_equal_nocase(head->headers[i].name, wanted_name))
            continue;
        struct bytes rest = head->headers[i].value, part;
        while (bytes_split(&rest, ',', &part)) {
            if (bytes_equal_nocase(bytes_trim(part), wanted))
                return true;
        }
    }
    return false;
}
