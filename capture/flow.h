/*
 * flow.h - one TCP connection as two byte streams in order: reassembly (RFC 9293) as an observer
 * does it.
 *
 * Segments go in as captured; out comes each direction's bytes once, in order, and in causal order
 * across directions: bytes that acknowledge peer bytes we have not delivered wait for those (an
 * answer is never delivered before its request, however the capture shuffled packets), within the
 * limits.
 *
 *     segments --> [ client stream: next_seq, held segments ] --> on_data / on_gap / on_close
 *              --> [ server stream: next_seq, held segments ] -->
 *
 * A hole becomes a gap when the peer has acknowledged bytes behind it and a grace has passed, when
 * a limit is reached, or at the end. Every payload byte that goes in comes out in on_data or is
 * counted in `counts`.
 */
#ifndef REPRISE_CAPTURE_FLOW_H
#define REPRISE_CAPTURE_FLOW_H

#include "capture/segment.h"
#include "traces/trace.h"

enum flow_side { FLOW_CLIENT, FLOW_SERVER };

/* Bytes and packets not delivered, by reason. */
struct ledger_counts {
    uint64_t packets[TRACE_REASON_COUNT];
    uint64_t payload_bytes[TRACE_REASON_COUNT];
    uint64_t missing_bytes[TRACE_REASON_COUNT];
};

/* Where a flow's streams go. `owner` is flow_start()'s. `from` says who sent the bytes. */
struct flow_sink {
    /* The next bytes of the stream; borrowed until the call returns. at_us: when the segment
     * arrived. */
    void (*on_data)(void *owner, enum flow_side from, struct bytes data, int64_t at_us);
    /* That many bytes of the stream are lost; data goes on behind them. */
    void (*on_gap)(void *owner, enum flow_side from, uint64_t missing_bytes, int64_t at_us);
    /* This side sends no more. Called at most once a side; RST, idle and the end of the capture
     * call it for both. */
    void (*on_close)(void *owner, enum flow_side from, enum trace_connection_end end,
                     int64_t at_us);
};

struct flow_limits {
    size_t max_held_bytes;    /* per flow, both directions */
    size_t max_held_segments; /* per flow */
    int64_t gap_grace_us;     /* from the acknowledgement behind a hole to giving it up */
};

struct flow;

/* Which side is the client: who sent the SYN; else decided by the caller from ports and bytes. */
struct flow *flow_start(const struct flow_limits *limits, const struct flow_sink *sink, void *owner,
                        const struct segment *first, bool source_is_client);
void flow_free(struct flow *flow);

/* For an owner that is made after its flow; before the first flow_add(). */
void flow_set_owner(struct flow *flow, void *owner);

/* -1 only without memory: nothing could be held back, so holes were given up and the segment went
 * out at once. */
int flow_add(struct flow *flow, const struct segment *segment);

/* Time goes on without a segment: give up the holes whose grace has passed. */
void flow_tick(struct flow *flow, int64_t now_us);

/* Give up all holes now and deliver what is held; the connection goes on. */
void flow_let_go(struct flow *flow);

/* Give up all holes, deliver what is held, close both sides (once). */
void flow_finish(struct flow *flow, enum trace_connection_end end, int64_t at_us);

bool flow_is_closed(const struct flow *flow); /* both sides closed: only stray packets can follow */
bool flow_is_mid_stream(const struct flow *flow); /* no SYN was seen */
int64_t flow_last_us(const struct flow *flow);    /* when its last segment arrived */
size_t flow_held_bytes(const struct flow *flow);
bool flow_is_waiting(const struct flow *flow); /* something is held back: flow_tick() may help */
const struct ledger_counts *flow_counts(const struct flow *flow);

/* Bytes of an overlap that differed from the ones seen first; only what was held can be compared.
 */
uint64_t flow_conflicting_bytes(const struct flow *flow);

/* Does this SYN open another connection on the same addresses and ports? */
bool flow_is_reused_by(const struct flow *flow, const struct segment *syn);

#endif
