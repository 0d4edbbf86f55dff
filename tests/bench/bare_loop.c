/*
 * bare_loop.c - a load generator of nothing but its loop: what a request costs at the least here.
 *
 *   usage: bare_loop ENGINE PORT CONNECTIONS SECONDS        ENGINE: epoll, uring, open
 *
 * Not part of the product. 20 different requests as a browser sends them, each connection in turn;
 * a request is one writev of three pieces, an answer is looked at for the end of its head and its
 * Content-Length, its time goes into a histogram of its kind between two readings of the clock.
 * `uring` does the same with a ring of one issuer: deferred task run, registered sockets, receives
 * that poll first, sends without a completion. Without liburing at build time there is no uring.
 * `open` keeps a schedule of 10,000 requests a second, the connections in turn, and never sleeps;
 * it prints what clock_gaps does: how late requests left.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

#include "core/histogram.h"

#define KINDS 20
#define PIECES 3
#define MAX_CONNECTIONS 1024
#define MAX_ANSWER_BYTES 16384
#define OPEN_EVERY_NS 100000

struct kind {
    char middle[32];
    struct iovec pieces[PIECES];
    struct msghdr message;
    struct histogram times_us;
};

struct connection {
    int fd;
    uint32_t kind;
    uint64_t sent_ns;
    bool is_waiting;     /* for its answer; of `open` alone, as are these: */
    uint32_t in_arrears; /* requests that came due meanwhile */
    uint64_t due_ns;     /* of the first of them */
    size_t filled;
    size_t whole; /* bytes of the answer once its head is read, else 0 */
    char answer[MAX_ANSWER_BYTES];
};

static const char first[] = "GET /shop/items/";
static const char last[] =
    " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Referer: http://127.0.0.1/shop/catalogue\r\nDNT: 1\r\nUpgrade-Insecure-Requests: 1\r\n"
    "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-Site: same-origin\r\nSec-Fetch-User: ?1\r\n"
    "Cookie: sid=7f3a9c11d2e84b06a5d1; lang=en; consent=all\r\n\r\n";

static struct kind kinds[KINDS];
static struct connection *connections;
static uint32_t connection_count;
static uint64_t end_ns;
static uint64_t answers;

static void give_up(const char *what)
{
    fprintf(stderr, "bare_loop: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void make_kinds(void)
{
    for (int i = 0; i < KINDS; i++) {
        struct kind *kind = &kinds[i];
        int len = snprintf(kind->middle, sizeof(kind->middle), "%d?page=%d", i + 1, (i + 1) % 7);
        kind->pieces[0] = (struct iovec){(void *)(uintptr_t)first, sizeof(first) - 1};
        kind->pieces[1] = (struct iovec){kind->middle, (size_t)len};
        kind->pieces[2] = (struct iovec){(void *)(uintptr_t)last, sizeof(last) - 1};
        kind->message.msg_iov = kind->pieces;
        kind->message.msg_iovlen = PIECES;
        histogram_init(&kind->times_us);
    }
}

static void dial(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (uint32_t i = 0; i < connection_count; i++) {
        struct connection *connection = &connections[i];
        int yes = 1;
        connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&to, sizeof(to)))
            give_up("connect");
        setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
        connection->kind = i % KINDS;
    }
}

/* The length of the answer that begins in `answer`, 0 while its head is not whole. */
static size_t answer_length(const struct connection *connection)
{
    const char *head_end = memmem(connection->answer, connection->filled, "\r\n\r\n", 4);
    if (!head_end)
        return 0;
    size_t head_bytes = (size_t)(head_end + 4 - connection->answer);
    const char *field = memmem(connection->answer, head_bytes, "Content-Length: ", 16);
    if (!field || memcmp(connection->answer, "HTTP/1.1 200", 12) != 0) {
        errno = EPROTO;
        give_up("an answer without a length, or not 200");
    }
    return head_bytes + strtoul(field + 16, NULL, 10);
}

