/*
 * bad_websockets.c - WebSockets right and wrong: an echo, a room, and what can be amiss in a
 * handshake or a frame, a row of `bad_websockets` each.
 */
#include "tests/support/bad_request.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static bool send_switch(const struct bad_request *request, bool is_right)
{
    char text[256], accept[32];
    unsigned char digest[SHA_DIGEST_LENGTH];
    snprintf(text, sizeof text, "%.64s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
             is_right ? bad_header(request, "Sec-WebSocket-Key") : "somebody else's");
    SHA1((const unsigned char *)text, strlen(text), digest);
    EVP_EncodeBlock((unsigned char *)accept, digest, sizeof digest);
    snprintf(text, sizeof text,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %s\r\n\r\n",
             accept);
    return bad_send_text(request, text);
}

static bool send_frame(const struct bad_request *request, int opcode, const void *payload,
                       size_t len)
{
    unsigned char head[2] = {(unsigned char)(0x80 | opcode), (unsigned char)len};
    return bad_send_bytes(request, head, 2) && bad_send_bytes(request, payload, len);
}

#define ROOM "room-live4711abcd"

/* The same back; in a room a word on whether the text names it. */
static bool send_back(const struct bad_request *request, int opcode, const char *payload,
                      size_t len)
{
    if (opcode != 1 || !strstr(request->target, "/room"))
        return send_frame(request, opcode, payload, len);
    bool is_right = memmem(payload, len, ROOM, strlen(ROOM));
    return is_right ? send_frame(request, 1, "{\"type\":\"ok\"}", 13)
                    : send_frame(request, 1, "{\"type\":\"error\"}", 16);
}

/* Reads frames of up to 125 bytes, prints texts and sends them back, until close. Behind the first
 * it says "ping" of its own accord. */
static bool do_ws_echo(struct bad_request *request)
{
    unsigned char frame[2 + 4], payload[126];
    bool is_first = !strstr(request->target, "/room");
    send_switch(request, true);
    if (!is_first)
        send_frame(request, 1, "{\"type\":\"welcome\",\"room\":\"" ROOM "\"}", 45);
    while (bad_recv_exactly(request, frame, sizeof frame)) {
        size_t len = frame[1] & 0x7f;
        int opcode = frame[0] & 0xf;
        if (len > 125 || !bad_recv_exactly(request, payload, len))
            break;
        for (size_t i = 0; i < len; i++)
            payload[i] ^= frame[2 + i % 4];
        if (opcode == 1)
            printf("text: %.*s\n", (int)len, (const char *)payload);
        if (!send_back(request, opcode, (const char *)payload, len) || opcode == 8)
            break;
        if (is_first && !send_frame(request, 1, "ping", 4))
            break;
        is_first = false;
    }
    return false;
}

/* Two ticks or three, in turn, and a word that these were all. */
static bool do_ws_uneven(struct bad_request *request)
{
    static atomic_uint sockets;
    unsigned ticks = 2 + atomic_fetch_add(&sockets, 1) % 2;
    send_switch(request, true);
    for (unsigned i = 0; i < ticks; i++)
        send_frame(request, 1, "{\"type\":\"tick\"}", 15);
    send_frame(request, 1, "{\"type\":\"done\"}", 15);
    bad_wait_for_close(request);
    return false;
}

static bool do_ws_wrong_accept(struct bad_request *request)
{
    send_switch(request, false);
    bad_wait_for_close(request);
    return false;
}

static bool do_ws_cut(struct bad_request *request)
{
    send_switch(request, true);
    return false;
}

static bool do_ws_bad_frame(struct bad_request *request)
{
    send_switch(request, true);
    bad_send_bytes(request, "\xf3\x01x", 3); /* reserved bits, a reserved opcode */
    bad_wait_for_close(request);
    return false;
}

static bool do_ws_huge_frame(struct bad_request *request)
{
    send_switch(request, true);
    bad_send_bytes(request,
                   "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"
                   "x",
                   11);
    bad_wait_for_close(request);
    return false;
}

const struct bad_deed bad_websockets[] = {
    {"/ws/bad-frame", do_ws_bad_frame},
    {"/ws/cut", do_ws_cut},
    {"/ws/echo", do_ws_echo},
    {"/ws/huge-frame", do_ws_huge_frame},
    {"/ws/room", do_ws_echo},
    {"/ws/uneven", do_ws_uneven},
    {"/ws/wrong-accept", do_ws_wrong_accept},
    {NULL, NULL},
};
