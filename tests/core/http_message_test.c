/* http_message_test.c - changing a request never reaches what it came from, nor a second header. */
#include "core/http_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* The shared, read-only plan that every user's request starts from. */
static const struct http_header plan[] = {
    {.name = {"Host", 4}, .value = {"h", 1}},
    {.name = {"Cookie", 6}, .value = {"a=1", 3}},
    {.name = {"X-Id", 4}, .value = {"1", 1}},
    {.name = {"cookie", 6}, .value = {"b=2", 3}},
};

static struct http_request request_of(struct arena *arena)
{
    return (struct http_request){.method = bytes_of("GET"),
                                 .url = bytes_of("http://h/"),
                                 .headers = plan,
                                 .header_count = sizeof plan / sizeof plan[0],
                                 .arena = arena};
}

static void assert_headers(const struct http_request *request, const char *expected)
{
    char text[1000] = "";
    size_t used = 0;
    for (size_t i = 0; i < request->header_count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%.*s:%.*s;",
                                 BYTES_ARG(request->headers[i].name),
                                 BYTES_ARG(request->headers[i].value));
    assert_string_equal(text, expected);
}

static int set_header(struct http_request *request, const char *name, const char *value)
{
    return http_request_set_header(request, bytes_of(name), bytes_of(value));
}

static void headers_are_replaced_added_and_removed_in_place(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct http_request request = request_of(&arena);
    assert_int_equal(set_header(&request, "COOKIE", "c=3"), 0);
    assert_headers(&request, "Host:h;Cookie:c=3;X-Id:1;");
    assert_int_equal(set_header(&request, "X-New", ""), 0);
    assert_headers(&request, "Host:h;Cookie:c=3;X-Id:1;X-New:;");
    assert_int_equal(set_header(&request, "host", NULL), 0);
    assert_headers(&request, "Cookie:c=3;X-Id:1;X-New:;");
    assert_int_equal(set_header(&request, "absent", NULL), 0);
    assert_headers(&request, "Cookie:c=3;X-Id:1;X-New:;");
    assert_int_equal(request.changes, HTTP_CHANGED_HEADERS);
    arena_fini(&arena);
}

static void a_change_does_not_reach_another_user(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct http_request mine = request_of(&arena), yours = request_of(&arena);
    char value[] = "short-lived";
    set_header(&mine, "X-Id", value);
    http_request_set_body(&mine, bytes_of(value));
    memset(value, '!', sizeof value - 1);
    assert_headers(&mine, "Host:h;Cookie:a=1;X-Id:short-lived;cookie:b=2;");
    assert_true(bytes_equal(mine.body, bytes_of("short-lived")));
    assert_headers(&yours, "Host:h;Cookie:a=1;X-Id:1;cookie:b=2;");
    assert_ptr_equal(yours.headers, plan);
    arena_fini(&arena);
}

static void method_url_and_body_say_that_they_changed(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct http_request request = request_of(&arena);
    assert_int_equal(http_request_set_method(&request, bytes_of("POST")), 0);
    assert_int_equal(request.changes, HTTP_CHANGED_METHOD);
    assert_int_equal(http_request_set_url(&request, bytes_of("http://h/2")), 0);
    assert_int_equal(request.changes, HTTP_CHANGED_METHOD | HTTP_CHANGED_URL);
    assert_int_equal(http_request_set_body(&request, bytes_make("a\0\r\nb", 5)), 0);
    assert_int_equal(request.changes, HTTP_CHANGED_METHOD | HTTP_CHANGED_URL | HTTP_CHANGED_BODY);
    assert_true(bytes_equal(request.body, bytes_make("a\0\r\nb", 5)));
    assert_int_equal(http_request_set_body(&request, (struct bytes){0}), 0);
    assert_int_equal(request.body.len, 0);
    arena_fini(&arena);
}

