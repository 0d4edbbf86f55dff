/*
 * flow.c - segments in: where each belongs, and what may go out at once. The hot path is the first
 * lines of flow_add(): in order, nothing held, no copy.
 *
 * A stream is anchored once it is known where it begins: by a SYN, by the other side's SYN that
 * acknowledges it, or, in the middle of a connection, by what came first within the grace.
 */
#include "capture/flow.h"

#include <stdlib.h>

#include "capture/flow_order.h"

/* That many segments that continue each other far out of the window are the stream, after a hole
 * larger than any window; fewer are strays. */
enum { STRAYS_TO_BELIEVE = 3 };

/* A RST from a socket that is gone carries the acknowledgement it answers, which lags behind what
 * that side had sent by up to a window. */
enum { RST_SLACK_BYTES = 1 << 20 };

struct flow *flow_start(const struct flow_limits *limits, const struct flow_sink *sink, void *owner,
                        const struct segment *first, bool source_is_client)
{
    struct flow *flow = calloc(1, sizeof *flow);
    if (!flow)
        return NULL;
    flow->limits = *limits;
    flow->sink = *sink;
    flow->owner = owner;
    flow->client = source_is_client ? first->source : first->destination;
    flow->opened_us = flow->last_us = first->at_us;
    return flow;
}

void flow_free(struct flow *flow)
{
    if (!flow)
        return;
    stream_free_pieces(&flow->streams[FLOW_CLIENT]);
    stream_free_pieces(&flow->streams[FLOW_SERVER]);
    free(flow);
}

void flow_set_owner(struct flow *flow, void *owner)
{
    flow->owner = owner;
}

static void count(struct flow *flow, enum trace_reason reason, const struct segment *segment)
{
    flow->counts.packets[reason]++;
    flow->counts.payload_bytes[reason] += segment->payload.len;
}

/* Behind a close: what the stream had already is a retransmission, the rest came too late. */
static int add_after_close(struct flow *flow, const struct stream *stream,
                           const struct segment *segment)
{
    if (segment->payload.len == 0)
        return 0;
    uint32_t end = segment->seq + (uint32_t)segment->payload.len;
    count(flow,
          seq_after(end, stream->next) ? TRACE_REASON_AFTER_CLOSE : TRACE_REASON_RETRANSMISSION,
          segment);
    return 0;
}

/* Can bytes at `seq` be of this stream? */
static bool is_in_window(const struct stream *stream, uint32_t seq, uint32_t len)
{
    if (!stream->is_seen && !stream->is_anchored)
        return true;
    int32_t ahead = (int32_t)(seq - stream->next);
    if (ahead >= 0)
        return ahead <= MAX_WINDOW_BYTES;
    uint64_t behind = (uint64_t)0 - (uint64_t)(int64_t)ahead;
    uint32_t begin = stream->next - (uint32_t)stream->passed_bytes;
    if (stream->has_syn && begin == stream->isn + 1) /* a probe may repeat the byte before it */
        return behind <= stream->passed_bytes + 1 + len;
    return behind <= MAX_WINDOW_BYTES;
}

/* True: these bytes are the stream after all, behind a hole larger than a window. Old ones are not:
 * they would be before its begin. */
static bool is_believed(struct stream *stream, uint32_t seq, uint32_t len)
{
    if (len == 0 || stream->next - seq <= MAX_WINDOW_BYTES)
        return false;
    stream->stray_run = stream->stray_run && stream->stray_next == seq ? stream->stray_run + 1 : 1;
    stream->stray_next = seq + len;
    return stream->stray_run >= STRAYS_TO_BELIEVE;
}

/* Nothing but SYNs so far: the handshake may still be begun anew. */
static bool is_untouched(const struct flow *flow)
{
    const struct stream *client = &flow->streams[FLOW_CLIENT];
    const struct stream *server = &flow->streams[FLOW_SERVER];
    return client->passed_bytes + server->passed_bytes == 0 && !client->first && !server->first;
}

static void anchor_by_syn(struct flow *flow, struct stream *stream, const struct segment *segment)
{
    bool is_other = stream->has_syn && stream->isn != segment->seq && is_untouched(flow);
    if (stream->has_syn && !is_other) {
        flow->counts.packets[TRACE_REASON_RETRANSMISSION]++;
        return;
    }
    stream->has_syn = true;
    stream->isn = segment->seq;
    if (!stream->is_anchored || is_other)
        flow_anchor(flow, stream, segment->seq + 1);
}

/* Where the other side's stream begins, as far as this acknowledgement tells. */
static void note_begin(struct flow *flow, struct stream *peer, const struct segment *segment)
{
    uint32_t ack = segment->ack;
    if (segment->flags & TCP_SYN) {
        if (!peer->first || !seq_after(ack, peer->first->seq))
            flow_anchor(flow, peer, ack);
        return;
    }
    if (!peer->has_hint || seq_after(peer->hint, ack))
        peer->hint = ack;
    if (!peer->has_hint || seq_after(ack, peer->hint_end))
        peer->hint_end = ack;
    peer->has_hint = true;
    if (flow_is_absent(flow, peer, segment->at_us))
        flow_anchor(flow, peer, peer->hint);
    else if (peer->is_seen && !peer->first && seq_after(ack, peer->next))
        peer->next = ack;
}

