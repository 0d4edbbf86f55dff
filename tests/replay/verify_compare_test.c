/* verify_compare_test.c - what counts as another answer than the recorded one, and what does not.
 */
#include "replay/verify/compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/random.h"
#include "replay/verify/likeness.h"
#include "replay/verify/noise.h"
#include "replay/verify/ws_kinds.h"

static struct facts recorded, live;
static struct buf seen;

static void put(void *owner, const struct difference *difference)
{
    (void)owner;
    buf_printf(&seen, "%s %.*s: %.*s -> %.*s\n", difference_name(difference->kind),
               BYTES_ARG(difference->place), BYTES_ARG(difference->recorded),
               BYTES_ARG(difference->live));
}

static void take(struct facts *facts, const char *headers, const char *body)
{
    struct http_header list[32];
    struct bytes block = bytes_of(headers), line;
    struct http_response response = {.status = 200, .headers = list, .body = bytes_of(body)};
    while (block.len && bytes_split(&block, '\n', &line)) {
        size_t colon = bytes_index_of(line, ':');
        list[response.header_count++] = (struct http_header){
            bytes_make(line.ptr, colon), bytes_trim(bytes_from(line, colon + 1))};
    }
    const struct facts_answer answer = {
        .response = &response, .authority = bytes_of("shop.example:8080"), .has_body = true};
    facts_of_answer(facts, &answer);
}

static const char *compare(void)
{
    buf_clear(&seen);
    buf_append_text(&seen, "");
    facts_compare(&recorded, &live, put, NULL);
    return buf_text(&seen);
}

