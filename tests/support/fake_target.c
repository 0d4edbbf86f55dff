/* fake_target.c - a transport that answers from a script on a clock the test moves. */
#include "tests/support/fake_target.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/http1.h"
#include "core/url.h"

const struct fake_answer *fake_answers;
const struct fake_push *fake_pushes;
const struct fake_header *fake_headers;
const struct fake_piece *fake_pieces;
bool fake_logs_all;
bool fake_comes_at_once;
struct buf fake_log = BUF_INIT(1 << 20);
uint64_t fake_now_us;

struct transport {
    struct loop *loop;
};

struct transport_user {
    struct transport *transport;
    struct transport_call *calls;
};

enum { MAX_PUSHES = 64, MAX_PIECES = 16 };

struct piece {
    struct timer timer;
    struct transport_call *call;
    const char *text;
};

struct transport_call {
    struct transport_call *next;
    struct piece pieces[MAX_PIECES];
    int piece_count;
    bool was_shown;
    struct transport_user *user;
    struct timer timer;
    struct transport_request request;
    struct fake_answer answer;
    struct fake_header header;
    struct buf wire; /* the request */
    struct buf body; /* of the answer */
};

struct push {
    struct timer timer;
    struct transport_ws *ws;
    const char *text;
};

struct transport_ws {
    struct transport_user *user;
    struct transport_ws_events events;
    void *owner;
    struct timer open_timer;
    int messages;
    int push_count;
    struct push pushes[MAX_PUSHES];
};

uint64_t fake_clock_us(void)
{
    return fake_now_us;
}

void fake_run(struct loop *loop, uint64_t until_us)
{
    for (;;) {
        uint64_t next_us = timers_next_us(&loop->timers);
        if (next_us == TIMERS_NONE_US || next_us > until_us)
            return;
        if (next_us > fake_now_us)
            fake_now_us = next_us;
        loop->now_us = fake_now_us;
        timers_run(&loop->timers, fake_now_us);
    }
}

static void write_log(struct bytes verb, struct bytes what)
{
    buf_printf(&fake_log, "%g %.*s %.*s\n", (double)fake_now_us / 1000, BYTES_ARG(verb),
               BYTES_ARG(what));
}

static struct fake_answer find_answer(struct bytes method, struct bytes target)
{
    struct buf line = BUF_INIT(4096);
    struct fake_answer found = {.after_ms = 10, .status = 200};
    buf_printf(&line, "%.*s %.*s", BYTES_ARG(method), BYTES_ARG(target));
    for (const struct fake_answer *at = fake_answers; at && at->request; at++) {
        if (strcmp(at->request, buf_text(&line)) == 0)
            found = *at;
    }
    buf_fini(&line);
    return found;
}

static bool is_request(const char *text, struct bytes method, struct bytes target)
{
    struct bytes line = bytes_of(text);
    return bytes_starts_with(line, method) && bytes_equal(bytes_from(line, method.len + 1), target);
}

static struct fake_header find_header(struct bytes method, struct bytes target)
{
    for (const struct fake_header *at = fake_headers; at && at->request; at++) {
        if (is_request(at->request, method, target))
            return *at;
    }
    return (struct fake_header){0};
}

/* The answer's body: "$N" is the number of the request. */
static void write_body(struct buf *out, const char *text)
{
    static unsigned number;
    number = fake_log.len ? number + 1 : 1;
    const char *mark;
    for (; text && (mark = strstr(text, "$N")); text = mark + 2) {
        buf_append(out, text, (size_t)(mark - text));
        buf_printf(out, "%u", number);
    }
    buf_append_text(out, text ? text : "");
}

/* From wherever it is; what a source cannot give is not there. */
static void write_request_body(const struct http_request *http, struct buf *out)
{
    enum { STEP_BYTES = 7 };
    uint64_t total = http_request_body_bytes(http);
    char step[STEP_BYTES];
    for (uint64_t at = 0; at < total;) {
        size_t max = total - at < STEP_BYTES ? (size_t)(total - at) : STEP_BYTES;
        ssize_t got = http_request_read_body(http, at, step, max);
        if (got <= 0)
            return;
        buf_append(out, step, (size_t)got);
        at += (uint64_t)got;
    }
}

