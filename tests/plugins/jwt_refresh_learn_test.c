/* jwt_refresh_learn_test.c - what is learnt about tokens from recorded sessions. */
#include "plugins/jwt_refresh/recording.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/jwt_refresh/request_kind.h"
#include "tests/plugins/jwt_text.h"

enum { MAX_HEADERS = 8 };

#define JSON "Content-Type: application/json\n"
#define FORM "Content-Type: application/x-www-form-urlencoded\n"
#define A1 "access-token-one"
#define A2 "access-token-two"
#define R1 "refresh-token-one"
#define R2 "refresh-token-two"
#define LOGIN_ANSWER "{\"access_token\":\"" A1 "\",\"refresh_token\":\"" R1 "\",\"expires_in\":5}"
#define REFRESH_ANSWER "{\"access_token\":\"" A2 "\",\"refresh_token\":\"" R2 "\"}"

static struct recording *recording;
static uint32_t marks[32]; /* by step */

static void note_mark(void *owner, uint32_t step, uint32_t mark)
{
    (void)owner;
    marks[step] = mark;
}

/* Lines of "Name: value". */
static size_t split_headers(const char *text, reprise_header *headers)
{
    size_t count = 0;
    reprise_bytes rest = text_of(text);
    while (rest.len && count < MAX_HEADERS) {
        reprise_bytes value = text_cut(&rest, '\n');
        reprise_bytes name = text_cut(&value, ':');
        headers[count++] = (reprise_header){name, text_trim(value)};
    }
    return count;
}

static void add(uint64_t session, uint32_t step, const char *method, const char *target,
                const char *headers, const char *body, uint32_t status, const char *answer_headers,
                const char *answer)
{
    reprise_header request[MAX_HEADERS], response[MAX_HEADERS];
    char url[512];
    snprintf(url, sizeof url, "http://target.test%s", target);
    const reprise_recorded recorded = {
        .step = step,
        .status = status,
        .method = text_of(method),
        .url = text_of(url),
        .request_body = text_of(body),
        .response_body = text_of(answer),
        .request_headers = request,
        .response_headers = response,
        .request_header_count = split_headers(headers, request),
        .response_header_count = split_headers(answer_headers, response),
    };
    assert_int_equal(recording_add(recording, session, &recorded, note_mark, NULL), 0);
}

static void begin(const struct recording_hints *hints)
{
    static const struct recording_hints none;
    memset(marks, 0, sizeof marks);
    recording = recording_new(hints ? hints : &none);
    assert_non_null(recording);
}

static int tear_down(void **state)
{
    (void)state;
    recording_free(recording);
    recording = NULL;
    return 0;
}

/* Of a step that has a note. */
static const struct step_note *noted(uint64_t session, uint32_t step)
{
    const struct step_note *note = session_step_at(recording_find(recording, session), step);
    if (!note)
        fail_msg("step %u has no note", step);
    assert_ptr_equal(session_step(recording_find(recording, session), marks[step]), note);
    return note;
}

static void the_kinds_of_requests(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *type, *body;
        enum request_kind kind;
    } rows[] = {
        {"POST", "/auth/login", JSON, "{\"email\":\"a@b.c\",\"password\":\"x\"}", REQUEST_LOGIN},
        {"POST", "/x", JSON, "{\"user\":{\"passwd\":\"x\"}}", REQUEST_LOGIN},
        {"POST", "/oauth/token", FORM, "grant_type=password&username=a", REQUEST_LOGIN},
        {"POST", "/oauth/token", FORM, "grant_type=client_credentials", REQUEST_LOGIN},
        {"POST", "/oauth/token", FORM, "grant_type=refresh_token&x=1", REQUEST_REFRESH},
        {"POST", "/x", JSON, "{\"refreshToken\":\"x\",\"password\":\"y\"}", REQUEST_REFRESH},
        {"POST", "/api/token/refresh", "", "", REQUEST_REFRESH},
        {"GET", "/auth/refresh", "", "", REQUEST_REFRESH},
        {"POST", "/sign-in", "", "", REQUEST_LOGIN},
        {"GET", "/login", "", "", REQUEST_OTHER},
        {"POST", "/auth/logout", JSON, "{\"refresh_token\":\"x\"}", REQUEST_LOGOUT},
        {"DELETE", "/sessions/7", "", "", REQUEST_LOGOUT},
        {"DELETE", "/jobs/7", "", "", REQUEST_OTHER},
        {"POST", "/jobs", JSON, "{\"upload_id\":\"x\"}", REQUEST_OTHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fields fields;
        fields_parse(&fields, text_of(rows[i].type), text_of(rows[i].body));
        if (request_kind(text_of(rows[i].method), text_of(rows[i].path), &fields) != rows[i].kind)
            fail_msg("%s %s %s", rows[i].method, rows[i].path, rows[i].body);
        fields_free(&fields);
    }
    reprise_bytes post = text_of("POST"), url = text_of("http://t:1/a/b?x=1");
    assert_true(request_fits("POST:/a/b", post, url));
    assert_true(request_fits("/a/b", post, url));
    assert_false(request_fits("GET:/a/b", post, url));
    assert_false(request_fits("POST:/a", post, url));
    assert_false(request_fits("", post, url));
    assert_false(request_fits(NULL, post, url));
}

