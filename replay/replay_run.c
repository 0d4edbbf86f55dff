/* replay_run.c - prepares a run, plays it, and writes what came of it. */
#include "replay/replay_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "replay/identities/identity_accounts.h"
#include "replay/open_files.h"
#include "replay/plugin_recorded.h"
#include "replay/results/report.h"
#include "replay/results/verdict.h"
#include "traces/correlate/binding_overlay.h"

enum { MAX_FACTS_BYTES = 64 * 1024 * 1024 };

/* Of what is loaded: before the run, or behind it when the plan streams. */
static void warn_of_unplayable(const struct replay_run *run)
{
    uint64_t unplayable = plan_unplayable(run->plan);
    if (unplayable)
        log_warning("%s: %llu recorded requests cannot be sent again and are left out "
                    "(cut bodies, CONNECT, targets with spaces or controls or that are no URL)",
                    run->options.trace_path, (unsigned long long)unplayable);
}

static void warn_of_bindings(const struct replay_run *run)
{
    struct plan_binding_losses losses = plan_binding_losses(run->plan);
    if (losses.count)
        log_warning("%s: %llu bindings are not used; the first is %s", run->options.trace_path,
                    (unsigned long long)losses.count, losses.first);
}

/* What is written is not what TLS sends: there is no stamp that would be the request's. */
static void warn_of_timestamps(const struct transport_options *transport)
{
    if (transport->kernel_timestamps && transport->speaks_tls)
        log_warning("--timestamps kernel: the kernel's times are of plain TCP, over TLS there are "
                    "none; give a target with http:// for them");
}

/* Unless whoever prepares this run has read it. */
static int prepare_bindings(struct replay_run *run, struct error *err)
{
    struct replay_options *options = &run->options;
    if (!options->bindings_path || options->overlay)
        return 0;
    if (binding_overlay_open(&run->overlay, options->trace_path, options->bindings_path, err))
        return error_prefix(err, "replay");
    binding_overlay_warn(run->overlay);
    options->overlay = run->overlay;
    return 0;
}

static struct plan_options plan_options_of(const struct replay_run *run)
{
    /* Who wants it precise waits for the whole plan first: loading beside the workers would take
     * their core from them, milliseconds at a time, where there is no other. */
    bool is_precise = run->options.settings.spin_us > 0;
    return (struct plan_options){.target = bytes_of(run->options.target),
                                 .max_bytes = run->options.max_plan_bytes,
                                 .whole_bytes = is_precise ? run->options.max_plan_bytes : 0,
                                 .identities = &run->identities,
                                 .overlay = run->options.overlay};
}

static int prepare_plan(struct replay_run *run, struct error *err)
{
    const struct plan_options options = plan_options_of(run);
    if (plan_build(&run->plan, run->options.trace_path, &options, err))
        return -1;
    struct replay_settings *settings = &run->options.settings;
    settings->plan = run->plan;
    settings->identities = &run->identities;
    settings->target = bytes_of(run->options.target);
    warn_of_unplayable(run);
    warn_of_bindings(run);
    if (plan_digest(settings, run->digest, &run->outline))
        return error_set(err, EXIT_TOOL, "no memory for the plan's digest");
    if (!settings->stages.count && run->outline.sessions == 0)
        return error_set(err, EXIT_INPUT,
                         "nothing to send: --scale %g draws none of the %zu recorded sessions%s",
                         settings->scale, run->plan->session_count,
                         settings->duration_us ? " within --duration" : "");
    uint64_t users =
        settings->stages.count ? stages_most_users(&settings->stages) : run->outline.sessions;
    const struct identity_source source = {.trace_path = run->options.trace_path,
                                           .overlay = run->options.overlay,
                                           .has_plugins = run->options.plugins.count > 0};
    return identity_check(settings, &source, users, err) ? error_prefix(err, "replay") : 0;
}

static int prepare_checks(struct replay_run *run, struct error *err)
{
    const struct replay_options *options = &run->options;
    const struct checker_options checks = {.trace_path = options->trace_path,
                                           .overlay = options->overlay,
                                           .share = options->check_share,
                                           .seed = options->settings.seed,
                                           .target = bytes_of(options->target)};
    if (options->check_share <= 0 || options->is_dry_run)
        return 0;
    if (checker_open(&run->checker, &checks, err))
        return error_prefix(err, "--check");
    run->options.settings.watch = checker_watch(run->checker);
    return 0;
}

