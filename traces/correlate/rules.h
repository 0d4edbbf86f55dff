/*
 * rules.h - what all sessions together say of where values come from, and what follows for each
 * use.
 *
 * A rule is a site that gives a value and a variant that carries it. Its log-odds begin with what
 * the names say and grow with each value that would hardly be at both by accident; they shrink with
 * each session where the value was there and another one was carried. docs/correlation.md has the
 * table. A rule that holds in nine sessions holds in the tenth.
 */
#ifndef REPRISE_TRACES_CORRELATE_RULES_H
#define REPRISE_TRACES_CORRELATE_RULES_H

#include "traces/correlate/spool.h"
#include "traces/trace.h"

struct rules;

struct rules_options {
    double min_score; /* of a binding */
};

struct rule {
    uint32_t born, variant;
    uint32_t next;                     /* of the same used site */
    uint32_t uses;                     /* that it explains */
    uint32_t bound;                    /* that it was chosen for */
    uint32_t sessions;                 /* in which it explains one */
    uint32_t misses;                   /* sessions' uses that it could have explained and did not */
    uint32_t last_session, last_match; /* stamps */
    uint32_t distinct;                 /* different values, up to those that are kept */
    uint32_t min_len, max_len;
    uint64_t *values; /* that have counted, by hash */
    uint64_t first_user;
    double evidence;  /* log-likelihood ratio of the matches */
    uint8_t bits;     /* of the weakest value */
    bool has_users;   /* more than one */
    bool is_wordlike; /* each value */
    bool is_part;
    float prior, log_odds, score;
    struct bytes text; /* its evidence, once somebody asked for it */
};

/* What a use place carried that no answer gave. */
struct unbound {
    uint32_t site;
    uint32_t uses, sessions;
    uint32_t last_session;
    int64_t exchange_id;     /* of the first */
    int64_t gap_exchange_id; /* where it may be from: an answer not looked at whole; 0: nowhere */
    bool is_from_before;
};

/* Values that a client made, by where they were first. */
struct client_rule {
    uint32_t site;
    uint8_t kind;  /* enum client_kind */
    bool is_drawn; /* not by its name, but since other users have others */
    uint32_t values, uses, sessions, last_session;
    float score;
};

typedef int (*rules_binding_fn)(void *owner, const struct trace_binding *binding,
                                struct error *err);
struct rules_sink {
    rules_binding_fn bind;
    void *owner;
};

int rules_new(struct rules **ret_rules, struct sites *sites, struct error *err);
void rules_free(struct rules *rules);

/* Reads the spool several times. */
int rules_learn(struct rules *rules, struct spool *spool, const struct rules_options *options,
                struct error *err);
/* Every binding of every session, in order. -1 also when the sink does not go on. */
int rules_decide(struct rules *rules, struct spool *spool, const struct rules_options *options,
                 const struct rules_sink *sink, struct error *err);

/* Behind rules_decide(). Lists without an order. */
const struct rule *rules_list(const struct rules *rules, size_t *ret_count);
const struct unbound *rules_unbound(const struct rules *rules, size_t *ret_count);
const struct client_rule *rules_clients(const struct rules *rules, size_t *ret_count);

/* Births of uses for which there was no room. */
uint64_t rules_left_out(const struct rules *rules);

/* "5 uses in 3 sessions, differs between them, 22 characters, named like an id, the names agree" */
void rule_evidence(const struct rules *rules, const struct rule *rule, struct buf *out);
/* "new:uuid", "data:email"; from the second account of a session on "data:email_2". */
void client_place_write(enum client_kind kind, uint32_t number, struct buf *out);
void client_evidence(const struct client_rule *rule, struct buf *out);

#endif
