/* ws_client.c - the client's side of a WebSocket: handshake, then wslay for the frames. */
#include "replay/transport/ws_client.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <wslay/wslay.h>

#include "core/url.h"

enum { MAX_HANDSHAKE_BYTES = 64 * 1024, KEY_BYTES = 16, KEY_TEXT_BYTES = 25 };

struct ws_client {
    struct ws_io io;
    enum ws_client_state state;
    enum failure failure; /* BROKEN: which kind, and how */
    const char *detail;
    struct buf out; /* the handshake, not yet written */
    struct buf in;  /* the answer's head; what came behind it is left for wslay */
    size_t head_bytes;
    size_t in_taken; /* by wslay, from head_bytes on */
    int status;
    char key[KEY_TEXT_BYTES];
    struct random random;
    wslay_event_context_ptr frames;
    ws_message_fn on_message;
    void *owner;
    bool is_peer_gone;
    bool has_blocked;       /* the last read found nothing to read */
    int pending_close_code; /* to be sent behind what is queued; 0: none */
    uint64_t bytes_sent, bytes_received;
};

void ws_accept_of(struct bytes key, char out[29])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int digest_bytes = 0;
    char joined[128];
    size_t len = key.len < 64 ? key.len : 64;
    memcpy(joined, key.ptr, len);
    memcpy(joined + len, guid, sizeof guid - 1);
    EVP_Digest(joined, len + sizeof guid - 1, digest, &digest_bytes, EVP_sha1(), NULL);
    EVP_EncodeBlock((unsigned char *)out, digest, (int)digest_bytes);
}

static void fill_random(struct random *random, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(random_u64(random) >> 56);
}

static void break_with(struct ws_client *client, enum failure failure, const char *detail)
{
    if (client->state == WS_STATE_BROKEN)
        return;
    client->failure = failure;
    client->state = WS_STATE_BROKEN;
    client->detail = detail;
}

static ssize_t read_bytes(struct ws_client *client, char *data, size_t len)
{
    ssize_t moved = client->io.read(client->io.owner, data, len);
    client->has_blocked = moved == WS_IO_BLOCKED;
    if (moved > 0)
        client->bytes_received += (uint64_t)moved;
    if (moved == 0 || moved == WS_IO_FAILED)
        client->is_peer_gone = true;
    return moved;
}