static int prepare_plugins(struct replay_run *run, int64_t unix_us, struct error *err)
{
    const struct replay_options *options = &run->options;
    const struct plugin_search search = {.folders = options->plugin_folders.items,
                                         .count = options->plugin_folders.count};
    const struct chain_options chain_options = {.seed = options->settings.seed,
                                                .unix_us = unix_us,
                                                .target_url = options->target,
                                                .timeout_us = options->settings.plugin_timeout_us};
    if (chain_open(&run->chain, options->plugins.items, options->plugins.count, &search, err))
        return -1;
    run->chain_is_open = true;
    if (!chain_is_empty(&run->chain))
        guard_name_crashes();
    run->options.settings.chain = &run->chain;
    if (chain_start(&run->chain, &chain_options, err))
        return -1;
    run->chain_is_started = true;
    const struct plan_options plan_options = plan_options_of(run);
    return plugin_show_recorded(run->plan, options->trace_path, &plan_options, &run->chain, err);
}

static const char *join_command(struct arena *texts, int argc, char **argv)
{
    struct buf line = BUF_INIT(64 * 1024);
    buf_append_text(&line, "reprise");
    for (int i = 0; i < argc; i++) {
        bool is_plain = argv[i][strcspn(argv[i], " '\"\\$`(){}<>|&;*?")] == '\0';
        buf_printf(&line, is_plain ? " %s" : " '%s'", argv[i]);
    }
    const char *copy = arena_copy(texts, buf_bytes(&line)).ptr;
    buf_fini(&line);
    return copy;
}

/* The plan's endpoints, and one for what plugins add. */
static int name_endpoints(struct replay_run *run)
{
    uint32_t count = run->plan->endpoint_count;
    const char **names = arena_alloc(&run->texts, (count + 1u) * sizeof *names);
    if (!names)
        return -1;
    for (uint32_t i = 0; i < count; i++)
        names[i] = run->plan->endpoints[i].ptr;
    names[count] = "(added by plugins)";
    run->facts.endpoint_names = names;
    run->facts.endpoint_count = count + 1;
    return 0;
}

static int name_plugin_metrics(struct replay_run *run)
{
    const struct plugin_chain *chain = &run->chain;
    struct run_plugin_metric *metrics =
        arena_alloc(&run->texts, (chain->metric_count + 1u) * sizeof *metrics);
    if (!metrics)
        return -1;
    for (uint32_t i = 0; i < chain->metric_count; i++) {
        metrics[i] =
            (struct run_plugin_metric){.plugin = chain_plugin_name(chain, chain->metrics[i].plugin),
                                       .name = chain->metrics[i].name,
                                       .unit = chain->metrics[i].unit,
                                       .is_histogram = chain->metrics[i].is_histogram};
    }
    run->facts.plugin_metrics = metrics;
    run->facts.plugin_metric_count = chain->metric_count;
    return 0;
}

/* Each has source ports of its own. */
static uint64_t source_addresses(const struct transport_options *options)
{
    return options->bind_addresses.count ? options->bind_addresses.count : 1;
}

static int gather_facts(struct replay_run *run, int argc, char **argv, int64_t unix_us,
                        struct error *err)
{
    const struct replay_settings *settings = &run->options.settings;
    run->facts = (struct run_facts){
        .started_unix_us = unix_us,
        .trace_path = run->options.trace_path,
        .target = run->options.target,
        .plan_digest = run->digest,
        .command = join_command(&run->texts, argc, argv),
        .tool_version = REPRISE_VERSION,
        .seed = settings->seed,
        .planned_sessions = run->outline.sessions,
        .workers = settings->worker_count,
        .cpu_count = health_cpu_count(),
        .pacing = pacing_mode_name(settings->pacing.mode),
        .max_ports = health_port_count() * source_addresses(&settings->transport),
    };
    if (name_endpoints(run) || name_plugin_metrics(run))
        return error_set(err, EXIT_TOOL, "no memory for the names of endpoints");
    return 0;
}

/* Before anything is sent, not after a run of an hour: can the summary be written there? */
static int check_export(const struct replay_options *options, struct error *err)
{
    const char *path = options->summary_export_path;
    char folder[4096] = ".";
    if (!path)
        return 0;
    const char *slash = strrchr(path, '/');
    if (slash && (size_t)(slash - path) < sizeof folder - 1) {
        memcpy(folder, path, (size_t)(slash - path) + 1);
        folder[slash - path + 1] = '\0';
    }
    if (access(folder, W_OK))
        return error_set(err, EXIT_INPUT,
                         "--summary-export %s: %s; name a folder that can be written", path,
                         strerror(errno));
    if (options->run_path && strcmp(options->run_path, path) == 0)
        return error_set(err, EXIT_INPUT,
                         "--summary-export %s: --run names the same file; name another", path);
    return report_check_export(path, err);
}

