/* ws_client.c - the client's side of a WebSocket: the handshake, then messages. */
#include "replay/transport/ws_client.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "core/url.h"
#include "replay/transport/ws_frames.h"

enum {
    MAX_HANDSHAKE_BYTES = 64 * 1024,
    KEY_BYTES = 16,
    KEY_TEXT_BYTES = 25,
    READ_BYTES = 16 * 1024,    /* on the stack: an idle WebSocket has no buffer to read into */
    MAX_READS = 64,            /* of one pump, where they bring little */
    MAX_PONG_BYTES = 16 * 1024 /* queued; beyond this only the last ping is answered */
};

struct ws_client {
    struct ws_io io;
    enum ws_client_state state;
    enum failure failure; /* BROKEN: which kind, and how */
    const char *detail;
    struct buf out; /* the handshake until it is answered, then frames; sent up to out_sent */
    size_t out_sent;
    struct buf in; /* the answer's head, and what came behind it: until the first pump when open */
    size_t head_bytes;
    int status;
    char key[KEY_TEXT_BYTES];
    struct random random;
    struct ws_reader reader;
    ws_message_fn on_message;
    void *owner;
    bool is_peer_gone;
    bool cannot_write;
    bool has_more;
    bool has_queued_close;
    bool has_got_close;
    int close_code; /* received */
    int bad_code;   /* what we close with: the server broke the protocol; else 0 */
    bool owes_pong;
    uint8_t pong_len;
    char pong[WS_MAX_CONTROL_BYTES];
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
    if (moved > 0)
        client->bytes_received += (uint64_t)moved;
    if (moved == 0 || moved == WS_IO_FAILED)
        client->is_peer_gone = true;
    return moved;
}

/* Everything is written: what is kept is room for a small message. */
static void empty_out(struct ws_client *client)
{
    client->out_sent = 0;
    if (client->out.capacity > WS_CLIENT_KEPT_BYTES)
        buf_release(&client->out);
    else
        buf_clear(&client->out);
}

/* What was written is dropped only now and then, so that a slow peer does not cost a move a write.
 */
static void drop_sent(struct ws_client *client)
{
    if (client->out_sent > client->out.len / 2 && client->out_sent > READ_BYTES) {
        buf_consume(&client->out, client->out_sent);
        client->out_sent = 0;
    }
}

/* True when all is out. */
static bool write_out(struct ws_client *client)
{
    while (client->out_sent < client->out.len && !client->cannot_write) {
        ssize_t moved = client->io.write(client->io.owner, client->out.data + client->out_sent,
                                         client->out.len - client->out_sent);
        if (moved == WS_IO_BLOCKED)
            return false;
        client->cannot_write = moved < 0;
        if (moved > 0) {
            client->out_sent += (size_t)moved;
            client->bytes_sent += (uint64_t)moved;
        }
    }
    return !client->cannot_write;
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
    struct url url;
    unsigned char key[KEY_BYTES];
    struct ws_client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    *client = (struct ws_client){
        .io = *io, .random = random, .on_message = on_message, .owner = owner, .detail = ""};
    buf_init(&client->out, MAX_HANDSHAKE_BYTES);
    ws_reader_init(&client->reader, max_message_bytes);
    buf_init(&client->in, MAX_HANDSHAKE_BYTES);
    fill_random(&client->random, key, sizeof key);
    EVP_EncodeBlock((unsigned char *)client->key, key, sizeof key);
    if (url_parse(request->url, &url)) {
        ws_client_free(client);
        return NULL;
    }
    add_handshake(client, request, &url, cookies);
    if (buf_failed(&client->out))
        break_with(client, FAILURE_HEAD_TOO_LARGE, "the upgrade request is larger than 64 KiB");
    return client;
}

void ws_client_free(struct ws_client *client)
{
    if (!client)
        return;
    ws_reader_fini(&client->reader);
    buf_fini(&client->out);
    buf_fini(&client->in);
    free(client);
}

/* Is `protocol` among those that the upgrade offered? The request's text is kept until here. */
static bool is_offered(const struct ws_client *client, struct bytes protocol)
{
    struct http1_head asked;
    if (http1_parse_request(buf_bytes(&client->out), &asked) <= 0)
        return false;
    for (size_t i = 0; i < asked.header_count; i++) {
        struct bytes rest = asked.headers[i].value, part;
        if (!bytes_equal_nocase(asked.headers[i].name, bytes_of("sec-websocket-protocol")))
            continue;
        while (bytes_split(&rest, ',', &part)) {
            if (bytes_equal(bytes_trim(part), protocol))
                return true;
        }
    }
    return false;
}

