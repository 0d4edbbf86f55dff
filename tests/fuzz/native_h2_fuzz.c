/*
 * native_h2_fuzz.c - any bytes as what an HTTP/2 target says: every call has one end, and only one.
 *
 * The dialer is replaced by one that hands out a pair of sockets, whose other end says the input.
 */
#include "replay/transport/native_h2.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CALLS = 4, PASSES = 200 };

/* ---- the dialer ---- */

struct dialer {
    struct loop *loop;
};

struct dial {
    struct timer timer;
    struct loop *loop;
    dial_done_fn done;
    void *owner;
};

static struct bytes input;
static struct dialer the_dialer;
static int far_end;

static void on_dial_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct dial *dial = owner;
    struct dial_result result = {.failure = FAILURE_CONNECT, .detail = "once only"};
    int pair[2];
    (void)timer;
    (void)now_us;
    result.stream.fd = -1;
    if (far_end < 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0) {
        far_end = pair[1];
        result.failure = FAILURE_NONE;
        result.stream.fd = pair[0];
        if (send(far_end, input.ptr, input.len, MSG_NOSIGNAL) < 0)
            shutdown(far_end, SHUT_RDWR);
        shutdown(far_end, SHUT_WR);
    }
    dial->done(dial->owner, &result);
    free(dial);
}

int dialer_open(struct dialer **ret_dialer, struct loop *loop,
                const struct transport_options *options, struct error *err)
{
    (void)options;
    (void)err;
    the_dialer.loop = loop;
    *ret_dialer = &the_dialer;
    return 0;
}

void dialer_close(struct dialer *dialer)
{
    (void)dialer;
}

struct dial *dial_start(struct dialer *dialer, const struct url *url, bool allows_h2,
                        struct dial_resumption *resumption, uint64_t deadline_us, dial_done_fn done,
                        void *owner)
{
    struct dial *dial = calloc(1, sizeof *dial);
    (void)url;
    (void)allows_h2;
    (void)resumption;
    (void)deadline_us;
    if (!dial)
        abort();
    *dial = (struct dial){.loop = dialer->loop, .done = done, .owner = owner};
    timer_init(&dial->timer, on_dial_timer, dial);
    timers_set(&dialer->loop->timers, &dial->timer, dialer->loop->now_us);
    return dial;
}

void dial_extend(struct dial *dial, uint64_t deadline_us)
{
    (void)dial;
    (void)deadline_us;
}

void dial_cancel(struct dial *dial)
{
    timers_cancel(&dial->loop->timers, &dial->timer);
    free(dial);
}

void dialer_count(const struct dialer *dialer, struct dial_counts *ret_counts)
{
    (void)dialer;
    *ret_counts = (struct dial_counts){0};
}

/* ---- the calls ---- */

static int ended[CALLS];

static void on_done(void *owner, const struct transport_result *result)
{
    int *count = owner;
    if (++*count > 1 || (result->failure == FAILURE_NONE) != (result->response.status >= 200) ||
        result->response.body.len > 65536)
        abort();
}

static bool all_ended(void)
{
    for (int i = 0; i < CALLS; i++) {
        if (!ended[i])
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const methods[CALLS] = {"GET", "HEAD", "POST", "GET"};
    const struct transport_options options = {
        .timeout_us = 60000000, .max_body_bytes = 65536, .http = TRANSPORT_HTTP_2};
    struct http_request http[CALLS];
    struct transport *transport;
    struct loop loop;
    struct error err;
    if (size > 65536 || loop_init(&loop, &err) ||
        transport_native.open(&transport, &loop, &options, &err))
        return 0;
    far_end = -1;
    input = bytes_make(data, size);
    struct transport_user *user = transport_native.user_open(transport);
    for (int i = 0; i < CALLS && user; i++) {
        enum failure failure;
        ended[i] = 0;
        http[i] = (struct http_request){.method = bytes_of(methods[i]),
                                        .url = bytes_of("http://127.0.0.1:1/a"),
                                        .body = bytes_of(i == 2 ? "body" : "")};
        const struct transport_request request = {.http = &http[i],
                                                  .keeps_body = i % 2 == 0,
                                                  .keeps_headers = i < 2,
                                                  .done = on_done,
                                                  .owner = &ended[i]};
        if (!transport_native.send(user, &request, &failure))
            abort();
    }
    for (int pass = 0; pass < PASSES && !all_ended(); pass++)
        loop_pass(&loop, 1000);
    if (!all_ended())
        abort(); /* the target has closed: they have to be over */
    transport_native.user_close(user);
    transport_native.close(transport);
    loop_fini(&loop);
    if (far_end >= 0)
        close(far_end);
    return 0;
}
