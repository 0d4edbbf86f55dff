/*
 * flow_order.h - inside of a flow: what goes out, and when. Order within a side, causality across
 * sides, holes given up by grace, limit or end.
 */
#ifndef REPRISE_CAPTURE_FLOW_ORDER_H
#define REPRISE_CAPTURE_FLOW_ORDER_H

#include "capture/flow_stream.h"

struct flow {
    struct stream streams[2]; /* by enum flow_side */
    struct flow_sink sink;
    void *owner;
    struct net_address client;
    int64_t opened_us;
    int64_t last_us;
    size_t held_bytes;  /* payload in both lists */
    size_t held_pieces; /* in both lists */
    uint64_t arrivals;
    uint64_t conflicting_bytes;
    struct flow_limits limits;
    struct ledger_counts counts;
};

/* The next bytes of that side, to the sink. */
static inline void flow_deliver(struct flow *flow, enum flow_side from, struct bytes data,
                                int64_t at_us)
{
    struct stream *stream = &flow->streams[from];
    stream->next += (uint32_t)data.len;
    stream->passed_bytes += data.len;
    flow->sink.on_data(flow->owner, from, data, at_us);
}

/* Bytes that will not come: the sink hears of a gap, counted under `reason`. */
void flow_skip(struct flow *flow, enum flow_side from, uint32_t missing_bytes,
               enum trace_reason reason, int64_t at_us);

/* The stream begins at `seq`: what is held from before it cannot belong to it. */
void flow_anchor(struct flow *flow, struct stream *stream, uint32_t seq);

void flow_close_side(struct flow *flow, enum flow_side from, enum trace_connection_end end,
                     int64_t at_us);

/* No segment of this side, and the first grace is over: its direction is not in the capture. */
bool flow_is_absent(const struct flow *flow, const struct stream *stream, int64_t now_us);

/* Would bytes with this acknowledgement overtake bytes of the peer that came before them? */
bool flow_must_wait(const struct flow *flow, enum flow_side from, bool has_ack, uint32_t ack);

/* Keep a segment until its turn. -1 without memory: it went out behind all that was held. */
int flow_hold(struct flow *flow, enum flow_side from, const struct segment *segment);

/* Let out what is due, give up what is overdue or over the limits. */
void flow_settle(struct flow *flow, int64_t now_us);

#endif