/* What an answer of 101 has to say (RFC 6455 4.1); NULL when it does. */
static const char *flaw_of(const struct ws_client *client, const struct http1_head *head)
{
    char expected[29];
    ws_accept_of(bytes_of(client->key), expected);
    struct bytes protocol = http1_header(head, "sec-websocket-protocol");
    if (!http1_header_has_token(head, "upgrade", "websocket"))
        return "answered 101 without Upgrade: websocket";
    if (!http1_header_has_token(head, "connection", "upgrade"))
        return "answered 101 without Connection: upgrade";
    if (!bytes_equal(http1_header(head, "sec-websocket-accept"), bytes_of(expected)))
        return "answered 101 with a wrong Sec-WebSocket-Accept";
    if (http1_header(head, "sec-websocket-extensions").len)
        return "answered 101 with an extension that was not offered";
    if (protocol.ptr && !is_offered(client, protocol))
        return "answered 101 with a subprotocol that was not offered";
    return NULL;
}

static void check_answer(struct ws_client *client, const struct http1_head *head)
{
    client->status = head->status;
    if (head->status != 101) {
        client->state = WS_STATE_REFUSED;
        return;
    }
    const char *flaw = flaw_of(client, head);
    if (flaw) {
        break_with(client, FAILURE_PROTOCOL, flaw);
        return;
    }
    client->state = WS_STATE_OPEN;
    client->out_sent = 0;
    buf_fini(&client->out);
    client->out.max_len = WS_CLIENT_MAX_QUEUE_BYTES;
}

/* True when the head is whole; an interim answer before it (RFC 9110 15.2) is dropped. */
static bool parse_answer(struct ws_client *client)
{
    struct http1_head head;
    ssize_t used;
    while ((used = http1_parse_response(buf_bytes(&client->in), &head)) > 0) {
        if (head.status >= 200 || head.status == 101) {
            client->head_bytes = (size_t)used;
            check_answer(client, &head);
            return true;
        }
        buf_consume(&client->in, (size_t)used);
    }
    if (used == HTTP1_BAD)
        break_with(client, FAILURE_PROTOCOL, "the upgrade's answer is not HTTP/1");
    return used == HTTP1_BAD;
}

static void read_answer(struct ws_client *client)
{
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
        if (parse_answer(client))
            return;
    }
}

static void pump_handshake(struct ws_client *client)
{
    write_out(client);
    if (client->cannot_write)
        break_with(client, FAILURE_RESET, "closed before the upgrade request was sent");
    else
        read_answer(client);
}

static void queue_close(struct ws_client *client, int code)
{
    const char payload[2] = {(char)(code >> 8), (char)code};
    size_t len = code == WS_CODE_NONE ? 0 : sizeof payload;
    client->has_queued_close = true;
    ws_frame_append(&client->out, WS_CLOSE, bytes_make(payload, len), &client->random);
}

/* RFC 6455 5.5.3: with several pings to answer, the last one is enough. */
static void answer_ping(struct ws_client *client, struct bytes payload)
{
    if (client->has_queued_close)
        return;
    client->owes_pong = client->out.len - client->out_sent > MAX_PONG_BYTES;
    if (!client->owes_pong) {
        ws_frame_append(&client->out, WS_PONG, payload, &client->random);
        return;
    }
    client->pong_len = (uint8_t)payload.len;
    if (payload.len)
        memcpy(client->pong, payload.ptr, payload.len);
}

static bool on_frame(void *owner, enum ws_opcode opcode, struct bytes payload)
{
    struct ws_client *client = owner;
    if (opcode == WS_TEXT || opcode == WS_BINARY) {
        client->on_message(client->owner, opcode, payload);
    } else if (opcode == WS_PING) {
        answer_ping(client, payload);
    } else if (opcode == WS_CLOSE) {
        client->has_got_close = true;
        client->close_code = ws_close_code_of(payload);
        if (!client->has_queued_close)
            queue_close(client, client->close_code);
    }
    return !client->has_got_close;
}

