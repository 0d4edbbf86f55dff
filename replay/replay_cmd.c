/* replay_cmd.c - the verb `replay`: prepare, play, report. */
#include "replay/replay_cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "core/units.h"
#include "replay/replay_run.h"
#include "replay/results/report.h"
#include "traces/correlate/binding_overlay.h"

static void print_bindings(const char *path, struct overlay_counts counts)
{
    printf("bindings  %zu from %s (%zu of its %zu fit), instead of %llu of the trace's own\n",
           counts.rows, path, counts.fitting, counts.rules, (unsigned long long)counts.replaced);
}

static void print_users(const struct replay_settings *settings)
{
    char length[UNITS_TEXT_BYTES], grace[UNITS_TEXT_BYTES];
    printf("users     up to %u\nlasts     %s, and up to %s more for the sessions under way then\n",
           stages_most_users(&settings->stages),
           duration_format(length, sizeof length, (double)settings->duration_us),
           duration_format(grace, sizeof grace, (double)settings->grace_us));
}

static int print_dry_run(const struct replay_run *run)
{
    const struct plan *plan = run->plan;
    printf("plan      %s\n", run->digest);
    printf("target    %s\n", run->options.target);
    printf("recorded  %zu sessions, %llu %s, %u endpoints\n", plan->session_count,
           (unsigned long long)plan->step_count, plan->stream ? "requests and messages" : "steps",
           plan->endpoint_count - plan->has_unknown_endpoint);
    if (run->options.overlay)
        print_bindings(run->options.bindings_path, binding_overlay_counts(run->options.overlay));
    char length[UNITS_TEXT_BYTES];
    if (!run->options.settings.stages.count)
        printf("sessions  %llu\nlasts     %s, and longer where the target is slower\n",
               (unsigned long long)run->outline.sessions,
               duration_format(length, sizeof length, (double)run->outline.length_us));
    else
        print_users(&run->options.settings);
    fflush(stdout); /* stop() of plugins is still to come */
    return EXIT_DONE;
}

/* The report is made from the file, as it will be tomorrow. */
static int report(const struct replay_run *run, struct error *err)
{
    struct run_record *record;
    int result = 0;
    if (run_store_load(&record, run->run_path, err))
        return -1;
    const char *no_colour = getenv("NO_COLOR");
    bool has_colour = isatty(STDOUT_FILENO) && !(no_colour && *no_colour);
    if (!run->options.prints_json)
        report_print(record, has_colour, stdout);
    else if (report_print_json(record, stdout, err))
        result = error_prefix(err, "stdout");
    if (!result && (fflush(stdout) || ferror(stdout)))
        result = error_set(err, EXIT_TOOL, "stdout: %s", strerror(errno));
    if (!result && run->options.summary_export_path)
        result = report_export_json(record, run->options.summary_export_path, err);
    run_record_free(record);
    return result;
}

int replay_cmd(int argc, char **argv)
{
    struct replay_run *run = calloc(1, sizeof *run);
    struct error err = {0};
    enum cli_outcome parsed;
    enum exit_code exit_code = EXIT_DONE;
    int result;
    if (!run)
        return EXIT_TOOL;
    stop_on_signals(); /* whenever it comes: what was begun is ended in order */
    if (replay_options_parse(argc, argv, &run->options, &parsed, &err)) {
        free(run);
        return error_report(&err);
    }
    if (parsed == CLI_HELP_SHOWN) {
        free(run);
        return EXIT_DONE;
    }
    if (run->options.is_verbose)
        log_set_level(LOG_INFO);
    result = replay_run_prepare(run, argc, argv, &err);
    if (!result && run->options.is_dry_run) {
        print_dry_run(run);
    } else if (!result) {
        result = replay_run_play(run, &exit_code, &err);
        struct error report_error = {0};
        /* What was measured is shown even when the run could not go on. */
        if (run->has_file && report(run, &report_error) && !result) {
            result = -1;
            err = report_error;
        }
    }
    replay_run_fini(run);
    free(run);
    return result ? error_report(&err) : (int)exit_code;
}
