/* verify_run.c - passes over the chosen sessions: the engine of a replay with a judge beside it. */
#include "replay/verify/verify_run.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/url.h"
#include "replay/replay_run.h"
#include "replay/verify/judge.h"
#include "traces/correlate/binding_overlay.h"

enum { MAX_FIX_ROUNDS = 8 };

static int on_second(void *owner, struct metrics *delta, uint32_t second, uint64_t length_us,
                     struct error *err)
{
    (void)owner;
    (void)delta;
    (void)second;
    (void)length_us;
    (void)err;
    return 0;
}

static int choose_sessions(struct verify_run *run, const struct plan *plan, struct error *err)
{
    const struct verify_options *options = &run->options;
    if (run->survey.sessions) /* in the first pass */
        return 0;
    run->recorded_sessions = plan->session_count;
    if (survey_choose(&run->survey, plan, options->takes_all_sessions, options->only,
                      options->only_count))
        return error_set(err, EXIT_TOOL, "no memory to choose sessions");
    if (run->survey.session_count)
        return 0;
    return error_set(err, EXIT_INPUT,
                     "verify: none of the sessions that --session names is in %s; 'reprise inspect "
                     "%s sessions' lists them",
                     options->replay.trace_path, options->replay.trace_path);
}

static int play(struct verify_run *run, struct replay_run *replay, struct judge *judge,
                struct error *err)
{
    struct replay_settings *settings = &replay->options.settings;
    struct director_result *result = calloc(1, sizeof *result);
    struct url target;
    if (!result)
        return error_set(err, EXIT_TOOL, "no memory");
    settings->sequence = (struct session_sequence){
        .sessions = run->survey.sessions,
        .count = run->survey.session_count,
        /* Another user each time: what the first has signed up for is taken. */
        .first_user = (uint64_t)run->passes * run->survey.session_count,
    };
    settings->watch = &judge->watch;
    if (url_parse(settings->target, &target) == 0)
        judge->target_authority = target.authority;
    const struct director director = {.settings = settings, .on_second = on_second};
    int outcome = director_run(&director, result, err);
    run->was_stopped |= result->was_stopped;
    free(result);
    if (outcome == 0 && judge->error.exit_code) {
        *err = judge->error;
        return -1;
    }
    return outcome;
}

static int play_pass(struct verify_run *run, struct findings *findings, bool finds_causes,
                     struct error *err)
{
    struct replay_run *replay = calloc(1, sizeof *replay);
    struct judge *judge = calloc(1, sizeof *judge);
    enum log_level level = log_get_level();
    int result = -1;
    bool has_judge = false, is_prepared = false;
    if (!replay || !judge) {
        error_set(err, EXIT_TOOL, "no memory for a replay");
        goto out;
    }
    replay->options = run->options.replay;
    has_judge = true;
    if (judge_init(judge, replay->options.trace_path, replay->options.overlay, err))
        goto out;
    judge->survey = &run->survey;
    judge->findings = findings;
    judge->causes.findings = findings;
    judge->finds_causes = finds_causes;
    judge->causes.seed = replay->options.settings.seed;
    judge->causes.has_own_seed = run->options.has_own_seed;
    judge->causes.leaves_pauses_out = replay->options.settings.pacing.mode == PACING_MAX;
    judge->unix_s = judge->causes.unix_s = (uint64_t)(clock_unix_us() / 1000000);
    if (run->passes) /* its warnings have been read */
        log_set_level(LOG_QUIET);
    is_prepared = true;
    if (replay_run_prepare(replay, run->argc, run->argv, err) == 0 &&
        choose_sessions(run, replay->plan, err) == 0)
        result = play(run, replay, judge, err);
out:
    log_set_level(level);
    if (is_prepared)
        replay_run_fini(replay);
    if (has_judge)
        judge_fini(judge);
    free(replay);
    free(judge);
    run->passes++;
    return result;
}

/* Answers with another status, or none: not what a second pass could call noise. */
static size_t count_broken(const struct findings *findings)
{
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++) {
        enum difference_kind kind = findings->items[i].kind;
        count += kind == DIFFERS_STATUS || kind == DIFFERS_FAILURE || kind == DIFFERS_NOT_SENT;
    }
    return count;
}

/* The findings of another pass instead, unless that one did not come to its end. */
static int replace_findings(struct verify_run *run, bool may_be_worse, bool *ret_is_replaced,
                            struct error *err)
{
    struct findings next, old = run->findings;
    findings_init(&next);
    int result = play_pass(run, &next, true, err);
    *ret_is_replaced = result == 0 && !run->was_stopped &&
                       (may_be_worse || count_broken(&next) <= count_broken(&old));
    if (*ret_is_replaced)
        run->findings = next;
    findings_fini(*ret_is_replaced ? &old : &next);
    return result;
}

/* Bindings are written as they are suggested, until nothing improves; those that did not help are
 * taken back, and so are those whose pass was stopped. */
static int fix(struct verify_run *run, struct error *err)
{
    size_t count;
    bool goes_on = true;
    for (int round = 0; round < MAX_FIX_ROUNDS && goes_on && !run->was_stopped; round++) {
        if (fix_try(&run->fix, &run->findings, &count, err))
            return -1;
        if (!count)
            break;
        if (replace_findings(run, false, &goes_on, err) ||
            (!goes_on && fix_undo_round(&run->fix, !run->was_stopped, err)))
            return -1;
    }
    if (fix_settle(&run->fix, &run->findings, &count, err))
        return -1;
    return count && !run->was_stopped ? replace_findings(run, true, &goes_on, err) : 0;
}

int verify_run_play(struct verify_run *run, struct error *err)
{
    struct findings second;
    findings_init(&run->findings);
    fix_init(&run->fix, run->options.replay.trace_path);
    struct replay_options *replay = &run->options.replay;
    if (replay->bindings_path) {
        if (binding_overlay_open(&run->overlay, replay->trace_path, replay->bindings_path, err))
            return error_prefix(err, "verify");
        replay->overlay = run->overlay;
        binding_overlay_warn(run->overlay);
    }
    if (survey_take(&run->survey, replay->trace_path, run->overlay, SURVEY_MAX_EXCHANGES, err) ||
        play_pass(run, &run->findings, true, err) || (run->options.fixes && fix(run, err)))
        return -1;
    if (run->was_stopped || run->options.passes < 2 ||
        count_broken(&run->findings) == run->findings.count)
        return 0;
    findings_init(&second);
    int result = play_pass(run, &second, false, err);
    if (result == 0)
        findings_drop_unsteady(&run->findings, &second);
    findings_fini(&second);
    return result;
}

void verify_run_fini(struct verify_run *run)
{
    findings_fini(&run->findings);
    survey_fini(&run->survey);
    fix_fini(&run->fix);
    binding_overlay_close(run->overlay);
}

bool verify_run_has_diverged(const struct verify_run *run)
{
    return findings_percent(&run->findings) > run->options.most_percent;
}
