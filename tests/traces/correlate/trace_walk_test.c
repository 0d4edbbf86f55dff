/* trace_walk_test.c - from the messages of a trace to the bindings in it: every format that a value
 * is born in and used in, codings, and messages that are not what they say. */
#include "traces/correlate/trace_walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>

#include "tests/support/script_trace.h"
#include "tests/traces/sample.h"
#include "traces/places/place_visit.h"

static struct sample_folder folder;
static struct walk_counts counts;
static struct unbound left; /* the first of what nothing explains */

static int make_folder(void **state)
{
    (void)state;
    sample_folder_make(&folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    sample_folder_remove(&folder);
    return 0;
}

static int collect(void *owner, const struct trace_binding *binding, struct error *err)
{
    (void)err;
    return buf_printf(owner, "%lld %.*s -> %lld %.*s%s%.*s\n", (long long)binding->born_exchange_id,
                      BYTES_ARG(binding->born_place), (long long)binding->used_exchange_id,
                      BYTES_ARG(binding->used_place),
                      bytes_equal(binding->form, bytes_of("raw")) ? "" : " as ",
                      bytes_equal(binding->form, bytes_of("raw")) ? 0 : BYTES_ARG(binding->form));
}

/* What is found in the trace at `path`. */
static void find(const char *path, struct buf *found)
{
    struct trace_reader *reader = NULL;
    struct finder *finder = NULL;
    struct error err = {0};
    const struct rules_options options = {.min_score = 0.5};
    const struct rules_sink sink = {collect, found};
    if (trace_reader_open(&reader, path, &err) || finder_new(&finder, &err) ||
        trace_walk(reader, finder, &counts, &err) || finder_decide(finder, &options, &sink, &err))
        fail_msg("%s", err.text);
    size_t unbound_count;
    const struct unbound *unbound = rules_unbound(finder_rules(finder), &unbound_count);
    left = unbound_count ? unbound[0] : (struct unbound){0};
    finder_free(finder);
    trace_reader_close(reader);
}

static char *path_of(char path[SAMPLE_PATH_BYTES])
{
    return sample_path(&folder, "t.trace", path);
}

/* The script's bindings are these lines, in this order. */
static void check(const char *script, const char *wanted)
{
    char path[SAMPLE_PATH_BYTES];
    struct error err = {0};
    struct buf found = BUF_INIT(1 << 20);
    if (script_trace_write(path_of(path), script, &err))
        fail_msg("%s", err.text);
    find(path, &found);
    if (strcmp(buf_text(&found), wanted) != 0)
        fail_msg("found:\n%s\nwanted:\n%s", buf_text(&found), wanted);
    buf_fini(&found);
}

static void values_of_json_go_into_all_of_a_request(void **state)
{
    (void)state;
    check("session ann\n"
          "0 10 POST /auth/login 200 {\"x\":1}\n"
          "answer {\"access_token\":\"tok.a81x.9kq2zzp7\",\"next\":\"c_81xxk29q=\"}\n"
          "20 30 POST /uploads 201 note=1\n"
          "header Authorization: Bearer tok.a81x.9kq2zzp7\n"
          "answer {\"id\":\"up_77aa12bc34\",\"tags\":[\"a\",\"b\"]}\n"
          "40 50 POST /jobs?cursor=c_81xxk29q%3D 202 {\"upload_id\":\"up_77aa12bc34\"}\n"
          "header Content-Type: application/json\n"
          "60 70 GET /uploads/up_77aa12bc34 200\n"
          "80 90 POST /tags 200 upload=up_77aa12bc34&tag=a\n"
          "header Content-Type: application/x-www-form-urlencoded\n",
          "1 body:/access_token -> 2 header:Authorization\n"
          "1 body:/next -> 3 query:cursor as percent\n"
          "2 body:/id -> 3 body:/upload_id\n"
          "2 body:/id -> 4 path:2\n"
          "2 body:/id -> 5 form:upload\n");
}

static void values_of_headers_cookies_and_pages_are_found(void **state)
{
    (void)state;
    check("session ann\n"
          "0 10 GET /form 200\n"
          "set-cookie XSRF-TOKEN=k91zz81xpq44; Path=/\n"
          "answer-header Content-Type: text/html\n"
          "answer <html><form><input type=\"hidden\" name=\"csrf\" "
          "value=\"v81&amp;xkq90zz\"></form></html>\n"
          "20 30 POST /form 303 csrf=v81%26xkq90zz\n"
          "header Content-Type: application/x-www-form-urlencoded\n"
          "header Cookie: XSRF-TOKEN=k91zz81xpq44\n"
          "header X-XSRF-TOKEN: k91zz81xpq44\n"
          "answer-header Location: /entries/e_99zzk1812x\n"
          "answer-header ETag: \"81aabbcc99\"\n"
          "40 50 GET /entries/e_99zzk1812x 200\n"
          "header If-None-Match: \"81aabbcc99\"\n",
          "1 cookie:XSRF-TOKEN -> 2 header:X-XSRF-TOKEN\n"
          "1 html:input[csrf] -> 2 form:csrf as percent\n"
          "2 header:Location > path:2 -> 3 path:2\n"
          "2 header:ETag -> 3 header:If-None-Match\n");
}

static void a_space_may_be_a_plus(void **state)
{
    (void)state;
    check("session ann\n"
          "0 10 GET /form 200\n"
          "answer {\"signed_token\":\"81xx 99aa/bbzz12\"}\n"
          "20 30 POST /form 200 token=81xx+99aa%2Fbbzz12\n"
          "header Content-Type: application/x-www-form-urlencoded\n"
          "40 50 POST /form?token=81xx%2099aa%2fbbzz12 200\n",
          "1 body:/signed_token -> 2 form:token as plus\n"
          "1 body:/signed_token -> 3 query:token as percent\n");
}

static void websocket_messages_give_and_carry(void **state)
{
    (void)state;
    check("session ann\n"
          "0 10 GET /tickets 200\n"
          "answer {\"ticket\":\"tk_81xx99aabb\"}\n"
          "20 30 WS /live?ticket=tk_81xx99aabb\n"
          "< 40 {\"type\":\"ready\",\"session\":\"s_12ab34cd56\"}\n"
          "> 50 {\"type\":\"start\",\"session\":\"s_12ab34cd56\"}\n"
          "< 60 {\"type\":\"job\",\"job\":{\"id\":\"j_77zz12kk90\"}}\n"
          "> 70 {\"type\":\"stop\",\"job_id\":\"j_77zz12kk90\"}\n"
          "80 90 GET /jobs/j_77zz12kk90 200\n",
          "1 body:/ticket -> 2 query:ticket\n"
          "2 ws:/type=ready > body:/session -> 2 ws:1 > body:/session\n"
          "2 ws:/type=job > body:/job/id -> 2 ws:2 > body:/job_id\n"
          "2 ws:/type=job > body:/job/id -> 3 path:2\n");
}

static void what_is_broken_gives_what_comes_before_the_break(void **state)
{
    (void)state;
    check("session ann\n"
          "0 10 POST /a 200 {\"x\":\n"
          "header Content-Type: application/json\n"
          "answer {\"id\":\"x_81xx99aabb\",\"rest\":[1,2\n"
          "20 30 GET /a/x_81xx99aabb 200 \xff\xfe{\n"
          "header X-Odd: \xc3\x28\xff\n"
          "answer \xff\xff\x00 not json\n"
          "40 50 GET /a/%zz%00%ff?%%%=%f 404\n"
          "60 - GET /never 0\n"
          "answer {\"id\":\"never81xx99aa\"}\n"
          "70 80 GET /a/never81xx99aa 404\n",
          "1 body:/id -> 2 path:2\n");
}

/* An object around an object, and so on. */
static void json_in_200_levels_and_more_does_no_harm(void **state)
{
    (void)state;
    struct buf script = BUF_INIT(1 << 20);
    buf_append_text(&script, "session ann\n0 10 GET /deep 200\nanswer ");
    for (int i = 0; i < 5000; i++)
        buf_append_text(&script, "{\"a\":[");
    buf_append_text(&script, "\"x_81xx99aabb\"\n20 30 GET /a/x_81xx99aabb 200\n");
    check(buf_text(&script), "");
    buf_fini(&script);
}

/* 300,000 values in one answer, the last of which is used. */
static void a_list_without_end_is_looked_through(void **state)
{
    (void)state;
    struct buf script = BUF_INIT(32 << 20);
    buf_append_text(&script, "session ann\n0 10 GET /all 200\nanswer {\"ids\":[");
    for (int i = 0; i < 300000; i++)
        buf_printf(&script, "\"k%dz%xq\",", i, i * 7);
    buf_append_text(&script, "\"x_81xx99aabb\"]}\n20 30 GET /all/x_81xx99aabb 200\n");
    check(buf_text(&script), "1 body:/ids/300000 -> 2 path:2\n");
    buf_fini(&script);
}

/* A token that is there and was not looked at is not said to be older than the session. */
static void check_not_looked_at(struct buf *script)
{
    buf_append_text(script, "20 30 GET /me 200\nheader Authorization: Bearer tok_81xx99aabbccdd77\n"
                            "session bob\n0 10 GET /me 200\n"
                            "header X-Api-Key: tok_92yy88aabbccdd66\n");
    check(buf_text(script), "");
    assert_int_equal(counts.left_out, 1);
    assert_int_equal(left.exchange_id, 2);
    assert_int_equal(left.gap_exchange_id, 1);
    assert_false(left.is_from_before);
    buf_fini(script);
}

static void what_is_too_deep_is_counted(void **state)
{
    (void)state;
    struct buf script = BUF_INIT(1 << 20);
    buf_append_text(&script, "session ann\n0 10 GET /deep 200\nanswer ");
    for (int i = 0; i < 400; i++)
        buf_append_text(&script, "{\"a\":");
    buf_append_text(&script, "\"tok_81xx99aabbccdd77\"");
    for (int i = 0; i < 400; i++)
        buf_append_text(&script, "}");
    buf_append_text(&script, "\n");
    check_not_looked_at(&script);
}

static void what_is_behind_the_last_value_is_counted(void **state)
{
    (void)state;
    struct buf script = BUF_INIT(8 << 20);
    buf_append_text(&script, "session ann\n0 10 GET /all 200\nanswer [");
    for (unsigned i = 0; i < PLACE_MAX_VALUES; i++)
        buf_append_text(&script, "1,");
    buf_append_text(&script, "\"tok_81xx99aabbccdd77\"]\n");
    check_not_looked_at(&script);
}

static struct bytes gzip(struct bytes text, unsigned char *out, size_t size)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)text.ptr,
                       .avail_in = (unsigned)text.len,
                       .next_out = out,
                       .avail_out = (unsigned)size};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t len = stream.total_out;
    deflateEnd(&stream);
    return bytes_make(out, len);
}

