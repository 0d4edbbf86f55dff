/* endpoint_test.c - which segments are ids and which are words. */
#include "traces/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/random.h"

struct row {
    const char *target;
    const char *wanted;
};

static void check(const struct row *rows, size_t count)
{
    char out[ENDPOINT_TEMPLATE_BYTES];
    for (size_t i = 0; i < count; i++) {
        struct bytes got = endpoint_template(bytes_of(rows[i].target), out);
        if (!bytes_equal(got, bytes_of(rows[i].wanted)))
            fail_msg("%s: got %s, wanted %s", rows[i].target, out, rows[i].wanted);
    }
}

#define check_rows(rows) check(rows, sizeof(rows) / sizeof(rows)[0])

static void words_stay(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/", "/"},
        {"", ""},
        {"/index.html", "/index.html"},
        {"/api/v1/jobs", "/api/v1/jobs"},
        {"/api/v1.5/jobs", "/api/v1.5/jobs"},
        {"/oauth2/callback", "/oauth2/callback"},
        {"/assets/jquery-3.6.0.min.js", "/assets/jquery-3.6.0.min.js"},
        {"/docs/utf-8", "/docs/utf-8"},
        {"/img/favicon.ico", "/img/favicon.ico"},
        {"/deadbeef", "/deadbeef"}, /* hex digits without a number are words too */
        {"/feedface/decade", "/feedface/decade"},
        {"/getUserAccountBalanceHistory", "/getUserAccountBalanceHistory"},
        {"/MAX_UPLOAD_SIZE_IN_BYTES", "/MAX_UPLOAD_SIZE_IN_BYTES"},
        {"/internationalization", "/internationalization"},
        {"/getUserName/README", "/getUserName/README"},
        {"/wiki/OpenStreetMap", "/wiki/OpenStreetMap"},
        {"/js/XMLHttpRequest.js", "/js/XMLHttpRequest.js"},
        {"/goToMyPage/isInAGroup/iPhoneXSMax", "/goToMyPage/isInAGroup/iPhoneXSMax"},
        {"/getHttpSrvCfg/getMp3ToWav", "/getHttpSrvCfg/getMp3ToWav"},
        {"/toDoApp", "/toDoApp"}, /* too short to tell */
        {"/a/b/", "/a/b/"},
        {"//a", "//a"},
        {"/s3/mp3/h264", "/s3/mp3/h264"},
        {"/get_UserAccountBalance", "/get_UserAccountBalance"},
        {"/img/icon_download", "/img/icon_download"},
        {"/img/icon_Download2x", "/img/icon_Download2x"},
        {"/.well-known/acme-challenge", "/.well-known/acme-challenge"},
        {"/users/sign-in/getUserInfo", "/users/sign-in/getUserInfo"},
        {"/static/main.3f2a1b.js", "/static/main.3f2a1b.js"},
        {"/Krzysztof/Savitzky-Golay", "/Krzysztof/Savitzky-Golay"},
        {"/IPv4/OAuth2/utf8/base64url", "/IPv4/OAuth2/utf8/base64url"},
        {"/list_getMp3ToWav/is_HttpOnly", "/list_getMp3ToWav/is_HttpOnly"},
        {"/iphone15/windows11/web3/jpeg2000", "/iphone15/windows11/web3/jpeg2000"},
        {"/apis/authorization.k8s.io/v1beta1", "/apis/authorization.k8s.io/v1beta1"},
        {"/socket.io/graphql/wp-json", "/socket.io/graphql/wp-json"},
        {"*", "*"},
    };
    check_rows(rows);
}

