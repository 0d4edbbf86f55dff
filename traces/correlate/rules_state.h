/*
 * rules_state.h - what the files of rules share.
 */
#ifndef REPRISE_TRACES_CORRELATE_RULES_STATE_H
#define REPRISE_TRACES_CORRELATE_RULES_STATE_H

#include "traces/correlate/drawn.h"
#include "traces/correlate/endpoint_folds.h"
#include "traces/correlate/rules.h"

#define TALLY_VALUES 32 /* different values of a used site whose sessions are counted */
#define RULE_VALUES 16  /* different values that speak for a rule */
#define RULES_MAX (1u << 20)
#define RULES_OF_SITE 64 /* that are looked at when a use misses */

/* How many sessions carried each value, of the first few values. */
struct tally {
    uint32_t count;
    uint64_t values[TALLY_VALUES];
    uint32_t sessions[TALLY_VALUES];
    uint32_t given[TALLY_VALUES]; /* of them those where an answer had given it before */
    uint32_t last_session[TALLY_VALUES];
};

/* A site as a place where values are used. */
struct use_site {
    struct tally *tally;
    uint64_t first_user;
    uint32_t first_rule; /* SITES_NONE: none */
    uint32_t uses, sessions, last_session;
    uint32_t unbound, client; /* indexes into those lists, SITES_NONE for none */
    bool has_users;           /* more than one */
    /* As a place of an answer: what it gave first of all that was carried, and to whom. */
    uint64_t given_hash, given_user;
    bool has_given, gives_differ; /* other users got another value */
    /* Ids that may be drawn: those of several users differ; some were somewhere else before. */
    uint64_t drawn_user;
    bool has_drawn, drawn_differ, drawn_had;
};

/* An id that a session may have drawn itself, where it carried it first. */
struct drawn {
    int64_t at_us;
    uint64_t user;
    uint32_t site, session;
    bool is_had; /* another session had it too, from itself or before */
};

/* A value that the client made, in the session that is being read. */
struct origin {
    uint32_t session; /* stamp: else it is none */
    uint32_t number, site;
    int64_t exchange_id;
    enum client_kind kind;
};

struct rules {
    struct sites *sites;
    struct endpoint_folds folds;
    struct arena texts;
    struct id_map by_pair;
    struct rule *list;
    size_t count, capacity;
    struct use_site *uses; /* by site */
    uint32_t use_count;
    uint32_t *answered; /* by endpoint: the session in which it last has */
    uint32_t session;   /* stamp: counts sessions of a pass */
    uint32_t stamp;     /* counts uses of a pass */
    uint64_t user;
    struct unbound *unbound;
    size_t unbound_count, unbound_capacity;
    struct client_rule *clients;
    size_t client_count, client_capacity;
    struct origin *origins; /* by the number of the use */
    size_t origin_capacity;
    struct drawn *drawn;
    size_t drawn_count, drawn_capacity;
    struct id_map drawn_by_hash;
    struct id_map numbers; /* of client values in an exchange */
    struct buf born_text, used_text;
    uint64_t left_out;
};

/* One reading of the spool: `take` gets each use; -1 ends it. */
typedef int (*rules_take_fn)(struct rules *rules, const struct spool_entry *entry, void *owner,
                             struct error *err);
int rules_read(struct rules *rules, struct spool *spool, rules_take_fn take, void *owner,
               struct error *err);

struct rule *rules_find(struct rules *rules, const struct spool_candidate *candidate);
/* The share of the site's other sessions that carried the value too; 0 where all are one user's. */
double rules_share(const struct use_site *use, uint64_t hash);
/* Does a session of several users' carry it that no answer gave it, besides one that is asked for?
 */
bool rules_is_had(const struct use_site *use, uint64_t hash);

#endif
