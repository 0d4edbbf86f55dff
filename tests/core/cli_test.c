/* cli_test.c - a verb's command line: what it writes, what it refuses and in which words. */
#include "core/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What the table writes to. */
static struct {
    bool is_quiet, has_colour;
    const char *output;
    uint64_t count, wait_us, limit_bytes;
    double scale;
    struct cli_list headers;
} given;

static const struct cli_option options[] = {
    {"quiet", 'q', CLI_FLAG, &given.is_quiet, NULL, "say nothing", "What is shown"},
    {"colour", 0, CLI_FLAG, &given.has_colour, NULL, "in colour", NULL},
    {"output", 'o', CLI_TEXT, &given.output, "FILE", "write to FILE", "Where it goes"},
    {"count", 'n', CLI_NUMBER, &given.count, "N", "how many", NULL},
    {"scale", 0, CLI_REAL, &given.scale, "K", "how much more", NULL},
    {"wait", 0, CLI_DURATION, &given.wait_us, "TIME", "how long", NULL},
    {"limit", 0, CLI_SIZE, &given.limit_bytes, "SIZE", "how large", NULL},
    {"header-of-the-session", 'H', CLI_LIST, &given.headers, "NAME", "may be repeated", NULL},
    {0},
};

static const struct cli_verb verb = {.name = "copy",
                                     .summary = "Copies a thing.",
                                     .usage = "FROM TO [options]",
                                     .examples = "  reprise copy a b\n",
                                     .options = options};

static struct cli_arguments arguments;
static enum cli_outcome outcome;
static struct error err;

/* Parse a line of words that are divided by single spaces; "''" is the empty word. */
static int parse(const char *line)
{
    static char text[4096];
    static char *argv[256];
    int argc = 0;
    snprintf(text, sizeof text, "copy %s", line);
    memset(&given, 0, sizeof given);
    memset(&arguments, 0, sizeof arguments);
    err = (struct error){0};
    for (char *word = text; word; argc++) {
        char *space = strchr(word, ' ');
        if (space)
            *space = '\0';
        argv[argc] = strcmp(word, "''") == 0 ? word + 2 : word;
        word = space && space[1] ? space + 1 : NULL;
    }
    return cli_parse(&verb, argc, argv, &arguments, &outcome, &err);
}

static void nothing_given_leaves_the_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse(""), 0);
    assert_int_equal(outcome, CLI_RUN);
    assert_int_equal(arguments.count, 0);
    assert_null(given.output);
}

static void a_value_stands_behind_the_option_or_its_equals_sign(void **state)
{
    (void)state;
    static const char *const lines[] = {"--output x --count 7", "--output=x --count=7", "-o x -n 7",
                                        "-ox -n7"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(parse(lines[i]), 0);
        assert_string_equal(given.output, "x");
        assert_int_equal(given.count, 7);
    }
}

static void every_kind_is_read_in_its_own_way(void **state)
{
    (void)state;
    assert_int_equal(parse("--quiet --colour --scale 2.5 --wait 1m30s --limit 2KiB -H a -H b -H c"),
                     0);
    assert_true(given.is_quiet && given.has_colour);
    assert_true(given.scale == 2.5);
    assert_int_equal(given.wait_us, 90000000);
    assert_int_equal(given.limit_bytes, 2048);
    assert_int_equal(given.headers.count, 3);
    assert_string_equal(given.headers.items[2], "c");
    assert_int_equal(parse("--scale 1e3"), 0);
    assert_true(given.scale == 1000);
}

static void a_flag_can_be_switched_off_again(void **state)
{
    (void)state;
    assert_int_equal(parse("-q --no-quiet --no-colour --colour"), 0);
    assert_false(given.is_quiet);
    assert_true(given.has_colour);
}

static void the_last_of_two_counts(void **state)
{
    (void)state;
    assert_int_equal(parse("-n 1 --count=2"), 0);
    assert_int_equal(given.count, 2);
}

