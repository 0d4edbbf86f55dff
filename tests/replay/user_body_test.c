/* user_body_test.c - users whose plugins send bodies that are made while they are sent, look at
 * recorded ones as they lie, and at answers while they come. */
#include <stdio.h>

#include "tests/plugins/chain_fixture.h"
#include "tests/support/play.h"

static struct play play;
static struct fixture fx; /* its chain and worker */

/* One of the plugin's sources, counted by what is done to it. */
struct made {
    const char *text;
    int reads, begins, releases;
};

enum { MAX_MADE = 8 };
static struct made made[MAX_MADE];
static int made_count;

static void prepare(const char *script, const reprise_plugin *const *plugins)
{
    memset(made, 0, sizeof made);
    made_count = 0;
    fixture_start(&fx, plugins);
    play_prepare(&play, script, (struct pacing){PACING_THINK, 1, 1});
    play.env.chain = &fx.chain;
    play.env.chain_worker = fx.worker;
    fake_logs_all = true;
}

static void start(const char *script, const reprise_plugin *const *plugins)
{
    prepare(script, plugins);
    play_start(&play, 0, 0);
}

static void expect_and_end(const char *log, int releases)
{
    play_expect(&play, log);
    play_end(&play);
    fixture_stop(&fx);
    assert_int_equal(made_count, releases);
    for (int i = 0; i < made_count; i++)
        assert_int_equal(made[i].releases, 1);
}

static int64_t read_text(void *state, uint64_t offset, void *into, size_t max)
{
    struct made *own = state;
    size_t left = strlen(own->text) - (size_t)offset;
    own->reads++;
    own->begins += offset == 0;
    assert_int_equal(own->releases, 0);
    assert_true(max >= 1 && max <= left);
    size_t len = max < 3 ? max : 3; /* fewer than asked for */
    memcpy(into, own->text + offset, len);
    return (int64_t)len;
}

static int64_t read_too_much(void *state, uint64_t offset, void *into, size_t max)
{
    (void)state;
    (void)offset;
    (void)into;
    return (int64_t)max + 1;
}

static int64_t read_nothing(void *state, uint64_t offset, void *into, size_t max)
{
    (void)state;
    (void)into;
    (void)max;
    return offset == 0 ? 0 : -7;
}

static void release(void *state)
{
    ((struct made *)state)->releases++;
}

static const char *say_why(void *state)
{
    assert_int_equal(((struct made *)state)->releases, 0);
    return "the tape\nis torn";
}

static int give(const reprise_call *call, reprise_request *request, const char *text,
                int64_t (*read)(void *, uint64_t, void *, size_t))
{
    assert_true(made_count < MAX_MADE);
    struct made *own = &made[made_count++];
    own->text = text;
    const reprise_body_source source = {.size = sizeof source,
                                        .body_bytes = strlen(text),
                                        .read = read,
                                        .release = release,
                                        .state = own,
                                        .reason = read == read_nothing ? say_why : NULL};
    return call->host->set_body_source(call, request, &source);
}

#define UPLOAD "session s\n0 10 POST /up 200 recorded\n"

static int send_source(const reprise_call *call, reprise_request *request)
{
    assert_int_equal(request->body_bytes, 8);
    assert_int_equal(give(call, request, "made while it is sent", read_text), 0);
    assert_int_equal(request->body_bytes, 21);
    assert_null(request->body.ptr);
    /* What lies beneath can still be looked at. */
    reprise_bytes piece = call->host->request_body_at(call, request, 0);
    assert_memory_equal(piece.ptr, "recorded", 8);
    return REPRISE_CONTINUE;
}

static void a_source_is_sent_and_released(void **state)
{
    (void)state;
    start(UPLOAD, (const reprise_plugin *[]){PLUGIN("p", .on_request = send_source), NULL});
    expect_and_end("0 POST /up\n  body made while it is sent\n", 1);
}

static int replace_source(const reprise_call *call, reprise_request *request)
{
    static const char text[] = "text";
    assert_int_equal(give(call, request, "first", read_text), 0);
    assert_int_equal(give(call, request, "second", read_text), 0);
    assert_int_equal(made[made_count - 2].releases, 0); /* between callbacks only */
    assert_int_equal(give(call, request, "none", NULL), -1);
    assert_int_equal(call->host->set_body_source(call, request, NULL), -1);
    if (call->user_index == 0)
        return REPRISE_CONTINUE;
    assert_int_equal(call->host->set_body(call, request, text, 4), 0);
    assert_int_equal(request->body_bytes, 4);
    assert_string_equal(request->body.ptr, "text");
    return REPRISE_CONTINUE;
}

