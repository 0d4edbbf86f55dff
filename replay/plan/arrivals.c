/* arrivals.c - draws the sequence of session starts. */
#include "replay/plan/arrivals.h"

#include <math.h>
#include <stdlib.h>

/* Streams of the seed, so that one purpose's draws never shift another's. */
enum { STREAM_COPIES = 1, STREAM_SESSION = 2, STREAM_STAGGER = 3 };

static uint64_t stream_of(uint64_t purpose, uint64_t index)
{
    return purpose << 60 | index;
}

void arrivals_init(struct arrivals *arrivals, const struct plan *plan, double scale, double speed,
                   uint64_t seed)
{
    *arrivals = (struct arrivals){.plan = plan, .scale = scale, .speed = speed, .seed = seed};
}

void arrivals_fini(struct arrivals *arrivals)
{
    free(arrivals->moments);
    arrivals->moments = NULL;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* To the next recorded arrival; behind the last one the mean gap, or a second when there is none.
 */
static uint64_t gap_after_us(const struct plan *plan, uint32_t session)
{
    if (session + 1 < plan->session_count)
        return plan->index[session + 1].start_us - plan->index[session].start_us;
    return plan->session_count > 1 && plan->span_us ? plan->span_us / (plan->session_count - 1)
                                                    : 1000000;
}

static int start_session(struct arrivals *arrivals)
{
    const struct plan *plan = arrivals->plan;
    const struct plan_entry *session = &plan->index[arrivals->next_session];
    struct random random;
    random_init(&random, arrivals->seed, stream_of(STREAM_COPIES, arrivals->next_session));
    double whole = floor(arrivals->scale);
    uint32_t copies = (uint32_t)whole + (random_unit(&random) < arrivals->scale - whole);
    if (copies > arrivals->capacity) {
        uint64_t *moments = realloc(arrivals->moments, copies * sizeof *moments);
        if (!moments)
            return -1;
        arrivals->moments = moments;
        arrivals->capacity = copies;
    }
    uint64_t start_us = pacing_scale_us(session->start_us, arrivals->speed);
    uint64_t gap_us = pacing_scale_us(gap_after_us(plan, arrivals->next_session), arrivals->speed);
    for (uint32_t i = 0; i < copies; i++)
        arrivals->moments[i] = start_us + (i ? random_below(&random, gap_us) : 0);
    if (copies > 1)
        qsort(arrivals->moments, copies, sizeof *arrivals->moments, compare_u64);
    arrivals->copy = 0;
    arrivals->copy_count = copies;
    arrivals->next_session++;
    return 0;
}

int arrivals_next(struct arrivals *arrivals, struct arrival *ret_arrival)
{
    while (arrivals->copy == arrivals->copy_count) {
        if (arrivals->next_session == arrivals->plan->session_count)
            return 0;
        if (start_session(arrivals))
            return -1;
    }
    *ret_arrival = (struct arrival){
        .user = arrivals->next_user++,
        .session = arrivals->next_session - 1,
        .copy = arrivals->copy,
        .at_us = arrivals->moments[arrivals->copy],
    };
    arrivals->copy++;
    return 1;
}

uint32_t arrivals_draw(const struct plan *plan, uint64_t seed, uint64_t user, uint64_t n)
{
    struct random random;
    random_init(&random, seed ^ n * 0x9e3779b97f4a7c15U, stream_of(STREAM_SESSION, user));
    return (uint32_t)random_below(&random, plan->session_count);
}

uint64_t arrivals_stagger_us(const struct plan *plan, const struct pacing *pacing, uint64_t seed,
                             uint64_t user)
{
    if (pacing->mode == PACING_MAX)
        return 0;
    struct random random;
    random_init(&random, seed, stream_of(STREAM_STAGGER, user));
    return random_below(&random, pacing_scale_us(plan->mean_gap_us, pacing->think_speed) + 1);
}
