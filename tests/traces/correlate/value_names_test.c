/* value_names_test.c - what names say of values, and which names mean the same. */
#include "traces/correlate/value_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void names_are_of_a_class_by_their_words(void **state)
{
    static const struct {
        const char *name;
        enum name_class wanted;
    } rows[] = {{"id", NAME_IS_ID},
                {"upload_id", NAME_IS_ID},
                {"uploadId", NAME_IS_ID},
                {"X-API-Key", NAME_IS_ID},
                {"access_token", NAME_IS_CREDENTIAL},
                {"X-CSRF-Token", NAME_IS_CREDENTIAL},
                {"_xsrf", NAME_IS_CREDENTIAL},
                {"Authorization", NAME_IS_CREDENTIAL},
                {"__VIEWSTATE", NAME_IS_CREDENTIAL},
                {"session_id", NAME_IS_CREDENTIAL},
                {"cursor", NAME_IS_CURSOR},
                {"next", NAME_IS_CURSOR},
                {"If-None-Match", NAME_IS_CURSOR},
                {"ETag", NAME_IS_CURSOR},
                {"page", NAME_IS_NO_ID},
                {"language", NAME_IS_NO_ID},
                {"token_type", NAME_IS_NO_ID},
                {"video", NAME_SAYS_NOTHING},
                {"", NAME_SAYS_NOTHING}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (name_class_of(bytes_of(rows[i].name)) != rows[i].wanted)
            fail_msg("%s is not of class %d", rows[i].name, rows[i].wanted);
    }
}

static void names_agree_by_what_they_mean(void **state)
{
    static const struct {
        const char *born, *used;
        bool wanted;
    } rows[] = {{"context_id", "contextId", true},
                {"csrf", "X-CSRF-Token", true},
                {"csrfmiddlewaretoken", "X-XSRF-TOKEN", true},
                {"ETag", "If-None-Match", true},
                {"next", "cursor", true},
                {"access_token", "Authorization", true},
                {"refresh_token", "refresh_token", true},
                {"sid", "session", true},
                {"id", "upload_id", false},
                {"job_id", "upload_id", false},
                {"page", "id", false},
                {"", "id", false},
                {"status", "state_name", false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (names_agree(bytes_of(rows[i].born), bytes_of(rows[i].used)) != rows[i].wanted)
            fail_msg("%s and %s", rows[i].born, rows[i].used);
    }
}

static void an_id_is_of_a_resource(void **state)
{
    (void)state;
    assert_true(name_is_of_resource(bytes_of("upload_id"), bytes_of("uploads")));
    assert_true(name_is_of_resource(bytes_of("queryId"), bytes_of("queries")));
    assert_true(name_is_of_resource(bytes_of("box"), bytes_of("boxes")));
    assert_true(name_is_of_resource(bytes_of("jobs"), bytes_of("jobs")));
    assert_false(name_is_of_resource(bytes_of("upload_id"), bytes_of("jobs")));
    assert_false(name_is_of_resource(bytes_of("upload_id"), bytes_of("")));
}

static void what_clients_make_has_names_for_it(void **state)
{
    (void)state;
    assert_true(name_is_made_by_client(bytes_of("X-Request-Id")));
    assert_true(name_is_made_by_client(bytes_of("Idempotency-Key")));
    assert_true(name_is_made_by_client(bytes_of("msg_id")));
    assert_true(name_is_made_by_client(bytes_of("nonce")));
    assert_false(name_is_made_by_client(bytes_of("product_id")));
    assert_false(name_is_made_by_client(bytes_of("client_secret")));
    assert_false(name_is_made_by_client(bytes_of("sha256")));
    assert_true(name_is_other_time(bytes_of("expires_at")));
    assert_false(name_is_other_time(bytes_of("timestamp")));
}

static void logins_and_signups_have_fields_and_paths(void **state)
{
    (void)state;
    assert_int_equal(name_identity_of(bytes_of("email")), IDENTITY_EMAIL);
    assert_int_equal(name_identity_of(bytes_of("user[email]")), IDENTITY_EMAIL);
    assert_int_equal(name_identity_of(bytes_of("e-mail")), IDENTITY_EMAIL);
    assert_int_equal(name_identity_of(bytes_of("user_name")), IDENTITY_USERNAME);
    assert_int_equal(name_identity_of(bytes_of("login")), IDENTITY_USERNAME);
    assert_int_equal(name_identity_of(bytes_of("name")), IDENTITY_NAME);
    assert_int_equal(name_identity_of(bytes_of("new_password")), IDENTITY_PASSWORD);
    assert_int_equal(name_identity_of(bytes_of("title")), IDENTITY_NONE);
    assert_true(path_is_signup(bytes_of("/auth/signup")));
    assert_true(path_is_signup(bytes_of("/auth/sign-up")));
    assert_true(path_is_signup(bytes_of("/account/register")));
    assert_false(path_is_signup(bytes_of("/auth/login")));
    assert_true(path_is_login(bytes_of("/auth/login")));
    assert_true(path_is_login(bytes_of("/users/sign_in")));
    assert_true(path_is_login(bytes_of("/sessions")));
    assert_false(path_is_login(bytes_of("/users")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_of_a_class_by_their_words),
        cmocka_unit_test(names_agree_by_what_they_mean),
        cmocka_unit_test(an_id_is_of_a_resource),
        cmocka_unit_test(what_clients_make_has_names_for_it),
        cmocka_unit_test(logins_and_signups_have_fields_and_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
