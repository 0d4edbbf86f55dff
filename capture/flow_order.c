/*
 * flow_order.c - lets held pieces out: in order within a side, causes before effects across sides.
 *
 *     settle:  [ let out what is ready ] --> [ give up holes whose grace has passed ] --+
 *                        ^                                                              |
 *                        +------------------- until nothing changes --------------------+
 */
#include "capture/flow_order.h"

#include <assert.h>
#include <stdlib.h>

void flow_skip(struct flow *flow, enum flow_side from, uint32_t missing_bytes,
               enum trace_reason reason, int64_t at_us)
{
    struct stream *stream = &flow->streams[from];
    if (missing_bytes == 0)
        return;
    stream->next += missing_bytes;
    stream->passed_bytes += missing_bytes;
    flow->counts.missing_bytes[reason] += missing_bytes;
    if (reason == TRACE_REASON_SNAPLEN)
        flow->counts.packets[reason]++;
    flow->sink.on_gap(flow->owner, from, missing_bytes, at_us);
}

static void take(struct flow *flow, struct stream *stream, struct piece *piece)
{
    stream_take(stream, piece);
    flow->held_bytes -= piece_held_bytes(piece);
    flow->held_pieces--;
}

static void drop(struct flow *flow, struct stream *stream, struct piece *piece,
                 enum trace_reason reason)
{
    take(flow, stream, piece);
    if (piece->kind == PIECE_DATA) {
        flow->counts.packets[reason]++;
        flow->counts.payload_bytes[reason] += piece->len;
    }
    free(piece);
}

/* What is held from before the begin, or from farther behind it than a window, is not this
 * stream's: so serial numbers of what stays can be compared. */
void flow_anchor(struct flow *flow, struct stream *stream, uint32_t seq)
{
    stream->is_anchored = true;
    stream->next = seq;
    stream->acked_bytes = stream->passed_bytes;
    if (stream->has_hint && stream->hint_end - seq <= MAX_WINDOW_BYTES) {
        stream->acked_bytes += stream->hint_end - seq;
        stream->acked_us = flow->last_us;
    }
    while (stream->first && stream->first->seq - seq > MAX_WINDOW_BYTES)
        drop(flow, stream, stream->first, TRACE_REASON_OUT_OF_WINDOW);
    while (stream->last && stream->last->seq - seq > MAX_WINDOW_BYTES)
        drop(flow, stream, stream->last, TRACE_REASON_OUT_OF_WINDOW);
}

void flow_close_side(struct flow *flow, enum flow_side from, enum trace_connection_end end,
                     int64_t at_us)
{
    struct stream *stream = &flow->streams[from];
    if (stream->is_closed)
        return;
    stream->is_closed = true;
    stream->next += end == TRACE_END_FIN ? 1 : 0; /* a FIN has a sequence number of its own */
    while (stream->first)
        drop(flow, stream, stream->first, TRACE_REASON_AFTER_CLOSE);
    flow->sink.on_close(flow->owner, from, end, at_us);
}

bool flow_is_absent(const struct flow *flow, const struct stream *stream, int64_t now_us)
{
    return !stream->is_seen && now_us - flow->opened_us >= flow->limits.gap_grace_us;
}

bool flow_must_wait(const struct flow *flow, enum flow_side from, bool has_ack, uint32_t ack)
{
    const struct stream *peer = &flow->streams[!from];
    if (!has_ack || peer->is_closed || flow_is_absent(flow, peer, flow->last_us))
        return false;
    if (peer->is_anchored)
        return seq_after(ack, peer->next) && ack - peer->next <= MAX_WINDOW_BYTES;
    return (peer->first && seq_after(ack, peer->first->seq)) ||
           (peer->has_hint && seq_after(ack, peer->hint));
}

/* Has the first piece of this side all of its own bytes before it? */
static bool is_contiguous(const struct stream *stream)
{
    return stream->first && stream->is_anchored && stream->first->seq == stream->next;
}

static bool first_must_wait(const struct flow *flow, enum flow_side from)
{
    const struct piece *first = flow->streams[from].first;
    return flow_must_wait(flow, from, first->has_ack, first->ack);
}

static void let_out_first(struct flow *flow, enum flow_side from)
{
    struct stream *stream = &flow->streams[from];
    struct piece *piece = stream->first;
    take(flow, stream, piece);
    assert(piece->seq == stream->next);
    switch (piece->kind) {
    case PIECE_DATA:
        flow_deliver(flow, from, bytes_make(piece->data, piece->len), piece->at_us);
        break;
    case PIECE_CUT:
        flow_skip(flow, from, piece->len, TRACE_REASON_SNAPLEN, piece->at_us);
        break;
    case PIECE_FIN:
        flow_close_side(flow, from, TRACE_END_FIN, piece->at_us);
        break;
    case PIECE_RST:
        flow_finish(flow, TRACE_END_RST, piece->at_us);
        break;
    }
    free(piece);
}

