/*
 * rule.h - declared limits as people write them: "POST /auth/signup 3/h per address".
 *
 *     [METHOD] [/PATH] COUNT/PERIOD [per address | per user | per header:NAME | per data:COLUMN |
 *     in all]
 *
 * Several are separated by ';' or ','. A period is s, m, h, d, their names (second, hours), or has
 * a number before it (10/30s). In a path '*' stands for one segment or a part of it, '**' for
 * anything; the query is left out. Without METHOD and PATH every request counts.
 */
#ifndef RATE_LIMIT_RULE_H
#define RATE_LIMIT_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RULE_MAX = 16,
    RULE_MAX_TEXT_BYTES = 200,
    RULE_MAX_METHOD_BYTES = 16,
    RULE_MAX_NAME_BYTES = 64,
    RULE_MAX_PROBLEM_BYTES = 300
};

#define RULE_MAX_COUNT 1000000000ULL
#define RULE_MAX_PERIOD_US (366ULL * 86400 * 1000000)

enum rule_key {
    RULE_IN_ALL, /* also "per address": a run has one */
    RULE_PER_USER,
    RULE_PER_HEADER,
    RULE_PER_DATA
};

struct rule {
    char text[RULE_MAX_TEXT_BYTES];     /* as it was written, without spaces around it */
    char method[RULE_MAX_METHOD_BYTES]; /* "": any */
    char path[RULE_MAX_TEXT_BYTES];     /* "": any */
    uint64_t count;
    uint64_t period_us;
    enum rule_key key;
    char name[RULE_MAX_NAME_BYTES]; /* of the header or column */
};

struct rules {
    size_t count;
    struct rule rule[RULE_MAX];
};

/* 0, or -1 and what is wrong with which one. */
int rules_parse(const char *text, struct rules *ret, char problem[RULE_MAX_PROBLEM_BYTES]);

/* Neither needs a '\0' behind it; `url` may be absolute. */
bool rule_matches(const struct rule *rule, const char *method, size_t method_bytes, const char *url,
                  size_t url_bytes);

/* "an hour", "10 minutes", "30 s"; `text` has room for 40 bytes. */
const char *rule_period_text(uint64_t period_us, char text[40]);

/* "10%" of count, or a number; 0, or -1 and what is wrong. */
int rule_tolerance(const char *text, bool *ret_is_share, double *ret,
                   char problem[RULE_MAX_PROBLEM_BYTES]);

#endif
