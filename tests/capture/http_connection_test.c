/* http_connection_test.c - plays of one connection, and the exchanges they must become. */
#include "tests/capture/play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum actor { CLIENT, SERVER, CLIENT_GAP, SERVER_GAP, CLIENT_FIN, SERVER_FIN, SERVER_RST, END };

struct line {
    enum actor actor;
    const char *text;
    uint64_t bytes; /* of a gap */
};

struct scene {
    const char *name;
    bool is_mid_stream;
    struct line lines[12];
    const char *expected;
    enum trace_reason reason; /* and how many bytes are lost for it */
    uint64_t lost_bytes;
};

#define GET(target)                                                                                \
    {                                                                                              \
        CLIENT, "GET " target " HTTP/1.1\r\nHost: h\r\n\r\n", 0                                    \
    }
#define OK(body, length)                                                                           \
    {                                                                                              \
        SERVER, "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" body, 0                    \
    }

/* RFC 6455 1.3. */
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static const struct scene scenes[] = {
    {"keep-alive",
     false,
     {GET("/a"), OK("one", "3"), GET("/b"), OK("two", "3")},
     "GET /a 200 <one\nGET /b 200 <two\n",
     0,
     0},
    {"pipelined",
     false,
     {GET("/a"), GET("/b"), GET("/c"), OK("1", "1"), OK("2", "1"), OK("3", "1")},
     "GET /a 200 <1\nGET /b 200 <2\nGET /c 200 <3\n",
     0,
     0},
    {"HEAD, 204 and 304 have no body",
     false,
     {{CLIENT,
       "HEAD /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\nGET /d "
       "HTTP/1.1\r\n\r\n",
       0},
      {SERVER,
       "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nHTTP/1.1 204 No\r\n\r\nHTTP/1.1 304 "
       "Not Modified\r\nContent-Length: 5\r\n\r\n",
       0},
      OK("x", "1")},
     "HEAD /a 200\nGET /b 204\nGET /c 304\nGET /d 200 <x\n",
     0,
     0},
    {"chunked with trailers, cut anywhere",
     false,
     {GET("/a"),
      {SERVER,
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n"
       "Digest:1\r\nEtag:  2\r\nnone\r\n\r\n",
       0},
      GET("/b"),
      OK("x", "1")},
     "GET /a 200 <abcde +Digest: 1\nEtag: 2\nGET /b 200 <x\n",
     0,
     0},
    {"a body until close",
     false,
     {GET("/a"), {SERVER, "HTTP/1.0 200 OK\r\n\r\nall of it", 0}, {SERVER_FIN, NULL, 0}},
     "GET /a 200 <all of it\n",
     0,
     0},
    {"a body until close that is reset is not whole",
     false,
     {GET("/a"), {SERVER, "HTTP/1.0 200 OK\r\n\r\nsome", 0}, {SERVER_RST, NULL, 0}},
     "GET /a 200 <some [truncated]\n",
     0,
     0},
    {"100-continue whatever its reason phrase",
     false,
     {{CLIENT, "POST /a HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n", 0},
      {SERVER, "HTTP/1.1 100 Go ahead\r\n\r\n", 0},
      {CLIENT, "body", 0},
      {SERVER, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 0},
      OK("x", "1")},
     "POST /a 200 after 100,103 >4/4 <x\n",
     0,
     0},
    {"an answer before the request has ended",
     false,
     {{CLIENT, "POST /a HTTP/1.1\r\nContent-Length: 8\r\n\r\nbody", 0},
      OK("x", "1"),
      {CLIENT, "more", 0},
      GET("/b"),
      OK("y", "1")},
     "POST /a 200 >8/8 <1/1\nGET /b 200 <y\n",
     0,
     0},
    {"an empty line behind a body is passed over",
     false,
     {{CLIENT, "POST /a HTTP/1.1\r\nContent-Length: 1\r\n\r\nx\r\nGET /b HTTP/1.1\r\n\r\n", 0},
      OK("1", "1"),
      OK("2", "1")},
     "POST /a 200 >1/1 <1\nGET /b 200 <2\n",
     0,
     0},
    {"a request without answer", false, {GET("/a")}, "GET /a 0 [no-response]\n", 0, 0},
    {"another protocol",
     false,
     {{SERVER, "220 mail ESMTP\r\n", 0}, {CLIENT, "EHLO me\r\n", 0}},
     "",
     TRACE_REASON_NOT_HTTP,
     25},
    {"HTTP/0.9",
     false,
     {{CLIENT, "GET /\r\n", 0}, {SERVER, "<html>", 0}},
     "",
     TRACE_REASON_NOT_HTTP,
     13},
    {"an answer that is not HTTP",
     false,
     {GET("/a"), {SERVER, "SSH-2.0-x\r\n", 0}},
     "GET /a 0 [no-response]\n",
     TRACE_REASON_NOT_HTTP,
     11},
    {"a head that never ends",
     false,
     {{CLIENT, "GET /a HTTP/1.1\r\nHost:", 0}},
     "",
     TRACE_REASON_INCOMPLETE,
     22},
    {"a second head that never ends",
     false,
     {GET("/a"), OK("1", "1"), {CLIENT, "GET /b HT", 0}},
     "GET /a 200 <1\n",
     TRACE_REASON_INCOMPLETE,
     9},
    {"bytes behind a request that are none",
     false,
     {GET("/a"),
      {CLIENT, "\001\002\003", 0},
      OK("1", "1"),
      {SERVER, "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n", 0}},
     "GET /a 200 <1\n400 [no-request]\n",
     TRACE_REASON_UNPARSABLE,
     3},
    {"mid-stream: a body's end, then a request",
     true,
     {{CLIENT, "end of a body", 0}, GET("/a"), OK("1", "1")},
     "GET /a 200 <1\n",
     TRACE_REASON_MID_STREAM,
     13},
    {"mid-stream: begins with an answer",
     true,
     {OK("1", "1"), GET("/a"), OK("2", "1")},
     "200 <1 [no-request]\nGET /a 200 <2\n",
     0,
     0},
    {"mid-stream: the client was guessed wrong",
     true,
     {{SERVER, "GET /a HTTP/1.1\r\n\r\n", 0}, {CLIENT, "HTTP/1.1 204 No\r\n\r\n", 0}},
     "GET /a 204\n",
     0,
     0},
    {"mid-stream: a HEAD's answer does not eat the next one",
     true,
     {{SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", 0}, GET("/a"), OK("1", "1")},
     "200 [no-request]\nGET /a 200 <1\n",
     0,
     0},
    {"a hole in a body",
     false,
     {GET("/a"), OK("ab", "6"), {SERVER_GAP, NULL, 3}, {SERVER, "f", 0}, GET("/b"), OK("x", "1")},
     "GET /a 200 <abf [gap]\nGET /b 200 <x\n",
     0,
     0},
    {"a hole up to the end of a body",
     false,
     {GET("/a"), OK("ab", "6"), {SERVER_GAP, NULL, 4}, GET("/b"), OK("x", "1")},
     "GET /a 200 <ab [gap]\nGET /b 200 <x\n",
     0,
     0},
    {"a lost answer: the next one belongs to the request sent after the hole",
     false,
     {GET("/a"), {SERVER_GAP, NULL, 60}, GET("/b"), OK("x", "1")},
     "GET /a 0 [gap no-response]\nGET /b 200 <x\n",
     0,
     0},
    {"a hole from a body into the next answer",
     false,
     {GET("/a"),
      OK("ab", "6"),
      {SERVER_GAP, NULL, 40},
      {SERVER, "of a body", 0},
      GET("/c"),
      OK("x", "1")},
     "GET /a 200 <ab [gap]\nGET /c 200 <x\n",
     TRACE_REASON_AFTER_GAP,
     9},
    {"pipelined, one of equal answers lost",
     false,
     {GET("/a"),
      GET("/b"),
      GET("/c"),
      GET("/d"),
      OK("1", "1"),
      {SERVER_GAP, NULL, 39},
      OK("3", "1"),
      OK("4", "1")},
     "GET /a 200 <1\nGET /b 0 [gap no-response]\nGET /c 200 <3\nGET /d 200 <4\n",
     0,
     0},
    {"pipelined, two of equal answers lost",
     false,
     {GET("/a"),
      GET("/b"),
      GET("/c"),
      GET("/d"),
      OK("1", "1"),
      {SERVER_GAP, NULL, 78},
      OK("4", "1")},
     "GET /a 200 <1\nGET /b 0 [gap no-response]\nGET /c 0 [gap no-response]\nGET /d 200 <4\n",
     0,
     0},
    {"a hole in chunk framing",
     false,
     {GET("/a"),
      GET("/b"),
      {SERVER, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 0},
      {SERVER_GAP, NULL, 10},
      {SERVER, "e\r\n0\r\n\r\n", 0},
      OK("x", "1")},
     "GET /a 200 <abc [gap truncated]\nGET /b 200 <x\n",
     TRACE_REASON_AFTER_GAP,
     8},
    {"a hole inside a chunk",
     false,
     {GET("/a"),
      {SERVER, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabc", 0},
      {SERVER_GAP, NULL, 2},
      {SERVER, "f\r\n0\r\n\r\n", 0},
      GET("/b"),
      OK("x", "1")},
     "GET /a 200 <abcf [gap]\nGET /b 200 <x\n",
     0,
     0},
    {"a hole in a head",
     false,
     {GET("/a"),
      {SERVER, "HTTP/1.1 200 OK\r\nConte", 0},
      {SERVER_GAP, NULL, 30},
      {SERVER, "rest", 0},
      GET("/b"),
      OK("x", "1")},
     "GET /a 0 [gap no-response]\nGET /b 200 <x\n",
     TRACE_REASON_INCOMPLETE,
     22},
    {"a lost request: its answer is not the next one's",
     false,
     {GET("/a"), OK("1", "1"), {CLIENT_GAP, NULL, 40}, OK("2", "1"), GET("/c"), OK("3", "1")},
     "GET /a 200 <1\n200 <2 [no-request]\nGET /c 200 <3\n",
     0,
     0},
    {"a lost request and its lost answer",
     false,
     {GET("/a"),
      OK("1", "1"),
      {CLIENT_GAP, NULL, 40},
      {SERVER_GAP, NULL, 40},
      GET("/c"),
      OK("3", "1")},
     "GET /a 200 <1\nGET /c 200 <3\n",
     0,
     0},
    {"pipelined, a request lost in the middle",
     false,
     {GET("/a"),
      GET("/b"),
      {CLIENT_GAP, NULL, 30},
      GET("/d"),
      OK("1", "1"),
      OK("2", "1"),
      OK("3", "1"),
      OK("4", "1")},
     "GET /a 200 <1\nGET /b 200 <2\n200 <3 [no-request]\nGET /d 200 <4\n",
     0,
     0},
    {"two Content-Lengths that differ",
     false,
     {{CLIENT, "POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 5\r\n\r\nxxxxx", 0},
      OK("1", "1"),
      GET("/b"),
      OK("2", "1")},
     "POST /a 200 <1 [unparsable]\nGET /b 200 <2\n",
     TRACE_REASON_UNPARSABLE,
     5},
    {"chunked wins over Content-Length",
     false,
     {{CLIENT,
       "POST /a HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
       "1\r\nx\r\n0\r\n\r\n",
       0},
      OK("1", "1")},
     "POST /a 200 >1/1 <1\n",
     0,
     0},
    {"a chunk size beyond everything",
     false,
     {{CLIENT, "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000001\r\nx", 0},
      OK("1", "1")},
     "POST /a 200 <1 [unparsable]\n",
     TRACE_REASON_UNPARSABLE,
     20},
    {"CONNECT, then HTTP in the tunnel",
     false,
     {{CLIENT, "CONNECT h:80 HTTP/1.1\r\n\r\n", 0},
      {SERVER, "HTTP/1.1 200 Yes\r\n\r\n", 0},
      GET("/a"),
      OK("1", "1")},
     "CONNECT h:80 200\nGET /a 200 <1\n",
     0,
     0},
    {"CONNECT, then another protocol",
     false,
     {{CLIENT, "CONNECT h:25 HTTP/1.1\r\n\r\n", 0},
      {SERVER, "HTTP/1.1 200 Yes\r\n\r\n", 0},
      {SERVER, "220 mail\r\n", 0},
      {CLIENT, "EHLO\r\n", 0}},
     "CONNECT h:25 200\n",
     TRACE_REASON_NOT_HTTP,
     16},
    {"sent ahead of the answer to CONNECT, by a client that has closed",
     false,
     {{CLIENT, "CONNECT h:80 HTTP/1.1\r\n\r\n", 0},
      {CLIENT, "\001POST", 0},
      {CLIENT_FIN, NULL, 0},
      {SERVER, "HTTP/1.1 200 Yes\r\n\r\n", 0}},
     "CONNECT h:80 200\n",
     TRACE_REASON_NOT_HTTP,
     5},
    {"CONNECT refused",
     false,
     {{CLIENT, "CONNECT h:25 HTTP/1.1\r\n\r\n", 0},
      {SERVER, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", 0},
      GET("/a"),
      OK("1", "1")},
     "CONNECT h:25 403\nGET /a 200 <1\n",
     0,
     0},
    {"Upgrade to another protocol",
     false,
     {{CLIENT, "GET /a HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 0},
      {CLIENT, "early", 0},
      {SERVER, "HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\nframes", 0}},
     "GET /a 101\n",
     TRACE_REASON_NOT_HTTP,
     11},
    {"an Upgrade that is ignored",
     false,
     {{CLIENT, "GET /a HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 0},
      OK("1", "1"),
      GET("/b"),
      OK("2", "1")},
     "GET /a 200 <1\nGET /b 200 <2\n",
     0,
     0},
    {"WebSocket with its first frame behind the 101",
     false,
     {{CLIENT, "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" KEY "\r\n", 0},
      {SERVER, "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n" ACCEPT "\r\n\x81\x02hi", 0},
      {CLIENT, "\x81\x82\x01\x01\x01\x01xn", 0}},
     "GET /ws 101\nserver 1 hi\nclient 1 yo\n",
     0,
     0},
    {"WebSocket with an accept header that answers no key",
     false,
     {{CLIENT, "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" KEY "\r\n", 0},
      {SERVER, "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n\x81\x02hi", 0}},
     "GET /ws 101 [unparsable]\nserver 1 hi\n",
     0,
     0},
    {"a request with a line that is no header",
     false,
     {{CLIENT, "CONNECT h:25 / HTTP/1.0\r\nMozilla 4.0\r\n\r\n", 0},
      {SERVER, "HTTP/1.0 200 Yes\r\n\r\n220 mail\r\n", 0}},
     "CONNECT h:25 / 200 [unparsable]\n",
     TRACE_REASON_NOT_HTTP,
     10},
    {"a frame sent before the 101 was seen",
     false,
     {{CLIENT,
       "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" KEY "\r\n"
       "\x81\x82\x01\x01\x01\x01xn",
       0},
      {SERVER, "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n" ACCEPT "\r\n", 0}},
     "GET /ws 101\nclient 1 yo\n",
     0,
     0},
    {"missing frames",
     false,
     {{CLIENT, "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" KEY "\r\n", 0},
      {SERVER, "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n" ACCEPT "\r\n\x81\x04hi", 0},
      {SERVER_GAP, NULL, 7},
      {SERVER, "\x81\x02ho", 0}},
     "GET /ws 101\nserver 1 hi [gap truncated]\n",
     TRACE_REASON_AFTER_GAP,
     4},
    {"the PROXY protocol ahead",
     false,
     {{CLIENT, "PROXY TCP4 1.2.3.4 5.6.7.8 1 80\r\nGET /a HTTP/1.1\r\n\r\n", 0}, OK("1", "1")},
     "GET /a 200 <1\n",
     TRACE_REASON_NOT_HTTP,
     33},
    {"SOCKS 5 ahead",
     false,
     {{CLIENT, "\x05\x01\x03", 0},
      {SERVER, "\x05\x03", 0},
      {CLIENT, "\x05\x01\x01xxxxyy", 0},
      {SERVER, "\x05\x01\x01\x01xxxxyy", 0},
      GET("/a"),
      OK("1", "1")},
     "GET /a 200 <1\n",
     TRACE_REASON_NOT_HTTP,
     24},
};

static void act(struct play *play, const struct line *line)
{
    switch (line->actor) {
    case CLIENT:
        play_client(play, line->text);
        break;
    case SERVER:
        play_server(play, line->text);
        break;
    case CLIENT_GAP:
        play_gap(play, FLOW_CLIENT, line->bytes);
        break;
    case SERVER_GAP:
        play_gap(play, FLOW_SERVER, line->bytes);
        break;
    case CLIENT_FIN:
        play_close(play, FLOW_CLIENT, TRACE_END_FIN);
        break;
    case SERVER_FIN:
        play_close(play, FLOW_SERVER, TRACE_END_FIN);
        break;
    case SERVER_RST:
        play_close(play, FLOW_SERVER, TRACE_END_RST);
        break;
    case END:
        break;
    }
}

static bool is_played_right(const struct scene *scene, size_t piece_bytes)
{
    bool is_right = true;
    struct play play;
    play_begin(&play, scene->is_mid_stream);
    play.piece_bytes = piece_bytes;
    for (size_t i = 0; i < 12 && (scene->lines[i].text || scene->lines[i].actor != CLIENT); i++)
        act(&play, &scene->lines[i]);
    play_close(&play, FLOW_CLIENT, TRACE_END_FIN);
    play_close(&play, FLOW_SERVER, TRACE_END_FIN);
    uint64_t lost = play_lost(&play, scene->reason);
    play_end(&play);
    if (strcmp(play_text(&play), scene->expected) != 0) {
        print_error("%s (pieces of %zu):\n%sexpected:\n%s", scene->name, piece_bytes,
                    play_text(&play), scene->expected);
        is_right = false;
    }
    if (scene->lost_bytes && lost != scene->lost_bytes) {
        print_error("%s (pieces of %zu): %llu bytes lost as %s, expected %llu\n", scene->name,
                    piece_bytes, (unsigned long long)lost, trace_reason_name(scene->reason),
                    (unsigned long long)scene->lost_bytes);
        is_right = false;
    }
    play_free(&play);
    return is_right;
}

static void a_connection_becomes_its_exchanges(void **state)
{
    (void)state;
    bool is_right = true;
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        is_right &= is_played_right(&scenes[i], 0);
    assert_true(is_right);
}

/* However TCP cuts the bytes. Where a search is needed a segment's start matters: not those. */
static void the_cuts_between_segments_do_not_matter(void **state)
{
    (void)state;
    bool is_right = true;
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        bool searches = scenes[i].is_mid_stream || scenes[i].lost_bytes;
        for (const struct line *line = scenes[i].lines; line < scenes[i].lines + 12; line++)
            searches |= line->actor == CLIENT_GAP || line->actor == SERVER_GAP;
        if (searches)
            continue;
        is_right &= is_played_right(&scenes[i], 1);
        is_right &= is_played_right(&scenes[i], 2);
        is_right &= is_played_right(&scenes[i], 7);
    }
    assert_true(is_right);
}

static void a_body_over_the_limit_is_cut_and_counted(void **state)
{
    (void)state;
    struct http_limits limits = http_default_limits();
    struct play play;
    limits.max_body_bytes = 4;
    for (size_t piece = 0; piece < 6; piece++) {
        play_begin_with(&play, false, &limits);
        play.piece_bytes = piece;
        play_client(&play, "GET /a HTTP/1.1\r\n\r\n");
        play_server(&play, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
        assert_int_equal(play_lost(&play, TRACE_REASON_BODY_LIMIT), 6);
        play_end(&play);
        assert_string_equal(play_text(&play), "GET /a 200 <0123 [truncated]\n");
        play_free(&play);
    }
}

static void requests_over_the_limit_go_without_their_answer(void **state)
{
    (void)state;
    struct http_limits limits = http_default_limits();
    struct play play;
    limits.max_pending = 2;
    play_begin_with(&play, false, &limits);
    play_client(&play, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n");
    play_end(&play);
    assert_string_equal(play_text(&play), "GET /a 0 [no-response]\nGET /b 0 [no-response]\n"
                                          "GET /c 0 [no-response]\n");
    play_free(&play);
}

static void a_head_without_end_is_given_up(void **state)
{
    (void)state;
    struct play play;
    char line[1024];
    memset(line, 'a', sizeof line);
    play_begin(&play, false);
    play_client(&play, "GET /a HTTP/1.1\r\nX: ");
    for (int i = 0; i < 400; i++)
        play_bytes(&play, FLOW_CLIENT, bytes_make(line, sizeof line));
    assert_true(play.context.pool.held_bytes <= HTTP1_MAX_HEAD_BYTES);
    play_end(&play);
    assert_string_equal(play_text(&play), "");
    play_free(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_becomes_its_exchanges),
        cmocka_unit_test(the_cuts_between_segments_do_not_matter),
        cmocka_unit_test(a_body_over_the_limit_is_cut_and_counted),
        cmocka_unit_test(requests_over_the_limit_go_without_their_answer),
        cmocka_unit_test(a_head_without_end_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