/* What this acknowledgement says about the other side's stream. */
static void note_ack(struct flow *flow, enum flow_side from, const struct segment *segment)
{
    struct stream *peer = &flow->streams[!from];
    if (!peer->is_anchored)
        note_begin(flow, peer, segment);
    uint32_t ahead = segment->ack - peer->next;
    if (!peer->is_anchored || ahead == 0 || ahead > MAX_WINDOW_BYTES)
        return;
    if (stream_acked_ahead(peer) == 0)
        peer->acked_us = segment->at_us;
    if (stream_acked_ahead(peer) < ahead)
        peer->acked_bytes = peer->passed_bytes + ahead;
    if (!peer->is_seen) /* an absent side's gap comes before what answers it */
        flow_settle(flow, segment->at_us);
}

/* Leave out what the stream has already. False: nothing is left. */
static bool trim_seen(struct flow *flow, struct stream *stream, struct segment *segment)
{
    if (!stream->is_anchored || !seq_after(stream->next, segment->seq))
        return true;
    uint32_t seen = stream->next - segment->seq;
    size_t bytes = seen < segment->payload.len ? seen : segment->payload.len;
    uint32_t missing = seen - (uint32_t)bytes;
    if (missing > segment->missing_bytes)
        missing = segment->missing_bytes;
    bool has_fin = segment->flags & TCP_FIN;
    if (bytes > 0 || !has_fin)
        flow->counts.packets[TRACE_REASON_RETRANSMISSION]++;
    flow->counts.payload_bytes[TRACE_REASON_RETRANSMISSION] += bytes;
    segment->payload = bytes_from(segment->payload, bytes);
    segment->missing_bytes -= missing;
    segment->seq += (uint32_t)bytes + missing;
    if (segment->seq != stream->next) /* a FIN before bytes that were delivered: not believed */
        segment->flags &= (uint8_t)~TCP_FIN;
    return segment->payload.len > 0 || segment->missing_bytes > 0 || segment->flags & TCP_FIN;
}

/* All of the segment is new and next in line: out it goes. */
static void add_in_order(struct flow *flow, enum flow_side from, const struct segment *segment)
{
    struct stream *stream = &flow->streams[from];
    if (segment->payload.len > 0)
        flow_deliver(flow, from, segment->payload, segment->at_us);
    if (segment->missing_bytes > 0)
        flow_skip(flow, from, segment->missing_bytes, TRACE_REASON_SNAPLEN, segment->at_us);
    if (stream_acked_ahead(stream) > 0)
        stream->acked_us = segment->at_us; /* it goes on: a new grace for what is left */
    if (segment->flags & TCP_FIN)
        flow_close_side(flow, from, TRACE_END_FIN, segment->at_us);
}

static int add_data(struct flow *flow, enum flow_side from, struct segment *segment)
{
    struct stream *stream = &flow->streams[from];
    bool has_ack = segment->flags & TCP_ACK;
    if (!trim_seen(flow, stream, segment))
        return 0;
    uint32_t len = (uint32_t)segment->payload.len + segment->missing_bytes;
    if (len == 0 && !(segment->flags & TCP_FIN))
        return 0;
    bool is_next = stream->is_anchored && segment->seq == stream->next;
    bool is_free = !stream->first || !seq_after(segment->seq + len, stream->first->seq);
    if (is_next && is_free && !flow_must_wait(flow, from, has_ack, segment->ack)) {
        add_in_order(flow, from, segment);
        return 0;
    }
    return flow_hold(flow, from, segment);
}

/* RFC 5961 section 3 accepts one sequence number; an observer does not know which one that is. */
static bool is_reset_plausible(const struct flow *flow, enum flow_side from,
                               const struct segment *segment)
{
    const struct stream *stream = &flow->streams[from];
    const struct stream *peer = &flow->streams[!from];
    if (!stream->is_seen) /* a refused SYN: sequence 0, acknowledging it */
        return !(segment->flags & TCP_ACK) || !peer->is_anchored ||
               segment->ack - peer->next + RST_SLACK_BYTES < 2 * RST_SLACK_BYTES;
    int32_t ahead = (int32_t)(segment->seq - stream->next);
    return ahead >= -RST_SLACK_BYTES && ahead <= MAX_WINDOW_BYTES;
}

static int add_reset(struct flow *flow, enum flow_side from, struct segment *segment)
{
    struct stream *stream = &flow->streams[from];
    if (segment->payload.len > 0) /* RFC 9293 section 3.5.3 allows a text: it is no data */
        count(flow, TRACE_REASON_AFTER_CLOSE, segment);
    segment->payload.len = 0;
    segment->missing_bytes = 0;
    if (flow_is_closed(flow))
        return 0;
    if (!is_reset_plausible(flow, from, segment)) {
        flow->counts.packets[TRACE_REASON_OUT_OF_WINDOW]++;
        return 0;
    }
    bool is_early = stream->is_seen && !stream->is_closed &&
                    (!stream->is_anchored || seq_after(segment->seq, stream->next));
    if (is_early)
        return flow_hold(flow, from, segment);
    flow_finish(flow, TRACE_END_RST, segment->at_us);
    return 0;
}