int replay_run_prepare(struct replay_run *run, int argc, char **argv, struct error *err)
{
    int64_t unix_us = clock_unix_us();
    arena_init(&run->texts, MAX_FACTS_BYTES);
    thresholds_init(&run->thresholds);
    const struct replay_settings *settings = &run->options.settings;
    if (check_export(&run->options, err))
        return -1;
    if (settings->ops->check && settings->ops->check(&settings->transport, err))
        return -1;
    warn_of_timestamps(&settings->transport);
    if (identities_open(&run->identities, &run->options.identities, err))
        return error_prefix(err, "replay");
    if (prepare_bindings(run, err) || prepare_plan(run, err) || prepare_checks(run, err) ||
        prepare_plugins(run, unix_us, err) || gather_facts(run, argc, argv, unix_us, err))
        return -1;
    for (size_t i = 0; i < run->options.thresholds.count; i++) {
        if (thresholds_parse(&run->thresholds, run->options.thresholds.items[i], &run->facts, err))
            return -1;
    }
    return 0;
}

void replay_run_fini(struct replay_run *run)
{
    if (run->store)
        run_store_close(run->store);
    if (run->chain_is_started)
        chain_stop(&run->chain, run->progress.elapsed_us);
    if (run->chain_is_open)
        chain_close(&run->chain);
    checker_close(run->checker);
    plan_free(run->plan);
    binding_overlay_close(run->overlay);
    identities_close(&run->identities);
    thresholds_fini(&run->thresholds);
    arena_fini(&run->texts);
}

static void on_end(void *owner)
{
    const struct replay_run *run = owner;
    struct error error;
    if (!run->checker)
        return;
    checker_drain(run->checker);
    if (checker_has_failed(run->checker, &error))
        log_warning("--check: %s; the answers behind it were not compared", error.text);
}

static int on_second(void *owner, struct metrics *delta, uint32_t second, uint64_t length_us,
                     struct error *err)
{
    struct replay_run *run = owner;
    struct health health;
    health_read(&run->meter, &health);
    if (run->checker)
        checker_take(run->checker, delta);
    if (progress_add(&run->progress, delta, length_us))
        return error_set(err, EXIT_TOOL, "no memory for progress");
    progress_show(&run->display, &run->progress);
    return run_store_put_second(run->store, delta, second, length_us, &health, err);
}

/* One row for each plugin and callback that was called. */
static size_t list_plugin_calls(const struct replay_run *run, const struct chain_stats *stats,
                                struct run_plugin_call *calls)
{
    size_t count = 0;
    for (uint32_t i = 0; i < run->chain.count; i++) {
        for (int j = 0; j < CHAIN_CALLBACK_COUNT; j++) {
            const struct chain_calls *called = &stats->calls[i][j];
            if (called->count)
                calls[count++] = (struct run_plugin_call){
                    .plugin = chain_plugin_name(&run->chain, i),
                    .callback = chain_callback_name((enum chain_callback)j),
                    .calls = called->count,
                    .ns = called->total_ns,
                };
        }
    }
    return count;
}

static const struct run_check_difference *list_differences(struct replay_run *run,
                                                           size_t *ret_count)
{
    size_t count = 0;
    const struct check_difference *found =
        run->checker ? checker_differences(run->checker, &count) : NULL;
    struct run_check_difference *list =
        count ? arena_alloc(&run->texts, count * sizeof *list) : NULL;
    *ret_count = list ? count : 0;
    for (size_t i = 0; i < *ret_count; i++)
        list[i] = (struct run_check_difference){.endpoint = found[i].endpoint,
                                                .kind = difference_name(found[i].kind),
                                                .place = found[i].place,
                                                .answers = found[i].answers};
    return list;
}

static enum exit_code exit_code_of(const struct replay_run *run,
                                   const struct director_result *result,
                                   const struct verdict *verdict, size_t failed_thresholds)
{
    if (result->was_stopped)
        return EXIT_STOPPED;
    if (run->options.is_strict && verdict->kind == VERDICT_GENERATOR)
        return EXIT_INVALID;
    return failed_thresholds ? EXIT_THRESHOLD : EXIT_DONE;
}

