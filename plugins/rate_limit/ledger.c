/* ledger.c - what one key has used of one limit, between two bounds. */
#include "ledger.h"

#include <stdlib.h>

static double per_us(const struct ledger_terms *terms)
{
    return (double)terms->count / (double)terms->period_us;
}

static double least_of(double a, double b)
{
    return a < b ? a : b;
}

static double signed_gap(uint64_t to, uint64_t from)
{
    return to >= from ? (double)(to - from) : -(double)(from - to);
}

/* --- a window that begins with a request ----------------------------------------------------- */

/* When a strict target may still be in this window. */
static uint64_t latest_end(const struct ledger_terms *terms, const struct ledger *ledger)
{
    return ledger->settled_us == UINT64_MAX ? UINT64_MAX : ledger->settled_us + terms->period_us;
}

static void take_window(const struct ledger_terms *terms, struct ledger *ledger,
                        struct ledger_span span, bool is_sure)
{
    if (ledger->is_used && span.answered_us < ledger->began_us + terms->period_us) {
        bool is_in = is_sure && span.sent_us >= ledger->after_us;
        ledger->sure += is_in;
        ledger->maybe += 1;
        if (is_in && span.sent_us < ledger->began_us)
            ledger->began_us = span.sent_us;
        if (is_in && span.answered_us < ledger->settled_us)
            ledger->settled_us = span.answered_us;
        return;
    }
    /* One around the end of the last window is in that one or begins the next: who knows. */
    uint64_t end = ledger->is_used ? latest_end(terms, ledger) : 0;
    bool is_clear = is_sure && span.sent_us >= end;
    *ledger = (struct ledger){.is_used = true,
                              .sure = is_clear,
                              .maybe = 1,
                              .began_us = span.sent_us,
                              .settled_us = is_clear ? span.answered_us : UINT64_MAX,
                              .after_us = end == UINT64_MAX ? span.answered_us : end};
}

/* --- a window of the clock ------------------------------------------------------------------- */

static uint64_t first_window(const struct ledger_terms *terms, struct ledger_span span)
{
    return (span.sent_us > terms->skew_us ? span.sent_us - terms->skew_us : 0) / terms->period_us;
}

static uint64_t last_window(const struct ledger_terms *terms, struct ledger_span span)
{
    return (span.answered_us + terms->skew_us) / terms->period_us;
}

static void take_clock(const struct ledger_terms *terms, struct ledger *ledger,
                       struct ledger_span span, bool is_sure)
{
    uint64_t first = first_window(terms, span), last = last_window(terms, span);
    if (!ledger->is_used || last > ledger->began_us)
        *ledger = (struct ledger){.is_used = true, .began_us = last};
    ledger->maybe += 1;
    ledger->sure += is_sure && first == last && last == ledger->began_us;
}

/* --- the last period ------------------------------------------------------------------------- */

static double count_since(const struct ledger *ledger, uint64_t at_us, uint64_t period_us,
                          bool is_strict)
{
    size_t count = 0;
    for (size_t i = 0; i < ledger->span_count; i++) {
        const struct ledger_span *span = &ledger->spans[i];
        uint64_t when_us = is_strict ? span->answered_us : span->sent_us;
        count += when_us + period_us > at_us;
    }
    return (double)count;
}

static int take_sliding(const struct ledger_terms *terms, struct ledger *ledger,
                        struct ledger_span span, bool is_sure)
{
    size_t room =
        2 * (size_t)terms->count + 2; /* what a limit that leaks lets through counts, too */
    if (!ledger->spans && !(ledger->spans = calloc(room, sizeof *ledger->spans)))
        return -1;
    if (!is_sure) /* counts for a strict target only: a generous one has forgotten it */
        span.sent_us = 0;
    ledger->is_used = true;
    ledger->spans[ledger->span_at] = span;
    ledger->span_at = (ledger->span_at + 1) % room;
    if (ledger->span_count < room)
        ledger->span_count++;
    return 0;
}

/* --- a bucket of tokens ---------------------------------------------------------------------- */

