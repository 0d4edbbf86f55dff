/*
 * plugin.h - what the parts of the plugin that know of the host share.
 */
#ifndef RATE_LIMIT_PLUGIN_H
#define RATE_LIMIT_PLUGIN_H

#include "reprise_plugin.h"

#include "keys.h"
#include "rule.h"

#include <pthread.h>

enum { EXPECTED, EARLY, MISSED, HEADERS_WRONG, WAITS, WAIT_TIME }; /* places in `metrics` */

struct plugin_state {
    const char *limit, *allow, *tolerance; /* options, down to skew */
    uint64_t status;
    uint32_t wait;
    uint64_t longest, retries, jitter, skew;
    struct rules rules;
    struct ledger_terms terms[RULE_MAX];
    double tolerated[RULE_MAX];
    bool is_met[RULE_MAX], has_key[RULE_MAX]; /* by a recorded request; and its header is there */
    pthread_mutex_t lock;                     /* guards the rest */
    struct keys keys;
    bool has_warned;
    bool has_warned_of_column[RULE_MAX];
};

/* A request that was sent and has no answer yet, and whose limits it counts for. */
struct sent {
    struct sent *next;
    uint32_t step, attempt;
    uint64_t hash; /* of method and URL: added requests have no step of their own */
    uint64_t unix_us;
    size_t key_count;
    struct key *keys[RULE_MAX];
};

struct user_state {
    struct sent *sent;
};

/* What the answer says about its limits is held against `most` of each key; counted when wrong. */
void quota_check(const reprise_call *call, const reprise_response *response,
                 const struct sent *sent, const double *most);

#endif
