/*
 * stream_server.c - answers that stay open until their own value has been used: whoever waits for
 * the end of one waits for ever.
 *
 *     stream_server [FILLER_BYTES [gzip]]
 *
 * It prints `stream_server: listening on URL`, then a line a request: METHOD TARGET. /events sends
 * an event with a fresh id, /feed JSON with one, /redirect a Location with one: each goes on when
 * /items/ID has been asked for, and sends its end. /big is FILLER_BYTES of JSON behind its id. With
 * `gzip` those bodies are coded, each piece flushed so that it can be read.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

enum { MAX_HEAD = 64 * 1024, MAX_ITEMS = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t asked = PTHREAD_COND_INITIALIZER;
static bool was_asked[MAX_ITEMS];
static int item_count;
static size_t filler_bytes = 1000;
static bool is_coded;

static void say_bytes(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        text += sent;
        len -= (size_t)sent;
    }
}

static void say(int fd, const char *text)
{
    say_bytes(fd, text, strlen(text));
}

static void say_chunk_bytes(int fd, const char *bytes, size_t len)
{
    char size[32];
    snprintf(size, sizeof size, "%zx\r\n", len);
    if (!len)
        return;
    say(fd, size);
    say_bytes(fd, bytes, len);
    say(fd, "\r\n");
}

/* As it is, or into the body's coding; the last one ends that, too. */
static void say_chunk(int fd, z_stream *coding, const char *text, bool is_last)
{
    unsigned char out[4096];
    if (!is_coded) {
        say_chunk_bytes(fd, text, strlen(text));
        return;
    }
    coding->next_in = (z_const Bytef *)text;
    coding->avail_in = (uInt)strlen(text);
    do {
        coding->next_out = out;
        coding->avail_out = sizeof out;
        deflate(coding, is_last ? Z_FINISH : Z_SYNC_FLUSH);
        say_chunk_bytes(fd, (const char *)out, sizeof out - coding->avail_out);
    } while (!coding->avail_out);
}

static int new_item(void)
{
    pthread_mutex_lock(&lock);
    int item = item_count < MAX_ITEMS - 1 ? ++item_count : item_count;
    pthread_mutex_unlock(&lock);
    return item;
}

static void wait_until_asked(int item)
{
    pthread_mutex_lock(&lock);
    while (!was_asked[item])
        pthread_cond_wait(&asked, &lock);
    pthread_mutex_unlock(&lock);
}

static void note_asked(const char *target)
{
    bool is_live = strncmp(target, "/items/live-", 12) == 0;
    long item = is_live ? strtol(target + 12, NULL, 10) : 0;
    pthread_mutex_lock(&lock);
    if (item > 0 && item < MAX_ITEMS)
        was_asked[item] = true;
    pthread_cond_broadcast(&asked);
    pthread_mutex_unlock(&lock);
}

static void open_answer(int fd, const char *target)
{
    bool is_events = strcmp(target, "/events") == 0, is_feed = strcmp(target, "/feed") == 0;
    char text[256];
    int item = new_item();
    z_stream coding = {0};
    if (is_coded && deflateInit2(&coding, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY))
        abort();
    say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n");
    if (is_coded)
        say(fd, "Content-Encoding: gzip\r\n");
    snprintf(text, sizeof text, "Location: /items/live-%d\r\n", item);
    if (!is_events && !is_feed)
        say(fd, text);
    say(fd, is_events ? "Content-Type: text/event-stream\r\n\r\n" : "\r\n");
    snprintf(text, sizeof text,
             is_events ? ": hello\n\nevent: item\ndata: {\"id\":\"live-%d\"}\n\n"
                       : "{\"id\":\"live-%d\",\"rows\":[1",
             item);
    if (is_events || is_feed)
        say_chunk(fd, &coding, text, false);
    wait_until_asked(item);
    say_chunk(fd, &coding,
              is_events ? "event: bye\ndata: {}\n\n"
              : is_feed ? ",2]}"
                        : "done",
              true);
    say(fd, "0\r\n\r\n");
    if (is_coded)
        deflateEnd(&coding);
}

static const char block[] =
    ",{\"name\":\"0123456789 \\\" 0123456789\",\"id\":\"none\",\"n\":[1,2]}";

/* Some KB on the wire. */
static void big_coded_answer(int fd, const char *start, size_t blocks)
{
    z_stream coding = {0};
    char many[100 * sizeof block];
    if (deflateInit2(&coding, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY))
        abort();
    say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n");
    say_chunk(fd, &coding, start, false);
    for (size_t i = 0; i < 100; i++)
        memcpy(many + i * (sizeof block - 1), block, sizeof block);
    for (size_t i = 0; i < blocks; i += 100)
        say_chunk(fd, &coding, many, false);
    say_chunk(fd, &coding, "]}", true);
    say(fd, "0\r\n\r\n");
    deflateEnd(&coding);
}

static void big_answer(int fd)
{
    char text[256];
    int item = new_item();
    snprintf(text, sizeof text, "{\"id\":\"live-%d\",\"rows\":[0", item);
    size_t blocks = filler_bytes / (sizeof block - 1);
    char head[128];
    if (is_coded) {
        big_coded_answer(fd, text, blocks);
        return;
    }
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
             strlen(text) + blocks * (sizeof block - 1) + 2);
    say(fd, head);
    say(fd, text);
    for (size_t i = 0; i < blocks; i++)
        say(fd, block);
    say(fd, "]}");
}

static void *serve(void *owner)
{
    int fd = (int)(intptr_t)owner;
    char head[MAX_HEAD], method[16], target[512];
    size_t len = 0;
    for (;;) {
        ssize_t got = recv(fd, head + len, sizeof head - 1 - len, 0);
        if (got <= 0)
            break;
        len += (size_t)got;
        head[len] = '\0';
        if (!strstr(head, "\r\n\r\n"))
            continue;
        if (sscanf(head, "%15s %511s", method, target) != 2)
            break;
        len = 0; /* no request here has a body */
        printf("%s %s\n", method, target);
        if (strncmp(target, "/items/", 7) == 0)
            note_asked(target);
        if (strcmp(target, "/big") == 0)
            big_answer(fd);
        else if (strncmp(target, "/items/", 7) == 0 || strcmp(target, "/") == 0)
            say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        else
            open_answer(fd, target);
    }
    close(fd);
    return NULL;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (argc > 1)
        filler_bytes = strtoul(argv[1], NULL, 10);
    is_coded = argc > 2;
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (bind(listener, (struct sockaddr *)&address, len) || listen(listener, 128) ||
        getsockname(listener, (struct sockaddr *)&address, &len)) {
        perror("stream_server");
        return 1;
    }
    printf("stream_server: listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
    for (;;) {
        pthread_t thread;
        int fd = accept(listener, NULL, NULL);
        if (fd < 0 || pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd))
            return 1;
        pthread_detach(thread);
    }
}