static void arguments_may_stand_anywhere_and_a_dash_is_one(void **state)
{
    (void)state;
    assert_int_equal(parse("a -q - --count 3 b -- --quiet -x --"), 0);
    static const char *const expected[] = {"a", "-", "b", "--quiet", "-x", "--"};
    assert_int_equal(arguments.count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(arguments.items[i], expected[i]);
}

static void values_may_be_empty_a_dash_or_begin_with_one(void **state)
{
    (void)state;
    assert_int_equal(parse("--output="), 0);
    assert_string_equal(given.output, "");
    assert_int_equal(parse("--output ''"), 0);
    assert_string_equal(given.output, "");
    assert_int_equal(parse("--output -"), 0);
    assert_string_equal(given.output, "-");
    assert_int_equal(parse("-o -x"), 0);
    assert_string_equal(given.output, "-x");
    assert_int_equal(parse("--output=--x=y"), 0);
    assert_string_equal(given.output, "--x=y");
}

static void a_wrong_line_is_refused_in_one_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *line, *text;
    } rows[] = {
        {"--colours", "copy: unknown option --colours; did you mean --colour?"},
        {"--ouput=x", "copy: unknown option --ouput=x; did you mean --output?"},
        {"--no-colur", "copy: unknown option --no-colur; did you mean --no-colour?"},
        {"--no-output", "copy: unknown option --no-output; 'reprise copy --help' lists them"},
        {"--zzzzzz", "copy: unknown option --zzzzzz; 'reprise copy --help' lists them"},
        {"--=x", "copy: unknown option --=x; 'reprise copy --help' lists them"},
        {"--no-", "copy: unknown option --no-; 'reprise copy --help' lists them"},
        {"-z", "copy: unknown option -z; 'reprise copy --help' lists them"},
        {"--quiet=yes", "copy: --quiet takes no value"},
        {"-qn", "copy: --quiet takes no value"},
        {"--output", "copy: --output needs a value: --output FILE"},
        {"-o", "copy: --output needs a value: --output FILE"},
        {"--output --quiet", "copy: --output needs a value: --output FILE"},
        {"--output --", "copy: --output needs a value: --output FILE"},
        {"--output --help", "copy: --output needs a value: --output FILE"},
        {"--count x", "copy: --count 'x': expected a whole number"},
        {"--count=", "copy: --count '': expected a whole number"},
        {"--count -1", "copy: --count '-1': expected a whole number"},
        {"--count 1.5", "copy: --count '1.5': expected a whole number"},
        {"--scale inf", "copy: --scale 'inf': expected a number, like 10 or 0.5"},
        {"--scale nan", "copy: --scale 'nan': expected a number, like 10 or 0.5"},
        {"--scale 0x10", "copy: --scale '0x10': expected a number, like 10 or 0.5"},
        {"--scale -1", "copy: --scale '-1': expected a number, like 10 or 0.5"},
        {"--scale 1e99", "copy: --scale '1e99': expected a number, like 10 or 0.5"},
        {"--scale 2x", "copy: --scale '2x': expected a number, like 10 or 0.5"},
        {"--scale=", "copy: --scale '': expected a number, like 10 or 0.5"},
        {"--wait 1..2", "copy: --wait '1..2': expected a duration, like 250ms, 30s or 5m"},
        {"--limit many", "copy: --limit 'many': expected a size, like 512KB or 2GB"},
        {"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "copy: too many arguments, from '17' on"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (parse(rows[i].line) != -1)
            fail_msg("accepted: %s", rows[i].line);
        assert_string_equal(err.text, rows[i].text);
        assert_int_equal(err.exit_code, EXIT_INPUT);
        assert_int_equal(arguments.count, 0);
    }
}

static void a_list_has_a_maximum(void **state)
{
    (void)state;
    char line[1000] = "";
    for (int i = 0; i < CLI_MAX_LIST; i++)
        strncat(line, "-H a ", 6);
    assert_int_equal(parse(line), 0);
    assert_int_equal(given.headers.count, CLI_MAX_LIST);
    strncat(line, "-H a", 5);
    assert_int_equal(parse(line), -1);
    assert_string_equal(err.text, "copy: --header-of-the-session: given more than 64 times");
}

static void a_name_too_long_to_compare_is_refused_without_a_guess(void **state)
{
    (void)state;
    char line[200] = "--";
    memset(line + 2, 'c', 150);
    assert_int_equal(parse(line), -1);
    assert_non_null(strstr(err.text, "--help"));
}