static void what_is_replaced_or_refused_is_released_too(void **state)
{
    (void)state;
    for (int serial = 0; serial < 2; serial++) {
        prepare(UPLOAD, (const reprise_plugin *[]){
                            PLUGIN("p", .on_request = replace_source,
                                   .threads = serial ? REPRISE_SERIAL : REPRISE_PARALLEL),
                            NULL});
        play_start(&play, 0, 0);
        play_start(&play, 1, 1000);
        expect_and_end("0 POST /up\n  body second\n1 POST /up\n  body text\n", 6);
    }
}

static int send_own(const reprise_call *call, reprise_request *request)
{
    return request->attempt ? REPRISE_CONTINUE : send_source(call, request);
}

static int retry_once(const reprise_call *call, const reprise_response *response)
{
    (void)call;
    assert_int_equal(made[0].releases, 0);
    assert_int_equal(response->request->body_bytes, 21);
    return response->request->attempt ? REPRISE_CONTINUE : REPRISE_RETRY;
}

static void a_retry_reads_the_source_from_its_beginning(void **state)
{
    (void)state;
    start(UPLOAD, (const reprise_plugin *[]){
                      PLUGIN("p", .on_request = send_own, .on_response = retry_once), NULL});
    expect_and_end("0 POST /up\n  body made while it is sent\n"
                   "10 POST /up\n  body made while it is sent\n",
                   1);
    assert_true(made[0].begins >= 2);
}

static int send_and_skip(const reprise_call *call, reprise_request *request)
{
    send_source(call, request);
    return REPRISE_SKIP;
}

static int send_and_fail(const reprise_call *call, reprise_request *request)
{
    send_source(call, request);
    return REPRISE_FAIL;
}

static int add_and_forget(const reprise_call *call, reprise_request *request)
{
    reprise_request *added = call->host->new_request(call, request, 1);
    assert_int_equal(give(call, added, "never sent", read_text), 0);
    return REPRISE_CONTINUE;
}

static int add_and_send(const reprise_call *call, reprise_request *request)
{
    if (request->step == REPRISE_ADDED)
        return REPRISE_CONTINUE;
    reprise_request *added = call->host->new_request(call, request, 1);
    assert_int_equal(give(call, added, "added", read_text), 0);
    assert_int_equal(call->host->send(call, added), 0);
    return REPRISE_CONTINUE;
}

static void whatever_becomes_of_a_request_its_source_is_released(void **state)
{
    (void)state;
    start(UPLOAD, (const reprise_plugin *[]){PLUGIN("p", .on_request = send_and_skip), NULL});
    expect_and_end("", 1);
    start(UPLOAD, (const reprise_plugin *[]){PLUGIN("p", .on_request = send_and_fail), NULL});
    expect_and_end("", 1);
    start(UPLOAD, (const reprise_plugin *[]){PLUGIN("p", .on_request = add_and_forget), NULL});
    expect_and_end("0 POST /up\n  body recorded\n", 1);
    start(UPLOAD, (const reprise_plugin *[]){PLUGIN("p", .on_request = add_and_send), NULL});
    expect_and_end("0 POST /up\n  body recorded\n10 POST /up\n  body added\n", 1);
}

static void a_source_under_way_is_released_when_its_user_goes(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"POST /up", -1, 200, 0, NULL, NULL}, {0}};
    fake_answers = answers;
    start(UPLOAD, (const reprise_plugin *[]){PLUGIN("p", .on_request = send_source), NULL});
    fake_run(&play.loop, 5000);
    assert_int_equal(made[0].releases, 0);
    user_end(play.users[0], SESSION_CANCELLED, "");
    expect_and_end("0 POST /up\n  body made while it is sent\n", 1);
}

static int send_garbage(const reprise_call *call, reprise_request *request)
{
    give(call, request, "what nobody gets", call->user_index ? read_nothing : read_too_much);
    return REPRISE_CONTINUE;
}

