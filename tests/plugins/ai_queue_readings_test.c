/* ai_queue_readings_test.c - live answers to submits and polls, good and bad, as they are read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "plugins/ai_queue/readings.h"

static const struct id_place at_id = {.name = "/id"};
static const struct id_place in_location = {
    .is_header = true, .is_url = true, .index = 1, .name = "Location"};

static struct span location(void *owner, const char *name)
{
    assert_string_equal(name, "Location");
    return span_of(owner);
}

static struct answer answer(uint32_t status, const char *body)
{
    return (struct answer){
        .status = status,
        .error = status ? NULL : "connection refused",
        .content_type = span_of(body[0] == '<' ? "text/html; charset=utf-8" : "application/json"),
        .body = span_of(body)};
}

static void a_submit_gives_an_id_or_a_reason(void **state)
{
    (void)state;
    static const struct {
        uint32_t status;
        const char *body, *location;
        enum reading_kind kind;
        const char *text; /* the id, or the problem */
    } rows[] = {
        {202, "{\"id\":\"n1\"}", "", READ_TAKEN, "n1"},
        {200, "{\"id\":77}", "", READ_TAKEN, "77"},
        {202, "", "/jobs/n2", READ_TAKEN, "n2"},
        {303, "", "https://t/jobs/n3?x=1", READ_TAKEN, "n3"},
        {202, "{\"id\":{}}", "", READ_MISSING,
         "status 202 with application/json and no job's id at /id"},
        {200, "<html>", "", READ_MISSING, "status 200 with text/html and no job's id at /id"},
        {200, "{\"id\":\"", "", READ_MISSING,
         "status 200 with application/json and no job's id at /id"},
        {500, "{\"id\":\"n1\"}", "", READ_MISSING, "status 500"},
        {0, "", "", READ_MISSING, "no answer: connection refused"},
        {429, "", "", READ_LATER, NULL},
        {503, "", "", READ_LATER, NULL},
        {401, "", "", READ_REFUSED, NULL},
    };
    const struct job_recorded job = {.place = &at_id, .other_place = &in_location};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reading reading;
        struct answer given = answer(rows[i].status, rows[i].body);
        read_submit(NULL, &job, &given, location, (void *)rows[i].location, &reading);
        assert_int_equal(reading.kind, rows[i].kind);
        if (rows[i].text)
            assert_string_equal(reading.kind == READ_TAKEN ? reading.new_id : reading.problem,
                                rows[i].text);
    }
}

struct poll_row {
    uint32_t status;
    const char *body, *location;
    enum reading_kind kind;
    enum job_state state;
    const char *word, *new_id, *problem;
};

static void check_polls(const struct job_recorded *job, const struct poll_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct reading reading;
        struct answer given = answer(rows[i].status, rows[i].body);
        given.location = span_of(rows[i].location);
        read_poll(NULL, job, span_of("https://t/jobs/j1"), span_of("j1"), &given, &reading);
        if (reading.kind != rows[i].kind || reading.state != rows[i].state ||
            (rows[i].word && strcmp(reading.word, rows[i].word) != 0) ||
            (rows[i].new_id && strcmp(reading.new_id, rows[i].new_id) != 0) ||
            (rows[i].problem && strcmp(reading.problem, rows[i].problem) != 0))
            fail_msg("row %zu: kind %d, %s, '%s', '%s', '%s'", i, (int)reading.kind,
                     state_name(reading.state), reading.word, reading.new_id, reading.problem);
    }
}

