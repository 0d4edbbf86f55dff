/*
 * native_answer_head.h - the head of an answer, read once: what a client must know of it, and the
 * headers that somebody wants.
 *
 * A common head is read in one pass over its lines. What is rare or odd (folded lines, two lengths,
 * codings of transfer other than chunked, a NUL) is left to core/http1, so that both give the same
 * verdict; a fuzz target compares them.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_NATIVE_ANSWER_HEAD_H
#define REPRISE_REPLAY_TRANSPORT_NATIVE_ANSWER_HEAD_H

#include "core/http1_body.h"

struct answer_head {
    int status;
    bool is_persistent; /* by version and Connection; the framing may say otherwise */
    bool has_coding;    /* a Content-Encoding, or one of the transfer around chunks */
    struct http1_body body;
    size_t header_count;
};

/* One per worker; what it holds is good until the next head is read. */
struct answer_scratch {
    struct http_header headers[HTTP1_MAX_HEADERS]; /* views into the head */
    struct http1_head core;
};

/* RFC 9112 6.3: such an answer is to be thrown away. */
#define ANSWER_HEAD_BAD_LENGTH (-4)
/* A line without a colon, or without a name before it (RFC 9112 5); one that continues nothing. */
#define ANSWER_HEAD_BAD_LINE (-5)

/*
 * Bytes used, HTTP1_NEED_MORE, HTTP1_BAD, or one of the above. Into scratch->headers: all headers,
 * or only every Set-Cookie. `is_to_head`: the request was HEAD.
 */
ssize_t answer_head_parse(struct bytes in, bool keeps_headers, bool is_to_head,
                          struct answer_head *ret_head, struct answer_scratch *scratch);

/* The same by core/http1 alone. Leaves the whole head in scratch->core. */
ssize_t answer_head_parse_core(struct bytes in, bool keeps_headers, bool is_to_head,
                               struct answer_head *ret_head, struct answer_scratch *scratch);

#endif