void fake_wire(const struct transport_request *request, struct bytes target, struct buf *out)
{
    struct bytes pieces[REQUEST_CUT_MAX_PIECES];
    struct request_cut_scratch scratch;
    const struct http_request *http = request->http;
    if (request->cut) {
        size_t count = request_cut_pieces(request->cut, request->values, (struct bytes){0}, http,
                                          &scratch, pieces);
        for (size_t i = 0; i < count; i++)
            buf_append_bytes(out, pieces[i]);
        return;
    }
    buf_printf(out, "%.*s %.*s HTTP/1.1\r\n", BYTES_ARG(http->method), BYTES_ARG(target));
    for (size_t i = 0; i < http->header_count; i++)
        buf_printf(out, "%.*s: %.*s\r\n", BYTES_ARG(http->headers[i].name),
                   BYTES_ARG(http->headers[i].value));
    buf_append_text(out, "\r\n");
    write_request_body(http, out);
}

static void log_all(const struct http1_head *head, struct bytes body)
{
    for (size_t i = 0; i < head->header_count; i++) {
        struct bytes name = head->headers[i].name;
        if (name.ptr[0] == 'A' || bytes_starts_with(name, bytes_of("X-")))
            buf_printf(&fake_log, "  %.*s: %.*s\n", BYTES_ARG(name),
                       BYTES_ARG(head->headers[i].value));
    }
    if (body.len)
        buf_printf(&fake_log, "  body %.*s\n", BYTES_ARG(body));
}

/* What a request is made of stays until it is answered: a transport may be sending it still. */
static void expect_unchanged(const struct transport_call *call)
{
    struct url url = {0};
    struct buf wire = BUF_INIT(1 << 20);
    url_parse(call->request.http->url, &url);
    fake_wire(&call->request, url.target, &wire);
    if (!bytes_equal(buf_bytes(&wire), buf_bytes(&call->wire))) {
        fprintf(stderr, "a request was changed under way:\n%.*s\n%.*s\n",
                BYTES_ARG(buf_bytes(&call->wire)), BYTES_ARG(buf_bytes(&wire)));
        abort();
    }
    buf_fini(&wire);
}

static void free_call(struct transport_call *call)
{
    for (int i = 0; i < call->piece_count; i++)
        timers_cancel(&call->user->transport->loop->timers, &call->pieces[i].timer);
    buf_fini(&call->wire);
    buf_fini(&call->body);
    free(call);
}

static void unlink_call(struct transport_call *call)
{
    struct transport_call **at = &call->user->calls;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
}

static size_t write_headers(const struct transport_call *call, struct http_header headers[2])
{
    size_t header_count = 0;
    if (call->answer.set_cookie)
        headers[header_count++] =
            (struct http_header){bytes_of("Set-Cookie"), bytes_of(call->answer.set_cookie)};
    if (call->header.request && call->request.keeps_headers)
        headers[header_count++] =
            (struct http_header){bytes_of(call->header.name), bytes_of(call->header.value)};
    return header_count;
}

/* The head where it is the first, and a piece. False: no more is wanted. */
static bool show(struct transport_call *call, struct bytes text)
{
    const struct transport_viewer *viewer = call->request.viewer;
    struct http_header headers[2];
    const struct transport_result so_far = {
        .response = {.status = call->answer.status,
                     .headers = headers,
                     .header_count = write_headers(call, headers)},
        .waiting_us = (uint64_t)(call->answer.after_ms * 1000),
        .body_bytes = call->body.len,
        .was_shown = true};
    if (!call->was_shown)
        viewer->on_head(call->request.owner, &so_far.response);
    call->was_shown = true;
    return !text.len ||
           viewer->on_body(call->request.owner, viewer->wants_so_far ? &so_far : NULL, text);
}

/* To who wants to see every piece, in halves. */
static void show_halves(struct transport_call *call)
{
    struct bytes rest = buf_bytes(&call->body);
    size_t half = (rest.len + 1) / 2;
    while (rest.len) {
        size_t len = rest.len < half ? rest.len : half;
        if (!show(call, bytes_make(rest.ptr, len)))
            return;
        rest = bytes_from(rest, len);
    }
}

