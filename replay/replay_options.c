/* replay_options.c - the command line of `reprise replay`: its table, and what goes with what. */
#include "replay/replay_options.h"

#include <stdio.h>
#include <string.h>

#include "core/units.h"

/* As typed, before checks. */
struct raw_options {
    const char *target, *transport, *http, *proxy_url, *pacing, *timing, *affinity;
    const char *timestamps, *on_missing, *check_percent;
    struct cli_list allowed_targets, bind_addresses, stages;
    double scale, speed, arrival_speed, think_speed;
    uint64_t users, duration_us, seed, workers, max_in_flight, timeout_us, ws_timeout_us, grace_us;
    bool is_insecure;
    const char *ca_path;
};

enum {
    MAX_WORKERS = 64,
    SPIN_US = 200 /* a sleeping thread wakes 20 to 60 us late, one time in a hundred 80 to 160 */
};
#define NOT_GIVEN UINT64_MAX
#define MAX_SCALE 1e6

static const char examples[] =
    "  reprise replay shop.trace --target http://127.0.0.1:8080\n"
    "  reprise replay shop.trace --target http://127.0.0.1:8080 --scale 10 --speed 5\n"
    "  reprise replay shop.trace --target http://127.0.0.1:8080 --users 200 --duration 5m\n"
    "  reprise replay shop.trace --target http://127.0.0.1:8080 --stage 30s:100 --stage 2m:100\n"
    "  reprise replay shop.trace --target http://127.0.0.1:8080 --scale 10 --data users.csv\n"
    "  reprise replay shop.trace --target http://127.0.0.1:8080 --bindings shop.yaml --dry-run\n"
    "  reprise replay shop.trace --target http://127.0.0.1:8080 --bind 127.0.0.2 --bind 127.0.0.3\n"
    "  reprise replay shop.trace --target http://127.0.0.1:8080 \\\n"
    "      --threshold 'http_req_response{endpoint:GET /jobs/{id}}: p(95)<500'\n";

static int check_speeds(const struct raw_options *raw, struct replay_settings *settings,
                        struct error *err)
{
    double arrival = raw->arrival_speed > 0 ? raw->arrival_speed : raw->speed;
    double think = raw->think_speed > 0 ? raw->think_speed : raw->speed;
    if (!(arrival > 0) || !(think > 0))
        return error_set(err, EXIT_INPUT, "replay: --speed has to be above 0, like 5 or 0.5");
    settings->pacing.arrival_speed = arrival;
    settings->pacing.think_speed = think;
    if (strcmp(raw->pacing, "think") == 0)
        settings->pacing.mode = PACING_THINK;
    else if (strcmp(raw->pacing, "open") == 0)
        settings->pacing.mode = PACING_OPEN;
    else if (strcmp(raw->pacing, "max") == 0)
        settings->pacing.mode = PACING_MAX;
    else
        return error_set(err, EXIT_INPUT, "replay: --pacing '%s': expected think, open or max",
                         raw->pacing);
    return 0;
}

/* Closed model: --users with --duration is one stage of constant users; --stage starts from
 * --users, or 0. */
static int check_stages(const struct raw_options *raw, struct replay_settings *settings,
                        struct error *err)
{
    struct stages *stages = &settings->stages;
    bool has_users = raw->users != NOT_GIVEN;
    settings->duration_us = raw->duration_us == NOT_GIVEN ? 0 : raw->duration_us;
    if (!has_users && raw->stages.count == 0)
        return 0;
    if (raw->scale != 1)
        return error_set(err, EXIT_INPUT,
                         "replay: --scale goes with recorded arrivals, --users and --stage are the "
                         "alternative to them; give one or the other");
    if (raw->users == 0 || (has_users && raw->users > STAGES_MAX_USERS))
        return error_set(err, EXIT_INPUT, "replay: --users has to be 1 to %d", STAGES_MAX_USERS);
    stages->start_users = has_users ? (uint32_t)raw->users : 0;
    for (size_t i = 0; i < raw->stages.count; i++) {
        if (stages_add(stages, raw->stages.items[i]))
            return error_set(err, EXIT_INPUT,
                             "replay: --stage '%s': expected DURATION:USERS, like 30s:100; at most "
                             "%d of them, and %d users",
                             raw->stages.items[i], STAGES_MAX, STAGES_MAX_USERS);
    }
    if (raw->stages.count == 0) {
        if (settings->duration_us == 0)
            return error_set(err, EXIT_INPUT,
                             "replay: --users needs --duration (or --stage) to know when to end");
        stages->items[stages->count++] =
            (struct stage){.duration_us = settings->duration_us, .users = stages->start_users};
    }
    uint64_t all_us = stages_duration_us(stages);
    if (all_us == 0)
        return error_set(err, EXIT_INPUT, "replay: the stages take no time");
    if (settings->duration_us == 0 || all_us < settings->duration_us)
        settings->duration_us = all_us;
    return 0;
}

