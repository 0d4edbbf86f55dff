/* user_identity_test.c - users who bring along what no answer gives: ids of their own, their row of
 * data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "replay/identities/identities.h"
#include "replay/identities/identity_draw.h"
#include "tests/support/play.h"

static struct play play;

static void prepare(const char *script, enum pacing_mode mode)
{
    play_prepare(&play, script, (struct pacing){mode, 1, 1});
    fake_logs_all = true;
}

/* What stands in the log between the n-th `left`, from 0, and the next byte of `ends`. */
static const char *logged(const char *left, int n, const char *ends)
{
    static char texts[8][128];
    static int next;
    const char *at = buf_text(&fake_log);
    char *text = texts[next++ % 8];
    for (int i = 0; i <= n; i++) {
        at = strstr(at, left);
        if (!at)
            fail_msg("no %d. '%s' in %s", n + 1, left, buf_text(&fake_log));
        at += strlen(left);
    }
    snprintf(text, sizeof texts[0], "%.*s", (int)strcspn(at, ends), at);
    return text;
}

static void play_to_end(void)
{
    fake_run(&play.loop, UINT64_MAX - 1);
}

#define UUID "6ba7b810-9dad-41d1-80b4-00c04fd430c8"

static const char uuid_script[] = "session s\n0 10 POST /jobs 201 {\"id\":\"" UUID "\",\"n\":1}\n"
                                  "20 30 GET /jobs/" UUID "?x=1 200\nheader X-Id: <" UUID ">\n"
                                  "bind 1 new:uuid -> 1 body:/id\nbind 1 new:uuid -> 2 path:2\n"
                                  "bind 1 new:uuid -> 2 header:X-Id\n";

static void what_the_client_made_is_made_anew_and_equal_where_it_was(void **state)
{
    (void)state;
    char first[64], again[64];
    prepare(uuid_script, PACING_THINK);
    play_start(&play, 0, 0);
    play_start(&play, 1, 5000);
    play_to_end();
    for (int i = 0; i < 2; i++) {
        const char *id = logged("body {\"id\":\"", i, "\"");
        assert_int_equal(strlen(id), 36);
        assert_string_not_equal(id, UUID);
        assert_int_equal(id[14], '4');
        assert_string_equal(logged("GET /jobs/", i, "?"), id);
        assert_string_equal(logged("X-Id: <", i, ">"), id);
    }
    snprintf(first, sizeof first, "%s", logged("body {\"id\":\"", 0, "\""));
    assert_string_not_equal(first, logged("body {\"id\":\"", 1, "\""));
    /* Its next session is another. */
    assert_int_equal(user_play(play.users[0], &play.plan->sessions[0], fake_now_us), 0);
    play_to_end();
    snprintf(again, sizeof again, "%s", logged("body {\"id\":\"", 2, "\""));
    assert_string_not_equal(again, first);
    play_end(&play);
    /* The same seed draws the same, another one others. */
    for (uint64_t seed = 0; seed < 2; seed++) {
        prepare(uuid_script, PACING_THINK);
        play.env.seed = seed;
        play_start(&play, 0, 0);
        play_to_end();
        bool is_same = strcmp(logged("body {\"id\":\"", 0, "\""), first) == 0;
        assert_int_equal(is_same, seed == 0);
        play_end(&play);
    }
}

static void one_value_goes_out_in_many_forms(void **state)
{
    (void)state;
    char room[128];
    prepare("session s\n0 10 POST /signup?m=bob%40shop.test 201 mail=bob%40shop.test&n=b+o\n"
            "header X-Raw: mail bob@shop.test;\nheader X-B64: Ym9iQHNob3AudGVzdA==\n"
            "header X-Url: Ym9iQHNob3AudGVzdA\nheader X-Hex: 626F624073686f702e74657374\n"
            "bind 1 new:email -> 1 query:m as percent\nbind 1 new:email -> 1 form:mail as percent\n"
            "bind 1 new:email -> 1 header:X-Raw\nbind 1 new:email -> 1 header:X-B64 as base64\n"
            "bind 1 new:email -> 1 header:X-Url as base64url\n"
            "bind 1 new:text -> 1 form:n as plus\n",
            PACING_THINK);
    play_start(&play, 0, 0);
    play_to_end();
    const char *mail = logged("X-Raw: mail ", 0, ";");
    size_t name_len = strlen(mail) - strlen("@shop.test");
    assert_memory_equal(mail, "bob.", 4);
    assert_string_equal(mail + name_len, "@shop.test");
    struct bytes name = bytes_make(mail, name_len);
    assert_true(bytes_starts_with(bytes_of(logged("signup?m=", 0, "%")), name));
    assert_string_equal(logged("body mail=", 0, "&"), logged("signup?m=", 0, " \n"));
    ssize_t len = value_form_decode(VALUE_BASE64, bytes_of(logged("X-B64: ", 0, "\n")), room);
    assert_true(bytes_equal(bytes_make(room, (size_t)len), bytes_of(mail)));
    len = value_form_decode(VALUE_BASE64, bytes_of(logged("X-Url: ", 0, "\n")), room);
    assert_true(bytes_equal(bytes_make(room, (size_t)len), bytes_of(mail)));
    assert_null(strchr(logged("X-Url: ", 0, "\n"), '='));
    assert_int_equal(logged("&n=", 0, "\n")[1], '+');
    play_end(&play);
}