/* True when `got` more bytes made the answer whole: it is counted, the next request's turn. */
static bool take(struct connection *connection, ssize_t got)
{
    if (got <= 0)
        give_up("the target closed");
    connection->filled += (size_t)got;
    if (!connection->whole)
        connection->whole = answer_length(connection);
    if (!connection->whole || connection->filled < connection->whole)
        return false;
    uint64_t service_us = (now_ns() - connection->sent_ns) / 1000;
    if (histogram_record(&kinds[connection->kind].times_us, service_us))
        give_up("histogram");
    answers++;
    connection->filled = connection->whole = 0;
    connection->kind = (connection->kind + 1) % KINDS;
    return true;
}

static void send_next(struct connection *connection)
{
    struct kind *kind = &kinds[connection->kind];
    connection->sent_ns = now_ns();
    if (writev(connection->fd, kind->pieces, PIECES) < 0)
        give_up("writev");
}

static void run_epoll(void)
{
    struct epoll_event events[256];
    int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (uint32_t i = 0; i < connection_count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, connections[i].fd, &event))
            give_up("epoll_ctl");
        send_next(&connections[i]);
    }
    while (now_ns() < end_ns) {
        int count = epoll_wait(poll_fd, events, 256, 1000);
        for (int i = 0; i < count; i++) {
            struct connection *connection = &connections[events[i].data.u32];
            ssize_t got = recv(connection->fd, connection->answer + connection->filled,
                               MAX_ANSWER_BYTES - connection->filled, 0);
            if (take(connection, got))
                send_next(connection);
        }
    }
    close(poll_fd);
}

static void send_due(struct connection *connection, struct histogram *late_us)
{
    uint64_t now = now_ns();
    if (histogram_record(late_us, (now - connection->due_ns) / 1000))
        give_up("histogram");
    connection->due_ns += (uint64_t)connection_count * OPEN_EVERY_NS;
    connection->in_arrears--;
    connection->is_waiting = true;
    send_next(connection);
}

static void take_answers(int poll_fd, struct histogram *late_us)
{
    struct epoll_event events[256];
    int count = epoll_wait(poll_fd, events, 256, 0);
    for (int i = 0; i < count; i++) {
        struct connection *connection = &connections[events[i].data.u32];
        ssize_t got = recv(connection->fd, connection->answer + connection->filled,
                           MAX_ANSWER_BYTES - connection->filled, 0);
        if (!take(connection, got))
            continue;
        connection->is_waiting = false;
        if (connection->in_arrears)
            send_due(connection, late_us);
    }
}

static void run_open(void)
{
    struct histogram late_us;
    int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    uint64_t next_ns = now_ns() + OPEN_EVERY_NS;
    histogram_init(&late_us);
    for (uint32_t i = 0; i < connection_count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, connections[i].fd, &event))
            give_up("epoll_ctl");
        connections[i].due_ns = next_ns + (uint64_t)i * OPEN_EVERY_NS;
    }
    for (uint32_t turn = 0; next_ns < end_ns; take_answers(poll_fd, &late_us)) {
        for (uint64_t now = now_ns(); next_ns <= now; next_ns += OPEN_EVERY_NS) {
            struct connection *connection = &connections[turn];
            turn = (turn + 1) % connection_count;
            connection->in_arrears++;
            if (!connection->is_waiting)
                send_due(connection, &late_us);
        }
    }
    close(poll_fd);
    printf("%llu %llu %llu %llu\n", (unsigned long long)late_us.count,
           (unsigned long long)histogram_percentile(&late_us, 50),
           (unsigned long long)histogram_percentile(&late_us, 99),
           (unsigned long long)histogram_percentile(&late_us, 99.9));
    histogram_fini(&late_us);
}

#ifdef HAVE_LIBURING
static void ring_receive(struct io_uring *ring, uint32_t index)
{
    struct connection *connection = &connections[index];
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    io_uring_prep_recv(sqe, (int)index, connection->answer + connection->filled,
                       MAX_ANSWER_BYTES - connection->filled, 0);
    sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    sqe->flags |= IOSQE_FIXED_FILE;
    io_uring_sqe_set_data64(sqe, index);
}

