/* recorder.c - what connections yield becomes rows; what they lose becomes the ledger. */
#include "capture/recorder.h"

#include <stdlib.h>

enum { FLUSH_EVERY_US = 1000 * 1000 };

struct recorder {
    struct trace_writer *writer;
    struct recorder_options options;
    struct http_context http;
    struct flow_table *flows;
    struct sessions *sessions;
    struct recorder_totals totals;
    struct ledger_counts skipped; /* segments that are in no connection */
    int64_t last_connection_id;
    uint64_t flushed_at_us;
    bool has_failed;
    struct error err; /* the first one */
};

/* One connection as it is recorded. */
struct recorded {
    struct recorder *recorder;
    struct http_connection *http;
    struct flow_open open;
    int64_t connection_id;
    int64_t session_id; /* of its last exchange */
    enum trace_connection_end end;
    int64_t closed_us;
    char client_text[NET_ADDRESS_TEXT_BYTES];
    char server_text[NET_ADDRESS_TEXT_BYTES];
    bool has_row;
};

/* Callbacks cannot fail: the first error is kept, and everything after it is idle. */
static void check(struct recorder *recorder, int result, const struct error *err)
{
    if (result && !recorder->has_failed) {
        recorder->has_failed = true;
        recorder->err = *err;
    }
}

static void put_connection(struct recorded *recorded)
{
    struct recorder *recorder = recorded->recorder;
    bool is_swapped = http_connection_is_swapped(recorded->http);
    const struct flow_open *open = &recorded->open;
    struct error err;
    struct trace_connection row = {
        .connection_id = recorded->connection_id,
        .client_address = bytes_of(is_swapped ? recorded->server_text : recorded->client_text),
        .client_port = is_swapped ? open->server.port : open->client.port,
        .server_address = bytes_of(is_swapped ? recorded->client_text : recorded->server_text),
        .server_port = is_swapped ? open->client.port : open->server.port,
        .protocol = bytes_of(http_connection_protocol(recorded->http)),
        .opened_us = open->at_us,
        .closed_us = recorded->closed_us,
        .end = recorded->end,
        .flaws = http_connection_flaws(recorded->http),
    };
    check(recorder, trace_writer_put_connection(recorder->writer, &row, &err), &err);
    recorded->has_row = true;
}

static int64_t put_body(struct recorder *recorder, struct bytes content)
{
    int64_t body_id = 0;
    struct error err;
    if (!recorder->has_failed && content.len)
        check(recorder, trace_writer_put_body(recorder->writer, content, &body_id, &err), &err);
    return body_id;
}

static int64_t on_body(void *owner, struct exchange *exchange, enum trace_sender sender,
                       struct bytes body)
{
    struct recorded *recorded = owner;
    if (sender == TRACE_CLIENT) {
        struct session_keys keys = {.count = 0};
        size_t last = sizeof exchange->hints / sizeof *exchange->hints - 1; /* stays 0 */
        session_keys_of_body(&keys, body);
        for (size_t i = 0; i < keys.count && i < last; i++)
            exchange->hints[i] = (struct session_hint){keys.items[i].hash, keys.items[i].class};
    }
    return put_body(recorded->recorder, body);
}

static int64_t first_moment(const struct trace_exchange *row)
{
    return row->request_first_us != TRACE_NO_MOMENT ? row->request_first_us
                                                    : row->response_first_us;
}

static int64_t last_moment(const struct trace_exchange *row)
{
    int64_t last = row->response_last_us;
    if (row->response_first_us > last)
        last = row->response_first_us;
    if (row->request_last_us > last)
        last = row->request_last_us;
    return row->request_first_us > last ? row->request_first_us : last;
}

static void on_exchange(void *owner, const struct exchange *exchange, struct trace_exchange *row,
                        struct bytes response_body)
{
    struct recorded *recorded = owner;
    struct recorder *recorder = recorded->recorder;
    struct error err;
    if (recorder->has_failed)
        return;
    bool is_swapped = http_connection_is_swapped(recorded->http);
    struct session_sighting sighting = {
        .address = bytes_of(is_swapped ? recorded->server_text : recorded->client_text),
        .request_headers = row->request_headers,
        .target = row->target,
        .response_headers = row->response_headers,
        .response_body = response_body,
        .hints = exchange->hints,
        .connection_session_id = recorded->session_id,
        .first_us = first_moment(row),
        .last_us = last_moment(row),
        .flaws = row->flaws,
    };
    if (!recorded->has_row)
        put_connection(recorded);
    row->connection_id = recorded->connection_id;
    row->exchange_id = (int64_t)++recorder->totals.exchanges;
    row->session_id = recorded->session_id = sessions_add_exchange(recorder->sessions, &sighting);
    check(recorder, trace_writer_add_exchange(recorder->writer, row, &err), &err);
}

