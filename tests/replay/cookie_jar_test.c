/* cookie_jar_test.c - what a user's jar keeps, forgets and sends, row by row. */
#include "replay/cookie_jar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/url.h"
#include "replay/cookie_parse.h"

enum { NOW_S = 1700000000 };

static const struct cookie_site target_site = {.host = {"127.0.0.1", 9}, .stands_in = true};

struct row {
    const char *set[4];   /* Set-Cookie values in order, NULL behind the last */
    const char *set_at;   /* the request they answer */
    const char *request;  /* the one that is sent then */
    const char *recorded; /* its recorded Cookie */
    int64_t later_s;      /* how much later */
    const char *expected;
};

static const struct row rows[] = {
    {{"sid=1"}, "/", "/a", "", 0, "sid=1"},
    {{"sid=1", "sid=2"}, "/", "/a", "", 0, "sid=2"},
    {{"a=1", "b=2"}, "/", "/", "", 0, "a=1; b=2"},
    /* live ones win over recorded ones of the same name, the others go out as recorded */
    {{"sid=live"}, "/", "/", "lang=de; sid=old; x=y", 0, "sid=live; lang=de; x=y"},
    {{NULL}, "/", "/", "lang=de", 0, "lang=de"},
    {{NULL}, "/", "/", " a=1 ;; b=2; ", 0, "a=1; b=2"},
    /* Path: given, default (RFC 6265 5.1.4), and what matches */
    {{"a=1; Path=/shop"}, "/", "/shop/cart", "", 0, "a=1"},
    {{"a=1; Path=/shop"}, "/", "/shopping", "", 0, ""},
    {{"a=1; Path=/shop"}, "/", "/shop?x=1", "", 0, "a=1"},
    {{"a=1; Path=/shop/"}, "/", "/shop", "", 0, ""},
    {{"a=1"}, "/shop/login?next=/", "/shop/cart", "", 0, "a=1"},
    {{"a=1"}, "/shop/login", "/", "", 0, ""},
    {{"a=1; path=relative"}, "/x/y", "/x/z", "", 0, "a=1"},
    {{"a=1; Path=/shop; Path="}, "/x/y", "/x/z", "", 0, "a=1"}, /* the last one counts */
    /* longer paths first, then the older one (5.4) */
    {{"a=1; Path=/", "b=2; Path=/shop", "c=3; Path=/", "a=4; Path=/shop"},
     "/",
     "/shop",
     "",
     0,
     "b=2; a=4; a=1; c=3"},
    /* what is set again keeps its place; what was gone has none */
    {{"a=1", "b=2", "a=3"}, "/", "/", "", 0, "a=3; b=2"},
    {{"a=1", "b=2", "a=; Max-Age=0", "a=3"}, "/", "/", "", 0, "b=2; a=3"},
    /* a hidden recorded cookie: known to the jar, on another path */
    {{"a=1; Path=/shop"}, "/", "/", "a=old", 0, ""},
    /* expiry */
    {{"a=1; Max-Age=60"}, "/", "/", "", 59, "a=1"},
    {{"a=1; Max-Age=60"}, "/", "/", "", 60, ""},
    {{"a=1", "a=gone; Max-Age=0"}, "/", "/", "a=old", 0, ""},
    {{"a=1; Max-Age=-5"}, "/", "/", "", 0, ""},
    {{"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}, "/", "/", "", 0, ""},
    {{"a=1; Expires=Tue, 19-Jan-2038 03:14:07 GMT"}, "/", "/", "", 0, "a=1"},
    {{"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60"}, "/", "/", "", 0, "a=1"},
    {{"a=1; Max-Age=99999999999999999999999"}, "/", "/", "", 0, "a=1"},
    {{"a=1; Max-Age=soon"}, "/", "/", "", 0, "a=1"},
    {{"a=1; Max-Age=-"}, "/", "/", "", 0, "a=1"},
    {{"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=soon"}, "/", "/", "", 0, ""},
    {{"a=1; Expires=Tue, 19-Jan-38 03:14:07 GMT"}, "/", "/", "", 0, "a=1"},
    {{"a=1; Expires=Thursday, 01-Jan-70 00:00:00 GMT"}, "/", "/", "", 0, ""},
    {{"a=1; Expires=nonsense"}, "/", "/", "", 0, "a=1"},
    /* two differences from a browser */
    {{"a=1; Domain=prod.example; Secure; HttpOnly; SameSite=Lax"}, "/", "/", "", 0, "a=1"},
    /* what is no cookie */
    {{"", "=x", "novalue", ";"}, "/", "/", "", 0, ""},
    {{"a="}, "/", "/", "", 0, "a="},
    {{"a=b=c"}, "/", "/", "", 0, "a=b=c"},
    {{"  a  =  1  "}, "/", "/", "", 0, "a=1"},
};

static void each_row_sends_what_it_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct cookie_jar jar;
        struct buf out = BUF_INIT(4096);
        cookie_jar_init(&jar);
        for (int j = 0; j < 4 && row->set[j]; j++)
            cookie_jar_store(&jar, &target_site, bytes_of(row->set[j]), bytes_of(row->set_at),
                             NOW_S);
        cookie_jar_append(&jar, &target_site, bytes_of(row->request), bytes_of(row->recorded),
                          NOW_S + row->later_s, &out);
        if (strcmp(buf_text(&out), row->expected) != 0)
            fail_msg("row %zu: sent '%s', expected '%s'", i, buf_text(&out), row->expected);
        cookie_jar_fini(&jar);
        buf_fini(&out);
    }
}

