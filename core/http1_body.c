/* http1_body.c - finds the end of an HTTP/1 body by its framing. */
#include "core/http1_body.h"

/* A chunk-size of more digits cannot be a length of real bytes (2^60 is an exabyte). */
enum { MAX_SIZE_DIGITS = 15 };

static void set_framing(struct http1_body *body, enum http1_framing framing, uint64_t length)
{
    *body = (struct http1_body){.framing = framing, .left_bytes = length};
    body->is_done = framing == HTTP1_NO_BODY || (framing == HTTP1_LENGTH && length == 0);
}

/* 1: found, 0: none, -1: not a number, or several that differ (RFC 9112 6.3, 5). */
static int content_length(const struct http1_head *head, uint64_t *ret_length)
{
    bool is_found = false;
    for (size_t i = 0; i < head->header_count; i++) {
        if (!bytes_equal_nocase(head->headers[i].name, bytes_of("content-length")))
            continue;
        struct bytes rest = head->headers[i].value, part;
        while (bytes_split(&rest, ',', &part)) {
            uint64_t length;
            if (!bytes_to_u64(bytes_trim(part), &length) || length > INT64_MAX)
                return -1;
            if (is_found && length != *ret_length)
                return -1;
            *ret_length = length;
            is_found = true;
        }
    }
    return is_found;
}

struct codings {
    bool has_chunked;
    bool is_chunked_last;
    bool has_others;
};

/* "identity" was one until RFC 7230 and means none: who still says it goes by Content-Length. */
static struct codings transfer_codings(const struct http1_head *head)
{
    struct codings codings = {0};
    for (size_t i = 0; i < head->header_count; i++) {
        struct bytes rest = head->headers[i].value, part;
        if (!bytes_equal_nocase(head->headers[i].name, bytes_of("transfer-encoding")))
            continue;
        while (bytes_split(&rest, ',', &part)) {
            part = bytes_trim(part);
            if (part.len == 0 || bytes_equal_nocase(part, bytes_of("identity")))
                continue;
            codings.is_chunked_last = bytes_equal_nocase(part, bytes_of("chunked"));
            codings.has_chunked |= codings.is_chunked_last;
            codings.has_others |= !codings.is_chunked_last;
        }
    }
    return codings;
}

bool http1_has_coded_transfer(const struct http1_head *head)
{
    return transfer_codings(head).has_others;
}

int http1_request_body(const struct http1_head *head, struct http1_body *body)
{
    uint64_t length = 0;
    set_framing(body, HTTP1_NO_BODY, 0);
    if (transfer_codings(head).has_chunked) {
        set_framing(body, HTTP1_CHUNKED, 0);
        return 0;
    }
    int found = content_length(head, &length);
    if (found < 0)
        return -1;
    if (found)
        set_framing(body, HTTP1_LENGTH, length);
    return 0;
}

int http1_response_body(const struct http1_head *head, struct bytes method, struct http1_body *body)
{
    uint64_t length = 0;
    int status = head->status;
    set_framing(body, HTTP1_NO_BODY, 0);
    bool is_connect = bytes_equal(method, bytes_of("CONNECT"));
    if (status == 101 || (is_connect && status / 100 == 2)) {
        set_framing(body, HTTP1_TUNNEL, 0);
        return 0;
    }
    if (bytes_equal(method, bytes_of("HEAD")) || status / 100 == 1 || status == 204 ||
        status == 304)
        return 0;
    struct codings codings = transfer_codings(head);
    if (codings.has_chunked || codings.has_others) { /* Content-Length does not count beside it */
        set_framing(body, codings.is_chunked_last ? HTTP1_CHUNKED : HTTP1_UNTIL_CLOSE, 0);
        return 0;
    }
    int found = content_length(head, &length);
    if (found < 0)
        return -1;
    if (found)
        set_framing(body, HTTP1_LENGTH, length);
    else
        set_framing(body, HTTP1_UNTIL_CLOSE, 0);
    return 0;
}

static size_t take_data(struct http1_body *body, struct bytes in, struct http1_piece *piece)
{
    size_t len = in.len < body->left_bytes ? in.len : (size_t)body->left_bytes;
    *piece = (struct http1_piece){HTTP1_PIECE_DATA, bytes_make(in.ptr, len)};
    body->left_bytes -= len;
    return len;
}

/* The end of a chunk-size line: on to the data, or after the last chunk to the trailers. */
static void end_size_line(struct http1_body *body)
{
    body->chunk_state = body->left_bytes ? HTTP1_CHUNK_DATA : HTTP1_CHUNK_TRAILER;
    body->size_digits = 0;
    body->trailer_bytes = 0;
}

/* chunk-size [ chunk-ext ] CRLF, where a line of several reads may be cut anywhere. */
static ssize_t take_size_line(struct http1_body *body, struct bytes in)
{
    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        if (c == '\n') {
            if (body->size_digits == 0)
                return HTTP1_BAD;
            end_size_line(body);
            return (ssize_t)i + 1;
        }
        if (body->chunk_state == HTTP1_CHUNK_EXTENSION)
            continue;
        int digit = ascii_hex_value(c);
        if (digit >= 0) {
            if (++body->size_digits > MAX_SIZE_DIGITS && body->left_bytes >> 56)
                return HTTP1_BAD;
            body->left_bytes = body->left_bytes << 4 | (uint64_t)digit;
        } else if (body->size_digits && (c == ';' || c == ' ' || c == '\t' || c == '\r')) {
            body->chunk_state = HTTP1_CHUNK_EXTENSION;
        } else {
            return HTTP1_BAD;
        }
    }
    return (ssize_t)in.len;
}

