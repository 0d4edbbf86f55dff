/* rate_limit_rule_test.c - declared limits as text, which requests they are about, and what answers
 * say of limits. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/rate_limit/headers.h"
#include "plugins/rate_limit/rule.h"

static void limits_are_read_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct rule rule;
    } rows[] = {
        {"3/hour per address", {.count = 3, .period_us = 3600000000}},
        {"100/m per user", {.count = 100, .period_us = 60000000, .key = RULE_PER_USER}},
        {"5/s in all", {.count = 5, .period_us = 1000000}},
        {"7/d", {.count = 7, .period_us = 86400000000}},
        {"10/30s Per User", {.count = 10, .period_us = 30000000, .key = RULE_PER_USER}},
        {"1/250ms", {.count = 1, .period_us = 250000}},
        {"POST /auth/signup 3/h per address",
         {.method = "POST", .path = "/auth/signup", .count = 3, .period_us = 3600000000}},
        {"/api/** 9/minutes per header:X-API-Key",
         {.path = "/api/**",
          .count = 9,
          .period_us = 60000000,
          .key = RULE_PER_HEADER,
          .name = "X-API-Key"}},
        {"  4/s   per data:email ",
         {.count = 4, .period_us = 1000000, .key = RULE_PER_DATA, .name = "email"}},
    };
    char problem[RULE_MAX_PROBLEM_BYTES];
    struct rules rules;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rules_parse(rows[i].text, &rules, problem))
            fail_msg("%s", problem);
        assert_int_equal(rules.count, 1);
        const struct rule *rule = &rules.rule[0], *wanted = &rows[i].rule;
        assert_string_equal(rule->method, wanted->method);
        assert_string_equal(rule->path, wanted->path);
        assert_string_equal(rule->name, wanted->name);
        assert_int_equal(rule->count, wanted->count);
        assert_int_equal(rule->period_us, wanted->period_us);
        assert_int_equal(rule->key, wanted->key);
    }
    assert_int_equal(rules_parse("3/h per address; 100/m per user,5/s;", &rules, problem), 0);
    assert_int_equal(rules.count, 3);
    assert_string_equal(rules.rule[1].text, "100/m per user");
}

static void what_is_no_limit_is_named(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", "none is given"},
        {" ; ", "none is given"},
        {"3", "no period"},
        {"3/fortnight", "no period"},
        {"3/0s", "no period"},
        {"3/2000000s", "no period"},
        {"0/h", "no whole number of 1"},
        {"-3/h", "no whole number of 1"},
        {"2000000000/h", "no whole number of 1"},
        {"POST 3/h", "a method needs its path"},
        {"POST /signup", "no COUNT/PERIOD"},
        {"3/h per", "'per' what?"},
        {"3/h per moon", "'per' what?"},
        {"3/h per header:", "a name of 1 to 63 bytes"},
        {"3/h in part", "'in' what?"},
        {"3/h address", "what follows COUNT/PERIOD"},
        {"3/h per user please", "something follows it"},
        {"a b c d e f g h i", "too many words"},
    };
    char problem[RULE_MAX_PROBLEM_BYTES];
    struct rules rules;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rules_parse(rows[i][0], &rules, problem) != -1)
            fail_msg("'%s' was taken", rows[i][0]);
        if (!strstr(problem, rows[i][1]))
            fail_msg("'%s': %s", rows[i][0], problem);
    }
}

static void a_limit_is_about_the_requests_of_its_endpoint(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *method, *url;
        bool matches;
    } rows[] = {
        {"3/h", "GET", "http://a/b", true},
        {"/ 3/h", "GET", "http://a", true},
        {"/ 3/h", "GET", "http://a?x=/y", true},
        {"POST /auth/signup 3/h", "POST", "https://a:8443/auth/signup", true},
        {"POST /auth/signup 3/h", "POST", "https://a/auth/signup?next=/x#y", true},
        {"POST /auth/signup 3/h", "GET", "https://a/auth/signup", false},
        {"POST /auth/signup 3/h", "POST", "https://a/auth/signup/", false},
        {"POST /auth/signup 3/h", "POST", "https://a/auth/signu", false},
        {"/jobs/*/state 3/h", "GET", "http://a/jobs/17/state", true},
        {"/jobs/*/state 3/h", "GET", "http://a/jobs/17/x/state", false},
        {"/jobs/*/state 3/h", "GET", "http://a/jobs//state", true},
        {"/jobs/v*.json 3/h", "GET", "http://a/jobs/v.v.json", true},
        {"/api/** 3/h", "GET", "http://a/api/x/y", true},
        {"/api/** 3/h", "GET", "http://a/apis", false},
        {"/**/state 3/h", "GET", "http://a/x/y/state/z/state", true},
        {"/**/*.js 3/h", "GET", "http://a/x/y.js/z.js", true},
        {"/**/*.js 3/h", "GET", "http://a/x/y.js/z.css", false},
        {"/a 3/h", "GET", "/a?http://x/b", true},
    };
    char problem[RULE_MAX_PROBLEM_BYTES];
    struct rules rules;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(rules_parse(rows[i].rule, &rules, problem), 0);
        if (rule_matches(&rules.rule[0], rows[i].method, strlen(rows[i].method), rows[i].url,
                         strlen(rows[i].url)) != rows[i].matches)
            fail_msg("%s, %s %s", rows[i].rule, rows[i].method, rows[i].url);
    }
}

