/* bind_cmd.c - `reprise bind TRACE ...`: the command line, and what each word does. */
#include "traces/correlate/bind_cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/cli.h"
#include "traces/correlate/bind_add.h"
#include "traces/correlate/bind_rows.h"
#include "traces/correlate/binding_file.h"
#include "traces/correlate/binding_import.h"
#include "traces/correlate/binding_list.h"
#include "traces/correlate/binding_store.h"
#include "traces/correlate/value_match.h"

struct options {
    struct bind_add add;
    const char *state; /* NULL: not given */
    bool is_json;
};

/* What every word is called with: arguments[0] is the trace, [1] the word. */
struct bind {
    const char *trace;
    const struct cli_arguments *arguments;
    const struct options *options;
};

static int check_state(const char *state, struct error *err)
{
    if (!state || strcmp(state, "on") == 0 || strcmp(state, "off") == 0)
        return 0;
    return error_set(err, EXIT_INPUT, "bind: --state %.60s: it is on or off", state);
}

static int list(const struct bind *bind, struct error *err)
{
    struct trace_reader *reader = NULL;
    if (trace_reader_open(&reader, bind->trace, err))
        return -1;
    int result = binding_list(reader, bind->options->is_json, stdout, err);
    trace_reader_close(reader);
    return result;
}

static int add(const struct bind *bind, struct error *err)
{
    struct bind_add adding = bind->options->add;
    adding.trace = bind->trace;
    adding.state = bind->options->state ? bind->options->state : "on";
    if (!adding.born || !adding.used)
        return error_set(err, EXIT_INPUT,
                         "bind: add needs both ends, like --born '4 body:/id' --used '5 path:2'");
    return bind_add(&adding, stdout, err);
}

/* --- rows by id --------------------------------------------------------------------------- */

static int drop_row(struct binding_store *store, const struct bind *bind, int64_t id,
                    struct error *err)
{
    (void)bind;
    return binding_store_drop(store, id, err);
}

static int set_row(struct binding_store *store, const struct bind *bind, int64_t id,
                   struct error *err)
{
    const struct options *options = bind->options;
    struct trace_binding binding;
    int found = binding_store_get(store, id, &binding, err);
    if (found != 1)
        return found;
    if (options->state)
        binding.state = bytes_of(options->state);
    if (options->add.form)
        binding.form = bytes_of(options->add.form);
    if (strcmp(options->add.note, "by hand") != 0)
        binding.evidence = bytes_of(options->add.note);
    return binding_store_change(store, &binding, err) ? -1 : 1;
}

typedef int (*row_fn)(struct binding_store *store, const struct bind *bind, int64_t id,
                      struct error *err);

static int find_rows(const struct bind *bind, const char *word, struct bind_rows *rows,
                     struct error *err)
{
    const struct cli_arguments *arguments = bind->arguments;
    const struct bind_add *ends = &bind->options->add;
    if (arguments->count > 2 && (ends->born || ends->used))
        return error_set(err, EXIT_INPUT,
                         "bind: %s takes numbers of bindings, or --born and --used", word);
    if (ends->born || ends->used)
        return bind_rows_find(rows, bind->trace, ends->born, ends->used, err);
    for (size_t i = 2; i < arguments->count; i++) {
        if (bind_rows_add(rows, arguments->items[i], err))
            return -1;
    }
    if (rows->count)
        return 0;
    return error_set(err, EXIT_INPUT,
                     "bind: %s needs the number of a binding, like '%s 12', or its ends; 'reprise "
                     "bind TRACE list' has them",
                     word, word);
}

static int change_rows(const struct bind *bind, const struct bind_rows *rows, row_fn change,
                       struct error *err)
{
    struct binding_store *store = NULL;
    int result = binding_store_open(&store, bind->trace, err) || binding_store_begin(store, err);
    for (size_t i = 0; i < rows->count && result == 0; i++) {
        int found = change(store, bind, rows->ids[i], err);
        if (found == 0)
            error_set(err, EXIT_INPUT,
                      "bind: there is no binding %lld; 'reprise bind TRACE list' has them",
                      (long long)rows->ids[i]);
        result = found == 1 ? 0 : -1;
    }
    if (result == 0)
        result = binding_store_commit(store, err);
    binding_store_close(store);
    return result ? -1 : 0;
}