static int start(void **state)
{
    (void)state;
    facts_init(&recorded);
    facts_init(&live);
    buf_init(&seen, 1 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    facts_fini(&recorded);
    facts_fini(&live);
    buf_fini(&seen);
    return 0;
}

static void json_is_compared_by_shape_and_by_leaves(void **state)
{
    (void)state;
    static const struct {
        const char *recorded, *live, *seen;
    } rows[] = {
        {"{\"a\":1,\"b\":[true,null]}", " { \"b\" : [true, null], \"a\" : 1 } ", ""},
        {"{\"a\":\"x\"}", "{\"a\":\"y\"}", "value body:/a: x -> y\n"},
        {"{\"a\":\"1\"}", "{\"a\":1}", "type body:/a: 1 -> 1\n"},
        {"{\"a\":null}", "{\"a\":1}", "type body:/a: null -> 1\n"},
        {"{\"a\":true}", "{\"a\":false}", "value body:/a: true -> false\n"},
        {"{\"a\":{\"b\":{\"c\":1}}}", "{}", "missing body:/a: object -> \n"},
        {"{}", "{\"a\":{\"b\":1}}", "extra body:/a:  -> object\n"},
        {"{\"a\":{\"b\":1}}", "{\"a\":[1]}", "type body:/a: object -> array\n"},
        /* arrays are as long as they are, but not empty where they were not */
        {"[\"x\",\"y\",\"z\"]", "[\"x\"]", ""},
        {"[\"x\"]", "[\"x\",\"y\"]", ""},
        {"[\"x\"]", "[]", "value body:: array -> array (empty)\n"},
        {"[{\"k\":\"x\"}]", "[{\"k\":\"x\"},{\"k\":\"y\"}]", ""},
        {"[{\"k\":\"x\",\"l\":1}]", "[{\"k\":\"x\"}]", "missing body:/0/l: 1 -> \n"},
        /* ids, times and what is named so */
        {"{\"id\":17}", "{\"id\":99}", ""},
        {"{\"id\":\"vc_hdrotksUgM\"}", "{\"id\":\"vc_szkyItmIfn\"}", ""},
        {"{\"id\":\"vc_hdrotksUgM\"}", "{\"id\":\"\"}", "value body:/id: vc_hdrotksUgM -> \n"},
        {"{\"n\":17}", "{\"n\":99}", "value body:/n: 17 -> 99\n"},
        {"{\"at\":1700000000}", "{\"at\":1800000123.5}", ""},
        {"{\"t\":\"2026-01-02T03:04:05Z\"}", "{\"t\":\"2027-11-12T13:14:15.167+02:00\"}", ""},
        {"{\"j\":\"job_8f3a11c9\"}", "{\"j\":\"job_0b77e2d4\"}", ""},
        {"{\"s\":\"job 17 of 20\"}", "{\"s\":\"job 3 of 5\"}", ""},
        {"{\"s\":\"queued\"}", "{\"s\":\"failed\"}", "value body:/s: queued -> failed\n"},
        /* an object by ids */
        {"{\"u\":{\"9f8e7d6c\":{\"n\":1}}}", "{\"u\":{\"1a2b3c4d\":{\"n\":1}}}", ""},
        /* keys that pointers have to escape */
        {"{\"a/b\":{\"~\":\"x\"}}", "{\"a/b\":{\"~\":\"y\"}}", "value body:/a~1b/~0: x -> y\n"},
        /* the server's own address */
        {"{\"u\":\"http://shop.example:8080/a\"}", "{\"u\":\"http:///a\"}", ""},
        {"{\"n\":12345678901234567890123}", "{\"n\":12345678901234567890123}", ""},
        {"{\"a\":1}", "{\"a\":", "value body:: object -> not JSON\n"},
        {"{\"a\":1}", "", "missing body:: object -> \nextra empty::  -> empty\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        take(&recorded, "content-type: application/json", rows[i].recorded);
        take(&live, "Content-Type: application/json; charset=utf-8", rows[i].live);
        const char *found = compare();
        /* What no longer is JSON has no places in it at all. */
        if (i + 2 == sizeof rows / sizeof rows[0])
            assert_non_null(strstr(found, "not JSON"));
        else if (strcmp(found, rows[i].seen) != 0)
            fail_msg("%s | %s: %s", rows[i].recorded, rows[i].live, found);
    }
}

static void headers_count_by_the_rules_of_their_table(void **state)
{
    (void)state;
    static const struct {
        const char *recorded, *live, *seen;
    } rows[] = {
        {"Content-Type: text/html", "content-type: TEXT/HTML;charset=utf-8", ""},
        {"content-type: text/html", "content-type: text/plain",
         "value header:content-type: text/html -> text/plain\n"},
        {"Date: Mon\nETag: \"1\"\nX-Request-Id: 7\nServer: a\nX-RateLimit-Left: 3\nCF-Ray: 1",
         "Date: Tue\nETag: \"2\"", ""},
        {"X-Shop-Version: 3", "X-Shop-Version: 4", ""},
        {"X-Shop-Version: 3", "", "missing header:x-shop-version: 3 -> \n"},
        {"", "X-Shop-Version: 3", ""},
        {"Location: /jobs/17", "Location: http://shop.example:8080/jobs/99",
         "value header:location: /jobs/17 -> http:///jobs/99\n"},
        {"Location: /jobs/17?next=a", "Location: /jobs/99?next=a", ""},
        {"Location: /jobs/17", "Location: /login", "value header:location: /jobs/17 -> /login\n"},
        {"Set-Cookie: sid=1; Path=/", "set-cookie: sid=2", ""},
        {"Set-Cookie: sid=1", "Set-Cookie: tid=1",
         "missing cookie:sid: 1 -> \nextra cookie:tid:  -> 1\n"},
        {"Cache-Control: max-age=60", "Cache-Control: max-age=3600", ""},
        {"Cache-Control: no-store", "Cache-Control: public",
         "value header:cache-control: no-store -> public\n"},
        {"X-Frame-Options: DENY", "", "missing header:x-frame-options: DENY -> \n"},
        {"Link: <a>\nLink: <b>", "Link: <c>", "missing header:link 2: <b> -> \n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        take(&recorded, rows[i].recorded, "x");
        take(&live, rows[i].live, "x");
        const char *found = compare();
        if (strcmp(found, rows[i].seen) != 0)
            fail_msg("%s | %s: %s", rows[i].recorded, rows[i].live, found);
    }
}

static void other_bodies_are_compared_by_their_coarse_shape(void **state)
{
    (void)state;
    static const struct {
        const char *type, *recorded, *live, *seen;
    } rows[] = {
        {"text/html", "<p>Ann</p><form><input name=csrf value=1></form>",
         "<P class='x'>Bob</P>\n<form method=\"a>b\"><input value='2' name='csrf'></form>", ""},
        {"text/html", "<p>a</p><form><input name=csrf></form>", "<p>log in</p>",
         "missing html:input[csrf]:  -> \nmissing html:tag[form]: form -> \n"
         "missing html:tag[input]: input -> \n"},
        {"text/html", "<title>Jobs</title>", "<title>Login</title>",
         "value html:title: Jobs -> Login\n"},
        {"text/html", "<script>if (a<b) x</script>", "<script>if (a<c) y</script><!-- <b> -->", ""},
        {"application/xml", "<a><b x='1'/></a>", "<a><b x='2'/><b/></a>", ""},
        {"application/xml", "<a><b/></a>", "<a/>", "missing html:tag[b]: b -> \n"},
        {"text/event-stream", "event: tick\ndata: 1\n\nevent: tick\ndata: 2\n\n",
         "event: tick\r\ndata: 3\r\n\r\n", ""},
        {"text/event-stream", "data: 1\n\nevent: done\ndata: 2\n\n", "data: 1\n\n",
         "missing sse:done: done -> \n"},
        {"text/plain", "hello 17", "hello 18", ""},
        {"text/plain", "hello", "error", "value text:: hello -> error\n"},
        {"audio/wav", "0123456789", "something else of that size", ""},
        {"audio/wav", "0123456789", "", "extra empty::  -> empty\nmissing size:: 10 -> \n"},
    };
    char header[64];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(header, sizeof header, "content-type: %s", rows[i].type);
        take(&recorded, header, rows[i].recorded);
        take(&live, header, rows[i].live);
        const char *found = compare();
        if (strcmp(found, rows[i].seen) != 0)
            fail_msg("%s | %s: %s", rows[i].recorded, rows[i].live, found);
    }
}

/* --- properties ------------------------------------------------------------------------------ */

static void put_json(struct buf *out, struct random *random, int depth, bool backwards);

static void put_member(struct buf *out, struct random *random, int depth, bool backwards,
                       uint64_t number)
{
    buf_printf(out, "\"k%c\":", (int)('a' + number));
    put_json(out, random, depth, backwards);
}

/* The same seed gives the same value; `backwards` only turns the order of keys round. */
static void put_json(struct buf *out, struct random *random, int depth, bool backwards)
{
    uint64_t kind = random_below(random, depth > 4 ? 4 : 6), count = random_below(random, 5);
    uint64_t seed = random_u64(random);
    switch (kind) {
    case 0:
        buf_printf(out, "%d", (int)(seed % 1000));
        return;
    case 1:
        buf_printf(out, "\"%c%c\"", (int)('a' + seed % 26), (int)('a' + seed / 26 % 26));
        return;
    case 2:
        buf_append_text(out, seed % 2 ? "true" : "false");
        return;
    case 3:
        buf_append_text(out, "null");
        return;
    default:
        break;
    }
    buf_append_char(out, kind == 4 ? '{' : '[');
    for (uint64_t i = 0; i < count; i++) {
        uint64_t number = kind == 4 && backwards ? count - 1 - i : i;
        struct random of_member;
        random_init(&of_member, seed, number);
        if (i)
            buf_append_char(out, ',');
        if (kind == 4)
            put_member(out, &of_member, depth + 1, backwards, number);
        else
            put_json(out, &of_member, depth + 1, backwards);
    }
    buf_append_char(out, kind == 4 ? '}' : ']');
}

static void a_message_equals_itself_in_whatever_order_its_keys_are(void **state)
{
    (void)state;
    struct buf forwards = BUF_INIT(1 << 20), backwards = BUF_INIT(1 << 20);
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct random random;
        buf_clear(&forwards);
        buf_clear(&backwards);
        random_init(&random, seed, 1);
        put_json(&forwards, &random, 0, false);
        random_init(&random, seed, 1);
        put_json(&backwards, &random, 0, true);
        take(&recorded, "content-type: application/json", buf_text(&forwards));
        take(&live, "content-type: application/json", buf_text(&forwards));
        assert_string_equal(compare(), "");
        take(&live, "content-type: application/json", buf_text(&backwards));
        if (*compare())
            fail_msg("%s | %s: %s", buf_text(&forwards), buf_text(&backwards), buf_text(&seen));
    }
    buf_fini(&forwards);
    buf_fini(&backwards);
}

static uint64_t count_lines(void)
{
    uint64_t count = 0;
    for (const char *c = buf_text(&seen); *c; c++)
        count += *c == '\n';
    return count;
}

static void what_one_has_and_the_other_has_not_is_said_from_both_sides(void **state)
{
    (void)state;
    struct buf a = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct random random;
        buf_clear(&a);
        buf_clear(&b);
        random_init(&random, seed, 1);
        put_json(&a, &random, 0, false);
        random_init(&random, seed + 1000, 1);
        put_json(&b, &random, 0, false);
        take(&recorded, "content-type: application/json", buf_text(&a));
        take(&live, "content-type: application/json", buf_text(&b));
        compare();
        uint64_t one_way = count_lines();
        buf_clear(&seen);
        buf_append_text(&seen, "");
        facts_compare(&live, &recorded, put, NULL);
        assert_int_equal(count_lines(), one_way);
    }
    buf_fini(&a);
    buf_fini(&b);
}