/* CRLF, or LF alone, behind a chunk's data. */
static ssize_t take_data_end(struct http1_body *body, struct bytes in)
{
    if (in.ptr[0] == '\r' && body->chunk_state == HTTP1_CHUNK_DATA_END) {
        body->chunk_state = HTTP1_CHUNK_DATA_LF;
        return 1;
    }
    if (in.ptr[0] != '\n')
        return HTTP1_BAD;
    body->chunk_state = HTTP1_CHUNK_SIZE;
    body->left_bytes = 0;
    return 1;
}

/*
 * Header lines up to an empty one (RFC 9112 7.1.2). The empty line itself is framing. A line must
 * not begin with a CR that does not end it: its piece could not be told from framing at a cut.
 */
static ssize_t take_trailer(struct http1_body *body, struct bytes in, struct http1_piece *piece)
{
    if (body->chunk_state != HTTP1_CHUNK_TRAILER_LINE) {
        if (in.ptr[0] == '\n') {
            body->is_done = true;
            return 1;
        }
        if (body->chunk_state == HTTP1_CHUNK_LAST_LF)
            return HTTP1_BAD;
        if (in.ptr[0] == '\r') {
            body->chunk_state = HTTP1_CHUNK_LAST_LF;
            return 1;
        }
    }
    size_t end = bytes_index_of(in, '\n');
    size_t used = end == in.len ? end : end + 1;
    if (used > HTTP1_MAX_HEAD_BYTES - body->trailer_bytes)
        return HTTP1_BAD;
    body->trailer_bytes += (uint32_t)used;
    body->chunk_state = end == in.len ? HTTP1_CHUNK_TRAILER_LINE : HTTP1_CHUNK_TRAILER;
    *piece = (struct http1_piece){HTTP1_PIECE_TRAILER, bytes_make(in.ptr, used)};
    return (ssize_t)used;
}

static ssize_t next_chunked(struct http1_body *body, struct bytes in, struct http1_piece *piece)
{
    size_t used;
    switch (body->chunk_state) {
    case HTTP1_CHUNK_SIZE:
    case HTTP1_CHUNK_EXTENSION:
        return take_size_line(body, in);
    case HTTP1_CHUNK_DATA:
        used = take_data(body, in, piece);
        if (body->left_bytes == 0)
            body->chunk_state = HTTP1_CHUNK_DATA_END;
        return (ssize_t)used;
    case HTTP1_CHUNK_DATA_END:
    case HTTP1_CHUNK_DATA_LF:
        return take_data_end(body, in);
    case HTTP1_CHUNK_TRAILER:
    case HTTP1_CHUNK_TRAILER_LINE:
    case HTTP1_CHUNK_LAST_LF:
        return take_trailer(body, in, piece);
    }
    return HTTP1_BAD;
}

ssize_t http1_body_next(struct http1_body *body, struct bytes in, struct http1_piece *piece)
{
    *piece = (struct http1_piece){.kind = HTTP1_PIECE_NONE};
    if (body->is_done || in.len == 0)
        return 0;
    switch (body->framing) {
    case HTTP1_LENGTH: {
        size_t used = take_data(body, in, piece);
        body->is_done = body->left_bytes == 0;
        return (ssize_t)used;
    }
    case HTTP1_CHUNKED:
        return next_chunked(body, in, piece);
    case HTTP1_UNTIL_CLOSE:
    case HTTP1_TUNNEL:
        *piece = (struct http1_piece){HTTP1_PIECE_DATA, in};
        return (ssize_t)in.len;
    case HTTP1_NO_BODY:
        break;
    }
    return 0;
}

bool http1_body_skip(struct http1_body *body, uint64_t lost_bytes)
{
    if (lost_bytes == 0)
        return true;
    if (body->is_done)
        return false;
    switch (body->framing) {
    case HTTP1_UNTIL_CLOSE:
        return true;
    case HTTP1_LENGTH:
        if (lost_bytes > body->left_bytes)
            return false;
        body->left_bytes -= lost_bytes;
        body->is_done = body->left_bytes == 0;
        return true;
    case HTTP1_CHUNKED:
        if (body->chunk_state != HTTP1_CHUNK_DATA || lost_bytes > body->left_bytes)
            return false;
        body->left_bytes -= lost_bytes;
        if (body->left_bytes == 0)
            body->chunk_state = HTTP1_CHUNK_DATA_END;
        return true;
    case HTTP1_NO_BODY:
    case HTTP1_TUNNEL:
        break;
    }
    return false;
}

bool http1_body_close(struct http1_body *body)
{
    if (body->framing == HTTP1_UNTIL_CLOSE)
        body->is_done = true;
    return body->is_done;
}
