/* server.c - the HTTP side: libmicrohttpd, its connections, and the life of each request. */
#include "tests/voicelab/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/voicelab/access_log.h"
#include "tests/voicelab/clock.h"
#include "tests/voicelab/gate.h"
#include "tests/voicelab/metrics.h"
#include "tests/voicelab/misbehave.h"
#include "tests/voicelab/options.h"
#include "tests/voicelab/request.h"
#include "tests/voicelab/routes.h"
#include "tests/voicelab/upload.h"

/* A refused body is read to its end, so that the client gets to see the answer, but no further
 * than this: then the connection is closed. */
#define DRAIN_MAX (64u << 20)

struct server {
    struct app *app;
    struct MHD_Daemon *daemon;
    int listen_fd; /* ours after the daemon was quiesced */
};

static enum MHD_Result send_reply(struct request *rq)
{
    struct app *app = rq->app;
    struct reply *reply = &rq->reply;
    struct MHD_Response *response = reply->upgrade;

    reply->upgrade = NULL;
    if (!response) {
        response =
            MHD_create_response_from_buffer(reply->body_bytes, reply->body, MHD_RESPMEM_MUST_FREE);
        reply->body = NULL; /* the response's now */
    }
    if (reply->content_type)
        MHD_add_response_header(response, "Content-Type", reply->content_type);
    for (size_t i = 0; i < reply->header_count; i++)
        MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);

    rq->phase = REQUEST_ANSWERED;
    metrics_answer(app->metrics, rq->route_index, rq->method_slot, reply->status);
    if (!rq->route || !rq->route->is_exempt)
        sessions_step(app->sessions, rq->identity.session, reply->status);
    enum MHD_Result result = MHD_queue_response(rq->connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return result;
}

static void take_body(struct request *rq, const char *bytes, size_t len)
{
    rq->received_bytes += len;
    if (request_is_answered(rq))
        return;
    if (rq->route->body == BODY_MULTIPART)
        upload_feed(rq, bytes, len);
    else if (rq->route->body == BODY_TEXT)
        request_append(rq, bytes, len);
}

static bool waits_for_continue(const struct request *rq)
{
    const char *expect = request_header(rq, "Expect");

    return expect && strcasecmp(expect, "100-continue") == 0;
}

/* The body is in: wait if so asked, else answer. */
static enum MHD_Result complete(struct request *rq)
{
    bool is_exempt = rq->route && rq->route->is_exempt;

    if (rq->phase == REQUEST_READING && !is_exempt) {
        uint64_t delay_us = misbehave_delay_us(rq->app->misbehaviour);
        rq->phase = REQUEST_DELAYED;
        if (delay_us && misbehave_suspend(rq->app->misbehaviour, rq->connection, delay_us))
            return MHD_YES;
    }
    if (!request_is_answered(rq))
        rq->route->handle(rq);
    return send_reply(rq);
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *path,
                                 const char *method, const char *version, const char *bytes,
                                 size_t *len, void **state)
{
    struct request *rq = *state;

    (void)context;
    (void)connection;
    (void)version;
    if (!rq)
        return MHD_NO; /* no memory when it arrived */
    switch (rq->phase) {
    case REQUEST_ARRIVED:
        gate_enter(rq, method, path);
        rq->phase = REQUEST_READING;
        return request_is_answered(rq) && waits_for_continue(rq) ? send_reply(rq) : MHD_YES;
    case REQUEST_READING:
        if (*len == 0)
            return complete(rq);
        take_body(rq, bytes, *len);
        *len = 0;
        return rq->received_bytes <= DRAIN_MAX || !request_is_answered(rq) ? MHD_YES : MHD_NO;
    case REQUEST_DELAYED:
        return complete(rq);
    case REQUEST_ANSWERED:
        return MHD_YES;
    }
    return MHD_NO;
}

static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    return request_new(context, connection, target);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode how)
{
    struct app *app = context;
    struct request *rq = *state;

    (void)connection;
    if (!rq)
        return;
    bool is_sent = rq->phase == REQUEST_ANSWERED && how == MHD_REQUEST_TERMINATED_COMPLETED_OK;
    uint64_t taken_us = clock_monotonic_us() - rq->arrived_clock_us;
    if (is_sent)
        metrics_duration(app->metrics, rq->route_index, taken_us);
    else
        metrics_add(app->metrics, COUNT_ABORTED, 1);
    if (app->access_log)
        access_log_write(app->access_log, rq, is_sent ? rq->reply.status : 499, taken_us);
    request_free(rq);
    *state = NULL;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode what)
{
    struct app *app = context;

    (void)connection;
    (void)state;
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        metrics_add(app->metrics, COUNT_CONNECTIONS, 1);
}

static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Our own socket: its failures can be told apart, and a quiesced daemon gives it back. */
static int listen_on(const struct options *options)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)options->port)};
    int yes = 1;

    if (inet_pton(AF_INET, options->bind_address, &address.sin_addr) != 1) {
        fprintf(stderr, "voicelab: --bind: '%s' is not an IPv4 address\n", options->bind_address);
        return -1;
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) ||
        bind(fd, (const struct sockaddr *)&address, sizeof address) || listen(fd, 4096)) {
        fprintf(stderr, "voicelab: %s:%ju: %s; --port 0 picks a free one\n", options->bind_address,
                (uintmax_t)options->port, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

struct server *server_start(struct app *app)
{
    const struct options *options = app->options;
    struct server *server = calloc(1, sizeof *server);

    if (!server)
        return NULL;
    server->app = app;
    raise_file_limit();
    server->listen_fd = listen_on(options);
    if (server->listen_fd < 0) {
        free(server);
        return NULL;
    }
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_UPGRADE | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC,
        0, NULL, NULL, on_access, app, MHD_OPTION_LISTEN_SOCKET, server->listen_fd,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)options->threads, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)options->max_connections, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)(options->idle_timeout_us / 1000000u), MHD_OPTION_URI_LOG_CALLBACK, on_target,
        app, MHD_OPTION_NOTIFY_COMPLETED, on_completed, app, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, app, MHD_OPTION_END);
    if (!server->daemon) {
        fprintf(
            stderr,
            "voicelab: libmicrohttpd did not start; try fewer --threads or --max-connections\n");
        close(server->listen_fd);
        free(server);
        return NULL;
    }
    return server;
}

void server_quiesce(struct server *server)
{
    MHD_quiesce_daemon(server->daemon);
}

void server_stop(struct server *server)
{
    if (!server)
        return;
    MHD_stop_daemon(server->daemon);
    close(server->listen_fd);
    free(server);
}

uint16_t server_port(const struct server *server)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;

    if (getsockname(server->listen_fd, (struct sockaddr *)&address, &len))
        return 0;
    return ntohs(address.sin_port);
}
