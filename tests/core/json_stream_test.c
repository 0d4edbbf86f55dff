/* json_stream_test.c - values of JSON that comes in pieces: told at their last byte, not kept. */
#include "core/json_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static char told[512];

static void on_found(void *owner, size_t wanted, struct bytes text, enum json_kind kind)
{
    size_t len = strlen(told);
    (void)owner;
    snprintf(told + len, sizeof told - len, "%zu=%.*s%s;", wanted, BYTES_ARG(text),
             !text.ptr                  ? "TOO LONG"
             : kind == JSON_SCAN_STRING ? "s"
                                        : "");
}

static void start(struct json_stream *stream, struct json_wanted *wanted, size_t count,
                  size_t max_bytes)
{
    told[0] = '\0';
    json_stream_init(stream, wanted, count, max_bytes, on_found, NULL);
}

static void feed(struct json_stream *stream, const char *text)
{
    json_stream_feed(stream, bytes_of(text));
}

static void a_value_is_told_at_its_last_byte(void **state)
{
    (void)state;
    struct json_stream stream;
    struct json_wanted wanted[] = {{.pointer = bytes_of("/id")}, {.pointer = bytes_of("/n/1")}};
    start(&stream, wanted, 2, 100);
    feed(&stream, "{\"i");
    feed(&stream, "d\":\"ab");
    assert_string_equal(told, "");
    feed(&stream, "c\"");
    assert_string_equal(told, "0=abcs;");
    feed(&stream, ",\"n\":[7, 1");
    feed(&stream, "2");
    assert_false(json_stream_has_ended(&stream));
    feed(&stream, "]");
    assert_string_equal(told, "0=abcs;1=12;");
    assert_true(json_stream_has_ended(&stream));
    json_stream_fini(&stream);
}

static void what_stands_before_it_is_passed_over(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{\"id\":1}",   "\xef\xbb\xbf {\"id\":1}", ")]}',\n{\"id\":1}",
        "for(;;);[0],", "while(1); {\"id\":1}",    "\xef{\"id\":1}",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t cut = 0; cut <= strlen(rows[i]); cut++) {
            struct json_stream stream;
            struct json_wanted wanted = {.pointer = bytes_of(i == 3 ? "/0" : "/id")};
            start(&stream, &wanted, 1, 100);
            json_stream_feed(&stream, bytes_make(rows[i], cut));
            json_stream_feed(&stream, bytes_from(bytes_of(rows[i]), cut));
            json_stream_end(&stream);
            assert_string_equal(told, i == 3 ? "0=0;" : "0=1;");
            json_stream_fini(&stream);
        }
    }
}

static void a_number_may_end_with_the_text(void **state)
{
    (void)state;
    struct json_stream stream;
    struct json_wanted wanted = {.pointer = bytes_of("")};
    start(&stream, &wanted, 1, 100);
    feed(&stream, "4");
    feed(&stream, "711");
    assert_string_equal(told, "");
    json_stream_end(&stream);
    assert_string_equal(told, "0=4711;");
    json_stream_fini(&stream);
}

static void what_is_not_wanted_is_not_kept_and_what_is_has_a_limit(void **state)
{
    (void)state;
    struct json_stream stream;
    struct json_wanted wanted[] = {{.pointer = bytes_of("/long")}, {.pointer = bytes_of("/id")}};
    start(&stream, wanted, 2, 100);
    feed(&stream, "{\"other\":\"");
    for (int i = 0; i < 1000; i++)
        feed(&stream, "0123456789\\\"");
    feed(&stream, "\",\"deep\":[[\"]\",{}],\"long\"],\"long\":\"");
    for (int i = 0; i < 1000; i++)
        feed(&stream, "0123456789");
    assert_true(stream.text.capacity <= 4096);
    feed(&stream, "\",\"id\":true}");
    assert_string_equal(told, "0=TOO LONG;1=true;");
    json_stream_fini(&stream);
}

static void broken_text_ends_it(void **state)
{
    (void)state;
    static const char *const rows[] = {"{\"a\":nul,\"id\":1}",
                                       "{\"a\" 1,\"id\":1}",
                                       "{\"a\":[1}],\"id\":2",
                                       "{\"id\":01}",
                                       "",
                                       "}"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json_stream stream;
        struct json_wanted wanted[] = {{.pointer = bytes_of("/id")}, {.pointer = bytes_of("/a/9")}};
        start(&stream, wanted, 2, 100);
        feed(&stream, rows[i]);
        json_stream_end(&stream);
        assert_string_equal(told, "");
        assert_true(json_stream_has_ended(&stream));
        json_stream_fini(&stream);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_told_at_its_last_byte),
        cmocka_unit_test(what_stands_before_it_is_passed_over),
        cmocka_unit_test(a_number_may_end_with_the_text),
        cmocka_unit_test(what_is_not_wanted_is_not_kept_and_what_is_has_a_limit),
        cmocka_unit_test(broken_text_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
