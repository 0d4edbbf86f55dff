/* replay_given.c - the rows of a replay's options, and what holds where none was given. */
#include "replay/replay_given.h"

#include <assert.h>
#include <string.h>

#define AT(member) offsetof(struct replay_given, member)

static const struct row {
    struct cli_option option; /* without its target, ... */
    size_t at;                /* ... which is there in a struct replay_given */
} rows[] = {
    {{"target", 't', CLI_TEXT, NULL, "URL", "where requests go: http://HOST[:PORT]", "Target"},
     AT(target)},
    {{"allow-target", 0, CLI_LIST, NULL, "HOST",
      "a target that is not this machine has to be named here too", NULL},
     AT(allowed_targets)},
    {{"cacert", 0, CLI_TEXT, NULL, "FILE", "trust these certificates (PEM) instead of the system's",
      NULL},
     AT(ca_path)},
    {{"insecure", 'k', CLI_FLAG, NULL, NULL, "accept any TLS certificate of the target", NULL},
     AT(is_insecure)},
    {{"transport", 0, CLI_TEXT, NULL, "NAME",
      "native, curl (libcurl), or auto: curl for --proxy, native for all else (auto)", NULL},
     AT(transport)},
    {{"http", 0, CLI_TEXT, NULL, "VERSION",
      "1.1, 2, or auto: what TLS settles on, 1.1 without TLS (auto)", NULL},
     AT(http)},
    {{"bind", 0, CLI_LIST, NULL, "ADDRESS",
      "connect from this address; may be given many times, taken in turn", NULL},
     AT(bind_addresses)},
    {{"proxy", 0, CLI_TEXT, NULL, "URL",
      "reach the target through this proxy: http, https, socks4(a) or socks5(h)", NULL},
     AT(proxy_url)},
    {{"scale", 0, CLI_REAL, NULL, "K", "each recorded session becomes K, each another user (1)",
      "Users and time"},
     AT(scale)},
    {{"speed", 0, CLI_REAL, NULL, "C", "divide arrival offsets and think times by C (1)", NULL},
     AT(speed)},
    {{"arrival-speed", 0, CLI_REAL, NULL, "C", "the same for arrivals alone (--speed)", NULL},
     AT(arrival_speed)},
    {{"think-speed", 0, CLI_REAL, NULL, "C", "the same for gaps inside sessions alone (--speed)",
      NULL},
     AT(think_speed)},
    {{"users", 'u', CLI_NUMBER, NULL, "N",
      "instead of recorded arrivals: N users, one session after another", NULL},
     AT(users)},
    {{"stage", 0, CLI_LIST, NULL, "TIME:N", "go to N users over TIME; may be given many times",
      NULL},
     AT(stages)},
    {{"duration", 'd', CLI_DURATION, NULL, "TIME", "start nothing new after TIME", NULL},
     AT(duration_us)},
    {{"graceful-stop", 0, CLI_DURATION, NULL, "TIME",
      "how long sessions may go on after --duration (30s)", NULL},
     AT(grace_us)},
    {{"pacing", 0, CLI_TEXT, NULL, "MODE",
      "think (gaps after answers), open (recorded offsets) or max (no gaps)", NULL},
     AT(pacing)},
    {{"seed", 0, CLI_NUMBER, NULL, "N",
      "same trace, options and seed: same plan, and the same ids and addresses made anew (1)",
      NULL},
     AT(seed)},
    {{"on-missing", 0, CLI_TEXT, NULL, "WHAT",
      "when no answer gave a value that a request needs: send it as recorded, skip it, or end "
      "the "
      "session (recorded)",
      NULL},
     AT(on_missing)},
    {{"bindings", 0, CLI_TEXT, NULL, "FILE",
      "these bindings (YAML, see 'reprise bind') over the trace's own, for this run alone", NULL},
     AT(options.bindings_path)},
    {{"data", 0, CLI_TEXT, NULL, "FILE",
      "who the users are: CSV with a header row, or JSON lines; a row for each user", "Identities"},
     AT(options.identities.data_path)},
    {{"data-mode", 0, CLI_TEXT, NULL, "MODE",
      "unique (no row twice), shared (drawn for each session) or round-robin (unique)", NULL},
     AT(options.identities.mode)},
    {{"map", 0, CLI_LIST, NULL, "COLUMN=TEXT",
      "the column goes where requests carry this recorded text; may be given many times", NULL},
     AT(options.identities.maps)},
    {{"shared-accounts", 0, CLI_FLAG, NULL, NULL, "several users may play one recorded account",
      NULL},
     AT(options.identities.shares_accounts)},
    {{"workers", 'w', CLI_NUMBER, NULL, "N", "threads (1)", "Limits"}, AT(workers)},
    {{"cpu-affinity", 0, CLI_TEXT, NULL, "LIST",
      "a core for each worker: a list like 0,2-3, auto (the cores in turn), or none (none)", NULL},
     AT(affinity)},
    {{"timing", 0, CLI_TEXT, NULL, "MODE",
      "sleep, precise (spins for the last stretch, takes the core), or auto: precise with "
      "--cpu-affinity (auto)",
      NULL},
     AT(timing)},
    {{"max-in-flight", 0, CLI_NUMBER, NULL, "N", "requests under way at once, of all users (10000)",
      NULL},
     AT(max_in_flight)},
    {{"timeout", 0, CLI_DURATION, NULL, "TIME", "for one request (60s)", NULL}, AT(timeout_us)},
    {{"ws-timeout", 0, CLI_DURATION, NULL, "TIME",
      "for one recorded WebSocket message from the server (10s)", NULL},
     AT(ws_timeout_us)},
    {{"max-plan-size", 0, CLI_SIZE, NULL, "SIZE",
      "memory for loaded sessions, bodies included; a larger plan streams (1GiB)", NULL},
     AT(options.max_plan_bytes)},
    {{"plugin", 'p', CLI_LIST, NULL, "NAME[:k=v,..]",
      "ask this plugin; may be given many times, asked in order", "Plugins"},
     AT(options.plugins)},
    {{"plugin-path", 0, CLI_LIST, NULL, "DIR",
      "look for plugins here first; may be given many times", NULL},
     AT(options.plugin_folders)},
    {{"plugin-timeout", 0, CLI_DURATION, NULL, "TIME",
      "give up when a plugin stays inside one callback so long; 0s: wait for it (10s)", NULL},
     AT(options.settings.plugin_timeout_us)},
    {{"threshold", 0, CLI_LIST, NULL, "EXPR",
      "fail (exit 99) unless it holds: 'http_req_response: p(95)<500'", "Results"},
     AT(options.thresholds)},
    {{"check", 0, CLI_TEXT, NULL, "PERCENT",
      "compare this share of the answers with the recorded ones, as verify does (0%)", NULL},
     AT(check_percent)},
    {{"timestamps", 0, CLI_TEXT, NULL, "MODE",
      "user, or kernel: the kernel's service time beside ours, on plain TCP (user)", NULL},
     AT(timestamps)},
    {{"strict", 0, CLI_FLAG, NULL, NULL,
      "exit 111 when the generator, not the target, was the limit", NULL},
     AT(options.is_strict)},
    {{"run", 'o', CLI_TEXT, NULL, "FILE", "the run file (TRACE-TIME.run in the working directory)",
      NULL},
     AT(options.run_path)},
    {{"summary-export", 0, CLI_TEXT, NULL, "FILE", "write the summary as JSON in k6's shape", NULL},
     AT(options.summary_export_path)},
    {{"json", 0, CLI_FLAG, NULL, NULL, "print the summary as JSON instead of text", NULL},
     AT(options.prints_json)},
    {{"dry-run", 0, CLI_FLAG, NULL, NULL, "print what would be sent and its digest; send nothing",
      NULL},
     AT(options.is_dry_run)},
    {{"verbose", 'v', CLI_FLAG, NULL, NULL, "what plugins say, and more", NULL},
     AT(options.is_verbose)},
    {{"quiet", 'q', CLI_FLAG, NULL, NULL, "no progress on stderr", NULL}, AT(options.is_quiet)},
};

