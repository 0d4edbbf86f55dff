/* verify_options.c - the verb's own options beside those that it has of a replay. */
#include "replay/verify/verify_options.h"

#include <string.h>

#include "core/units.h"
#include "replay/replay_given.h"

/* As typed. */
struct own_given {
    const char *max_divergence;
    struct cli_list sessions;
    uint64_t passes;
};

static const char examples[] =
    "  reprise verify shop.trace --target http://127.0.0.1:8080\n"
    "  reprise verify shop.trace --target http://127.0.0.1:8080 --all-sessions --json\n"
    "  reprise verify shop.trace --target http://127.0.0.1:8080 --fix\n"
    "  reprise verify shop.trace --target http://127.0.0.1:8080 --max-divergence 2%\n"
    "  reprise verify shop.trace --target http://127.0.0.1:8080 --session 3 --passes 1\n";

static int parse_sessions(const struct own_given *own, struct verify_options *options,
                          struct error *err)
{
    for (size_t i = 0; i < own->sessions.count; i++) {
        uint64_t id;
        if (!bytes_to_u64(bytes_of(own->sessions.items[i]), &id) || id == 0 || id > INT64_MAX)
            return error_set(err, EXIT_INPUT,
                             "verify: --session '%s': expected a number, as 'reprise inspect TRACE "
                             "sessions' lists them",
                             own->sessions.items[i]);
        options->only[options->only_count++] = (int64_t)id;
    }
    return 0;
}

static int check_own(const struct own_given *own, const struct cli_arguments *arguments,
                     struct verify_options *options, struct error *err)
{
    if (replay_options_one_trace("verify", arguments, err))
        return -1;
    if (own->passes != 1 && own->passes != 2)
        return error_set(err, EXIT_INPUT, "verify: --passes has to be 1 or 2");
    options->passes = (uint32_t)own->passes;
    if (percent_parse(own->max_divergence, &options->most_percent))
        return error_set(err, EXIT_INPUT,
                         "verify: --max-divergence '%s': expected a percentage from 0 to 100, like "
                         "0.5%%",
                         own->max_divergence);
    return parse_sessions(own, options, err);
}

/* The rest is a replay's, with its rules. */
static int check_replay(struct replay_given *given, const char *trace_path,
                        struct verify_options *options, struct error *err)
{
    if (given->options.bindings_path && options->fixes)
        return error_set(err, EXIT_INPUT,
                         "verify: --fix writes into the trace, --bindings leaves it alone; put the "
                         "file into it first: 'reprise bind TRACE import FILE'");
    if (given->options.identities.data_path)
        given->options.identities.mode = "round-robin"; /* each pass has other users */
    if (replay_given_check(given, trace_path, err) == 0) {
        options->replay = given->options;
        return 0;
    }
    /* Its messages begin with its own name. */
    struct bytes text = bytes_of(err->text);
    if (bytes_starts_with(text, bytes_of("replay: "))) {
        memmove(err->text, err->text + 8, text.len - 8 + 1);
        error_prefix(err, "verify");
    }
    return -1;
}

int verify_options_parse(int argc, char **argv, uint64_t drawn_seed, struct verify_options *options,
                         enum cli_outcome *ret_outcome, struct error *err)
{
    struct own_given own = {.passes = 2, .max_divergence = "0"};
    struct replay_given given;
    replay_given_init(&given);
    given.pacing = "max"; /* a row of its own says so */
    given.seed = REPLAY_NOT_GIVEN;
    *options = (struct verify_options){0};
    const struct cli_option table[] = {
        replay_given_row("target", "Target", &given),
        replay_given_row("allow-target", NULL, &given),
        replay_given_row("cacert", NULL, &given),
        replay_given_row("insecure", NULL, &given),
        replay_given_row("transport", NULL, &given),
        replay_given_row("http", NULL, &given),
        replay_given_row("bind", NULL, &given),
        replay_given_row("proxy", NULL, &given),
        {"all-sessions", 0, CLI_FLAG, &options->takes_all_sessions, NULL,
         "play every session, not the first of each shape (endpoints and statuses)", "Sessions"},
        {"session", 0, CLI_LIST, &own.sessions, "ID", "play this one; may be given many times",
         NULL},
        replay_given_row("on-missing", NULL, &given),
        {"pacing", 0, CLI_TEXT, &given.pacing, "MODE",
         "max (at once), think (after the recorded pauses) or open, as for replay (max)", NULL},
        {"seed", 0, CLI_NUMBER, &given.seed, "N",
         "what clients made (ids, addresses) is made anew from it; another one each time, unless "
         "it is given",
         NULL},
        replay_given_row("bindings", NULL, &given),
        replay_given_row("data", NULL, &given),
        replay_given_row("map", NULL, &given),
        replay_given_row("timeout", "Limits", &given),
        replay_given_row("ws-timeout", NULL, &given),
        replay_given_row("max-plan-size", NULL, &given),
        replay_given_row("plugin", "Plugins", &given),
        replay_given_row("plugin-path", NULL, &given),
        replay_given_row("plugin-timeout", NULL, &given),
        {"passes", 0, CLI_NUMBER, &own.passes, "N",
         "2: play again when something differs, and call noise what differs otherwise then; or 1 "
         "(2)",
         "Results"},
        {"fix", 0, CLI_FLAG, &options->fixes, NULL,
         "write suggested bindings into the trace, play again, keep those that help", NULL},
        {"max-divergence", 0, CLI_TEXT, &own.max_divergence, "PERCENT",
         "exit 110 when more of the exchanges diverge (0%)", NULL},
        {"json", 0, CLI_FLAG, &options->prints_json, NULL,
         "print the result as JSON instead of text", NULL},
        replay_given_row("verbose", NULL, &given),
        {0}};
    const struct cli_verb verb = {
        .name = "verify",
        .summary = "play each kind of session once and say what the target answers otherwise",
        .usage = "TRACE --target URL [options]",
        .examples = examples,
        .options = table,
    };
    struct cli_arguments arguments;
    if (cli_parse(&verb, argc, argv, &arguments, ret_outcome, err))
        return -1;
    if (*ret_outcome == CLI_HELP_SHOWN)
        return 0;
    if (check_own(&own, &arguments, options, err))
        return -1;
    options->has_own_seed = given.seed == REPLAY_NOT_GIVEN;
    if (options->has_own_seed)
        given.seed = drawn_seed;
    return check_replay(&given, arguments.items[0], options, err);
}