/* The first answer is coded; the third says so and is not. */
static void codings_are_undone_and_false_ones_counted(void **state)
{
    (void)state;
    char path[SAMPLE_PATH_BYTES];
    unsigned char room[1024];
    struct error err = {0};
    struct buf found = BUF_INIT(1 << 20);
    struct trace_writer *writer = sample_writer(sample_path(&folder, "coded.trace", path));
    struct trace_facts facts = sample_facts();
    static const char *const targets[] = {"/jobs", "/jobs/job_8f3a11c9", "/odd"};
    for (int i = 0; i < 3; i++) {
        struct trace_exchange exchange = sample_exchange(i + 1, i ? "GET" : "POST", targets[i]);
        struct bytes body = bytes_of("{\"id\":\"job_8f3a11c9\"}");
        exchange.session_id = 1;
        exchange.request_first_us = i * 100;
        exchange.response_last_us = i * 100 + 50;
        exchange.response_headers =
            bytes_of("Content-Type: application/json\nContent-Encoding: gzip\n");
        exchange.response_body_bytes = body.len;
        if (i == 0)
            body = gzip(body, room, sizeof room);
        if (i != 1 && trace_writer_put_body(writer, body, &exchange.response_body_id, &err))
            fail_msg("%s", err.text);
        if (trace_writer_add_exchange(writer, &exchange, &err))
            fail_msg("%s", err.text);
    }
    const struct trace_session session = {
        .session_id = 1, .identity = bytes_of("x"), .label = bytes_of(""), .exchange_count = 3};
    if (trace_writer_put_session(writer, &session, &err) ||
        trace_writer_close(writer, &facts, &err))
        fail_msg("%s", err.text);
    find(path, &found);
    assert_string_equal(buf_text(&found), "1 body:/id -> 2 path:2\n");
    assert_int_equal(counts.undecoded, 1);
    buf_fini(&found);
}

