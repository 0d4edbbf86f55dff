/* run_load_lists.c - reads the lists of a run file: samples, divergences, thresholds, calls. */
#include <stdio.h>

#include "replay/results/run_load.h"

/* A run file may come from anywhere: what is read from it is bounded. */
enum { MAX_SAMPLES = 4096, MAX_LIST = 4096 };

static enum failure failure_of(const char *name)
{
    for (int i = 0; i < FAILURE_COUNT; i++) {
        if (strcmp(name, failure_name((enum failure)i)) == 0)
            return (enum failure)i;
    }
    return FAILURE_NONE;
}

int run_load_samples(struct load *load)
{
    struct run_record *run = load->run;
    struct failure_sample *samples = arena_zalloc(&run->arena, MAX_SAMPLES * sizeof *samples);
    size_t count = 0;
    int result;
    if (!samples)
        return error_set(load->err, EXIT_TOOL, "no memory for the run");
    if (run_load_start(load,
                       "SELECT due_us, endpoint_id, status, recorded_status, class, detail FROM "
                       "failure_sample ORDER BY due_us, rowid"))
        return -1;
    while ((result = run_load_next(load)) == 1 && count < MAX_SAMPLES) {
        struct failure_sample *sample = &samples[count++];
        sample->due_us = sql_take_u64(&load->row);
        bool has_endpoint = !sql_take_is_null(&load->row);
        uint64_t endpoint_id = sql_take_u64(&load->row);
        if (has_endpoint && endpoint_id >= run->facts.endpoint_count)
            return run_load_damaged(load, "failure_sample");
        sample->endpoint = has_endpoint ? (uint32_t)endpoint_id : SAMPLE_NO_ENDPOINT;
        sample->status = (int)sql_take_u64(&load->row);
        sample->recorded_status = (int)sql_take_u64(&load->row);
        sample->count = 1;
        sample->failure = failure_of(sql_take_text(&load->row));
        snprintf(sample->detail, sizeof sample->detail, "%s", sql_take_text(&load->row));
    }
    run->samples = samples;
    run->sample_count = count;
    return result < 0 ? -1 : 0;
}

int run_load_reasons(struct load *load)
{
    struct run_record *run = load->run;
    struct failure_sample *reasons =
        arena_zalloc(&run->arena, METRICS_MAX_REASONS * sizeof *reasons);
    size_t count = 0;
    int result;
    if (!reasons)
        return error_set(load->err, EXIT_TOOL, "no memory for the run");
    if (load->version < 7) /* sessions and requests were counted without */
        return 0;
    if (run_load_start(load, "SELECT scope, first_us, endpoint_id, detail, failures FROM "
                             "failure_reason ORDER BY failures DESC, first_us, scope, reason"))
        return -1;
    while ((result = run_load_next(load)) == 1 && count < METRICS_MAX_REASONS) {
        struct failure_sample *reason = &reasons[count++];
        reason->failure = FAILURE_PLUGIN;
        reason->recorded_status = strcmp(sql_take_text(&load->row), "websocket") == 0 ? 101 : 0;
        reason->due_us = sql_take_u64(&load->row);
        bool has_endpoint = !sql_take_is_null(&load->row);
        uint64_t endpoint_id = sql_take_u64(&load->row);
        if (has_endpoint && endpoint_id >= run->facts.endpoint_count)
            return run_load_damaged(load, "failure_reason");
        reason->endpoint = has_endpoint ? (uint32_t)endpoint_id : SAMPLE_NO_ENDPOINT;
        snprintf(reason->detail, sizeof reason->detail, "%s", sql_take_text(&load->row));
        reason->count = sql_take_u64(&load->row);
    }
    run->reasons = reasons;
    run->reason_count = count;
    return result < 0 ? -1 : 0;
}

