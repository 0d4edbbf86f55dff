/* transport_rig.c - opens a transport before a scripted server and runs their loop. */
#include "tests/support/transport_rig.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"

enum { MAX_KEPT = 64 << 20 };

static void on_echo(struct loop_watch *watch, void *owner, int events)
{
    struct rig *rig = owner;
    char byte;
    (void)events;
    rig->has_echoed |= recv(watch->fd, &byte, 1, MSG_DONTWAIT) == 1;
}

static void open_echo(struct rig *rig)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0 &&
                getsockname(fd, (struct sockaddr *)&at, &len) == 0 &&
                connect(fd, (struct sockaddr *)&at, len) == 0);
    loop_watch_init(&rig->echo, on_echo, rig);
    loop_watch_set(&rig->loop, &rig->echo, fd, LOOP_READ);
}

static void close_echo(struct rig *rig)
{
    int fd = rig->echo.fd;
    loop_watch_clear(&rig->loop, &rig->echo);
    close(fd);
}

void rig_open(struct rig *rig, const struct transport_ops *ops, uint64_t timeout_us,
              int receive_bytes)
{
    struct error err = {0};
    *rig = (struct rig){.ops = ops};
    rig->options = (struct transport_options){
        .timeout_us = timeout_us ? timeout_us : RIG_TIMEOUT_US,
        .max_body_bytes = RIG_MAX_BODY_BYTES,
        .max_message_bytes = RIG_MAX_BODY_BYTES,
    };
    assert_int_equal(loop_init(&rig->loop, &err), 0);
    if (ops->open(&rig->transport, &rig->loop, &rig->options, &err))
        fail_msg("%s", err.text);
    rig->user = ops->user_open(rig->transport);
    assert_non_null(rig->user);
    wire_server_open(&rig->server, &rig->loop, receive_bytes);
    open_echo(rig);
    snprintf(rig->origin, sizeof rig->origin, "http://127.0.0.1:%u", rig->server.port);
}

void rig_close(struct rig *rig)
{
    if (rig->user)
        rig->ops->user_close(rig->user);
    rig->ops->close(rig->transport);
    wire_server_close(&rig->server);
    close_echo(rig);
    assert_int_equal(rig->loop.watch_count, 0);
    loop_fini(&rig->loop);
}

static void on_done(void *owner, const struct transport_result *result)
{
    struct asked *asked = owner;
    asked->done_count++;
    asked->call = NULL;
    asked->failure = result->failure;
    asked->status = result->response.status;
    asked->result = *result;
    snprintf(asked->detail, sizeof asked->detail, "%s", result->detail ? result->detail : "");
    buf_append_bytes(&asked->body, result->response.body);
    if (result->response.body.ptr)
        assert_int_equal(result->response.body.ptr[result->response.body.len], '\0');
    for (size_t i = 0; i < result->response.header_count; i++) {
        const struct http_header *header = &result->response.headers[i];
        buf_printf(&asked->headers, "%.*s: %.*s\n", BYTES_ARG(header->name),
                   BYTES_ARG(header->value));
    }
    if (asked->then)
        asked->then(asked);
}

void ask_init(struct asked *asked, struct rig *rig, const char *method, const char *target)
{
    *asked = (struct asked){.rig = rig};
    snprintf(asked->url, sizeof asked->url, "%s%s", rig->origin, target);
    asked->http = (struct http_request){.method = bytes_of(method), .url = bytes_of(asked->url)};
    asked->request = (struct transport_request){
        .http = &asked->http, .keeps_body = true, .done = on_done, .owner = asked};
    buf_init(&asked->body, MAX_KEPT);
    buf_init(&asked->headers, MAX_KEPT);
}

void ask_init_upload(struct asked *asked, struct rig *rig)
{
    static const char body[RIG_UPLOAD_BYTES];
    ask_init(asked, rig, "POST", "/upload");
    asked->http.body = bytes_make(body, sizeof body);
}

int ask_send(struct asked *asked)
{
    int done_count = asked->done_count;
    loop_refresh(&asked->rig->loop); /* as in a callback of the loop */
    asked->call = asked->rig->ops->send(asked->rig->user, &asked->request, &asked->failure);
    assert_int_equal(asked->done_count, done_count); /* never inside send() */
    return asked->call ? 0 : -1;
}

void ask_fini(struct asked *asked)
{
    buf_fini(&asked->body);
    buf_fini(&asked->headers);
}

void rig_wait(struct asked *asked)
{
    uint64_t until_us = clock_now_us() + RIG_TIMEOUT_US;
    while (!asked->done_count) {
        if (clock_now_us() > until_us)
            fail_msg("%s: no end", asked->url);
        loop_pass(&asked->rig->loop, 100000);
    }
    assert_int_equal(asked->done_count, 1);
}

void rig_ask(struct asked *asked)
{
    assert_int_equal(ask_send(asked), 0);
    rig_wait(asked);
}

void rig_ask_fine(struct rig *rig, const char *target)
{
    struct asked asked;
    ask_init(&asked, rig, "GET", target);
    rig_ask(&asked);
    assert_int_equal(asked.failure, FAILURE_NONE);
    ask_fini(&asked);
}

void rig_wait_until(struct rig *rig, bool (*is_so)(struct rig *rig))
{
    uint64_t until_us = clock_now_us() + RIG_TIMEOUT_US;
    while (!is_so(rig)) {
        if (clock_now_us() > until_us)
            fail_msg("it never comes");
        loop_pass(&rig->loop, 100000);
    }
}

void rig_settle(struct rig *rig)
{
    for (int i = 0; i < 20; i++) {
        rig->has_echoed = false;
        assert_int_equal(send(rig->echo.fd, "", 1, 0), 1);
        while (!rig->has_echoed)
            loop_pass(&rig->loop, 100000);
        loop_pass(&rig->loop, 100); /* libcurl has timers that are due at once, in a millisecond */
    }
}