/* The trace's 0 is 1700000000 s; the run's is given here. */
static void a_moment_is_that_of_the_live_request(void **state)
{
    (void)state;
    prepare("session s\n0 10 GET /a 200\n20 30 POST /b?t=1700000000 200 {\"at\":1700000000015}\n"
            "40 50 GET /c?since=1700000000015&day=1699913600 200\n"
            "bind 2 new:time_s -> 2 query:t\nbind 2 new:time_ms -> 2 body:/at\n"
            "bind 2 new:time_ms -> 3 query:since\nbind 3 new:time_s -> 3 query:day\n",
            PACING_THINK);
    play.env.unix_origin_us = 1800000000000000;
    play_start(&play, 0, 7000000); /* 7 s later than the run's 0 */
    play_expect(&play, "7000 GET /a\n"
                       "7020 POST /b?t=1800000007\n  body {\"at\":1800000007015}\n"
                       "7040 GET /c?since=1800000007015&day=1799913607\n");
    play_end(&play);
}

/* --- data ---------------------------------------------------------------------------------- */

static struct identities identities;

static void use_data(const char *content, enum identity_mode mode)
{
    struct error err;
    identities = (struct identities){.mode = mode};
    if (identity_rows_parse(&identities.rows, bytes_of(content), &err))
        fail_msg("%s", err.text);
    play_identities = &identities;
}

static void end(void)
{
    play_end(&play);
    identities_close(&identities);
}

#define LOGIN                                                                                      \
    "session s\n0 10 POST /login 200 {\"email\":\"bob@shop.test\",\"password\":\"pw\"}\n"          \
    "20 30 GET /u/bob%40shop.test?id=7 200\n"

static void a_place_that_asks_for_data_gets_the_users_row(void **state)
{
    (void)state;
    use_data("login,Password\nann@x,\"a\"\"b\"\nbea@x,c d\n", IDENTITY_UNIQUE);
    prepare(LOGIN "bind 1 data:login -> 1 body:/email\nbind 1 data:password -> 1 body:/password\n"
                  "bind 1 data:login -> 2 path:2 as percent\nbind 1 data:other -> 2 query:id\n",
            PACING_THINK);
    assert_int_equal(play.plan->data_sessions, 1);
    assert_false(play.plan->index[0].has_account);
    play_start(&play, 0, 0);
    play_start(&play, 1, 1000);
    play_expect(&play, "0 POST /login\n  body {\"email\":\"ann@x\",\"password\":\"a\\\"b\"}\n"
                       "1 POST /login\n  body {\"email\":\"bea@x\",\"password\":\"c d\"}\n"
                       "20 GET /u/ann%40x?id=7\n21 GET /u/bea%40x?id=7\n");
    end();
}

/* As it was in the first request is how it is looked for in the others. */
static void a_value_may_be_part_of_what_is_there(void **state)
{
    (void)state;
    use_data("login\nann@x\n", IDENTITY_UNIQUE);
    prepare(LOGIN "40 50 POST /log 200 {\"text\":\"hello bob@shop.test!\",\"n\":\"a1-z9 b\"}\n"
                  "header X-N: <a1-z9>\n"
                  "bind 1 data:login -> 1 body:/email\nbind 1 data:login -> 3 body:/text\n"
                  "bind 3 new:text -> 3 header:X-N\nbind 3 new:text -> 3 body:/n\n",
            PACING_THINK);
    play_start(&play, 0, 0);
    play_to_end();
    assert_string_equal(logged("{\"text\":\"", 0, "\""), "hello ann@x!");
    end();
}

static void without_data_it_goes_out_as_recorded_and_is_an_account(void **state)
{
    (void)state;
    prepare(LOGIN "bind 1 data:login -> 1 body:/email\n", PACING_THINK);
    assert_true(play.plan->index[0].has_account);
    play_start(&play, 0, 0);
    play_expect(&play, "0 POST /login\n  body {\"email\":\"bob@shop.test\",\"password\":\"pw\"}\n"
                       "20 GET /u/bob%40shop.test?id=7\n");
    assert_int_equal(play.env.metrics->bindings_missing[MISSING_RECORDED], 0);
    play_end(&play);
    /* A column of another name says nothing of it. */
    use_data("id\n1\n", IDENTITY_UNIQUE);
    prepare(LOGIN "bind 1 data:login -> 1 body:/email\n", PACING_THINK);
    play_start(&play, 0, 0);
    play_to_end();
    end();
}

