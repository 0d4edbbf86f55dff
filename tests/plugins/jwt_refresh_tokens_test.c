/* jwt_refresh_tokens_test.c - what tokens and answers say of themselves, and what is believed. */
#include "plugins/jwt_refresh/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/jwt_refresh/answer.h"
#include "plugins/jwt_refresh/fields.h"
#include "tests/plugins/jwt_text.h"

#define SECOND INT64_C(1000000)

static void a_jwt_is_told_from_other_texts(void **state)
{
    (void)state;
    static const struct {
        const char *header, *payload;
        bool is_jwt;
    } rows[] = {
        {"{\"alg\":\"HS256\"}", "{}", true},
        {"{\"alg\":\"PS256\",\"typ\":\"at+jwt\"}", "{\"exp\":1}", true},
        {"{\"alg\":\"EdDSA\"}", "{\"exp\":1}", true},
        {"{\"kid\":\"a\"}", "{}", false},
        {"[1]", "{}", false},
        {"{\"alg\":\"HS256\"}", "7", false},
        {"{\"alg\":\"HS256\"", "{}", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = jwt_text(rows[i].header, rows[i].payload);
        assert_int_equal(token_is_jwt(text_of(text)), rows[i].is_jwt);
        free(text);
    }
    static const char *const others[] = {"",
                                         "a.b.c",
                                         "no token",
                                         "eyJhbGciOiJIUzI1NiJ9",
                                         "..",
                                         "eyJhbGciOiJIUzI1NiJ9.e30",
                                         "www.shop.example.org",
                                         "eyJhbGciOiJIUzI1NiJ9.e30.x.y.z"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(token_is_jwt(text_of(others[i])));
}

static void every_prefix_of_a_token_is_no_token(void **state)
{
    (void)state;
    char *text = jwt_text("{\"alg\":\"HS256\"}", "{\"exp\":1700000000}");
    size_t signature = (size_t)(strrchr(text, '.') - text);
    for (size_t len = 0; len < signature; len++)
        assert_false(token_is_jwt(text_from(text, len)));
    free(text);
}

static void times_are_read_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        bool has_exp;
        int64_t exp_us;
    } rows[] = {
        {"{\"exp\":1700000000}", true, 1700000000 * SECOND},
        {"{\"exp\":1700000000.25}", true, 1700000000 * SECOND + 250000},
        {"{\"exp\":\"1700000000\"}", true, 1700000000 * SECOND},
        {"{\"exp\":1700000000123}", true, 1700000000 * SECOND + 123000},
        {"{\"exp\":0}", true, 0},
        {"{\"exp\":-5}", false, 0},
        {"{\"exp\":1e300}", false, 0},
        {"{\"exp\":\"tomorrow\"}", false, 0},
        {"{\"exp\":null}", false, 0},
        {"{\"exp\":{\"at\":1}}", false, 0},
        {"{\"sub\":\"me\"}", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct token_times times;
        char *text = jwt_text("{\"alg\":\"none\"}", rows[i].payload);
        assert_int_equal(token_read(text_of(text), &times), 0);
        assert_int_equal(times.has_exp, rows[i].has_exp);
        assert_int_equal(times.has_odd_exp, !rows[i].has_exp && !strstr(rows[i].payload, "null") &&
                                                strstr(rows[i].payload, "exp"));
        assert_int_equal(times.exp_us, rows[i].exp_us);
        free(text);
    }
}

#define NOW (1700000000 * SECOND)
#define HOUR (3600 * SECOND)

static void a_life_is_believed_only_when_it_can_be(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct token_news news;
        bool clock_is_known;
        int64_t ahead_us;
        enum token_life life;
        int64_t until_us; /* after NOW */
    } rows[] = {
        {"by the target's clock",
         {.times = {.has_exp = true, .exp_us = NOW + 5 * SECOND}},
         true,
         0,
         TOKEN_LIFE_KNOWN,
         5 * SECOND},
        {"an hour ahead of ours",
         {.times = {.has_exp = true, .exp_us = NOW + HOUR + 5 * SECOND}},
         true,
         HOUR,
         TOKEN_LIFE_KNOWN,
         5 * SECOND},
        {"an hour behind ours",
         {.times = {.has_exp = true, .exp_us = NOW - HOUR + 5 * SECOND}},
         true,
         -HOUR,
         TOKEN_LIFE_KNOWN,
         5 * SECOND},
        {"expires_in does not overrule exp",
         {.times = {.has_exp = true, .exp_us = NOW + 5 * SECOND}, .expires_in_us = HOUR},
         true,
         0,
         TOKEN_LIFE_KNOWN,
         5 * SECOND},
        {"no Date: the difference to iat, less what whole seconds may hide",
         {.times =
              {.has_exp = true, .has_iat = true, .exp_us = 905 * SECOND, .iat_us = 900 * SECOND}},
         false,
         0,
         TOKEN_LIFE_KNOWN,
         4 * SECOND - 1000},
        {"no JWT", {.expires_in_us = 5 * SECOND}, true, 0, TOKEN_LIFE_KNOWN, 5 * SECOND - 1000},
        {"no JWT, a moment", {.expires_at_us = NOW + HOUR}, true, 0, TOKEN_LIFE_KNOWN, HOUR},
        {"a moment in the past, and a duration",
         {.expires_at_us = NOW - HOUR, .expires_in_us = HOUR},
         true,
         0,
         TOKEN_LIFE_KNOWN,
         HOUR - 1000},
        {"in the past",
         {.times = {.has_exp = true, .exp_us = NOW - SECOND}},
         true,
         0,
         TOKEN_LIFE_ABSURD,
         0},
        {"in 1970", {.times = {.has_exp = true, .exp_us = 7}}, true, 0, TOKEN_LIFE_ABSURD, 0},
        {"exp before iat, no Date",
         {.times = {.has_exp = true, .has_iat = true, .exp_us = 5 * SECOND, .iat_us = 10 * SECOND}},
         false,
         0,
         TOKEN_LIFE_ABSURD,
         0},
        {"no Date and no iat",
         {.times = {.has_exp = true, .exp_us = NOW + HOUR}},
         false,
         0,
         TOKEN_LIFE_ABSURD,
         0},
        {"nothing is said", {.expires_in_us = 0}, true, 0, TOKEN_LIFE_UNKNOWN, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct token_clock clock = {NOW - 1000, NOW, rows[i].clock_is_known, rows[i].ahead_us,
                                          rows[i].ahead_us};
        int64_t until_us = NOW, from_us;
        if (token_good_until(&rows[i].news, &clock, &until_us, &from_us) != rows[i].life ||
            until_us != NOW + rows[i].until_us)
            fail_msg("%s: until %lld", rows[i].what, (long long)(until_us - NOW));
    }
}

static void a_token_that_is_not_good_yet_is_waited_for_a_little(void **state)
{
    (void)state;
    const struct token_clock clock = {NOW, NOW, true, 0, 0};
    struct token_news news = {.times = {.has_exp = true, .has_nbf = true, .exp_us = NOW + HOUR}};
    news.times.nbf_us = NOW + 2 * SECOND;
    int64_t until_us, from_us;
    token_good_until(&news, &clock, &until_us, &from_us);
    assert_int_equal(from_us, NOW + 2 * SECOND);
    news.times.nbf_us = NOW + HOUR / 2; /* not for half an hour */
    token_good_until(&news, &clock, &until_us, &from_us);
    assert_int_equal(from_us, 0);
    news.times.nbf_us = NOW - SECOND;
    token_good_until(&news, &clock, &until_us, &from_us);
    assert_int_equal(from_us, 0);
}

/* What is safe for the end is not for the beginning. */
static void a_beginning_is_read_by_the_least_that_the_target_is_ahead(void **state)
{
    (void)state;
    struct token_clock clock = {NOW - SECOND / 10, NOW, true, SECOND / 2, -SECOND / 2};
    struct token_news news = {.times = {.has_exp = true, .has_nbf = true, .exp_us = NOW + HOUR}};
    news.times.nbf_us = NOW + 2 * SECOND;
    int64_t until_us, from_us;
    token_good_until(&news, &clock, &until_us, &from_us);
    assert_int_equal(from_us, NOW + 2 * SECOND + SECOND / 2);
    assert_int_equal(until_us, NOW + HOUR - SECOND / 2);
    /* It was made at iat: the target's clock is there already, if it can be. */
    news.times.has_iat = true;
    news.times.iat_us = NOW + SECOND / 4;
    token_good_until(&news, &clock, &until_us, &from_us);
    assert_int_equal(from_us, NOW + 2 * SECOND - SECOND / 4);
    news.times.nbf_us = news.times.iat_us;
    token_good_until(&news, &clock, &until_us, &from_us);
    assert_int_equal(from_us, 0);
    news.times.nbf_us = NOW + 2 * SECOND;
    news.times.iat_us = NOW + SECOND; /* of another clock */
    token_good_until(&news, &clock, &until_us, &from_us);
    assert_int_equal(from_us, NOW + 2 * SECOND + SECOND / 2);
    clock.is_known = false;
    token_good_until(&news, &clock, &until_us, &from_us);
    assert_int_equal(from_us, NOW + SECOND);
    /* Good for no moment that is known: sent as it is. */
    clock.is_known = true;
    news.times.exp_us = NOW + 3 * SECOND;
    token_good_until(&news, &clock, &until_us, &from_us);
    assert_int_equal(from_us, 0);
}

static void fields_are_one_list_of_json_and_forms(void **state)
{
    (void)state;
    struct fields fields;
    reprise_bytes json = text_of("application/json"),
                  form = text_of("application/x-www-form-urlencoded; charset=utf-8");
    fields_parse(&fields, json, text_of(" {\"a\":[{\"b/c\":\"x\"},5],\"d\":2.5,\"e\":null} "));
    assert_int_equal(fields.count, 3);
    assert_string_equal(fields_find(&fields, "/a/0/b~1c")->text, "x");
    assert_string_equal(fields_find(&fields, "/a/1")->text, "5");
    fields_free(&fields);
    fields_parse(&fields, form, text_of("grant_type=password&user=a%40b+c&=x&empty="));
    assert_string_equal(fields_find(&fields, "/user")->text, "a@b c");
    assert_string_equal(fields_find(&fields, "/empty")->text, "");
    fields_free(&fields);
    fields_parse(&fields, json, text_of("\"only-a-string\""));
    assert_string_equal(fields_find(&fields, "")->text, "only-a-string");
    fields_free(&fields);
    static const char *const none[] = {"", "<html><body>no</body></html>", "{\"a\":", "nothing",
                                       "{"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        fields_parse(&fields, json, text_of(none[i]));
        assert_int_equal(fields.count, 0);
        fields_free(&fields);
    }
    char *path = fields_path_of("$.data.token");
    assert_string_equal(path, "/data/token");
    free(path);
}

/* Where the tokens of an answer are, and what they are. */
static void tokens_are_found_by_many_names(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body, *header, *value;
        const char *access, *refresh;
        int64_t expires_in_us;
    } rows[] = {
        {"application/json",
         "{\"access_token\":\"aaaaaaaa\",\"refresh_token\":\"rrrrrrrr\",\"expires_in\":5}", NULL,
         NULL, "aaaaaaaa", "rrrrrrrr", 5 * SECOND},
        {"application/json",
         "{\"data\":{\"accessToken\":\"aaaaaaaa\",\"refreshToken\":\"rrrrrrrr\","
         "\"expiresIn\":\"60\"},\"csrfToken\":\"cccccccc\"}",
         NULL, NULL, "aaaaaaaa", "rrrrrrrr", 60 * SECOND},
        {"application/json", "{\"id_token\":\"iiiiiiii\",\"access_token\":\"aaaaaaaa\"}", NULL,
         NULL, "aaaaaaaa", NULL, 0},
        {"application/json", "{\"user\":{\"token\":\"aaaaaaaa\"}}", NULL, NULL, "aaaaaaaa", NULL,
         0},
        {"application/x-www-form-urlencoded", "access_token=aaaaaaaa&expires_in=7&scope=", NULL,
         NULL, "aaaaaaaa", NULL, 7 * SECOND},
        {"application/json", "{\"nothing\":\"in here\"}", "Authorization", "Bearer aaaaaaaa",
         "aaaaaaaa", NULL, 0},
        {"text/html", "<html>hello</html>", "Set-Cookie", "PHPSESSID=aaaaaaaa; Path=/; HttpOnly",
         "aaaaaaaa", NULL, 0},
        {"text/html", "<html>hello</html>", "Set-Cookie", "theme=darkdark; Path=/", NULL, NULL, 0},
        {"text/html", "<html>access_token=aaaaaaaa</html>", NULL, NULL, NULL, NULL, 0},
        {"application/json", "{\"access_token\":\"short\"}", NULL, NULL, NULL, NULL, 0},
        {"application/json", "{\"access_token\":123456789}", NULL, NULL, NULL, NULL, 0},
        {"application/json", "{\"next_page_token\":\"aaaaaaaa\"}", NULL, NULL, NULL, NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const reprise_header headers[] = {
            {text_of("Content-Type"), text_of(rows[i].type)},
            {text_of(rows[i].header ? rows[i].header : "X-None"), text_of(rows[i].value)}};
        const struct answer answer = {200, headers, 2, text_of(rows[i].body)};
        const struct answer_hints hints = {0};
        struct answer_places places = {0};
        struct answer_tokens tokens = {0};
        bool found = answer_find(&answer, &hints, &places);
        if (found != (rows[i].access != NULL))
            fail_msg("row %zu", i);
        if (!found)
            continue;
        assert_true(answer_read(&answer, &places, &hints, &tokens));
        assert_string_equal(tokens.access, rows[i].access);
        assert_int_equal(tokens.refresh != NULL, rows[i].refresh != NULL);
        if (rows[i].refresh)
            assert_string_equal(tokens.refresh, rows[i].refresh);
        assert_int_equal(tokens.news.expires_in_us, rows[i].expires_in_us);
        answer_tokens_free(&tokens);
        answer_places_free(&places);
    }
}

static void a_place_that_is_told_overrides_and_one_that_moved_is_found_again(void **state)
{
    (void)state;
    const reprise_header headers[] = {{text_of("Content-Type"), text_of("application/json")}};
    const struct answer told = {200, headers, 1,
                                text_of("{\"access_token\":\"not-this\",\"x\":\"aaaaaaaa\"}")};
    const struct answer moved = {200, headers, 1,
                                 text_of("{\"result\":{\"access_token\":\"aaaaaaab\"}}")};
    const struct answer_hints hints = {.access_path = "/x"}, none = {0};
    struct answer_places places;
    struct answer_tokens tokens;
    assert_true(answer_find(&told, &hints, &places));
    assert_true(answer_read(&told, &places, &hints, &tokens));
    assert_string_equal(tokens.access, "aaaaaaaa");
    answer_tokens_free(&tokens);
    assert_true(answer_read(&moved, &places, &none, &tokens));
    assert_string_equal(tokens.access, "aaaaaaab");
    answer_tokens_free(&tokens);
    answer_places_free(&places);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jwt_is_told_from_other_texts),
        cmocka_unit_test(every_prefix_of_a_token_is_no_token),
        cmocka_unit_test(times_are_read_as_people_write_them),
        cmocka_unit_test(a_life_is_believed_only_when_it_can_be),
        cmocka_unit_test(a_token_that_is_not_good_yet_is_waited_for_a_little),
        cmocka_unit_test(a_beginning_is_read_by_the_least_that_the_target_is_ahead),
        cmocka_unit_test(fields_are_one_list_of_json_and_forms),
        cmocka_unit_test(tokens_are_found_by_many_names),
        cmocka_unit_test(a_place_that_is_told_overrides_and_one_that_moved_is_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
