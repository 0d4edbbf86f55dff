/* plan_bindings_test.c - rows of the trace become births and slots, or are left out and counted. */
#include "replay/plan/plan_bindings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "tests/support/script_trace.h"
#include "traces/writer.h"

#define TRACE_FILE "plan_bindings_test.trace"

static struct plan *plan;

static void build(const char *script)
{
    struct error err;
    const struct plan_options options = {.target = bytes_of("http://target:80"),
                                         .max_bytes = 64 << 20};
    if (script_trace_write(TRACE_FILE, script, &err) ||
        plan_build(&plan, TRACE_FILE, &options, &err))
        fail_msg("%s", err.text);
    unlink(TRACE_FILE);
}

static const struct plan_step *step(size_t number)
{
    return &plan->sessions[0].steps[number];
}

/* What is sent by the second step when every value is "<N>", N its index; in its head the request
 * line and the headers X-... alone. */
static const char *filled(size_t number)
{
    static char text[1024];
    static char names[8][8];
    struct bytes values[8], pieces[REQUEST_CUT_MAX_PIECES];
    struct request_cut_scratch scratch;
    struct buf out = BUF_INIT(4096);
    for (size_t i = 0; i < 8; i++) {
        snprintf(names[i], sizeof names[i], "<%zu>", i);
        values[i] = bytes_of(names[i]);
    }
    const struct request_cut *cut = step(number)->bindings->cut;
    size_t count = request_cut_pieces(cut, values, (struct bytes){0}, NULL, &scratch, pieces);
    for (size_t i = 0; i < count; i++)
        buf_append_bytes(&out, pieces[i]);
    struct bytes rest = buf_bytes(&out), line;
    size_t len = 0;
    bool is_in_body = false;
    text[0] = '\0';
    while (bytes_split(&rest, '\n', &line)) {
        is_in_body |= line.len == 1;
        bool is_shown = len == 0 || is_in_body || bytes_starts_with(line, bytes_of("X-")) ||
                        bytes_starts_with(line, bytes_of("Auth"));
        line.len -= line.len && line.ptr[line.len - 1] == '\r';
        if (is_shown && line.len)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s", len ? "\n" : "",
                                    BYTES_ARG(line));
    }
    buf_fini(&out);
    return text;
}

static void expect_filled(const char *script, const char *wanted)
{
    build(script);
    if (plan->binding_losses.count)
        fail_msg("left out: %s", plan->binding_losses.first);
    assert_string_equal(filled(1), wanted);
    plan_free(plan);
}

static void every_place_of_a_request_takes_a_value(void **state)
{
    (void)state;
    expect_filled("session s\n0 1 GET /a 200\nanswer {\"id\":17}\n2 3 GET /jobs/17/x?id=17 200\n"
                  "bind 1 body:/id -> 2 path:2\n",
                  "GET /jobs/<0>/x?id=17 HTTP/1.1");
    expect_filled("session s\n0 1 GET /a 200\nanswer {\"id\":17}\n2 3 GET /jobs/17/x?id=17&b 200\n"
                  "bind 1 body:/id -> 2 query:id\n",
                  "GET /jobs/17/x?id=<0>&b HTTP/1.1");
    expect_filled("session s\n0 1 GET /a 200\nanswer {\"t\":\"abc\"}\n2 3 GET /b 200\n"
                  "header Authorization: Bearer abc\nbind 1 body:/t -> 2 header:authorization\n",
                  "GET /b HTTP/1.1\nAuthorization: Bearer <0>");
    expect_filled("session s\n0 1 GET /a 200\nanswer-header X-Id: 17\n"
                  "2 3 POST /b 200 {\"n\":1,\"id\":17}\nbind 1 header:X-Id -> 2 body:/id\n",
                  "POST /b HTTP/1.1\n{\"n\":1,\"id\":<0>}");
    expect_filled("session s\n0 1 GET /a 200\nset-cookie csrf=tok; Path=/\n"
                  "2 3 POST /b 200 a=1&csrf=tok&c\nbind 1 cookie:csrf -> 2 form:csrf\n",
                  "POST /b HTTP/1.1\na=1&csrf=<0>&c");
}