static int check_missing(const char *text, enum on_missing *ret_missing, struct error *err)
{
    for (int i = 0; i < MISSING_COUNT; i++) {
        if (strcmp(text, on_missing_name((enum on_missing)i)) != 0)
            continue;
        *ret_missing = (enum on_missing)i;
        return 0;
    }
    return error_set(err, EXIT_INPUT, "replay: --on-missing '%s': expected recorded, skip or end",
                     text);
}

static int check_share(const char *text, double *ret_share, struct error *err)
{
    double percent;
    if (percent_parse(text, &percent))
        return error_set(err, EXIT_INPUT,
                         "replay: --check '%s': expected a percentage from 0 to 100, like 1%%",
                         text);
    *ret_share = percent / 100;
    return 0;
}

static int check_plan_size(uint64_t max_plan_bytes, struct error *err)
{
    if (max_plan_bytes == 0)
        return error_set(err, EXIT_INPUT, "replay: --max-plan-size has to be above 0, like 100MB");
    return 0;
}

static int check_numbers(const struct raw_options *raw, struct replay_settings *settings,
                         struct error *err)
{
    if (!(raw->scale > 0) || raw->scale > MAX_SCALE)
        return error_set(err, EXIT_INPUT, "replay: --scale has to be above 0 and at most %.0f",
                         MAX_SCALE);
    if (raw->workers == 0 || raw->workers > MAX_WORKERS)
        return error_set(err, EXIT_INPUT, "replay: --workers has to be 1 to %d", MAX_WORKERS);
    if (raw->max_in_flight == 0 || raw->max_in_flight > UINT32_MAX)
        return error_set(err, EXIT_INPUT, "replay: --max-in-flight has to be 1 to %u", UINT32_MAX);
    if (raw->timeout_us < 1000)
        return error_set(err, EXIT_INPUT, "replay: --timeout has to be at least 1ms");
    settings->scale = raw->scale;
    settings->seed = raw->seed;
    settings->worker_count = (uint32_t)raw->workers;
    settings->max_in_flight = (uint32_t)raw->max_in_flight;
    settings->grace_us = raw->grace_us;
    settings->ws_wait_us = raw->ws_timeout_us;
    settings->transport = (struct transport_options){
        .timeout_us = raw->timeout_us,
        .max_body_bytes = 64 * 1024 * 1024,
        .max_message_bytes = 64 * 1024 * 1024,
        .verifies_tls = !raw->is_insecure,
        .ca_path = raw->ca_path,
    };
    return 0;
}

/* How workers wait. `auto` spins only on cores that were given to them. */
static int check_waiting(const struct raw_options *raw, struct replay_settings *settings,
                         struct error *err)
{
    cpu_set_t allowed;
    cpu_affinity_allowed(&allowed);
    if (cpu_affinity_parse(raw->affinity, &allowed, settings->worker_count, &settings->affinity,
                           err))
        return error_prefix(err, "replay: --cpu-affinity '%s'", raw->affinity);
    if (strcmp(raw->timing, "precise") == 0)
        settings->spin_us = SPIN_US;
    else if (strcmp(raw->timing, "auto") == 0)
        settings->spin_us = settings->affinity.count ? SPIN_US : 0;
    else if (strcmp(raw->timing, "sleep") != 0)
        return error_set(err, EXIT_INPUT, "replay: --timing '%s': expected auto, sleep or precise",
                         raw->timing);
    return 0;
}

/* Who carries the requests: native by itself wherever it can. What it cannot do and was asked for
 * it says itself, before anything is sent. */
