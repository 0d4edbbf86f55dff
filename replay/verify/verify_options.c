/* verify_options.c - parses the verb's own options and hands the others to those of a replay. */
#include "replay/verify/verify_options.h"

#include <stdio.h>
#include <string.h>

#include "core/units.h"

enum { MAX_TEXT_BYTES = 1 << 20, MAX_HANDED_ON = 512 };

/* As typed. What a replay has too is handed on as it is. */
struct raw_options {
    const char *target, *ca_path, *transport, *http, *proxy, *on_missing, *timeout, *ws_timeout;
    const char *pacing, *seed, *data, *bindings, *max_plan_size, *max_divergence;
    struct cli_list allowed_targets, bind_addresses, maps, plugins, plugin_folders, sessions;
    bool is_insecure, is_verbose;
    uint64_t passes;
};

struct handed_on {
    struct arena *texts;
    char *items[MAX_HANDED_ON];
    int count;
    bool has_failed;
};

static const char examples[] =
    "  reprise verify shop.trace --target http://127.0.0.1:8080\n"
    "  reprise verify shop.trace --target http://127.0.0.1:8080 --all-sessions --json\n"
    "  reprise verify shop.trace --target http://127.0.0.1:8080 --fix\n"
    "  reprise verify shop.trace --target http://127.0.0.1:8080 --max-divergence 2%\n"
    "  reprise verify shop.trace --target http://127.0.0.1:8080 --session 3 --passes 1\n";

static void hand_on(struct handed_on *on, const char *name, const char *value)
{
    if (!value)
        return;
    char *text = (char *)arena_printf(on->texts, "--%s=%s", name, value);
    if (!text || on->count == MAX_HANDED_ON)
        on->has_failed = true;
    else
        on->items[on->count++] = text;
}

static void hand_on_list(struct handed_on *on, const char *name, const struct cli_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        hand_on(on, name, list->items[i]);
}

static void hand_on_flag(struct handed_on *on, const char *name, bool is_set)
{
    char *text = is_set ? (char *)arena_printf(on->texts, "--%s", name) : NULL;
    if (is_set && (!text || on->count == MAX_HANDED_ON))
        on->has_failed = true;
    else if (is_set)
        on->items[on->count++] = text;
}

static int parse_sessions(const struct raw_options *raw, struct verify_options *options,
                          struct error *err)
{
    for (size_t i = 0; i < raw->sessions.count; i++) {
        uint64_t id;
        if (!bytes_to_u64(bytes_of(raw->sessions.items[i]), &id) || id == 0 || id > INT64_MAX)
            return error_set(err, EXIT_INPUT,
                             "verify: --session '%s': expected a number, as 'reprise inspect TRACE "
                             "sessions' lists them",
                             raw->sessions.items[i]);
        options->only[options->only_count++] = (int64_t)id;
    }
    return 0;
}

static int check_own(const struct raw_options *raw, const struct cli_arguments *arguments,
                     struct verify_options *options, struct error *err)
{
    if (replay_options_one_trace("verify", arguments, err))
        return -1;
    if (raw->passes != 1 && raw->passes != 2)
        return error_set(err, EXIT_INPUT, "verify: --passes has to be 1 or 2");
    if (raw->bindings && options->fixes)
        return error_set(err, EXIT_INPUT,
                         "verify: --fix writes into the trace, --bindings leaves it alone; put the "
                         "file into it first: 'reprise bind TRACE import FILE'");
    options->passes = (uint32_t)raw->passes;
    if (percent_parse(raw->max_divergence, &options->most_percent))
        return error_set(err, EXIT_INPUT,
                         "verify: --max-divergence '%s': expected a percentage from 0 to 100, like "
                         "0.5%%",
                         raw->max_divergence);
    return parse_sessions(raw, options, err);
}

