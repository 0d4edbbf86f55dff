/* options.c - the command line: a table of options that also makes the help. */
#include "tests/voicelab/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { STRING, COUNT, DURATION, BYTES, SHARE, RATE, SWITCH };

struct option_row {
    const char *name;
    const char *argument;
    enum kind kind;
    size_t offset;
    const char *fallback; /* NULL: zero, or no string */
    const char *help;
};

#define FIELD(f) offsetof(struct options, f)

static const struct option_row rows[] = {
    {"bind", "ADDRESS", STRING, FIELD(bind_address), "127.0.0.1", "address to listen on"},
    {"port", "N", COUNT, FIELD(port), "8080", "port to listen on; 0 picks a free one"},
    {"threads", "N", COUNT, FIELD(threads), "4", "threads that serve HTTP"},
    {"max-connections", "N", COUNT, FIELD(max_connections), "16384", "connections at a time"},
    {"idle-timeout", "TIME", DURATION, FIELD(idle_timeout_us), "75s", "close silent connections"},

    {"access-ttl", "TIME", DURATION, FIELD(access_ttl_us), "15m", "life of an access token"},
    {"refresh-ttl", "TIME", DURATION, FIELD(refresh_ttl_us), "7d", "life of a refresh token"},
    {"admin-ttl", "TIME", DURATION, FIELD(admin_ttl_us), "1h", "life of an admin token"},
    {"secret", "TEXT", STRING, FIELD(secret), NULL, "key of access tokens (default: random)"},
    {"admin-password", "TEXT", STRING, FIELD(admin_password), "admin-demo", "for /admin/login"},
    {"api-key", "KEY", STRING, FIELD(api_key), NULL, "an API key that exists from the start"},

    {"store", "FILE", STRING, FIELD(store_path), NULL, "keep accounts and data in FILE"},
    {"access-log", "FILE", STRING, FIELD(access_log), NULL, "one line a request"},
    {"job-log", "FILE", STRING, FIELD(job_log), NULL, "one line a finished job"},
    {"save-uploads", "DIR", STRING, FIELD(save_uploads), NULL, "keep accepted audio in DIR"},

    {"max-upload", "BYTES", BYTES, FIELD(max_upload_bytes), "10M", "larger bodies get 413"},
    {"refuse-duplicates", NULL, SWITCH, FIELD(refuse_duplicates), NULL,
     "audio uploaded before gets 409"},
    {"wordlike-ids", NULL, SWITCH, FIELD(has_wordlike_ids), NULL,
     "voices have ids that can be said, as random ones now and then"},

    {"job-workers", "N", COUNT, FIELD(job_workers), "2", "jobs processed at a time"},
    {"job-queue", "N", COUNT, FIELD(job_queue), "20", "jobs waiting; beyond that 503"},
    {"job-time", "TIME", DURATION, FIELD(job_time_us), "250ms", "how long a job takes"},
    {"job-jitter", "TIME", DURATION, FIELD(job_jitter_us), "100ms", "up to so much more"},
    {"job-fail-rate", "SHARE", SHARE, FIELD(job_fail_rate), "0", "jobs that end as failed"},

    {"limit-address", "RATE", RATE, FIELD(address_limit), "off", "requests per address, then 429"},
    {"limit-user", "RATE", RATE, FIELD(user_limit), "off", "requests per user, then 429"},
    {"limit-signup", "RATE", RATE, FIELD(signup_limit), "off", "signups per address, then 429"},

    {"latency", "TIME", DURATION, FIELD(latency_us), "0", "delay of every answer"},
    {"jitter", "TIME", DURATION, FIELD(jitter_us), "0", "up to so much more"},
    {"fail-rate", "SHARE", SHARE, FIELD(fail_rate), "0", "answers that are 500 instead"},
    {"leak", "BYTES", BYTES, FIELD(leak_bytes), "0", "memory kept per request until the end"},
    {"seed", "N", COUNT, FIELD(seed), "1", "of jitter and failures"},
};

#define ROWS (sizeof rows / sizeof rows[0])

static void print_help(void)
{
    puts("voicelab: a voice and AI back end to test against, strict with its clients\n\n"
         "Usage: voicelab [options]\n");
    for (size_t i = 0; i < ROWS; i++) {
        char left[40];
        const struct option_row *row = &rows[i];
        snprintf(left, sizeof left, "--%s %s", row->name, row->argument ? row->argument : "");
        printf("  %-26s %s", left, row->help);
        printf(row->fallback ? " (%s)\n" : "\n", row->fallback ? row->fallback : "");
    }
    puts("\nTIME is 250ms, 5s, 15m, 1h or 7d; BYTES is 512, 64k or 10M; SHARE is 5% or 0.05;\n"
         "RATE is 20/s, 100/m, 3/h or off. /health and /metrics are never limited, delayed or "
         "failed.\n\n"
         "Examples:\n"
         "  voicelab --port 0                       a free port, printed when it is ready\n"
         "  voicelab --access-ttl 5s --refuse-duplicates --job-workers 2 --job-queue 20\n"
         "  voicelab --latency 50ms --jitter 20ms --fail-rate 1%\n"
         "  voicelab --limit-address 50/s --limit-signup 3/h --access-log /tmp/access.log\n"
         "  curl -s http://127.0.0.1:8080/metrics   what it saw");
}

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit time_units[] = {{"us", 1},       {"ms", 1000},       {"s", 1000000},
                                         {"m", 60000000}, {"h", 3600000000u}, {"d", 86400000000u},
                                         {NULL, 0}};
