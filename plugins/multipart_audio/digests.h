/*
 * digests.h - checksums as people write them: MD5, SHA-1, SHA-256 and SHA-512 in hex, base64 and
 * base64url. That covers Content-MD5, Digest, Content-Digest and Repr-Digest (RFC 9530), checksums
 * in fields, and those in headers of object stores.
 */
#ifndef MULTIPART_AUDIO_DIGESTS_H
#define MULTIPART_AUDIO_DIGESTS_H

#include "pieces.h"

enum digest_kind { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA512, DIGEST_KINDS };
enum digest_form {
    DIGEST_HEX,
    DIGEST_HEX_UPPER,
    DIGEST_BASE64,     /* with its '=' */
    DIGEST_BASE64_URL, /* without */
    DIGEST_FORMS
};

enum { DIGEST_MAX_BYTES = 64, DIGEST_MAX_TEXT_BYTES = 128 };

struct digest_values {
    uint8_t raw[DIGEST_KINDS][DIGEST_MAX_BYTES];
};

struct digests; /* being computed */

/* Those whose bit (1 << kind) is in `kinds`. NULL: no memory. */
struct digests *digests_new(uint32_t kinds);
void digests_add(struct digests *digests, const void *bytes, size_t len);
/* The end; frees. ret_values may be NULL. */
void digests_free(struct digests *digests, struct digest_values *ret_values);

/* How long it is: the same for every value. */
size_t digest_text(const struct digest_values *values, enum digest_kind kind, enum digest_form form,
                   char into[DIGEST_MAX_TEXT_BYTES + 1]);

#endif