/* Judge, and write how it ended. */
static int finish(struct replay_run *run, const struct director_result *result, bool has_failed,
                  enum exit_code *ret_exit_code, struct error *err)
{
    const struct metrics *totals = run_store_totals(run->store);
    struct verdict verdict;
    size_t failed_thresholds = 0, difference_count = 0;
    const struct run_check_difference *differences = list_differences(run, &difference_count);
    int outcome = -1;
    struct run_threshold *judged = calloc(run->thresholds.count + 1, sizeof *judged);
    struct run_plugin_call *calls =
        calloc((size_t)run->chain.count * CHAIN_CALLBACK_COUNT + 1, sizeof *calls);
    if (!judged || !calls ||
        verdict_judge(&run->facts, totals, run_store_health(run->store), &verdict) ||
        thresholds_judge(&run->thresholds, totals, result->duration_us, judged,
                         &failed_thresholds)) {
        error_set(err, EXIT_TOOL, "no memory to judge the run");
        goto out;
    }
    *ret_exit_code =
        has_failed ? EXIT_TOOL : exit_code_of(run, result, &verdict, failed_thresholds);
    const struct run_end end = {
        .state = has_failed            ? RUN_FAILED
                 : result->was_stopped ? RUN_STOPPED
                                       : RUN_DONE,
        .duration_us = result->duration_us,
        .exit_code = (int)*ret_exit_code,
        .verdict = verdict.text,
        .verdict_kind = verdict_kind_name(verdict.kind),
        .threshold_count = run->thresholds.count,
        .thresholds = judged,
        .plugin_call_count = list_plugin_calls(run, &result->plugins, calls),
        .plugin_calls = calls,
        .check_difference_count = difference_count,
        .check_differences = differences,
    };
    outcome = run_store_finish(run->store, &end, err);
out:
    free(judged);
    free(calls);
    return outcome;
}

/* The file is finished like any other's; the totals lack what the worker that stands still had not
 * handed over. */
static void on_stuck(void *owner, uint64_t now_us, const struct error *err)
{
    struct replay_run *run = owner;
    struct director_result *result = calloc(1, sizeof *result);
    enum exit_code exit_code;
    struct error ignored;
    (void)err;
    progress_clear(&run->display);
    if (result) {
        result->duration_us = now_us;
        finish(run, result, true, &exit_code, &ignored);
    }
    run_store_close(run->store);
    free(result);
}

static int open_store(struct replay_run *run, struct error *err)
{
    if (run->options.run_path) {
        if (strlen(run->options.run_path) >= sizeof run->run_path)
            return error_set(err, EXIT_INPUT, "replay: --run: the path is too long");
        memcpy(run->run_path, run->options.run_path, strlen(run->options.run_path) + 1);
    } else {
        run_store_default_path(run->run_path, sizeof run->run_path, run->options.trace_path,
                               run->facts.started_unix_us);
    }
    return run_store_open(&run->store, run->run_path, &run->facts, err);
}

int replay_run_play(struct replay_run *run, enum exit_code *ret_exit_code, struct error *err)
{
    const struct director director = {.settings = &run->options.settings,
                                      .on_second = on_second,
                                      .on_end = on_end,
                                      .on_stuck = on_stuck,
                                      .owner = run};
    struct director_result *result = calloc(1, sizeof *result);
    struct error play_error = {0};
    if (!result)
        return error_set(err, EXIT_TOOL, "no memory");
    run->facts.max_files = open_files_prepare();
    if (open_store(run, err)) {
        free(result);
        return -1;
    }
    run->has_file = true;
    progress_display_init(&run->display, stderr, run->options.is_quiet);
    run->progress.duration_us = run->options.settings.duration_us;
    run->progress.planned_sessions = run->outline.sessions;
    health_read(&run->meter, &(struct health){0});
    bool has_failed = director_run(&director, result, &play_error) != 0;
    progress_clear(&run->display);
    if (run->plan->stream) {
        warn_of_unplayable(run);
        warn_of_bindings(run);
    }
    int outcome = finish(run, result, has_failed, ret_exit_code, err);
    run_store_close(run->store); /* now the file is whole, and a report can be made from it */
    run->store = NULL;
    free(result);
    if (has_failed) {
        *err = play_error;
        return -1;
    }
    return outcome;
}
