/* user_stream_test.c - values of answers that are still coming: who waits for them goes on at once.
 */
#include "tests/plugins/chain_fixture.h"
#include "tests/support/play.h"

static struct play play;

static void start(const char *script, enum pacing_mode mode)
{
    play_prepare(&play, script, (struct pacing){mode, 1, 1});
    fake_logs_all = true;
    play_start(&play, 0, 0);
}

static void expect(const char *log)
{
    play_expect(&play, log);
    assert_int_equal(play.ended, 1);
    assert_int_equal(play.env.metrics->bindings_missing[MISSING_RECORDED], 0);
    play_end(&play);
}

/* A stream of which /items/7 was asked while it was open, and /last behind it. */
#define OPEN_STREAM                                                                                \
    "session s\n0 900 GET /events 200\nanswered 5\nevent hello {\"id\":\"no\"}\n"                  \
    "event item {\"id\":\"old7\"}\nevent item {\"id\":\"old7\"}\n"                                 \
    "100 110 GET /items/old7 200\n950 960 GET /last/old7 200\n"

static const struct fake_answer stream_answer[] = {
    {"GET /events", 900, 200, 0, NULL, "not in pieces"}, {0}};

static void an_event_is_used_while_its_stream_is_open(void **state)
{
    (void)state;
    static const struct fake_piece pieces[] = {
        {"GET /events", 5, NULL},
        {"GET /events", 300, "event: hello\ndata: {\"id\":\"no\"}\n\nevent: item\r"},
        {"GET /events", 310, "\ndata: {\"id\":\"live1\"}\r\n"},
        {"GET /events", 400, "\r\n"},
        {0}};
    fake_answers = stream_answer;
    fake_pieces = pieces;
    start(OPEN_STREAM "bind 1 sse:item > body:/id -> 2 path:2\n"
                      "bind 1 sse:item > body:/id -> 3 path:2\n",
          PACING_THINK);
    expect("0 GET /events\n400 GET /items/live1\n950 GET /last/live1\n");
}

static void the_event_that_had_it_when_it_was_recorded_is_waited_for(void **state)
{
    (void)state;
    static const struct fake_piece pieces[] = {{"GET /events", 50, "data: {\"t\":\"new1\"}\n\n"},
                                               {"GET /events", 200, "data: {\"t\":\"new2\"}\n\n"},
                                               {"GET /events", 400, "data: {\"t\":\"new3\"}\n\n"},
                                               {0}};
    fake_answers = stream_answer;
    fake_pieces = pieces;
    start("session s\n0 900 GET /events 200\nanswered 5\nevent message {\"t\":\"a\"}\n"
          "event message {\"t\":\"b\"}\nevent message {\"t\":\"c\"}\n"
          "100 110 GET /x/a 200\n120 130 GET /x/b 200\n500 510 GET /x/c 200\n"
          "bind 1 sse:message > body:/t -> 2 path:2\nbind 1 sse:message > body:/t -> 3 path:2\n"
          "bind 1 sse:message > body:/t -> 4 path:2\n",
          PACING_OPEN);
    expect("0 GET /events\n100 GET /x/new1\n200 GET /x/new2\n500 GET /x/new3\n");
}

static void an_event_that_does_not_come_is_waited_for_no_longer_than_a_message(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /events", 9000, 200, 0, NULL, ""}, {0}};
    static const struct fake_piece pieces[] = {{"GET /events", 50, "data: {\"t\":\"new1\"}\n\n"},
                                               {0}};
    fake_answers = answers;
    fake_pieces = pieces;
    start("session s\n0 900 GET /events 200\nanswered 5\nevent message {\"t\":\"a\"}\n"
          "event message {\"t\":\"b\"}\n100 110 GET /x/b 200\n"
          "bind 1 sse:message > body:/t -> 2 path:2\n",
          PACING_THINK);
    expect("0 GET /events\n1100 GET /x/new1\n");
}