static void on_message(void *owner, struct trace_message *row, struct bytes content)
{
    struct recorded *recorded = owner;
    struct recorder *recorder = recorded->recorder;
    struct error err;
    if (recorder->has_failed)
        return;
    recorder->totals.messages++;
    row->connection_id = recorded->connection_id;
    row->body_id = put_body(recorder, content);
    sessions_add_message(recorder->sessions, row->session_id, row->last_us, row->flaws);
    check(recorder, trace_writer_add_message(recorder->writer, row, &err), &err);
}

static void on_session(void *owner, const struct trace_session *row)
{
    struct recorder *recorder = owner;
    struct error err;
    if (!recorder->has_failed)
        check(recorder, trace_writer_put_session(recorder->writer, row, &err), &err);
}

/* The flow's side. */

static void *on_open(void *context, const struct flow_open *open)
{
    struct recorder *recorder = context;
    struct recorded *recorded = calloc(1, sizeof *recorded);
    if (!recorded)
        return NULL;
    recorded->recorder = recorder;
    recorded->open = *open;
    recorded->closed_us = TRACE_NO_MOMENT;
    net_address_format(&open->client, recorded->client_text);
    net_address_format(&open->server, recorded->server_text);
    recorded->http = http_connection_new(&recorder->http, recorded, open->is_mid_stream);
    if (!recorded->http) {
        free(recorded);
        return NULL;
    }
    recorded->connection_id = ++recorder->last_connection_id;
    return recorded;
}

static void on_data(void *owner, enum flow_side from, struct bytes data, int64_t at_us)
{
    struct recorded *recorded = owner;
    http_connection_data(recorded->http, from, data, at_us);
}

static void on_gap(void *owner, enum flow_side from, uint64_t missing_bytes, int64_t at_us)
{
    struct recorded *recorded = owner;
    http_connection_gap(recorded->http, from, missing_bytes, at_us);
}

static void on_close(void *owner, enum flow_side from, enum trace_connection_end end, int64_t at_us)
{
    struct recorded *recorded = owner;
    if (recorded->end != TRACE_END_RST)
        recorded->end = end;
    recorded->closed_us = end == TRACE_END_OPEN ? TRACE_NO_MOMENT : at_us;
    http_connection_close(recorded->http, from, end, at_us);
}

/* One row a reason: what the flow and what the parser could not keep. */
static void add_ledger_row(struct recorder *recorder, struct trace_ledger_entry *row)
{
    struct error err;
    if (!row->packets && !row->payload_bytes && !row->missing_bytes)
        return;
    recorder->totals.ledger.packets[row->reason] += row->packets;
    recorder->totals.ledger.payload_bytes[row->reason] += row->payload_bytes;
    recorder->totals.ledger.missing_bytes[row->reason] += row->missing_bytes;
    if (!recorder->has_failed)
        check(recorder, trace_writer_add_ledger(recorder->writer, row, &err), &err);
}

static bool has_any(const struct ledger_counts *counts)
{
    for (int reason = 0; reason < TRACE_REASON_COUNT; reason++) {
        if (counts->packets[reason] || counts->payload_bytes[reason] ||
            counts->missing_bytes[reason])
            return true;
    }
    return false;
}

static bool has_bytes(const struct http_losses *losses)
{
    for (int reason = 0; reason < TRACE_REASON_COUNT; reason++) {
        if (losses->payload_bytes[reason])
            return true;
    }
    return false;
}

/* A connection that was opened and closed without a byte has no row. */
static void on_release(void *context, void *owner, const struct flow *flow)
{
    struct recorder *recorder = context;
    struct recorded *recorded = owner;
    const struct ledger_counts *counts = flow_counts(flow);
    const struct http_losses *losses = http_connection_losses(recorded->http);
    uint64_t stored_bytes = http_connection_stored_bytes(recorded->http);
    if (recorded->has_row || stored_bytes || has_any(counts) || has_bytes(losses)) {
        put_connection(recorded);
        recorder->totals.connections++;
    }
    recorder->totals.stored_bytes += stored_bytes;
    for (int reason = 0; reason < TRACE_REASON_COUNT; reason++) {
        bool has_moments = losses->payload_bytes[reason] && !counts->payload_bytes[reason];
        struct trace_ledger_entry row = {
            .session_id = recorded->session_id,
            .connection_id = recorded->connection_id,
            .reason = (enum trace_reason)reason,
            .first_us = has_moments ? losses->first_us[reason] : recorded->open.at_us,
            .last_us = has_moments ? losses->last_us[reason] : flow_last_us(flow),
            .packets = counts->packets[reason],
            .payload_bytes = counts->payload_bytes[reason] + losses->payload_bytes[reason],
            .missing_bytes = counts->missing_bytes[reason],
        };
        add_ledger_row(recorder, &row);
    }
    http_connection_free(recorded->http);
    free(recorded);
}

