/*
 * http1_body.h - where the body of an HTTP/1 message ends (RFC 9112 sections 6 and 7).
 *
 * Decide the framing once from the heads, then feed the bytes behind the head: out come the pieces
 * of the body, without chunk framing, in the caller's memory.
 */
#ifndef REPRISE_CORE_HTTP1_BODY_H
#define REPRISE_CORE_HTTP1_BODY_H

#include "core/http1.h"

enum http1_framing {
    HTTP1_NO_BODY,
    HTTP1_LENGTH,
    HTTP1_CHUNKED,
    HTTP1_UNTIL_CLOSE,
    HTTP1_TUNNEL /* 101, or 2xx to CONNECT: what follows is not HTTP */
};

enum http1_piece_kind {
    HTTP1_PIECE_NONE,    /* framing, or nothing */
    HTTP1_PIECE_DATA,    /* bytes of the body */
    HTTP1_PIECE_TRAILER, /* bytes of the trailer section, line ends included */
};

struct http1_piece {
    enum http1_piece_kind kind;
    struct bytes bytes;
};

enum http1_chunk_state {
    HTTP1_CHUNK_SIZE,
    HTTP1_CHUNK_EXTENSION,
    HTTP1_CHUNK_DATA,
    HTTP1_CHUNK_DATA_END, /* before the CR or LF behind a chunk's data */
    HTTP1_CHUNK_DATA_LF,  /* between the two */
    HTTP1_CHUNK_TRAILER,  /* at the start of a trailer line, or of the empty line that ends all */
    HTTP1_CHUNK_TRAILER_LINE,
    HTTP1_CHUNK_LAST_LF /* between CR and LF of that empty line */
};

struct http1_body {
    enum http1_framing framing;
    bool is_done;
    uint64_t left_bytes; /* of the body (LENGTH) or of the chunk in hand */
    enum http1_chunk_state chunk_state;
    uint32_t size_digits;
    uint32_t trailer_bytes; /* of all trailer lines so far */
};

/* Framing of a request's body. -1 when Content-Length is no number or there are two that differ. */
int http1_request_body(const struct http1_head *head, struct http1_body *body);

/* Framing of the body of an answer to `method` (unknown: .ptr NULL). A Transfer-Encoding whose last
 * coding is not chunked lasts until the close (RFC 9112 6.3). -1 as for a request. */
int http1_response_body(const struct http1_head *head, struct bytes method,
                        struct http1_body *body);

/* Is there a coding of the transfer beside chunked, which is none of framing? */
bool http1_has_coded_transfer(const struct http1_head *head);

/*
 * Take from `in` up to the end of one piece: returns the bytes used (never more than in.len, never
 * 0 when in.len > 0 and the body is not done), HTTP1_BAD for broken chunk framing or a trailer
 * section over HTTP1_MAX_HEAD_BYTES. Sets body->is_done. However the bytes are cut, the body, the
 * trailers and the verdict are the same.
 */
ssize_t http1_body_next(struct http1_body *body, struct bytes in, struct http1_piece *piece);

/* Jump over bytes that were lost. True if the framing survives it: none were, LENGTH, UNTIL_CLOSE,
 * inside a chunk's data. */
bool http1_body_skip(struct http1_body *body, uint64_t lost_bytes);

/* The peer has closed: true if the body is whole (done, or UNTIL_CLOSE, which this ends). */
bool http1_body_close(struct http1_body *body);

#endif