static void ids_become_id(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/jobs/1", "/jobs/{id}"},
        {"/jobs/4711/result", "/jobs/{id}/result"},
        {"/reports/2024-05-01", "/reports/{id}"},
        {"/points/-3", "/points/{id}"},
        {"/o/3f2504e0-4f89-11d3-9a0c-0305e82c3301", "/o/{id}"},
        {"/o/3F2504E04F8911D39A0C0305E82C3301", "/o/{id}"},
        {"/c/9b2e0c4d", "/c/{id}"},
        {"/t/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/t/{id}"},  /* ULID */
        {"/t/V1StGXR8_Z5jdHi6B-myT", "/t/{id}"},       /* nanoid */
        {"/t/cjld2cjxh0000qzrmn831i7rn", "/t/{id}"},   /* cuid */
        {"/t/2ArTWAnuKMp4GBFSEjvL0Kx7Rkm", "/t/{id}"}, /* KSUID */
        {"/u/kJsdfGhTyqWErtYuIoPa", "/u/{id}"},        /* letters only, at random */
        {"/d/ylaKHcKrPK", "/d/{id}"},                  /* a short one without a digit, */
        {"/d/TuANnuikSmHC/play", "/d/{id}/play"},
        {"/d/XkPqWzRt", "/d/{id}"},           /* of syllables that cannot be said, */
        {"/d/ylaKH7cKrPK", "/d/{id}"},        /* and with one digit */
        {"/p/cus_NffrFeUfNV2Hib", "/p/{id}"}, /* a kind, then a mixture */
        {"/v/vc_ExqIVECQhU/play", "/v/{id}/play"},
        {"/v/vc_0kltTpyxlS", "/v/{id}"}, /* a digit, and few capitals */
        {"/v/vc_0NsjcujpyO", "/v/{id}"},
        {"/v/vc_beJpajhjXn/play", "/v/{id}/play"},
        {"/p/job_8f3a11c9", "/p/{id}"},
        {"/p/k3vb9qxz", "/p/{id}"}, /* in one case, with letters that do not follow each other */
        {"/p/user-4711", "/p/{id}"},
        {"/posts/a-fine-title-5f3a9c1d", "/posts/{id}"},
        {"/users/ann@example.com", "/users/{id}"},
        {"/users/ann%40example.com/cart", "/users/{id}/cart"},
        {"/k/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN", "/k/{id}"},
    };
    check_rows(rows);
}

/* --- how many of those that are made at random ---------------------------------------------- */

struct shape {
    const char *name, *before;
    const char *alphabet;
    size_t len;
    size_t most; /* of TRIES that may be taken for a name: what it was, and a fifth more */
};

#define DIGITS "0123456789"
#define SMALL "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define BASE62 CAPITALS SMALL DIGITS

enum { TRIES = 100000 };

static size_t taken_for_names(const struct shape *shape, struct random *random)
{
    size_t names = 0, size = strlen(shape->alphabet);
    char target[128], out[ENDPOINT_TEMPLATE_BYTES];
    for (size_t i = 0; i < TRIES; i++) {
        size_t len = (size_t)snprintf(target, sizeof target, "/v/%s", shape->before);
        for (size_t k = 0; k < shape->len; k++)
            target[len++] = shape->alphabet[random_below(random, size)];
        struct bytes got = endpoint_template(bytes_make(target, len), out);
        names += !bytes_equal(got, bytes_of("/v/{id}"));
    }
    return names;
}

static void few_random_ids_are_taken_for_names(void **state)
{
    (void)state;
    static const struct shape shapes[] = {
        {"kind_ and 10 of base62", "vc_", BASE62, 10, 740},
        {"kind_ and 14 of base62", "cus_", BASE62, 14, 300},
        {"8 of base62", "", BASE62, 8, 6460},
        {"10 of base62", "", BASE62, 10, 3540},
        {"12 of base62", "", BASE62, 12, 1970},
        {"16 of base62", "", BASE62, 16, 550},
        {"22 of base62", "", BASE62, 22, 100},
        {"nanoid, 21 of base64url", "", BASE62 "_-", 21, 330},
        {"11 of base64url", "", BASE62 "_-", 11, 4670},
        {"8 of hex", "", DIGITS "abcdef", 8, 60},
        {"12 of hex", "", DIGITS "abcdef", 12, 10},
        {"ULID", "01J", DIGITS "ABCDEFGHJKMNPQRSTVWXYZ", 23, 10},
        {"8 of base36", "", SMALL DIGITS, 8, 16520},
        {"12 of base36", "", SMALL DIGITS, 12, 4050},
        {"cuid", "c", SMALL DIGITS, 24, 70},
        {"a title, 8 of hex", "a-fine-title-", DIGITS "abcdef", 8, 70},
        {"a title, 10 of base62", "a-fine-title-", BASE62, 10, 3440},
    };
    struct random random;
    random_init(&random, 20261121, 0);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        size_t names = taken_for_names(&shapes[i], &random);
        print_message("%-26s %6zu of %d\n", shapes[i].name, names, TRIES);
        if (names > shapes[i].most)
            fail_msg("%s: %zu, more than %zu", shapes[i].name, names, shapes[i].most);
    }
}

