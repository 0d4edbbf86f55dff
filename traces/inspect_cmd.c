/* inspect_cmd.c - `reprise inspect TRACE ...`: the command line, and which part shows what. */
#include "traces/inspect_cmd.h"

#include <string.h>

#include "core/cli.h"
#include "traces/inspect.h"

struct options {
    bool is_json;
    uint64_t max_bytes;
    const char *body;
    uint64_t session;
};

/* `inspect TRACE` alone is the overview. */
enum subject {
    OVERVIEW,
    SESSIONS,
    SESSION,
    EXCHANGE,
    MESSAGE,
    ENDPOINTS,
    LEDGER,
    BINDINGS,
    SUBJECT_COUNT
};

static const struct subject_word {
    const char *word;
    bool takes_id;
} subjects[SUBJECT_COUNT] = {
    [OVERVIEW] = {"overview", false}, [SESSIONS] = {"sessions", false},
    [SESSION] = {"session", true},    [EXCHANGE] = {"exchange", true},
    [MESSAGE] = {"message", true},    [ENDPOINTS] = {"endpoints", false},
    [LEDGER] = {"ledger", false},     [BINDINGS] = {"bindings", false},
};

static int parse_subject(const struct cli_arguments *arguments, enum subject *ret_subject,
                         int64_t *ret_id, struct error *err)
{
    const char *word = arguments->count > 1 ? arguments->items[1] : "overview";
    const char *words[SUBJECT_COUNT];
    size_t i = 0;
    uint64_t id = 0;
    while (i < SUBJECT_COUNT && strcmp(word, subjects[i].word) != 0)
        i++;
    if (i == SUBJECT_COUNT) {
        for (i = 0; i < SUBJECT_COUNT; i++)
            words[i] = subjects[i].word;
        const char *nearest = cli_nearest(word, words, SUBJECT_COUNT);
        return error_set(err, EXIT_INPUT,
                         "inspect: '%s' is none of sessions, session N, exchange N, message N, "
                         "endpoints, ledger, bindings%s%s%s",
                         word, nearest ? "; did you mean " : "", nearest ? nearest : "",
                         nearest ? "?" : "");
    }
    size_t wanted = subjects[i].takes_id ? 3 : 2;
    if (arguments->count > wanted)
        return error_set(err, EXIT_INPUT, "inspect: '%s' is one argument too many",
                         arguments->items[wanted]);
    if (subjects[i].takes_id &&
        (arguments->count < 3 || !bytes_to_u64(bytes_of(arguments->items[2]), &id) || id == 0 ||
         id > INT64_MAX))
        return error_set(err, EXIT_INPUT, "inspect: %s needs a number, like '%s 1'", word, word);
    *ret_subject = (enum subject)i;
    *ret_id = (int64_t)id;
    return 0;
}

/* --body says which one: it must be one that the subject has. */
static int show_raw(struct inspect *inspect, enum subject subject, int64_t id, const char *body,
                    struct error *err)
{
    if (subject == EXCHANGE && strcmp(body, "request") == 0)
        return inspect_raw(inspect, INSPECT_REQUEST, id, err);
    if (subject == EXCHANGE && strcmp(body, "response") == 0)
        return inspect_raw(inspect, INSPECT_RESPONSE, id, err);
    if (subject == MESSAGE && strcmp(body, "message") == 0)
        return inspect_raw(inspect, INSPECT_MESSAGE, id, err);
    return error_set(err, EXIT_INPUT,
                     "inspect: --body %s: it is 'exchange N --body request', 'exchange N --body "
                     "response' or 'message N --body message'",
                     body);
}

static int show(struct inspect *inspect, enum subject subject, int64_t id, int64_t session_id,
                struct error *err)
{
    switch (subject) {
    case OVERVIEW:
        return inspect_overview(inspect, err);
    case SESSIONS:
        return inspect_sessions(inspect, err);
    case SESSION:
        return inspect_session(inspect, id, err);
    case EXCHANGE:
        return inspect_exchange(inspect, id, err);
    case MESSAGE:
        return inspect_message(inspect, id, err);
    case ENDPOINTS:
        return inspect_endpoints(inspect, 0, err);
    case LEDGER:
        return inspect_ledger(inspect, err);
    case BINDINGS:
        return inspect_bindings(inspect, session_id, err);
    case SUBJECT_COUNT:
        break;
    }
    return 0;
}

static int run(const struct cli_arguments *arguments, const void *given, struct error *err)
{
    const struct options *options = given;
    struct inspect inspect = {
        .out = stdout, .is_json = options->is_json, .max_bytes = (size_t)options->max_bytes};
    enum subject subject = OVERVIEW;
    int64_t id = 0;
    if (arguments->count == 0)
        return error_set(err, EXIT_INPUT,
                         "inspect: give the trace to look at, like 'reprise inspect shop.trace'");
    if (parse_subject(arguments, &subject, &id, err))
        return -1;
    if (options->session > INT64_MAX || (options->session && subject != BINDINGS))
        return error_set(err, EXIT_INPUT, "inspect: --session N goes with 'bindings'");
    if (trace_reader_open(&inspect.reader, arguments->items[0], err))
        return -1;
    int result = options->body ? show_raw(&inspect, subject, id, options->body, err)
                               : show(&inspect, subject, id, (int64_t)options->session, err);
    trace_reader_close(inspect.reader);
    return result;
}

int inspect_cmd(int argc, char **argv)
{
    struct options options = {.max_bytes = 4096};
    const struct cli_option table[] = {
        {.name = "json",
         .kind = CLI_FLAG,
         .target = &options.is_json,
         .help = "one JSON object a line, field names as in the file"},
        {.name = "max-bytes",
         .kind = CLI_SIZE,
         .target = &options.max_bytes,
         .placeholder = "SIZE",
         .help = "how much of a body is shown (default 4096)"},
        {.name = "session",
         .kind = CLI_NUMBER,
         .target = &options.session,
         .placeholder = "N",
         .help = "of bindings: those of this session, one by one"},
        {.name = "body",
         .kind = CLI_TEXT,
         .target = &options.body,
         .placeholder = "WHICH",
         .help = "write one body as recorded: request, response or message"},
        {0}};
    const struct cli_verb verb = {
        .name = "inspect",
        .summary = "show what a trace holds, and what it lost",
        .usage = "TRACE [sessions | session N | exchange N | message N | endpoints | ledger |\n"
                 "                       bindings]",
        .examples = "  reprise inspect shop.trace\n"
                    "  reprise inspect shop.trace session 3\n"
                    "  reprise inspect shop.trace exchange 17 --body response > answer.wav\n"
                    "  reprise inspect shop.trace sessions --json | jq .identity\n"
                    "  sqlite3 shop.trace 'SELECT * FROM requests LIMIT 10'\n",
        .options = table,
    };
    return cli_run(&verb, argc, argv, run, &options);
}
