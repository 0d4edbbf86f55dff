/* plugin_test_cmd.c - `reprise plugin test PLUGIN TRACE [SESSION]`: from options to exit code. */
#include "replay/trial/plugin_test_cmd.h"

#include <stdlib.h>

#include "core/bytes.h"
#include "core/cli.h"
#include "core/log.h"
#include "replay/trial/trial.h"

struct given {
    struct cli_list also, folders;
    const char *target;
    uint64_t seed, plugin_timeout_us;
    bool as_json, is_quiet;
};

static int parse(const struct given *given, const struct cli_arguments *arguments,
                 const char *plugins[CLI_MAX_LIST + 1], struct trial_options *ret_options,
                 struct error *err)
{
    uint64_t session_id = 0;
    if (arguments->count < 2 || arguments->count > 3)
        return error_set(err, EXIT_INPUT,
                         "plugin test: expected PLUGIN[:options] TRACE [SESSION]; see 'reprise "
                         "plugin test --help'");
    if (arguments->count == 3 && (!bytes_to_u64(bytes_of(arguments->items[2]), &session_id) ||
                                  session_id == 0 || session_id > INT64_MAX))
        return error_set(err, EXIT_INPUT,
                         "plugin test: session '%s': expected a number, as 'reprise inspect TRACE "
                         "sessions' lists them",
                         arguments->items[2]);
    size_t count = 0;
    plugins[count++] = arguments->items[0];
    for (size_t i = 0; i < given->also.count; i++)
        plugins[count++] = given->also.items[i];
    *ret_options = (struct trial_options){
        .trace_path = arguments->items[1],
        .target = given->target,
        .plugins = plugins,
        .plugin_count = count,
        .search = {.folders = given->folders.items, .count = given->folders.count},
        .session_id = (int64_t)session_id,
        .seed = given->seed,
        .plugin_timeout_us = given->plugin_timeout_us,
        .events_out = given->as_json ? NULL : stdout,
    };
    return 0;
}

static int report(const struct trial *trial, bool as_json)
{
    struct error err;
    if (as_json)
        trial_print_json(trial, stdout);
    else
        trial_print(trial, stdout);
    fflush(stdout); /* stop() is still to come */
    if (!trial->is_stuck && trial->result != SESSION_FAILED)
        return EXIT_DONE;
    error_set(&err, EXIT_TOOL, "plugin test: session %lld: %s", (long long)trial->session_id,
              trial->detail);
    return error_report(&err);
}

int plugin_test_cmd(int argc, char **argv)
{
    struct given given = {.target = "http://target.test", .seed = 1, .plugin_timeout_us = 10000000};
    const struct cli_option options[] = {
        {"also", 0, CLI_LIST, &given.also, "NAME[:k=v,..]",
         "another plugin behind it; may be given many times", NULL},
        {"plugin-path", 0, CLI_LIST, &given.folders, "DIR", "look for plugins there first", NULL},
        {"target", 't', CLI_TEXT, &given.target, "URL",
         "what the plugin is told it is aimed at; nothing is sent (http://target.test)", NULL},
        {"seed", 0, CLI_NUMBER, &given.seed, "N", "of what is drawn (1)", NULL},
        {"plugin-timeout", 0, CLI_DURATION, &given.plugin_timeout_us, "TIME",
         "give up when one callback of a plugin does not return for this long; 0s: never (10s)",
         NULL},
        {"json", 0, CLI_FLAG, &given.as_json, NULL, "print JSON", NULL},
        {"quiet", 'q', CLI_FLAG, &given.is_quiet, NULL, "not what plugins log", NULL},
        {0},
    };
    const struct cli_verb verb = {
        .name = "plugin test",
        .summary =
            "Play one recorded session with a plugin, without a network, and show what it does.",
        .usage = "PLUGIN[:options] TRACE [SESSION] [options]",
        .examples = "  reprise plugin test ./mine.so:key=secret shop.trace\n"
                    "  reprise plugin test jwt_refresh shop.trace 3 --also ./mine.so --json\n",
        .options = options,
    };
    struct cli_arguments arguments;
    enum cli_outcome outcome;
    struct error err;
    const char *plugins[CLI_MAX_LIST + 1];
    struct trial_options trial_options;
    if (cli_parse(&verb, argc, argv, &arguments, &outcome, &err))
        return error_report(&err);
    if (outcome == CLI_HELP_SHOWN)
        return EXIT_DONE;
    if (parse(&given, &arguments, plugins, &trial_options, &err))
        return error_report(&err);
    log_set_level(given.is_quiet ? LOG_WARNING : LOG_INFO);
    struct trial *trial = calloc(1, sizeof *trial);
    if (!trial)
        return EXIT_TOOL;
    int code =
        trial_run(trial, &trial_options, &err) ? error_report(&err) : report(trial, given.as_json);
    trial_free(trial);
    free(trial);
    return code;
}
