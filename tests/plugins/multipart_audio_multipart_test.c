/* multipart_audio_multipart_test.c - parts to the byte, heads and parameters, wherever a body is
 * cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/multipart_audio/mime.h"
#include "plugins/multipart_audio/multipart.h"

#define SPAN(text) ((struct span){(text), sizeof(text) - 1})

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static const char *parse_pieces(const struct span *piece, size_t count, struct multipart *ret)
{
    struct multipart_boundary boundary;
    struct pieces body;
    pieces_init(&body, piece, count);
    assert_null(multipart_boundary(SPAN("multipart/form-data; boundary=b"), &boundary));
    return multipart_parse(&body, &boundary, NULL, 0, ret);
}

static void bodies_are_taken_apart_to_the_byte(void **state)
{
    (void)state;
    static const struct {
        const char *name, *body;
        const char *contents; /* joined by '|' */
    } rows[] = {
        {"one part", "--b\r\nA: 1\r\n\r\nx\r\n--b--\r\n", "x"},
        {"two parts", "--b\r\nA: 1\r\n\r\nx\r\n--b\r\nA: 2\r\n\r\nyy\r\n--b--", "x|yy"},
        {"preamble and epilogue", "hello\r\n--b\r\n\r\nx\r\n--b--\r\nbye\r\n--b\r\n", "x"},
        {"padding behind the boundary", "--b \t\r\n\r\nx\r\n--b--  \r\n", "x"},
        {"no headers", "--b\r\n\r\nx\r\n--b--", "x"},
        {"an empty part", "--b\r\nA: 1\r\n\r\n\r\n--b--", ""},
        {"an empty part of one empty line", "--b\r\nA: 1\r\n\r\n--b--", ""},
        {"content that ends with line ends", "--b\r\n\r\nx\r\n\r\n\r\n--b--", "x\r\n\r\n"},
        {"a longer boundary is content", "--b\r\n\r\nx\r\n--bc\r\n--b--", "x\r\n--bc"},
        {"a boundary inside a line is content", "--b\r\n\r\nx--b--\r\n--b--", "x--b--"},
        {"bare line feeds are content", "--b\r\n\r\nx\n--b\n\r\n--b--", "x\n--b\n"},
        {"CR before a delimiter", "--b\r\n\r\nx\r\r\n--b--", "x\r"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span body = span_of(rows[i].body);
        struct multipart multipart;
        char joined[100] = "";
        size_t used = 0;
        const char *reason = parse_pieces(&body, 1, &multipart);
        if (reason)
            fail_msg("%s: %s", rows[i].name, reason);
        for (size_t k = 0; k < multipart.part_count; k++)
            used += (size_t)snprintf(joined + used, sizeof joined - used, "%s%.*s", k ? "|" : "",
                                     (int)multipart.parts[k].content_bytes,
                                     body.ptr + multipart.parts[k].content_at);
        if (strcmp(joined, rows[i].contents) != 0)
            fail_msg("%s: '%s'", rows[i].name, joined);
    }
}

static void broken_bodies_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *body, *reason;
    } rows[] = {
        {"", "the boundary of its Content-Type is not in it"},
        {"--c\r\n\r\nx\r\n--c--", "the boundary of its Content-Type is not in it"},
        {"x--b\r\n\r\nx", "the boundary of its Content-Type is not in it"},
        {"--b\r\n\r\nx\r\n--b", "it ends before its last boundary"},
        {"--b\r\nA: 1\r\n", "the head of a part has no end"},
        {"--b\r\nA: 1\r\n--b\r\n\r\nx\r\n--b--", "the head of a part has no end"},
        {"--b--", "it has no part"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span body = span_of(rows[i].body);
        struct multipart multipart;
        const char *reason = parse_pieces(&body, 1, &multipart);
        assert_non_null(reason);
        assert_string_equal(reason, rows[i].reason);
    }
}

static const char two_parts[] = "pre\r\n--b\r\nA: 1\r\n\r\nx\r\n-\r\n--bb\r\n--b \r\nB: 2\r\n\r\n"
                                "\r\r\n--b--\r\nepilogue";

static void a_body_in_any_two_pieces_has_the_same_parts(void **state)
{
    (void)state;
    struct span whole = SPAN(two_parts);
    struct multipart expected, found;
    assert_null(parse_pieces(&whole, 1, &expected));
    for (size_t cut = 0; cut <= whole.len; cut++) {
        const struct span pieces[] = {
            {whole.ptr, cut}, {whole.ptr, 0}, {whole.ptr + cut, whole.len - cut}};
        assert_null(parse_pieces(pieces, 3, &found));
        assert_int_equal(found.part_count, expected.part_count);
        assert_int_equal(found.epilogue_at, expected.epilogue_at);
        assert_memory_equal(found.parts, expected.parts,
                            expected.part_count * sizeof expected.parts[0]);
    }
    struct span bytes[sizeof two_parts];
    for (size_t i = 0; i < whole.len; i++)
        bytes[i] = (struct span){whole.ptr + i, 1};
    assert_null(parse_pieces(bytes, whole.len, &found));
    assert_memory_equal(found.parts, expected.parts,
                        expected.part_count * sizeof expected.parts[0]);
}