static int note_failure(const reprise_call *call, const reprise_response *response)
{
    assert_int_equal(response->status, 0);
    assert_string_equal(response->error,
                        call->user_index
                            ? "plugin p: its body source failed at byte 0 of 16: the tape is torn"
                            : "plugin p: its body source gave more than it was asked for at byte 0 "
                              "of 16");
    return REPRISE_CONTINUE;
}

static void a_source_that_gives_garbage_fails_its_request_by_name(void **state)
{
    (void)state;
    prepare(UPLOAD,
            (const reprise_plugin *[]){
                PLUGIN("p", .on_request = send_garbage, .on_response = note_failure), NULL});
    play_start(&play, 0, 0);
    play_start(&play, 1, 1000);
    expect_and_end("0 POST /up\n1 POST /up\n", 2);
}

/* ---- recorded bodies as they lie --------------------------------------------------------------
 */

#define BOUND                                                                                      \
    "session s\n0 10 GET /a 200\nanswer {\"id\":\"old\"}\n"                                        \
    "20 30 POST /up 200 {\"id\":\"old\",\"text\":\"a recorded body\"}\n"                           \
    "bind 1 body:/id -> 2 body:/id\n"
#define BOUND_LOG "0 GET /a\n20 POST /up\n  body {\"id\":\"live\",\"text\":\"a recorded body\"}\n"
static const struct fake_answer live_answers[] = {{"GET /a", 10, 200, 0, NULL, "{\"id\":\"live\"}"},
                                                  {0}};

static const char *recorded_end; /* where the plan has the last byte of the body */
static int looked;

static int look_at_pieces(const reprise_call *call, reprise_request *request)
{
    char text[100] = "";
    size_t len = 0, count = 0;
    reprise_bytes piece;
    if (request->step != 1)
        return REPRISE_CONTINUE;
    looked++;
    assert_null(request->body.ptr);
    assert_int_equal(request->body_bytes, 38);
    for (; (piece = call->host->request_body_at(call, request, count)).ptr; count++) {
        memcpy(text + len, piece.ptr, piece.len);
        len += piece.len;
        recorded_end = piece.ptr + piece.len;
    }
    assert_int_equal(count, 3);
    assert_string_equal(text, "{\"id\":\"live\",\"text\":\"a recorded body\"}");
    return REPRISE_CONTINUE;
}

static void a_recorded_body_is_cut_around_its_values_and_not_copied(void **state)
{
    (void)state;
    fake_answers = live_answers;
    looked = 0;
    start(BOUND,
          (const reprise_plugin *[]){
              PLUGIN("p", .on_request = look_at_pieces, .flags = REPRISE_NO_REQUEST_BODY), NULL});
    const struct bytes body = play.plan->sessions[0].steps[1].body;
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_int_equal(looked, 1);
    assert_ptr_equal(recorded_end, body.ptr + body.len);
    expect_and_end(BOUND_LOG, 0);
}

static int look_at_whole(const reprise_call *call, reprise_request *request)
{
    (void)call;
    if (request->step != 1)
        return REPRISE_CONTINUE;
    looked++;
    assert_int_equal(request->body_bytes, 38);
    assert_string_equal(request->body.ptr, "{\"id\":\"live\",\"text\":\"a recorded body\"}");
    return REPRISE_CONTINUE;
}

static int look_for_none(const reprise_call *call, reprise_request *request)
{
    (void)call;
    if (request->step != 1)
        return REPRISE_CONTINUE;
    looked++;
    assert_null(request->body.ptr);
    assert_int_equal(request->body_bytes, 38);
    return REPRISE_CONTINUE;
}

static void each_plugin_sees_of_a_body_what_its_flags_say(void **state)
{
    (void)state;
    fake_answers = live_answers;
    looked = 0;
    start(BOUND,
          (const reprise_plugin *[]){
              PLUGIN("p", .on_request = look_at_pieces, .flags = REPRISE_NO_REQUEST_BODY),
              PLUGIN("q", .on_request = look_at_whole),
              PLUGIN("r", .on_request = look_for_none, .flags = REPRISE_NO_REQUEST_BODY), NULL});
    expect_and_end(BOUND_LOG, 0);
    assert_int_equal(looked, 3);
}