static void a_value_may_be_part_of_what_is_there(void **state)
{
    (void)state;
    expect_filled("session s\n0 1 GET /a 200\nanswer {\"f\":\"n1\"}\n2 3 GET /files/n1.wav 200\n"
                  "bind 1 body:/f -> 2 path:2\n",
                  "GET /files/<0>.wav HTTP/1.1");
    expect_filled("session s\n0 1 GET /a 200\nanswer-header Location: /jobs/17\n"
                  "2 3 GET /jobs/17 200\nbind 1 header:Location > path:2 -> 2 path:2\n",
                  "GET /jobs/<0> HTTP/1.1");
    expect_filled("session s\n0 1 GET /a 200\nanswer {\"a\":\"x\",\"b\":\"y\"}\n"
                  "2 3 GET /p/x-y 200\nbind 1 body:/a -> 2 path:2\nbind 1 body:/b -> 2 path:2\n",
                  "GET /p/<0>-<1> HTTP/1.1");
}

static void a_short_value_is_where_it_stands_alone(void **state)
{
    (void)state;
    expect_filled(
        "session s\n0 1 GET /a 200\nanswer {\"ids\":[3,7,71]}\n"
        "2 3 GET /v7/71/v7-7?i=77,7&e=7%2577 200\nheader X-Ids: 71,17,7\nheader X-In: a7b\n"
        "bind 1 body:/ids/1 -> 2 path:3\nbind 1 body:/ids/1 -> 2 query:i\n"
        "bind 1 body:/ids/2 -> 2 path:2\nbind 1 body:/ids/1 -> 2 header:X-Ids\n"
        "bind 1 body:/ids/1 -> 2 header:X-In\n",
        "GET /v7/<1>/v7-<0>?i=77,<0>&e=7%2577 HTTP/1.1\nX-Ids: 71,17,<2>\nX-In: a<2>b");
}

static void escapes_are_seen_through(void **state)
{
    (void)state;
    expect_filled("session s\n0 1 GET /a 200\nanswer {\"n\":\"a b\\/\\u00e9\"}\n"
                  "2 3 GET /p?q=x%20a+b%2f%C3%A9y 200\nbind 1 body:/n -> 2 query:q as percent\n",
                  "GET /p?q=x%20<0>y HTTP/1.1");
    expect_filled("session s\n0 1 GET /a 200\nanswer {\"n\":\"a\\\"b\"}\n"
                  "2 3 POST /p 200 {\"n\":\"=a\\\"b=\"}\nbind 1 body:/n -> 2 body:/n\n",
                  "POST /p HTTP/1.1\n{\"n\":\"=<0>=\"}");
    expect_filled(
        "session s\n0 1 GET /a 200\nanswer {\"n\":\"a/b \u00e9\xf0\x9f\x98\x80\"}\n"
        "2 3 POST /p 200 {\"n\":\"\\u003da\\/b \\u00e9\\ud83d\\ude00=\",\"m\":\"\\u0061\\u002Fb "
        "\u00e9\\uD83D\\uDE00\"}\n"
        "bind 1 body:/n -> 2 body:/n\nbind 1 body:/n -> 2 body:/m\n",
        "POST /p HTTP/1.1\n{\"n\":\"\\u003d<0>=\",\"m\":\"<0>\"}");
    /* What is only in the escape is not there, and a letter's escape is a letter. */
    expect_filled(
        "session s\n0 1 GET /a 200\nanswer {\"n\":\"02f\"}\n"
        "2 3 POST /p 200 {\"n\":\"\\u002f \\u006102f 02f\"}\nbind 1 body:/n -> 2 body:/n\n",
        "POST /p HTTP/1.1\n{\"n\":\"\\u002f \\u006102f <0>\"}");
    expect_filled(
        "session s\n0 1 GET /a 200\nanswer {\"n\":\"a/b?\"}\n"
        "2 3 POST /p 200 {\"n\":\"YS9iPw\\u003d=\"}\nbind 1 body:/n -> 2 body:/n as base64\n",
        "POST /p HTTP/1.1\n{\"n\":\"<0>\"}");
    expect_filled("session s\n0 1 GET /a 200\nanswer {\"n\":\"it's +1\"}\n"
                  "2 3 GET /p 200\nheader X-N: <it&#x27;s &#43;1>\n"
                  "bind 1 body:/n -> 2 header:X-N as html\n",
                  "GET /p HTTP/1.1\nX-N: <<0>>");
}

/* A list of so many items, each of which is opened. */
static void an_answer_gives_as_many_values_as_there_are_items(void **state)
{
    (void)state;
    struct buf script = BUF_INIT(16 << 20);
    buf_append_text(&script, "session s\n0 1 GET /items 200\nanswer [0");
    for (int i = 1; i <= BIRTHS_MAX + 1; i++)
        buf_printf(&script, ",\"i%d\"", i * 7);
    buf_append_text(&script, "]");
    for (int i = 1; i <= BIRTHS_MAX + 1; i++)
        buf_printf(&script, "\n%d %d GET /items/i%d 200", 2 * i, 2 * i + 1, i * 7);
    for (int i = 1; i <= BIRTHS_MAX + 1; i++)
        buf_printf(&script, "\nbind 1 body:/%d -> %d path:2", i, i + 1);
    build(buf_text(&script));
    assert_int_equal(plan->binding_losses.count, 1);
    assert_non_null(strstr(plan->binding_losses.first, "more values than an answer may give"));
    assert_int_equal(step(0)->bindings->birth_count, BIRTHS_MAX);
    plan_free(plan);
    buf_fini(&script);
}