static void a_header_is_taken_at_the_head_and_json_at_its_last_byte(void **state)
{
    (void)state;
    static const struct fake_header headers[] = {{"POST /jobs", "Location", "/jobs/live"}, {0}};
    static const struct fake_answer answers[] = {{"POST /jobs", 900, 201, 0, "k=c-live", ""}, {0}};
    static const struct fake_piece pieces[] = {
        {"POST /jobs", 200, NULL},
        {"POST /jobs", 300, "{\"rows\":[1,2],\"id\":\"n\\\"1\""},
        {"POST /jobs", 400, ",\"next\":\"/n?cursor=c%201\",\"later\":\"x"},
        {"POST /jobs", 500, "y\"}"},
        {0}};
    fake_headers = headers;
    fake_answers = answers;
    fake_pieces = pieces;
    start("session s\n0 900 POST /jobs 201\nanswered 5\nset-cookie k=c-old\n"
          "answer-header Location: /jobs/loc\n"
          "answer {\"id\":\"old\",\"next\":\"/n?cursor=cur\",\"later\":\"lat\"}\n"
          "100 110 GET /jobs/loc/c-old 200\n120 130 GET /items/old 200\n"
          "140 150 GET /p?c=cur 200\n160 170 GET /q/lat 200\n"
          "bind 1 header:Location > path:2 -> 2 path:2\nbind 1 cookie:k -> 2 path:3\n"
          "bind 1 body:/id -> 3 path:2\n"
          "bind 1 body:/next > query:cursor -> 4 query:c\nbind 1 body:/later -> 5 path:2\n",
          PACING_OPEN);
    expect("0 POST /jobs\n200 GET /jobs/live/c-live\n300 GET /items/n%221\n"
           "400 GET /p?c=c%201\n500 GET /q/xy\n");
}

static void what_only_a_whole_body_shows_is_taken_at_its_end(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /page", 500, 200, 0, NULL, ""}, {0}};
    static const struct fake_piece pieces[] = {
        {"GET /page", 200, "<input name=csrf value="}, {"GET /page", 300, "live><p>"}, {0}};
    fake_answers = answers;
    fake_pieces = pieces;
    start("session s\n0 50 GET /page 200\nanswer <input name=csrf value=old>\n"
          "100 110 GET /x/old 200\nbind 1 html:input[csrf] -> 2 path:2\n",
          PACING_OPEN);
    expect("0 GET /page\n500 GET /x/live\n");
}

static void what_an_answer_gave_before_it_broke_off_stays(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /events", 500, 0, FAILURE_RESET, NULL, NULL},
                                                 {0}};
    static const struct fake_piece pieces[] = {
        {"GET /events", 50, "event: item\ndata: {\"id\":\"live\"}\n\nevent: item\ndata: {\"id\":"},
        {0}};
    fake_answers = answers;
    fake_pieces = pieces;
    start(OPEN_STREAM "bind 1 sse:item > body:/id -> 3 path:2\n", PACING_THINK);
    expect("0 GET /events\n100 GET /items/old7\n550 GET /last/live\n");
}

static void what_was_on_its_way_keeps_its_value(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {
        {"GET /events", 900, 200, 0, NULL, ""}, {"GET /x/new1", 300, 200, 0, NULL, NULL}, {0}};
    static const struct fake_piece pieces[] = {{"GET /events", 50, "data: {\"t\":\"new1\"}\n\n"},
                                               {"GET /events", 200, "data: {\"t\":\"new2\"}\n\n"},
                                               {0}};
    fake_answers = answers; /* the fake looks again at what it was given when it answers */
    fake_pieces = pieces;
    start("session s\n0 900 GET /events 200\nanswered 5\nevent message {\"t\":\"a\"}\n"
          "100 110 GET /x/a 200\nbind 1 sse:message > body:/t -> 2 path:2\n",
          PACING_THINK);
    expect("0 GET /events\n100 GET /x/new1\n");
}

static void a_session_that_ends_inside_a_stream_is_clean(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /events", -1, 0, 0, NULL, NULL}, {0}};
    static const struct fake_piece pieces[] = {{"GET /events", 50, "event: item\ndata: {\"i"}, {0}};
    fake_answers = answers;
    fake_pieces = pieces;
    start(OPEN_STREAM "bind 1 sse:item > body:/id -> 2 path:2\n", PACING_THINK);
    fake_run(&play.loop, 200000);
    user_end(play.users[0], SESSION_CANCELLED, "");
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_int_equal(play.ended, 1);
    play_end(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_used_while_its_stream_is_open),
        cmocka_unit_test(the_event_that_had_it_when_it_was_recorded_is_waited_for),
        cmocka_unit_test(an_event_that_does_not_come_is_waited_for_no_longer_than_a_message),
        cmocka_unit_test(a_header_is_taken_at_the_head_and_json_at_its_last_byte),
        cmocka_unit_test(what_only_a_whole_body_shows_is_taken_at_its_end),
        cmocka_unit_test(what_an_answer_gave_before_it_broke_off_stays),
        cmocka_unit_test(what_was_on_its_way_keeps_its_value),
        cmocka_unit_test(a_session_that_ends_inside_a_stream_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
