/* plugin_cmd_test.c - the verb `reprise plugin`: what it prints and the codes it exits with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "plugins/plugin_cmd.h"

#define MODULES TEST_BINARY_DIR "/test-plugins"

static char printed[64 * 1024];

/* Run the verb with one of the standard streams going to `printed`. */
static int run(int stream, const char *const *arguments)
{
    char *argv[8] = {(char *)"plugin"};
    int argc = 1;
    while (arguments[argc - 1]) {
        argv[argc] = (char *)arguments[argc - 1];
        argc++;
    }
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(NULL);
    int saved = dup(stream);
    dup2(fileno(file), stream);
    int code = plugin_cmd(argc, argv);
    fflush(NULL);
    dup2(saved, stream);
    close(saved);
    rewind(file);
    size_t len = fread(printed, 1, sizeof printed - 1, file);
    printed[len] = '\0';
    fclose(file);
    return code;
}

#define RUN(stream, ...) run(stream, (const char *const[]){__VA_ARGS__, NULL})

static void list_names_each_plugin_or_the_reason_it_does_not_load(void **state)
{
    (void)state;
    assert_int_equal(RUN(STDOUT_FILENO, "list", "--plugin-path", MODULES), EXIT_DONE);
    assert_non_null(strstr(printed, "\neverything "));
    assert_non_null(strstr(printed, "logs in, holds, retries, delays and talks on WebSockets"));
    assert_non_null(strstr(printed, "major_other"));
    assert_non_null(strstr(printed, "it is of another major version"));
}

static void list_as_json_has_a_row_for_each(void **state)
{
    (void)state;
    size_t index;
    json_t *row;
    int loaded = 0, refused = 0;
    assert_int_equal(RUN(STDOUT_FILENO, "list", "--json", "--plugin-path", MODULES), EXIT_DONE);
    json_t *json = json_loads(printed, 0, NULL);
    assert_non_null(json);
    json_array_foreach(json, index, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "name")), "everything") == 0)
            loaded += json_is_null(json_object_get(row, "error"));
        if (strcmp(json_string_value(json_object_get(row, "name")), "size_zero") == 0)
            refused += json_is_string(json_object_get(row, "error"));
    }
    assert_int_equal(loaded, 1);
    assert_int_equal(refused, 1);
    json_decref(json);
}

static void describe_prints_all_a_user_of_the_plugin_needs(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "everything 1.0: logs in, holds, retries, delays and talks on WebSockets\n",
        "ABI        1.1 (this reprise: 1.1)\n",
        "threads    serial: one call at a time, whatever the user\n",
        "asked      about every step\n",
        "callbacks  on_request on_response on_ws_message\n",
        "login_path  text      /login   what answers X-Token",
        "backoff     duration  250ms    wait after a 503",
        "login_duration  histogram  us    due to last byte",
    };
    assert_int_equal(RUN(STDOUT_FILENO, "describe", MODULES "/everything.so"), EXIT_DONE);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (!strstr(printed, lines[i]))
            fail_msg("'%s' is not in:\n%s", lines[i], printed);
    }
}

static void describe_as_json_tells_the_same(void **state)
{
    (void)state;
    const char *name, *required;
    int is_required;
    assert_int_equal(RUN(STDOUT_FILENO, "describe", "--json", MODULES "/header_only.so"),
                     EXIT_DONE);
    json_t *json = json_loads(printed, 0, NULL);
    assert_non_null(json);
    assert_int_equal(json_unpack(json, "{s:s, s:[{s:s, s:b}]}", "name", &name, "options", "name",
                                 &required, "required", &is_required),
                     0);
    assert_string_equal(name, "header_only");
    assert_string_equal(required, "text");
    assert_true(is_required);
    assert_int_equal(json_array_size(json_object_get(json, "callbacks")), 1);
    assert_int_equal(json_array_size(json_object_get(json, "metrics")), 1);
    json_decref(json);
}

static void what_cannot_be_done_is_one_line_and_exit_code_2(void **state)
{
    (void)state;
    assert_int_equal(RUN(STDERR_FILENO, "describe", "nowhere"), EXIT_INPUT);
    assert_non_null(strstr(printed, "reprise: plugin nowhere: no nowhere.so in "));
    assert_int_equal(RUN(STDERR_FILENO, "describe"), EXIT_INPUT);
    assert_string_equal(
        printed, "reprise: plugin: expected 'list', 'describe NAME', 'test NAME TRACE' or 'new "
                 "NAME'; see "
                 "'reprise plugin --help'\n");
    assert_int_equal(RUN(STDERR_FILENO, "describe", "x", "--jsn"), EXIT_INPUT);
    assert_non_null(strstr(printed, "did you mean --json?"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_names_each_plugin_or_the_reason_it_does_not_load),
        cmocka_unit_test(list_as_json_has_a_row_for_each),
        cmocka_unit_test(describe_prints_all_a_user_of_the_plugin_needs),
        cmocka_unit_test(describe_as_json_tells_the_same),
        cmocka_unit_test(what_cannot_be_done_is_one_line_and_exit_code_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