static void nothing_that_could_end_a_line_gets_in(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct http_request request = request_of(&arena);
    static const struct bytes breakers[] = {{"a\rb", 3}, {"a\nb", 3}, {"a\0b", 3}, {"\x7f", 1}};
    for (size_t i = 0; i < sizeof breakers / sizeof breakers[0]; i++) {
        assert_int_equal(http_request_set_method(&request, breakers[i]), -1);
        assert_int_equal(http_request_set_url(&request, breakers[i]), -1);
        assert_int_equal(http_request_set_header(&request, breakers[i], bytes_of("v")), -1);
        assert_int_equal(http_request_set_header(&request, bytes_of("X"), breakers[i]), -1);
    }
    assert_int_equal(http_request_set_method(&request, bytes_of("")), -1);
    assert_int_equal(http_request_set_method(&request, bytes_of("GET /")), -1);
    assert_int_equal(http_request_set_url(&request, bytes_of("")), -1);
    assert_int_equal(http_request_set_url(&request, bytes_of("http://h/a b")), -1);
    assert_int_equal(set_header(&request, "", "v"), -1);
    assert_int_equal(set_header(&request, "A:", "v"), -1);
    assert_int_equal(set_header(&request, "A B", "v"), -1);
    assert_headers(&request, "Host:h;Cookie:a=1;X-Id:1;cookie:b=2;");
    assert_int_equal(request.changes, 0);
    assert_int_equal(set_header(&request, "X-Id", "tab\tand space, \xc3\xa4"), 0);
    arena_fini(&arena);
}

static void a_url_has_a_maximum(void **state)
{
    (void)state;
    static char url[HTTP_MAX_URL_BYTES + 1];
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct http_request request = request_of(&arena);
    memset(url, 'u', sizeof url);
    assert_int_equal(http_request_set_url(&request, bytes_make(url, sizeof url - 1)), 0);
    assert_int_equal(http_request_set_url(&request, bytes_make(url, sizeof url)), -1);
    arena_fini(&arena);
}

static void headers_have_a_maximum_and_memory_may_run_out(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct http_request request = request_of(&arena);
    char name[16];
    for (size_t i = request.header_count; i < HTTP_MAX_HEADERS; i++) {
        snprintf(name, sizeof name, "h%zu", i);
        assert_int_equal(set_header(&request, name, "v"), 0);
    }
    assert_int_equal(set_header(&request, "one-more", "v"), -1);
    assert_int_equal(request.header_count, HTTP_MAX_HEADERS);
    assert_int_equal(set_header(&request, "h200", "replaced"), 0);
    arena_fini(&arena);
    arena_init(&arena, 64);
    request = request_of(&arena);
    assert_int_equal(set_header(&request, "X-Id", "2"), -1);
    assert_headers(&request, "Host:h;Cookie:a=1;X-Id:1;cookie:b=2;");
    assert_int_equal(request.changes, 0);
    arena_fini(&arena);
}

static void headers_of_one_connection_are_known(void **state)
{
    (void)state;
    assert_true(http_header_is_hop_by_hop(bytes_of("CONNECTION")));
    assert_true(http_header_is_hop_by_hop(bytes_of("Transfer-Encoding")));
    assert_true(http_header_is_hop_by_hop(bytes_of("upgrade")));
    assert_false(http_header_is_hop_by_hop(bytes_of("Host")));
    assert_false(http_header_is_hop_by_hop(bytes_of("Upgrade-Insecure-Requests")));
    assert_false(http_header_is_hop_by_hop(bytes_of("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_replaced_added_and_removed_in_place),
        cmocka_unit_test(a_change_does_not_reach_another_user),
        cmocka_unit_test(method_url_and_body_say_that_they_changed),
        cmocka_unit_test(nothing_that_could_end_a_line_gets_in),
        cmocka_unit_test(a_url_has_a_maximum),
        cmocka_unit_test(headers_have_a_maximum_and_memory_may_run_out),
        cmocka_unit_test(headers_of_one_connection_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