static void deep_and_wide_json_is_cut_and_says_nothing_of_what_is_behind(void **state)
{
    (void)state;
    struct buf deep = BUF_INIT(1 << 20);
    for (int i = 0; i < 200; i++)
        buf_append_text(&deep, "[");
    buf_append_text(&deep, "1");
    for (int i = 0; i < 200; i++)
        buf_append_text(&deep, "]");
    take(&recorded, "content-type: application/json", buf_text(&deep));
    assert_true(recorded.is_cut);
    take(&live, "content-type: application/json", "[1]");
    assert_string_equal(compare(), "type body:/0: array -> 1\n");
    buf_clear(&deep);
    buf_append_text(&deep, "{");
    for (int i = 0; i < 30000; i++)
        buf_printf(&deep, "%s\"key%c%c%c%c\":1", i ? "," : "", 'a' + i % 26, 'a' + i / 26 % 26,
                   'a' + i / 676 % 26, 'a' + i / 17576 % 26);
    buf_append_text(&deep, "}");
    take(&recorded, "content-type: application/json", buf_text(&deep));
    assert_true(recorded.is_cut);
    take(&live, "content-type: application/json", "{}");
    assert_string_equal(compare(), "");
    buf_fini(&deep);
}

/* --- noise ----------------------------------------------------------------------------------- */