/* All of them, or none. */
static int for_each_row(const struct bind *bind, const char *word, row_fn change, struct error *err)
{
    struct bind_rows rows = {0};
    int result = find_rows(bind, word, &rows, err) || change_rows(bind, &rows, change, err);
    if (result == 0)
        printf("%zu bindings %s\n", rows.count, change == drop_row ? "dropped" : "changed");
    bind_rows_fini(&rows);
    return result ? -1 : 0;
}

static int drop(const struct bind *bind, struct error *err)
{
    return for_each_row(bind, "drop", drop_row, err);
}

static int set(const struct bind *bind, struct error *err)
{
    const struct options *options = bind->options;
    if (!options->state && !options->add.form && strcmp(options->add.note, "by hand") == 0)
        return error_set(err, EXIT_INPUT,
                         "bind: set what? --state on|off, --form FORM or --note TEXT");
    if (options->add.form && !value_form_is_known(bytes_of(options->add.form)))
        return error_set(err, EXIT_INPUT, "bind: --form %.60s: there are " VALUE_FORM_WORDS,
                         options->add.form);
    return for_each_row(bind, "set", set_row, err);
}

/* --- files -------------------------------------------------------------------------------- */

static int file_argument(const struct bind *bind, const char *word, const char **ret_path,
                         struct error *err)
{
    if (bind->arguments->count != 3)
        return error_set(err, EXIT_INPUT, "bind: %s takes one file, like '%s shop.yaml'", word,
                         word);
    *ret_path = bind->arguments->items[2];
    return 0;
}

static int collect_rules(const char *trace, struct binding_rules *rules, struct error *err)
{
    struct trace_reader *reader = NULL;
    struct trace_binding_rule from;
    int more;
    if (trace_reader_open(&reader, trace, err))
        return -1;
    int result = trace_reader_start_binding_rules(reader, err);
    while (result == 0 && (more = trace_reader_next_binding_rule(reader, &from, err)) != 0) {
        if (more < 0) {
            result = -1;
            break;
        }
        const struct binding_rule rule = {.born_endpoint = from.born_endpoint,
                                          .born_place = from.born_place,
                                          .used_endpoint = from.used_endpoint,
                                          .used_place = from.used_place,
                                          .form = from.form,
                                          .state = bytes_of(from.is_on ? "on" : "off")};
        result = binding_rules_add(rules, &rule, err);
    }
    trace_reader_close(reader);
    return result;
}

static int write_file(const char *path, struct bytes text, struct error *err)
{
    bool is_stdout = strcmp(path, "-") == 0;
    FILE *file = is_stdout ? stdout : fopen(path, "wbe");
    if (!file)
        return error_set(err, EXIT_INPUT, "%s: cannot be written: %s", path, strerror(errno));
    bool has_failed = fwrite(text.ptr, 1, text.len, file) != text.len || fflush(file) != 0;
    int code = errno;
    if (!is_stdout && fclose(file) != 0)
        has_failed = true;
    return has_failed ? error_set(err, EXIT_TOOL, "%s: cannot be written: %s", path, strerror(code))
                      : 0;
}

static int export_file(const struct bind *bind, struct error *err)
{
    struct binding_rules rules;
    struct buf text = BUF_INIT(BINDING_FILE_MAX_BYTES);
    const char *path = NULL;
    size_t left_out = 0;
    if (file_argument(bind, "export", &path, err))
        return -1;
    binding_rules_init(&rules);
    int result = collect_rules(bind->trace, &rules, err) ||
                         binding_file_format(&rules, &text, &left_out, err) ||
                         write_file(path, buf_bytes(&text), err)
                     ? -1
                     : 0;
    if (result == 0)
        fprintf(stderr, "%zu bindings between endpoints written\n", rules.count - left_out);
    if (result == 0 && left_out)
        fprintf(stderr, "%zu left out: YAML cannot hold their places, which are no UTF-8\n",
                left_out);
    buf_fini(&text);
    binding_rules_fini(&rules);
    return result;
}

static int import_file(const struct bind *bind, struct error *err)
{
    const char *path = NULL;
    if (file_argument(bind, "import", &path, err))
        return -1;
    return binding_import(bind->trace, path, bind->options->add.note, stdout, err);
}

/* --- the command line --------------------------------------------------------------------- */

static const struct word {
    const char *word;
    int (*run)(const struct bind *bind, struct error *err);
} words[] = {
    {"list", list},          {"add", add}, {"set", set}, {"drop", drop}, {"export", export_file},
    {"import", import_file},
};

enum { WORD_COUNT = sizeof words / sizeof words[0] };