struct recorder *recorder_new(struct trace_writer *writer, const struct recorder_options *options)
{
    static const struct http_sink http_sink = {on_body, on_exchange, on_message};
    static const struct flow_table_callbacks flow_callbacks = {
        .on_open = on_open,
        .on_release = on_release,
        .sink = {on_data, on_gap, on_close},
    };
    struct recorder *recorder = calloc(1, sizeof *recorder);
    if (!recorder)
        return NULL;
    recorder->writer = writer;
    recorder->options = *options;
    recorder->totals.last_us = TRACE_NO_MOMENT;
    http_context_init(&recorder->http, &options->http, &http_sink);
    recorder->sessions = sessions_new(&options->sessions, on_session, recorder);
    recorder->flows = flow_table_new(&options->flows, &flow_callbacks, recorder);
    if (!recorder->sessions || !recorder->flows) {
        recorder_free(recorder);
        return NULL;
    }
    return recorder;
}

void recorder_free(struct recorder *recorder)
{
    if (!recorder)
        return;
    recorder->has_failed = true; /* nothing is written any more */
    if (recorder->flows) {
        flow_table_finish(recorder->flows);
        flow_table_free(recorder->flows);
    }
    sessions_free(recorder->sessions);
    http_context_fini(&recorder->http);
    free(recorder);
}

void recorder_note_packet(struct recorder *recorder, int64_t at_us)
{
    recorder->totals.packets++;
    if (at_us > recorder->totals.last_us)
        recorder->totals.last_us = at_us;
}

static int take_error(const struct recorder *recorder, struct error *err)
{
    if (!recorder->has_failed)
        return 0;
    *err = recorder->err;
    return -1;
}

int recorder_add_segment(struct recorder *recorder, const struct segment *segment,
                         struct error *err)
{
    recorder->totals.payload_bytes += segment->payload.len;
    if (flow_table_add(recorder->flows, segment))
        return error_set(err, EXIT_TOOL, "out of memory for a connection");
    return take_error(recorder, err);
}

void recorder_skip_segment(struct recorder *recorder, const struct segment *segment,
                           enum trace_reason reason)
{
    recorder->totals.payload_bytes += segment->payload.len;
    recorder->skipped.packets[reason]++;
    recorder->skipped.payload_bytes[reason] += segment->payload.len;
}

int recorder_tick(struct recorder *recorder, uint64_t now_us, int64_t capture_now_us,
                  bool *ret_is_full, struct error *err)
{
    flow_table_tick(recorder->flows, capture_now_us);
    if (now_us - recorder->flushed_at_us >= FLUSH_EVERY_US) {
        recorder->flushed_at_us = now_us;
        sessions_flush(recorder->sessions);
    }
    if (take_error(recorder, err))
        return -1;
    return trace_writer_tick(recorder->writer, now_us, ret_is_full, err);
}

int recorder_finish(struct recorder *recorder, const struct ledger_counts *others,
                    struct error *err)
{
    flow_table_finish(recorder->flows);
    for (int reason = 0; reason < TRACE_REASON_COUNT; reason++) {
        if (trace_reason_was_seen((enum trace_reason)reason))
            recorder->totals.payload_bytes += others->payload_bytes[reason];
        struct trace_ledger_entry row = {
            .reason = (enum trace_reason)reason,
            .first_us = 0,
            .last_us = recorder->totals.last_us,
            .packets = recorder->skipped.packets[reason] + others->packets[reason],
            .payload_bytes =
                recorder->skipped.payload_bytes[reason] + others->payload_bytes[reason],
            .missing_bytes = others->missing_bytes[reason],
        };
        add_ledger_row(recorder, &row);
    }
    sessions_flush(recorder->sessions);
    return take_error(recorder, err);
}

const struct recorder_totals *recorder_totals(struct recorder *recorder)
{
    recorder->totals.sessions = sessions_count(recorder->sessions);
    recorder->totals.mixed_sessions = sessions_mixed_count(recorder->sessions);
    return &recorder->totals;
}