static void uses_in_one_form_share_a_value(void **state)
{
    (void)state;
    build("session s\n0 1 GET /a 200\nanswer {\"id\":\"i7\",\"t\":\"x\"}\n"
          "2 3 POST /jobs/i7?t=x 200 {\"id\":\"i7\"}\nheader X-Id: i7\nheader X-Again: i7\n"
          "4 5 GET /jobs/i7 200\n"
          "bind 1 body:/id -> 2 path:2\nbind 1 body:/id -> 2 header:X-Id\n"
          "bind 1 body:/id -> 2 header:X-Again\nbind 1 body:/id -> 2 body:/id\n"
          "bind 1 body:/t -> 2 query:t\nbind 1 body:/id -> 3 path:2\n");
    assert_int_equal(plan->binding_losses.count, 0);
    const struct step_bindings *born = step(0)->bindings, *used = step(1)->bindings;
    /* i7 in a target, in a header, in JSON; t. */
    assert_int_equal(plan->sessions[0].value_count, 4);
    assert_int_equal(born->birth_count, 4);
    assert_false(born->keeps_headers);
    assert_int_equal(born->births[0].form, VALUE_PERCENT);
    assert_int_equal(born->births[1].form, VALUE_AS_IS);
    assert_int_equal(born->births[2].form, VALUE_IN_JSON);
    assert_int_equal(used->need_count, 4);
    assert_int_equal(used->producer_count, 4);
    assert_int_equal(used->producers[0].step, 0);
    assert_string_equal(filled(1), "POST /jobs/<0>?t=<3> HTTP/1.1\nX-Id: <1>\nX-Again: <1>\n"
                                   "{\"id\":\"<2>\"}");
    assert_ptr_equal(step(1)->cut, used->cut);
    assert_string_equal(filled(2), "GET /jobs/<0> HTTP/1.1");
    plan_free(plan);
}

static void a_cookies_slot_is_in_the_recorded_cookies(void **state)
{
    (void)state;
    build("session s\n0 1 GET /a 200\nanswer {\"t\":\"tok\"}\n2 3 GET /b 200\n"
          "header Cookie: lang=de; t=tok\nbind 1 body:/t -> 2 cookie:t\n");
    assert_int_equal(plan->binding_losses.count, 0);
    const struct step_bindings *used = step(1)->bindings;
    assert_int_equal(used->cookie_slot_count, 1);
    assert_int_equal(used->cookie_slots[0].at, strlen("lang=de; t="));
    assert_int_equal(used->cookie_slots[0].len, 3);
    assert_null(used->cut);
    plan_free(plan);
}

static void an_upgrade_takes_values_too(void **state)
{
    (void)state;
    build("session s\n0 1 GET /a 200\nanswer {\"t\":\"tok\"}\n2 3 WS /ws?token=tok 101\n"
          "bind 1 body:/t -> 2 query:token\n");
    assert_int_equal(plan->binding_losses.count, 0);
    assert_null(step(1)->cut);
    assert_int_equal(step(1)->bindings->cut->slot_count, 1);
    plan_free(plan);
}