static int check_transport(const struct raw_options *raw, struct replay_settings *settings,
                           struct error *err)
{
    const struct transport_options *options = &settings->transport;
    if (strcmp(raw->transport, "auto") == 0)
        settings->ops = options->proxy_url ? &transport_curl : &transport_native;
    else if (strcmp(raw->transport, transport_curl.name) == 0)
        settings->ops = &transport_curl;
    else if (strcmp(raw->transport, transport_native.name) == 0)
        settings->ops = &transport_native;
    else
        return error_set(err, EXIT_INPUT, "replay: --transport '%s': expected auto, native or curl",
                         raw->transport);
    /* libcurl 7.88 sends the second request on such a connection as if it were the first. */
    if (settings->ops == &transport_curl && options->http == TRANSPORT_HTTP_2 &&
        bytes_starts_with_nocase(bytes_of(raw->target), bytes_of("http:")))
        return error_set(
            err, EXIT_INPUT,
            "replay: --http 2 by libcurl needs a target over TLS, https://...: it does "
            "not keep HTTP/2 connections in the clear; leave --transport and --proxy "
            "out");
    return 0;
}

static bool is_proxy(const char *text)
{
    static const char *const schemes[] = {"http",    "https",  "socks4",
                                          "socks4a", "socks5", "socks5h"};
    const char *colons = strstr(text, "://");
    if (!colons)
        return text[0] != '\0' && text[0] != ':';
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (bytes_equal_nocase(bytes_make(text, (size_t)(colons - text)), bytes_of(schemes[i])))
            return colons[3] != '\0';
    }
    return false;
}

/* How the target is reached, with either transport. */
static int check_connecting(const struct raw_options *raw, struct transport_options *transport,
                            struct error *err)
{
    if (strcmp(raw->http, "auto") == 0)
        transport->http = TRANSPORT_HTTP_AUTO;
    else if (strcmp(raw->http, "1.1") == 0)
        transport->http = TRANSPORT_HTTP_1_1;
    else if (strcmp(raw->http, "2") == 0)
        transport->http = TRANSPORT_HTTP_2;
    else
        return error_set(err, EXIT_INPUT, "replay: --http '%s': expected auto, 1.1 or 2",
                         raw->http);
    if (raw->proxy_url && !is_proxy(raw->proxy_url))
        return error_set(err, EXIT_INPUT,
                         "replay: --proxy '%s': expected [SCHEME://]HOST[:PORT] with http, https, "
                         "socks4, socks4a, socks5 or socks5h",
                         raw->proxy_url);
    transport->proxy_url = raw->proxy_url;
    transport->bind_addresses = raw->bind_addresses;
    return 0;
}

/* Whose clock: ours, or beside it that of the kernel. */
static int check_timestamps(const struct raw_options *raw, struct replay_settings *settings,
                            struct error *err)
{
    settings->transport.kernel_timestamps = strcmp(raw->timestamps, "kernel") == 0;
    if (!settings->transport.kernel_timestamps && strcmp(raw->timestamps, "user") != 0)
        return error_set(err, EXIT_INPUT, "replay: --timestamps '%s': expected user or kernel",
                         raw->timestamps);
    if (settings->transport.kernel_timestamps && settings->ops == &transport_curl)
        return error_set(err, EXIT_INPUT,
                         "replay: --timestamps kernel: libcurl has none; add "
                         "--transport native");
    return 0;
}

struct cli_option replay_option(const char *name, void *target)
{
    static const struct cli_option rows[] = {
        {"allow-target", 0, CLI_LIST, NULL, "HOST",
         "a target that is not this machine has to be named here too", NULL},
        {"bindings", 0, CLI_TEXT, NULL, "FILE",
         "these bindings (YAML, see 'reprise bind') over the trace's own, for this run alone",
         NULL},
        {"cacert", 0, CLI_TEXT, NULL, "FILE",
         "trust these certificates (PEM) instead of the system's", NULL},
        {"insecure", 'k', CLI_FLAG, NULL, NULL, "accept any TLS certificate of the target", NULL},
        {"map", 0, CLI_LIST, NULL, "COLUMN=TEXT",
         "the column goes where requests carry this recorded text; may be given many times", NULL},
        {"plugin", 'p', CLI_LIST, NULL, "NAME[:k=v,..]",
         "ask this plugin; may be given many times, asked in order", "Plugins"},
        {"plugin-path", 0, CLI_LIST, NULL, "DIR",
         "look for plugins here first; may be given many times", NULL},
        {0}};
    const struct cli_option *row = rows;
    while (row->name && strcmp(row->name, name) != 0)
        row++;
    struct cli_option option = *row;
    option.target = target;
    return option;
}

int replay_options_one_trace(const char *verb, const struct cli_arguments *arguments,
                             struct error *err)
{
    if (arguments->count == 0)
        return error_set(err, EXIT_INPUT, "%s: which trace? 'reprise %s TRACE --target URL'", verb,
                         verb);
    if (arguments->count > 1)
        return error_set(err, EXIT_INPUT, "%s: one trace at a time; '%s' is too many", verb,
                         arguments->items[1]);
    return 0;
}

