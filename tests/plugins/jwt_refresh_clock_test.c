/* jwt_refresh_clock_test.c - the target's clock from whole seconds, and renewals that do not meet.
 */
#include "plugins/jwt_refresh/target_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"
#include "plugins/jwt_refresh/calendar.h"

#define SECOND INT64_C(1000000)
#define NOW (1700000000 * SECOND)

static void dates_are_read_in_three_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t unix_s; /* -1: none */
    } rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Thu, 29 Feb 2024 23:59:59 GMT", 1709251199},
        {"Tue, 14 Nov 2023 22:13:20 GMT", 1700000000},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
        {"sun, 06 nov 1994 08:49:37 GMT", 784111777},
        {"Sun, 06 Nov 1994 08:49:37 UTC", 784111777},
        {"Sun, 6 Nov 1994 08:49:37 GMT", 784111777},
        {"", -1},
        {"now", -1},
        {"1700000000", -1},
        {"Sun, 06 Nov 1994", -1},
        {"Sun, 06 Nov 1994 8h", -1},
        {"Sun, 06 Foo 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 25:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:60:37 GMT", -1},
        {"Sun, 00 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 32 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1969 08:49:37 GMT", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t unix_s = -1;
        bool is_date = target_clock_parse(text_of(rows[i].text), &unix_s);
        if (is_date != (rows[i].unix_s >= 0) || unix_s != rows[i].unix_s)
            fail_msg("'%s': %lld", rows[i].text, (long long)unix_s);
    }
}

/* An answer that took 20 ms, of a target whose clock is that far ahead. */
static void hear(struct target_clock *clock, int64_t ahead_us, int64_t at_us)
{
    int64_t written_us = at_us + 10000 + ahead_us;
    target_clock_hear(clock, written_us / SECOND, at_us, at_us + 20000);
}

static void an_hour_of_skew_is_known_to_a_second_and_soon_better(void **state)
{
    (void)state;
    static const int64_t skews[] = {0, 3600 * SECOND, -3600 * SECOND, 123456, -777777};
    for (size_t i = 0; i < sizeof skews / sizeof *skews; i++) {
        struct target_clock clock = {0};
        hear(&clock, skews[i], NOW);
        assert_true(clock.is_known);
        assert_true(clock.most_us - clock.least_us <= SECOND + 20000);
        for (int k = 1; k < 40; k++) {
            hear(&clock, skews[i], NOW + k * 1370000);
            assert_true(clock.least_us <= skews[i] && skews[i] <= clock.most_us);
        }
        assert_true(clock.most_us - clock.least_us < 100000);
    }
}

static void a_clock_that_was_set_is_learnt_anew(void **state)
{
    (void)state;
    struct target_clock clock = {0};
    hear(&clock, 0, NOW);
    hear(&clock, 60 * SECOND, NOW + SECOND);
    assert_true(clock.least_us <= 60 * SECOND && 60 * SECOND <= clock.most_us);
}

/* Most answers of a fast user say nothing new: what is not looked at costs no precision. */
static void few_answers_are_looked_at_and_the_clock_is_as_well_known(void **state)
{
    (void)state;
    static const int64_t skews[] = {0, 3600 * SECOND, -123456};
    for (size_t i = 0; i < sizeof skews / sizeof *skews; i++) {
        struct target_clock clock = {0}, of_all = {0};
        int looks = 0;
        for (int k = 0; k < 30000; k++) { /* one each 0.1 ms, which takes 0.4 ms */
            int64_t at_us = NOW + 333333 + k * 100, written_us = at_us + 200 + skews[i];
            target_clock_hear(&of_all, written_us / SECOND, at_us, at_us + 400);
            if (!target_clock_may_learn(&clock, at_us, at_us + 400))
                continue;
            looks++;
            target_clock_hear(&clock, written_us / SECOND, at_us, at_us + 400);
            assert_true(clock.least_us <= skews[i] && skews[i] <= clock.most_us);
        }
        assert_in_range(looks, 3, 600);
        assert_true(of_all.most_us - of_all.least_us <= 500);
        assert_true(clock.most_us - clock.least_us <= 600);
    }
}

