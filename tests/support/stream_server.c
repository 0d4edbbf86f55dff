/*
 * stream_server.c - answers that stay open until their own value has been used: whoever waits for
 * the end of one waits for ever.
 *
 *     stream_server [FILLER_BYTES]
 *
 * It prints `stream_server: listening on URL`, then a line a request: METHOD TARGET. /events sends
 * an event with a fresh id, /feed JSON with one, /redirect a Location with one: each goes on when
 * /items/ID has been asked for, and sends its end. /big is FILLER_BYTES of JSON behind its id.
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

enum { MAX_HEAD = 64 * 1024, MAX_ITEMS = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t asked = PTHREAD_COND_INITIALIZER;
static bool was_asked[MAX_ITEMS];
static int item_count;
static size_t filler_bytes = 1000;

static void say(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        text += sent;
        len -= (size_t)sent;
    }
}

static void say_chunk(int fd, const char *text)
{
    char size[32];
    snprintf(size, sizeof size, "%zx\r\n", strlen(text));
    say(fd, size);
    say(fd, text);
    say(fd, "\r\n");
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
    say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n");
    snprintf(text, sizeof text, "Location: /items/live-%d\r\n", item);
    if (!is_events && !is_feed)
        say(fd, text);
    say(fd, is_events ? "Content-Type: text/event-stream\r\n\r\n" : "\r\n");
    snprintf(text, sizeof text,
             is_events ? ": hello\n\nevent: item\ndata: {\"id\":\"live-%d\"}\n\n"
                       : "{\"id\":\"live-%d\",\"rows\":[1",
             item);
    if (is_events || is_feed)
        say_chunk(fd, text);
    wait_until_asked(item);
    say_chunk(fd, is_events ? "event: bye\ndata: {}\n\n" : is_feed ? ",2]}" : "done");
    say(fd, "0\r\n\r\n");
}

static void big_answer(int fd)
{
    static const char block[] =
        ",{\"name\":\"0123456789 \\\" 0123456789\",\"id\":\"none\",\"n\":[1,2]}";
    char text[256];
    int item = new_item();
    snprintf(text, sizeof text, "{\"id\":\"live-%d\",\"rows\":[0", item);
    size_t blocks = filler_bytes / (sizeof block - 1);
    char head[128];
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
