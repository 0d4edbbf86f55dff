/* secret.c - unguessable ids and tokens, and the digests under which they are kept. */
#include "tests/voicelab/secret.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

void secret_bytes(void *out, size_t len)
{
    assert(len <= 256); /* up to here getrandom is whole or not at all */
    ssize_t got = getrandom(out, len, 0);
    assert(got == (ssize_t)len);
    (void)got;
}

/* Of the alphabets in turn. */
static void make_id(char out[ID_CAP], const char *prefix, size_t random_chars,
                    const char *const alphabets[2])
{
    unsigned char raw[ID_CAP];
    size_t used = strlen(prefix);

    assert(used + random_chars < ID_CAP);
    memcpy(out, prefix, used);
    secret_bytes(raw, random_chars);
    for (size_t i = 0; i < random_chars; i++)
        out[used + i] = alphabets[i % 2][raw[i] % strlen(alphabets[i % 2])];
    out[used + random_chars] = '\0';
}

void secret_id(char out[ID_CAP], const char *prefix, size_t random_chars)
{
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static const char *const alphabets[2] = {all, all};

    make_id(out, prefix, random_chars, alphabets);
}

void secret_word_id(char out[ID_CAP], const char *prefix, size_t random_chars)
{
    static const char *const alphabets[2] = {"bdfghjklmnprstvwz", "aeiou"};

    make_id(out, prefix, random_chars, alphabets);
}

void secret_uuid(char out[ID_CAP])
{
    unsigned char b[16];
    char hex[33];

    secret_bytes(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0fu) | 0x40u);
    b[8] = (unsigned char)((b[8] & 0x3fu) | 0x80u);
    secret_hex(b, sizeof b, hex);
    snprintf(out, ID_CAP, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

void secret_hex(const unsigned char *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15u];
    }
    out[2 * len] = '\0';
}

void secret_sha256(const void *bytes, size_t len, char out[SHA256_HEX_CAP])
{
    unsigned char digest[32];

    SHA256(bytes, len, digest);
    secret_hex(digest, sizeof digest, out);
}

void secret_password(const char *password, const char *salt, char out[SHA256_HEX_CAP])
{
    unsigned char key[32];

    int ok = PKCS5_PBKDF2_HMAC(password, (int)strlen(password), (const unsigned char *)salt,
                               (int)strlen(salt), 1000, EVP_sha256(), sizeof key, key);
    assert(ok == 1);
    (void)ok;
    secret_hex(key, sizeof key, out);
}

void secret_websocket_accept(const char *key, char out[32])
{
    unsigned char digest[20];
    char text[128];

    int len = snprintf(text, sizeof text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    assert(len > 0 && (size_t)len < sizeof text);
    SHA1((const unsigned char *)text, (size_t)len, digest);
    EVP_EncodeBlock((unsigned char *)out, digest, sizeof digest);
}
