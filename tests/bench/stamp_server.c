/*
 * stamp_server.c - an HTTP/1.1 server that answers everything alike and knows to the nanosecond
 * when.
 *
 *   usage: stamp_server LOG BODY_BYTES [PORT]      LOG "-": no times are taken
 *
 * Prints its port (on 127.0.0.1, the kernel's choice unless given) and serves until SIGTERM or
 * SIGINT; then LOG gets a line per request, all in ns of CLOCK_REALTIME:
 *
 *   arrived   when the kernel had the request's last packet (SO_TIMESTAMPING)
 *   read      when this program had it
 *   answered  when it gave the answer to the kernel
 *   connection, target
 *
 * GET / in HTTP/1.0 is answered with counts as nginx's stub_status has them, itself included.
 * answered - arrived is what a client can at best see. Requests have no bodies; pipelined ones are
 * answered one by one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/net_tstamp.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FDS 20000
#define MAX_HEAD_BYTES 4096
#define MAX_ANSWER_BYTES 65536
#define MAX_STAMPS 20000000 /* 1.3 GB at the very most; pages that are not reached cost nothing */
#define TARGET_BYTES 32

struct stamp {
    uint64_t arrived_ns, read_ns, answered_ns;
    uint32_t connection;
    char target[TARGET_BYTES]; /* cut off */
};

struct connection {
    uint32_t number;
    size_t filled;
    char head[MAX_HEAD_BYTES];
};

static struct connection *connections[MAX_FDS];
static struct stamp *stamps;
static size_t stamp_count;
static char answer[MAX_ANSWER_BYTES];
static size_t answer_bytes;
static uint32_t accepted;
static uint64_t served;
static volatile sig_atomic_t is_stopping;

static void give_up(const char *what)
{
    fprintf(stderr, "stamp_server: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void stop(int number)
{
    (void)number;
    is_stopping = 1;
}

static uint64_t in_ns(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return in_ns(&now);
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (stamps) {
        int kinds = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &kinds, sizeof(kinds)); /* is inherited */
    }
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 4096) ||
        getsockname(fd, (struct sockaddr *)&address, &len))
        give_up("listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void drop(int fd)
{
    free(connections[fd]);
    connections[fd] = NULL;
    close(fd);
}

static void welcome(int poll_fd, int listen_fd)
{
    for (;;) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (fd >= MAX_FDS || !(connections[fd] = calloc(1, sizeof(**connections))) ||
            epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event)) {
            close(fd);
            continue;
        }
        connections[fd]->number = ++accepted;
    }
}

/* Like recv; *ret_arrived_ns is the kernel's time of the last packet, 0 without one. */
static ssize_t receive(int fd, char *room, size_t room_bytes, uint64_t *ret_arrived_ns)
{
    char control[256];
    struct iovec piece = {room, room_bytes};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(fd, &message, 0);
    if (got <= 0)
        return got;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPING) {
            struct timespec times[3];
            memcpy(times, CMSG_DATA(part), sizeof(times));
            *ret_arrived_ns = in_ns(&times[0]);
        }
    }
    return got;
}

static void note(const struct connection *connection, uint64_t arrived_ns, uint64_t read_ns)
{
    struct stamp *stamp = &stamps[stamp_count++];
    const char *target = memchr(connection->head, ' ', connection->filled);
    size_t len = target ? strcspn(target + 1, " \r\n") : 0;
    stamp->arrived_ns = arrived_ns ? arrived_ns : read_ns;
    stamp->read_ns = read_ns;
    stamp->connection = connection->number;
    if (len >= TARGET_BYTES)
        len = TARGET_BYTES - 1;
    if (target)
        memcpy(stamp->target, target + 1, len);
    stamp->answered_ns = now_ns();
}

static void tell_counts(int fd)
{
    char text[160];
    int len =
        snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n %u %u %llu \n",
                 accepted, accepted, (unsigned long long)served);
    if (send(fd, text, (size_t)len, MSG_NOSIGNAL) != len)
        perror("stamp_server: counts");
    drop(fd);
}

static void serve(int fd)
{
    struct connection *connection = connections[fd];
    uint64_t arrived_ns = 0, read_ns = 0;
    char *room = connection->head + connection->filled;
    size_t room_bytes = MAX_HEAD_BYTES - 1 - connection->filled;
    ssize_t got =
        stamps ? receive(fd, room, room_bytes, &arrived_ns) : recv(fd, room, room_bytes, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        drop(fd);
        return;
    }
    if (stamps)
        read_ns = now_ns();
    connection->filled += (size_t)got;
    connection->head[connection->filled] = '\0';
    for (;;) {
        char *end = memmem(connection->head, connection->filled, "\r\n\r\n", 4);
        if (!end)
            break;
        served++;
        if (memcmp(connection->head, "GET / HTTP/1.0", 14) == 0) {
            tell_counts(fd);
            return;
        }
        if (stamps && stamp_count < MAX_STAMPS)
            note(connection, arrived_ns, read_ns);
        if (send(fd, answer, answer_bytes, MSG_NOSIGNAL) != (ssize_t)answer_bytes) {
            drop(fd); /* a client that does not read is none of ours */
            return;
        }
        connection->filled -= (size_t)(end + 4 - connection->head);
        memmove(connection->head, end + 4, connection->filled + 1);
    }
    if (connection->filled == MAX_HEAD_BYTES - 1)
        drop(fd);
}

static int write_log(const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file)
        give_up(path);
    for (size_t i = 0; i < stamp_count; i++)
        fprintf(file, "%llu %llu %llu %u %s\n", (unsigned long long)stamps[i].arrived_ns,
                (unsigned long long)stamps[i].read_ns, (unsigned long long)stamps[i].answered_ns,
                stamps[i].connection, stamps[i].target);
    return fclose(file) ? 1 : 0;
}

static void make_answer(size_t body_bytes)
{
    if (body_bytes > MAX_ANSWER_BYTES - 256)
        body_bytes = MAX_ANSWER_BYTES - 256;
    int head = snprintf(answer, sizeof(answer),
                        "HTTP/1.1 200 OK\r\nServer: stamp\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\nConnection: keep-alive\r\n\r\n",
                        body_bytes);
    memset(answer + head, 'x', body_bytes);
    answer_bytes = (size_t)head + body_bytes;
}

int main(int argc, char **argv)
{
    struct epoll_event events[512], event = {.events = EPOLLIN};
    struct rlimit files = {MAX_FDS, MAX_FDS};
    struct sigaction action = {.sa_handler = stop};
    if (argc < 3) {
        fputs("usage: stamp_server LOG BODY_BYTES [PORT]\n", stderr);
        return 2;
    }
    if (strcmp(argv[1], "-") != 0 && !(stamps = calloc(MAX_STAMPS, sizeof(*stamps))))
        give_up("memory for the stamps");
    setrlimit(RLIMIT_NOFILE, &files); /* as many as it may */
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    make_answer(strtoul(argv[2], NULL, 10));
    int listen_fd = listen_on(argc > 3 ? (uint16_t)strtoul(argv[3], NULL, 10) : 0);
    int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    event.data.fd = listen_fd;
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, listen_fd, &event))
        give_up("epoll_ctl");
    while (!is_stopping) {
        int count = epoll_wait(poll_fd, events, 512, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listen_fd)
                welcome(poll_fd, listen_fd);
            else
                serve(events[i].data.fd);
        }
    }
    return stamps ? write_log(argv[1]) : 0;
}