/* The differences of rows that the noise does not cover. */
static struct noise *noise;

static void put_unless_noise(void *owner, const struct difference *difference)
{
    if (!noise_covers(noise, 1, 200, difference))
        put(owner, difference);
}

static void what_recorded_answers_have_different_is_noise_of_that_endpoint_alone(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "{\"name\":\"Ann\",\"kind\":\"user\",\"list\":[{\"w\":\"a\"}],\"x\":null}",
        "{\"name\":\"Bob\",\"kind\":\"user\",\"list\":[{\"w\":\"b\"},{\"w\":\"c\"}],"
        "\"x\":{\"y\":1},\"maybe\":\"z\"}"};
    noise = noise_new();
    for (size_t i = 0; i < 2; i++) {
        take(&recorded, "content-type: application/json", answers[i]);
        assert_true(noise_wants(noise, 1, 200));
        noise_learn(noise, 1, 200, &recorded);
    }
    take(&live, "content-type: application/json",
         "{\"name\":\"Cid\",\"kind\":\"user\",\"list\":[{\"w\":\"d\"}],\"x\":null}");
    buf_clear(&seen);
    buf_append_text(&seen, "");
    facts_compare(&recorded, &live, put_unless_noise, NULL);
    assert_string_equal(buf_text(&seen), "");
    take(&live, "content-type: application/json", "{\"name\":\"Cid\",\"kind\":\"admin\",\"x\":7}");
    facts_compare(&recorded, &live, put_unless_noise, NULL);
    assert_string_equal(buf_text(&seen),
                        "value body:/kind: user -> admin\nmissing body:/list: array -> \n");
    const struct difference name = {.kind = DIFFERS_VALUE, .place = bytes_of("body:/name")};
    assert_true(noise_covers(noise, 1, 200, &name));
    assert_false(noise_covers(noise, 2, 200, &name));
    assert_false(noise_covers(noise, 1, 404, &name));
    noise_add(noise, 2, 200, bytes_of("body:/name"));
    assert_true(noise_covers(noise, 2, 200, &name));
    noise_free(noise);
}

