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

struct counted_source {
    struct http_body_source source;
    int releases;
};

static ssize_t read_nothing(struct http_body_source *source, uint64_t offset, void *into,
                            size_t max)
{
    (void)source;
    (void)offset;
    (void)into;
    (void)max;
    return -1;
}

static void count_release(struct http_body_source *source)
{
    ((struct counted_source *)source)->releases++;
}

static void a_source_is_released_once_whatever_becomes_of_it(void **state)
{
    (void)state;
    struct counted_source sources[4];
    struct arena arena;
    arena_init(&arena, 64 * 1024);
    struct http_request request = request_of(&arena);
    for (int i = 0; i < 4; i++)
        sources[i] = (struct counted_source){
            .source = {.body_bytes = 10, .read = read_nothing, .release = count_release}};
    request.body = bytes_of("old");
    assert_int_equal(http_request_set_source(&request, &sources[0].source), 0);
    assert_int_equal(http_request_body_bytes(&request), 10);
    assert_int_equal(request.changes, HTTP_CHANGED_SOURCE);
    assert_int_equal(request.body.len, 3); /* to be looked at still */
    assert_int_equal(http_request_set_source(&request, &sources[1].source), 0);
    assert_int_equal(sources[0].releases, 1);
    assert_int_equal(http_request_set_body(&request, bytes_of("new")), 0);
    assert_int_equal(sources[1].releases, 1);
    assert_int_equal(http_request_body_bytes(&request), 3);
    sources[2].source.body_bytes = UINT64_MAX; /* refused */
    assert_int_equal(http_request_set_source(&request, &sources[2].source), -1);
    assert_int_equal(sources[2].releases, 1);
    assert_int_equal(http_request_set_source(&request, &sources[3].source), 0);
    http_request_fini(&request);
    http_request_fini(&request);
    assert_int_equal(sources[3].releases, 1);
    assert_int_equal(sources[0].releases + sources[1].releases + sources[2].releases, 3);
    arena_fini(&arena);
}

static void a_body_in_pieces_is_read_from_anywhere(void **state)
{
    (void)state;
    const struct bytes pieces[] = {bytes_of("ab"), bytes_of(""), bytes_of("cde"), bytes_of("f")};
    struct arena arena;
    arena_init(&arena, 64 * 1024);
    struct http_request request = request_of(&arena);
    request.body_pieces = pieces;
    request.body_piece_count = 4;
    assert_int_equal(http_request_body_bytes(&request), 6);
    for (size_t at = 0; at < 6; at++) {
        for (size_t max = 1; max < 8; max++) {
            char read[8] = "";
            size_t len = max < 6 - at ? max : 6 - at;
            assert_int_equal(http_request_read_body(&request, at, read, max), len);
            assert_memory_equal(read, "abcdef" + at, len);
        }
    }
    assert_int_equal(http_request_join_body(&request), 0);
    assert_string_equal(request.body.ptr, "abcdef");
    char read[8] = "";
    assert_int_equal(http_request_read_body(&request, 4, read, 8), 2);
    assert_string_equal(read, "ef");
    arena_fini(&arena);
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
        cmocka_unit_test(a_source_is_released_once_whatever_becomes_of_it),
        cmocka_unit_test(a_body_in_pieces_is_read_from_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