static int check(const struct raw_options *raw, const struct cli_arguments *arguments,
                 struct replay_options *options, struct error *err)
{
    if (replay_options_one_trace("replay", arguments, err))
        return -1;
    if (!raw->target)
        return error_set(err, EXIT_INPUT,
                         "replay: --target URL is missing: where should the load go?");
    options->trace_path = arguments->items[0];
    options->settings.allowed_targets = raw->allowed_targets;
    if (check_speeds(raw, &options->settings, err) || check_stages(raw, &options->settings, err) ||
        check_plan_size(options->max_plan_bytes, err) ||
        check_numbers(raw, &options->settings, err) ||
        check_share(raw->check_percent, &options->check_share, err) ||
        check_missing(raw->on_missing, &options->settings.on_missing, err) ||
        check_waiting(raw, &options->settings, err) ||
        check_connecting(raw, &options->settings.transport, err) ||
        check_transport(raw, &options->settings, err) ||
        check_timestamps(raw, &options->settings, err))
        return -1;
    if (target_check(raw->target, &raw->allowed_targets, options->target, err))
        return -1;
    /* Through a proxy it is the proxy's address that they have to go with. */
    if (!raw->proxy_url && target_check_sources(options->target, &raw->bind_addresses, err))
        return -1;
    options->settings.transport.speaks_tls =
        bytes_starts_with_nocase(bytes_of(options->target), bytes_of("https:"));
    return 0;
}

