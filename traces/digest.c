/* digest.c - SHA-256 by libcrypto; the algorithm is looked up once per process. */
#include "traces/digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/text_codings.h"

struct digest_stream {
    EVP_MD_CTX *context;
};

static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;
static const EVP_MD *sha256; /* written once, under sha256_once */

static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    /* A configuration may leave the default provider out; then the lookup happens at each use. */
    if (!sha256)
        sha256 = EVP_sha256();
}

static const EVP_MD *algorithm(void)
{
    pthread_once(&sha256_once, fetch_sha256);
    return sha256;
}

struct digest_stream *digest_new(void)
{
    struct digest_stream *stream = malloc(sizeof *stream);
    if (!stream)
        return NULL;
    stream->context = EVP_MD_CTX_new();
    if (!stream->context || EVP_DigestInit_ex(stream->context, algorithm(), NULL) != 1) {
        EVP_MD_CTX_free(stream->context);
        free(stream);
        return NULL;
    }
    return stream;
}

void digest_add(struct digest_stream *stream, struct bytes bytes)
{
    int is_done = EVP_DigestUpdate(stream->context, bytes.ptr, bytes.len);
    assert(is_done == 1);
}

void digest_finish(struct digest_stream *stream, unsigned char out[DIGEST_BYTES])
{
    int is_done = EVP_DigestFinal_ex(stream->context, out, NULL);
    assert(is_done == 1);
    EVP_MD_CTX_free(stream->context);
    free(stream);
}

void digest_of(struct bytes bytes, unsigned char out[DIGEST_BYTES])
{
    int is_done = EVP_Digest(bytes.ptr ? bytes.ptr : "", bytes.len, out, NULL, algorithm(), NULL);
    assert(is_done == 1);
}

void digest_hex(const unsigned char digest[DIGEST_BYTES], size_t count, char *out)
{
    size_t len = count < DIGEST_BYTES ? count : DIGEST_BYTES;
    hex_write(bytes_make(digest, len), false, out, 2 * len);
    out[2 * len] = '\0';
}
