/*
 * recorded.h - one recorded exchange as it is compared: its answer with the body decoded, the kinds
 * of a WebSocket's messages.
 */
#ifndef REPRISE_REPLAY_VERIFY_RECORDED_H
#define REPRISE_REPLAY_VERIFY_RECORDED_H

#include "replay/verify/facts.h"
#include "replay/verify/ws_kinds.h"
#include "traces/reader.h"

struct content_decoder;

struct recorded {
    struct trace_reader *reader; /* borrowed */
    struct content_decoder *decoder;
    struct buf header_text, body;
    struct http_header headers[HTTP1_MAX_HEADERS];
    /* Of the exchange read last. */
    struct trace_exchange exchange;
    int64_t endpoint_id;
    struct http_response answer; /* body decoded */
    bool has_body;               /* it is whole in the trace, and could be decoded */
};

/* -1 without memory; recorded_fini() it in either case. */
int recorded_init(struct recorded *recorded, struct trace_reader *reader);
void recorded_fini(struct recorded *recorded);

/* 1, 0 when there is no such exchange, -1 with err. Views are good until the next call. */
int recorded_read(struct recorded *recorded, int64_t exchange_id, struct error *err);

/* The facts of the answer in hand; with those of the messages behind an upgrade. -1 with err. */
int recorded_facts(struct recorded *recorded, struct facts *facts, struct error *err);

/* A trace's header block as headers, at most HTTP1_MAX_HEADERS: views of `block`. */
size_t recorded_split_headers(struct bytes block, struct http_header *headers);

#endif
