/* summary_failures.c - what went wrong: each kind with its count and the first of it. */
#include <stdio.h>

#include "core/units.h"
#include "replay/results/summary_page.h"

/* The first sample of what `wanted` counts, or NULL. */
static const struct failure_sample *sample_of(const struct run_record *run, enum failure failure,
                                              bool is_ws)
{
    for (size_t i = 0; i < run->sample_count; i++) {
        const struct failure_sample *sample = &run->samples[i];
        if (sample->failure == failure && (sample->recorded_status == 101) == is_ws &&
            sample->endpoint != SAMPLE_NO_ENDPOINT)
            return sample;
    }
    return NULL;
}

/* One kind of what went wrong, and the first of it: where on the same line, what below. */
static void print_wrong(const struct page *page, const char *kind, uint64_t times,
                        const struct failure_sample *sample)
{
    enum { WHERE_COLUMN = 51, WHAT_COLUMN = 8 };
    char when[UNITS_TEXT_BYTES] = "";
    if (sample)
        duration_format(when, sizeof when, (double)sample->due_us);
    fprintf(page->out, "    %-26s %8llu %9s", kind, (unsigned long long)times, when);
    if (sample) {
        fputs("  ", page->out);
        page_put_text(page, WHERE_COLUMN, WHERE_COLUMN,
                      sample->endpoint == SAMPLE_NO_ENDPOINT
                          ? "a session"
                          : page->run->facts.endpoint_names[sample->endpoint]);
    }
    if (sample && sample->detail[0]) {
        fprintf(page->out, "\n%*s", WHAT_COLUMN, "");
        page_put_text(page, WHAT_COLUMN, WHAT_COLUMN, sample->detail);
    }
    fputc('\n', page->out);
}

static void print_divergences(const struct page *page)
{
    const struct run_record *run = page->run;
    for (size_t i = 0; i < run->divergence_count; i++) {
        const struct run_divergence *divergence = &run->divergences[i];
        const struct failure_sample *sample = NULL;
        char kind[64];
        for (size_t j = 0; j < run->sample_count && !sample; j++) {
            if (run->samples[j].failure == FAILURE_NONE &&
                run->samples[j].status == divergence->status &&
                run->samples[j].recorded_status == divergence->recorded_status)
                sample = &run->samples[j];
        }
        if (divergence->recorded_status)
            snprintf(kind, sizeof kind, "status %d, recorded %d", divergence->status,
                     divergence->recorded_status);
        else
            snprintf(kind, sizeof kind, "status %d", divergence->status);
        print_wrong(page, kind, divergence->answers, sample);
    }
}

enum reason_of { REASON_OF_HTTP, REASON_OF_WS, REASON_OF_SESSION };

static enum reason_of reason_of(const struct failure_sample *reason)
{
    if (reason->endpoint == SAMPLE_NO_ENDPOINT)
        return REASON_OF_SESSION;
    return reason->recorded_status == 101 ? REASON_OF_WS : REASON_OF_HTTP;
}

/* One row for each of the reasons that were given most, and one for the rest of `times`. `sample`
 * stands for all in a run file that counted no reasons. */
static void print_reasons(const struct page *page, const char *kind, uint64_t times,
                          enum reason_of of, const struct failure_sample *sample)
{
    enum { MOST = 10 };
    const struct run_record *run = page->run;
    uint64_t rest = times;
    int printed = 0;
    for (size_t i = 0; i < run->reason_count && printed < MOST; i++) {
        const struct failure_sample *reason = &run->reasons[i];
        if (reason_of(reason) != of)
            continue;
        print_wrong(page, kind, reason->count, reason);
        rest -= reason->count < rest ? reason->count : rest;
        printed++;
    }
    if (!printed)
        print_wrong(page, kind, times, sample);
    else if (rest)
        fprintf(page->out, "    %-26s %8llu  for other reasons\n", kind, (unsigned long long)rest);
}

static void print_classes(const struct page *page, const uint64_t *by_failure, bool is_ws)
{
    for (int i = FAILURE_NONE + 1; i < FAILURE_COUNT; i++) {
        char kind[64];
        if (!by_failure[i])
            continue;
        snprintf(kind, sizeof kind, "%s%s", is_ws ? "websocket " : "",
                 failure_name((enum failure)i));
        const struct failure_sample *sample = sample_of(page->run, (enum failure)i, is_ws);
        if (i == FAILURE_PLUGIN)
            print_reasons(page, kind, by_failure[i], is_ws ? REASON_OF_WS : REASON_OF_HTTP, sample);
        else
            print_wrong(page, kind, by_failure[i], sample);
    }
}

static void print_failed_sessions(const struct page *page)
{
    const struct run_record *run = page->run;
    uint64_t failed = run->totals->sessions_by_result[SESSION_FAILED];
    const struct failure_sample *sample = NULL;
    if (!failed)
        return;
    for (size_t i = 0; i < run->sample_count && !sample; i++) {
        if (run->samples[i].endpoint == SAMPLE_NO_ENDPOINT)
            sample = &run->samples[i];
    }
    print_reasons(page, "session failed", failed, REASON_OF_SESSION, sample);
}

static bool has_any(const uint64_t *by_failure)
{
    for (int i = FAILURE_NONE + 1; i < FAILURE_COUNT; i++) {
        if (by_failure[i])
            return true;
    }
    return false;
}

void summary_failures(const struct page *page)
{
    const struct run_record *run = page->run;
    const struct metrics *totals = run->totals;
    if (!has_any(run->all.by_failure) && !has_any(totals->ws.by_failure) &&
        !totals->sessions_by_result[SESSION_FAILED] && !run->divergence_count)
        return;
    fprintf(page->out, "\n    %-26s %8s %9s  %s\n", "WENT WRONG", "times", "first at", "where");
    print_classes(page, run->all.by_failure, false);
    print_classes(page, totals->ws.by_failure, true);
    print_failed_sessions(page);
    print_divergences(page);
}
