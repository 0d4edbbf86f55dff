/* ws_handshake.c - the one computation of the WebSocket handshake. */
#include "capture/ws_handshake.h"

#include <openssl/evp.h>

enum { SHA1_BYTES = 20, ACCEPT_BYTES = 28, MAX_KEY_BYTES = 256 };

bool ws_accept_is_right(struct bytes key, struct bytes accept)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[MAX_KEY_BYTES + sizeof guid];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned char expected[ACCEPT_BYTES + 1];
    if (key.len == 0 || key.len > MAX_KEY_BYTES)
        return false;
    memcpy(text, key.ptr, key.len);
    memcpy(text + key.len, guid, sizeof guid - 1);
    if (!EVP_Digest(text, key.len + sizeof guid - 1, digest, NULL, EVP_sha1(), NULL))
        return false;
    EVP_EncodeBlock(expected, digest, SHA1_BYTES);
    return bytes_equal(bytes_make(expected, ACCEPT_BYTES), accept);
}