static void the_extension_of_the_last_segment_stays(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/clips/8842.wav", "/clips/{id}.wav"},
        {"/clips/8842.mp3", "/clips/{id}.mp3"},
        {"/static/app.3f9a1c2b.js", "/static/{id}.js"},
        {"/clips/8842.wav/info", "/clips/{id}/info"},
        {"/v/1.5", "/v/1.5"},
        {"/users/ann@example.com", "/users/{id}"},
    };
    check_rows(rows);
}

static void query_parameters_and_authority_are_left_out(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/search?q=1234", "/search"},
        {"/jobs/7?x=/a/b", "/jobs/{id}"},
        {"/page#part", "/page"},
        {"/cart;jsessionid=9A8B7C6D", "/cart"},
        {"http://shop.test:8080/jobs/7?x=1", "/jobs/{id}"},
        {"http://shop.test", "/"},
        {"shop.test:443", "{id}"}, /* of CONNECT: all hosts are one endpoint */
    };
    check_rows(rows);
}

static void an_endpoint_fits_where_it_has_ids_for_words(void **state)
{
    (void)state;
    static const struct {
        const char *wanted, *name;
        bool fits;
    } rows[] = {
        {"GET /voices/{id}", "GET /voices/{id}", true},
        {"GET /voices/{id}", "GET /voices/vc_Ada", true},
        {"GET /voices/{id}/clips/{id}", "GET /voices/Ada/clips/{id}", true},
        {"GET /voices/vc_Ada", "GET /voices/{id}", false},
        {"GET /voices/{id}", "PUT /voices/vc_Ada", false},
        {"GET /voices/{id}", "GET /voices", false},
        {"GET /voices/{id}", "GET /voices/", false},
        {"GET /voices/{id}", "GET /voices/vc_Ada/play", false},
        {"GET /voices/{id}/play", "GET /voices/vc_Ada/stop", false},
        {"GET /a", "GET /b", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (endpoint_fits(bytes_of(rows[i].wanted), bytes_of(rows[i].name)) != rows[i].fits)
            fail_msg("%s, %s", rows[i].wanted, rows[i].name);
    }
}

static void a_long_path_is_cut_and_says_so(void **state)
{
    (void)state;
    char target[2048] = "", out[ENDPOINT_TEMPLATE_BYTES];
    for (size_t i = 0; i + 2 < sizeof target; i += 2)
        memcpy(target + i, "/a", 3);
    struct bytes got = endpoint_template(bytes_of(target), out);
    assert_true(got.len < ENDPOINT_TEMPLATE_BYTES);
    assert_string_equal(out + got.len - 7, "/{more}");
    assert_int_equal(got.len, 2 * ENDPOINT_MAX_SEGMENTS + 7);

    memset(target, 'x', sizeof target - 1);
    memcpy(target, "/api/", 5);
    endpoint_template(bytes_of(target), out);
    assert_string_equal(out, "/api/{more}");
}

/* Every length around the limit: the sanitizer watches `out`. */
static void a_template_never_grows_over_its_room(void **state)
{
    (void)state;
    char target[600];
    for (size_t len = 1; len < sizeof target; len++) {
        for (size_t step = 1; step < 40; step += 13) {
            char out[ENDPOINT_TEMPLATE_BYTES];
            for (size_t i = 0; i < len; i++)
                target[i] = i % step ? 'w' : '/';
            struct bytes got = endpoint_template(bytes_make(target, len), out);
            assert_true(got.len < sizeof out);
            assert_int_equal(out[got.len], '\0');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_stay),
        cmocka_unit_test(ids_become_id),
        cmocka_unit_test(few_random_ids_are_taken_for_names),
        cmocka_unit_test(the_extension_of_the_last_segment_stays),
        cmocka_unit_test(query_parameters_and_authority_are_left_out),
        cmocka_unit_test(an_endpoint_fits_where_it_has_ids_for_words),
        cmocka_unit_test(a_long_path_is_cut_and_says_so),
        cmocka_unit_test(a_template_never_grows_over_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
