/* header_params_test.c - parameters and links of headers, whole and broken. */
#include "traces/places/header_params.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/core/guard.h"

static void parameters_are_taken_one_after_another(void **state)
{
    (void)state;
    static const struct {
        const char *header, *params;
        bool only_semicolons;
    } rows[] = {
        {"attachment; filename=\"a; b.wav\"; size = 3", "filename=a; b.wav|size=3|", false},
        {"Digest realm=\"x, y\", nonce=4f, qop=auth", "realm=x, y|nonce=4f|qop=auth|", false},
        {"; Expires=Thu, 01 Jan 1970; Path=/", "Expires=Thu, 01 Jan 1970|Path=/|", true},
        {"0; url=/x?a=b", "url=/x?a=b|", false},
        {"Basic YWI=", "YWI=|", false},
        {"a=\"x\\\"y\" b=2", "a=x\\\"y|b=2|", false},
        {"a=\"cut", "a=cut|", false},
        {"a=\"cut\\", "a=cut\\|", false},
        {"a=", "a=|", false},
        {"=x; a=1", "a=1|", false},
        {"\"q=1\"; a=1", "a=1|", false},
        {"", "", false},
        {";;,,==", "", false},
    };
    struct guard guard;
    guard_init(&guard, 256);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256] = "";
        size_t len = 0;
        struct header_param param;
        struct bytes rest = guard_place(&guard, bytes_of(rows[i].header));
        while (header_param_next(&rest, rows[i].only_semicolons, &param))
            len += (size_t)snprintf(text + len, sizeof text - len, "%.*s=%.*s|",
                                    BYTES_ARG(param.name), BYTES_ARG(param.value));
        if (strcmp(text, rows[i].params) != 0)
            fail_msg("%s: %s", rows[i].header, text);
    }
    guard_fini(&guard);
}

static void one_is_found_by_name_and_number(void **state)
{
    (void)state;
    struct header_param param;
    struct bytes header = bytes_of("Digest NONCE=1, Digest nonce=\"2\"");
    assert_true(header_param_find(header, false, bytes_of("nonce"), 1, &param));
    assert_true(bytes_equal(param.value, bytes_of("1")) && !param.is_quoted);
    assert_true(header_param_find(header, false, bytes_of("nonce"), 2, &param));
    assert_true(bytes_equal(param.value, bytes_of("2")) && param.is_quoted);
    assert_false(header_param_find(header, false, bytes_of("nonce"), 3, &param));
    assert_false(header_param_find(header, false, bytes_of("non"), 1, &param));
}

static void links_have_relations(void **state)
{
    (void)state;
    struct header_link link;
    struct bytes rest = bytes_of("</a,b?x=1>; title=\"<c>, d\"; rel=\"next LAST\", <e>, "
                                 "<f>;rel=up;rel=down");
    assert_true(header_link_next(&rest, &link));
    assert_true(bytes_equal(link.target, bytes_of("/a,b?x=1")));
    assert_true(header_link_is(&link, bytes_of("last")) && header_link_is(&link, bytes_of("Next")));
    assert_false(header_link_is(&link, bytes_of("nex")));
    assert_true(header_link_next(&rest, &link));
    assert_true(bytes_equal(link.target, bytes_of("e")) && !link.relations.len);
    assert_true(header_link_next(&rest, &link));
    assert_true(header_link_is(&link, bytes_of("up")) && !header_link_is(&link, bytes_of("down")));
    assert_false(header_link_next(&rest, &link));
    rest = bytes_of("<cut");
    assert_false(header_link_next(&rest, &link));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_taken_one_after_another),
        cmocka_unit_test(one_is_found_by_name_and_number),
        cmocka_unit_test(links_have_relations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