static void a_poll_says_how_far_the_job_is(void **state)
{
    (void)state;
    static const struct poll_row rows[] = {
        {200, "{\"status\":\"queued\",\"id\":\"j1\"}", "", READ_PENDING, STATE_WAITING, "queued",
         "", NULL},
        {200, "{\"status\":\"In Progress\"}", "", READ_PENDING, STATE_RUNNING, "In Progress", "",
         NULL},
        {200, "{\"status\":\"done\"}", "", READ_ENDED, STATE_DONE, "done", NULL, NULL},
        {200, "{\"status\":\"failed\"}", "", READ_ENDED, STATE_FAILED, "failed", NULL, NULL},
        {200, "{\"status\":\"pickled\"}", "", READ_PENDING, STATE_RUNNING, "pickled", NULL, NULL},
        {200, "{\"job\":{\"status\":\"done\"}}", "", READ_ENDED, STATE_DONE, "done", NULL, NULL},
        {202, "", "", READ_PENDING, STATE_WAITING, "202", NULL, NULL},
        {304, "", "", READ_PENDING, STATE_WAITING, "304", NULL, NULL},
        {303, "", "/results/j1", READ_ENDED, STATE_DONE, "303", NULL, NULL},
        {302, "", "/results/j1", READ_ENDED, STATE_DONE, "302", NULL, NULL},
        {307, "", "/jobs/j2", READ_MOVED, STATE_UNKNOWN, NULL, "j2", NULL},
        {303, "", "https://t/jobs/j2", READ_MOVED, STATE_UNKNOWN, NULL, "j2", NULL},
        {202, "", "/jobs/j2", READ_MOVED, STATE_WAITING, NULL, "j2", NULL},
        {200, "{\"status\":\"queued\",\"id\":\"j2\"}", "", READ_MOVED, STATE_WAITING, NULL, "j2",
         NULL},
        {404, "{\"error\":\"no such job\"}", "", READ_MISSING, STATE_UNKNOWN, NULL, NULL,
         "status 404"},
        {500, "", "", READ_MISSING, STATE_UNKNOWN, NULL, NULL, "status 500"},
        {200, "<html>login</html>", "", READ_MISSING, STATE_UNKNOWN, NULL, NULL,
         "status 200 with text/html and no state at /status"},
        {200, "{\"stat", "", READ_MISSING, STATE_UNKNOWN, NULL, NULL,
         "status 200 with application/json and no state at /status"},
        {200, "{}", "", READ_MISSING, STATE_UNKNOWN, NULL, NULL, NULL},
        {0, "", "", READ_MISSING, STATE_UNKNOWN, NULL, NULL, "no answer: connection refused"},
        {429, "", "", READ_LATER, STATE_UNKNOWN, NULL, NULL, "status 429"},
        {503, "", "", READ_LATER, STATE_UNKNOWN, NULL, NULL, "status 503"},
        {401, "", "", READ_REFUSED, STATE_UNKNOWN, NULL, NULL, NULL},
    };
    const struct job_recorded job = {
        .place = &at_id, .state_pointer = "/status", .poll_id_pointer = "/id"};
    check_polls(&job, rows, sizeof rows / sizeof rows[0]);
}

static void where_the_status_alone_tells(void **state)
{
    (void)state;
    static const struct poll_row rows[] = {
        {202, "", "", READ_PENDING, STATE_WAITING, "202", NULL, NULL},
        {200, "the text", "", READ_ENDED, STATE_DONE, "200", NULL, NULL},
        {204, "", "", READ_ENDED, STATE_DONE, "204", NULL, NULL},
    };
    const struct job_recorded job = {.place = &at_id};
    check_polls(&job, rows, sizeof rows / sizeof rows[0]);
}

static void a_flag_that_is_not_there_yet(void **state)
{
    (void)state;
    static const struct poll_row rows[] = {
        {200, "{\"name\":\"operations/j1\"}", "", READ_PENDING, STATE_RUNNING, NULL, NULL, NULL},
        {200, "{\"done\":false}", "", READ_PENDING, STATE_RUNNING, "false", NULL, NULL},
        {200, "{\"done\":true,\"response\":{}}", "", READ_ENDED, STATE_DONE, "true", NULL, NULL},
        {200, "{\"done\":true,\"error\":{\"code\":3}}", "", READ_ENDED, STATE_FAILED, "true", NULL,
         NULL},
        {200, "<html>", "", READ_MISSING, STATE_UNKNOWN, NULL, NULL, NULL},
    };
    const struct job_recorded job = {.place = &at_id, .state_pointer = "/done", .is_flag = true};
    check_polls(&job, rows, sizeof rows / sizeof rows[0]);
}

static void how_long_the_queue_is_and_when_to_ask(void **state)
{
    (void)state;
    const struct job_recorded job = {.place = &at_id, .state_pointer = "/status"};
    struct answer given = answer(200, "{\"status\":\"queued\",\"queue_position\":12}");
    struct reading reading;
    given.retry_after = span_of("3");
    read_poll(NULL, &job, span_of("/jobs/j1"), span_of("j1"), &given, &reading);
    assert_true(reading.has_depth && reading.has_retry_after);
    assert_int_equal(reading.depth, 12);
    assert_int_equal(reading.retry_after_us, 3000000);
    given.depth = span_of("4");
    read_poll(NULL, &job, span_of("/jobs/j1"), span_of("j1"), &given, &reading);
    assert_int_equal(reading.depth, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_submit_gives_an_id_or_a_reason),
        cmocka_unit_test(a_poll_says_how_far_the_job_is),
        cmocka_unit_test(where_the_status_alone_tells),
        cmocka_unit_test(a_flag_that_is_not_there_yet),
        cmocka_unit_test(how_long_the_queue_is_and_when_to_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
