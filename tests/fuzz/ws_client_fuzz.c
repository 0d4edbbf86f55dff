/* ws_client_fuzz.c - any bytes as the server's side of a WebSocket: an end is always reached. */
#include "replay/transport/ws_client.h"

#include <openssl/evp.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct server {
    struct bytes left;
    size_t piece; /* of each read */
};

static ssize_t server_read(void *owner, char *data, size_t len)
{
    struct server *server = owner;
    size_t moved = server->left.len < len ? server->left.len : len;
    if (moved > server->piece)
        moved = server->piece;
    if (moved)
        memcpy(data, server->left.ptr, moved);
    server->left = bytes_from(server->left, moved);
    return (ssize_t)moved;
}

static ssize_t server_write(void *owner, const char *data, size_t len)
{
    (void)owner;
    (void)data;
    return (ssize_t)len;
}

static void on_message(void *owner, int opcode, struct bytes payload)
{
    (void)owner;
    if ((opcode != 1 && opcode != 2) || payload.len > 65536)
        abort();
}

/* A right answer to the handshake, so that the input gets past it: the key follows from the seed.
 */
static void answer_handshake(struct random random, struct buf *out)
{
    unsigned char key[16];
    unsigned char text[25];
    char accept[29];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (unsigned char)(random_u64(&random) >> 56);
    EVP_EncodeBlock(text, key, sizeof key);
    ws_accept_of(bytes_of((const char *)text), accept);
    buf_printf(out,
               "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
               "Sec-WebSocket-Accept: %s\r\n\r\n",
               accept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct http_request request = {.method = bytes_of("GET"),
                                         .url = bytes_of("http://h/live")};
    if (size < 2)
        return 0;
    struct buf bytes = BUF_INIT(1 << 20);
    struct server server = {.piece = data[0] + 1u};
    const struct ws_io io = {.owner = &server, .read = server_read, .write = server_write};
    struct random random;
    random_init(&random, 1, 1);
    if (data[1] & 1)
        answer_handshake(random, &bytes);
    buf_append(&bytes, data + 2, size - 2);
    server.left = buf_bytes(&bytes);
    struct ws_client *client =
        ws_client_new(&io, &request, (struct bytes){0}, random, 65536, on_message, NULL);
    if (client) {
        for (size_t i = 0; i < size + 1000 && ws_client_pump(client) <= WS_STATE_CLOSING; i++)
            continue;
        if (ws_client_pump(client) <= WS_STATE_CLOSING)
            abort(); /* all was read, and the connection is gone: it has to be over */
    }
    ws_client_free(client);
    buf_fini(&bytes);
    return 0;
}
