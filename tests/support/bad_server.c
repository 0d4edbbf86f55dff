/*
 * bad_server.c - a server that misbehaves as the path asks for: a replay must name each misdeed,
 * and outlive it.
 *
 *     bad_server [--port N] [--reset-first N]
 *
 * It prints `bad_server: listening on URL`, then a line a request: METHOD TARGET X-USER
 * AUTHORIZATION ("-" for what is not there), and `text: MESSAGE` for what comes over a WebSocket.
 * With --reset-first the first N connections are reset as soon as they are accepted. The paths are
 * the rows of `bad_answers` and `bad_websockets`.
 */
#include "tests/support/bad_request.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct bad_deed *deed_of(const struct bad_deed *deeds, const char *target)
{
    while (deeds->path && strncmp(target, deeds->path, strlen(deeds->path)) != 0)
        deeds++;
    return deeds->path ? deeds : NULL;
}

static bool serve(struct bad_request *request)
{
    if (!bad_read_head(request))
        return false;
    flockfile(stdout);
    printf("%s %s %s ", request->method, request->target, bad_header(request, "X-User"));
    printf("%s\n", bad_header(request, "Authorization"));
    funlockfile(stdout);
    const struct bad_deed *deed = deed_of(bad_websockets, request->target);
    return (deed ? deed : deed_of(bad_answers, request->target))->act(request);
}

static void *run_connection(void *owner)
{
    struct bad_request *request = owner;
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
        struct bad_request *request = calloc(1, sizeof *request);
        if (!request || (request->fd = accept(listener, NULL, NULL)) < 0)
            return 1;
        if (resets-- > 0) {
            bad_reset(request);
            close(request->fd);
            free(request);
        } else if (pthread_create(&thread, NULL, run_connection, request)) {
            return 1;
        } else {
            pthread_detach(thread);
        }
    }
}
