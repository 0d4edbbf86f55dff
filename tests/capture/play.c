/* play.c - runs a play through an http_connection and writes down what comes out. */
#include "tests/capture/play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *const flaw_names[] = {"gap",         "mid-stream", "truncated",
                                         "no-response", "no-request", "unparsable"};

static void write_flaws(struct buf *text, uint32_t flaws)
{
    const char *before = " [";
    for (size_t i = 0; i < sizeof flaw_names / sizeof *flaw_names; i++) {
        if (!(flaws >> i & 1))
            continue;
        buf_printf(text, "%s%s", before, flaw_names[i]);
        before = " ";
    }
    buf_append_text(text, flaws ? "]\n" : "\n");
}

static int64_t on_body(void *owner, struct exchange *exchange, enum trace_sender sender,
                       struct bytes body)
{
    (void)owner;
    /* Kept in the hints until the row is written. */
    exchange->hints[sender].hash = body.len;
    return sender == TRACE_CLIENT ? 1 : 2;
}

static void on_exchange(void *owner, const struct exchange *exchange, struct trace_exchange *row,
                        struct bytes response_body)
{
    struct play *play = owner;
    row->exchange_id = ++play->last_exchange_id;
    row->session_id = 1;
    buf_printf(&play->text, "%.*s%s%.*s%s%d", BYTES_ARG(row->method), row->method.len ? " " : "",
               BYTES_ARG(row->target), row->method.len ? " " : "", row->status);
    if (row->interim_statuses.len)
        buf_printf(&play->text, " after %.*s", BYTES_ARG(row->interim_statuses));
    if (row->request_body_bytes)
        buf_printf(&play->text, " >%u/%u", (unsigned)exchange->hints[TRACE_CLIENT].hash,
                   (unsigned)row->request_body_bytes);
    if (response_body.len && response_body.len < 100)
        buf_printf(&play->text, " <%.*s", BYTES_ARG(response_body));
    else if (row->response_body_bytes)
        buf_printf(&play->text, " <%u/%u", (unsigned)exchange->hints[TRACE_SERVER].hash,
                   (unsigned)row->response_body_bytes);
    if (row->response_trailers.len)
        buf_printf(
            &play->text, " +%.*s",
            BYTES_ARG(bytes_make(row->response_trailers.ptr, row->response_trailers.len - 1)));
    write_flaws(&play->text, row->flaws);
}

static void on_message(void *owner, struct trace_message *row, struct bytes content)
{
    struct play *play = owner;
    assert_int_equal(row->exchange_id, play->last_exchange_id);
    buf_printf(&play->text, "%s %d %.*s", row->sender == TRACE_CLIENT ? "client" : "server",
               row->opcode, content.len < 100 ? (int)content.len : 0, content.ptr);
    write_flaws(&play->text, row->flaws);
}

void play_begin_with(struct play *play, bool is_mid_stream, const struct http_limits *limits)
{
    static const struct http_sink sink = {on_body, on_exchange, on_message};
    *play = (struct play){.text = BUF_INIT(1024 * 1024)};
    http_context_init(&play->context, limits, &sink);
    play->connection = http_connection_new(&play->context, play, is_mid_stream);
    assert_non_null(play->connection);
}

void play_begin(struct play *play, bool is_mid_stream)
{
    struct http_limits limits = http_default_limits();
    play_begin_with(play, is_mid_stream, &limits);
}

void play_bytes(struct play *play, enum flow_side from, struct bytes bytes)
{
    play->delivered_bytes += bytes.len;
    while (bytes.len) {
        size_t len =
            play->piece_bytes && play->piece_bytes < bytes.len ? play->piece_bytes : bytes.len;
        char *copy = test_malloc(len); /* a block of its own, gone after the delivery */
        memcpy(copy, bytes.ptr, len);
        play->now_us += 1000;
        http_connection_data(play->connection, from, bytes_make(copy, len), play->now_us);
        test_free(copy);
        bytes = bytes_from(bytes, len);
    }
}

void play_client(struct play *play, const char *text)
{
    play_bytes(play, FLOW_CLIENT, bytes_of(text));
}

void play_server(struct play *play, const char *text)
{
    play_bytes(play, FLOW_SERVER, bytes_of(text));
}

void play_gap(struct play *play, enum flow_side from, uint64_t missing_bytes)
{
    play->now_us += 1000;
    http_connection_gap(play->connection, from, missing_bytes, play->now_us);
}

void play_close(struct play *play, enum flow_side from, enum trace_connection_end end)
{
    play->now_us += 1000;
    http_connection_close(play->connection, from, end, play->now_us);
}

uint64_t play_lost(const struct play *play, enum trace_reason reason)
{
    return http_connection_losses(play->connection)->payload_bytes[reason];
}

void play_end(struct play *play)
{
    play_close(play, FLOW_CLIENT, TRACE_END_FIN);
    play_close(play, FLOW_SERVER, TRACE_END_FIN);
    uint64_t total = http_connection_stored_bytes(play->connection);
    for (int reason = 0; reason < TRACE_REASON_COUNT; reason++)
        total += play_lost(play, (enum trace_reason)reason);
    assert_int_equal(total, play->delivered_bytes);
    http_connection_free(play->connection);
    play->connection = NULL;
    assert_int_equal(play->context.pool.held_bytes, 0);
}

const char *play_text(const struct play *play)
{
    return buf_text(&play->text);
}

void play_free(struct play *play)
{
    http_connection_free(play->connection);
    http_context_fini(&play->context);
    buf_fini(&play->text);
}
