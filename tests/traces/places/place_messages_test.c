/*
 * place_messages_test.c - random messages of every format, large and hostile ones, and those of
 * captures that others made: each value is found again by its place.
 *
 * The captures lie in ../shared/captures beside the source tree; without them that test is skipped.
 */
#include <brotli/encode.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "capture/capture_run.h"
#include "core/random.h"
#include "traces/content_coding.h"
#include "traces/places/place_visit.h"
#include "traces/reader.h"

#define FOLDER TEST_SOURCE_DIR "/../shared/captures/visible"
#define TRACE_FILE "place_messages_test.trace"

static struct place_scratch *visiting, *finding;

static int set_up(void **state)
{
    (void)state;
    visiting = place_scratch_new();
    finding = place_scratch_new();
    return visiting && finding ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    place_scratch_free(visiting);
    place_scratch_free(finding);
    return 0;
}

struct checking {
    const struct message_view *message;
    const char *where;
    struct buf text;
    size_t count, most; /* values looked for */
};

static int check_value(void *owner, const struct place_value *value)
{
    struct checking *checking = owner;
    struct place place;
    struct error err;
    if (checking->count++ >= checking->most)
        return 0;
    buf_clear(&checking->text);
    place_format(value->place, &checking->text);
    if (place_parse(buf_bytes(&checking->text), checking->message->side, &place, &err))
        fail_msg("%s: %s: %s", checking->where, buf_text(&checking->text), err.text);
    struct bytes found = place_find(&place, checking->message, finding);
    if (!found.ptr || !bytes_equal(found, value->text))
        fail_msg("%s: %s: visited '%.*s', found '%.*s', in:\n%.*s", checking->where,
                 buf_text(&checking->text), BYTES_ARG(value->text), BYTES_ARG(found),
                 BYTES_ARG(checking->message->body));
    return 0;
}

/* How many values there were; at most `most` of them are looked for. */
static size_t check(const struct message_view *message, const char *where, size_t most)
{
    struct checking checking = {
        .message = message, .where = where, .text = BUF_INIT(PLACE_MAX_BYTES), .most = most};
    assert_int_equal(place_visit(message, visiting, check_value, &checking), 0);
    buf_fini(&checking.text);
    return checking.count;
}

/* --- random ------------------------------------------------------------------------------- */

static struct random chance;

static const char *any(const char *const *pieces, size_t count)
{
    return pieces[random_below(&chance, count)];
}