static void a_jar_is_full_at_its_limit_and_what_is_too_long_is_not_kept(void **state)
{
    (void)state;
    struct cookie_jar jar;
    struct buf out = BUF_INIT(1 << 20);
    char text[COOKIE_MAX_BYTES + 64];
    cookie_jar_init(&jar);
    for (int i = 0; i < 2 * COOKIE_JAR_MAX_COOKIES; i++) {
        snprintf(text, sizeof text, "c%d=1", i);
        cookie_jar_store(&jar, &target_site, bytes_of(text), bytes_of("/"), NOW_S);
    }
    assert_int_equal(jar.count, COOKIE_JAR_MAX_COOKIES);
    /* The older half has made room. */
    cookie_jar_append(&jar, &target_site, bytes_of("/"), (struct bytes){0}, NOW_S, &out);
    snprintf(text, sizeof text, "c%d=1; c%d=1;", COOKIE_JAR_MAX_COOKIES,
             COOKIE_JAR_MAX_COOKIES + 1);
    assert_true(bytes_starts_with(buf_bytes(&out), bytes_of(text)));
    cookie_jar_clear(&jar);
    memset(text, 'x', sizeof text - 1);
    text[1] = '=';
    text[sizeof text - 1] = '\0';
    cookie_jar_store(&jar, &target_site, bytes_of(text), bytes_of("/"), NOW_S);
    assert_int_equal(jar.count, 0);
    cookie_jar_fini(&jar);
    buf_fini(&out);
}

/* --- whose a cookie is -------------------------------------------------------------------- */

struct site_row {
    const char *set, *set_by; /* "https://host/path": who answered */
    const char *asked;        /* the next request */
    const char *expected;
};

static const struct site_row site_rows[] = {
    /* RFC 6265 3.1: a session id for a path of the site that set it, ... */
    {"SID=31d4d96e407aad42", "http://example.com/", "http://example.com/x", "SID=31d4d96e407aad42"},
    {"SID=31d4d96e407aad42", "http://example.com/", "http://www.example.com/", ""},
    {"SID=31d4d96e407aad42; Path=/; Domain=example.com", "http://www.example.com/",
     "http://example.com/", "SID=31d4d96e407aad42"},
    {"SID=31d4d96e407aad42; Path=/; Domain=example.com", "http://example.com/",
     "http://a.b.EXAMPLE.com/", "SID=31d4d96e407aad42"},
    {"SID=31d4d96e407aad42; Path=/; Secure; HttpOnly", "https://example.com/",
     "http://example.com/", ""},
    {"SID=31d4d96e407aad42; Path=/; Secure; HttpOnly", "https://example.com/",
     "https://example.com/", "SID=31d4d96e407aad42"},
    /* what came in the clear had its TLS taken off before this target */
    {"a=1; Secure", "http://example.com/", "http://example.com/", "a=1"},
    /* 4.1.2.3: foo.example.com may set example.com and itself, not bar or baz of it */
    {"a=1; Domain=example.com", "http://foo.example.com/", "http://example.com/", "a=1"},
    {"a=1; Domain=foo.example.com", "http://foo.example.com/", "http://foo.example.com/", "a=1"},
    {"a=1; Domain=bar.example.com", "http://foo.example.com/", "http://bar.example.com/", ""},
    {"a=1; Domain=baz.foo.example.com", "http://foo.example.com/", "http://foo.example.com/", ""},
    {"a=1; Domain=.example.com", "http://foo.example.com/", "http://bar.example.com/", "a=1"},
    {"a=1; Domain=", "http://foo.example.com/", "http://bar.example.com/", ""},
    {"a=1; Domain=example.com", "http://foo.example.com/", "http://badexample.com/", ""},
    /* a suffix is nobody's, unless it is the host itself */
    {"a=1; Domain=com", "http://example.com/", "http://example.com/", ""},
    {"a=1; Domain=localhost", "http://localhost/", "http://localhost/", "a=1"},
    {"a=1; Domain=localhost", "http://localhost/", "http://x.localhost/", ""},
    /* addresses have no parents */
    {"a=1; Domain=0.0.1", "http://127.0.0.1/", "http://127.0.0.1/", ""},
    {"a=1; Domain=127.0.0.1", "http://127.0.0.1/", "http://127.0.0.1/", "a=1"},
    {"a=1", "http://[::1]/", "http://[::1]/", "a=1"},
    /* the target, which is "stage", stands for the recorded host: foreign domains become its own */
    {"a=1; Domain=shop.example", "http://stage/", "http://stage/", "a=1"},
    {"a=1; Domain=shop.example", "http://stage/", "http://shop.example/", ""},
    {"a=1; Domain=example", "http://stage/", "http://stage/", ""},
};