int run_load_divergences(struct load *load)
{
    struct run_record *run = load->run;
    struct run_divergence *divergences =
        arena_zalloc(&run->arena, METRICS_MAX_SAMPLES * sizeof *divergences);
    size_t count = 0;
    int result;
    if (!divergences)
        return error_set(load->err, EXIT_TOOL, "no memory for the run");
    if (run_load_start(load, "SELECT status, recorded_status, answers FROM divergence "
                             "ORDER BY answers DESC, status, recorded_status"))
        return -1;
    while ((result = run_load_next(load)) == 1 && count < METRICS_MAX_SAMPLES) {
        struct run_divergence *divergence = &divergences[count++];
        divergence->status = (int)sql_take_u64(&load->row);
        divergence->recorded_status = (int)sql_take_u64(&load->row);
        divergence->answers = sql_take_u64(&load->row);
    }
    run->divergences = divergences;
    run->divergence_count = count;
    return result < 0 ? -1 : 0;
}

static int load_check_differences(struct load *load)
{
    struct run_record *run = load->run;
    struct run_check_difference *list = arena_zalloc(&run->arena, MAX_LIST * sizeof *list);
    size_t count = 0;
    int result;
    if (!list)
        return error_set(load->err, EXIT_TOOL, "no memory for the run");
    if (run_load_start(load, "SELECT endpoint_id, kind, place, answers FROM check_difference "
                             "ORDER BY answers DESC, endpoint_id, kind, place"))
        return -1;
    while ((result = run_load_next(load)) == 1 && count < MAX_LIST) {
        uint64_t endpoint_id = sql_take_u64(&load->row);
        if (endpoint_id >= run->facts.endpoint_count)
            return run_load_damaged(load, "check_difference");
        list[count].endpoint = (uint32_t)endpoint_id;
        list[count].kind = run_load_text(load);
        list[count].place = run_load_text(load);
        list[count++].answers = sql_take_u64(&load->row);
    }
    run->end.check_differences = list;
    run->end.check_difference_count = count;
    return result < 0 ? -1 : 0;
}

int run_load_checks(struct load *load)
{
    if (load->version < 4)
        return 0;
    if (run_load_start(load, "SELECT passed, failed, dropped FROM check_total"))
        return -1;
    int result = run_load_next(load);
    for (int i = 0; i < CHECK_RESULT_COUNT && result == 1; i++)
        load->run->totals->checks[i] = sql_take_u64(&load->row);
    return result < 0 ? -1 : load_check_differences(load);
}

int run_load_thresholds(struct load *load)
{
    struct run_record *run = load->run;
    struct run_threshold *thresholds = arena_zalloc(&run->arena, MAX_LIST * sizeof *thresholds);
    size_t count = 0;
    int result;
    if (!thresholds)
        return error_set(load->err, EXIT_TOOL, "no memory for the run");
    if (run_load_start(load,
                       "SELECT expression, metric, condition, value, has_samples, passed FROM "
                       "threshold ORDER BY rowid"))
        return -1;
    while ((result = run_load_next(load)) == 1 && count < MAX_LIST) {
        struct run_threshold *threshold = &thresholds[count++];
        threshold->expression = run_load_text(load);
        threshold->metric = run_load_text(load);
        threshold->condition = run_load_text(load);
        threshold->value = sql_take_real(&load->row);
        threshold->has_samples = sql_take_u64(&load->row) != 0;
        threshold->has_passed = sql_take_u64(&load->row) != 0;
    }
    run->end.thresholds = thresholds;
    run->end.threshold_count = count;
    return result < 0 ? -1 : 0;
}

int run_load_plugin_calls(struct load *load)
{
    struct run_record *run = load->run;
    struct run_plugin_call *calls = arena_zalloc(&run->arena, MAX_LIST * sizeof *calls);
    size_t count = 0;
    int result;
    if (!calls)
        return error_set(load->err, EXIT_TOOL, "no memory for the run");
    if (run_load_start(load, "SELECT plugin, callback, calls, ns FROM plugin_call ORDER BY rowid"))
        return -1;
    while ((result = run_load_next(load)) == 1 && count < MAX_LIST) {
        struct run_plugin_call *call = &calls[count++];
        call->plugin = run_load_text(load);
        call->callback = run_load_text(load);
        call->calls = sql_take_u64(&load->row);
        call->ns = sql_take_u64(&load->row);
    }
    run->end.plugin_calls = calls;
    run->end.plugin_call_count = count;
    return result < 0 ? -1 : 0;
}
