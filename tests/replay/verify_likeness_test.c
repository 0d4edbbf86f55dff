/* verify_likeness_test.c - which texts differ only in ids and times, and what is never shown whole.
 */
#include "replay/verify/likeness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void texts_with_other_ids_and_times_are_alike(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool are_alike;
    } rows[] = {
        {"", "", true},
        {"queued", "queued", true},
        {"queued", "failed", false},
        {"Ann", "Bob", false},
        {"17", "99123", true},
        {"item-3", "item-17", true},
        {"item-3", "job-3", false},
        {"job_8f3a11c9", "job_0b77e2d4", true},
        {"/jobs/8f3a11c9/result.wav", "/jobs/0b77e2d4/result.wav", true},
        {"/jobs/8f3a11c9/result.wav", "/jobs/0b77e2d4/result.mp3", false},
        {"/jobs/8f3a11c9", "/jobs", false},
        {"550e8400-e29b-41d4-a716-446655440000", "123e4567-e89b-12d3-a456-426614174000", true},
        {"2026-01-02T03:04:05Z", "2026-01-02 13:04:05.123456", true},
        {"2026-01-02", "2025-12-31", true},
        {"aGVsbG8gd29ybGQhCg==", "c29tZXRoaW5nIGVsc2UK", true},
        {"AbCdEfGhIjKlMnOpQrSt", "queued", false},
        {"a b c", "a b d", false},
        {"a  b", "a b", false},
        {"user 17 is here", "user 18 is here", true},
        {"user 17 is here", "user 18 is gone", false},
        {"abc", "abcd", false},
        {"x", "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes a = bytes_of(rows[i].a), b = bytes_of(rows[i].b);
        if (texts_are_alike(a, b) != rows[i].are_alike ||
            texts_are_alike(b, a) != rows[i].are_alike)
            fail_msg("%s | %s", rows[i].a, rows[i].b);
    }
}

static void names_tell_ids_and_credentials(void **state)
{
    (void)state;
    static const char *const volatiles[] = {"id",         "ID",        "job_id",
                                            "userId",     "createdAt", "exp",
                                            "expires_in", "timestamp", "updated_at"};
    static const char *const steady[] = {"name", "paid", "format", "status", "count", "valid"};
    static const char *const credentials[] = {"X-CSRF-Token", "Authorization", "password", "sid",
                                              "session_id",   "_xsrf",         "api_key"};
    for (size_t i = 0; i < sizeof volatiles / sizeof volatiles[0]; i++)
        assert_true(name_is_volatile(bytes_of(volatiles[i])));
    for (size_t i = 0; i < sizeof steady / sizeof steady[0]; i++) {
        assert_false(name_is_volatile(bytes_of(steady[i])));
        assert_false(name_is_credential(bytes_of(steady[i])));
    }
    for (size_t i = 0; i < sizeof credentials / sizeof credentials[0]; i++)
        assert_true(name_is_credential(bytes_of(credentials[i])));
    assert_true(name_is_credential(bytes_of("refresh")));
    assert_true(name_is_token(bytes_of("refresh")));
    assert_true(name_is_token(bytes_of("accessToken")));
    assert_false(name_is_token(bytes_of("password"))); /* no answer gives it */
    assert_false(name_is_token(bytes_of("sid")));
}

/* {"alg":"none"} . {"sub":"1","exp":1700000000} . x */
#define TOKEN "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwiZXhwIjoxNzAwMDAwMDAwfQ.c2lnbmF0dXJl"

static void a_token_says_when_it_ends(void **state)
{
    (void)state;
    uint64_t at = 0;
    assert_true(text_is_jwt(bytes_of(TOKEN)));
    assert_true(jwt_expiry(bytes_of(TOKEN), &at));
    assert_int_equal(at, 1700000000);
    static const char *const none[] = {"",
                                       "eyJ",
                                       "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.x",
                                       "eyJhbGciOiJub25lIn0.%%%.x",
                                       "eyJ.a.b.c",
                                       "abc.def.ghi"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_false(jwt_expiry(bytes_of(none[i]), &at));
}

static void a_secret_is_never_shown_whole(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *shown;
    } rows[] = {
        {"status", "queued", "queued"},
        {"n", "a\nb\x1b[2J", "a.b.[2J"},
        {"password", "hunter2", "... (7 bytes)"},
        {"csrf", "0123456789abcdef", "0123... (16 bytes)"},
        {"what", TOKEN, "eyJh... (71 bytes)"},
        {"what", "Bearer abcdefghij0123456789", "Bear... (27 bytes)"},
        {"id", "550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440000"},
        {"token", "", ""},
    };
    char out[SHOWN_MAX_BYTES], longer[300];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(show_value(out, bytes_of(rows[i].name), bytes_of(rows[i].text)),
                            rows[i].shown);
    memset(longer, 'x', sizeof longer);
    show_value(out, bytes_of("text"), bytes_make(longer, sizeof longer));
    assert_true(strlen(out) < SHOWN_MAX_BYTES);
    assert_non_null(strstr(out, "... (300 bytes)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_with_other_ids_and_times_are_alike),
        cmocka_unit_test(names_tell_ids_and_credentials),
        cmocka_unit_test(a_token_says_when_it_ends),
        cmocka_unit_test(a_secret_is_never_shown_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