static struct cookie_site site_of(const char *text, struct bytes *ret_target)
{
    struct url url;
    assert_int_equal(url_parse(bytes_of(text), &url), 0);
    *ret_target = url.target;
    return (struct cookie_site){.host = url.host,
                                .is_secure = url.is_secure,
                                .stands_in = bytes_equal(url.host, bytes_of("stage"))};
}

static void a_cookie_goes_to_whom_it_is_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof site_rows / sizeof site_rows[0]; i++) {
        const struct site_row *row = &site_rows[i];
        struct cookie_jar jar;
        struct bytes target;
        struct buf out = BUF_INIT(4096);
        cookie_jar_init(&jar);
        struct cookie_site site = site_of(row->set_by, &target);
        cookie_jar_store(&jar, &site, bytes_of(row->set), target, NOW_S);
        site = site_of(row->asked, &target);
        cookie_jar_append(&jar, &site, target, (struct bytes){0}, NOW_S, &out);
        if (strcmp(buf_text(&out), row->expected) != 0)
            fail_msg("%s by %s: %s was sent '%s'", row->set, row->set_by, row->asked,
                     buf_text(&out));
        cookie_jar_fini(&jar);
        buf_fini(&out);
    }
}

/* RFC 6265 3.1, from the first answer to the last. */
static void the_example_of_the_rfc(void **state)
{
    (void)state;
    enum { IN_2020 = 1600000000 };
    static const struct cookie_site site = {.host = {"example.com", 11}, .is_secure = true};
    struct cookie_jar jar;
    struct buf out = BUF_INIT(4096);
    struct bytes root = bytes_of("/");
    cookie_jar_init(&jar);
    cookie_jar_store(&jar, &site, bytes_of("SID=31d4d96e407aad42; Path=/; Secure; HttpOnly"), root,
                     IN_2020);
    cookie_jar_store(&jar, &site, bytes_of("lang=en-US; Path=/; Domain=example.com"), root,
                     IN_2020);
    cookie_jar_append(&jar, &site, root, (struct bytes){0}, IN_2020, &out);
    assert_string_equal(buf_text(&out), "SID=31d4d96e407aad42; lang=en-US");
    /* Another domain, another cookie: without one it is the host's alone. */
    const char *wanted = "lang=en-US; Domain=example.com; Expires=Wed, 09 Jun 2021 10:18:14 GMT";
    cookie_jar_store(&jar, &site, bytes_of(wanted), root, IN_2020);
    buf_clear(&out);
    cookie_jar_append(&jar, &site, root, (struct bytes){0}, IN_2020, &out);
    assert_string_equal(buf_text(&out), "SID=31d4d96e407aad42; lang=en-US");
    buf_clear(&out);
    cookie_jar_append(&jar, &site, root, (struct bytes){0}, 1623233894, &out);
    assert_string_equal(buf_text(&out), "SID=31d4d96e407aad42");
    wanted = "lang=; Domain=example.com; Expires=Sun, 06 Nov 1994 08:49:37 GMT";
    cookie_jar_store(&jar, &site, bytes_of(wanted), root, IN_2020);
    buf_clear(&out);
    cookie_jar_append(&jar, &site, root, (struct bytes){0}, IN_2020, &out);
    assert_string_equal(buf_text(&out), "SID=31d4d96e407aad42");
    cookie_jar_fini(&jar);
    buf_fini(&out);
}

/* RFC 6265 5.1.1; -1: it is no date. */
static void dates_are_read_as_browsers_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t unix_s;
    } dates[] = {
        {"Wed, 09 Jun 2021 10:18:14 GMT", 1623233894},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"1994 nov 6 8:49:37", 784111777},
        {"06 November 94 08:49:37.123 UTC", 784111777},
        {"08:49:37 6x Nov 1994", 784111777},
        {"19 Jan 69 00:00:00", 3125779200},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"06 Nov 1994", -1},
        {"06 Nov 1994 24:00:00", -1},
        {"06 Nov 1994 08:60:00", -1},
        {"32 Nov 1994 08:49:37", -1},
        {"30 Feb 1994 08:49:37", -1},
        {"06 Nov 1600 08:49:37", -1},
        {"06 Nov 19945 08:49:37", -1},
        {"006 Nov 1994 08:49:37", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        int64_t unix_s = -1;
        bool is_date = cookie_date_parse(bytes_of(dates[i].text), &unix_s);
        if (is_date != (dates[i].unix_s >= 0) || unix_s != dates[i].unix_s)
            fail_msg("%s: %lld", dates[i].text, (long long)unix_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_sends_what_it_should),
        cmocka_unit_test(a_cookie_goes_to_whom_it_is_for),
        cmocka_unit_test(the_example_of_the_rfc),
        cmocka_unit_test(dates_are_read_as_browsers_write_them),
        cmocka_unit_test(a_jar_is_full_at_its_limit_and_what_is_too_long_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