static void the_nearest_word_is_near(void **state)
{
    (void)state;
    static const char *const words[] = {"capture", "replay", "report", "inspect"};
    assert_string_equal(cli_nearest("replya", words, 4), "replay");
    assert_string_equal(cli_nearest("reprot", words, 4), "report");
    assert_string_equal(cli_nearest("capture", words, 4), "capture");
    assert_null(cli_nearest("benchmark", words, 4));
    assert_null(cli_nearest("x", words, 0));
}

static char *help_text(void)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    cli_print_help(&verb, out);
    fclose(out);
    return text;
}

static void help_is_made_from_the_table(void **state)
{
    (void)state;
    char *text = help_text();
    assert_string_equal(text, "Copies a thing.\n"
                              "\n"
                              "usage: reprise copy FROM TO [options]\n"
                              "\n"
                              "What is shown\n"
                              "  -q, --quiet                 say nothing\n"
                              "      --colour                in colour\n"
                              "\n"
                              "Where it goes\n"
                              "  -o, --output FILE           write to FILE\n"
                              "  -n, --count N               how many\n"
                              "      --scale K               how much more\n"
                              "      --wait TIME             how long\n"
                              "      --limit SIZE            how large\n"
                              "  -H, --header-of-the-session NAME\n"
                              "                              may be repeated\n"
                              "      --help                  show this\n"
                              "\n"
                              "Examples\n"
                              "  reprise copy a b\n");
    free(text);
}

/* What the verb of the tests below was called with, and what it answers. */
static struct {
    int calls, result;
    size_t count;
    bool is_quiet;
} called;

static int called_run(const struct cli_arguments *given_arguments, const void *options_given,
                      struct error *ret_err)
{
    const bool *is_quiet = options_given;
    called.calls++;
    called.count = given_arguments->count;
    called.is_quiet = *is_quiet;
    return called.result ? error_set(ret_err, EXIT_THRESHOLD, "copy: it did not hold") : 0;
}

static int run_words(const char *first, const char *second)
{
    char words[3][32] = {"copy"};
    char *argv[] = {words[0], words[1], words[2]};
    snprintf(words[1], sizeof words[1], "%s", first);
    snprintf(words[2], sizeof words[2], "%s", second);
    memset(&given, 0, sizeof given);
    called.calls = 0;
    return cli_run(&verb, 3, argv, called_run, &given.is_quiet);
}

static void a_verb_runs_with_what_was_given_and_its_code_is_the_exit_code(void **state)
{
    (void)state;
    called.result = 0;
    assert_int_equal(run_words("--quiet", "a"), EXIT_DONE);
    assert_int_equal(called.calls, 1);
    assert_int_equal(called.count, 1);
    assert_true(called.is_quiet);
    called.result = -1;
    assert_int_equal(run_words("a", "b"), EXIT_THRESHOLD);
    assert_int_equal(called.count, 2);
}

static void a_verb_does_not_run_after_help_or_a_wrong_line(void **state)
{
    (void)state;
    called.result = 0;
    assert_int_equal(run_words("a", "--help"), EXIT_DONE);
    assert_int_equal(called.calls, 0);
    assert_int_equal(run_words("a", "--nothing-like-it"), EXIT_INPUT);
    assert_int_equal(called.calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_given_leaves_the_defaults),
        cmocka_unit_test(a_value_stands_behind_the_option_or_its_equals_sign),
        cmocka_unit_test(every_kind_is_read_in_its_own_way),
        cmocka_unit_test(a_flag_can_be_switched_off_again),
        cmocka_unit_test(the_last_of_two_counts),
        cmocka_unit_test(arguments_may_stand_anywhere_and_a_dash_is_one),
        cmocka_unit_test(values_may_be_empty_a_dash_or_begin_with_one),
        cmocka_unit_test(a_wrong_line_is_refused_in_one_sentence),
        cmocka_unit_test(a_list_has_a_maximum),
        cmocka_unit_test(a_name_too_long_to_compare_is_refused_without_a_guess),
        cmocka_unit_test(the_nearest_word_is_near),
        cmocka_unit_test(help_is_made_from_the_table),
        cmocka_unit_test(a_verb_runs_with_what_was_given_and_its_code_is_the_exit_code),
        cmocka_unit_test(a_verb_does_not_run_after_help_or_a_wrong_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
