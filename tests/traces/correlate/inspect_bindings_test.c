/* inspect_bindings_test.c - bindings shown by rule, and those of one session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/support/script_trace.h"
#include "tests/traces/sample.h"
#include "traces/inspect.h"

static struct sample_folder folder;

static int make_folder(void **state)
{
    (void)state;
    sample_folder_make(&folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    sample_folder_remove(&folder);
    return 0;
}

static const char two_visits[] = "session ann\n"
                                 "0 10 POST /jobs 202\n"
                                 "20 30 GET /jobs/job_8f3a11c9 200\n"
                                 "40 50 GET /voices/17 200\n"
                                 "session bob\n"
                                 "0 10 POST /jobs 202\n"
                                 "20 30 GET /jobs/job_77aa00b1 200\n"
                                 "bind 1 body:/items/0/id -> 2 path:2\n"
                                 "bind 4 body:/items/3/id -> 5 path:2\n"
                                 "bind 1 body:/voice -> 3 path:2 as percent\n"
                                 "bind 99 body:/gone -> 3 path:2\n";

/* What is written, or the failure's text. */
static char *show(const char *script, bool is_json, int64_t session_id)
{
    char path[SAMPLE_PATH_BYTES], *text = NULL;
    size_t len = 0;
    struct error err = {0};
    struct inspect inspect = {.is_json = is_json};
    sample_path(&folder, "t.trace", path);
    if (script_trace_write(path, script, &err))
        fail_msg("%s", err.text);
    if (trace_reader_open(&inspect.reader, path, &err))
        fail_msg("%s", err.text);
    inspect.out = open_memstream(&text, &len);
    assert_non_null(inspect.out);
    int result = inspect_bindings(&inspect, session_id, &err);
    fclose(inspect.out);
    trace_reader_close(inspect.reader);
    if (result) {
        free(text);
        text = strdup(err.text);
    }
    return text;
}

static void bindings_between_the_same_places_are_one(void **state)
{
    (void)state;
    char *text = show(two_visits, false, 0);
    const char *first = "2 in 2 sessions, score 1.000, on, edited, the first is binding 1\n"
                        "  from POST /jobs body:/items/*/id\n"
                        "  to   GET /jobs/{id} path:2\n"
                        "  why  by hand\n"
                        "1 in 1 session, score 1.000, on, edited, the first is binding 3\n"
                        "  from POST /jobs body:/voice\n"
                        "  to   GET /voices/{id} path:2 as percent\n";
    if (strncmp(text, first, strlen(first)) != 0)
        fail_msg("%s", text);
    assert_non_null(strstr(text, "from ? body:/gone"));
    free(text);
}

static void in_json_a_line_is_a_group(void **state)
{
    (void)state;
    char *text = show(two_visits, true, 0);
    json_error_t why;
    json_t *line = json_loads(text, JSON_DISABLE_EOF_CHECK, &why);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "born_place")), "body:/items/*/id");
    assert_string_equal(json_string_value(json_object_get(line, "used_endpoint")),
                        "GET /jobs/{id}");
    assert_int_equal(json_integer_value(json_object_get(line, "bindings")), 2);
    assert_int_equal(json_integer_value(json_object_get(line, "sessions")), 2);
    assert_int_equal(json_integer_value(json_object_get(line, "score_thousandths")), 1000);
    json_decref(line);
    free(text);
}

static void of_one_session_each_is_shown(void **state)
{
    (void)state;
    char *text = show(two_visits, false, 2);
    assert_non_null(strstr(text, "4 body:/items/3/id"));
    assert_null(strstr(text, "body:/items/0/id"));
    free(text);
    text = show(two_visits, true, 2);
    assert_non_null(strstr(text, "\"used_exchange_id\":5"));
    free(text);
    text = show(two_visits, false, 7);
    assert_non_null(strstr(text, "no session 7; 'reprise inspect"));
    free(text);
}

static void a_trace_without_any_says_how_to_find_them(void **state)
{
    (void)state;
    char *text = show("session ann\n0 10 GET /a 200\n", false, 0);
    assert_non_null(strstr(text, "no bindings; 'reprise correlate"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bindings_between_the_same_places_are_one),
        cmocka_unit_test(in_json_a_line_is_a_group),
        cmocka_unit_test(of_one_session_each_is_shown),
        cmocka_unit_test(a_trace_without_any_says_how_to_find_them),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
