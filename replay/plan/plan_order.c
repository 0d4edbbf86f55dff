/* plan_order.c - finds, from recorded moments, what each step of a session waits for. */
#include <stdlib.h>

#include "replay/plan/plan.h"

struct ending {
    int64_t end_us;
    uint32_t step;
};

/* By recorded end; what ended together, in the order it began. */
static int compare_endings(const void *a, const void *b)
{
    const struct ending *x = a, *y = b;
    if (x->end_us != y->end_us)
        return x->end_us < y->end_us ? -1 : 1;
    return x->step < y->step ? -1 : x->step > y->step;
}

enum { LONG_ANSWER_US = 1000000 };

static uint64_t distance_us(int64_t from_us, int64_t to_us)
{
    return to_us > from_us ? (uint64_t)to_us - (uint64_t)from_us : 0;
}

/* needs: how many endings lie at or before the step's begin and belong to steps that began before
 * it. */
static void set_needs(struct plan_session *session, const struct plan_moments *moments,
                      const struct ending *endings, int64_t session_start_us)
{
    uint32_t needs = 0;
    for (uint32_t i = 0; i < session->step_count; i++) {
        struct plan_step *step = &session->steps[i];
        /* Steps are in order of begin, so the prefix only grows; an ending is never counted for its
         * own step. */
        while (needs < session->step_count && endings[needs].step < i &&
               endings[needs].end_us <= moments[i].begin_us)
            needs++;
        int64_t anchor_us = needs ? endings[needs - 1].end_us : session_start_us;
        if (moments[i].anchor_us > anchor_us)
            anchor_us = moments[i].anchor_us;
        step->needs = needs;
        step->offset_us = distance_us(session_start_us, moments[i].begin_us);
        step->gap_us = distance_us(anchor_us, moments[i].begin_us);
        step->was_long = distance_us(moments[i].begin_us, moments[i].end_us) >= LONG_ANSWER_US;
    }
}

int plan_order(struct arena *arena, struct plan_session *session,
               const struct plan_moments *moments, int64_t session_start_us)
{
    uint32_t count = session->step_count;
    struct ending *endings = malloc((count ? count : 1) * sizeof *endings);
    session->end_order = arena_alloc(arena, (count ? count : 1) * sizeof *session->end_order);
    if (!endings || !session->end_order) {
        free(endings);
        return -1;
    }
    for (uint32_t i = 0; i < count; i++)
        endings[i] = (struct ending){.end_us = moments[i].end_us, .step = i};
    qsort(endings, count, sizeof *endings, compare_endings);
    for (uint32_t i = 0; i < count; i++) {
        session->end_order[i] = endings[i].step;
        session->steps[endings[i].step].end_position = i;
    }
    set_needs(session, moments, endings, session_start_us);
    free(endings);
    return 0;
}