static void on_piece(struct timer *timer, void *owner, uint64_t now_us)
{
    struct piece *piece = owner;
    struct transport_call *call = piece->call;
    struct timers *timers = &call->user->transport->loop->timers;
    (void)timer;
    if (show(call, bytes_of(piece->text ? piece->text : "")))
        return;
    for (int i = 0; i < call->piece_count; i++)
        timers_cancel(timers, &call->pieces[i].timer);
    timers_set(timers, &call->timer, now_us);
}

static void schedule_pieces(struct transport_call *call, struct bytes method, struct bytes target)
{
    for (const struct fake_piece *at = fake_pieces; at && at->request && call->request.viewer;
         at++) {
        if (!is_request(at->request, method, target) || call->piece_count == MAX_PIECES)
            continue;
        struct piece *piece = &call->pieces[call->piece_count++];
        piece->call = call;
        piece->text = at->text;
        timer_init(&piece->timer, on_piece, piece);
        timers_set(&call->user->transport->loop->timers, &piece->timer,
                   fake_now_us + (uint64_t)(at->after_ms * 1000));
    }
}

static void on_answer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct transport_call *call = owner;
    const struct fake_answer *answer = &call->answer;
    struct http_header headers[2];
    size_t header_count = write_headers(call, headers);
    const struct http_body_source *source = call->request.http->source;
    const struct transport_viewer *viewer = call->request.viewer;
    (void)timer;
    (void)now_us;
    expect_unchanged(call);
    if (viewer && viewer->wants_so_far && !fake_comes_at_once && answer->status &&
        !call->was_shown && !(source && source->failure))
        show_halves(call);
    bool has_body = call->request.keeps_body || (viewer && !call->was_shown);
    struct transport_result result = {
        .failure = answer->failure,
        .detail = answer->failure ? "as the script says" : NULL,
        .waiting_us = (uint64_t)(answer->after_ms * 1000),
        .was_shown = call->was_shown,
        .body_bytes = call->was_shown ? call->body.len : 0,
        .response = {.status = answer->status,
                     .headers = headers,
                     .header_count = header_count,
                     .body = has_body ? buf_bytes(&call->body) : (struct bytes){0}},
    };
    if (source && source->failure)
        result = (struct transport_result){.failure = FAILURE_PLUGIN, .detail = source->failure};
    unlink_call(call);
    call->request.done(call->request.owner, &result);
    free_call(call);
}

static struct transport_call *fake_send(struct transport_user *user,
                                        const struct transport_request *request,
                                        enum failure *ret_failure)
{
    struct transport_call *call = calloc(1, sizeof *call);
    struct url url = {0};
    struct http1_head head;
    struct buf wire = BUF_INIT(1 << 20);
    (void)ret_failure;
    url_parse(request->http->url, &url);
    fake_wire(request, url.target, &wire);
    ssize_t head_len = http1_parse_request(buf_bytes(&wire), &head);
    if (head_len < 0)
        abort();
    *call = (struct transport_call){.next = user->calls, .user = user, .request = *request};
    buf_init(&call->body, 1 << 20);
    call->answer = find_answer(head.method, head.target);
    call->header = find_header(head.method, head.target);
    write_body(&call->body, call->answer.body);
    user->calls = call;
    write_log(head.method, head.target);
    if (fake_logs_all)
        log_all(&head, bytes_from(buf_bytes(&wire), (size_t)head_len));
    call->wire = wire;
    if (request->cookies.len)
        buf_printf(&fake_log, "  cookie %.*s\n", BYTES_ARG(request->cookies));
    timer_init(&call->timer, on_answer, call);
    schedule_pieces(call, head.method, head.target);
    uint64_t limit_us = request->limit_us;
    if (limit_us &&
        (call->answer.after_ms < 0 || call->answer.after_ms * 1000 > (double)limit_us)) {
        call->answer =
            (struct fake_answer){.after_ms = (double)limit_us / 1000, .failure = FAILURE_TIMEOUT};
    }
    if (call->answer.after_ms >= 0)
        timers_set(&user->transport->loop->timers, &call->timer,
                   fake_now_us + (uint64_t)(call->answer.after_ms * 1000));
    return call;
}

static void fake_cancel(struct transport_call *call)
{
    timers_cancel(&call->user->transport->loop->timers, &call->timer);
    unlink_call(call);
    free_call(call);
}

