/* ws_client.c - streams an audio file over a WebSocket and prints what comes back.
 *
 *   CONNECT -> HANDSHAKE -> STREAMING (audio out at its pace) -> ENDING (until the final one) ->
 * closed
 *
 * Exit 0: a final transcript came and the close code was 1000. 3: the server refused the handshake
 * (its status is printed). 1: anything else. 2: the command line. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <wslay/wslay.h>

#define CHUNK_MAX (1u << 20)
#define SILENCE_MS 10000 /* nothing from the server for so long ends it */

struct options {
    const char *host;
    unsigned port;
    char *path;         /* malloc'ed */
    const char *source; /* NULL: the system's choice */
    const char *token;
    const char *audio;
    const char *text; /* --text: sent first, as it is */
    bool token_in_query;
    bool is_quiet;
    size_t chunk_bytes;
    unsigned pace_ms;
};

struct client {
    const struct options *options;
    int fd;
    FILE *audio;
    wslay_event_context_ptr ws;
    char early[4096]; /* read behind the handshake */
    size_t early_bytes, early_used;
    bool has_sent_end, has_final, is_broken;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static int connect_to(const struct options *options)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port)};
    struct sockaddr_in from = {.sin_family = AF_INET};
    int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if ((options->source && (inet_pton(AF_INET, options->source, &from.sin_addr) != 1 ||
                             bind(fd, (struct sockaddr *)&from, sizeof from))) ||
        inet_pton(AF_INET, options->host, &to.sin_addr) != 1 ||
        connect(fd, (struct sockaddr *)&to, sizeof to)) {
        fprintf(stderr, "ws_client: %s:%u: %s\n", options->host, options->port, strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

static void expected_accept(const char *key, char out[32])
{
    unsigned char digest[20];
    char text[80];

    int len = snprintf(text, sizeof text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    SHA1((const unsigned char *)text, (size_t)len, digest);
    EVP_EncodeBlock((unsigned char *)out, digest, sizeof digest);
}

static int send_request(const struct client *client, const char *key)
{
    const struct options *o = client->options;
    char request[4096], authorization[2048] = "", query[2048] = "";

    if (o->token && o->token_in_query)
        snprintf(query, sizeof query, "?token=%s", o->token);
    else if (o->token)
        snprintf(authorization, sizeof authorization, "Authorization: Bearer %s\r\n", o->token);
    int len = snprintf(request, sizeof request,
                       "GET %s%s HTTP/1.1\r\nHost: %s:%u\r\nUser-Agent: voicelab-ws\r\n%s"
                       "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: %s\r\n\r\n",
                       o->path, query, o->host, o->port, authorization, key);
    if (len >= (int)sizeof request)
        return -1;
    return send(client->fd, request, (size_t)len, MSG_NOSIGNAL) == len ? 0 : -1;
}

/* Returns the exit code: 0 when the socket speaks WebSocket now. */
static int handshake(struct client *client)
{
    unsigned char nonce[16];
    char key[32], accept[32], answer[4096];
    size_t used = 0;
    char *end = NULL;

    if (getrandom(nonce, sizeof nonce, 0) != sizeof nonce)
        return 1;
    EVP_EncodeBlock((unsigned char *)key, nonce, sizeof nonce);
    if (send_request(client, key))
        return 1;
    while (!end) {
        ssize_t got = recv(client->fd, answer + used, sizeof answer - 1 - used, 0);
        if (got <= 0) {
            fputs("ws_client: no answer to the handshake\n", stderr);
            return 1;
        }
        used += (size_t)got;
        answer[used] = '\0';
        end = strstr(answer, "\r\n\r\n");
    }
    if (strncmp(answer, "HTTP/1.1 101", 12) != 0) {
        printf("status %.3s\n", answer + 9);
        return 3;
    }
    expected_accept(key, accept);
    char *theirs = strcasestr(answer, "\r\nSec-WebSocket-Accept: ");
    if (!theirs || strncmp(theirs + 24, accept, strlen(accept)) != 0) {
        fputs("ws_client: Sec-WebSocket-Accept is wrong\n", stderr);
        return 1;
    }
    client->early_bytes = used - (size_t)(end + 4 - answer);
    memcpy(client->early, end + 4, client->early_bytes);
    return 0;
}

static ssize_t receive(wslay_event_context_ptr ws, uint8_t *out, size_t len, int flags,
                       void *context)
{
    struct client *client = context;
    size_t left = client->early_bytes - client->early_used;

    (void)flags;
    if (left > 0) {
        size_t take = left < len ? left : len;
        memcpy(out, client->early + client->early_used, take);
        client->early_used += take;
        return (ssize_t)take;
    }
    ssize_t got = recv(client->fd, out, len, MSG_DONTWAIT);
    if (got > 0)
        return got;
    client->is_broken = got == 0 || errno != EAGAIN;
    wslay_event_set_error(ws,
                          client->is_broken ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
    return -1;
}

static ssize_t transmit(wslay_event_context_ptr ws, const uint8_t *bytes, size_t len, int flags,
                        void *context)
{
    struct client *client = context;
    ssize_t sent = send(client->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

    (void)flags;
    if (sent >= 0)
        return sent;
    client->is_broken = errno != EAGAIN;
    wslay_event_set_error(ws,
                          client->is_broken ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
    return -1;
}

static int mask(wslay_event_context_ptr ws, uint8_t *out, size_t len, void *context)
{
    (void)ws;
    (void)context;
    return getrandom(out, len, 0) == (ssize_t)len ? 0 : -1;
}

static void on_message(wslay_event_context_ptr ws,
                       const struct wslay_event_on_msg_recv_arg *message, void *context)
{
    struct client *client = context;

    (void)ws;
    if (message->opcode != WSLAY_TEXT_FRAME)
        return;
    if (!client->options->is_quiet)
        printf("%.*s\n", (int)message->msg_length, (const char *)message->msg);
    static const char final[] = "\"type\":\"final\"";
    client->has_final |= memmem(message->msg, message->msg_length, final, sizeof final - 1) != NULL;
}

static void queue(struct client *client, uint8_t opcode, const void *bytes, size_t len)
{
    struct wslay_event_msg message = {opcode, bytes, len};

    wslay_event_queue_msg(client->ws, &message);
}

/* The next piece of audio, or the word that there is no more. */
static void send_next(struct client *client)
{
    static const char end[] = "{\"type\":\"end\"}";
    char *chunk = malloc(client->options->chunk_bytes);
    size_t len = chunk ? fread(chunk, 1, client->options->chunk_bytes, client->audio) : 0;

    if (len > 0) {
        queue(client, WSLAY_BINARY_FRAME, chunk, len);
    } else {
        queue(client, WSLAY_TEXT_FRAME, end, sizeof end - 1);
        client->has_sent_end = true;
    }
    free(chunk);
}

static int converse(struct client *client)
{
    uint64_t next_ms = now_ms(), heard_ms = now_ms();

    if (client->options->text)
        queue(client, WSLAY_TEXT_FRAME, client->options->text, strlen(client->options->text));
    if (client->early_bytes > 0)
        wslay_event_recv(client->ws);
    while (!client->is_broken &&
           (wslay_event_want_read(client->ws) || wslay_event_want_write(client->ws))) {
        uint64_t now = now_ms();
        if (now - heard_ms > SILENCE_MS) {
            fputs("ws_client: the server went silent\n", stderr);
            return 1;
        }
        if (!client->has_sent_end && now >= next_ms) {
            send_next(client);
            next_ms += client->options->pace_ms;
        }
        if (wslay_event_want_write(client->ws) && wslay_event_send(client->ws))
            break;
        struct pollfd poller = {.fd = client->fd, .events = POLLIN};
        if (wslay_event_want_write(client->ws))
            poller.events |= POLLOUT;
        int wait_ms = client->has_sent_end ? 1000 : next_ms > now ? (int)(next_ms - now) : 0;
        if (poll(&poller, 1, wait_ms) > 0 && (poller.revents & (POLLIN | POLLHUP | POLLERR))) {
            heard_ms = now_ms();
            if (wslay_event_recv(client->ws))
                break;
        }
    }
    unsigned code = wslay_event_get_status_code_received(client->ws);
    printf("closed %u\n", code);
    return client->has_final && code == 1000 ? 0 : 1;
}

static int usage(void)
{
    fputs("usage: voicelab_ws_client [options] http://ADDRESS:PORT/PATH\n"
          "  --audio FILE     what to stream (required)\n"
          "  --token JWT      as Authorization: Bearer; with --token-in-query as ?token=\n"
          "  --source ADDR    local address to connect from\n"
          "  --chunk BYTES    of audio a message (3200: 100 ms of 16 kHz mono)\n"
          "  --pace MS        between messages (100)\n"
          "  --text TEXT      a text message to send before the audio\n"
          "  --quiet          print the close code only\n",
          stderr);
    return 2;
}

static bool parse_url(struct options *options, char *url)
{
    char *slash, *colon;

    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "ws://", 5) != 0)
        return false;
    options->host = strstr(url, "://") + 3;
    if (!(slash = strchr(options->host, '/')) || !(colon = strchr(options->host, ':')) ||
        colon > slash)
        return false;
    options->port = (unsigned)strtoul(colon + 1, NULL, 10);
    options->path = strdup(slash);
    *colon = '\0';
    return options->path != NULL && options->port > 0 && options->port < 65536;
}

static bool parse_value(struct options *o, const char *name, const char *value)
{
    if (strcmp(name, "--audio") == 0)
        o->audio = value;
    else if (strcmp(name, "--token") == 0)
        o->token = value;
    else if (strcmp(name, "--source") == 0)
        o->source = value;
    else if (strcmp(name, "--text") == 0)
        o->text = value;
    else if (strcmp(name, "--chunk") == 0)
        o->chunk_bytes = strtoul(value, NULL, 10);
    else if (strcmp(name, "--pace") == 0)
        o->pace_ms = (unsigned)strtoul(value, NULL, 10);
    else
        return false;
    return true;
}

static bool parse(struct options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--token-in-query") == 0)
            options->token_in_query = true;
        else if (strcmp(argv[i], "--quiet") == 0)
            options->is_quiet = true;
        else if (argv[i][0] != '-' ? options->host || !parse_url(options, argv[i])
                                   : i + 1 == argc || !parse_value(options, argv[i], argv[i + 1]))
            return false;
        else if (argv[i][0] == '-')
            i++;
    }
    return options->host && options->audio && options->chunk_bytes > 0 &&
           options->chunk_bytes <= CHUNK_MAX;
}

static int run(struct client *client)
{
    static const struct wslay_event_callbacks callbacks = {.recv_callback = receive,
                                                           .send_callback = transmit,
                                                           .genmask_callback = mask,
                                                           .on_msg_recv_callback = on_message};
    int code = handshake(client);

    if (code)
        return code;
    if (wslay_event_context_client_init(&client->ws, &callbacks, client))
        return 1;
    code = converse(client);
    wslay_event_context_free(client->ws);
    return code;
}

int main(int argc, char **argv)
{
    struct options options = {.chunk_bytes = 3200, .pace_ms = 100};
    struct client client = {.options = &options, .fd = -1};

    if (!parse(&options, argc, argv)) {
        free(options.path);
        return usage();
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* whoever watches sees each transcript as it comes */
    int code = 1;
    client.audio = fopen(options.audio, "rbe");
    if (!client.audio)
        perror(options.audio);
    else if ((client.fd = connect_to(&options)) >= 0)
        code = run(&client);
    if (client.fd >= 0)
        close(client.fd);
    if (client.audio)
        fclose(client.audio);
    free(options.path);
    return code;
}
