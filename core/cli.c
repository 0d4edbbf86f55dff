/* cli.c - parses a verb's options by its table and prints its help from the same table. */
#include "core/cli.h"

#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/units.h"

enum { MAX_NEAREST_BYTES = 40, MAX_NAMES = 128, HELP_COLUMN = 30 };

static size_t edit_distance(const char *a, const char *b)
{
    size_t row[MAX_NEAREST_BYTES + 1];
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len > MAX_NEAREST_BYTES || b_len > MAX_NEAREST_BYTES)
        return SIZE_MAX;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            size_t shorter = row[j - 1] < row[j] ? row[j - 1] : row[j];
            diagonal = row[j];
            row[j] = replaced < shorter + 1 ? replaced : shorter + 1;
        }
    }
    return row[b_len];
}

const char *cli_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t least = strlen(word) / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = edit_distance(word, candidates[i]);
        if (distance <= least && (!nearest || distance < least)) {
            least = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}

static const struct cli_option *find_long(const struct cli_verb *verb, struct bytes name)
{
    for (const struct cli_option *option = verb->options; option->name; option++) {
        if (bytes_equal(bytes_of(option->name), name))
            return option;
    }
    return NULL;
}

static const struct cli_option *find_short(const struct cli_verb *verb, char name)
{
    for (const struct cli_option *option = verb->options; option->name; option++) {
        if (name && option->short_name == name)
            return option;
    }
    return NULL;
}

/* The option that a mistyped long name is nearest to; of the flags alone after "no-". */
static const char *nearest_option(const struct cli_verb *verb, const char *word, bool is_off)
{
    const char *names[MAX_NAMES];
    size_t count = 0;
    for (const struct cli_option *option = verb->options; option->name; option++) {
        if (count < MAX_NAMES && (!is_off || option->kind == CLI_FLAG))
            names[count++] = option->name;
    }
    return *word ? cli_nearest(word, names, count) : NULL;
}

static int unknown_option(const struct cli_verb *verb, const char *argument, struct error *err)
{
    char word[MAX_NEAREST_BYTES + 1] = "";
    bool is_off = strncmp(argument, "--no-", 5) == 0;
    size_t skipped = is_off ? 5 : 2;
    if (argument[1] == '-' && strcspn(argument + skipped, "=") <= MAX_NEAREST_BYTES)
        memcpy(word, argument + skipped, strcspn(argument + skipped, "="));
    const char *nearest = nearest_option(verb, word, is_off);
    if (nearest)
        return error_set(err, EXIT_INPUT, "%s: unknown option %s; did you mean --%s%s?", verb->name,
                         argument, is_off ? "no-" : "", nearest);
    return error_set(err, EXIT_INPUT, "%s: unknown option %s; 'reprise %s --help' lists them",
                     verb->name, argument, verb->name);
}

static int bad_value(const struct cli_verb *verb, const struct cli_option *option,
                     const char *value, const char *wanted, struct error *err)
{
    return error_set(err, EXIT_INPUT, "%s: --%s '%s': expected %s", verb->name, option->name, value,
                     wanted);
}

static int parse_real(const char *text, double *ret_value)
{
    char *end;
    /* strtod also knows blanks, signs, hexadecimal, "inf" and "nan". */
    if (strspn(text, "0123456789.eE+-") != strlen(text) || *text == '-' || *text == '+')
        return -1;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= 0 && value <= 1e12))
        return -1;
    *ret_value = value;
    return 0;
}

static int store_value(const struct cli_verb *verb, const struct cli_option *option,
                       const char *value, struct error *err)
{
    struct cli_list *list;
    switch (option->kind) {
    case CLI_TEXT:
        *(const char **)option->target = value;
        return 0;
    case CLI_NUMBER:
        if (!bytes_to_u64(bytes_of(value), option->target))
            return bad_value(verb, option, value, "a whole number", err);
        return 0;
    case CLI_REAL:
        if (parse_real(value, option->target))
            return bad_value(verb, option, value, "a number, like 10 or 0.5", err);
        return 0;
    case CLI_DURATION:
        if (duration_parse_us(value, option->target))
            return bad_value(verb, option, value, "a duration, like 250ms, 30s or 5m", err);
        return 0;
    case CLI_SIZE:
        if (size_parse_bytes(value, option->target))
            return bad_value(verb, option, value, "a size, like 512KB or 2GB", err);
        return 0;
    case CLI_LIST:
        list = option->target;
        if (list->count == CLI_MAX_LIST)
            return error_set(err, EXIT_INPUT, "%s: --%s: given more than %d times", verb->name,
                             option->name, CLI_MAX_LIST);
        list->items[list->count++] = value;
        return 0;
    case CLI_FLAG:
        break;
    }
    return 0;
}

