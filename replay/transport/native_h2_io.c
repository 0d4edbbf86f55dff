/* native_h2_io.c - the bytes of an HTTP/2 connection: what nghttp2 has to say is written, what
 * comes is read to it, and what follows is seen to. */
#include <nghttp2/nghttp2.h>

#include "replay/transport/native_h2.h"

/* Of one connection before others have their turn: reads or writes of a block. */
enum { STEPS_PER_EVENT = 16 };

static struct transport *transport_of(const struct native_h2 *h2)
{
    return h2->user->transport;
}

static struct loop *loop_of(const struct native_h2 *h2)
{
    return h2->user->transport->loop;
}

/* ---- writing ---- */

static void watch(struct native_h2 *h2, int events)
{
    loop_watch_set(loop_of(h2), &h2->watch, h2->stream.fd, events);
}

static size_t left_to_write(const struct native_h2 *h2)
{
    return h2->block_len + h2->spill.len - h2->written;
}

/* What nghttp2 has to say, a block of it; what no longer fits into that is spilled. */
static void gather(struct native_h2 *h2)
{
    const uint8_t *data;
    ssize_t len;
    h2->is_busy = true;
    while (h2->block_len < POOL_BLOCK_BYTES && !h2->spill.len &&
           (len = nghttp2_session_mem_send(h2->session, &data)) > 0) {
        if ((size_t)len > POOL_BLOCK_BYTES - h2->block_len) {
            buf_append(&h2->spill, data, (size_t)len);
        } else {
            memcpy(h2->block + h2->block_len, data, (size_t)len);
            h2->block_len += (size_t)len;
        }
    }
    h2->is_busy = false;
}

static ssize_t write_gathered(struct native_h2 *h2)
{
    struct iovec pieces[2];
    int count = 0;
    size_t spilled = h2->written > h2->block_len ? h2->written - h2->block_len : 0;
    if (h2->written < h2->block_len)
        pieces[count++] = (struct iovec){h2->block + h2->written, h2->block_len - h2->written};
    if (spilled < h2->spill.len)
        pieces[count++] = (struct iovec){h2->spill.data + spilled, h2->spill.len - spilled};
    return stream_write(&h2->stream, pieces, count);
}

static void give_block(struct native_h2 *h2)
{
    buffer_pool_give(&transport_of(h2)->pool, h2->block);
    buf_release(&h2->spill);
    h2->block = NULL;
    h2->block_len = h2->written = 0;
}

/* Write what there is to write. A connection that breaks is found out by reading: an answer may
 * have come all the same. */
static void flush(struct native_h2 *h2)
{
    for (int step = 0; step < STEPS_PER_EVENT; step++) {
        if (!left_to_write(h2)) {
            if (!h2->block && !(h2->block = buffer_pool_take(&transport_of(h2)->pool)))
                return; /* no memory: with the next event */
            h2->block_len = h2->written = 0;
            buf_clear(&h2->spill);
            gather(h2);
        }
        if (!left_to_write(h2)) {
            give_block(h2);
            watch(h2, LOOP_READ);
            return;
        }
        ssize_t written = write_gathered(h2);
        if (written == STREAM_BLOCKED) {
            watch(h2, LOOP_READ | stream_events(&h2->stream));
            return;
        }
        if (written < 0) {
            h2->written = h2->block_len + h2->spill.len;
            h2->cannot_write = true;
            watch(h2, LOOP_READ);
            return;
        }
        h2->written += (size_t)written;
    }
    watch(h2, LOOP_READ | LOOP_WRITE);
}

/* Behind whatever has happened: write, and see whether it goes on. */
void native_h2_settle(struct native_h2 *h2)
{
    if (!h2->cannot_write)
        flush(h2);
    bool is_done = !nghttp2_session_want_read(h2->session) && !left_to_write(h2);
    if (h2->broken_by || (is_done && h2->calls))
        native_h2_fail(h2, FAILURE_PROTOCOL,
                       h2->broken_by ? h2->broken_by
                                     : "the target broke HTTP/2, or speaks only HTTP/1.1 there");
    else if (!h2->calls && (is_done || (h2->is_going && !left_to_write(h2))))
        native_h2_close(h2);
    else if (!h2->calls && !timer_is_set(&h2->idle_timer))
        timers_set(&loop_of(h2)->timers, &h2->idle_timer, h2->idle_since_us + NATIVE_MAX_IDLE_US);
}

/* ---- reading ---- */

/* Bytes read; 0 closed, -1 failed, STREAM_BLOCKED for nothing more now. */
static ssize_t read_block(struct native_h2 *h2, char *block)
{
    ssize_t got = stream_read(&h2->stream, block, POOL_BLOCK_BYTES);
    if (got <= 0)
        return got;
    h2->heard_us = loop_of(h2)->now_us;
    ssize_t taken = nghttp2_session_mem_recv(h2->session, (const uint8_t *)block, (size_t)got);
    if (taken < 0)
        h2->broken_by = nghttp2_strerror((int)taken);
    return got;
}

static void receive(struct native_h2 *h2)
{
    struct buffer_pool *pool = &transport_of(h2)->pool;
    char *block = buffer_pool_take(pool);
    ssize_t got = STREAM_BLOCKED;
    if (!block) {
        native_h2_fail(h2, FAILURE_NO_FILES, "no memory for an answer");
        return;
    }
    h2->is_busy = true;
    h2->read_us = 0;
    const struct content_streams *streams = transport_of(h2)->streams;
    uint64_t most_given = content_streams_given(streams) + NATIVE_VIEW_EVENT_BYTES;
    for (int reads = 1; !h2->broken_by; reads++) {
        bool is_enough = reads > STEPS_PER_EVENT || content_streams_given(streams) >= most_given;
        if (is_enough && !stream_has_pending(&h2->stream))
            break;
        got = read_block(h2, block);
        if (got <= 0 || (got < POOL_BLOCK_BYTES && !stream_has_pending(&h2->stream)))
            break;
        h2->read_us = loop_refresh(loop_of(h2)); /* no sooner, what is read next */
    }
    h2->is_busy = false;
    buffer_pool_give(pool, block);
    if (got == 0 || got == STREAM_FAILED)
        native_h2_lost(h2, got);
    else
        native_h2_settle(h2);
}

void native_h2_ready(struct loop_watch *watched, void *owner, int events)
{
    struct native_h2 *h2 = owner;
    (void)watched;
    if (events & LOOP_WRITE && !(events & LOOP_READ))
        native_h2_settle(h2);
    else
        receive(h2);
}

void native_h2_on_flush_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    (void)timer;
    (void)now_us;
    native_h2_settle(owner);
}

void native_h2_on_idle_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct native_h2 *h2 = owner;
    uint64_t due_us = (h2->calls ? now_us : h2->idle_since_us) + NATIVE_MAX_IDLE_US;
    if (!h2->calls && now_us >= due_us) {
        nghttp2_session_terminate_session(h2->session, NGHTTP2_NO_ERROR);
        flush(h2);
        native_h2_close(h2);
    } else {
        timers_set(&loop_of(h2)->timers, timer, due_us);
    }
}
