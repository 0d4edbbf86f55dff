/* rate_limit_plugin_test.c - the plugin as it is loaded: which answers it calls expected, too early
 * and too many, and what it waits for. */
#include "tests/plugins/module_fixture.h"

#define SECOND UINT64_C(1000000)

/* User `user` signs up at `at_us` and is answered 10 ms later. */
static struct asked sign_up(struct module *m, uint64_t user, uint64_t at_us, int status,
                            const char *const *headers)
{
    struct asked asked = module_request(m, 3, "POST /auth/signup", "", NULL);
    module_ask(m, user, at_us, &asked);
    module_answer(m, user, at_us + 10000, &asked, status, NULL, 10000, headers);
    return asked;
}

static void the_fourth_within_an_hour_must_be_refused(void **state)
{
    (void)state;
    static const char *const kinds[] = {"window", "clock", "sliding", "bucket"};
    for (size_t kind = 0; kind < 4; kind++) {
        struct module m;
        char spec[120];
        snprintf(spec, sizeof spec, "rate_limit:limit=POST /auth/signup 3/h per address,allow=%s",
                 kinds[kind]);
        module_start(&m, spec);
        for (uint64_t i = 0; i < 3; i++)
            assert_int_equal(sign_up(&m, i, i * SECOND, 201, NULL).outcome.judgement, 0);
        assert_int_equal(sign_up(&m, 0, 3 * SECOND, 429, NULL).outcome.judgement, REPRISE_EXPECTED);
        assert_int_equal(module_counted(&m, "rate_limited_expected"), 1);
        assert_int_equal(module_counted(&m, "rate_limit_missed"), 0);
        struct asked fifth = sign_up(&m, 4, 4 * SECOND, 201, NULL);
        assert_int_equal(fifth.outcome.judgement, REPRISE_UNEXPECTED);
        if (kind < 3)
            assert_string_equal(fifth.outcome.judged,
                                "plugin rate_limit: POST /auth/signup 3/h per address: the 4th "
                                "within an hour was not refused (201)");
        assert_int_equal(module_counted(&m, "rate_limit_missed"), 1);
        assert_int_equal(module_counted(&m, "rate_limited_early"), 0);
        struct asked other = module_request(&m, 4, "POST /auth/login", "", NULL);
        module_ask(&m, 0, 5 * SECOND, &other);
        module_answer(&m, 0, 5 * SECOND, &other, 429, NULL, 10, NULL);
        assert_int_equal(other.outcome.judgement, 0);
        module_stop(&m);
    }
}

static void a_refusal_within_the_limit_stays_a_failure(void **state)
{
    (void)state;
    struct module m;
    module_start(&m, "rate_limit:limit=3/h per user");
    sign_up(&m, 0, 0, 201, NULL);
    sign_up(&m, 0, SECOND, 201, NULL);
    assert_int_equal(sign_up(&m, 0, 2 * SECOND, 429, NULL).outcome.judgement, 0);
    assert_int_equal(module_counted(&m, "rate_limited_early"), 1);
    sign_up(&m, 0, 3 * SECOND, 201, NULL); /* what was refused has used nothing */
    assert_int_equal(module_counted(&m, "rate_limit_missed"), 0);
    assert_int_equal(sign_up(&m, 0, 4 * SECOND, 429, NULL).outcome.judgement, REPRISE_EXPECTED);
    assert_int_equal(sign_up(&m, 1, 4 * SECOND, 429, NULL).outcome.judgement, 0);
    assert_int_equal(module_counted(&m, "rate_limited_early"), 2);
    module_stop(&m);
}

static void requests_on_their_way_may_have_used_it_up(void **state)
{
    (void)state;
    struct module m;
    struct asked asked[4];
    module_start(&m, "rate_limit:limit=3/h in all");
    for (uint64_t i = 0; i < 4; i++) {
        asked[i] = module_request(&m, 3, "GET /", "", NULL);
        module_ask(&m, i, i, &asked[i]);
    }
    /* The one that is refused is answered first: three others are on their way. */
    module_answer(&m, 3, 1000, &asked[3], 429, NULL, 900, NULL);
    assert_int_equal(asked[3].outcome.judgement, REPRISE_EXPECTED);
    module_answer(&m, 0, 1000, &asked[0], 200, NULL, 900, NULL);
    module_answer(&m, 1, 1000, &asked[1], 0, NULL, 900, NULL); /* counted, perhaps */
    module_answer(&m, 2, 1000, &asked[2], 200, NULL, 900, NULL);
    assert_int_equal(sign_up(&m, 0, SECOND, 429, NULL).outcome.judgement, REPRISE_EXPECTED);
    assert_int_equal(sign_up(&m, 0, 2 * SECOND, 200, NULL).outcome.judgement, 0);
    assert_int_equal(sign_up(&m, 0, 3 * SECOND, 200, NULL).outcome.judgement, REPRISE_UNEXPECTED);
    assert_int_equal(module_counted(&m, "rate_limited_early"), 0);
    module_stop(&m);
}

