/*
 * flow_fuzz.c - segments of one connection in any state: bytes in = bytes out + bytes counted.
 *
 * Input: 1 byte of limits, then segments of 12 bytes: side and flags, seconds/8 since the one
 * before, sequence number (4, big endian), acknowledgement (4), payload length, missing bytes.
 */
#include <stdint.h>
#include <stdlib.h>

#include "capture/flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sums {
    uint64_t delivered;
    uint64_t missing;
    int closes[2];
};

static void on_data(void *owner, enum flow_side from, struct bytes data, int64_t at_us)
{
    struct sums *sums = owner;
    (void)at_us;
    if (sums->closes[from] || data.len == 0)
        abort();
    sums->delivered += data.len;
}

static void on_gap(void *owner, enum flow_side from, uint64_t missing_bytes, int64_t at_us)
{
    struct sums *sums = owner;
    (void)at_us;
    if (sums->closes[from] || missing_bytes == 0)
        abort();
    sums->missing += missing_bytes;
}

static void on_close(void *owner, enum flow_side from, enum trace_connection_end end, int64_t at_us)
{
    struct sums *sums = owner;
    (void)end;
    (void)at_us;
    if (sums->closes[from]++)
        abort();
}

static uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static struct segment read_segment(const uint8_t *at, int64_t *now_us)
{
    static const char payload[256];
    struct net_address client = {.ip = {10, 0, 0, 1}, .port = 40000};
    struct net_address server = {.ip = {10, 0, 0, 2}, .port = 80};
    bool is_client = at[0] & 0x80;
    *now_us += at[1] * 125000;
    return (struct segment){.source = is_client ? client : server,
                            .destination = is_client ? server : client,
                            .flags = at[0] & (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK),
                            .seq = read_u32(at + 2),
                            .ack = read_u32(at + 6),
                            .payload = bytes_make(payload, at[10]),
                            .missing_bytes = at[11],
                            .at_us = *now_us};
}

static void check(const struct flow *flow, const struct sums *sums, uint64_t seen)
{
    const struct ledger_counts *counts = flow_counts(flow);
    uint64_t counted = 0;
    for (int i = 0; i < TRACE_REASON_COUNT; i++)
        counted += counts->payload_bytes[i];
    if (seen != sums->delivered + counted || flow_held_bytes(flow) != 0)
        abort();
    if (sums->missing !=
        counts->missing_bytes[TRACE_REASON_GAP] + counts->missing_bytes[TRACE_REASON_SNAPLEN])
        abort();
    if (sums->closes[0] != 1 || sums->closes[1] != 1 || !flow_is_closed(flow))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct flow_sink sink = {on_data, on_gap, on_close};
    struct sums sums = {0};
    uint64_t seen = 0;
    int64_t now_us = 0;
    if (size < 13)
        return 0;
    const struct flow_limits limits = {.max_held_bytes = (data[0] & 15U) * 100,
                                       .max_held_segments = data[0] >> 4,
                                       .gap_grace_us = 1000000};
    struct segment segment = read_segment(data + 1, &now_us);
    struct flow *flow = flow_start(&limits, &sink, &sums, &segment, data[1] & 0x80);
    if (!flow)
        return 0;
    now_us = 0;
    for (data++, size--; size >= 12; data += 12, size -= 12) {
        segment = read_segment(data, &now_us);
        seen += segment.payload.len;
        flow_add(flow, &segment);
        if (flow_held_bytes(flow) > limits.max_held_bytes)
            abort();
        if (data[0] & 0x40)
            flow_tick(flow, now_us + 500000);
    }
    flow_finish(flow, TRACE_END_OPEN, now_us);
    check(flow, &sums, seen);
    flow_free(flow);
    return 0;
}
