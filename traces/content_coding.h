/*
 * content_coding.h - undoes the codings of an answer's body (Content-Encoding, RFC 9110 8.4): gzip,
 * deflate, br, zstd, and several in a row. So are those that Transfer-Encoding puts around them
 * (RFC 9112 7), but for chunked, whose framing is undone already, and which must be the last.
 *
 * The whole body at once, into a buffer with a maximum: a small body that stands for a huge one
 * ends there. What the libraries need is made once and used again.
 */
#ifndef REPRISE_TRACES_CONTENT_CODING_H
#define REPRISE_TRACES_CONTENT_CODING_H

#include "core/http1.h"

#define CONTENT_MAX_CODINGS 4 /* in a row; "identity" does not count */

enum content_result {
    CONTENT_DECODED,
    CONTENT_BAD, /* a coding that is not known, too many of them, or bytes that are not what they
                    say */
    CONTENT_BAD_WINDOW, /* of zstd */
    CONTENT_TOO_LARGE,
    CONTENT_NO_MEMORY
};

/* 8 MiB: the most that a zstd body may ask to have at hand (RFC 9659). Its library gives it 128. */
#define CONTENT_ZSTD_WINDOW_LOG 23

#define CONTENT_UNKNOWN_DETAIL "a coding of the body that is not known, or too many of them"

/* What is wrong, in one line. */
const char *content_result_detail(enum content_result result);

/* A zstd decoder held to that window; NULL without memory. And what its result codes stand for. */
struct ZSTD_DCtx_s *content_zstd_new(void);
enum content_result content_zstd_result(size_t code);

/* The codings that a body is in, in the order they were applied: how many; -1: too many, or chunked
 * is not the last. Views of the headers. */
int content_coding_names(const struct http_header *headers, size_t header_count,
                         struct bytes names[CONTENT_MAX_CODINGS]);

struct content_decoder;

/* NULL without memory. */
struct content_decoder *content_decoder_new(size_t max_body_bytes);
void content_decoder_free(struct content_decoder *decoder);

/*
 * CONTENT_DECODED and the decoded body, a view into the decoder good until the next call (or `body`
 * itself when no coding is named). Else *ret_detail says what is wrong.
 */
enum content_result content_decode(struct content_decoder *decoder,
                                   const struct http_header *headers, size_t header_count,
                                   struct bytes body, struct bytes *ret_body,
                                   const char **ret_detail);

/* Another maximum than content_decoder_new() was told, from the next call on. */
void content_decoder_limit(struct content_decoder *decoder, size_t max_body_bytes);

/* Gives back what a large body took. */
void content_decoder_release(struct content_decoder *decoder);

#endif