/*
 * The side whose first piece may go out now; -1: none. When both may, the one that arrived first.
 * When each waits for the other, one of them is a retransmission that carries a newer
 * acknowledgement than its bytes are old: that is the later one, and its bytes go first.
 */
static int ready_side(const struct flow *flow)
{
    const struct stream *client = &flow->streams[FLOW_CLIENT];
    const struct stream *server = &flow->streams[FLOW_SERVER];
    bool has_client = is_contiguous(client);
    bool has_server = is_contiguous(server);
    bool client_waits = has_client && first_must_wait(flow, FLOW_CLIENT);
    bool server_waits = has_server && first_must_wait(flow, FLOW_SERVER);
    if (client_waits && server_waits)
        return client->first->arrival > server->first->arrival ? FLOW_CLIENT : FLOW_SERVER;
    has_client = has_client && !client_waits;
    has_server = has_server && !server_waits;
    if (has_client && has_server)
        return client->first->arrival < server->first->arrival ? FLOW_CLIENT : FLOW_SERVER;
    return has_client ? FLOW_CLIENT : has_server ? FLOW_SERVER : -1;
}

static void let_out_ready(struct flow *flow)
{
    for (int side = ready_side(flow); side >= 0; side = ready_side(flow))
        let_out_first(flow, (enum flow_side)side);
}

/* Give up this side's hole up to `seq`, or up to what is held before that. */
static void give_up_hole(struct flow *flow, enum flow_side from, uint32_t seq, int64_t at_us)
{
    struct stream *stream = &flow->streams[from];
    if (stream->first && seq_after(seq, stream->first->seq))
        seq = stream->first->seq;
    if (seq_after(seq, stream->next))
        flow_skip(flow, from, seq - stream->next, TRACE_REASON_GAP, at_us);
}

/* Nobody said where the stream begins while the first grace lasted: it begins with what came. */
static bool anchor_overdue(struct flow *flow, struct stream *stream, int64_t now_us)
{
    if (!stream->is_seen || now_us - flow->opened_us < flow->limits.gap_grace_us)
        return false;
    flow_anchor(flow, stream, stream->first ? stream->first->seq : stream->next);
    return true;
}

/* Is this side's hole in anybody's way, and has its grace passed? Then it is given up. */
static bool give_up_overdue(struct flow *flow, enum flow_side from, int64_t now_us)
{
    struct stream *stream = &flow->streams[from];
    const struct stream *peer = &flow->streams[!from];
    const struct piece *first = stream->first;
    int64_t grace_us = flow->limits.gap_grace_us;
    if (stream->is_closed)
        return false;
    if (!stream->is_anchored)
        return anchor_overdue(flow, stream, now_us);
    uint32_t acked_ahead = stream_acked_ahead(stream);
    bool has_hole = first ? first->seq != stream->next : acked_ahead > 0;
    if (!has_hole || (!first && !peer->first && stream->is_seen))
        return false;
    bool is_absent = flow_is_absent(flow, stream, now_us);
    if (acked_ahead > 0 && (is_absent || now_us - stream->acked_us >= grace_us)) {
        give_up_hole(flow, from, stream->next + acked_ahead, now_us);
        return true;
    }
    /* Nobody will acknowledge: the other direction is not captured, or a RST ended it. */
    bool has_no_ack = first && (first->kind == PIECE_RST || flow_is_absent(flow, peer, now_us));
    if (!has_no_ack || now_us - first->at_us < grace_us)
        return false;
    give_up_hole(flow, from, first->seq, now_us);
    return true;
}

/* One step towards letting out what arrived first, whatever it waits for. */
static void force_oldest(struct flow *flow, int64_t at_us)
{
    const struct piece *client = flow->streams[FLOW_CLIENT].first;
    const struct piece *server = flow->streams[FLOW_SERVER].first;
    bool is_client = client && (!server || client->arrival < server->arrival);
    enum flow_side from = is_client ? FLOW_CLIENT : FLOW_SERVER;
    struct stream *stream = &flow->streams[from];
    struct stream *peer = &flow->streams[!from];
    const struct piece *first = stream->first;
    if (!stream->is_anchored)
        flow_anchor(flow, stream, first->seq);
    give_up_hole(flow, from, first->seq, at_us);
    if (first_must_wait(flow, from)) {
        if (!peer->is_anchored)
            flow_anchor(flow, peer, peer->first ? peer->first->seq : peer->hint);
        give_up_hole(flow, !from, first->ack, at_us);
    }
    let_out_ready(flow);
}