static void fields_of_a_columns_name_are_its_own(void **state)
{
    (void)state;
    use_data("email,id\nann@x,12\n", IDENTITY_UNIQUE);
    prepare(LOGIN "40 50 POST /f?EMAIL=x%40y 200 email=x%40y&other=1\n"
                  "header Content-Type: application/x-www-form-urlencoded\nheader Email: x@y\n"
                  "60 70 POST /deep 200 {\"u\":[{\"email\":\"q\",\"id\":7}]}\n",
            PACING_THINK);
    assert_int_equal(play.plan->data_sessions, 1);
    play_start(&play, 0, 0);
    play_expect(&play, "0 POST /login\n  body {\"email\":\"ann@x\",\"password\":\"pw\"}\n"
                       "20 GET /u/bob%40shop.test?id=12\n"
                       "40 POST /f?EMAIL=ann%40x\n  body email=ann%40x&other=1\n"
                       "60 POST /deep\n  body {\"u\":[{\"email\":\"ann@x\",\"id\":12}]}\n");
    end();
}

static void a_mapped_text_is_replaced_wherever_requests_carry_it(void **state)
{
    (void)state;
    use_data("who,key\nann@x,s3cret\n", IDENTITY_UNIQUE);
    identities.map_count = 2;
    identities.maps[0] = (struct identity_map){0, bytes_of("bob@shop.test")};
    identities.maps[1] = (struct identity_map){1, bytes_of("pw")};
    prepare(LOGIN "40 50 GET /basic 200\nheader Authorization: Basic Ym9iQHNob3AudGVzdDpwdw==\n"
                  "60 70 GET /h 200\nheader X-User: user=bob@shop.test;\nheader X-Not: apw\n"
                  "80 90 GET /c 200\nheader Cookie: a=1; u=bob@shop.test\n",
            PACING_THINK);
    play_start(&play, 0, 0);
    play_expect(&play, "0 POST /login\n  body {\"email\":\"ann@x\",\"password\":\"s3cret\"}\n"
                       "20 GET /u/ann%40x?id=7\n"
                       "40 GET /basic\n  Authorization: Basic YW5uQHg6czNjcmV0\n"
                       "60 GET /h\n  X-User: user=ann@x;\n  X-Not: apw\n"
                       "80 GET /c\n  cookie a=1; u=ann@x\n");
    end();
}

/* A signup's address would be made anew: the row says which. */
static void data_goes_before_what_would_be_drawn(void **state)
{
    (void)state;
    use_data("email\nann@x\n", IDENTITY_UNIQUE);
    prepare("session s\n0 10 POST /signup 201 {\"email\":\"bob@shop.test\"}\n"
            "20 30 GET /u/bob@shop.test 200\n"
            "bind 1 new:email -> 1 body:/email\nbind 1 new:email -> 2 path:2\n",
            PACING_THINK);
    play_start(&play, 0, 0);
    play_expect(&play, "0 POST /signup\n  body {\"email\":\"ann@x\"}\n20 GET /u/ann@x\n");
    end();
}

static void rows_in_turn_begin_again(void **state)
{
    (void)state;
    use_data("id\n1\n2\n3\n", IDENTITY_ROUND_ROBIN);
    assert_int_equal(identities_row(&identities, 1, 0, 0), 0);
    assert_int_equal(identities_row(&identities, 1, 4, 0), 1);
    assert_int_equal(identities_row(&identities, 1, 4, 9), 1); /* a user stays who it is */
    identities.mode = IDENTITY_SHARED;
    size_t seen[3] = {0};
    for (uint64_t user = 0; user < 100; user++) {
        size_t row = identities_row(&identities, 1, user, 0);
        assert_true(row < 3 && identities_row(&identities, 1, user, 0) == row);
        seen[row]++;
    }
    assert_true(seen[0] > 10 && seen[1] > 10 && seen[2] > 10);
    identities_close(&identities);
    play_identities = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_client_made_is_made_anew_and_equal_where_it_was),
        cmocka_unit_test(one_value_goes_out_in_many_forms),
        cmocka_unit_test(a_moment_is_that_of_the_live_request),
        cmocka_unit_test(a_place_that_asks_for_data_gets_the_users_row),
        cmocka_unit_test(a_value_may_be_part_of_what_is_there),
        cmocka_unit_test(without_data_it_goes_out_as_recorded_and_is_an_account),
        cmocka_unit_test(fields_of_a_columns_name_are_its_own),
        cmocka_unit_test(a_mapped_text_is_replaced_wherever_requests_carry_it),
        cmocka_unit_test(data_goes_before_what_would_be_drawn),
        cmocka_unit_test(rows_in_turn_begin_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