static ssize_t on_recv(wslay_event_context_ptr frames, uint8_t *data, size_t len, int flags,
                       void *owner)
{
    struct ws_client *client = owner;
    size_t left = client->in.len - client->head_bytes - client->in_taken;
    (void)flags;
    if (left) {
        size_t taken = len < left ? len : left;
        memcpy(data, client->in.data + client->head_bytes + client->in_taken, taken);
        client->in_taken += taken;
        return (ssize_t)taken;
    }
    ssize_t moved = read_bytes(client, (char *)data, len);
    if (moved > 0)
        return moved;
    wslay_event_set_error(frames, moved == WS_IO_BLOCKED ? WSLAY_ERR_WOULDBLOCK
                                                         : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr frames, const uint8_t *data, size_t len, int flags,
                       void *owner)
{
    struct ws_client *client = owner;
    (void)flags;
    ssize_t moved = client->io.write(client->io.owner, (const char *)data, len);
    if (moved >= 0) {
        client->bytes_sent += (uint64_t)moved;
        return moved;
    }
    wslay_event_set_error(frames, moved == WS_IO_BLOCKED ? WSLAY_ERR_WOULDBLOCK
                                                         : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static int on_mask(wslay_event_context_ptr frames, uint8_t *out, size_t len, void *owner)
{
    struct ws_client *client = owner;
    (void)frames;
    fill_random(&client->random, out, len);
    return 0;
}

static void on_frame_message(wslay_event_context_ptr frames,
                             const struct wslay_event_on_msg_recv_arg *arg, void *owner)
{
    struct ws_client *client = owner;
    (void)frames;
    if (arg->opcode == WSLAY_TEXT_FRAME || arg->opcode == WSLAY_BINARY_FRAME)
        client->on_message(client->owner, arg->opcode, bytes_make(arg->msg, arg->msg_length));
}

static void add_handshake(struct ws_client *client, const struct http_request *request,
                          const struct url *url, struct bytes cookies)
{
    struct buf *out = &client->out;
    buf_printf(out, "GET %s%.*s HTTP/1.1\r\nHost: %.*s\r\n", url->target.ptr[0] == '?' ? "/" : "",
               BYTES_ARG(url->target), BYTES_ARG(url->authority));
    buf_printf(out,
               "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: %s\r\n",
               client->key);
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        if (http_text_is_one_line(header->name) && http_text_is_one_line(header->value))
            buf_printf(out, "%.*s: %.*s\r\n", BYTES_ARG(header->name), BYTES_ARG(header->value));
    }
    if (cookies.len && http_text_is_one_line(cookies))
        buf_printf(out, "Cookie: %.*s\r\n", BYTES_ARG(cookies));
    buf_append_text(out, "\r\n");
}

struct ws_client *ws_client_new(const struct ws_io *io, const struct http_request *request,
                                struct bytes cookies, struct random random,
                                size_t max_message_bytes, ws_message_fn on_message, void *owner)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .genmask_callback = on_mask,
        .on_msg_recv_callback = on_frame_message,
    };
    struct url url;
    unsigned char key[KEY_BYTES];
    struct ws_client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    *client = (struct ws_client){
        .io = *io, .random = random, .on_message = on_message, .owner = owner, .detail = ""};
    buf_init(&client->out, MAX_HANDSHAKE_BYTES);
    buf_init(&client->in, MAX_HANDSHAKE_BYTES);
    fill_random(&client->random, key, sizeof key);
    EVP_EncodeBlock((unsigned char *)client->key, key, sizeof key);
    if (url_parse(request->url, &url) ||
        wslay_event_context_client_init(&client->frames, &callbacks, client)) {
        ws_client_free(client);
        return NULL;
    }
    wslay_event_config_set_max_recv_msg_length(client->frames, max_message_bytes);
    add_handshake(client, request, &url, cookies);
    if (buf_failed(&client->out))
        break_with(client, FAILURE_HEAD_TOO_LARGE, "the upgrade request is larger than 64 KiB");
    return client;
}

void ws_client_free(struct ws_client *client)
{
    if (!client)
        return;
    if (client->frames)
        wslay_event_context_free(client->frames);
    buf_fini(&client->out);
    buf_fini(&client->in);
    free(client);
}

static void check_answer(struct ws_client *client, const struct http1_head *head)
{
    char expected[29];
    client->status = head->status;
    if (head->status != 101) {
        client->state = WS_STATE_REFUSED;
        return;
    }
    ws_accept_of(bytes_of(client->key), expected);
    struct bytes accept = http1_header(head, "sec-websocket-accept");
    if (!http1_header_has_token(head, "upgrade", "websocket"))
        break_with(client, FAILURE_PROTOCOL, "answered 101 without Upgrade: websocket");
    else if (!bytes_equal(accept, bytes_of(expected)))
        break_with(client, FAILURE_PROTOCOL, "answered 101 with a wrong Sec-WebSocket-Accept");
    else
        client->state = WS_STATE_OPEN;
}

static void write_handshake(struct ws_client *client)
{
    while (client->out.len) {
        ssize_t moved = client->io.write(client->io.owner, client->out.data, client->out.len);
        if (moved == WS_IO_BLOCKED)
            return;
        if (moved < 0) {
            break_with(client, FAILURE_RESET, "closed before the upgrade request was sent");
            return;
        }
        client->bytes_sent += (uint64_t)moved;
        buf_consume(&client->out, (size_t)moved);
    }
}

static void read_answer(struct ws_client *client)
{
    struct http1_head head;
    while (client->state == WS_STATE_HANDSHAKE) {
        char *room = buf_reserve(&client->in, 4096);
        if (!room) {
            break_with(client, FAILURE_HEAD_TOO_LARGE, "the answer's head is larger than 60 KiB");
            return;
        }
        ssize_t moved = read_bytes(client, room, 4096);
        if (moved == WS_IO_BLOCKED)
            return;
        if (moved <= 0) {
            break_with(client, FAILURE_RESET, "closed before the upgrade was answered");
            return;
        }
        buf_commit(&client->in, (size_t)moved);
        ssize_t used = http1_parse_response(buf_bytes(&client->in), &head);
        if (used == HTTP1_BAD)
            break_with(client, FAILURE_PROTOCOL, "the upgrade's answer is not HTTP/1");
        if (used > 0) {
            client->head_bytes = (size_t)used;
            check_answer(client, &head);
        }
    }
}

