/*
 * bad_server.c - a server that misbehaves as the path asks for: a replay must name each misdeed,
 * and outlive it.
 *
 *     bad_server [--port N] [--reset-first N]
 *
 * It prints `bad_server: listening on URL`, then a line a request: METHOD TARGET X-USER
 * AUTHORIZATION ("-" for what is not there), and `text: MESSAGE` for what comes over a WebSocket.
 * With --reset-first the first N connections are reset as soon as they are accepted. The paths are
 * the rows of `deeds`.
 */
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_HEAD = 64 * 1024, MAX_SEEN = 4096 };

struct request {
    int fd;
    char head[MAX_HEAD];
    size_t head_len;  /* with the empty line */
    size_t body_read; /* of the body, what came with the head */
    char method[16], target[512];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *seen[MAX_SEEN]; /* targets asked for before */

/* --- sending and receiving ------------------------------------------------------------------- */

static bool send_bytes(const struct request *request, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len) {
        ssize_t sent = send(request->fd, at, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        len -= (size_t)sent;
    }
    return true;
}

static bool send_text(const struct request *request, const char *text)
{
    return send_bytes(request, text, strlen(text));
}

/* Until the client has closed. */
static void wait_for_close(const struct request *request)
{
    char ignored[16384];
    while (recv(request->fd, ignored, sizeof ignored, 0) > 0) {
    }
}

static void reset(const struct request *request)
{
    const struct linger now = {.l_onoff = 1};
    setsockopt(request->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static bool recv_exactly(const struct request *request, void *bytes, size_t len)
{
    return len == 0 || recv(request->fd, bytes, len, MSG_WAITALL) == (ssize_t)len;
}

/* The value of a header, or "-", until the next call on this thread. */
static const char *header(const struct request *request, const char *name)
{
    static _Thread_local char value[1024];
    for (const char *line = strchr(request->head, '\n'); line; line = strchr(line, '\n')) {
        line++;
        size_t len = strlen(name);
        if (strncasecmp(line, name, len) || line[len] != ':')
            continue;
        line += len + 1 + strspn(line + len + 1, " ");
        snprintf(value, sizeof value, "%.*s", (int)strcspn(line, "\r\n"), line);
        return value;
    }
    return "-";
}

static void skip_body(struct request *request)
{
    char ignored[16384];
    const char *length = header(request, "Content-Length");
    size_t left = strtoull(length, NULL, 10);
    left -= request->body_read < left ? request->body_read : left;
    while (left) {
        ssize_t got = recv(request->fd, ignored, left < sizeof ignored ? left : sizeof ignored, 0);
        if (got <= 0)
            return;
        left -= (size_t)got;
    }
}

/* --- deeds: true when the connection stays in use -------------------------------------------- */

static bool answer(const struct request *request, int status, const char *headers)
{
    char text[512];
    snprintf(text, sizeof text, "HTTP/1.1 %d Because\r\n%sContent-Length: 2\r\n\r\nok", status,
             headers);
    return send_text(request, text);
}

static bool do_ok(struct request *request)
{
    skip_body(request);
    return answer(request, 200, "");
}

/* A token, another one each time. */
static bool do_login(struct request *request)
{
    static int logins;
    char headers[64];
    skip_body(request);
    pthread_mutex_lock(&lock);
    snprintf(headers, sizeof headers, "X-Token: token-%d\r\n", ++logins);
    pthread_mutex_unlock(&lock);
    return answer(request, 200, headers);
}

/* /first/STATUS/...: that status to the first who asks for this target, 200 from then on. */
static bool do_first(struct request *request)
{
    int status = (int)strtol(request->target + strlen("/first/"), NULL, 10);
    bool is_first = true;
    skip_body(request);
    pthread_mutex_lock(&lock);
    size_t at = 0;
    for (; at < MAX_SEEN - 1 && seen[at]; at++)
        is_first = is_first && strcmp(seen[at], request->target) != 0;
    if (is_first)
        seen[at] = strdup(request->target);
    pthread_mutex_unlock(&lock);
    return answer(request, is_first ? status : 200, "");
}

static bool do_reset(struct request *request)
{
    reset(request);
    return false;
}

static bool do_close(struct request *request)
{
    (void)request;
    return false;
}

static bool do_silent(struct request *request)
{
    wait_for_close(request);
    return false;
}

static bool do_half_body(struct request *request)
{
    send_text(request, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nno more than this");
    return false;
}

static bool do_stuck_body(struct request *request)
{
    do_half_body(request);
    wait_for_close(request);
    return false;
}

static bool do_cut_chunk(struct request *request)
{
    send_text(request, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nno more");
    return false;
}

static bool do_huge_chunk(struct request *request)
{
    send_text(request, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "fffffffffffffffffffffffffffff\r\nsome\r\n");
    wait_for_close(request);
    return false;
}

static bool do_bad_chunk(struct request *request)
{
    send_text(request, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n");
    wait_for_close(request);
    return false;
}

static bool do_endless_body(struct request *request)
{
    static const char block[65536];
    send_text(request, "HTTP/1.1 200 OK\r\n\r\n");
    while (send_bytes(request, block, sizeof block)) {
    }
    return false;
}

static bool do_endless_headers(struct request *request)
{
    send_text(request, "HTTP/1.1 200 OK\r\n");
    while (
        send_text(request, "X-More: and more and more and more and more and more and more\r\n")) {
    }
    return false;
}

static bool do_garbage(struct request *request)
{
    static const char garbage[] = "\x16\x03\x01\0\xff\xfe this is no HTTP\r\n\r\n";
    send_bytes(request, garbage, sizeof garbage - 1);
    return false;
}

static bool do_other_version(struct request *request)
{
    send_text(request, "HTTP/7.3 200 OK\r\nContent-Length: 2\r\n\r\nok");
    return false;
}

/* Right in everything but its speed. */
static bool do_drip(struct request *request)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for (size_t i = 0; i < sizeof text - 1; i++) {
        if (!send_bytes(request, text + i, 1))
            return false;
    }
    return true;
}

/* The whole answer before the body of the request has come; then that is read. */
static bool do_early(struct request *request)
{
    answer(request, 200, "");
    skip_body(request);
    return true;
}

static bool do_switch(struct request *request)
{
    send_text(request, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\n"
                       "Connection: Upgrade\r\n\r\n");
    return false;
}

/* --- WebSocket ------------------------------------------------------------------------------- */

static bool send_switch(const struct request *request, bool is_right)
{
    char text[256], accept[32];
    unsigned char digest[SHA_DIGEST_LENGTH];
    snprintf(text, sizeof text, "%.64s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
             is_right ? header(request, "Sec-WebSocket-Key") : "somebody else's");
    SHA1((const unsigned char *)text, strlen(text), digest);
    EVP_EncodeBlock((unsigned char *)accept, digest, sizeof digest);
    snprintf(text, sizeof text,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %s\r\n\r\n",
             accept);
    return send_text(request, text);
}

static bool send_frame(const struct request *request, int opcode, const void *payload, size_t len)
{
    unsigned char head[2] = {(unsigned char)(0x80 | opcode), (unsigned char)len};
    return send_bytes(request, head, 2) && send_bytes(request, payload, len);
}

#define ROOM "room-live4711abcd"

/* The same back; in a room a word on whether the text names it. */
static bool send_back(const struct request *request, int opcode, const char *payload, size_t len)
{
    if (opcode != 1 || !strstr(request->target, "/room"))
        return send_frame(request, opcode, payload, len);
    bool is_right = memmem(payload, len, ROOM, strlen(ROOM));
    return is_right ? send_frame(request, 1, "{\"type\":\"ok\"}", 13)
                    : send_frame(request, 1, "{\"type\":\"error\"}", 16);
}

/* Reads frames of up to 125 bytes, prints texts and sends them back, until close. Behind the first
 * it says "ping" of its own accord. */
static bool do_ws_echo(struct request *request)
{
    unsigned char frame[2 + 4], payload[126];
    bool is_first = !strstr(request->target, "/room");
    send_switch(request, true);
    if (!is_first)
        send_frame(request, 1, "{\"type\":\"welcome\",\"room\":\"" ROOM "\"}", 45);
    while (recv_exactly(request, frame, sizeof frame)) {
        size_t len = frame[1] & 0x7f;
        int opcode = frame[0] & 0xf;
        if (len > 125 || !recv_exactly(request, payload, len))
            break;
        for (size_t i = 0; i < len; i++)
            payload[i] ^= frame[2 + i % 4];
        if (opcode == 1) {
            pthread_mutex_lock(&lock);
            printf("text: %.*s\n", (int)len, (const char *)payload);
            pthread_mutex_unlock(&lock);
        }
        if (!send_back(request, opcode, (const char *)payload, len) || opcode == 8)
            break;
        if (is_first && !send_frame(request, 1, "ping", 4))
            break;
        is_first = false;
    }
    return false;
}

static bool do_ws_wrong_accept(struct request *request)
{
    send_switch(request, false);
    wait_for_close(request);
    return false;
}

static bool do_ws_cut(struct request *request)
{
    send_switch(request, true);
    return false;
}

static bool do_ws_bad_frame(struct request *request)
{
    send_switch(request, true);
    send_bytes(request, "\xf3\x01x", 3); /* reserved bits, a reserved opcode */
    wait_for_close(request);
    return false;
}

static bool do_ws_huge_frame(struct request *request)
{
    send_switch(request, true);
    send_bytes(request,
               "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"
               "x",
               11);
    wait_for_close(request);
    return false;
}

static const struct deed {
    const char *path; /* its beginning */
    bool (*act)(struct request *request);
} deeds[] = {
    {"/switch", do_switch},
    {"/bad-chunk", do_bad_chunk},
    {"/close", do_close},
    {"/cut-chunk", do_cut_chunk},
    {"/drip", do_drip},
    {"/early", do_early},
    {"/endless-body", do_endless_body},
    {"/endless-headers", do_endless_headers},
    {"/first/", do_first},
    {"/garbage", do_garbage},
    {"/half-body", do_half_body},
    {"/huge-chunk", do_huge_chunk},
    {"/login", do_login},
    {"/other-version", do_other_version},
    {"/reset", do_reset},
    {"/silent", do_silent},
    {"/stuck-body", do_stuck_body},
    {"/ws/bad-frame", do_ws_bad_frame},
    {"/ws/cut", do_ws_cut},
    {"/ws/echo", do_ws_echo},
    {"/ws/huge-frame", do_ws_huge_frame},
    {"/ws/room", do_ws_echo},
    {"/ws/wrong-accept", do_ws_wrong_accept},
    {"/", do_ok},
};

/* --- connections ----------------------------------------------------------------------------- */

static bool read_head(struct request *request)
{
    size_t used = 0;
    for (;;) {
        ssize_t got = recv(request->fd, request->head + used, MAX_HEAD - 1 - used, 0);
        if (got <= 0)
            return false;
        used += (size_t)got;
        request->head[used] = '\0';
        const char *end = strstr(request->head, "\r\n\r\n");
        if (!end)
            continue;
        request->head_len = (size_t)(end + 4 - request->head);
        request->body_read = used - request->head_len;
        return sscanf(request->head, "%15s %511s", request->method, request->target) == 2;
    }
}

static bool serve(struct request *request)
{
    const struct deed *deed = deeds;
    if (!read_head(request))
        return false;
    pthread_mutex_lock(&lock);
    printf("%s %s %s ", request->method, request->target, header(request, "X-User"));
    printf("%s\n", header(request, "Authorization"));
    pthread_mutex_unlock(&lock);
    while (strncmp(request->target, deed->path, strlen(deed->path)) != 0)
        deed++;
    return deed->act(request);
}

static void *run_connection(void *owner)
{
    struct request *request = owner;
    while (serve(request)) {
    }
    close(request->fd);
    free(request);
    return NULL;
}

static int listen_on(int port, struct sockaddr_in *ret_address)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    socklen_t len = sizeof *ret_address;
    *ret_address = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)ret_address, len) || listen(fd, 1024) ||
        getsockname(fd, (struct sockaddr *)ret_address, &len)) {
        perror("bad_server");
        exit(1);
    }
    return fd;
}

/* A number of digits alone, at most `most`. */
static bool number_of(const char *text, int most, int *ret_number)
{
    char *end = NULL;
    long number = text ? strtol(text, &end, 10) : -1;
    bool is_number = end != text && *end == '\0' && number >= 0 && number <= most;
    if (is_number)
        *ret_number = (int)number;
    return is_number;
}

/* A scenario with a slip in it must not pass against a server that does something else. */
static void take_options(int argc, char **argv, int *ret_port, int *ret_resets)
{
    for (int i = 1; i < argc; i += 2) {
        bool is_taken =
            (strcmp(argv[i], "--port") == 0 && number_of(argv[i + 1], 65535, ret_port)) ||
            (strcmp(argv[i], "--reset-first") == 0 && number_of(argv[i + 1], 1000000, ret_resets));
        if (is_taken)
            continue;
        fprintf(stderr, "bad_server: '%s %s' is no option; it takes --port N and --reset-first N\n",
                argv[i], i + 1 < argc ? argv[i + 1] : "");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in address;
    int port = 0, resets = 0;
    take_options(argc, argv, &port, &resets);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    int listener = listen_on(port, &address);
    printf("bad_server: listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
    for (;;) {
        pthread_t thread;
        struct request *request = calloc(1, sizeof *request);
        if (!request || (request->fd = accept(listener, NULL, NULL)) < 0)
            return 1;
        if (resets-- > 0) {
            reset(request);
            close(request->fd);
            free(request);
        } else if (pthread_create(&thread, NULL, run_connection, request)) {
            return 1;
        } else {
            pthread_detach(thread);
        }
    }
}