static void every_prefix_of_a_body_is_refused_or_whole(void **state)
{
    (void)state;
    struct multipart multipart;
    size_t closed = (size_t)(strstr(two_parts, "--b--") - two_parts) + 5;
    for (size_t len = 0; len < sizeof two_parts - 1; len++) {
        char *exact = malloc(len ? len : 1);
        memcpy(exact, two_parts, len);
        struct span body = {exact, len};
        assert_int_equal(parse_pieces(&body, 1, &multipart) == NULL, len >= closed);
        free(exact);
    }
}

static void a_hint_is_believed_only_where_a_delimiter_is(void **state)
{
    (void)state;
    struct span body = SPAN("--b\r\n\r\nx\r\n--b--");
    struct multipart_boundary boundary;
    struct pieces pieces;
    struct multipart multipart;
    pieces_init(&pieces, &body, 1);
    multipart_boundary(SPAN("multipart/mixed; boundary=\"b\""), &boundary);
    for (uint64_t hinted = 0; hinted < 40; hinted++) {
        const struct multipart_hint hint = {0, hinted};
        assert_null(multipart_parse(&pieces, &boundary, &hint, 1, &multipart));
        assert_int_equal(multipart.parts[0].content_bytes, 1);
    }
    const struct multipart_hint huge = {0, UINT64_MAX};
    assert_null(multipart_parse(&pieces, &boundary, &huge, 1, &multipart));
}

static void boundaries_come_quoted_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *type, *delimiter; /* NULL: refused */
    } rows[] = {
        {"multipart/form-data; boundary=abc", "\r\n--abc"},
        {"Multipart/Form-Data;BOUNDARY=\"a b;c\" ; charset=x", "\r\n--a b;c"},
        {"multipart/mixed; x=\"; boundary=no\"; boundary=yes", "\r\n--yes"},
        {"multipart/form-data; boundary=----WebKitFormBoundaryx", "\r\n------WebKitFormBoundaryx"},
        {"multipart/form-data", NULL},
        {"multipart/form-data; boundary=", NULL},
        {"multipart/form-data; boundary=\"\"", NULL},
        {"application/json; boundary=b", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct multipart_boundary boundary;
        const char *reason = multipart_boundary(span_of(rows[i].type), &boundary);
        assert_int_equal(reason == NULL, rows[i].delimiter != NULL);
        if (!reason) {
            assert_int_equal(boundary.len, strlen(rows[i].delimiter));
            assert_memory_equal(boundary.delimiter, rows[i].delimiter, boundary.len);
        }
    }
}

static void file_names_are_found_as_they_lie(void **state)
{
    (void)state;
    static const struct {
        const char *disposition, *plain, *extended;
    } rows[] = {
        {"form-data; name=\"file\"; filename=\"a.wav\"", "a.wav", NULL},
        {"form-data; filename=a.wav; name=x", "a.wav", NULL},
        {"form-data; FileName=\"a \\\"b\\\".wav\"", "a \\\"b\\\".wav", NULL},
        {"form-data; filename=\"C:\\dir\\a.wav\"", "C:\\dir\\a.wav", NULL},
        {"form-data; filename=\"a%22.wav\"; filename*=UTF-8''na%C3%AFve.wav", "a%22.wav",
         "na%C3%AFve.wav"},
        {"form-data; filename*=utf-8'en'x.mp3", NULL, "x.mp3"},
        {"form-data; filename*=broken", NULL, NULL},
        {"form-data; name=\"filename=no.wav\"", NULL, NULL},
        {"form-data; filename=\"never closed", "never closed", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mime_file_name name = mime_file_name(span_of(rows[i].disposition));
        assert_int_equal(name.plain.ptr == NULL, rows[i].plain == NULL);
        assert_int_equal(name.extended.ptr == NULL, rows[i].extended == NULL);
        if (rows[i].plain) {
            assert_int_equal(name.plain.len, strlen(rows[i].plain));
            assert_memory_equal(name.plain.ptr, rows[i].plain, name.plain.len);
        }
        if (rows[i].extended)
            assert_memory_equal(name.extended.ptr, rows[i].extended, name.extended.len);
    }
    assert_int_equal(mime_stem_bytes(SPAN("a.b.wav")), 3);
    assert_int_equal(mime_stem_bytes(SPAN("wav")), 3);
    assert_int_equal(mime_stem_bytes(SPAN(".wav")), 4);
}

static void headers_are_folded_trimmed_and_without_case(void **state)
{
    (void)state;
    struct span head = SPAN("content-TYPE :  audio/wav \r\nX: a;\r\n b=c\r\nX: second\r\n\r\n");
    struct span type = mime_header(head, "Content-Type"), x = mime_header(head, "x");
    assert_int_equal(type.len, 9);
    assert_memory_equal(type.ptr, "audio/wav", 9);
    assert_memory_equal(mime_param(x, "b").ptr, "c", 1);
    assert_null(mime_header(head, "Content").ptr);
    assert_null(mime_header(SPAN(""), "X").ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_taken_apart_to_the_byte),
        cmocka_unit_test(broken_bodies_are_named),
        cmocka_unit_test(a_body_in_any_two_pieces_has_the_same_parts),
        cmocka_unit_test(every_prefix_of_a_body_is_refused_or_whole),
        cmocka_unit_test(a_hint_is_believed_only_where_a_delimiter_is),
        cmocka_unit_test(boundaries_come_quoted_or_not),
        cmocka_unit_test(file_names_are_found_as_they_lie),
        cmocka_unit_test(headers_are_folded_trimmed_and_without_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