static void what_the_user_named_is_counted(void **state)
{
    (void)state;
    static const struct recording_hints hints = {
        .login = "POST:/in", .refresh = "POST:/nowhere", .answer = {"/x/key", "/no", NULL}};
    begin(&hints);
    add(1, 0, "POST", "/in", "", "{}", 200, JSON, "{\"x\":{\"key\":\"kkkkkkkkkkkk\"}}");
    add(2, 0, "POST", "/in", "", "{}", 200, JSON, "{\"access_token\":\"aaaaaaaaaaaa\"}");
    add(3, 0, "GET", "/in", "", "", 200, JSON, "{}");
    const struct hint_hits *hits = recording_hits(recording);
    assert_int_equal(hits->login, 2);
    assert_int_equal(hits->refresh, 0);
    assert_int_equal(hits->access, 1);
    assert_int_equal(hits->refresh_token, 0);
}

static void a_login_its_uses_and_its_refresh(void **state)
{
    (void)state;
    begin(NULL);
    add(1, 0, "GET", "/", "", "", 200, "", "");
    add(1, 1, "POST", "/auth/login", JSON, "{\"email\":\"a\",\"password\":\"b\"}", 200, JSON,
        LOGIN_ANSWER);
    add(1, 2, "GET", "/me", "Authorization: Bearer " A1 "\n", "", 200, "", "");
    add(1, 3, "GET", "/ws?token=" A1 "&x=1", "", "", 200, "", "");
    add(1, 4, "POST", "/auth/refresh", JSON, "{\"refresh_token\":\"" R1 "\"}", 200, JSON,
        REFRESH_ANSWER);
    add(1, 5, "POST", "/do", JSON "X-Auth: " A2 "\n", "{\"token\":\"" A2 "\"}", 200, "", "");
    add(1, 6, "POST", "/auth/logout", "Authorization: Bearer " A2 "\n", "", 204, "", "");
    const struct session_note *session = recording_find(recording, 1);
    assert_int_equal(session->credential_count, 1);
    const struct credential_note *credential = &session->credentials[0];
    assert_int_equal(credential->login_step, 1);
    assert_int_equal(credential->refresh_step, 4);
    assert_string_equal(credential->places.access.name, "/access_token");
    assert_string_equal(credential->places.refresh.name, "/refresh_token");
    assert_string_equal(credential->places.expires, "/expires_in");
    assert_int_equal(marks[0], 0);
    assert_int_equal(noted(1, 1)->roles, ROLE_LOGIN);
    assert_string_equal(noted(1, 2)->uses[0].prefix, "Bearer ");
    assert_int_equal(noted(1, 3)->uses[0].in, USE_IN_QUERY);
    assert_string_equal(noted(1, 3)->uses[0].name, "token");
    assert_int_equal(noted(1, 4)->roles, ROLE_REFRESH);
    assert_string_equal(noted(1, 4)->spent, R1);
    assert_string_equal(noted(1, 4)->access, A2);
    assert_int_equal(noted(1, 4)->status, 200);
    assert_int_equal(noted(1, 5)->use_count, 2);
    assert_int_equal(noted(1, 6)->roles, ROLE_LOGOUT);
    const struct refresh_template *like = recording_template(recording, "POST /auth/login");
    assert_non_null(like);
    assert_string_equal(like->spent, R1);
    struct recording_summary sum;
    recording_sum_up(recording, &sum);
    assert_int_equal(sum.logins, 1);
    assert_string_equal(sum.refresh, "POST /auth/refresh");
}