static int run(const struct cli_arguments *arguments, const void *given, struct error *err)
{
    const struct options *options = given;
    if (arguments->count == 0)
        return error_set(err, EXIT_INPUT,
                         "bind: give a trace and what to do, like 'reprise bind shop.trace list'");
    const struct bind bind = {
        .trace = arguments->items[0], .arguments = arguments, .options = options};
    const char *word = arguments->count > 1 ? arguments->items[1] : "list";
    const char *names[WORD_COUNT];
    if (check_state(options->state, err))
        return -1;
    for (size_t i = 0; i < WORD_COUNT; i++) {
        names[i] = words[i].word;
        if (strcmp(word, words[i].word) != 0)
            continue;
        if (i < 2 && arguments->count > 2)
            return error_set(err, EXIT_INPUT, "bind: '%.60s' is one argument too many",
                             arguments->items[2]);
        return words[i].run(&bind, err);
    }
    const char *nearest = cli_nearest(word, names, WORD_COUNT);
    return error_set(err, EXIT_INPUT,
                     "bind: '%.60s' is none of list, add, set, drop, export, import%s%s%s", word,
                     nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

int bind_cmd(int argc, char **argv)
{
    struct options options = {.add = {.note = "by hand"}};
    const struct cli_option table[] = {
        {.name = "born",
         .kind = CLI_TEXT,
         .target = &options.add.born,
         .placeholder = "'N PLACE'",
         .help = "the exchange (or endpoint) whose answer has the value, and where in it",
         .group = "add, set and drop"},
        {.name = "used",
         .kind = CLI_TEXT,
         .target = &options.add.used,
         .placeholder = "'N PLACE'",
         .help = "the exchange (or endpoint) whose request carries it, and where"},
        {.name = "every-session",
         .kind = CLI_FLAG,
         .target = &options.add.every_session,
         .help = "add: the same between these two endpoints in every session where it fits"},
        {.name = "form",
         .kind = CLI_TEXT,
         .target = &options.add.form,
         .placeholder = "FORM",
         .help =
             "add, set: how the request writes it: " VALUE_FORM_WORDS " (add finds out by itself)"},
        {.name = "state",
         .kind = CLI_TEXT,
         .target = &options.state,
         .placeholder = "on|off",
         .help = "add, set: used at replay, or kept and not used (default on)"},
        {.name = "note",
         .kind = CLI_TEXT,
         .target = &options.add.note,
         .placeholder = "TEXT",
         .help = "add, set, import: why, for people (default 'by hand')"},
        {.name = "json",
         .kind = CLI_FLAG,
         .target = &options.is_json,
         .help = "list: one JSON object a line",
         .group = "list"},
        {0}};
    const struct cli_verb verb = {
        .name = "bind",
        .summary = "say which values of a trace's requests come from which of its answers",
        .usage = "TRACE [list | add --born 'N PLACE' --used 'N PLACE' | set ID... | drop ID... | "
                 "export FILE | import FILE]",
        .examples =
            "  reprise bind shop.trace list\n"
            "  reprise bind shop.trace add --born '2 body:/access_token' "
            "--used '5 header:Authorization'\n"
            "  reprise bind shop.trace add --born '4 header:Location > path:2' --used '5 path:2' "
            "--every-session\n"
            "  reprise bind shop.trace add --born 'POST /jobs body:/items/*/id' "
            "--used 'GET /jobs/{id} path:2'\n"
            "  reprise bind shop.trace set 12 13 --state off\n"
            "  reprise bind shop.trace set --used 'GET /live ws:* > body:/id' --state off\n"
            "  reprise bind shop.trace export shop.yaml\n"
            "  reprise bind tuesday.trace import shop.yaml\n"
            "\n"
            "What 'list' and 'inspect TRACE bindings' print of an end can be given back: a '*' is "
            "any number,\nan endpoint all its exchanges, with or without \"as FORM\" behind "
            "it.\n"
            "\n"
            "A bindings file names endpoints instead of exchanges; 'reprise inspect TRACE "
            "endpoints' lists them:\n"
            "  version: 1\n"
            "  bindings:\n"
            "  - born: {endpoint: POST /auth/login, place: 'body:/access_token'}\n"
            "    used: {endpoint: GET /me, place: 'header:Authorization'}\n"
            "\n"
            "What was added, set or imported stays when 'reprise correlate' is run again; what it "
            "found and was dropped it finds again: 'set ID --state off' is for that.\n",
        .options = table,
    };
    return cli_run(&verb, argc, argv, run, &options);
}