static void added_requests_are_told_apart_by_their_url(void **state)
{
    (void)state;
    struct module m;
    struct chain_added first = {.plugin = 7}, second = {.plugin = 8};
    module_start(&m, "rate_limit:limit=/a 1/h; /b 1/h");
    struct asked used = module_request(&m, 3, "GET /a", "", NULL);
    module_ask(&m, 0, 0, &used);
    module_answer(&m, 0, 10, &used, 200, NULL, 5, NULL);
    struct asked a = module_request(&m, 0, "GET /a", "", NULL);
    struct asked b = module_request(&m, 0, "GET /b", "", NULL);
    a.info.added = &first;
    b.info.added = &second;
    module_ask(&m, 0, SECOND, &a);
    module_ask(&m, 0, SECOND, &b);
    module_answer(&m, 0, 2 * SECOND, &a, 429, NULL, 5, NULL);
    assert_int_equal(a.outcome.judgement, REPRISE_EXPECTED);
    module_answer(&m, 0, 2 * SECOND, &b, 200, NULL, 5, NULL);
    assert_int_equal(b.outcome.judgement, 0);
    assert_int_equal(module_counted(&m, "rate_limited_early"), 0);
    module_stop(&m);
}

static void a_tolerance_leaves_room_both_ways(void **state)
{
    (void)state;
    struct module m;
    module_start(&m, "rate_limit:limit=10/h,tolerance=20%,status=503");
    for (uint64_t i = 0; i < 12; i++)
        assert_int_equal(sign_up(&m, 0, i * SECOND, 200, NULL).outcome.judgement, 0);
    assert_int_equal(sign_up(&m, 0, 12 * SECOND, 200, NULL).outcome.judgement, REPRISE_UNEXPECTED);
    module_stop(&m);
    module_start(&m, "rate_limit:limit=10/h,tolerance=2,status=503");
    for (uint64_t i = 0; i < 8; i++) {
        if (i == 7)
            assert_int_equal(sign_up(&m, 0, 7 * SECOND, 503, NULL).outcome.judgement, 0);
        sign_up(&m, 0, i * SECOND, 200, NULL);
    }
    assert_int_equal(sign_up(&m, 0, 9 * SECOND, 503, NULL).outcome.judgement, REPRISE_EXPECTED);
    assert_int_equal(module_counted(&m, "rate_limited_early"), 1);
    module_stop(&m);
}

static void a_refusal_is_waited_for_when_asked(void **state)
{
    (void)state;
    struct module m;
    module_start(&m, "rate_limit:limit=1/m per user,wait=on,jitter=0s,longest=50s,retries=2");
    sign_up(&m, 0, 0, 200, NULL);
    struct asked asked = module_request(&m, 4, "GET /", "", NULL);
    module_ask(&m, 0, SECOND, &asked);
    static const char *const seven[] = {"Retry-After: 7", NULL};
    static const char *const hour[] = {"Retry-After: 3600", NULL};
    assert_int_equal(module_answer(&m, 0, SECOND, &asked, 429, NULL, 5, seven), REPRISE_RETRY);
    assert_int_equal(asked.outcome.delay_us, 7 * SECOND);
    assert_int_equal(asked.outcome.judgement, 0);
    asked.info.attempt = 1;
    module_ask(&m, 0, 2 * SECOND, &asked);
    assert_int_equal(module_answer(&m, 0, 2 * SECOND, &asked, 429, NULL, 5, hour),
                     REPRISE_CONTINUE);
    assert_int_equal(asked.outcome.judgement, REPRISE_EXPECTED);
    asked.info.attempt = 2;
    module_ask(&m, 0, 3 * SECOND, &asked);
    assert_int_equal(module_answer(&m, 0, 3 * SECOND, &asked, 429, NULL, 5, seven),
                     REPRISE_CONTINUE);
    assert_int_equal(module_counted(&m, "rate_limit_waits"), 1);
    assert_int_equal(module_counted(&m, "rate_limit_wait_time"), 7 * SECOND);
    assert_int_equal(module_counted(&m, "rate_limited_expected"), 3);
    module_stop(&m);
}