static void a_body_that_comes_again_is_read_once(void **state)
{
    (void)state;
    check("session ann\n"
          "0 10 GET /voices 200\n"
          "answer {\"items\":[{\"id\":\"vc_a81x99kq\"}]}\n"
          "20 30 GET /voices/vc_a81x99kq 200\n"
          "session bob\n"
          "0 10 GET /voices 200\n"
          "answer {\"items\":[{\"id\":\"vc_a81x99kq\"}]}\n"
          "20 30 GET /voices/vc_a81x99kq 200\n",
          "1 body:/items/0/id -> 2 path:2\n"
          "3 body:/items/0/id -> 4 path:2\n");
    assert_int_equal(counts.bodies_again, 1);
}

/* Two notes with ids of their own; of the first one somebody may have known before: by `answer` to
 * the GET of both users, by `line` of the POST, by a `message` of the server. */
static void check_note(const char *answer, const char *line, const char *message, bool is_drawn)
{
    struct buf script = BUF_INIT(1 << 16);
    buf_printf(&script,
               "session ann\n0 5 WS /live\n%s"
               "20 30 GET /notes 200\nanswer %s\n"
               "40 50 POST /notes 200 {\"notes\":[{\"id\":\"5b9edb9b2fffa975\"}]}\n"
               "header Content-Type: application/json\n%s"
               "session bob\n"
               "20 30 GET /notes 200\nanswer %s\n"
               "40 50 POST /notes 200 {\"notes\":[{\"id\":\"7216f5bcc95934f4\"}]}\n"
               "header Content-Type: application/json\n",
               message, answer, line, answer);
    check(buf_text(&script), is_drawn ? "3 new:hex -> 3 body:/notes/0/id\n"
                                        "5 new:hex -> 5 body:/notes/0/id\n"
                                      : "");
    buf_fini(&script);
}