static int add_stray(struct flow *flow, enum flow_side from, struct segment *segment)
{
    struct stream *stream = &flow->streams[from];
    uint32_t len = (uint32_t)segment->payload.len + segment->missing_bytes;
    if (!is_believed(stream, segment->seq, len)) {
        count(flow, TRACE_REASON_OUT_OF_WINDOW, segment);
        return 0;
    }
    flow_let_go(flow);
    if (stream->is_closed)
        return add_after_close(flow, stream, segment);
    if (stream->is_anchored)
        flow_skip(flow, from, segment->seq - stream->next, TRACE_REASON_GAP, segment->at_us);
    else
        flow_anchor(flow, stream, segment->seq);
    return add_data(flow, from, segment);
}

static int add_segment(struct flow *flow, enum flow_side from, struct segment *segment)
{
    struct stream *stream = &flow->streams[from];
    uint32_t len = (uint32_t)segment->payload.len + segment->missing_bytes;
    if (segment->flags & TCP_RST)
        return add_reset(flow, from, segment);
    if (segment->flags & TCP_SYN && !stream->is_closed)
        anchor_by_syn(flow, stream, segment);
    if (segment->flags & TCP_SYN)
        segment->seq++;
    if (!stream->is_closed && !is_in_window(stream, segment->seq, len))
        return add_stray(flow, from, segment);
    if (!stream->is_anchored && (!stream->is_seen || (!stream->first && len == 0)))
        stream->next = segment->seq;
    stream->is_seen = true;
    stream->stray_run = 0;
    if (segment->flags & TCP_ACK)
        note_ack(flow, from, segment);
    if (stream->is_closed)
        return add_after_close(flow, stream, segment);
    return add_data(flow, from, segment);
}

static bool is_client(const struct flow *flow, const struct segment *segment)
{
    return segment->source.port == flow->client.port &&
           memcmp(&segment->source, &flow->client, sizeof flow->client) == 0;
}

int flow_add(struct flow *flow, const struct segment *segment)
{
    enum flow_side from = is_client(flow, segment) ? FLOW_CLIENT : FLOW_SERVER;
    struct stream *stream = &flow->streams[from];
    const struct stream *peer = &flow->streams[!from];
    flow->last_us = segment->at_us;
    if (!(segment->flags & (TCP_SYN | TCP_FIN | TCP_RST)) && segment->seq == stream->next &&
        flow->held_pieces == 0 && stream->is_seen && peer->is_seen && stream->is_anchored &&
        peer->is_anchored && !stream->is_closed && segment->missing_bytes == 0 &&
        !seq_after(segment->ack, peer->next)) {
        if (segment->payload.len > 0)
            flow_deliver(flow, from, segment->payload, segment->at_us);
        return 0;
    }
    struct segment mutable = *segment;
    int result = add_segment(flow, from, &mutable);
    flow_settle(flow, segment->at_us);
    return result;
}

void flow_tick(struct flow *flow, int64_t now_us)
{
    if (flow->held_pieces > 0)
        flow_settle(flow, now_us);
}

bool flow_is_closed(const struct flow *flow)
{
    return flow->streams[FLOW_CLIENT].is_closed && flow->streams[FLOW_SERVER].is_closed;
}

bool flow_is_mid_stream(const struct flow *flow)
{
    return !flow->streams[FLOW_CLIENT].has_syn && !flow->streams[FLOW_SERVER].has_syn;
}

int64_t flow_last_us(const struct flow *flow)
{
    return flow->last_us;
}

size_t flow_held_bytes(const struct flow *flow)
{
    return flow->held_bytes;
}

bool flow_is_waiting(const struct flow *flow)
{
    return flow->held_pieces > 0;
}

const struct ledger_counts *flow_counts(const struct flow *flow)
{
    return &flow->counts;
}

uint64_t flow_conflicting_bytes(const struct flow *flow)
{
    return flow->conflicting_bytes;
}

bool flow_is_reused_by(const struct flow *flow, const struct segment *syn)
{
    enum flow_side from = is_client(flow, syn) ? FLOW_CLIENT : FLOW_SERVER;
    const struct stream *stream = &flow->streams[from];
    const struct stream *peer = &flow->streams[!from];
    uint32_t begin = syn->seq + 1;
    /* Another answer to the same SYN: a server that forgot it had answered, and is ignored. */
    if (syn->flags & TCP_ACK && peer->has_syn && syn->ack == peer->isn + 1)
        return false;
    if (stream->has_syn)
        return stream->isn != syn->seq;
    if (flow_is_closed(flow))
        return true;
    if (!stream->is_seen)
        return stream->is_anchored && stream->next != begin;
    /* Its data came before it, or a capture began just behind it. */
    uint32_t known = stream->is_anchored || !stream->first ? stream->next : stream->first->seq;
    return known - (uint32_t)stream->passed_bytes - begin > RST_SLACK_BYTES;
}
