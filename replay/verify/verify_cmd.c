/* verify_cmd.c - the verb `verify`: parse, play, report, judge. */
#include "replay/verify/verify_cmd.h"

#include <stdlib.h>
#include <sys/random.h>

#include "core/clock.h"
#include "core/log.h"
#include "replay/verify/verify_report.h"

static int report(const struct verify_run *run, struct error *err)
{
    if (run->options.prints_json)
        return verify_report_json(run, stdout, err);
    verify_report_text(run, stdout);
    return 0;
}

static enum exit_code exit_code_of(const struct verify_run *run)
{
    if (run->was_stopped)
        return EXIT_STOPPED;
    return verify_run_has_diverged(run) ? EXIT_DIVERGED : EXIT_DONE;
}

/* What clients make is another each time: a target keeps what the last run signed up. Short, as
 * somebody may want to type it. */
static uint64_t draw_seed(void)
{
    uint32_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
        seed = (uint32_t)(clock_unix_us() / 1000);
    return seed;
}

int verify_cmd(int argc, char **argv)
{
    struct verify_run *run = calloc(1, sizeof *run);
    struct error err = {0};
    enum cli_outcome parsed = CLI_RUN;
    enum exit_code exit_code = EXIT_DONE;
    if (!run)
        return EXIT_TOOL;
    run->argc = argc;
    run->argv = argv;
    stop_on_signals();
    int result = verify_options_parse(argc, argv, draw_seed(), &run->options, &parsed, &err);
    if (result == 0 && parsed == CLI_RUN) {
        if (run->options.replay.is_verbose)
            log_set_level(LOG_INFO);
        result = verify_run_play(run, &err);
        if (result == 0)
            result = report(run, &err);
        exit_code = exit_code_of(run);
        verify_run_fini(run);
    }
    free(run);
    return result ? error_report(&err) : (int)exit_code;
}
