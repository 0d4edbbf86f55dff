/* replay_options.c - the command line of `reprise replay`: its table, and what goes with what. */
#include "replay/replay_options.h"

#include <stdio.h>
#include <string.h>

#include "core/units.h"
#include "replay/replay_given.h"

enum {
    MAX_WORKERS = 64,
    SPIN_US = 200 /* a sleeping thread wakes 20 to 60 us late, one time in a hundred 80 to 160 */
};
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

static int check_speeds(const struct replay_given *given, struct replay_settings *settings,
                        struct error *err)
{
    double arrival = given->arrival_speed > 0 ? given->arrival_speed : given->speed;
    double think = given->think_speed > 0 ? given->think_speed : given->speed;
    if (!(arrival > 0) || !(think > 0))
        return error_set(err, EXIT_INPUT, "replay: --speed has to be above 0, like 5 or 0.5");
    settings->pacing.arrival_speed = arrival;
    settings->pacing.think_speed = think;
    if (strcmp(given->pacing, "think") == 0)
        settings->pacing.mode = PACING_THINK;
    else if (strcmp(given->pacing, "open") == 0)
        settings->pacing.mode = PACING_OPEN;
    else if (strcmp(given->pacing, "max") == 0)
        settings->pacing.mode = PACING_MAX;
    else
        return error_set(err, EXIT_INPUT, "replay: --pacing '%s': expected think, open or max",
                         given->pacing);
    return 0;
}

/* Closed model: --users with --duration is one stage of constant users; --stage starts from
 * --users, or 0. */