static void ring_send(struct io_uring *ring, uint32_t index)
{
    struct connection *connection = &connections[index];
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    io_uring_prep_sendmsg(sqe, (int)index, &kinds[connection->kind].message, 0);
    sqe->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(sqe, UINT64_MAX);
    connection->sent_ns = now_ns();
}

static void ring_take(struct io_uring *ring, const struct io_uring_cqe *cqe)
{
    uint64_t index = io_uring_cqe_get_data64(cqe);
    if (cqe->res < 0 || index == UINT64_MAX) {
        errno = -cqe->res;
        give_up(index == UINT64_MAX ? "send" : "receive");
    }
    if (take(&connections[index], cqe->res))
        ring_send(ring, (uint32_t)index);
    ring_receive(ring, (uint32_t)index);
}

static void run_uring(void)
{
    struct io_uring ring;
    struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
                                              IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CLAMP};
    int fds[MAX_CONNECTIONS];
    errno = -io_uring_queue_init_params(4 * connection_count, &ring, &params);
    if (errno)
        give_up("io_uring_queue_init");
    for (uint32_t i = 0; i < connection_count; i++)
        fds[i] = connections[i].fd;
    errno = -io_uring_register_files(&ring, fds, connection_count);
    if (errno)
        give_up("io_uring_register_files");
    for (uint32_t i = 0; i < connection_count; i++) {
        ring_send(&ring, i);
        ring_receive(&ring, i);
    }
    while (now_ns() < end_ns) {
        struct io_uring_cqe *cqe;
        unsigned head, seen = 0;
        int result = io_uring_submit_and_wait(&ring, 1);
        if (result < 0 && result != -EINTR) {
            errno = -result;
            give_up("io_uring_submit_and_wait");
        }
        io_uring_for_each_cqe(&ring, head, cqe)
        {
            ring_take(&ring, cqe);
            seen++;
        }
        io_uring_cq_advance(&ring, seen);
    }
    io_uring_queue_exit(&ring);
}
#endif

static void report(const char *engine, double seconds)
{
    struct histogram all;
    histogram_init(&all);
    for (int i = 0; i < KINDS; i++) {
        if (histogram_merge(&all, &kinds[i].times_us))
            give_up("histogram");
        histogram_fini(&kinds[i].times_us);
    }
    printf("%s: %llu requests, %.0f/s, p50 %llu us, p99 %llu us\n", engine,
           (unsigned long long)answers, (double)answers / seconds,
           (unsigned long long)histogram_percentile(&all, 50),
           (unsigned long long)histogram_percentile(&all, 99));
    histogram_fini(&all);
}

int main(int argc, char **argv)
{
    unsigned long count = argc == 5 ? strtoul(argv[3], NULL, 10) : 0;
    if (count < 1 || count > MAX_CONNECTIONS) {
        fputs("usage: bare_loop epoll|uring|open PORT CONNECTIONS SECONDS\n", stderr);
        return 2;
    }
    double seconds = strtod(argv[4], NULL);
    connection_count = (uint32_t)count;
    connections = calloc(count, sizeof(*connections));
    if (!connections)
        give_up("connections");
    make_kinds();
    dial((uint16_t)strtoul(argv[2], NULL, 10));
    end_ns = now_ns() + (uint64_t)(seconds * 1e9);
    if (strcmp(argv[1], "open") == 0) {
        run_open();
        free(connections);
        return 0;
    }
    if (strcmp(argv[1], "epoll") == 0) {
        run_epoll();
#ifdef HAVE_LIBURING
    } else if (strcmp(argv[1], "uring") == 0) {
        run_uring();
#endif
    } else {
        fprintf(stderr, "bare_loop: no engine %s in this build\n", argv[1]);
        return 77;
    }
    report(argv[1], seconds);
    free(connections);
    return 0;
}
