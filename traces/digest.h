/*
 * digest.h - SHA-256 (FIPS 180-4) of bytes and of streams of bytes, by libcrypto.
 */
#ifndef REPRISE_TRACES_DIGEST_H
#define REPRISE_TRACES_DIGEST_H

#include "core/bytes.h"

#define DIGEST_BYTES 32

struct digest_stream;

/* NULL without memory. */
struct digest_stream *digest_new(void);
void digest_add(struct digest_stream *stream, struct bytes bytes);
/* Ends the stream and frees it. */
void digest_finish(struct digest_stream *stream, unsigned char out[DIGEST_BYTES]);

void digest_of(struct bytes bytes, unsigned char out[DIGEST_BYTES]);

/* Lower-case hexadecimal of the first `count` bytes: `out` holds 2 * count + 1. */
void digest_hex(const unsigned char digest[DIGEST_BYTES], size_t count, char *out);

#endif