static void rows_that_cannot_be_used_are_left_out_and_counted(void **state)
{
    (void)state;
    static const struct {
        const char *rows, *first;
    } rows[] = {
        {"bind 1 body:id -> 2 path:2\n",
         "binding 1: born_place 'body:id': body: takes a JSON pointer like /jobs/0/id"},
        {"bind 1 body:/id -> 2 ws:1:/id\n",
         "binding 1: used_place 'ws:1:/id': ws: takes the number of a client's message, from 1"},
        {"bind 1 body:/id -> 2 path:2 as rot13\n",
         "binding 1: form: there are raw, percent, plus, html, base64, base64url and hex"},
        {"bind 4 body:/id -> 2 path:2\n",
         "binding 1: its exchanges are not replayed in one session"},
        {"bind 2 body:/id -> 1 path:2\n",
         "binding 1: the answer had not ended when the request began"},
        {"bind 2 body:/id -> 2 path:2\n",
         "binding 1: the answer had not ended when the request began"},
        {"bind 1 body:/none -> 2 path:2\n",
         "binding 1: born_place: nothing is there in the recorded answer"},
        {"bind 1 body:/null -> 2 path:2\n",
         "binding 1: born_place: nothing is there in the recorded answer"},
        {"bind 1 body:/id -> 2 path:3\n",
         "binding 1: used_place: nothing is there in the recorded request"},
        {"bind 1 body:/id -> 2 path:1\n",
         "binding 1: the value of the recorded answer is not in used_place"},
        {"bind 3 body:/id -> 2 path:2\n",
         "binding 1: the answer had not ended when the request began"},
        {"bind 1 body:/id -> 2 path:2\nbind 1 body:/id -> 2 path:2\n",
         "binding 2: another binding fills this place"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char script[1024];
        snprintf(script, sizeof script,
                 "session s\n0 1 GET /a 200\nanswer {\"id\":17,\"null\":null}\n"
                 "2 3 GET /jobs/17 200\n1.5 9 GET /slow 200\nanswer {\"id\":17}\n"
                 "session other\n0 1 GET /o 200\nanswer {\"id\":17}\n%s",
                 rows[i].rows);
        build(script);
        assert_int_equal(plan->binding_losses.count, 1);
        if (strcmp(plan->binding_losses.first, rows[i].first) != 0)
            fail_msg("%s: %s", rows[i].rows, plan->binding_losses.first);
        plan_free(plan);
    }
}

/* An exchange that ended, of session 1. */
static struct trace_exchange exchange(int64_t id, const char *target, int64_t body_id)
{
    return (struct trace_exchange){.exchange_id = id,
                                   .session_id = 1,
                                   .request_first_us = id * 10,
                                   .request_last_us = id * 10,
                                   .response_first_us = id * 10 + 1,
                                   .response_last_us = id * 10 + 1,
                                   .method = bytes_of("GET"),
                                   .scheme = bytes_of("http"),
                                   .target = bytes_of(target),
                                   .http_version = bytes_of("1.1"),
                                   .status = 200,
                                   .response_headers = bytes_of("Content-Encoding: deflate\n"),
                                   .response_body_id = body_id};
}

static int write_compressed(struct trace_writer *writer, struct error *err)
{
    static const char json[] = "{\"id\":17}";
    const struct trace_session session = {.session_id = 1, .exchange_count = 2};
    const struct trace_binding binding = {.born_exchange_id = 1,
                                          .born_place = bytes_of("body:/id"),
                                          .used_exchange_id = 2,
                                          .used_place = bytes_of("path:2"),
                                          .state = bytes_of("on"),
                                          .form = bytes_of("raw"),
                                          .origin = bytes_of("found")};
    Bytef packed[256];
    uLongf len = sizeof packed;
    int64_t body_id = 0;
    assert_int_equal(compress2(packed, &len, (const Bytef *)json, strlen(json), 9), Z_OK);
    if (trace_writer_put_session(writer, &session, err) ||
        trace_writer_put_body(writer, bytes_make(packed, len), &body_id, err))
        return -1;
    const struct trace_exchange born = exchange(1, "/a", body_id),
                                used = exchange(2, "/jobs/17", 0);
    return trace_writer_add_exchange(writer, &born, err) ||
           trace_writer_add_exchange(writer, &used, err) ||
           trace_writer_add_binding(writer, &binding, err);
}

static const char upload[] =
    "--B\r\nContent-Disposition: form-data; name=\"a b\"\r\n\r\n<i7>\r\n"
    "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"i7.wav\"\r\n"
    "Content-Type: audio/wav\r\n\r\nRIFF\0i7\r\n--B--\r\n";

static int write_upload(struct trace_writer *writer, struct error *err)
{
    static const char *const places[] = {"multipart:\"a b\"", "multipart:f > filename:"};
    const struct trace_session session = {.session_id = 1, .exchange_count = 2};
    int64_t answer_id = 0, request_id = 0;
    if (trace_writer_put_session(writer, &session, err) ||
        trace_writer_put_body(writer, bytes_of("{\"id\":\"i7\"}"), &answer_id, err) ||
        trace_writer_put_body(writer, bytes_make(upload, sizeof upload - 1), &request_id, err))
        return -1;
    struct trace_exchange born = exchange(1, "/a", answer_id), used = exchange(2, "/up", 0);
    born.response_headers = used.response_headers = (struct bytes){0};
    used.method = bytes_of("POST");
    used.request_headers = bytes_of("Content-Type: multipart/form-data; boundary=B\n");
    used.request_body_id = request_id;
    used.request_body_bytes = sizeof upload - 1;
    int result = trace_writer_add_exchange(writer, &born, err) ||
                 trace_writer_add_exchange(writer, &used, err);
    for (int i = 0; i < 2 && !result; i++) {
        const struct trace_binding binding = {.born_exchange_id = 1,
                                              .born_place = bytes_of("body:/id"),
                                              .used_exchange_id = 2,
                                              .used_place = bytes_of(places[i]),
                                              .state = bytes_of("on"),
                                              .form = bytes_of("raw"),
                                              .origin = bytes_of("found")};
        result = trace_writer_add_binding(writer, &binding, err);
    }
    return result;
}

/* As `write` has it. */
static void build_written(int (*write)(struct trace_writer *writer, struct error *err))
{
    const struct trace_writer_options to = {.replaces_existing = true};
    const struct plan_options options = {.target = bytes_of("http://target:80"),
                                         .max_bytes = 64 << 20};
    const struct trace_facts facts = {.is_complete = true};
    struct trace_writer *writer = NULL;
    struct error err;
    if (trace_writer_open(&writer, TRACE_FILE, &to, &facts, &err) || write(writer, &err) ||
        trace_writer_close(writer, &facts, &err) || plan_build(&plan, TRACE_FILE, &options, &err))
        fail_msg("%s", err.text);
    unlink(TRACE_FILE);
    if (plan->binding_losses.count)
        fail_msg("%s", plan->binding_losses.first);
}

/* The part's own bytes stay as they are. */
static void parts_of_a_form_and_their_file_names_take_values(void **state)
{
    (void)state;
    struct bytes pieces[REQUEST_CUT_MAX_PIECES];
    struct request_cut_scratch scratch;
    struct buf out = BUF_INIT(4096);
    build_written(write_upload);
    assert_int_equal(plan->sessions[0].value_count, 2);
    const struct birth *births = step(0)->bindings->births;
    assert_int_equal(births[0].form, VALUE_IN_BODY);
    assert_int_equal(births[1].form, VALUE_IN_FILENAME);
    const struct bytes values[] = {bytes_of("<0>"), bytes_of("<1>")};
    size_t count =
        request_cut_pieces(step(1)->cut, values, (struct bytes){0}, NULL, &scratch, pieces);
    for (size_t i = 0; i < count; i++)
        buf_append_bytes(&out, pieces[i]);
    const char *body = strstr(buf_text(&out), "\r\n\r\n") + 4;
    assert_non_null(strstr(body, "\r\n\r\n<<0>>\r\n--B"));
    assert_non_null(strstr(body, "filename=\"<1>.wav\"\r\n"));
    assert_memory_equal(out.data + out.len - 16, "RIFF\0i7\r\n--B--\r\n", 16);
    char length[40];
    snprintf(length, sizeof length, "Content-Length: %zu\r\n", sizeof upload - 1 + 2);
    assert_non_null(strstr(buf_text(&out), length));
    buf_fini(&out);
    plan_free(plan);
}

static void a_compressed_answer_is_looked_into(void **state)
{
    (void)state;
    build_written(write_compressed);
    assert_int_equal(step(1)->cut->slot_count, 1);
    plan_free(plan);
}

static void an_answer_whose_coding_is_broken_is_named_as_such(void **state)
{
    (void)state;
    build("session s\n0 1 GET /a 200\nanswer-header Content-Encoding: gzip\nanswer \x1f\x8b(...)\n"
          "2 3 GET /jobs/17 200\nbind 1 body:/id -> 2 path:2\n");
    assert_int_equal(plan->binding_losses.count, 1);
    assert_string_equal(plan->binding_losses.first,
                        "binding 1: the recorded answer's Content-Encoding cannot be undone");
    plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_of_a_request_takes_a_value),
        cmocka_unit_test(a_value_may_be_part_of_what_is_there),
        cmocka_unit_test(a_short_value_is_where_it_stands_alone),
        cmocka_unit_test(escapes_are_seen_through),
        cmocka_unit_test(an_answer_gives_as_many_values_as_there_are_items),
        cmocka_unit_test(uses_in_one_form_share_a_value),
        cmocka_unit_test(a_cookies_slot_is_in_the_recorded_cookies),
        cmocka_unit_test(an_upgrade_takes_values_too),
        cmocka_unit_test(rows_that_cannot_be_used_are_left_out_and_counted),
        cmocka_unit_test(parts_of_a_form_and_their_file_names_take_values),
        cmocka_unit_test(a_compressed_answer_is_looked_into),
        cmocka_unit_test(an_answer_whose_coding_is_broken_is_named_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
