/*
 * trial_ws.c - a WebSocket whose server says what the recorded one said: after as many messages of
 * the client as had come before it.
 */
#include <stdlib.h>

#include "core/grow.h"
#include "replay/channel.h"
#include "replay/trial/trial_target.h"

enum { STEP_US = 1000, MAX_MESSAGES = 1000000, MAX_PAYLOAD_BYTES = 64 << 20 };

struct spoken {
    bool by_client;
    int opcode, close_code;
    struct bytes payload;
};

struct transport_ws {
    struct transport_user *user;
    struct transport_ws_events events;
    void *owner;
    struct timer timer;
    struct arena texts;
    struct spoken *said;
    size_t count, capacity, next; /* the first that has not been said */
    bool is_open, is_closing;
};

static void keep_message(struct transport_ws *ws, const struct trace_message *message,
                         struct buf *payload)
{
    struct spoken *grown =
        grow_by_one(ws->said, ws->count, &ws->capacity, sizeof *grown, MAX_MESSAGES);
    if (!grown)
        return;
    ws->said = grown;
    ws->said[ws->count++] = (struct spoken){.by_client = message->sender == TRACE_CLIENT,
                                            .opcode = message->opcode,
                                            .close_code = message->close_code,
                                            .payload = arena_copy(&ws->texts, buf_bytes(payload))};
}

static void load_messages(struct transport_ws *ws, struct trace_reader *reader, int64_t exchange_id)
{
    struct buf payload = BUF_INIT(MAX_PAYLOAD_BYTES);
    struct trace_message message;
    struct error err;
    if (trace_reader_start_messages(reader, exchange_id, &err))
        return;
    while (trace_reader_next_message(reader, &message, &err) > 0) {
        buf_clear(&payload);
        bool is_data = message.opcode == 1 || message.opcode == 2;
        if (!is_data && message.opcode != 8)
            continue;
        if (is_data && trace_reader_get_body(reader, message.body_id, &payload, &err))
            break;
        keep_message(ws, &message, &payload);
    }
    buf_fini(&payload);
}

static void set_timer(struct transport_ws *ws)
{
    struct loop *loop = ws->user->transport->loop;
    timers_set(&loop->timers, &ws->timer, loop->now_us + STEP_US);
}

/* One thing at a time: whoever hears it may free the WebSocket. */
static void on_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct transport_ws *ws = owner;
    struct transport_result result = {.response = {.status = 101}};
    (void)timer;
    (void)now_us;
    if (!ws->is_open) {
        ws->is_open = true;
        set_timer(ws);
        ws->events.on_open(ws->owner, &result);
        return;
    }
    if (ws->is_closing) {
        ws->events.on_close(ws->owner, &result, 1000);
        return;
    }
    if (ws->next == ws->count || ws->said[ws->next].by_client)
        return;
    const struct spoken *said = &ws->said[ws->next++];
    if (said->opcode == 8) {
        ws->events.on_close(ws->owner, &result, said->close_code);
        return;
    }
    set_timer(ws);
    ws->events.on_message(ws->owner, said->opcode, said->payload);
}

struct transport_ws *trial_ws_open(struct transport_user *user,
                                   const struct transport_request *request,
                                   const struct transport_ws_events *events, void *owner)
{
    const struct channel *channel = owner;
    struct trial_source *source = user->transport->source;
    struct transport_ws *ws = calloc(1, sizeof *ws);
    (void)request;
    if (!ws)
        return NULL;
    *ws = (struct transport_ws){.user = user, .events = *events, .owner = owner};
    arena_init(&ws->texts, (size_t)MAX_PAYLOAD_BYTES * 4);
    source->trial->requests_sent++;
    load_messages(ws, source->reader, channel->connect->exchange_id);
    timer_init(&ws->timer, on_timer, ws);
    set_timer(ws);
    return ws;
}

int trial_ws_send(struct transport_ws *ws, int opcode, struct bytes payload, int close_code)
{
    (void)payload;
    (void)close_code;
    if (opcode == 8)
        ws->is_closing = true;
    else if (opcode == 1 || opcode == 2)
        ws->user->transport->source->trial->messages_sent++;
    /* Whatever it says: the recorded server went on when the client had spoken. */
    if (opcode != 8 && ws->next < ws->count && ws->said[ws->next].by_client)
        ws->next++;
    set_timer(ws);
    return 0;
}

static void on_free(struct timer *timer, void *owner, uint64_t now_us)
{
    struct transport_ws *ws = owner;
    (void)timer;
    (void)now_us;
    arena_fini(&ws->texts);
    free(ws->said);
    free(ws);
}

void trial_ws_free(struct transport_ws *ws)
{
    struct loop *loop = ws->user->transport->loop;
    timers_cancel(&loop->timers, &ws->timer);
    timer_init(&ws->timer, on_free, ws); /* we may be inside one of its callbacks */
    timers_set(&loop->timers, &ws->timer, loop->now_us);
}
