/*
 * flow_table.h - all connections of a capture: finds a segment's flow, starts new ones, forgets old
 * ones.
 *
 *                    +--> open list, least recently used first ---> idle, evicted
 *     segment --> map by addresses, ports and path
 *                    +--> closed list: waits a little for stray packets, then released
 *
 * Bounded: at the maximum of flows the least recently used is forgotten; at the maximum of bytes
 * held back in all of them, the flow that waits longest gives up its holes. Time is the capture's
 * own (the latest segment's). A flow begins with a SYN or with the first payload: acknowledgements,
 * FIN and RST of connections we know nothing about make none.
 */
#ifndef REPRISE_CAPTURE_FLOW_TABLE_H
#define REPRISE_CAPTURE_FLOW_TABLE_H

#include "capture/flow.h"

struct flow_table_limits {
    struct flow_limits flow;
    size_t max_flows;
    size_t max_held_bytes;        /* of all flows together */
    int64_t idle_us;              /* an open flow silent for this long ends as TRACE_END_IDLE */
    int64_t closed_linger_us;     /* how long a closed flow waits for stray packets */
    const uint16_t *server_ports; /* --port; borrowed for the table's life */
    size_t server_port_count;
};

/* Sound values for all but server_ports. */
struct flow_table_limits flow_table_default_limits(void);

/* One connection as it begins. */
struct flow_open {
    struct net_address client;
    struct net_address server;
    uint32_t path_id;
    int64_t at_us;
    bool is_mid_stream; /* no SYN: the client was guessed from ports and bytes */
};

struct flow_table_callbacks {
    /* Make the owner that flow_sink is called with; NULL only without memory. */
    void *(*on_open)(void *context, const struct flow_open *open);
    /* The flow has finished: both sides were closed towards the sink, flow_counts() are final. Take
     * them and free the owner. */
    void (*on_release)(void *context, void *owner, const struct flow *flow);
    struct flow_sink sink;
};

struct flow_table;

/* NULL without memory. `context` goes to on_open and on_release. */
struct flow_table *flow_table_new(const struct flow_table_limits *limits,
                                  const struct flow_table_callbacks *callbacks, void *context);

/* Call flow_table_finish() first: this only frees. */
void flow_table_free(struct flow_table *table);

/* -1 without memory: a segment that needed a new flow is in none, and the caller's to count. */
int flow_table_add(struct flow_table *table, const struct segment *segment);

/* Let the capture's clock move on without a segment: idle flows end, holes are given up. */
void flow_table_tick(struct flow_table *table, int64_t now_us);

/* The end of the capture: every flow ends as TRACE_END_OPEN unless it was closed, oldest first. */
void flow_table_finish(struct flow_table *table);

size_t flow_table_count(const struct flow_table *table);      /* flows now in it */
size_t flow_table_held_bytes(const struct flow_table *table); /* held back in all of them */

#endif
