/*
 * multipart.h - where the parts of a multipart body begin and end, to the byte (RFC 2046, 7578).
 *
 * A delimiter is CRLF, "--", the boundary, spaces or tabs, and CRLF, or "--" for the last one; at
 * the very front the first CRLF may be missing. A line that goes on with anything else is content.
 * What is before the first and behind the last delimiter is kept as it is and means nothing.
 */
#ifndef MULTIPART_AUDIO_MULTIPART_H
#define MULTIPART_AUDIO_MULTIPART_H

#include "pieces.h"

enum {
    MULTIPART_MAX_PARTS = 256,
    MULTIPART_MAX_HEAD_BYTES = 16384,
    MULTIPART_MAX_BOUNDARY_BYTES = 200 /* the RFC says 70 */
};

struct multipart_boundary {
    size_t len; /* of delimiter */
    char delimiter[MULTIPART_MAX_BOUNDARY_BYTES + 5];
};

struct multipart_part {
    uint64_t head_at;       /* its headers */
    uint64_t content_at;    /* behind the empty line */
    uint64_t content_bytes; /* up to the CRLF of the delimiter */
};

struct multipart {
    size_t part_count;
    uint64_t epilogue_at;
    struct multipart_part parts[MULTIPART_MAX_PARTS];
};

/* Where a part is expected to end: saves looking through its content. Only believed when a
 * delimiter is there. */
struct multipart_hint {
    size_t part;
    uint64_t content_bytes;
};

/* From a Content-Type. NULL, or why there is none. */
const char *multipart_boundary(struct span content_type, struct multipart_boundary *ret);

/* NULL, or what is wrong with the body. */
const char *multipart_parse(const struct pieces *body, const struct multipart_boundary *boundary,
                            const struct multipart_hint *hints, size_t hint_count,
                            struct multipart *ret);

#endif