static int add_like_recorded(const reprise_call *call, reprise_request *request)
{
    if (request->step != 1 || request->holds)
        return REPRISE_CONTINUE;
    reprise_request *added = call->host->new_request(call, request, 1);
    assert_non_null(added);
    assert_int_equal(call->host->send(call, added), 0);
    return REPRISE_HOLD;
}

static void a_copy_of_a_request_has_its_body_whole(void **state)
{
    (void)state;
    fake_answers = live_answers;
    start(BOUND, (const reprise_plugin *[]){
                     PLUGIN("p", .on_request = add_like_recorded, .flags = REPRISE_NO_REQUEST_BODY),
                     NULL});
    expect_and_end("0 GET /a\n20 POST /up\n  body {\"id\":\"live\",\"text\":\"a recorded body\"}\n"
                   "30 POST /up\n  body {\"id\":\"live\",\"text\":\"a recorded body\"}\n",
                   0);
}

/* ---- answers while they come ------------------------------------------------------------------
 */

static const struct fake_answer long_answers[] = {{"GET /a", 10, 200, 0, NULL, "abcdef"}, {0}};
static const struct fake_header typed[] = {{"GET /a", "X-Type", "letters"}, {0}};

static char seen[64];
static int responses;

static int see(const reprise_call *call, const reprise_response *response, reprise_bytes data)
{
    reprise_bytes type = call->host->response_header(call, response, "x-type");
    assert_string_equal(type.ptr, "letters");
    assert_int_equal(response->status, 200);
    assert_null(response->body.ptr);
    assert_int_equal(data.ptr[data.len], '\0');
    size_t len = strlen(seen);
    snprintf(seen + len, sizeof seen - len, "%s|", data.ptr);
    return REPRISE_CONTINUE;
}

static int see_once(const reprise_call *call, const reprise_response *response, reprise_bytes data)
{
    see(call, response, data);
    return REPRISE_SKIP;
}

static int see_and_end(const reprise_call *call, const reprise_response *response,
                       reprise_bytes data)
{
    see(call, response, data);
    call->host->end_response(call);
    return REPRISE_CONTINUE;
}

static int see_and_fail(const reprise_call *call, const reprise_response *response,
                        reprise_bytes data)
{
    see(call, response, data);
    call->host->error(call, "it is not what it was");
    return REPRISE_FAIL;
}

static int count_response(const reprise_call *call, const reprise_response *response)
{
    (void)call;
    assert_int_equal(response->status, 200);
    assert_null(response->error);
    responses++;
    return REPRISE_CONTINUE;
}

static void play_seeing(int (*on_data)(const reprise_call *, const reprise_response *,
                                       reprise_bytes),
                        const char *expected, int expected_responses)
{
    seen[0] = '\0';
    responses = 0;
    fake_answers = long_answers;
    fake_headers = typed;
    start("session s\n0 10 GET /a 200\n",
          (const reprise_plugin *[]){PLUGIN("p", .on_response = count_response),
                                     PLUGIN("q", .on_response_data = on_data), NULL});
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_string_equal(seen, expected);
    assert_int_equal(responses, expected_responses);
    expect_and_end("0 GET /a\n", 0);
}

static void an_answer_is_seen_while_it_comes(void **state)
{
    (void)state;
    play_seeing(see, "abc|def|", 1);
    play_seeing(see_once, "abc|", 1);
    play_seeing(see_and_end, "abc|", 1);
}

static void a_plugin_may_fail_its_user_inside_an_answer(void **state)
{
    (void)state;
    play_seeing(see_and_fail, "abc|", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_is_sent_and_released),
        cmocka_unit_test(what_is_replaced_or_refused_is_released_too),
        cmocka_unit_test(a_retry_reads_the_source_from_its_beginning),
        cmocka_unit_test(whatever_becomes_of_a_request_its_source_is_released),
        cmocka_unit_test(a_source_under_way_is_released_when_its_user_goes),
        cmocka_unit_test(a_source_that_gives_garbage_fails_its_request_by_name),
        cmocka_unit_test(a_recorded_body_is_cut_around_its_values_and_not_copied),
        cmocka_unit_test(each_plugin_sees_of_a_body_what_its_flags_say),
        cmocka_unit_test(a_copy_of_a_request_has_its_body_whole),
        cmocka_unit_test(an_answer_is_seen_while_it_comes),
        cmocka_unit_test(a_plugin_may_fail_its_user_inside_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
