/* jwt_text.h - tokens for tests: any header and payload, and a signature that proves nothing. */
#ifndef REPRISE_TESTS_PLUGINS_JWT_TEXT_H
#define REPRISE_TESTS_PLUGINS_JWT_TEXT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline size_t jwt_text_part(char *out, const char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t len = strlen(text), written = 0;
    unsigned bits = 0;
    int bit_count = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | (unsigned char)text[i];
        for (bit_count += 8; bit_count >= 6;) {
            bit_count -= 6;
            out[written++] = letters[bits >> bit_count & 63];
        }
    }
    if (bit_count)
        out[written++] = letters[bits << (6 - bit_count) & 63];
    return written;
}

/* The caller's. */
static inline char *jwt_text(const char *header, const char *payload)
{
    char *out = malloc(2 * (strlen(header) + strlen(payload)) + 64);
    size_t len = jwt_text_part(out, header);
    out[len++] = '.';
    len += jwt_text_part(out + len, payload);
    snprintf(out + len, 32, ".c2lnbmF0dXJl");
    return out;
}

#endif
