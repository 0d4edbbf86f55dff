/*
 * recorder.h - from connections to a trace: gives out ids, writes rows, keeps the account of every
 * payload byte.
 *
 *     flow_table --> recorder --> http_connection --> recorder --> trace_writer
 *                                                        |--> sessions
 *
 * The account: payload_bytes seen = stored_bytes + the ledger's payload_bytes, always, once
 * recorder_finish() was called.
 */
#ifndef REPRISE_CAPTURE_RECORDER_H
#define REPRISE_CAPTURE_RECORDER_H

#include "capture/flow_table.h"
#include "capture/http_connection.h"
#include "capture/sessions.h"
#include "core/error.h"
#include "traces/writer.h"

struct recorder_options {
    struct http_limits http;
    struct session_options sessions;
    struct flow_table_limits flows;
};

struct recorder_totals {
    uint64_t packets;
    uint64_t connections; /* that carried payload */
    uint64_t exchanges;
    uint64_t messages;
    uint64_t sessions;
    uint64_t mixed_sessions; /* of them: probably of several users */
    uint64_t payload_bytes;
    uint64_t stored_bytes;
    int64_t last_us; /* the latest packet; TRACE_NO_MOMENT before the first */
    struct ledger_counts ledger;
};

struct recorder;

/* The writer stays the caller's, and outlives the recorder. NULL without memory. */
struct recorder *recorder_new(struct trace_writer *writer, const struct recorder_options *options);
void recorder_free(struct recorder *recorder);

/* A packet was read, whatever becomes of it. */
void recorder_note_packet(struct recorder *recorder, int64_t at_us);
/* Its segment, to be followed, or not (under `reason`). */
int recorder_add_segment(struct recorder *recorder, const struct segment *segment,
                         struct error *err);
void recorder_skip_segment(struct recorder *recorder, const struct segment *segment,
                           enum trace_reason reason);

/* Call often: writes what is due, lets idle connections end. capture_now_us: on the packets' clock.
 * -1: writing failed. */
int recorder_tick(struct recorder *recorder, uint64_t now_us, int64_t capture_now_us,
                  bool *ret_is_full, struct error *err);

/* All connections end; `others`: what never became a segment. Rows of sessions and ledger are
 * written. */
int recorder_finish(struct recorder *recorder, const struct ledger_counts *others,
                    struct error *err);

/* So far; connections still open are in it only with what has been handed on. */
const struct recorder_totals *recorder_totals(struct recorder *recorder);

#endif
