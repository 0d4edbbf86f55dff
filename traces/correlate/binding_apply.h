/*
 * binding_apply.h - puts rules that name endpoints into every session of a trace.
 *
 * For each request of a rule's used endpoint the answers of its born endpoint are looked at, in the
 * same session and ended before the request began, the latest first: the first whose value the
 * request carries makes a row. What the client makes itself (new:, data:) is born with the first
 * request of the session that carries it. Sessions are read one at a time; of a session the values
 * of born places are held, of the whole trace 24 bytes a row.
 */
#ifndef REPRISE_TRACES_CORRELATE_BINDING_APPLY_H
#define REPRISE_TRACES_CORRELATE_BINDING_APPLY_H

#include "traces/correlate/binding_file.h"
#include "traces/correlate/binding_store.h"
#include "traces/reader.h"

#define BINDING_APPLY_MAX_ROWS 4000000

/* What became of one rule. */
struct applied_rule {
    bool has_born_endpoint, has_used_endpoint; /* the trace has such requests */
    uint64_t used_count;                       /* requests with something at the used place */
    uint64_t row_count;
    uint64_t session_count; /* with a row */
};

struct applied_row {
    int64_t born_exchange_id, used_exchange_id;
    uint32_t rule;
};

struct applied {
    struct applied_rule *rules; /* as many, and in the order, as the rules */
    struct applied_row *rows;
    size_t row_count, row_capacity;
};

/* Reads only. What is in *ret_applied is to be freed after a failure, too. */
int binding_apply_find(struct trace_reader *reader, const struct binding_rules *rules,
                       struct applied *ret_applied, struct error *err);
void applied_free(struct applied *applied);

/* Why a rule has no row. */
const char *binding_apply_why_not(const struct applied_rule *rule);

/* Writes the rows, in a transaction that the caller began. *ret_replaced: found rows that went. */
int binding_apply_store(struct binding_store *store, const struct binding_rules *rules,
                        const struct applied *applied, struct bytes evidence,
                        uint64_t *ret_replaced, struct error *err);

#endif