void flow_let_go(struct flow *flow)
{
    while (flow->held_pieces > 0)
        force_oldest(flow, flow->last_us);
}

void flow_settle(struct flow *flow, int64_t now_us)
{
    do {
        let_out_ready(flow);
    } while (give_up_overdue(flow, FLOW_CLIENT, now_us) ||
             give_up_overdue(flow, FLOW_SERVER, now_us));
    while (flow->held_pieces > flow->limits.max_held_segments ||
           flow->held_bytes > flow->limits.max_held_bytes)
        force_oldest(flow, now_us);
}

/* Put `input` into the list, or, without memory, let it out behind all that is held. */
static int hold(struct flow *flow, enum flow_side from, struct stream_input *input)
{
    struct stream *stream = &flow->streams[from];
    struct stream_overlap overlap = {0};
    int result = stream_hold(stream, input, &overlap);
    flow->held_bytes += overlap.held_bytes;
    flow->held_pieces += overlap.held_pieces;
    flow->counts.payload_bytes[TRACE_REASON_RETRANSMISSION] += overlap.seen_bytes;
    flow->counts.packets[TRACE_REASON_RETRANSMISSION] += overlap.seen_bytes > 0;
    flow->conflicting_bytes += overlap.differing_bytes;
    if (result == 0)
        return 0;
    flow_let_go(flow);
    if (stream->is_closed) {
        if (input->kind == PIECE_DATA)
            flow->counts.payload_bytes[TRACE_REASON_AFTER_CLOSE] += input->len;
        return -1;
    }
    if (!stream->is_anchored)
        flow_anchor(flow, stream, input->seq);
    give_up_hole(flow, from, input->seq, input->at_us);
    if (input->kind == PIECE_DATA)
        flow_deliver(flow, from, bytes_make(input->data, input->len), input->at_us);
    else if (input->kind == PIECE_CUT)
        flow_skip(flow, from, input->len, TRACE_REASON_SNAPLEN, input->at_us);
    else
        flow_close_side(flow, from, TRACE_END_FIN, input->at_us);
    return -1;
}

int flow_hold(struct flow *flow, enum flow_side from, const struct segment *segment)
{
    int result = 0;
    struct stream_input input = {.seq = segment->seq,
                                 .ack = segment->ack,
                                 .has_ack = segment->flags & TCP_ACK,
                                 .arrival = ++flow->arrivals,
                                 .at_us = segment->at_us};
    uint32_t seq = segment->seq;
    if (segment->payload.len > 0) {
        input.kind = PIECE_DATA;
        input.data = segment->payload.ptr;
        input.len = (uint32_t)segment->payload.len;
        result |= hold(flow, from, &input);
        seq += (uint32_t)segment->payload.len;
    }
    if (segment->missing_bytes > 0) {
        input.kind = PIECE_CUT;
        input.data = NULL;
        input.seq = seq;
        input.len = segment->missing_bytes;
        result |= hold(flow, from, &input);
        seq += segment->missing_bytes;
    }
    if (segment->flags & (TCP_FIN | TCP_RST)) {
        input.kind = segment->flags & TCP_RST ? PIECE_RST : PIECE_FIN;
        input.data = NULL;
        input.seq = seq;
        input.len = 0;
        result |= hold(flow, from, &input);
    }
    return result;
}

/* The peer acknowledged more than the capture has. One byte more may be a FIN that was missed. */
static void give_up_tail(struct flow *flow, enum flow_side from, int64_t at_us)
{
    struct stream *stream = &flow->streams[from];
    if (!stream->is_seen && !stream->is_anchored && stream->has_hint)
        flow_anchor(flow, stream, stream->hint);
    uint32_t acked_ahead = stream_acked_ahead(stream);
    if (stream->is_anchored && !stream->is_closed && acked_ahead > 1)
        give_up_hole(flow, from, stream->next + acked_ahead, at_us);
}

void flow_finish(struct flow *flow, enum trace_connection_end end, int64_t at_us)
{
    flow_let_go(flow);
    for (int side = FLOW_CLIENT; side <= FLOW_SERVER; side++)
        give_up_tail(flow, (enum flow_side)side, at_us);
    for (int side = FLOW_CLIENT; side <= FLOW_SERVER; side++)
        flow_close_side(flow, (enum flow_side)side, end, at_us);
}
