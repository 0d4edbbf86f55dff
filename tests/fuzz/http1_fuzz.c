/* http1_fuzz.c - any bytes as a request head and as a response head; views stay inside them. */
#include <assert.h>
#include <stdlib.h>

#include "core/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct bytes in, struct bytes view)
{
    assert(!view.ptr || (view.ptr >= in.ptr && view.ptr + view.len <= in.ptr + in.len));
}

static void check_head(struct bytes in, const struct http1_head *head, ssize_t used)
{
    assert(used == HTTP1_BAD || used == HTTP1_NEED_MORE || (used > 0 && (size_t)used <= in.len));
    if (used < 0)
        return;
    check_inside(in, head->method);
    check_inside(in, head->target);
    check_inside(in, head->reason);
    check_inside(in, head->header_block);
    assert(head->header_count <= HTTP1_MAX_HEADERS);
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http_header *header = &head->headers[i];
        check_inside(in, header->name);
        check_inside(in, header->value);
        assert(header->name.len > 0 && !memchr(header->name.ptr, ':', header->name.len));
        assert(bytes_trim(header->value).len == header->value.len);
    }
    http1_header_has_token(head, "connection", "upgrade");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http1_head head;
    struct bytes in = bytes_make(data, size);
    ssize_t used = http1_parse_request(in, &head);
    check_head(in, &head, used);
    if (used > 0) {
        assert(http1_looks_like_request(in) || !strchr("/*[?%", head.target.ptr[0]));
        assert(head.method.len > 0 && head.target.len > 0);
        /* What is behind a head is none of its business. */
        assert(http1_parse_request(bytes_make(data, (size_t)used), &head) == used);
    }
    used = http1_parse_response(in, &head);
    check_head(in, &head, used);
    if (used > 0) {
        assert(http1_looks_like_response(in));
        assert(head.status >= 100 && head.status <= 999);
        assert(http1_parse_response(bytes_make(data, (size_t)used), &head) == used);
    }
    return 0;
}