static void on_push(struct timer *timer, void *owner, uint64_t now_us)
{
    struct push *push = owner;
    struct transport_ws *ws = push->ws;
    struct transport_result result = {0};
    (void)timer;
    (void)now_us;
    if (strcmp(push->text, "break") == 0)
        result.failure = FAILURE_RESET;
    if (result.failure || strcmp(push->text, "close") == 0)
        ws->events.on_close(ws->owner, &result, result.failure ? 0 : 1000);
    else
        ws->events.on_message(ws->owner, 1, bytes_of(push->text));
}

static void schedule_pushes(struct transport_ws *ws, int after_message)
{
    for (const struct fake_push *at = fake_pushes; at && at->text; at++) {
        if (at->after_message != after_message || ws->push_count == MAX_PUSHES)
            continue;
        struct push *push = &ws->pushes[ws->push_count++];
        push->ws = ws;
        push->text = at->text;
        timer_init(&push->timer, on_push, push);
        timers_set(&ws->user->transport->loop->timers, &push->timer,
                   fake_now_us + (uint64_t)(at->after_ms * 1000));
    }
}

static void on_open(struct timer *timer, void *owner, uint64_t now_us)
{
    struct transport_ws *ws = owner;
    struct transport_result result = {.response = {.status = 101}};
    (void)timer;
    (void)now_us;
    ws->events.on_open(ws->owner, &result);
    schedule_pushes(ws, -1);
}

static struct transport_ws *fake_ws_open(struct transport_user *user,
                                         const struct transport_request *request,
                                         const struct transport_ws_events *events, void *owner)
{
    struct transport_ws *ws = calloc(1, sizeof *ws);
    struct url url = {0};
    url_parse(request->http->url, &url);
    *ws = (struct transport_ws){.user = user, .events = *events, .owner = owner};
    write_log(bytes_of("WS"), url.target);
    timer_init(&ws->open_timer, on_open, ws);
    timers_set(&user->transport->loop->timers, &ws->open_timer, fake_now_us + 5000);
    return ws;
}

static int fake_ws_send(struct transport_ws *ws, int opcode, struct bytes payload, int close_code)
{
    if (opcode == 8) {
        buf_printf(&fake_log, "%g > close %d\n", (double)fake_now_us / 1000, close_code);
        struct push *push = &ws->pushes[ws->push_count++];
        *push = (struct push){.ws = ws, .text = "close"};
        timer_init(&push->timer, on_push, push);
        timers_set(&ws->user->transport->loop->timers, &push->timer, fake_now_us + 1000);
        return 0;
    }
    write_log(bytes_of(">"), payload);
    schedule_pushes(ws, ws->messages++);
    return 0;
}

static void on_free(struct timer *timer, void *owner, uint64_t now_us)
{
    (void)timer;
    (void)now_us;
    free(owner);
}

static void fake_ws_free(struct transport_ws *ws)
{
    struct timers *timers = &ws->user->transport->loop->timers;
    for (int i = 0; i < ws->push_count; i++)
        timers_cancel(timers, &ws->pushes[i].timer);
    timers_cancel(timers, &ws->open_timer);
    /* We may be inside one of its callbacks. */
    timer_init(&ws->open_timer, on_free, ws);
    timers_set(timers, &ws->open_timer, 0);
}

static int fake_open(struct transport **ret_transport, struct loop *loop,
                     const struct transport_options *options, struct error *err)
{
    (void)options;
    (void)err;
    *ret_transport = calloc(1, sizeof **ret_transport);
    (*ret_transport)->loop = loop;
    return 0;
}

static void fake_close(struct transport *transport)
{
    free(transport);
}

static struct transport_user *fake_user_open(struct transport *transport)
{
    struct transport_user *user = calloc(1, sizeof *user);
    user->transport = transport;
    return user;
}

static void fake_user_close(struct transport_user *user)
{
    while (user->calls)
        fake_cancel(user->calls);
    free(user);
}

static size_t fake_most_connections(struct transport *transport)
{
    (void)transport;
    return 0;
}

const struct transport_ops fake_target = {
    .name = "fake",
    .open = fake_open,
    .close = fake_close,
    .user_open = fake_user_open,
    .user_close = fake_user_close,
    .send = fake_send,
    .cancel = fake_cancel,
    .ws_open = fake_ws_open,
    .ws_send = fake_ws_send,
    .ws_free = fake_ws_free,
    .most_connections = fake_most_connections,
};
