/*
 * arrival_server.c - answers at once and remembers, in nanoseconds, when each request arrived.
 *
 *   usage: arrival_server LOG MOST
 *
 * Listens on a port of 127.0.0.1 that it prints. Takes requests without bodies; the number that a
 * target begins with ("/1234") is what the request is known by. On SIGTERM it writes LOG, a line
 * for each of the first MOST requests in the order they came: that number, the arrival
 * (CLOCK_MONOTONIC, ns), the connection's number and which of its requests it was, from 0. It asks
 * for events all the time instead of sleeping: a server that has to be woken would count its own
 * waking.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FDS = 65536, HEAD_BYTES = 8192, EVENTS = 256 };

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";

struct connection {
    uint32_t number, requests;
    size_t len;
    char head[HEAD_BYTES];
};

struct arrival {
    uint64_t number, arrived_ns;
    uint32_t connection, request;
};

static struct connection *connections[MAX_FDS];
static struct arrival *arrivals;
static size_t arrival_count, most_arrivals;
static uint32_t connection_count;
static volatile sig_atomic_t is_stopping;

static void on_signal(int number)
{
    (void)number;
    is_stopping = 1;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void note(struct connection *connection, uint64_t arrived_ns)
{
    const char *target = memchr(connection->head, '/', connection->len);
    struct arrival *arrival = &arrivals[arrival_count];
    uint32_t request = connection->requests++;
    if (arrival_count == most_arrivals)
        return;
    *arrival = (struct arrival){
        .arrived_ns = arrived_ns, .connection = connection->number, .request = request};
    arrival->number = target ? strtoull(target + 1, NULL, 10) : 0;
    arrival_count++;
}

static void hang_up(int fd)
{
    free(connections[fd]);
    connections[fd] = NULL;
    close(fd);
}

/* Everything there is to read; false when the connection is at its end. */
static bool serve(int fd)
{
    struct connection *connection = connections[fd];
    ssize_t got = recv(fd, connection->head + connection->len, HEAD_BYTES - connection->len - 1, 0);
    uint64_t arrived_ns = now_ns();
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    connection->len += (size_t)got;
    for (;;) {
        const char *end = memmem(connection->head, connection->len, "\r\n\r\n", 4);
        if (!end)
            return connection->len + 1 < HEAD_BYTES;
        if (send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) != (ssize_t)sizeof answer - 1)
            return false;
        connection->head[connection->len] = '\0';
        note(connection, arrived_ns);
        size_t used = (size_t)(end + 4 - connection->head);
        connection->len -= used;
        memmove(connection->head, connection->head + used, connection->len);
    }
}

static void take_connections(int listener, int epoll_fd)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        const int one = 1;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (fd < 0)
            return;
        if (fd >= MAX_FDS || !(connections[fd] = calloc(1, sizeof *connections[fd]))) {
            close(fd);
            continue;
        }
        connections[fd]->number = connection_count++;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

static int listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096) ||
        getsockname(fd, (struct sockaddr *)&address, &len))
        return -1;
    printf("%u\n", (unsigned)ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static int write_log(const char *path)
{
    FILE *log = fopen(path, "w");
    if (!log)
        return -1;
    for (size_t i = 0; i < arrival_count; i++)
        fprintf(log, "%llu %llu %u %u\n", (unsigned long long)arrivals[i].number,
                (unsigned long long)arrivals[i].arrived_ns, arrivals[i].connection,
                arrivals[i].request);
    return fclose(log);
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal};
    if (argc != 3) {
        fputs("usage: arrival_server LOG MOST\n", stderr);
        return 2;
    }
    most_arrivals = strtoul(argv[2], NULL, 10);
    arrivals = malloc((most_arrivals + 1) * sizeof *arrivals);
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_somewhere();
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
    if (!arrivals || epoll_fd < 0 || listener < 0 ||
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event)) {
        perror("arrival_server");
        return 1;
    }
    memset(arrivals, 0, (most_arrivals + 1) * sizeof *arrivals); /* no page is new later on */
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    while (!is_stopping) {
        int count = epoll_wait(epoll_fd, events, EVENTS, 0);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener)
                take_connections(listener, epoll_fd);
            else if (!serve(fd))
                hang_up(fd);
        }
    }
    if (write_log(argv[1])) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