#define ANY(...)                                                                                   \
    any((const char *const[]){__VA_ARGS__},                                                        \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void put_name(struct buf *out)
{
    buf_printf(out, "%s", ANY("id", "a", "b", "csrf", "x-y", "user"));
}

static void put_value(struct buf *out)
{
    for (uint64_t n = random_below(&chance, 4) + 1; n > 0; n--)
        buf_append_text(out,
                        ANY("17", "abc", "4f2a9c1d", "/jobs/9", "http://h/p/1?q=2", "%20", "a+b",
                            "\xc3\xa9", "\xff", "eyJhIjoxfQ==", "x", "e30.eyJhIjoxLCJiIjoiYyJ9.x"));
}

/* Names are never the same within one object. */
static void put_json(struct buf *out, int depth)
{
    uint64_t kind = random_below(&chance, depth > 0 ? 6 : 3);
    if (kind < 3) {
        if (kind == 0)
            buf_append_text(out, ANY("1", "-2.5e3", "true", "null", "\"\"", "\"\\u00e9\\n\"",
                                     "\"{\\\"a\\\":[1,\\\"/b/c\\\"]}\""));
        else
            buf_append_char(out, '"'), put_value(out), buf_append_char(out, '"');
        return;
    }
    uint64_t count = random_below(&chance, 5);
    buf_append_char(out, kind < 5 ? '{' : '[');
    for (uint64_t i = 0; i < count; i++) {
        if (i)
            buf_append_text(out, ANY(",", " , ", ",\n"));
        if (kind < 5)
            buf_printf(out, "\"%s%d\":", ANY("id", "a b", "x > y", "a/b", "\\u0041", "\\n", ""),
                       (int)i);
        put_json(out, depth - 1);
    }
    buf_append_char(out, kind < 5 ? '}' : ']');
}

static void put_form(struct buf *out)
{
    for (uint64_t n = random_below(&chance, 8); n > 0; n--) {
        put_name(out);
        buf_append_text(out, ANY("=", "", "=", "=%41"));
        put_value(out);
        buf_append_text(out, ANY("&", "&", "&&"));
    }
}

static void put_tag(struct buf *out)
{
    buf_append_text(out, ANY("<input name=", "<a data-", "<meta name='",
                             "<select name=", "<option value=", "<textarea name=", "<a href=/jobs/",
                             "<a href='?", "<script id=", "<script>", "<!-- "));
    put_name(out);
    buf_append_text(out, ANY(" value='", "=", "' content=\"", ">", ">\n", "?a=", "/"));
    put_value(out);
    buf_append_text(out,
                    ANY("'>", ">", "\">", "</textarea>", "</select>", "</script>", "&amp;", "-->"));
    if (random_below(&chance, 3) == 0) {
        buf_append_text(out, "<script>v = ");
        put_json(out, 2);
        buf_append_text(out, "; token = 'x'</script>");
    }
}

static void put_page(struct buf *out)
{
    for (uint64_t n = random_below(&chance, 12) + 1; n > 0; n--)
        put_tag(out);
}

static void put_element(struct buf *out, int depth)
{
    const char *name = ANY("a", "b", "s:c");
    buf_printf(out, "<%s", name);
    if (random_below(&chance, 2))
        buf_printf(out, " %s='%s'", ANY("x", "y"), ANY("1", "&lt;", "/p/2?q=3"));
    buf_append_text(out, ">");
    for (uint64_t n = depth ? random_below(&chance, 4) : 0; n > 0; n--)
        put_element(out, depth - 1);
    if (random_below(&chance, 2))
        buf_append_text(out, ANY(" x ", "&amp;", "<![CDATA[<]]>", "<!-- c -->", "y<![CDATA[z]]>"));
    buf_printf(out, "</%s>", name);
}

static void put_events(struct buf *out)
{
    for (uint64_t n = random_below(&chance, 8); n > 0; n--) {
        buf_append_text(out, ANY("", "event: done\n", "event: a b\r\n", "id: 3\n", ": c\r"));
        buf_append_text(out, "data: ");
        if (random_below(&chance, 2))
            put_json(out, 1);
        else
            put_value(out);
        buf_append_text(out, ANY("\n\n", "\r\n\r\n", "\r\r", "\ndata: more\n\n", "\n"));
    }
}

static void put_parts(struct buf *out)
{
    for (uint64_t n = random_below(&chance, 5); n > 0; n--) {
        buf_append_text(out, "--B\r\nContent-Disposition: form-data; name=\"");
        put_name(out);
        buf_append_text(out, ANY("\"", "\"; filename=\"f.wav\"", " b\""));
        buf_append_text(out, "\r\n\r\n");
        put_value(out);
        buf_append_text(out, ANY("\r\n", "\r\n--\r\n", "--B\r\n"));
    }
    buf_append_text(out, "--B--\r\n");
}

static void put_text(struct buf *out)
{
    for (uint64_t n = random_below(&chance, 6); n > 0; n--) {
        put_name(out);
        buf_append_text(out, ANY("=", ": ", " = '", "(\"", " "));
        put_value(out);
        buf_append_text(out, ANY("\n", "\r\n", "';\n", "\")", ""));
    }
}

static const char *put_body(struct buf *out)
{
    switch (random_below(&chance, 8)) {
    case 0:
        put_json(out, 4);
        return ANY("application/json", "text/html", "application/x-www-form-urlencoded", "");
    case 1:
        put_form(out);
        return "application/x-www-form-urlencoded";
    case 2:
        put_page(out);
        return ANY("text/html; charset=utf-8", "application/json", "");
    case 3:
        buf_append_text(out, ANY("<?xml version='1.0'?>", ""));
        put_element(out, 3);
        return ANY("text/xml", "application/soap+xml");
    case 4:
        put_events(out);
        return "text/event-stream";
    case 5:
        put_parts(out);
        return "multipart/form-data; boundary=B";
    case 6:
        put_text(out);
        return ANY("text/plain", "text/javascript", "");
    default:
        return "application/json";
    }
}

enum { MAX_FIELDS = 6 };

static void put_header(struct buf *out, enum place_side side)
{
    if (side == PLACE_IN_REQUEST)
        buf_append_text(
            out, ANY("Cookie: a=1; b=2; a=3", "X-Id: 7", "x-id: 8", "Authorization: Bearer x"));
    else
        buf_append_text(out,
                        ANY("Set-Cookie: sid=1; Path=/x", "Set-Cookie: t=%41; Max-Age=3",
                            "Location: /jobs/17?a=b", "ETag: \"4f\"", "X-Token: a=b; c=\"d\\\"\"",
                            "Link: </a?p=2>; rel=\"next last\", </b>; rel=next",
                            "WWW-Authenticate: Digest nonce=\"x\", qop=auth, nonce=y",
                            "Set-Cookie: sid=; HttpOnly"));
    buf_append_char(out, '\n');
}

static size_t split(struct bytes rest, struct http_header *headers)
{
    struct bytes line;
    size_t count = 0;
    while (bytes_split(&rest, '\n', &line)) {
        size_t colon = bytes_index_of(line, ':');
        if (colon < line.len)
            headers[count++] = (struct http_header){bytes_make(line.ptr, colon),
                                                    bytes_trim(bytes_from(line, colon + 1))};
    }
    return count;
}

static void every_value_of_random_messages_is_found_again(void **state)
{
    (void)state;
    struct buf head = BUF_INIT(1 << 16), body = BUF_INIT(1 << 20);
    size_t values = 0;
    random_init(&chance, 1, 0);
    for (int i = 0; i < 6000; i++) {
        struct http_header headers[MAX_FIELDS + 1];
        struct message_view message = {.side = (enum place_side)random_below(&chance, 2)};
        buf_clear(&head);
        buf_clear(&body);
        for (uint64_t n = random_below(&chance, MAX_FIELDS); n > 0; n--)
            put_header(&head, message.side);
        const char *type = put_body(&body);
        if (*type)
            buf_printf(&head, "Content-Type: %s\n", type);
        message.target = bytes_of(ANY("/", "/a/1?id=2&id=%33&x", "/a//b/", "http://h/p?q=a+b"));
        message.headers = headers;
        message.header_count = split(buf_bytes(&head), headers);
        message.body = buf_bytes(&body);
        values += check(&message, type, SIZE_MAX);
    }
    assert_true(values > 50000); /* so many that all formats must have given some */
    buf_fini(&head);
    buf_fini(&body);
}

/* --- large and hostile -------------------------------------------------------------------- */

static int count_value(void *owner, const struct place_value *value)
{
    (void)value;
    ++*(size_t *)owner;
    return 0;
}

static size_t count_values(struct bytes body, const char *type)
{
    const struct http_header header = {bytes_of("Content-Type"), bytes_of(type)};
    const struct message_view message = {
        .side = PLACE_IN_ANSWER, .headers = &header, .header_count = 1, .body = body};
    size_t count = 0;
    assert_int_equal(place_visit(&message, visiting, count_value, &count), 0);
    return count - 1; /* without the header */
}

static void a_million_values_are_visited_and_no_more(void **state)
{
    (void)state;
    static const struct {
        const char *type, *before, *value, *behind;
        size_t visited;
    } rows[] = {
        {"application/json", "[0", ",1", "]", PLACE_MAX_VALUES - 1},
        {"application/x-www-form-urlencoded", "a=1", "&a=1", "", PLACE_MAX_VALUES - 1},
        {"text/html", "<p>", "<p data-a=1>", "", PLACE_MAX_VALUES - 1},
        {"text/xml", "<a>", "<b>1</b>", "</a>", PLACE_MAX_VALUES - 1},
        {"text/event-stream", "", "data:1\n\n", "", 256 * 1024},
        {"text/javascript", "", "a='1';", "", 0}, /* so large a script is no page's own */
        {"text/html", "<script>", "a='1';", "</script>", 0},
    };
    struct buf body = BUF_INIT(64 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_clear(&body);
        buf_append_text(&body, rows[i].before);
        for (size_t n = 0; n < PLACE_MAX_VALUES + 1000; n++)
            buf_append_text(&body, rows[i].value);
        buf_append_text(&body, rows[i].behind);
        assert_false(buf_failed(&body));
        assert_int_equal(count_values(buf_bytes(&body), rows[i].type), rows[i].visited);
    }
    buf_fini(&body);
}

/* The first of too many events are visited, and none of them taken for the latest. */
static void of_too_many_events_each_has_its_number(void **state)
{
    (void)state;
    struct buf body = BUF_INIT(16 << 20);
    for (int i = 0; i < 256 * 1024 + 1; i++)
        buf_printf(&body, "data: %d\n\n", i);
    const struct http_header header = {bytes_of("Content-Type"), bytes_of("text/event-stream")};
    const struct message_view message = {
        .side = PLACE_IN_ANSWER, .headers = &header, .header_count = 1, .body = buf_bytes(&body)};
    assert_int_equal(check(&message, "events", 4), 256 * 1024 + 1);
    buf_fini(&body);
}

static int end_at_three(void *owner, const struct place_value *value)
{
    (void)value;
    return ++*(size_t *)owner == 3 ? 42 : 0;
}

static void a_visit_ends_when_it_is_told(void **state)
{
    (void)state;
    static const char *const bodies[] = {"[1,2,3,4]", "<p data-a=1 data-b=2 data-c=3 data-d=4>",
                                         "<?xml version='1.0'?><a b='1' c='2' d='3' e='4'/>",
                                         "a=1\nb=2\nc=3\nd=4",
                                         "data:1\n\ndata:2\n\ndata:3\n\ndata:4\n\n"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        const struct message_view message = {.side = PLACE_IN_ANSWER, .body = bytes_of(bodies[i])};
        size_t count = 0;
        assert_int_equal(place_visit(&message, visiting, end_at_three, &count), 42);
        assert_int_equal(count, 3);
    }
}

static void two_hundred_levels_of_json_are_visited(void **state)
{
    (void)state;
    struct buf body = BUF_INIT(4096);
    for (int depth = 199; depth <= 201; depth++) {
        buf_clear(&body);
        for (int i = 0; i < depth; i++)
            buf_append_text(&body, i % 2 ? "[" : "{\"a\":");
        buf_append_text(&body, "17");
        for (int i = depth; i > 0; i--)
            buf_append_text(&body, i % 2 ? "}" : "]");
        const struct message_view message = {.side = PLACE_IN_ANSWER, .body = buf_bytes(&body)};
        assert_int_equal(check(&message, "deep", SIZE_MAX), depth <= 200);
    }
    buf_fini(&body);
}

/* None of these takes time that grows with the square of its length. */
static void long_headers_are_visited(void **state)
{
    (void)state;
    static const struct {
        const char *name, *before, *again;
    } rows[] = {
        {"Link", "</a>; rel=\"", "next x "},
        {"Link", "", "</a>; rel=next, "},
        {"Link", "", "<a>;"},
        {"Set-Cookie", "a=b", "; c=d"},
        {"WWW-Authenticate", "Digest", " a=\"b\","},
        {"X-A", "", "\"\\"},
        {"Location", "/", "a/"},
        {"Location", "/?", "a=b&"},
        {"X-B", "", "e30.e30."},
        {"X-C", "", "%41"},
    };
    struct buf text = BUF_INIT(1 << 20);
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        buf_clear(&text);
        buf_append_text(&text, rows[i / 2].before);
        while (text.len < (i % 2 ? 256 * 1024 : PLACE_MAX_VALUE_BYTES - 64))
            buf_append_text(&text, rows[i / 2].again);
        const struct http_header header = {bytes_of(rows[i / 2].name), buf_bytes(&text)};
        const struct message_view message = {
            .side = PLACE_IN_ANSWER, .headers = &header, .header_count = 1};
        check(&message, rows[i / 2].name, 200);
    }
    buf_fini(&text);
}