/* The rest is a replay's, with its rules. */
static int check_replay(const struct raw_options *raw, const char *trace_path,
                        struct verify_options *options, struct error *err)
{
    struct handed_on on = {.texts = &options->texts};
    enum cli_outcome outcome;
    on.items[on.count++] = (char *)arena_printf(&options->texts, "replay");
    hand_on(&on, "target", raw->target);
    hand_on_list(&on, "allow-target", &raw->allowed_targets);
    hand_on(&on, "cacert", raw->ca_path);
    hand_on_flag(&on, "insecure", raw->is_insecure);
    hand_on(&on, "transport", raw->transport);
    hand_on(&on, "http", raw->http);
    hand_on_list(&on, "bind", &raw->bind_addresses);
    hand_on(&on, "proxy", raw->proxy);
    hand_on(&on, "on-missing", raw->on_missing);
    hand_on(&on, "timeout", raw->timeout);
    hand_on(&on, "ws-timeout", raw->ws_timeout);
    hand_on(&on, "seed", raw->seed);
    hand_on(&on, "bindings", raw->bindings);
    hand_on(&on, "data", raw->data);
    hand_on(&on, "data-mode", raw->data ? "round-robin" : NULL); /* each pass has other users */
    hand_on_list(&on, "map", &raw->maps);
    hand_on(&on, "max-plan-size", raw->max_plan_size);
    hand_on_list(&on, "plugin", &raw->plugins);
    hand_on_list(&on, "plugin-path", &raw->plugin_folders);
    hand_on_flag(&on, "verbose", raw->is_verbose);
    hand_on(&on, "pacing", raw->pacing);
    hand_on_flag(&on, "", true); /* "--": what follows is the trace, whatever its name */
    on.items[on.count++] = (char *)arena_printf(&options->texts, "%s", trace_path);
    if (on.has_failed || !on.items[on.count - 1])
        return error_set(err, EXIT_INPUT, "verify: too many options");
    if (replay_options_parse(on.count, on.items, &options->replay, &outcome, err) == 0)
        return 0;
    /* Its messages begin with its own name. */
    struct bytes text = bytes_of(err->text);
    if (bytes_starts_with(text, bytes_of("replay: "))) {
        memmove(err->text, err->text + 8, text.len - 8 + 1);
        error_prefix(err, "verify");
    }
    return -1;
}

int verify_options_parse(int argc, char **argv, struct verify_options *options,
                         enum cli_outcome *ret_outcome, struct error *err)
{
    struct raw_options raw = {.passes = 2, .max_divergence = "0", .pacing = "max"};
    *options = (struct verify_options){0};
    arena_init(&options->texts, MAX_TEXT_BYTES);
    const struct cli_option table[] = {
        {"target", 't', CLI_TEXT, &raw.target, "URL", "what is verified: http://HOST[:PORT]",
         "Target"},
        replay_option("allow-target", &raw.allowed_targets),
        replay_option("cacert", &raw.ca_path),
        replay_option("insecure", &raw.is_insecure),
        {"transport", 0, CLI_TEXT, &raw.transport, "NAME", "as for replay (auto)", NULL},
        {"http", 0, CLI_TEXT, &raw.http, "VERSION", "1.1, 2 or auto (auto)", NULL},
        {"bind", 0, CLI_LIST, &raw.bind_addresses, "ADDRESS", "connect from this address", NULL},
        {"proxy", 0, CLI_TEXT, &raw.proxy, "URL", "reach the target through this proxy", NULL},
        {"all-sessions", 0, CLI_FLAG, &options->takes_all_sessions, NULL,
         "play every session, not the first of each shape (endpoints and statuses)", "Sessions"},
        {"session", 0, CLI_LIST, &raw.sessions, "ID", "play this one; may be given many times",
         NULL},
        {"on-missing", 0, CLI_TEXT, &raw.on_missing, "WHAT",
         "when no answer gave a value that a request needs: recorded, skip or end (recorded)",
         NULL},
        {"timeout", 0, CLI_TEXT, &raw.timeout, "TIME", "for one request (60s)", NULL},
        {"ws-timeout", 0, CLI_TEXT, &raw.ws_timeout, "TIME",
         "for one recorded WebSocket message from the server (10s)", NULL},
        {"pacing", 0, CLI_TEXT, &raw.pacing, "MODE",
         "max (at once), think (after the recorded pauses) or open, as for replay (max)", NULL},
        {"seed", 0, CLI_TEXT, &raw.seed, "N", "of what is drawn (1)", NULL},
        replay_option("bindings", &raw.bindings),
        {"data", 0, CLI_TEXT, &raw.data, "FILE",
         "who the users are, as for replay; rows are taken in turn", NULL},
        replay_option("map", &raw.maps),
        {"max-plan-size", 0, CLI_TEXT, &raw.max_plan_size, "SIZE",
         "memory for loaded sessions (1GiB)", NULL},
        replay_option("plugin", &raw.plugins),
        replay_option("plugin-path", &raw.plugin_folders),
        {"passes", 0, CLI_NUMBER, &raw.passes, "N",
         "2: play again when something differs, and call noise what differs otherwise then; or 1 "
         "(2)",
         "Results"},
        {"fix", 0, CLI_FLAG, &options->fixes, NULL,
         "write suggested bindings into the trace, play again, keep those that help", NULL},
        {"max-divergence", 0, CLI_TEXT, &raw.max_divergence, "PERCENT",
         "exit 110 when more of the exchanges diverge (0%)", NULL},
        {"json", 0, CLI_FLAG, &options->prints_json, NULL,
         "print the result as JSON instead of text", NULL},
        {"verbose", 'v', CLI_FLAG, &raw.is_verbose, NULL, "what plugins say, and more", NULL},
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
    if (check_own(&raw, &arguments, options, err))
        return -1;
    return check_replay(&raw, arguments.items[0], options, err);
}

void verify_options_fini(struct verify_options *options)
{
    arena_fini(&options->texts);
}
