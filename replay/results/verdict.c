/* verdict.c - judges the generator by its lateness, its CPU and its loop. */
#include "replay/results/verdict.h"

#include <stdio.h>

#include "core/units.h"

/* Below this a run says nothing about what the generator can do: its start is most of it. */
enum { SHORTEST_US = 1000000 };

struct judged {
    uint64_t lateness_us, response_us; /* p99 */
    bool is_websocket;                 /* the lateness of messages was the greater one */
    bool is_short;
    bool is_late;
    bool is_busy;
    bool has_stood_still;
    bool is_mostly_late; /* lateness is more than a third of what was felt */
};

/* HTTP's lateness, or that of WebSocket messages where it is greater. */
static struct judged look_at(const struct endpoint_metrics *all, const struct ws_metrics *ws,
                             const struct run_health *health)
{
    uint64_t ws_lateness_us = histogram_percentile(&ws->lateness, 99);
    struct judged judged = {
        .lateness_us = histogram_percentile(&all->clocks[CLOCK_LATENESS], 99),
        .response_us = histogram_percentile(&all->clocks[CLOCK_RESPONSE], 99),
        .is_short = health->length_us < SHORTEST_US,
    };
    if (ws_lateness_us > judged.lateness_us) {
        judged.is_websocket = true;
        judged.lateness_us = ws_lateness_us;
        judged.response_us = ws_lateness_us + histogram_percentile(&ws->answer_wait, 99);
    }
    judged.is_late = judged.lateness_us > 1000 && judged.lateness_us > judged.response_us / 10;
    judged.is_busy = health->busy_seconds && health->busy_seconds * 10 >= health->seconds;
    judged.is_mostly_late = judged.lateness_us > judged.response_us / 3;
    judged.has_stood_still = health->max_loop_lag_us > judged.lateness_us / 2;
    return judged;
}

static void say(struct verdict *verdict, const struct judged *judged,
                const struct run_health *health)
{
    char lateness[UNITS_TEXT_BYTES], response[UNITS_TEXT_BYTES], lag[UNITS_TEXT_BYTES];
    duration_format(lateness, sizeof lateness, (double)judged->lateness_us);
    duration_format(response, sizeof response, (double)judged->response_us);
    duration_format(lag, sizeof lag, (double)health->max_loop_lag_us);
    switch (verdict->kind) {
    case VERDICT_INVALID:
        snprintf(verdict->text, sizeof verdict->text,
                 "not valid: the generator was the limit (%slateness p99 %s of %s p99 %s, "
                 "a worker busy in %u of %u seconds, loop lag %s); use more --workers, less load, "
                 "or a bigger machine",
                 judged->is_websocket ? "ws_" : "", lateness,
                 judged->is_websocket ? "lateness and answer" : "response", response,
                 (unsigned)health->busy_seconds, (unsigned)health->seconds, lag);
        break;
    case VERDICT_HELD_UP:
        snprintf(verdict->text, sizeof verdict->text,
                 "requests left late (lateness p99 %s of response p99 %s) though no worker was "
                 "busy: the target or --max-in-flight held them up; judge by http_req_response",
                 lateness, response);
        break;
    case VERDICT_TIGHT:
        if (judged->is_late) {
            snprintf(
                verdict->text, sizeof verdict->text,
                "believable with care: the generator's loop stood still for %s (lateness p99 %s "
                "of response p99 %s); http_req_duration does not have it in it",
                lag, lateness, response);
            break;
        }
        snprintf(verdict->text, sizeof verdict->text,
                 "believable (lateness p99 %s), but a worker was busy in %u of %u seconds: more "
                 "load needs more --workers",
                 lateness, (unsigned)health->busy_seconds, (unsigned)health->seconds);
        break;
    case VERDICT_VALID:
        snprintf(verdict->text, sizeof verdict->text,
                 "believable: requests left on time (lateness p99 %s, response p99 %s)", lateness,
                 response);
        break;
    case VERDICT_SHORT:
        snprintf(verdict->text, sizeof verdict->text,
                 "too short to tell: requests left late (lateness p99 %s of response p99 %s) in a "
                 "run of less than a second",
                 lateness, response);
        break;
    case VERDICT_NOTHING:
        snprintf(verdict->text, sizeof verdict->text,
                 "nothing was answered, so nothing was measured");
        break;
    }
}

int verdict_judge(const struct metrics *totals, const struct run_health *health,
                  struct verdict *ret_verdict)
{
    struct endpoint_metrics all;
    if (metrics_sum_endpoints(totals, &all))
        return -1;
    struct judged judged = look_at(&all, &totals->ws, health);
    *ret_verdict = (struct verdict){.kind = VERDICT_VALID};
    if (!all.clocks[CLOCK_RESPONSE].count && !totals->ws.events[WS_CONNECTED])
        ret_verdict->kind = VERDICT_NOTHING;
    else if (judged.is_late && judged.is_busy)
        ret_verdict->kind = VERDICT_INVALID;
    else if (judged.is_late && judged.has_stood_still)
        ret_verdict->kind = judged.is_mostly_late ? VERDICT_INVALID : VERDICT_TIGHT;
    else if (judged.is_late)
        ret_verdict->kind = judged.is_short ? VERDICT_SHORT : VERDICT_HELD_UP;
    else if (judged.is_busy)
        ret_verdict->kind = VERDICT_TIGHT;
    say(ret_verdict, &judged, health);
    endpoint_metrics_fini(&all);
    return 0;
}