static void a_wait_that_no_number_holds_is_too_long(void **state)
{
    (void)state;
    struct module m;
    module_start(&m, "rate_limit:limit=1/m per user,wait=on");
    sign_up(&m, 0, 0, 200, NULL);
    static const char *const forever[] = {"Retry-After: 99999999999999999999", NULL};
    assert_int_equal(sign_up(&m, 0, SECOND, 429, forever).outcome.judgement, REPRISE_EXPECTED);
    assert_int_equal(module_counted(&m, "rate_limit_waits"), 0);
    module_stop(&m);
}

static void headers_that_grant_too_much_are_counted(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *header;
        uint64_t wrong;
    } rows[] = {
        {200, "X-RateLimit-Remaining: 2", 0},
        {200, "X-RateLimit-Remaining: 3", 1},
        {200, "RateLimit: \"default\";r=2;t=9", 0},
        {200, "RateLimit: limit=3, remaining=3, reset=4", 1},
        {200, "RateLimit-Limit: 3;w=3600", 0},
        {200, "X-RateLimit-Limit: 100", 1},
        {429, "X-RateLimit-Remaining: 0", 0},
        {429, "X-RateLimit-Remaining: 1", 1},
        {200, "X-RateLimit-Remaining: soon", 0},
        {200, "X-RateLimit-Remaining: 99999999999999999999", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct module m;
        module_start(&m, "rate_limit:limit=3/h per user");
        const char *const headers[] = {rows[i].header, NULL};
        sign_up(&m, 0, 0, rows[i].status, headers);
        if (module_counted(&m, "rate_limit_headers_wrong") != rows[i].wrong)
            fail_msg("%d %s", rows[i].status, rows[i].header);
        module_stop(&m);
    }
}

static void keys_are_users_headers_and_columns(void **state)
{
    (void)state;
    struct module m;
    module_start(&m, "rate_limit:limit=1/h per header:X-API-Key; 1/h per data:team");
    static const char *const first[] = {"X-API-Key: one", NULL};
    static const char *const second[] = {"X-API-Key: two", NULL};
    const struct {
        const char *const *headers;
        const char *team;
        uint32_t judgement;
    } rows[] = {
        {first, NULL, 0}, {second, NULL, 0}, {first, NULL, REPRISE_UNEXPECTED}, {NULL, NULL, 0},
        {NULL, "red", 0}, {NULL, "blue", 0}, {NULL, "red", REPRISE_UNEXPECTED}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        m.columns[0][0] = rows[i].team ? "team" : NULL;
        m.columns[0][1] = rows[i].team;
        struct asked asked = module_request(&m, 3, "GET /", "", rows[i].headers);
        module_ask(&m, 0, i * SECOND, &asked);
        module_answer(&m, 0, i * SECOND, &asked, 200, NULL, 5, NULL);
        if (asked.outcome.judgement != rows[i].judgement)
            fail_msg("row %zu: %d", i, (int)asked.outcome.judgement);
    }
    module_stop(&m);
}

static void options_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    module_refuses("rate_limit", "option limit is missing");
    module_refuses("rate_limit:limit=3/eternity", "limit: '3/eternity': no period");
    module_refuses("rate_limit:limit=3/h,allow=often", "window, clock, sliding or bucket");
    module_refuses("rate_limit:limit=3/h,tolerance=lots", "tolerance: 'lots'");
    module_refuses("rate_limit:limit=3/h,status=200", "400 to 599");
    module_refuses("rate_limit:limit=20000/h,allow=sliding", "up to 10000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fourth_within_an_hour_must_be_refused),
        cmocka_unit_test(a_refusal_within_the_limit_stays_a_failure),
        cmocka_unit_test(requests_on_their_way_may_have_used_it_up),
        cmocka_unit_test(added_requests_are_told_apart_by_their_url),
        cmocka_unit_test(a_tolerance_leaves_room_both_ways),
        cmocka_unit_test(a_refusal_is_waited_for_when_asked),
        cmocka_unit_test(a_wait_that_no_number_holds_is_too_long),
        cmocka_unit_test(headers_that_grant_too_much_are_counted),
        cmocka_unit_test(keys_are_users_headers_and_columns),
        cmocka_unit_test(options_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