/* What came back since; less for a moment before the last one counted. */
static double filled(const struct ledger_terms *terms, double tokens, uint64_t since_us,
                     uint64_t at_us)
{
    double now = tokens + signed_gap(at_us, since_us) * per_us(terms);
    return least_of((double)terms->count, now);
}

static void take_bucket(const struct ledger_terms *terms, struct ledger *ledger,
                        struct ledger_span span, bool is_sure)
{
    double full = (double)terms->count;
    if (!ledger->is_used)
        *ledger = (struct ledger){.is_used = true,
                                  .high = full,
                                  .low = full,
                                  .high_us = span.answered_us,
                                  .low_us = span.answered_us};
    uint64_t high_us = span.answered_us > ledger->high_us ? span.answered_us : ledger->high_us;
    uint64_t low_us = span.answered_us > ledger->low_us ? span.answered_us : ledger->low_us;
    if (is_sure) {
        /* It was counted as early as it was sent, perhaps, and what it used has come back since. */
        double back = signed_gap(span.answered_us, span.sent_us) * per_us(terms);
        ledger->high =
            filled(terms, ledger->high, ledger->high_us, high_us) - 1 + least_of(1, back);
        ledger->high = ledger->high < 0 ? 0 : ledger->high;
        ledger->high_us = high_us;
    }
    ledger->low = filled(terms, ledger->low, ledger->low_us, low_us) - 1;
    ledger->low = ledger->low < 0 ? 0 : ledger->low;
    ledger->low_us = low_us;
}

/* --------------------------------------------------------------------------------------------- */

double ledger_most(const struct ledger_terms *terms, const struct ledger *ledger,
                   struct ledger_span span)
{
    double full = (double)terms->count;
    if (!ledger->is_used)
        return full;
    switch (terms->kind) {
    case LEDGER_WINDOW:
        if (span.answered_us >= ledger->began_us + terms->period_us ||
            span.sent_us < ledger->after_us)
            return full;
        return full - ledger->sure;
    case LEDGER_CLOCK:
        if (first_window(terms, span) != ledger->began_us ||
            last_window(terms, span) != ledger->began_us)
            return full;
        return full - ledger->sure;
    case LEDGER_SLIDING:
        return full - count_since(ledger, span.answered_us, terms->period_us, false);
    case LEDGER_BUCKET:
        return filled(terms, ledger->high, ledger->high_us,
                      span.answered_us > ledger->high_us ? span.answered_us : ledger->high_us);
    }
    return full;
}

double ledger_least(const struct ledger_terms *terms, const struct ledger *ledger,
                    struct ledger_span span)
{
    double full = (double)terms->count;
    if (!ledger->is_used)
        return full;
    switch (terms->kind) {
    case LEDGER_WINDOW:
        if (span.sent_us < ledger->after_us)
            return 0; /* perhaps in the window before, of which nothing is known any more */
        return span.sent_us >= latest_end(terms, ledger) ? full : full - ledger->maybe;
    case LEDGER_CLOCK:
        if (first_window(terms, span) < ledger->began_us)
            return 0; /* the same */
        return first_window(terms, span) > ledger->began_us ? full : full - ledger->maybe;
    case LEDGER_SLIDING:
        return full - count_since(ledger, span.sent_us, terms->period_us, true);
    case LEDGER_BUCKET:
        return filled(terms, ledger->low, ledger->low_us, span.sent_us);
    }
    return full;
}

int ledger_take(const struct ledger_terms *terms, struct ledger *ledger, struct ledger_span span,
                bool is_sure)
{
    switch (terms->kind) {
    case LEDGER_WINDOW:
        take_window(terms, ledger, span, is_sure);
        break;
    case LEDGER_CLOCK:
        take_clock(terms, ledger, span, is_sure);
        break;
    case LEDGER_SLIDING:
        return take_sliding(terms, ledger, span, is_sure);
    case LEDGER_BUCKET:
        take_bucket(terms, ledger, span, is_sure);
        break;
    }
    return 0;
}

void ledger_fini(struct ledger *ledger)
{
    free(ledger->spans);
    *ledger = (struct ledger){0};
}