static void an_oauth_form_with_a_token_that_has_to_be_encoded(void **state)
{
    (void)state;
    begin(NULL);
    add(1, 0, "POST", "/oauth/token", FORM, "grant_type=password&username=u&password=p", 200, JSON,
        "{\"access_token\":\"a/b+c==ddd\",\"refresh_token\":\"r/s+t==uuu\"}");
    add(1, 1, "POST", "/oauth/token", FORM,
        "grant_type=refresh_token&refresh_token=r%2Fs%2Bt%3D%3Duuu", 200, JSON,
        "{\"access_token\":\"" A2 "\"}");
    add(1, 2, "GET", "/me?access=" A2, "", "", 200, "", "");
    assert_string_equal(noted(1, 1)->spent, "r/s+t==uuu");
    assert_int_equal(noted(1, 1)->roles, ROLE_REFRESH);
    assert_int_equal(noted(1, 2)->use_count, 1);
}

static void an_api_key_is_known_by_its_use(void **state)
{
    (void)state;
    begin(NULL);
    add(1, 0, "POST", "/auth/login", JSON, "{\"password\":\"b\"}", 200, JSON, LOGIN_ANSWER);
    add(1, 1, "POST", "/api-keys", "Authorization: Bearer " A1 "\n", "", 201, JSON,
        "{\"id\":\"key_123456789\",\"key\":\"vk_0123456789abcdef\"}");
    add(1, 2, "GET", "/v1/batches", "X-API-Key: vk_0123456789abcdef\n", "", 200, "", "");
    const struct session_note *session = recording_find(recording, 1);
    assert_int_equal(session->credential_count, 2);
    assert_int_equal(session->credentials[1].login_step, 1);
    assert_string_equal(session->credentials[1].places.access.name, "/key");
    assert_int_equal(noted(1, 1)->roles, ROLE_LOGIN);
    assert_int_equal(noted(1, 1)->credential, 1);
    assert_int_equal(noted(1, 1)->uses[0].credential, 0);
    assert_int_equal(noted(1, 2)->uses[0].credential, 1);
}

static void a_session_cookie_comes_from_a_login(void **state)
{
    (void)state;
    begin(NULL);
    add(1, 0, "GET", "/", "", "", 200, "Set-Cookie: sessionid=before-the-login; Path=/\n", "");
    add(1, 1, "POST", "/login", FORM, "user=u&password=p&csrf=c", 302,
        "Set-Cookie: sessionid=after-the-login; HttpOnly\nLocation: /home\n", "");
    add(1, 2, "GET", "/home", "Cookie: theme=dark; sessionid=after-the-login\n", "", 200, "", "");
    const struct session_note *session = recording_find(recording, 1);
    assert_int_equal(session->credential_count, 1);
    assert_true(session->credentials[0].is_cookie);
    assert_int_equal(session->credentials[0].login_step, 1);
    assert_int_equal(noted(1, 2)->uses[0].in, USE_IN_COOKIE);
    assert_int_equal(marks[0], 0);
}

static void a_token_of_before_the_recording_is_foreign(void **state)
{
    (void)state;
    char header[256];
    char *jwt = jwt_text("{\"alg\":\"RS256\"}", "{\"sub\":\"u\"}");
    begin(NULL);
    snprintf(header, sizeof header, "Authorization: Bearer %s\n", jwt);
    add(1, 0, "GET", "/me", header, "", 200, "", "");
    add(1, 1, "GET", "/you", "Authorization: Basic dXNlcjpwYXNzd29yZA==\n", "", 200, "", "");
    const struct session_note *session = recording_find(recording, 1);
    assert_int_equal(session->credential_count, 1);
    assert_int_equal(session->credentials[0].login_step, RECORDING_NO_STEP);
    assert_string_equal(session->credentials[0].first, jwt);
    assert_int_equal(marks[1], 0);
    free(jwt);
}