/* The option that argv[*at] names, and its value: behind '=', or the next argument. */
static int take_option(const struct cli_verb *verb, int argc, char **argv, int *at,
                       struct error *err)
{
    const char *argument = argv[*at];
    const char *value = NULL;
    const struct cli_option *option;
    bool is_on = true;
    if (argument[1] == '-') {
        size_t len = strcspn(argument + 2, "=");
        struct bytes name = bytes_make(argument + 2, len);
        option = find_long(verb, name);
        if (!option && bytes_starts_with(name, bytes_of("no-"))) {
            option = find_long(verb, bytes_from(name, 3));
            is_on = false;
            if (option && option->kind != CLI_FLAG)
                option = NULL;
        }
        if (argument[2 + len] == '=')
            value = argument + 2 + len + 1;
    } else {
        option = find_short(verb, argument[1]);
        if (argument[2])
            value = argument + 2;
    }
    if (!option)
        return unknown_option(verb, argument, err);
    if (option->kind == CLI_FLAG) {
        if (value)
            return error_set(err, EXIT_INPUT, "%s: --%s takes no value", verb->name, option->name);
        *(bool *)option->target = is_on;
        return 0;
    }
    if (!value) {
        /* The next option is no value: "--target --scale 2" has forgotten one. "--x=--y" has not.
         */
        if (*at + 1 >= argc || strncmp(argv[*at + 1], "--", 2) == 0)
            return error_set(err, EXIT_INPUT, "%s: --%s needs a value: --%s %s", verb->name,
                             option->name, option->name, option->placeholder);
        value = argv[++*at];
    }
    return store_value(verb, option, value, err);
}

int cli_parse(const struct cli_verb *verb, int argc, char **argv,
              struct cli_arguments *ret_arguments, enum cli_outcome *ret_outcome, struct error *err)
{
    struct cli_arguments arguments = {0};
    bool options_ended = false;
    *ret_outcome = CLI_RUN;
    for (int at = 1; at < argc; at++) {
        const char *argument = argv[at];
        if (!options_ended && strcmp(argument, "--") == 0) {
            options_ended = true;
        } else if (!options_ended &&
                   (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)) {
            cli_print_help(verb, stdout);
            *ret_outcome = CLI_HELP_SHOWN;
            return 0;
        } else if (!options_ended && argument[0] == '-' && argument[1]) {
            if (take_option(verb, argc, argv, &at, err))
                return -1;
        } else if (arguments.count == CLI_MAX_POSITIONAL) {
            return error_set(err, EXIT_INPUT, "%s: too many arguments, from '%s' on", verb->name,
                             argument);
        } else {
            arguments.items[arguments.count++] = argument;
        }
    }
    *ret_arguments = arguments;
    return 0;
}

int cli_run(const struct cli_verb *verb, int argc, char **argv, cli_run_fn run, const void *options)
{
    struct cli_arguments arguments = {0};
    enum cli_outcome outcome = CLI_RUN;
    struct error err = {0};
    int result = cli_parse(verb, argc, argv, &arguments, &outcome, &err);
    if (result == 0 && outcome == CLI_HELP_SHOWN)
        return EXIT_DONE;
    if (result == 0)
        result = run(&arguments, options, &err);
    if (result == 0 && (fflush(stdout) != 0 || ferror(stdout)))
        result = error_set(&err, EXIT_TOOL, "%s: cannot write to standard output", verb->name);
    return result ? error_report(&err) : EXIT_DONE;
}

void cli_print_help(const struct cli_verb *verb, FILE *out)
{
    fprintf(out, "%s\n\nusage: reprise %s %s\n", verb->summary, verb->name, verb->usage);
    for (const struct cli_option *option = verb->options; option->name; option++) {
        if (option->group)
            fprintf(out, "\n%s\n", option->group);
        else if (option == verb->options)
            fprintf(out, "\nOptions\n");
        char left[80];
        char short_name[8] = "    ";
        if (option->short_name)
            snprintf(short_name, sizeof short_name, "-%c, ", option->short_name);
        snprintf(left, sizeof left, "  %s--%s%s%s", short_name, option->name,
                 option->placeholder ? " " : "", option->placeholder ? option->placeholder : "");
        if (strlen(left) >= HELP_COLUMN)
            fprintf(out, "%s\n%*s%s\n", left, HELP_COLUMN, "", option->help);
        else
            fprintf(out, "%-*s%s\n", HELP_COLUMN, left, option->help);
    }
    fprintf(out, "      %-*s%s\n", HELP_COLUMN - 6, "--help", "show this");
    if (verb->examples)
        fprintf(out, "\nExamples\n%s", verb->examples);
}