static void an_id_that_was_seen_in_any_form_is_not_drawn(void **state)
{
    (void)state;
    check_note("{\"notes\":[]}", "", "", true);
    /* A body that comes again has it again. */
    check_note("{\"notes\":{\"5b9edb9b2fffa975\":{\"a\":1},\"7216f5bcc95934f4\":{}}}", "", "",
               false);
    check_note("{\"notes\":[]}", "header Referer: http://a.test/notes/5B9EDB9B2FFFA975\n", "",
               false);
    check_note("{\"notes\":[]}", "header Cookie: a=b; c=x5b9edb9b2fffa975\n", "", false);
    check_note("{\"notes\":[]}", "", "< 10 see note5b9edb9b2fffa975\n", false);
    /* It may be in what is too deep to be looked at. */
    struct buf deep = BUF_INIT(1 << 16);
    buf_append_text(&deep, "< 10 ");
    for (int i = 0; i < 400; i++)
        buf_append_text(&deep, "{\"a\":");
    buf_append_text(&deep, "1");
    for (int i = 0; i < 400; i++)
        buf_append_text(&deep, "}");
    buf_append_text(&deep, "\n");
    check_note("{\"notes\":[]}", "", buf_text(&deep), false);
    buf_fini(&deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_json_go_into_all_of_a_request),
        cmocka_unit_test(values_of_headers_cookies_and_pages_are_found),
        cmocka_unit_test(a_space_may_be_a_plus),
        cmocka_unit_test(websocket_messages_give_and_carry),
        cmocka_unit_test(what_is_broken_gives_what_comes_before_the_break),
        cmocka_unit_test(json_in_200_levels_and_more_does_no_harm),
        cmocka_unit_test(a_list_without_end_is_looked_through),
        cmocka_unit_test(what_is_too_deep_is_counted),
        cmocka_unit_test(what_is_behind_the_last_value_is_counted),
        cmocka_unit_test(codings_are_undone_and_false_ones_counted),
        cmocka_unit_test(a_body_that_comes_again_is_read_once),
        cmocka_unit_test(an_id_that_was_seen_in_any_form_is_not_drawn),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
