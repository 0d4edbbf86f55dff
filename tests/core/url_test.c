/* url_test.c - absolute URLs, taken apart or refused. */
#include "core/url.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/core/guard.h"

static void the_parts_are_views_of_the_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *authority, *host, *target;
        uint16_t port;
        bool is_secure;
    } rows[] = {
        {"http://localhost:8080/a/b?c=d#e", "localhost:8080", "localhost", "/a/b?c=d", 8080, false},
        {"https://example.test", "example.test", "example.test", "/", 443, true},
        {"HTTP://EXAMPLE.test/", "EXAMPLE.test", "EXAMPLE.test", "/", 80, false},
        {"ws://h/ws", "h", "h", "/ws", 80, false},
        {"wss://h/ws", "h", "h", "/ws", 443, true},
        {"http://h?x=1", "h", "h", "?x=1", 80, false},
        {"http://h#f", "h", "h", "/", 80, false},
        {"http://h/#?f", "h", "h", "/", 80, false},
        {"http://h/?", "h", "h", "/?", 80, false},
        {"http://127.0.0.1:65535/", "127.0.0.1:65535", "127.0.0.1", "/", 65535, false},
        {"http://[::1]:81/x", "[::1]:81", "::1", "/x", 81, false},
        {"http://[fe80::1]", "[fe80::1]", "fe80::1", "/", 80, false},
        {"http://h/a@b:c//d", "h", "h", "/a@b:c//d", 80, false},
        {"http://h/?u=http://other/", "h", "h", "/?u=http://other/", 80, false},
    };
    struct guard guard;
    guard_init(&guard, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct url url;
        if (url_parse(guard_place(&guard, bytes_of(rows[i].text)), &url))
            fail_msg("refused: %s", rows[i].text);
        assert_true(bytes_equal(url.authority, bytes_of(rows[i].authority)));
        assert_true(bytes_equal(url.host, bytes_of(rows[i].host)));
        assert_true(bytes_equal(url.target, bytes_of(rows[i].target)));
        assert_int_equal(url.port, rows[i].port);
        assert_int_equal(url.is_secure, rows[i].is_secure);
    }
    guard_fini(&guard);
}

static void what_is_no_such_url_is_refused_and_sets_nothing(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "http",
        "http:",
        "http:/h",
        "http://",
        "http:///path",
        "http://:80/",
        "localhost:8080",
        "/path",
        "ftp://h/",
        "httpx://h/",
        " http://h/",
        "http://user@h/",
        "http://user:secret@h/",
        "http://h:0/",
        "http://h:65536/",
        "http://h:99999999999999999999/",
        "http://h:8x/",
        "http://h:/",
        "http://h:-1/",
        "http://a:b:80/",
        "http://::1/",
        "http://[::1/",
        "http://[]/",
        "http://[::1]80/",
        "http://h/a b",
        "http://h/a\nb",
        "http://h\t/",
        "http://h/\x7f",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct url url = {.port = 7};
        if (url_parse(bytes_of(rows[i]), &url) != -1)
            fail_msg("accepted: %s", rows[i]);
        assert_int_equal(url.port, 7);
    }
    struct url url;
    assert_int_equal(url_parse((struct bytes){0}, &url), -1);
    assert_int_equal(url_parse(bytes_make("http://h/a\0b", 12), &url), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_are_views_of_the_text),
        cmocka_unit_test(what_is_no_such_url_is_refused_and_sets_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