static const struct unit byte_units[] = {
    {"", 1}, {"k", 1024}, {"M", 1048576}, {"G", 1073741824}, {NULL, 0}};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};
static const struct unit periods[] = {
    {"s", 1000000}, {"m", 60000000}, {"h", 3600000000u}, {NULL, 0}};

static int parse_number(const char *text, const struct unit *units, uint64_t *ret_value)
{
    char *end;

    if (*text < '0' || *text > '9')
        return -1;
    errno = 0;
    double value = strtod(text, &end);
    if (errno || value > 9e12)
        return -1;
    if (value == 0 && *end == '\0') {
        *ret_value = 0; /* nothing of any unit */
        return 0;
    }
    for (; units->name; units++) {
        if (strcmp(end, units->name) != 0)
            continue;
        value *= (double)units->factor;
        if (value > 9e18)
            return -1;
        *ret_value = (uint64_t)value;
        return 0;
    }
    return -1;
}

static int parse_share(const char *text, double *ret_share)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text)
        return -1;
    if (strcmp(end, "%") == 0)
        value /= 100;
    else if (*end)
        return -1;
    if (!(value >= 0 && value <= 1))
        return -1;
    *ret_share = value;
    return 0;
}

static int parse_rate(const char *text, struct rate *ret_rate)
{
    char count[24];
    const char *slash = strchr(text, '/');

    if (strcmp(text, "off") == 0) {
        *ret_rate = (struct rate){0};
        return 0;
    }
    if (!slash || (size_t)(slash - text) >= sizeof count)
        return -1;
    snprintf(count, sizeof count, "%.*s", (int)(slash - text), text);
    if (parse_number(count, no_units, &ret_rate->count) || ret_rate->count == 0)
        return -1;
    for (const struct unit *unit = periods; unit->name; unit++) {
        if (strcmp(slash + 1, unit->name) == 0) {
            ret_rate->period_us = unit->factor;
            return 0;
        }
    }
    return -1;
}

static int set(struct options *options, const struct option_row *row, const char *text)
{
    void *field = (char *)options + row->offset;

    switch (row->kind) {
    case STRING:
        *(const char **)field = text;
        return 0;
    case COUNT:
        return parse_number(text, no_units, field);
    case DURATION:
        return parse_number(text, time_units, field);
    case BYTES:
        return parse_number(text, byte_units, field);
    case SHARE:
        return parse_share(text, field);
    case RATE:
        return parse_rate(text, field);
    case SWITCH:
        *(bool *)field = true;
        return 0;
    }
    return -1;
}

static const struct option_row *find(const char *name, size_t len)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
            return &rows[i];
    return NULL;
}

/* `--name value` or `--name=value`. Returns how many words were used, -1 when said on stderr. */
static int take(struct options *options, char **words)
{
    const char *word = words[0];
    const char *equals = strchr(word, '=');
    const struct option_row *row = NULL;

    if (strncmp(word, "--", 2) == 0)
        row = find(word + 2, equals ? (size_t)(equals - word - 2) : strlen(word + 2));
    if (!row) {
        fprintf(stderr, "voicelab: %s: no such option; 'voicelab --help' lists them\n", word);
        return -1;
    }
    if (!row->argument) {
        set(options, row, "");
        return 1;
    }
    const char *value = equals ? equals + 1 : words[1];
    if (!value) {
        fprintf(stderr, "voicelab: --%s: a value is missing; give %s\n", row->name, row->argument);
        return -1;
    }
    if (set(options, row, value)) {
        fprintf(stderr, "voicelab: --%s: '%s' is not a valid %s; see 'voicelab --help'\n",
                row->name, value, row->argument);
        return -1;
    }
    return equals ? 1 : 2;
}

static int check(const struct options *options)
{
    const char *wrong = NULL;

    if (options->port > 65535)
        wrong = "--port: must be 0 to 65535";
    else if (options->threads < 1 || options->threads > 64)
        wrong = "--threads: must be 1 to 64";
    else if (options->max_connections < options->threads)
        wrong = "--max-connections: must be at least --threads";
    else if (options->job_workers < 1 || options->job_workers > 256)
        wrong = "--job-workers: must be 1 to 256";
    else if (options->job_queue < 1 || options->job_queue > 100000)
        wrong = "--job-queue: must be 1 to 100000";
    else if (options->secret && strlen(options->secret) < 8)
        wrong = "--secret: must have 8 characters or more";
    if (wrong)
        fprintf(stderr, "voicelab: %s\n", wrong);
    return wrong ? -1 : 0;
}

int options_parse(struct options *options, int argc, char **argv)
{
    memset(options, 0, sizeof *options);
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].fallback)
            set(options, &rows[i], rows[i].fallback);

    for (int i = 1; i < argc;) {
        if (strcmp(argv[i], "--help") == 0) {
            print_help();
            return 1;
        }
        int used = take(options, &argv[i]);
        if (used < 0)
            return -1;
        i += used;
    }
    return check(options);
}
