/*
 * binding_match.h - the rows between two ends of which at least one is many: a place with a '*' for
 * a number, or all exchanges of an endpoint.
 *
 * In each session that has both, every value of the requests that is at the used end is looked for
 * in the answers' values at the born end that had come by then; the latest has given it, of one
 * answer the first. A session is read at a time; of it the values of both ends are held.
 */
#ifndef REPRISE_TRACES_CORRELATE_BINDING_MATCH_H
#define REPRISE_TRACES_CORRELATE_BINDING_MATCH_H

#include "core/arena.h"
#include "traces/correlate/binding_end.h"

#define BINDING_MATCH_MAX_ROWS 1000000

struct match_wanted {
    const struct binding_end *born, *used;
    const char *form;   /* NULL: as each request has it */
    bool every_session; /* exchanges stand for their endpoints */
};

struct matched_row {
    int64_t born_exchange_id, used_exchange_id;
    struct bytes born_place, used_place;
    const char *form;
};

struct matched {
    struct arena arena; /* of the places */
    struct matched_row *rows;
    size_t count, capacity;
    uint64_t session_count; /* with a row */
};

/* Reads only. What is in *ret_matched is to be freed after a failure, too. */
int binding_match_find(struct trace_reader *reader, const struct match_wanted *wanted,
                       struct matched *ret_matched, struct error *err);
void matched_free(struct matched *matched);

#endif