static void take_frames(struct ws_client *client, struct bytes in)
{
    client->bad_code = ws_reader_feed(&client->reader, in, on_frame, client);
}

static bool can_read(const struct ws_client *client)
{
    return !client->is_peer_gone && !client->has_got_close && !client->bad_code;
}

/*
 * As much as a pump may. A read that was not filled has emptied the socket, unless TLS holds more:
 * only then, or where nobody knows, another read is worth its system call.
 */
static void read_frames(struct ws_client *client)
{
    char chunk[READ_BYTES];
    size_t taken = 0;
    client->has_more = false;
    if (client->in.data) {
        take_frames(client, bytes_from(buf_bytes(&client->in), client->head_bytes));
        buf_release(&client->in);
    }
    for (int reads = 0; can_read(client); reads++) {
        if (taken >= WS_CLIENT_PUMP_BYTES || reads == MAX_READS) {
            client->has_more = true;
            return;
        }
        ssize_t moved = read_bytes(client, chunk, sizeof chunk);
        if (moved <= 0)
            return;
        taken += (size_t)moved;
        take_frames(client, bytes_make(chunk, (size_t)moved));
        if ((size_t)moved < sizeof chunk && client->io.has_pending &&
            !client->io.has_pending(client->io.owner))
            return;
    }
}

static void write_frames(struct ws_client *client)
{
    while (write_out(client)) {
        empty_out(client);
        if (!client->owes_pong)
            return;
        client->owes_pong = false;
        ws_frame_append(&client->out, WS_PONG, bytes_make(client->pong, client->pong_len),
                        &client->random);
    }
    drop_sent(client);
}

static const char *flaw_of_code(int code)
{
    switch (code) {
    case WS_CODE_TOO_LARGE:
        return "a message over the limit";
    case WS_CODE_NOT_UTF8:
        return "a text that is not UTF-8";
    default:
        return "a frame that breaks RFC 6455";
    }
}

static void pump_frames(struct ws_client *client)
{
    read_frames(client);
    if (client->bad_code && !client->has_queued_close)
        queue_close(client, client->bad_code);
    write_frames(client);
    bool is_all_out = client->cannot_write || client->out.len == 0;
    if (client->bad_code)
        break_with(client, FAILURE_PROTOCOL, flaw_of_code(client->bad_code));
    else if (client->has_got_close) /* whether our answer to it arrives is nobody's concern */
        client->state = is_all_out ? WS_STATE_CLOSED : WS_STATE_CLOSING;
    else if (client->is_peer_gone || client->cannot_write)
        break_with(client, FAILURE_RESET, "closed without a closing handshake");
    else if (client->has_queued_close && is_all_out)
        client->state = WS_STATE_CLOSING;
}

enum ws_client_state ws_client_pump(struct ws_client *client)
{
    /* Frames that came with the answer wait until it is known to be open. */
    if (client->state == WS_STATE_HANDSHAKE)
        pump_handshake(client);
    else if (client->state == WS_STATE_OPEN || client->state == WS_STATE_CLOSING)
        pump_frames(client);
    return client->state;
}

bool ws_client_has_more(const struct ws_client *client)
{
    return client->has_more;
}

int ws_client_flush(struct ws_client *client)
{
    if (client->state == WS_STATE_OPEN || client->state == WS_STATE_CLOSING)
        write_frames(client);
    return client->cannot_write ? -1 : 0;
}

int ws_client_send(struct ws_client *client, int opcode, struct bytes payload, int close_code)
{
    if (client->state != WS_STATE_OPEN || client->has_queued_close)
        return -1;
    if (opcode != WS_CLOSE)
        return ws_frame_append(&client->out, (enum ws_opcode)opcode, payload, &client->random);
    queue_close(client, close_code);
    return 0;
}

bool ws_client_wants_write(const struct ws_client *client)
{
    return client->out_sent < client->out.len || client->owes_pong;
}

int ws_client_status(const struct ws_client *client)
{
    return client->status;
}

int ws_client_head(const struct ws_client *client, struct http1_head *ret_head)
{
    if (!client->head_bytes || !client->in.len)
        return -1;
    return http1_parse_response(buf_bytes(&client->in), ret_head) > 0 ? 0 : -1;
}

int ws_client_close_code(const struct ws_client *client)
{
    return client->close_code;
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