static void invalid_utf8_is_visited_as_it_is(void **state)
{
    (void)state;
    static const char *const bodies[] = {"{\"\xff\":\"\xc3\x28\"}",
                                         "<input name='\xfe' value='\xff'>",
                                         "<?xml version='1.0'?><a\xff>\xfe</a\xff>",
                                         "\xff=\xfe\n",
                                         "tok\xff\xfe",
                                         "<script id='\x80'>{\"\xff\":1}</script>",
                                         "data: {\"\xff\":\"\xfe\"}\n\n"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        const struct message_view message = {.side = PLACE_IN_ANSWER, .body = bytes_of(bodies[i])};
        assert_int_equal(check(&message, bodies[i], SIZE_MAX), 1);
    }
    const struct http_header header = {bytes_of("X-A"), bytes_of("\xff\xfe")};
    const struct message_view request = {.side = PLACE_IN_REQUEST,
                                         .target = bytes_of("/\xff?\xfe=\xfd"),
                                         .headers = &header,
                                         .header_count = 1};
    assert_int_equal(check(&request, "head", SIZE_MAX), 3);
}

static void coded_bodies_are_visited_once_they_are_decoded(void **state)
{
    (void)state;
    static const char plain[] = "{\"id\":17,\"token\":\"abc\"}";
    char gzip[256], brotli[256];
    size_t gzip_len = sizeof gzip, brotli_len = sizeof brotli;
    z_stream zlib = {0};
    assert_int_equal(deflateInit2(&zlib, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    zlib.next_in = (Bytef *)(uintptr_t)plain;
    zlib.avail_in = sizeof plain - 1;
    zlib.next_out = (Bytef *)gzip;
    zlib.avail_out = sizeof gzip;
    assert_int_equal(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    gzip_len -= zlib.avail_out;
    deflateEnd(&zlib);
    assert_int_equal(BrotliEncoderCompress(5, 22, BROTLI_MODE_TEXT, sizeof plain - 1,
                                           (const uint8_t *)plain, &brotli_len, (uint8_t *)brotli),
                     BROTLI_TRUE);
    const struct {
        const char *coding;
        struct bytes body;
        enum content_result result;
    } rows[] = {{"gzip", bytes_make(gzip, gzip_len), CONTENT_DECODED},
                {"br", bytes_make(brotli, brotli_len), CONTENT_DECODED},
                {"br", bytes_make(gzip, gzip_len), CONTENT_BAD},
                {"gzip", bytes_make(gzip, gzip_len - 1), CONTENT_BAD},
                {"lzma", bytes_make(gzip, gzip_len), CONTENT_BAD}};
    struct content_decoder *decoder = content_decoder_new(4096);
    assert_non_null(decoder);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct http_header header = {bytes_of("Content-Encoding"), bytes_of(rows[i].coding)};
        struct message_view message = {
            .side = PLACE_IN_ANSWER, .headers = &header, .header_count = 1};
        const char *detail;
        assert_int_equal(content_decode(decoder, &header, 1, rows[i].body, &message.body, &detail),
                         rows[i].result);
        if (rows[i].result == CONTENT_DECODED)
            assert_int_equal(check(&message, rows[i].coding, SIZE_MAX), 3);
    }
    content_decoder_free(decoder);
    struct content_decoder *small = content_decoder_new(8);
    struct bytes decoded;
    const char *detail;
    const struct http_header header = {bytes_of("Content-Encoding"), bytes_of("gzip")};
    assert_int_equal(content_decode(small, &header, 1, rows[0].body, &decoded, &detail),
                     CONTENT_TOO_LARGE);
    content_decoder_free(small);
}

/* --- captures ----------------------------------------------------------------------------- */

enum { MAX_HEADERS = 256, MAX_LOOKED_FOR = 300, MAX_BODY_BYTES = 16 << 20 };

struct field {
    struct trace_reader *reader;
    struct content_decoder *decoder;
    struct buf body;
    size_t messages, values;
};

static void check_side(struct field *field, const char *where, struct message_view *message,
                       struct bytes headers, int64_t body_id)
{
    struct http_header list[MAX_HEADERS];
    struct error err;
    const char *detail;
    message->headers = list;
    message->header_count = split(headers, list);
    buf_clear(&field->body);
    if (trace_reader_get_body(field->reader, body_id, &field->body, &err))
        fail_msg("%s: %s", where, err.text);
    struct bytes body = buf_bytes(&field->body);
    if (content_decode(field->decoder, list, message->header_count, body, &message->body,
                       &detail) != CONTENT_DECODED)
        message->body = body; /* as it is: bytes of no format */
    field->values += check(message, where, MAX_LOOKED_FOR);
    field->messages++;
}

static void check_trace(struct field *field, const char *where)
{
    struct trace_exchange exchange;
    struct error err;
    int64_t endpoint_id;
    int more;
    if (trace_reader_open(&field->reader, TRACE_FILE, &err) ||
        trace_reader_start_exchanges(field->reader, 0, &err))
        fail_msg("%s: %s", where, err.text);
    while ((more = trace_reader_next_exchange(field->reader, &exchange, &endpoint_id, &err)) > 0) {
        struct message_view request = {.side = PLACE_IN_REQUEST, .target = exchange.target};
        struct message_view answer = {.side = PLACE_IN_ANSWER};
        check_side(field, where, &request, exchange.request_headers, exchange.request_body_id);
        check_side(field, where, &answer, exchange.response_headers, exchange.response_body_id);
    }
    assert_int_equal(more, 0);
    trace_reader_close(field->reader);
}

static bool is_capture(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && (strcmp(dot, ".pcap") == 0 || strcmp(dot, ".pcapng") == 0);
}

static void every_value_of_captures_from_the_field_is_found_again(void **state)
{
    (void)state;
    DIR *folder = opendir(FOLDER);
    if (!folder)
        skip();
    struct field field = {.decoder = content_decoder_new(MAX_BODY_BYTES),
                          .body = BUF_INIT(64 << 20)};
    assert_non_null(field.decoder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[4096];
        const char *files[] = {path};
        const struct capture_options options = {.files = files,
                                                .file_count = 1,
                                                .out = TRACE_FILE,
                                                .max_body_bytes = 64u << 20,
                                                .session_gap_us = 1800u * 1000000,
                                                .replaces_existing = true,
                                                .is_quiet = true};
        struct capture_result result = {0};
        struct error err;
        snprintf(path, sizeof path, FOLDER "/%s", entry->d_name);
        if (!is_capture(entry->d_name))
            continue;
        capture_run(&options, &result, &err); /* a file may be cut: what it gave is checked */
        if (result.has_trace)
            check_trace(&field, entry->d_name);
        unlink(TRACE_FILE);
    }
    closedir(folder);
    printf("%zu messages, %zu values\n", field.messages, field.values);
    assert_true(field.values > 0);
    content_decoder_free(field.decoder);
    buf_fini(&field.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_of_random_messages_is_found_again),
        cmocka_unit_test(a_million_values_are_visited_and_no_more),
        cmocka_unit_test(of_too_many_events_each_has_its_number),
        cmocka_unit_test(a_visit_ends_when_it_is_told),
        cmocka_unit_test(two_hundred_levels_of_json_are_visited),
        cmocka_unit_test(long_headers_are_visited),
        cmocka_unit_test(invalid_utf8_is_visited_as_it_is),
        cmocka_unit_test(coded_bodies_are_visited_once_they_are_decoded),
        cmocka_unit_test(every_value_of_captures_from_the_field_is_found_again),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