static void options_say_what_names_do_not(void **state)
{
    (void)state;
    const struct recording_hints hints = {.login = "PUT:/door",
                                          .refresh = "/again",
                                          .answer = {.access_path = "/k/0"},
                                          .token_name = "X-Pass"};
    begin(&hints);
    add(1, 0, "PUT", "/door", JSON, "{\"who\":\"me\"}", 200, JSON, "{\"k\":[\"opaque-key-1\"]}");
    add(1, 1, "GET", "/x", "X-Pass: opaque-key-1\n", "", 200, "", "");
    add(1, 2, "POST", "/again", JSON, "{}", 200, JSON, "{\"k\":[\"opaque-key-2\"]}");
    assert_int_equal(noted(1, 0)->roles, ROLE_LOGIN);
    assert_int_equal(noted(1, 1)->use_count, 1);
    assert_int_equal(noted(1, 2)->roles, ROLE_REFRESH);
}

static void what_gives_no_token_is_no_login(void **state)
{
    (void)state;
    static const struct {
        uint32_t status;
        const char *type, *answer;
    } rows[] = {
        {401, JSON, LOGIN_ANSWER},
        {500, "", ""},
        {0, "", ""},
        {200, "Content-Type: text/html\n", "<html><body>Welcome</body></html>"},
        {200, JSON, "{\"access_token\":"},
        {200, JSON, "[]"},
        {200, JSON, "{\"ok\":true}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin(NULL);
        add(1, 0, "POST", "/auth/login", JSON, "{\"password\":\"b\"}", rows[i].status, rows[i].type,
            rows[i].answer);
        assert_null(recording_find(recording, 1));
        assert_int_equal(marks[0], 0);
        recording_free(recording);
        recording = NULL;
    }
}

static void sessions_are_kept_apart(void **state)
{
    (void)state;
    begin(NULL);
    for (uint64_t id = 1; id <= 300; id++) {
        add(id, 0, "POST", "/auth/login", JSON, "{\"password\":\"b\"}", 200, JSON, LOGIN_ANSWER);
        if (id % 3 == 0)
            add(id, 1, "GET", "/me", "Authorization: Bearer " A1 "\n", "", 200, "", "");
    }
    add(301, 0, "GET", "/me", "Authorization: Bearer " A1 "\n", "", 200, "", "");
    for (uint64_t id = 1; id <= 300; id++) {
        const struct session_note *session = recording_find(recording, id);
        assert_int_equal(session->session_id, id);
        assert_int_equal(session->step_count, id % 3 == 0 ? 2 : 1);
    }
    assert_null(recording_find(recording, 301)); /* another session's token is not known in it */
    assert_null(recording_find(recording, 999));
}

static void limits_hold(void **state)
{
    (void)state;
    char path[64], token[64], header[128], answer[256];
    begin(NULL);
    for (uint32_t i = 0; i < 30; i++) {
        snprintf(path, sizeof path, "/login/%u/login", i);
        snprintf(token, sizeof token, "token-number-%u", i);
        snprintf(answer, sizeof answer, "{\"access_token\":\"%s\"}", token);
        snprintf(header, sizeof header, "Authorization: Bearer %s\n", token);
        add(1, i, "POST", path, JSON, "{\"password\":\"b\"}", 200, JSON, answer);
        add(1, 31, "GET", "/me", header, "", 200, "", "");
    }
    const struct session_note *session = recording_find(recording, 1);
    assert_int_equal(session->credential_count, RECORDING_MAX_CREDENTIALS);
    assert_int_equal(noted(1, 31)->use_count, RECORDING_MAX_USES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kinds_of_requests),
        cmocka_unit_test_teardown(what_the_user_named_is_counted, tear_down),
        cmocka_unit_test_teardown(a_login_its_uses_and_its_refresh, tear_down),
        cmocka_unit_test_teardown(an_oauth_form_with_a_token_that_has_to_be_encoded, tear_down),
        cmocka_unit_test_teardown(an_api_key_is_known_by_its_use, tear_down),
        cmocka_unit_test_teardown(a_session_cookie_comes_from_a_login, tear_down),
        cmocka_unit_test_teardown(a_token_of_before_the_recording_is_foreign, tear_down),
        cmocka_unit_test_teardown(options_say_what_names_do_not, tear_down),
        cmocka_unit_test_teardown(what_gives_no_token_is_no_login, tear_down),
        cmocka_unit_test_teardown(sessions_are_kept_apart, tear_down),
        cmocka_unit_test_teardown(limits_hold, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
