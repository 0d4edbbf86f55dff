/* secret.h - unguessable ids and tokens, and the digests under which they are kept. */
#ifndef VOICELAB_SECRET_H
#define VOICELAB_SECRET_H

#include <stddef.h>
#include <stdint.h>

#define ID_CAP 64         /* the longest id or token we make, with its '\0' */
#define SHA256_HEX_CAP 65 /* 32 bytes as hex, with '\0' */

/* `prefix` and then `random_chars` of [A-Za-z0-9]: 22 carry 131 bits. Must fit ID_CAP. */
void secret_id(char out[ID_CAP], const char *prefix, size_t random_chars);

/* The same of syllables, `random_chars` small letters: it reads like a word. */
void secret_word_id(char out[ID_CAP], const char *prefix, size_t random_chars);

/* A version 4 uuid: the form user ids have. */
void secret_uuid(char out[ID_CAP]);

void secret_bytes(void *out, size_t len);

void secret_sha256(const void *bytes, size_t len, char out[SHA256_HEX_CAP]);
void secret_hex(const unsigned char *bytes, size_t len, char *out); /* 2 * len + 1 chars */

/* Password hash: PBKDF2-HMAC-SHA256, hex. A fixture's cost (1,000 rounds, 0.3 ms), not a bank's. */
void secret_password(const char *password, const char *salt, char out[SHA256_HEX_CAP]);

/* The answer to a Sec-WebSocket-Key (RFC 6455, 4.2.2). */
void secret_websocket_accept(const char *key, char out[32]);

#endif
