/* progress_test.c - the line that people see while a run goes on. */
#include "replay/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct progress known_progress(void)
{
    return (struct progress){.elapsed_us = 12300000,
                             .duration_us = 30000000,
                             .sessions_ended = 40,
                             .ended = 3000,
                             .failed = 3,
                             .users = 120,
                             .requests_per_sec = 1523.4,
                             .service_p95_us = 12300,
                             .lateness_p99_us = 210,
                             .busiest_percent = 45,
                             .has_samples = true};
}

static void the_bar_goes_by_time_or_by_sessions_or_not_at_all(void **state)
{
    (void)state;
    static const struct {
        uint64_t duration_us, planned_sessions;
        const char *text;
    } rows[] = {
        {30000000, 0,
         " 41% [========>-----------]  12.30s  120 users  1523 req/s  p95 12.30ms  3 errors (0.1%) "
         " "
         "lateness p99 210us  cpu 45%"},
        {0, 80,
         " 50% [==========>---------]  12.30s  40/80 sessions  120 users  1523 req/s  p95 12.30ms  "
         "3 errors (0.1%)  lateness p99 210us  cpu 45%"},
        {0, 40,
         "100% [====================]  12.30s  40/40 sessions  120 users  1523 req/s  p95 12.30ms  "
         "3 errors (0.1%)  lateness p99 210us  cpu 45%"},
        {10000000, 0,
         "100% [====================]  12.30s  120 users  1523 req/s  p95 12.30ms  3 errors (0.1%) "
         " "
         "lateness p99 210us  cpu 45%"},
        {0, 0,
         "12.30s  120 users  1523 req/s  p95 12.30ms  3 errors (0.1%)  lateness p99 210us  cpu "
         "45%"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[PROGRESS_TEXT_BYTES];
        struct progress progress = known_progress();
        progress.duration_us = rows[i].duration_us;
        progress.planned_sessions = rows[i].planned_sessions;
        assert_string_equal(progress_text(text, sizeof text, &progress, 0), rows[i].text);
    }
}

static void a_narrow_terminal_loses_the_bar_first(void **state)
{
    (void)state;
    char text[PROGRESS_TEXT_BYTES];
    struct progress progress = known_progress();
    assert_string_equal(progress_text(text, sizeof text, &progress, 100),
                        "12.30s  120 users  1523 req/s  p95 12.30ms  3 errors (0.1%)  lateness p99 "
                        "210us  cpu 45%");
    progress.queued = 12;
    assert_non_null(strstr(progress_text(text, sizeof text, &progress, 0), "cpu 45%  12 queued"));
    assert_string_equal(progress_text(text, sizeof text, &progress, 30),
                        "12.30s  120 users  1523 req/s ");
}

static void nothing_answered_has_no_p95(void **state)
{
    (void)state;
    char text[PROGRESS_TEXT_BYTES];
    struct progress nothing = {.elapsed_us = 1000000};
    assert_string_equal(
        progress_text(text, sizeof text, &nothing, 0),
        "1.00s  0 users  0 req/s  p95 -  0 errors (0.0%)  lateness p99 0us  cpu 0%");
}

static void seconds_add_up_and_gauges_are_replaced(void **state)
{
    (void)state;
    struct metrics *delta = metrics_new(2);
    struct progress progress = {0};
    for (uint32_t i = 0; i < 2; i++) {
        struct request_outcome outcome = {
            .endpoint = i, .status = i ? 500 : 200, .service_us = i ? 100 : 40, .lateness_us = 7};
        metrics_record_request(delta, &outcome);
    }
    metrics_record_session(delta, &(struct session_outcome){.result = SESSION_DONE});
    delta->users_active = 9;
    assert_int_equal(progress_add(&progress, delta, 1000000), 0);
    assert_int_equal(progress.service_p95_us, 100);
    metrics_clear(delta);
    delta->users_active = 4;
    assert_int_equal(progress_add(&progress, delta, 500000), 0);
    assert_int_equal(progress.elapsed_us, 1500000);
    assert_int_equal(progress.ended, 2);
    assert_int_equal(progress.failed, 1);
    assert_int_equal(progress.sessions_ended, 1);
    assert_int_equal(progress.users, 4);
    assert_false(progress.has_samples);
    metrics_free(delta);
}

static size_t lines_shown(enum progress_mode mode, char **ret_text)
{
    size_t len, lines = 0;
    FILE *out = open_memstream(ret_text, &len);
    struct progress_display display = {.mode = mode, .out = out, .interval_us = 5000000};
    struct progress progress = known_progress();
    for (uint64_t second = 1; second <= 12; second++) {
        progress.elapsed_us = second * 1000000;
        progress_show(&display, &progress);
    }
    progress_clear(&display);
    progress_clear(&display);
    fclose(out);
    for (const char *c = *ret_text; *c; c++)
        lines += *c == '\n';
    return lines;
}

static void a_log_gets_a_line_every_five_seconds_and_quiet_none(void **state)
{
    (void)state;
    char *text;
    assert_int_equal(lines_shown(PROGRESS_LINES, &text), 3);
    assert_null(strchr(text, '\r'));
    assert_null(strchr(text, '\033'));
    free(text);
    lines_shown(PROGRESS_QUIET, &text);
    assert_string_equal(text, "");
    free(text);
}

static void a_terminal_gets_one_line_written_over_and_taken_away(void **state)
{
    (void)state;
    char *text;
    assert_int_equal(lines_shown(PROGRESS_TERMINAL, &text), 0);
    size_t returns = 0;
    for (const char *c = text; *c; c++)
        returns += *c == '\r';
    assert_int_equal(returns, 13);
    assert_string_equal(text + strlen(text) - 4, "\r\033[K");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bar_goes_by_time_or_by_sessions_or_not_at_all),
        cmocka_unit_test(a_narrow_terminal_loses_the_bar_first),
        cmocka_unit_test(nothing_answered_has_no_p95),
        cmocka_unit_test(seconds_add_up_and_gauges_are_replaced),
        cmocka_unit_test(a_log_gets_a_line_every_five_seconds_and_quiet_none),
        cmocka_unit_test(a_terminal_gets_one_line_written_over_and_taken_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