int replay_options_parse(int argc, char **argv, struct replay_options *ret_options,
                         enum cli_outcome *ret_outcome, struct error *err)
{
    struct raw_options raw = {
        .pacing = "think",
        .on_missing = "recorded",
        .check_percent = "0",
        .transport = "auto",
        .timestamps = "user",
        .http = "auto",
        .timing = "auto",
        .affinity = "none",
        .scale = 1,
        .speed = 1,
        .users = NOT_GIVEN,
        .duration_us = NOT_GIVEN,
        .seed = 1,
        .workers = 1,
        .max_in_flight = 10000,
        .timeout_us = 60000000,
        .ws_timeout_us = 10000000,
        .grace_us = 30000000,
    };
    struct replay_options options = {.max_plan_bytes = UINT64_C(1) << 30};
    const struct cli_option table[] = {
        {"target", 't', CLI_TEXT, &raw.target, "URL", "where the load goes: http://HOST[:PORT]",
         "Target"},
        replay_option("allow-target", &raw.allowed_targets),
        replay_option("cacert", &raw.ca_path),
        replay_option("insecure", &raw.is_insecure),
        {"transport", 0, CLI_TEXT, &raw.transport, "NAME",
         "native, curl (libcurl), or auto: curl for --proxy, native for all else (auto)", NULL},
        {"http", 0, CLI_TEXT, &raw.http, "VERSION",
         "1.1, 2, or auto: what TLS settles on, 1.1 without TLS (auto)", NULL},
        {"bind", 0, CLI_LIST, &raw.bind_addresses, "ADDRESS",
         "connect from this address; may be given many times, taken in turn", NULL},
        {"proxy", 0, CLI_TEXT, &raw.proxy_url, "URL",
         "reach the target through this proxy: http, https, socks4(a) or socks5(h)", NULL},
        {"scale", 0, CLI_REAL, &raw.scale, "K",
         "each recorded session becomes K, each another user (1)", "Users and time"},
        {"speed", 0, CLI_REAL, &raw.speed, "C", "divide arrival offsets and think times by C (1)",
         NULL},
        {"arrival-speed", 0, CLI_REAL, &raw.arrival_speed, "C",
         "the same for arrivals alone (--speed)", NULL},
        {"think-speed", 0, CLI_REAL, &raw.think_speed, "C",
         "the same for gaps inside sessions alone (--speed)", NULL},
        {"users", 'u', CLI_NUMBER, &raw.users, "N",
         "instead of recorded arrivals: N users, one session after another", NULL},
        {"stage", 0, CLI_LIST, &raw.stages, "TIME:N",
         "go to N users over TIME; may be given many times", NULL},
        {"duration", 'd', CLI_DURATION, &raw.duration_us, "TIME", "start nothing new after TIME",
         NULL},
        {"graceful-stop", 0, CLI_DURATION, &raw.grace_us, "TIME",
         "how long sessions may go on after --duration (30s)", NULL},
        {"pacing", 0, CLI_TEXT, &raw.pacing, "MODE",
         "think (gaps after answers), open (recorded offsets) or max (no gaps)", NULL},
        {"seed", 0, CLI_NUMBER, &raw.seed, "N", "same trace, options and seed: same plan (1)",
         NULL},
        {"on-missing", 0, CLI_TEXT, &raw.on_missing, "WHAT",
         "when no answer gave a value that a request needs: send it as recorded, skip it, or end "
         "the "
         "session (recorded)",
         NULL},
        replay_option("bindings", &options.bindings_path),
        {"data", 0, CLI_TEXT, &options.identities.data_path, "FILE",
         "who the users are: CSV with a header row, or JSON lines; a row for each user",
         "Identities"},
        {"data-mode", 0, CLI_TEXT, &options.identities.mode, "MODE",
         "unique (no row twice), shared (drawn for each session) or round-robin (unique)", NULL},
        replay_option("map", &options.identities.maps),
        {"shared-accounts", 0, CLI_FLAG, &options.identities.shares_accounts, NULL,
         "several users may play one recorded account", NULL},
        {"workers", 'w', CLI_NUMBER, &raw.workers, "N", "threads (1)", "Limits"},
        {"cpu-affinity", 0, CLI_TEXT, &raw.affinity, "LIST",
         "a core for each worker: a list like 0,2-3, auto (the cores in turn), or none (none)",
         NULL},
        {"timing", 0, CLI_TEXT, &raw.timing, "MODE",
         "sleep, precise (spins for the last stretch, takes the core), or auto: precise with "
         "--cpu-affinity (auto)",
         NULL},
        {"max-in-flight", 0, CLI_NUMBER, &raw.max_in_flight, "N",
         "requests under way at once, of all users (10000)", NULL},
        {"timeout", 0, CLI_DURATION, &raw.timeout_us, "TIME", "for one request (60s)", NULL},
        {"ws-timeout", 0, CLI_DURATION, &raw.ws_timeout_us, "TIME",
         "for one recorded WebSocket message from the server (10s)", NULL},
        {"max-plan-size", 0, CLI_SIZE, &options.max_plan_bytes, "SIZE",
         "memory for loaded sessions, bodies included; a larger plan streams (1GiB)", NULL},
        replay_option("plugin", &options.plugins),
        replay_option("plugin-path", &options.plugin_folders),
        {"threshold", 0, CLI_LIST, &options.thresholds, "EXPR",
         "fail (exit 99) unless it holds: 'http_req_response: p(95)<500'", "Results"},
        {"check", 0, CLI_TEXT, &raw.check_percent, "PERCENT",
         "compare this share of the answers with the recorded ones, as verify does (0%)", NULL},
        {"timestamps", 0, CLI_TEXT, &raw.timestamps, "MODE",
         "user, or kernel: the kernel's service time beside ours, on plain TCP (user)", NULL},
        {"strict", 0, CLI_FLAG, &options.is_strict, NULL,
         "exit 111 when the generator, not the target, was the limit", NULL},
        {"run", 'o', CLI_TEXT, &options.run_path, "FILE",
         "the run file (TRACE-TIME.run in the working directory)", NULL},
        {"summary-export", 0, CLI_TEXT, &options.summary_export_path, "FILE",
         "write the summary as JSON in k6's shape", NULL},
        {"json", 0, CLI_FLAG, &options.prints_json, NULL,
         "print the summary as JSON instead of text", NULL},
        {"dry-run", 0, CLI_FLAG, &options.is_dry_run, NULL,
         "print what would be sent and its digest; send nothing", NULL},
        {"verbose", 'v', CLI_FLAG, &options.is_verbose, NULL, "what plugins say, and more", NULL},
        {"quiet", 'q', CLI_FLAG, &options.is_quiet, NULL, "no progress on stderr", NULL},
        {0}};
    const struct cli_verb verb = {
        .name = "replay",
        .summary = "play a trace against a target, scaled to more users and compressed in time",
        .usage = "TRACE --target URL [options]",
        .examples = examples,
        .options = table,
    };
    struct cli_arguments arguments;
    if (cli_parse(&verb, argc, argv, &arguments, ret_outcome, err))
        return -1;
    if (*ret_outcome == CLI_HELP_SHOWN)
        return 0;
    if (check(&raw, &arguments, &options, err))
        return -1;
    *ret_options = options;
    return 0;
}