static void lengths_of_one_order_do_not_make_every_length_noise(void **state)
{
    (void)state;
    struct buf page = BUF_INIT(1 << 20);
    noise = noise_new();
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 1000 + i * 100; j++)
            buf_append_char(&page, 'x');
        take(&recorded, "content-type: audio/wav", buf_text(&page));
        noise_learn(noise, 1, 200, &recorded);
    }
    take(&live, "content-type: audio/wav", "gone");
    facts_compare(&recorded, &live, put_unless_noise, NULL);
    take(&live, "content-type: audio/wav", "");
    facts_compare(&recorded, &live, put_unless_noise, NULL);
    assert_string_equal(buf_text(&seen), "value size:: 3300 -> 4\n"
                                         "extra empty::  -> empty\nmissing size:: 3300 -> \n");
    noise_free(noise);
    buf_fini(&page);
}

static void of_each_kind_of_answer_some_are_enough(void **state)
{
    (void)state;
    noise = noise_new();
    take(&recorded, "", "{\"a\":1}");
    for (int i = 0; i < NOISE_MAX_ANSWERS; i++) {
        assert_true(noise_wants(noise, 1, 200));
        noise_learn(noise, 1, 200, &recorded);
    }
    assert_false(noise_wants(noise, 1, 200));
    assert_true(noise_wants(noise, 1, 201));
    noise_free(noise);
}

/* --- messages -------------------------------------------------------------------------------- */

static void messages_are_counted_by_what_they_call_themselves(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"type\":\"progress\",\"n\":1}",
                                        "{\"n\":2,\"type\":\"progress\"}",
                                        "{\"msg_type\":\"status\",\"type\":\"x\"}",
                                        "42[\"news\",{\"a\":1}]",
                                        "hello",
                                        "{\"type\":\"a text of many words\"}",
                                        "{\"type\":7}",
                                        ""};
    struct ws_kinds kinds = {.count = 0};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ws_kinds_add(&kinds, 1, bytes_of(texts[i]));
    ws_kinds_add(&kinds, 2, bytes_of("{\"type\":\"progress\"}"));
    facts_clear(&recorded);
    ws_kinds_facts(&kinds, &recorded);
    facts_sort(&recorded);
    for (size_t i = 0; i < recorded.count; i++)
        buf_printf(&seen, "%.*s %.*s\n", BYTES_ARG(recorded.items[i].place),
                   BYTES_ARG(recorded.items[i].text));
    assert_string_equal(buf_text(&seen), "ws:/0=news 1\nws:/msg_type=status 1\n"
                                         "ws:/type=progress 2\nws:binary 1\nws:text 4\n");
    struct ws_kinds many = {.count = 0};
    for (int i = 0; i < 1000; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"type\":\"kind-%d\"}", i);
        ws_kinds_add(&many, 1, bytes_of(text));
    }
    assert_int_equal(many.count, WS_KINDS_MAX + 1);
    assert_int_equal(many.items[WS_KINDS_MAX].messages, 1000 - WS_KINDS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(json_is_compared_by_shape_and_by_leaves, start, end),
        cmocka_unit_test_setup_teardown(headers_count_by_the_rules_of_their_table, start, end),
        cmocka_unit_test_setup_teardown(other_bodies_are_compared_by_their_coarse_shape, start,
                                        end),
        cmocka_unit_test_setup_teardown(a_message_equals_itself_in_whatever_order_its_keys_are,
                                        start, end),
        cmocka_unit_test_setup_teardown(what_one_has_and_the_other_has_not_is_said_from_both_sides,
                                        start, end),
        cmocka_unit_test_setup_teardown(
            deep_and_wide_json_is_cut_and_says_nothing_of_what_is_behind, start, end),
        cmocka_unit_test_setup_teardown(
            what_recorded_answers_have_different_is_noise_of_that_endpoint_alone, start, end),
        cmocka_unit_test_setup_teardown(lengths_of_one_order_do_not_make_every_length_noise, start,
                                        end),
        cmocka_unit_test_setup_teardown(of_each_kind_of_answer_some_are_enough, start, end),
        cmocka_unit_test_setup_teardown(messages_are_counted_by_what_they_call_themselves, start,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
