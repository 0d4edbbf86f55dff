/*
 * http_connection_fuzz.c - any conversation, cut anywhere, with gaps: it ends, every byte is
 * accounted for, and no memory stays behind.
 *
 * The first byte's lowest bit: the capture began in the middle. Then pairs of (what, how many):
 * what modulo 6 is client data, server data, a gap in either, the end of either; data follow.
 */
#include <assert.h>
#include <stdlib.h>

#include "capture/http_connection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tally {
    struct http_connection *connection;
    int64_t exchanges;
};

static int64_t on_body(void *owner, struct exchange *exchange, enum trace_sender sender,
                       struct bytes body)
{
    (void)owner, (void)exchange, (void)sender;
    assert(body.len > 0 && body.ptr);
    return 1;
}

static void on_exchange(void *owner, const struct exchange *exchange, struct trace_exchange *row,
                        struct bytes response_body)
{
    struct tally *tally = owner;
    (void)exchange;
    row->exchange_id = ++tally->exchanges;
    assert(row->method.len || row->status || row->interim_statuses.len);
    assert((row->method.len == 0) == ((row->flaws & TRACE_FLAW_NO_REQUEST) != 0));
    assert(!(row->flaws & TRACE_FLAW_NO_RESPONSE) || row->status == 0);
    assert(response_body.len <= row->response_body_bytes);
    assert(row->request_headers.len == 0 ||
           row->request_headers.ptr[row->request_headers.len - 1] == '\n');
}

static void on_message(void *owner, struct trace_message *row, struct bytes content)
{
    struct tally *tally = owner;
    assert(row->exchange_id > 0 && row->exchange_id <= tally->exchanges);
    assert(row->frame_count > 0);
    assert(content.len <=
           (row->payload_bytes > row->wire_bytes ? row->payload_bytes : row->wire_bytes));
}

/* In a block of its own, so that a view that outlives the delivery is seen. */
static void deliver(struct http_connection *connection, enum flow_side from, const uint8_t *data,
                    size_t len, int64_t at_us)
{
    char *copy = malloc(len + 1);
    if (len)
        memcpy(copy, data, len);
    http_connection_data(connection, from, bytes_make(copy, len), at_us);
    free(copy);
}

static uint64_t play(struct http_connection *connection, const uint8_t *data, size_t size)
{
    uint64_t delivered = 0;
    size_t at = 1;
    for (int64_t now_us = 1; at + 2 <= size; now_us++) {
        unsigned what = data[at] % 6, count = data[at + 1];
        enum flow_side from = what % 2 ? FLOW_SERVER : FLOW_CLIENT;
        at += 2;
        if (what < 2) {
            size_t len = count < size - at ? count : size - at;
            deliver(connection, from, data + at, len, now_us);
            delivered += len;
            at += len;
        } else if (what < 4) {
            http_connection_gap(connection, from, count + 1, now_us);
        } else {
            http_connection_close(connection, from, (enum trace_connection_end)(count % 5), now_us);
            /* The flow gives nothing of a side that has closed. */
            break;
        }
    }
    return delivered;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct http_sink sink = {on_body, on_exchange, on_message};
    static struct http_context context;
    const struct http_limits limits = {
        .max_body_bytes = 200, .max_held_bytes = 100 * 1000, .max_pending = 5};
    struct tally tally = {0};
    http_context_init(&context, &limits, &sink);
    tally.connection = http_connection_new(&context, &tally, size && (data[0] & 1));
    uint64_t delivered = play(tally.connection, data, size);
    http_connection_close(tally.connection, FLOW_CLIENT, TRACE_END_FIN, 1000);
    http_connection_close(tally.connection, FLOW_SERVER, TRACE_END_OPEN, 1000);
    uint64_t total = http_connection_stored_bytes(tally.connection);
    for (int reason = 0; reason < TRACE_REASON_COUNT; reason++)
        total += http_connection_losses(tally.connection)->payload_bytes[reason];
    assert(total == delivered);
    http_connection_free(tally.connection);
    assert(context.pool.held_bytes == 0);
    http_context_fini(&context);
    return 0;
}
