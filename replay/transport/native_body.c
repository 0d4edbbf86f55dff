/* native_body.c - reads bodies that are made while they are sent, as fast as they may go. */
#include "replay/transport/native_body.h"

#include "replay/transport/transport_native.h"

static struct loop *loop_of(const struct transport_call *call)
{
    return call->user->transport->loop;
}

void native_body_reset(struct transport_call *call)
{
    struct native_body *body = &call->body;
    timers_cancel(&loop_of(call)->timers, &body->timer);
    buffer_pool_give(&call->user->transport->pool, body->block);
    body->block = NULL;
    body->block_len = 0;
    body->block_at = 0;
    body->pace.has_begun = false;
    body->failure = FAILURE_NONE;
}

/* No callback may come here: the call's own timer tells. */
static void fail(struct transport_call *call, enum failure failure)
{
    call->body.failure = failure;
    timers_set(&loop_of(call)->timers, &call->timer, loop_of(call)->now_us);
}

/* The time that the pace takes is not the target's. */
static void begin(struct transport_call *call, const struct http_body_source *source)
{
    body_pace_begin(&call->body.pace, source->bytes_per_s, loop_of(call)->now_us);
    call->deadline_us = call->started_us + native_call_timeout_us(call) +
                        body_pace_takes_us(source->body_bytes, source->bytes_per_s);
}

size_t native_body_read(struct transport_call *call, uint64_t offset, void *into, size_t max)
{
    const struct http_request *http = call->request.http;
    struct http_body_source *source = http->source;
    struct native_body *body = &call->body;
    uint64_t now_us = loop_of(call)->now_us, left = source->body_bytes - offset;
    if (body->failure != FAILURE_NONE)
        return 0;
    if (!body->pace.has_begun)
        begin(call, source);
    size_t most = left < max ? (size_t)left : max;
    size_t allowed = (size_t)body_pace_allows(&body->pace, most, now_us);
    uint64_t next_us = body_pace_next_us(&body->pace, most, now_us);
    if (next_us > now_us && allowed < most) {
        timers_set(&loop_of(call)->timers, &body->timer, next_us);
        return 0;
    }
    ssize_t got = http_request_read_body(http, offset, into, allowed);
    if (got <= 0) {
        fail(call, FAILURE_PLUGIN);
        return 0;
    }
    body_pace_spend(&body->pace, (uint64_t)got);
    return (size_t)got;
}

struct bytes native_body_block(struct transport_call *call, uint64_t offset)
{
    struct native_body *body = &call->body;
    struct buffer_pool *pool = &call->user->transport->pool;
    if (offset >= body->block_at + body->block_len) {
        if (!body->block && !(body->block = buffer_pool_take(pool))) {
            fail(call, FAILURE_NO_FILES);
            return (struct bytes){0};
        }
        body->block_at = offset;
        body->block_len = native_body_read(call, offset, body->block, POOL_BLOCK_BYTES);
        if (!body->block_len) { /* as long as it waits for its turn it needs none */
            buffer_pool_give(pool, body->block);
            body->block = NULL;
        }
    }
    size_t sent = (size_t)(offset - body->block_at);
    return bytes_make(body->block ? body->block + sent : NULL, body->block_len - sent);
}
