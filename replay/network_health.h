/*
 * network_health.h - what TCP itself knows of a worker's connections: segments sent again, round
 * trips, connects.
 *
 * The kernel counts per connection (TCP_INFO). A few connections a second are looked at while they
 * are used, and each once more when it is closed, so that the sums are whole at the end of a run
 * and a second costs no more than NETWORK_MAX_LOOKS system calls beside those of closing.
 */
#ifndef REPRISE_REPLAY_NETWORK_HEALTH_H
#define REPRISE_REPLAY_NETWORK_HEALTH_H

#include "core/histogram.h"

enum { NETWORK_MAX_LOOKS = 256, NETWORK_LOOKS_PER_SECOND = 64 };

/* Counts of what was added since they were cleared; all but most_waiting add up exactly. */
struct network_health {
    uint64_t connects_started;
    uint64_t connects_made;
    uint64_t connects_failed;
    uint64_t no_ports; /* refused by this machine: no source port, no descriptor left */
    uint64_t no_files;
    uint64_t segments_sent;   /* with data, of the connections looked at */
    uint64_t segments_resent; /* of them, and SYNs */
    uint64_t most_waiting;    /* requests waiting for a connection of their user, at once */
    /* The kernel's smoothed round trip: has the answer's own time in it where the acknowledgement
     * waits for the answer. */
    struct histogram rtt;
    /* The least that was seen: that of the SYN at most, which no application delays. */
    struct histogram min_rtt;
};

void network_health_init(struct network_health *health);
void network_health_fini(struct network_health *health);
void network_health_clear(struct network_health *health);
/* -1 without memory. */
int network_health_merge(struct network_health *health, const struct network_health *other);

/* What was counted already of one connection; zeroed when it is opened. */
struct tcp_seen {
    uint32_t segments_sent, segments_resent;
    bool is_made; /* counted in connects_made; whoever counts for himself sets it at the start */
};

/* Add what has changed since `seen`. What is no TCP socket adds nothing. */
void network_health_look(struct network_health *health, int fd, struct tcp_seen *seen);

/* The last look: one that was never connected counts as failed. The descriptor stays open. */
void network_health_close(struct network_health *health, int fd, struct tcp_seen *seen);

/* Which uses of which connections to look at; one per transport. */
struct network_sampler {
    struct network_health health; /* since network_sampler_take() */
    uint32_t uses;
    uint32_t next_use; /* that is looked at */
    uint32_t stride;
    uint32_t looks;
};

void network_sampler_init(struct network_sampler *sampler);
void network_sampler_fini(struct network_sampler *sampler);

/* A connection is used: whether to call network_sampler_look(). */
static inline bool network_sampler_is_due(struct network_sampler *sampler)
{
    return ++sampler->uses >= sampler->next_use;
}

void network_sampler_look(struct network_sampler *sampler, int fd, struct tcp_seen *seen);

/* Add what was seen to `health` and begin anew; call once a second. -1 without memory. */
int network_sampler_take(struct network_sampler *sampler, struct network_health *health);

#endif
