/*
 * truth.h - what a capture file holds according to somebody else's parser, and what our trace of it
 * holds, as lists of messages that can be compared.
 */
#ifndef REPRISE_TESTS_CAPTURE_TRUTH_H
#define REPRISE_TESTS_CAPTURE_TRUTH_H

#include "core/arena.h"
#include "core/error.h"

enum fact_kind { FACT_REQUEST, FACT_RESPONSE, FACT_MESSAGE, FACT_KIND_COUNT };

#define FACT_UNKNOWN UINT64_MAX

struct fact {
    struct fact *next;
    struct bytes what;   /* "GET /a host", "200", "client 1 12" (opcode and bytes on the wire) */
    uint64_t body_bytes; /* of a message: after inflating; FACT_UNKNOWN: the truth does not say */
    bool is_optional;    /* the truth calls it incomplete, and is not sure that it is one */
    bool is_matched;
};

struct fact_list {
    struct fact *first;
    struct fact **end;
    size_t count;
};

struct fact_lists {
    struct arena arena; /* of the facts and their text */
    struct fact_list kinds[FACT_KIND_COUNT];
};

void fact_lists_init(struct fact_lists *lists);
void fact_lists_fini(struct fact_lists *lists);

/* truth/NAME.tsv: rows of HTTP/1 and WebSocket. */
int fact_lists_read_truth(struct fact_lists *lists, const char *path, struct error *err);
int fact_lists_read_trace(struct fact_lists *lists, const char *path, struct error *err);

struct fact_match {
    size_t expected, found;
    size_t matched;     /* same `what` */
    size_t optional;    /* of those expected and not found: not sure */
    size_t same_bodies; /* of these, same length, or not known to the truth */
};

/* Pair off equal facts; marks both. */
struct fact_match fact_lists_match(struct fact_lists *truth, struct fact_lists *trace,
                                   enum fact_kind kind);

#endif