static void periods_and_tolerances(void **state)
{
    (void)state;
    char text[40], problem[RULE_MAX_PROBLEM_BYTES];
    bool is_share;
    double value;
    assert_string_equal(rule_period_text(3600000000, text), "an hour");
    assert_string_equal(rule_period_text(7200000000, text), "2 hours");
    assert_string_equal(rule_period_text(90000000, text), "90 seconds");
    assert_string_equal(rule_period_text(250000, text), "250 ms");
    assert_int_equal(rule_tolerance("10%", &is_share, &value, problem), 0);
    assert_true(is_share && value == 0.1);
    assert_int_equal(rule_tolerance("2", &is_share, &value, problem), 0);
    assert_true(!is_share && value == 2);
    assert_int_equal(rule_tolerance("-1", &is_share, &value, problem), -1);
    assert_int_equal(rule_tolerance("2x", &is_share, &value, problem), -1);
    assert_int_equal(rule_tolerance("", &is_share, &value, problem), -1);
}

static void retry_after_is_seconds_or_a_date(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_one;
        uint64_t us;
    } rows[] = {
        {"0", true, 0},
        {"120", true, 120000000},
        {"120 ", true, 120000000},
        {"Tue, 14 Nov 2023 22:13:30 GMT", true, 10000000}, /* 1700000000 is 22:13:20 */
        {"Tue, 14 Nov 2023 22:13:10 GMT", true, 0},
        {"Thu, 29 Feb 2024 00:00:00 GMT", true, 9164800000000},
        {"Tue, 14 Nox 2023 22:13:30 GMT", false, 0},
        {"Tue, 14 Nov 2023 25:13:30 GMT", false, 0},
        {"soon", false, 0},
        {"", false, 0},
        {"1.5", false, 0},
        {"99999999999999999999", true, 1000000000000000000},
        {"99999999999999999999 hours", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t us = 0;
        bool is_one =
            headers_retry_after(rows[i].text, strlen(rows[i].text), 1700000000000000, &us);
        if (is_one != rows[i].is_one || us != rows[i].us)
            fail_msg("'%s': %d, %" PRIu64, rows[i].text, is_one, us);
    }
}

static void both_forms_of_ratelimit_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct headers_quota quota;
    } rows[] = {
        {"\"default\";r=50;t=30", {.has_remaining = true, .remaining = 50}},
        {"\"a;r=1\";r=50;t=30, \"b\";r=7;t=3", {.has_remaining = true, .remaining = 7}},
        {"limit=100, remaining=0, reset=5", {true, true, 0, 100}},
        {"limit=100;w=60", {.has_limit = true, .limit = 100}},
        {"r=x, t", {.has_remaining = false}},
        {"\"open;r=3", {.has_remaining = false}},
        {"", {.has_remaining = false}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct headers_quota quota = {.has_remaining = false};
        headers_ratelimit(rows[i].text, strlen(rows[i].text), &quota);
        if (quota.has_remaining != rows[i].quota.has_remaining ||
            quota.remaining != rows[i].quota.remaining ||
            quota.has_limit != rows[i].quota.has_limit || quota.limit != rows[i].quota.limit)
            fail_msg("%s", rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_read_as_people_write_them),
        cmocka_unit_test(what_is_no_limit_is_named),
        cmocka_unit_test(a_limit_is_about_the_requests_of_its_endpoint),
        cmocka_unit_test(periods_and_tolerances),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        cmocka_unit_test(both_forms_of_ratelimit_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