/*
 * wslay takes a short read for the end of what there is. Under TLS there may be more in the
 * library's buffer, for which the socket never becomes ready: go on until a read finds nothing.
 */
static bool read_frames(struct ws_client *client)
{
    client->has_blocked = false;
    while (!client->has_blocked && !client->is_peer_gone &&
           wslay_event_get_read_enabled(client->frames)) {
        if (wslay_event_recv(client->frames))
            return false;
    }
    return true;
}

/* wslay sends control frames ahead of queued messages, and none behind a close: keep the order
 * ourselves. */
static bool send_frames(struct ws_client *client)
{
    bool could_send = wslay_event_send(client->frames) == 0;
    if (!could_send || !client->pending_close_code ||
        wslay_event_get_queued_msg_count(client->frames))
        return could_send;
    wslay_event_queue_close(client->frames, (uint16_t)client->pending_close_code, NULL, 0);
    client->pending_close_code = 0;
    return wslay_event_send(client->frames) == 0;
}

static void pump_frames(struct ws_client *client)
{
    bool could_read = read_frames(client);
    bool could_send = send_frames(client);
    bool has_sent_close = wslay_event_get_close_sent(client->frames);
    bool has_got_close = wslay_event_get_close_received(client->frames);
    if (has_sent_close && has_got_close)
        client->state = WS_STATE_CLOSED;
    else if (client->is_peer_gone || !could_send)
        break_with(client, FAILURE_RESET, "closed without a closing handshake");
    else if (!could_read || (!wslay_event_get_read_enabled(client->frames) && !has_got_close))
        break_with(client, FAILURE_PROTOCOL, "a frame that breaks RFC 6455, or is over the limit");
    else if (has_sent_close || has_got_close)
        client->state = WS_STATE_CLOSING;
}

enum ws_client_state ws_client_pump(struct ws_client *client)
{
    if (client->state == WS_STATE_HANDSHAKE) {
        write_handshake(client);
        read_answer(client);
        return client
            ->state; /* frames that came with the answer wait until it is known to be open */
    }
    if (client->state == WS_STATE_OPEN || client->state == WS_STATE_CLOSING)
        pump_frames(client);
    return client->state;
}

int ws_client_send(struct ws_client *client, int opcode, struct bytes payload, int close_code)
{
    if (client->state != WS_STATE_OPEN || client->pending_close_code)
        return -1;
    if (opcode == WSLAY_CONNECTION_CLOSE) {
        client->pending_close_code = close_code;
        return 0;
    }
    struct wslay_event_msg message = {
        .opcode = (uint8_t)opcode, .msg = (const uint8_t *)payload.ptr, .msg_length = payload.len};
    return wslay_event_queue_msg(client->frames, &message) ? -1 : 0;
}

bool ws_client_wants_write(const struct ws_client *client)
{
    return client->out.len > 0 || client->pending_close_code ||
           wslay_event_want_write(client->frames);
}

int ws_client_status(const struct ws_client *client)
{
    return client->status;
}

int ws_client_head(const struct ws_client *client, struct http1_head *ret_head)
{
    return http1_parse_response(buf_bytes(&client->in), ret_head) > 0 ? 0 : -1;
}

int ws_client_close_code(const struct ws_client *client)
{
    if (!wslay_event_get_close_received(client->frames))
        return 0;
    return wslay_event_get_status_code_received(client->frames);
}

enum failure ws_client_failure(const struct ws_client *client)
{
    return client->failure;
}

const char *ws_client_detail(const struct ws_client *client)
{
    return client->detail;
}

uint64_t ws_client_bytes_sent(const struct ws_client *client)
{
    return client->bytes_sent;
}

uint64_t ws_client_bytes_received(const struct ws_client *client)
{
    return client->bytes_received;
}