static void a_clock_that_is_set_is_noticed_within_a_second(void **state)
{
    (void)state;
    struct target_clock clock = {0};
    for (int k = 0; k < 4000; k++) { /* one each ms; set after three seconds */
        int64_t at_us = NOW + k * 1000, ahead_us = k < 3000 ? 0 : -60 * SECOND;
        if (target_clock_may_learn(&clock, at_us, at_us + 400))
            target_clock_hear(&clock, (at_us + 200 + ahead_us) / SECOND, at_us, at_us + 400);
    }
    assert_true(clock.least_us <= -60 * SECOND && -60 * SECOND <= clock.most_us);
}

/* How many of `users` are booked in the fullest tenth of a second, when all got a token at once. */
static size_t fullest_tenth(struct calendar *calendar, size_t users, int64_t window_us)
{
    static size_t bins[100];
    struct random random;
    size_t most = 0;
    random_init(&random, 7, 0);
    memset(bins, 0, sizeof bins);
    for (size_t i = 0; i < users; i++)
        calendar_join(calendar);
    for (size_t i = 0; i < users; i++) {
        int64_t latest_us = NOW + 5 * SECOND;
        int64_t at_us = calendar_book(calendar, latest_us - window_us, latest_us, 5 * SECOND,
                                      random_u64(&random));
        assert_true(at_us >= latest_us - window_us && at_us <= latest_us);
        bins[(at_us - NOW) / 100000]++;
    }
    for (size_t i = 0; i < 100; i++)
        most = bins[i] > most ? bins[i] : most;
    return most;
}

static void users_who_began_together_are_not_renewed_together(void **state)
{
    (void)state;
    static struct calendar calendar;
    memset(&calendar, 0, sizeof calendar);
    /* 1,000 in five seconds are 20 in a tenth of one; the window is long enough for half as many
     * again everywhere. */
    assert_true(fullest_tenth(&calendar, 1000, 4 * SECOND) <= 32);
    memset(&calendar, 0, sizeof calendar);
    /* The window is too short: evenly in it. */
    assert_true(fullest_tenth(&calendar, 1000, SECOND) <= 110);
}

/* Bins of a millisecond, as tokens of 0.2 s and less have: their numbers since 1970 are large. */
static void tokens_that_live_for_a_fifth_of_a_second_do_not_meet_either(void **state)
{
    (void)state;
    static struct calendar calendar;
    static size_t bins[200];
    const int64_t now_us = 2000000000 * SECOND, life_us = SECOND / 5;
    size_t most = 0, admitted = 0;
    memset(&calendar, 0, sizeof calendar);
    memset(bins, 0, sizeof bins);
    for (size_t i = 0; i < 1000; i++)
        calendar_join(&calendar);
    for (size_t i = 0; i < 1000; i++) {
        int64_t at_us = calendar_book(&calendar, now_us + 20000, now_us + 180000, life_us, i * 977);
        bins[(at_us - now_us) / 1000]++;
    }
    for (size_t i = 0; i < 200; i++)
        most = bins[i] > most ? bins[i] : most;
    assert_true(most <= 9); /* five are the average, half as many again and one are the most */
    for (size_t i = 0; i < 1000; i++)
        admitted += calendar_has_room(&calendar, now_us + 500000);
    assert_int_equal(admitted, 7); /* a quarter more than five */
}

static void one_user_is_renewed_as_late_as_the_window_allows(void **state)
{
    (void)state;
    static struct calendar calendar;
    memset(&calendar, 0, sizeof calendar);
    calendar_join(&calendar);
    for (int i = 0; i < 100; i++) {
        int64_t latest_us = NOW + i * 5 * SECOND;
        int64_t at_us =
            calendar_book(&calendar, latest_us - SECOND, latest_us, 5 * SECOND, (uint64_t)i * 977);
        assert_true(latest_us - at_us < 50000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_read_in_three_forms),
        cmocka_unit_test(an_hour_of_skew_is_known_to_a_second_and_soon_better),
        cmocka_unit_test(a_clock_that_was_set_is_learnt_anew),
        cmocka_unit_test(few_answers_are_looked_at_and_the_clock_is_as_well_known),
        cmocka_unit_test(a_clock_that_is_set_is_noticed_within_a_second),
        cmocka_unit_test(tokens_that_live_for_a_fifth_of_a_second_do_not_meet_either),
        cmocka_unit_test(users_who_began_together_are_not_renewed_together),
        cmocka_unit_test(one_user_is_renewed_as_late_as_the_window_allows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