static_assert(sizeof rows / sizeof rows[0] == REPLAY_OPTION_COUNT, "the header says how many");

void replay_given_init(struct replay_given *given)
{
    *given = (struct replay_given){
        .options = {.max_plan_bytes = UINT64_C(1) << 30, .settings.plugin_timeout_us = 10000000},
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
        .users = REPLAY_NOT_GIVEN,
        .duration_us = REPLAY_NOT_GIVEN,
        .seed = 1,
        .workers = 1,
        .max_in_flight = 10000,
        .timeout_us = 60000000,
        .ws_timeout_us = 10000000,
        .grace_us = 30000000,
    };
}

static struct cli_option option_of(const struct row *row, struct replay_given *given)
{
    struct cli_option option = row->option;
    option.target = (char *)given + row->at;
    return option;
}

void replay_given_rows(struct replay_given *given, struct cli_option out[REPLAY_OPTION_COUNT + 1])
{
    for (size_t i = 0; i < REPLAY_OPTION_COUNT; i++)
        out[i] = option_of(&rows[i], given);
    out[REPLAY_OPTION_COUNT] = (struct cli_option){0};
}

struct cli_option replay_given_row(const char *name, const char *group, struct replay_given *given)
{
    const struct row *row = rows;
    while (strcmp(row->option.name, name) != 0) {
        row++;
        assert(row < rows + REPLAY_OPTION_COUNT);
    }
    struct cli_option option = option_of(row, given);
    option.group = group;
    return option;
}
