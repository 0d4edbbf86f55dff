/* multipart.c - where the parts of a multipart body begin and end, to the byte. */
#include "multipart.h"

#include "mime.h"

#include <string.h>

enum { MAX_PADDING_BYTES = 256 };

const char *multipart_boundary(struct span content_type, struct multipart_boundary *ret)
{
    if (!mime_begins(content_type, "multipart/"))
        return "its Content-Type is not multipart";
    struct span raw = mime_param(content_type, "boundary");
    if (!raw.ptr || raw.len == 0)
        return "its Content-Type has no boundary";
    if (raw.len > MULTIPART_MAX_BOUNDARY_BYTES)
        return "its boundary is longer than 200 bytes";
    memcpy(ret->delimiter, "\r\n--", 4);
    ret->len = 4 + mime_unquote(raw, ret->delimiter + 4, sizeof ret->delimiter - 4);
    return NULL;
}

/* What follows a boundary: the bytes to the end of its line; 0: this is no delimiter. */
static uint64_t delimiter_tail(const struct pieces *body, uint64_t at, bool *ret_is_last)
{
    char tail[MAX_PADDING_BYTES + 2];
    size_t len = pieces_copy(body, at, tail, sizeof tail), i = 0;
    *ret_is_last = len >= 2 && memcmp(tail, "--", 2) == 0;
    if (*ret_is_last)
        return 2;
    while (i < len && (tail[i] == ' ' || tail[i] == '\t'))
        i++;
    return i + 2 <= len && memcmp(tail + i, "\r\n", 2) == 0 ? i + 2 : 0;
}

struct delimiter {
    uint64_t at;     /* its CRLF */
    uint64_t end_at; /* what follows it */
    bool is_last;
};

/* The next one that begins at `from` or later. */
static bool find_delimiter(const struct pieces *body, const struct multipart_boundary *boundary,
                           uint64_t from, struct delimiter *ret)
{
    for (;;) {
        uint64_t at = pieces_find(body, from, boundary->delimiter, boundary->len);
        if (at == PIECES_NOWHERE)
            return false;
        uint64_t tail = delimiter_tail(body, at + boundary->len, &ret->is_last);
        if (tail) {
            ret->at = at;
            ret->end_at = at + boundary->len + tail;
            return true;
        }
        from = at + 2;
    }
}

static bool find_first(const struct pieces *body, const struct multipart_boundary *boundary,
                       struct delimiter *ret)
{
    if (pieces_match(body, 0, boundary->delimiter + 2, boundary->len - 2)) {
        uint64_t tail = delimiter_tail(body, boundary->len - 2, &ret->is_last);
        ret->at = 0;
        ret->end_at = boundary->len - 2 + tail;
        if (tail)
            return true;
    }
    return find_delimiter(body, boundary, 0, ret);
}

/* Where the content of the part whose head is at `at` begins; 0: nowhere before the next one. */
static uint64_t content_of(const struct pieces *body, const struct multipart_boundary *boundary,
                           uint64_t at)
{
    char head[MULTIPART_MAX_HEAD_BYTES];
    size_t len = pieces_copy(body, at, head, sizeof head);
    if (len >= 2 && memcmp(head, "\r\n", 2) == 0)
        return at + 2;
    const char *end = len ? memmem(head, len, "\r\n\r\n", 4) : NULL;
    if (!end || memmem(head, (size_t)(end - head), boundary->delimiter, boundary->len))
        return 0;
    return at + (uint64_t)(end - head) + 4;
}

/* The delimiter that ends the content. One whose CRLF is the empty line itself makes it empty. */
static bool find_end(const struct pieces *body, const struct multipart_boundary *boundary,
                     uint64_t content_at, const uint64_t *hint, struct delimiter *ret)
{
    if (hint && *hint <= body->total_bytes - content_at) {
        uint64_t at = content_at + *hint;
        if (pieces_match(body, at, boundary->delimiter, boundary->len) &&
            find_delimiter(body, boundary, at, ret) && ret->at == at)
            return true;
    }
    return find_delimiter(body, boundary, content_at - 2, ret);
}

const char *multipart_parse(const struct pieces *body, const struct multipart_boundary *boundary,
                            const struct multipart_hint *hints, size_t hint_count,
                            struct multipart *ret)
{
    struct delimiter delimiter;
    ret->part_count = 0;
    if (!find_first(body, boundary, &delimiter))
        return "the boundary of its Content-Type is not in it";
    while (!delimiter.is_last) {
        struct multipart_part *part = &ret->parts[ret->part_count];
        const uint64_t *hint = NULL;
        if (ret->part_count == MULTIPART_MAX_PARTS)
            return "it has more than 256 parts";
        part->head_at = delimiter.end_at;
        part->content_at = content_of(body, boundary, part->head_at);
        if (!part->content_at)
            return "the head of a part has no end";
        for (size_t i = 0; i < hint_count; i++)
            if (hints[i].part == ret->part_count)
                hint = &hints[i].content_bytes;
        if (!find_end(body, boundary, part->content_at, hint, &delimiter))
            return "it ends before its last boundary";
        part->content_bytes = delimiter.at > part->content_at ? delimiter.at - part->content_at : 0;
        ret->part_count++;
    }
    ret->epilogue_at = delimiter.end_at;
    return ret->part_count ? NULL : "it has no part";
}
