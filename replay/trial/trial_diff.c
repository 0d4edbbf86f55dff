/* trial_diff.c - what is no longer as it was in a request: method, URL, headers, body. */
#include "replay/trial/trial_watch.h"
#include "traces/digest.h"

enum { MAX_SHOWN_BYTES = 400 };

static void add_line(struct buf *out, char sign, const char *name, struct bytes value)
{
    buf_printf(out, "%c %s%.*s\n", sign, name, BYTES_ARG(value));
}

static bool is_text(struct bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        if (c < 0x20 || c == 0x7f)
            return false;
    }
    return bytes.len <= MAX_SHOWN_BYTES;
}

/* Binary, long, and of several lines: by length and hash. */
static void add_body(struct buf *out, char sign, struct bytes body)
{
    unsigned char digest[DIGEST_BYTES];
    char hex[17];
    if (is_text(body)) {
        add_line(out, sign, "body: ", body);
        return;
    }
    digest_of(body, digest);
    digest_hex(digest, 8, hex);
    buf_printf(out, "%c body: %zu bytes, sha256 %s...\n", sign, body.len, hex);
}

void trial_diff_body(struct buf *out, struct bytes before, struct bytes after)
{
    if (bytes_equal(before, after))
        return;
    if (before.len)
        add_body(out, '-', before);
    if (after.len)
        add_body(out, '+', after);
}

static bool has_header(const struct http_request *request, const struct http_header *wanted)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (bytes_equal_nocase(request->headers[i].name, wanted->name) &&
            bytes_equal(request->headers[i].value, wanted->value))
            return true;
    }
    return false;
}

static void add_headers(struct buf *out, char sign, const struct http_request *of,
                        const struct http_request *not_in)
{
    for (size_t i = 0; i < of->header_count; i++) {
        const struct http_header *header = &of->headers[i];
        if (!has_header(not_in, header))
            buf_printf(out, "%c %.*s: %.*s\n", sign, BYTES_ARG(header->name),
                       BYTES_ARG(header->value));
    }
}

static void diff_line(struct buf *out, const char *name, struct bytes before, struct bytes after)
{
    if (bytes_equal(before, after))
        return;
    add_line(out, '-', name, before);
    add_line(out, '+', name, after);
}

void trial_diff_request(struct buf *out, const struct http_request *before,
                        const struct http_request *after)
{
    diff_line(out, "method: ", before->method, after->method);
    diff_line(out, "url: ", before->url, after->url);
    add_headers(out, '-', before, after);
    add_headers(out, '+', after, before);
    if (after->source && after->source != before->source)
        buf_printf(out, "- body: %llu bytes\n+ body: %llu bytes, made while it is sent\n",
                   (unsigned long long)http_request_body_bytes(before),
                   (unsigned long long)after->source->body_bytes);
    else if (!after->source && !after->body_pieces)
        trial_diff_body(out, before->body, after->body);
}