static int check_stages(const struct replay_given *given, struct replay_settings *settings,
                        struct error *err)
{
    struct stages *stages = &settings->stages;
    bool has_users = given->users != REPLAY_NOT_GIVEN;
    settings->duration_us = given->duration_us == REPLAY_NOT_GIVEN ? 0 : given->duration_us;
    if (!has_users && given->stages.count == 0)
        return 0;
    if (given->scale != 1)
        return error_set(err, EXIT_INPUT,
                         "replay: --scale goes with recorded arrivals, --users and --stage are the "
                         "alternative to them; give one or the other");
    if (given->users == 0 || (has_users && given->users > STAGES_MAX_USERS))
        return error_set(err, EXIT_INPUT, "replay: --users has to be 1 to %d", STAGES_MAX_USERS);
    stages->start_users = has_users ? (uint32_t)given->users : 0;
    for (size_t i = 0; i < given->stages.count; i++) {
        if (stages_add(stages, given->stages.items[i]))
            return error_set(err, EXIT_INPUT,
                             "replay: --stage '%s': expected DURATION:USERS, like 30s:100; at most "
                             "%d of them, and %d users",
                             given->stages.items[i], STAGES_MAX, STAGES_MAX_USERS);
    }
    if (given->stages.count == 0) {
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

static int check_numbers(const struct replay_given *given, struct replay_settings *settings,
                         struct error *err)
{
    if (!(given->scale > 0) || given->scale > MAX_SCALE)
        return error_set(err, EXIT_INPUT, "replay: --scale has to be above 0 and at most %.0f",
                         MAX_SCALE);
    if (given->workers == 0 || given->workers > MAX_WORKERS)
        return error_set(err, EXIT_INPUT, "replay: --workers has to be 1 to %d", MAX_WORKERS);
    if (given->max_in_flight == 0 || given->max_in_flight > UINT32_MAX)
        return error_set(err, EXIT_INPUT, "replay: --max-in-flight has to be 1 to %u", UINT32_MAX);
    if (given->timeout_us < 1000)
        return error_set(err, EXIT_INPUT, "replay: --timeout has to be at least 1ms");
    settings->scale = given->scale;
    settings->seed = given->seed;
    settings->worker_count = (uint32_t)given->workers;
    settings->max_in_flight = (uint32_t)given->max_in_flight;
    settings->grace_us = given->grace_us;
    settings->ws_wait_us = given->ws_timeout_us;
    settings->transport = (struct transport_options){
        .timeout_us = given->timeout_us,
        .max_body_bytes = 64 * 1024 * 1024,
        .max_message_bytes = 64 * 1024 * 1024,
        .verifies_tls = !given->is_insecure,
        .ca_path = given->ca_path,
    };
    return 0;
}

/* How workers wait. `auto` spins only on cores that were given to them. */
static int check_waiting(const struct replay_given *given, struct replay_settings *settings,
                         struct error *err)
{
    cpu_set_t allowed;
    cpu_affinity_allowed(&allowed);
    if (cpu_affinity_parse(given->affinity, &allowed, settings->worker_count, &settings->affinity,
                           err))
        return error_prefix(err, "replay: --cpu-affinity '%s'", given->affinity);
    if (strcmp(given->timing, "precise") == 0)
        settings->spin_us = SPIN_US;
    else if (strcmp(given->timing, "auto") == 0)
        settings->spin_us = settings->affinity.count ? SPIN_US : 0;
    else if (strcmp(given->timing, "sleep") != 0)
        return error_set(err, EXIT_INPUT, "replay: --timing '%s': expected auto, sleep or precise",
                         given->timing);
    return 0;
}

/* Who carries the requests: native by itself wherever it can. What it cannot do and was asked for
 * it says itself, before anything is sent. */
static int check_transport(const struct replay_given *given, struct replay_settings *settings,
                           struct error *err)
{
    const struct transport_options *options = &settings->transport;
    if (strcmp(given->transport, "auto") == 0)
        settings->ops = options->proxy_url ? &transport_curl : &transport_native;
    else if (strcmp(given->transport, transport_curl.name) == 0)
        settings->ops = &transport_curl;
    else if (strcmp(given->transport, transport_native.name) == 0)
        settings->ops = &transport_native;
    else
        return error_set(err, EXIT_INPUT, "replay: --transport '%s': expected auto, native or curl",
                         given->transport);
    /* libcurl 7.88 sends the second request on such a connection as if it were the first. */
    if (settings->ops == &transport_curl && options->http == TRANSPORT_HTTP_2 &&
        bytes_starts_with_nocase(bytes_of(given->target), bytes_of("http:")))
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
static int check_connecting(const struct replay_given *given, struct transport_options *transport,
                            struct error *err)
{
    if (strcmp(given->http, "auto") == 0)
        transport->http = TRANSPORT_HTTP_AUTO;
    else if (strcmp(given->http, "1.1") == 0)
        transport->http = TRANSPORT_HTTP_1_1;
    else if (strcmp(given->http, "2") == 0)
        transport->http = TRANSPORT_HTTP_2;
    else
        return error_set(err, EXIT_INPUT, "replay: --http '%s': expected auto, 1.1 or 2",
                         given->http);
    if (given->proxy_url && !is_proxy(given->proxy_url))
        return error_set(err, EXIT_INPUT,
                         "replay: --proxy '%s': expected [SCHEME://]HOST[:PORT] with http, https, "
                         "socks4, socks4a, socks5 or socks5h",
                         given->proxy_url);
    transport->proxy_url = given->proxy_url;
    transport->bind_addresses = given->bind_addresses;
    return 0;
}

/* Whose clock: ours, or beside it that of the kernel. */
static int check_timestamps(const struct replay_given *given, struct replay_settings *settings,
                            struct error *err)
{
    settings->transport.kernel_timestamps = strcmp(given->timestamps, "kernel") == 0;
    if (!settings->transport.kernel_timestamps && strcmp(given->timestamps, "user") != 0)
        return error_set(err, EXIT_INPUT, "replay: --timestamps '%s': expected user or kernel",
                         given->timestamps);
    if (settings->transport.kernel_timestamps && settings->ops == &transport_curl)
        return error_set(err, EXIT_INPUT,
                         "replay: --timestamps kernel: libcurl has none; add "
                         "--transport native");
    return 0;
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

int replay_given_check(struct replay_given *given, const char *trace_path, struct error *err)
{
    struct replay_options *options = &given->options;
    if (!given->target)
        return error_set(err, EXIT_INPUT,
                         "replay: --target URL is missing: where should the load go?");
    options->trace_path = trace_path;
    options->settings.allowed_targets = given->allowed_targets;
    if (check_speeds(given, &options->settings, err) ||
        check_stages(given, &options->settings, err) ||
        check_plan_size(options->max_plan_bytes, err) ||
        check_numbers(given, &options->settings, err) ||
        check_share(given->check_percent, &options->check_share, err) ||
        check_missing(given->on_missing, &options->settings.on_missing, err) ||
        check_waiting(given, &options->settings, err) ||
        check_connecting(given, &options->settings.transport, err) ||
        check_transport(given, &options->settings, err) ||
        check_timestamps(given, &options->settings, err))
        return -1;
    if (target_check(given->target, &given->allowed_targets, options->target, err))
        return -1;
    /* Through a proxy it is the proxy's address that they have to go with. */
    if (!given->proxy_url && target_check_sources(options->target, &given->bind_addresses, err))
        return -1;
    options->settings.transport.speaks_tls =
        bytes_starts_with_nocase(bytes_of(options->target), bytes_of("https:"));
    return 0;
}

int replay_options_parse(int argc, char **argv, struct replay_options *ret_options,
                         enum cli_outcome *ret_outcome, struct error *err)
{
    struct replay_given given;
    struct cli_option table[REPLAY_OPTION_COUNT + 1];
    replay_given_init(&given);
    replay_given_rows(&given, table);
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
    if (replay_options_one_trace("replay", &arguments, err) ||
        replay_given_check(&given, arguments.items[0], err))
        return -1;
    *ret_options = given.options;
    return 0;
}
