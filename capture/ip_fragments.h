/*
 * ip_fragments.h - IP datagrams put together from fragments (RFC 791 section 3.2, RFC 8200 section
 * 4.5).
 *
 * In any order; where fragments overlap the bytes seen first win. Bounded in datagrams and bytes,
 * oldest given up first; a datagram not whole in time is given up. What is given up is counted as
 * TRACE_REASON_FRAGMENT_LOST when it could have carried TCP, else as TRACE_REASON_NOT_TCP.
 */
#ifndef REPRISE_CAPTURE_IP_FRAGMENTS_H
#define REPRISE_CAPTURE_IP_FRAGMENTS_H

#include "capture/flow.h"

struct ip_fragment_limits {
    size_t max_datagrams;
    size_t max_bytes; /* of payload, in all datagrams */
    int64_t timeout_us;
};

/* What says that fragments belong together. No padding: it is hashed as bytes. */
struct ip_fragment_key {
    uint8_t source[16];
    uint8_t destination[16];
    uint32_t id;
    uint32_t path_id;
    uint32_t protocol; /* IPv4: part of the key. IPv6: 0 */
    uint32_t is_ipv6;
};

struct ip_fragment {
    struct ip_fragment_key key;
    uint8_t protocol; /* of the payload */
    uint32_t offset;  /* bytes */
    bool has_more;    /* fragments behind this one */
    bool is_cut;      /* by the snaplen: its datagram cannot become whole */
    struct bytes payload;
    int64_t at_us;
};

struct ip_datagram {
    uint8_t protocol;
    struct bytes payload; /* good until the next ip_fragments_add() that completes one */
    uint32_t fragments;
};

struct ip_fragments;

/* NULL without memory. What is lost is counted in `counts`, borrowed. */
struct ip_fragments *ip_fragments_new(const struct ip_fragment_limits *limits,
                                      struct ledger_counts *counts);
void ip_fragments_free(struct ip_fragments *fragments);

/* True: *ret_datagram is whole. False: kept or counted; the bytes were copied. */
bool ip_fragments_add(struct ip_fragments *fragments, const struct ip_fragment *fragment,
                      struct ip_datagram *ret_datagram);

/* Give up everything that is not whole. */
void ip_fragments_finish(struct ip_fragments *fragments);

size_t ip_fragments_count(const struct ip_fragments *fragments);      /* datagrams held */
size_t ip_fragments_held_bytes(const struct ip_fragments *fragments); /* payload held */
/* Fragments held now; with those joined into datagrams, none is unaccounted for. */
size_t ip_fragments_held_packets(const struct ip_fragments *fragments);

#endif
