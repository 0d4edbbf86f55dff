/* digests.c - checksums as people write them. */
#include "digests.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct digests {
    EVP_MD_CTX *context[DIGEST_KINDS];
};

static const uint8_t raw_bytes[DIGEST_KINDS] = {
    [DIGEST_MD5] = 16, [DIGEST_SHA1] = 20, [DIGEST_SHA256] = 32, [DIGEST_SHA512] = 64};

static const EVP_MD *method(enum digest_kind kind)
{
    return kind == DIGEST_MD5      ? EVP_md5()
           : kind == DIGEST_SHA1   ? EVP_sha1()
           : kind == DIGEST_SHA256 ? EVP_sha256()
                                   : EVP_sha512();
}

struct digests *digests_new(uint32_t kinds)
{
    struct digests *digests = calloc(1, sizeof *digests);
    for (uint32_t kind = 0; digests && kind < DIGEST_KINDS; kind++) {
        if (!(kinds & 1U << kind))
            continue;
        digests->context[kind] = EVP_MD_CTX_new();
        if (!digests->context[kind] ||
            !EVP_DigestInit_ex(digests->context[kind], method(kind), NULL)) {
            digests_free(digests, NULL);
            return NULL;
        }
    }
    return digests;
}

void digests_add(struct digests *digests, const void *bytes, size_t len)
{
    for (uint32_t kind = 0; kind < DIGEST_KINDS; kind++)
        if (digests->context[kind])
            EVP_DigestUpdate(digests->context[kind], bytes, len);
}

void digests_free(struct digests *digests, struct digest_values *ret_values)
{
    for (uint32_t kind = 0; digests && kind < DIGEST_KINDS; kind++) {
        if (digests->context[kind] && ret_values)
            EVP_DigestFinal_ex(digests->context[kind], ret_values->raw[kind], NULL);
        EVP_MD_CTX_free(digests->context[kind]);
    }
    free(digests);
}

static size_t write_hex(const uint8_t *raw, size_t len, const char *digits, char *into)
{
    for (size_t i = 0; i < len; i++) {
        into[2 * i] = digits[raw[i] >> 4];
        into[2 * i + 1] = digits[raw[i] & 15];
    }
    into[2 * len] = '\0';
    return 2 * len;
}

size_t digest_text(const struct digest_values *values, enum digest_kind kind, enum digest_form form,
                   char into[DIGEST_MAX_TEXT_BYTES + 1])
{
    const uint8_t *raw = values->raw[kind];
    if (form == DIGEST_HEX || form == DIGEST_HEX_UPPER)
        return write_hex(raw, raw_bytes[kind],
                         form == DIGEST_HEX ? "0123456789abcdef" : "0123456789ABCDEF", into);
    size_t len = (size_t)EVP_EncodeBlock((unsigned char *)into, raw, raw_bytes[kind]);
    if (form == DIGEST_BASE64)
        return len;
    while (len && into[len - 1] == '=')
        into[--len] = '\0';
    for (size_t i = 0; i < len; i++)
        into[i] = (char)(into[i] == '+' ? '-' : into[i] == '/' ? '_' : into[i]);
    return len;
}
