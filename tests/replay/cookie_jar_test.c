/* cookie_jar_test.c - what a user's jar keeps, forgets and sends, row by row. */
#include "replay/cookie_jar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NOW_S = 1700000000 };

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
    /* longer paths first, then the older one (5.4) */
    {{"a=1; Path=/", "b=2; Path=/shop", "c=3; Path=/", "a=4; Path=/shop"},
     "/",
     "/shop",
     "",
     0,
     "b=2; a=4; a=1; c=3"},
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
            cookie_jar_store(&jar, bytes_of(row->set[j]), bytes_of(row->set_at), NOW_S);
        cookie_jar_append(&jar, bytes_of(row->request), bytes_of(row->recorded),
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
        cookie_jar_store(&jar, bytes_of(text), bytes_of("/"), NOW_S);
    }
    assert_int_equal(jar.count, COOKIE_JAR_MAX_COOKIES);
    cookie_jar_clear(&jar);
    memset(text, 'x', sizeof text - 1);
    text[1] = '=';
    text[sizeof text - 1] = '\0';
    cookie_jar_store(&jar, bytes_of(text), bytes_of("/"), NOW_S);
    assert_int_equal(jar.count, 0);
    cookie_jar_fini(&jar);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_sends_what_it_should),
        cmocka_unit_test(a_jar_is_full_at_its_limit_and_what_is_too_long_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
