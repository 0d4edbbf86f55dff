/*
 * ledger.h - what one key has used of one limit, seen from outside: bounds of what a target that
 * holds to the limit can have left.
 *
 * When the target counted a request is not known, only that it was between the moment it was sent
 * and the moment its answer came. So there are two answers to "how many more are let through now":
 * most, for a target that is as generous as can be, and least, for one that is as strict. A request
 * that passes although most is used up proves that the limit does not hold; one that is refused
 * although least has room proves that it comes too early. All times are microseconds of one clock.
 */
#ifndef RATE_LIMIT_LEDGER_H
#define RATE_LIMIT_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ledger_kind {
    LEDGER_WINDOW,  /* a window begins with the first request after the last one's end */
    LEDGER_CLOCK,   /* windows begin at multiples of the period since 1970 */
    LEDGER_SLIDING, /* at no moment more than that in the period before it */
    LEDGER_BUCKET   /* a bucket of that many tokens, filled again at count/period */
};

enum { LEDGER_MAX_SLIDING = 10000 /* 32 bytes each for every key */ };

struct ledger_terms {
    enum ledger_kind kind;
    uint64_t count;
    uint64_t period_us;
    uint64_t skew_us; /* LEDGER_CLOCK: how far the target's clock may be from ours */
};

struct ledger_span {
    uint64_t sent_us;
    uint64_t answered_us;
};

/* All zero: nothing was used. Only the fields of its kind are in use. */
struct ledger {
    bool is_used;
    double sure, maybe;  /* windows: how many are in it for certain, and perhaps */
    uint64_t began_us;   /* the window, at the earliest; its number for LEDGER_CLOCK */
    uint64_t settled_us; /* at the latest; UINT64_MAX: not known */
    uint64_t after_us;   /* what was sent from here on is in this window and none before */
    double high, low;    /* tokens */
    uint64_t high_us, low_us;
    struct ledger_span *spans; /* LEDGER_SLIDING: a ring of twice `count` */
    size_t span_count, span_at;
};

/* Before this request is counted. */
double ledger_most(const struct ledger_terms *terms, const struct ledger *ledger,
                   struct ledger_span span);
double ledger_least(const struct ledger_terms *terms, const struct ledger *ledger,
                    struct ledger_span span);

/* It was let through; is_sure: for certain. Refused ones use nothing. -1: no memory. */
int ledger_take(const struct ledger_terms *terms, struct ledger *ledger, struct ledger_span span,
                bool is_sure);

void ledger_fini(struct ledger *ledger);

#endif
