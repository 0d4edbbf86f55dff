/*
 * transport_body_test.c - bodies that nobody holds whole, over every transport: sent from a source
 * or from pieces, at a pace, again from the beginning; answers that are looked at while they come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "core/clock.h"
#include "replay/transport/body_pace.h"
#include "tests/support/h2_server.h"
#include "tests/support/transport_rig.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define OK_2 OK "Content-Length: 2\r\n\r\nok"

static bool is_native(const struct rig *rig)
{
    return rig->ops == &transport_native;
}

/* ---- a source that knows what it gave ---------------------------------------------------------
 */

struct counted {
    struct http_body_source source;
    uint64_t fails_at; /* UINT64_MAX: never */
    uint64_t reads, next, begins;
    size_t most; /* at once */
};

static char byte_at(uint64_t offset)
{
    return (char)('a' + offset % 23);
}

static ssize_t read_counted(struct http_body_source *source, uint64_t offset, void *into,
                            size_t max)
{
    struct counted *counted = (struct counted *)source;
    size_t len = max < counted->most ? max : counted->most;
    assert_true(max > 0 && offset + max <= source->body_bytes);
    counted->begins += offset == 0;
    counted->reads++;
    if (offset + len > counted->fails_at) {
        source->failure = "the source is dry";
        return -1;
    }
    for (size_t i = 0; i < len; i++)
        ((char *)into)[i] = byte_at(offset + i);
    counted->next = offset + len;
    return (ssize_t)len;
}

static void count_bytes(struct counted *counted, uint64_t body_bytes)
{
    *counted = (struct counted){
        .source = {.body_bytes = body_bytes, .read = read_counted},
        .fails_at = UINT64_MAX,
        .most = SIZE_MAX,
    };
}

static void ask_init_counted(struct asked *asked, struct rig *rig, struct counted *counted)
{
    ask_init(asked, rig, "POST", "/upload");
    asked->http.source = &counted->source;
}

static void expect_heard(const struct rig *rig, int connection, uint64_t from, size_t len)
{
    struct bytes heard = buf_bytes(&rig->server.connections[connection].heard);
    assert_int_equal(heard.len, len);
    for (size_t i = 0; i < len; i++) {
        if (heard.ptr[i] != byte_at(from + i))
            fail_msg("byte %zu of %zu", i, len);
    }
}

enum { HEARD_BYTES = 300001 };

static size_t wanted_bytes;

static bool has_heard(struct rig *rig)
{
    return rig->server.count &&
           rig->server.connections[rig->server.count - 1].heard.len >= wanted_bytes;
}

static void a_source_is_what_is_sent(void **state)
{
    static const size_t steps_of[] = {SIZE_MAX, 1000, 7};
    static const struct wire_step steps[] = {HEAD, GO, BODY(HEARD_BYTES), SAY(OK_2), END};
    for (int i = 0; i < 3; i++) {
        struct rig rig;
        struct asked asked;
        struct counted counted;
        rig_open(&rig, *state, 0, 0);
        rig.server.scripts[0] = steps;
        count_bytes(&counted, HEARD_BYTES);
        counted.most = steps_of[i];
        ask_init_counted(&asked, &rig, &counted);
        asked.http.body = bytes_of("not this");
        assert_int_equal(ask_send(&asked), 0);
        wanted_bytes = HEARD_BYTES;
        rig_wait_until(&rig, has_heard);
        expect_heard(&rig, 0, 0, HEARD_BYTES);
        assert_non_null(strstr(buf_text(&rig.server.log), "\r\nContent-Length: 300001\r\n"));
        wire_server_go(&rig.server);
        rig_wait(&asked);
        assert_int_equal(asked.status, 200);
        assert_int_equal(counted.begins, 1);
        assert_true(asked.result.bytes_sent == rig.server.log.len + HEARD_BYTES);
        assert_int_equal(asked.result.body_bytes, 2);
        ask_fini(&asked);
        rig_close(&rig);
    }
}

static void the_methods_without_a_body_send_no_source(void **state)
{
    static const struct wire_step steps[] = {HEAD, SAY(OK_2), HEAD,
                                             SAY(OK "Content-Length: 2\r\n\r\n"), END};
    struct rig rig;
    struct asked asked;
    struct counted counted;
    rig_open(&rig, *state, 0, 0);
    rig.server.scripts[0] = steps;
    count_bytes(&counted, 0);
    ask_init_counted(&asked, &rig, &counted);
    rig_ask(&asked);
    assert_int_equal(asked.status, 200);
    assert_non_null(strstr(buf_text(&rig.server.log), "\r\nContent-Length: 0\r\n"));
    ask_fini(&asked);
    count_bytes(&counted, 5);
    ask_init(&asked, &rig, "HEAD", "/upload");
    asked.http.source = &counted.source;
    rig_ask(&asked);
    assert_int_equal(asked.status, 200);
    assert_int_equal(counted.reads, 0);
    ask_fini(&asked);
    rig_close(&rig);
}

static void a_body_in_pieces_is_one_body(void **state)
{
    static const struct wire_step steps[] = {HEAD, GO, BODY(HEARD_BYTES), SAY(OK_2), END};
    static char text[HEARD_BYTES];
    const struct bytes pieces[] = {
        {text, 1}, {text + 1, 99999}, {text + 100000, 7}, {text + 100007, HEARD_BYTES - 100007}};
    struct rig rig;
    struct asked asked;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = byte_at(i);
    rig_open(&rig, *state, 0, 0);
    rig.server.scripts[0] = steps;
    ask_init(&asked, &rig, "PUT", "/upload");
    asked.http.body_pieces = pieces;
    asked.http.body_piece_count = 4;
    assert_int_equal(ask_send(&asked), 0);
    wanted_bytes = HEARD_BYTES;
    rig_wait_until(&rig, has_heard);
    expect_heard(&rig, 0, 0, HEARD_BYTES);
    assert_non_null(strstr(buf_text(&rig.server.log), "\r\nContent-Length: 300001\r\n"));
    wire_server_go(&rig.server);
    rig_wait(&asked);
    assert_int_equal(asked.status, 200);
    ask_fini(&asked);
    rig_close(&rig);
}

/* ---- large, and slow --------------------------------------------------------------------------
 */

#define HUGE_BYTES ((uint64_t)2 << 30)

static ssize_t read_huge(struct http_body_source *source, uint64_t offset, void *into, size_t max)
{
    (void)source;
    memset(into, (int)(offset >> 20), max);
    return (ssize_t)max;
}

static long most_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void two_gigabytes_are_in_no_memory(void **state)
{
    static const struct wire_step steps[] = {HEAD, BODY(HUGE_BYTES), SAY(OK_2), END};
    enum { MOST_KIB = 64 * 1024 };
    struct http_body_source source = {.body_bytes = HUGE_BYTES, .read = read_huge};
    struct rig rig;
    struct asked asked;
    long before_kib = most_kib();
    rig_open(&rig, *state, 300 * RIG_TIMEOUT_US, 0);
    rig.server.scripts[0] = steps;
    ask_init(&asked, &rig, "POST", "/upload");
    asked.http.source = &source;
    assert_int_equal(ask_send(&asked), 0);
    while (!asked.done_count) /* as long as it takes: RIG_TIMEOUT_US is for what is small */
        loop_pass(&rig.loop, 100000);
    assert_int_equal(asked.failure, FAILURE_NONE);
    assert_int_equal(asked.status, 200);
    assert_true(rig.server.connections[0].heard_bytes == HUGE_BYTES + rig.server.log.len);
    assert_true(most_kib() - before_kib < MOST_KIB);
    ask_fini(&asked);
    rig_close(&rig);
}

static void a_source_waits_for_a_target_that_reads_slowly(void **state)
{
    static const struct wire_step steps[] = {HEAD, DEAF, GO, END};
    static const struct wire_step others[] = {HEAD, SAY(OK_2), END};
    struct rig rig;
    struct asked asked;
    struct counted counted;
    rig_open(&rig, *state, 0, 16 * 1024);
    rig.server.scripts[0] = steps;
    rig.server.scripts[1] = others;
    count_bytes(&counted, (uint64_t)64 << 20);
    ask_init_counted(&asked, &rig, &counted);
    assert_int_equal(ask_send(&asked), 0);
    rig_settle(&rig);
    rig_ask_fine(&rig, "/other");
    assert_true(counted.next < counted.source.body_bytes / 2); /* what sockets hold, no more */
    assert_int_equal(asked.done_count, 0);
    rig.ops->cancel(asked.call);
    ask_fini(&asked);
    rig_close(&rig);
}

/* A clock that stands still unless it is told to go. */
static uint64_t standing_us;

static uint64_t standing_clock_us(void)
{
    return standing_us;
}

static bool first_has_heard(struct rig *rig)
{
    return rig->server.count && rig->server.connections[0].heard.len >= wanted_bytes;
}

static void stand_still(struct rig *rig)
{
    standing_us = clock_now_us();
    rig->loop.clock_us = standing_clock_us;
}

static void a_pace_is_kept_and_holds_nobody_else_up(void **state)
{
    enum { PER_S = 125000, TOTAL = 100000 };
    static const struct wire_step steps[] = {HEAD, GO, BODY(TOTAL), SAY(OK_2), END};
    static const struct wire_step others[] = {HEAD, SAY(OK_2), END};
    struct rig rig;
    struct asked asked;
    struct counted counted;
    rig_open(&rig, *state, 0, 0);
    stand_still(&rig);
    rig.server.scripts[0] = steps;
    rig.server.scripts[1] = others;
    count_bytes(&counted, TOTAL);
    counted.source.bytes_per_s = PER_S;
    ask_init_counted(&asked, &rig, &counted);
    assert_int_equal(ask_send(&asked), 0);
    uint64_t helping = PER_S * BODY_PACE_STEP_US / 1000000;
    for (uint64_t sent = 0; sent < TOTAL; sent += helping) { /* at first nothing but its head */
        wanted_bytes = (size_t)sent;
        rig_wait_until(&rig, first_has_heard);
        rig_settle(&rig);
        assert_int_equal(rig.server.connections[0].heard.len, sent);
        if (rig.server.count < 2)
            rig_ask_fine(&rig, "/other");
        standing_us += BODY_PACE_STEP_US;
    }
    wanted_bytes = TOTAL;
    rig_wait_until(&rig, first_has_heard);
    expect_heard(&rig, 0, 0, TOTAL);
    wire_server_go(&rig.server);
    rig_wait(&asked);
    assert_int_equal(asked.status, 200);
    if (is_native(&rig)) /* libcurl has a clock of its own */
        assert_int_equal(asked.result.sending_us, 800000);
    ask_fini(&asked);
    rig_close(&rig);
}

/* A phone's short upload: none of it is sent before its time, by either transport. */
static void a_body_shorter_than_a_helping_takes_its_time(void **state)
{
    enum { PER_S = 125000, TOTAL = 5000, TAKES_US = 40000 };
    static const struct wire_step steps[] = {HEAD, BODY(TOTAL), SAY(OK_2), END};
    struct rig rig;
    struct asked asked;
    struct counted counted;
    rig_open(&rig, *state, 0, 0);
    stand_still(&rig);
    rig.server.scripts[0] = steps;
    count_bytes(&counted, TOTAL);
    counted.source.bytes_per_s = PER_S;
    ask_init_counted(&asked, &rig, &counted);
    assert_int_equal(ask_send(&asked), 0);
    rig_settle(&rig);
    standing_us += TAKES_US - 1;
    rig_settle(&rig);
    assert_int_equal(counted.reads, 0);
    standing_us++;
    rig_wait(&asked);
    assert_int_equal(asked.status, 200);
    assert_int_equal(counted.next, TOTAL);
    if (is_native(&rig))
        assert_int_equal(asked.result.sending_us, TAKES_US);
    ask_fini(&asked);
    rig_close(&rig);
}

/* ---- what goes wrong --------------------------------------------------------------------------
 */

static void a_source_that_fails_fails_its_request(void **state)
{
    static const uint64_t fails_at[] = {0, 100000};
    static const struct wire_step steps[] = {HEAD, END};
    static const struct wire_step others[] = {HEAD, SAY(OK_2), END};
    for (int i = 0; i < 2; i++) {
        struct rig rig;
        struct asked asked;
        struct counted counted;
        rig_open(&rig, *state, 0, 0);
        rig.server.scripts[0] = steps;
        rig.server.scripts[1] = others;
        count_bytes(&counted, HEARD_BYTES);
        counted.fails_at = fails_at[i];
        ask_init_counted(&asked, &rig, &counted);
        rig_ask(&asked);
        assert_int_equal(asked.failure, FAILURE_PLUGIN);
        assert_string_equal(asked.detail, "the source is dry");
        rig_settle(&rig);
        assert_true(rig.server.connections[0].has_ended); /* what was said of a length is untrue */
        rig_ask_fine(&rig, "/next");
        ask_fini(&asked);
        rig_close(&rig);
    }
}

static void a_connection_that_was_gone_has_it_read_from_the_beginning(void **state)
{
    static const struct wire_step first[] = {HEAD, SAY(OK_2), HEAD, BODY(1), RESET};
    static const struct wire_step second[] = {HEAD, GO, BODY(HEARD_BYTES), SAY(OK_2), END};
    struct rig rig;
    struct asked asked;
    struct counted counted;
    rig_open(&rig, *state, 0, 0);
    rig.server.scripts[0] = first;
    rig.server.scripts[1] = second;
    rig_ask_fine(&rig, "/first");
    count_bytes(&counted, HEARD_BYTES);
    ask_init_counted(&asked, &rig, &counted);
    assert_int_equal(ask_send(&asked), 0);
    for (int i = 0; i < 100 && rig.server.count < 2 && !asked.done_count; i++)
        rig_settle(&rig);
    if (asked.done_count) { /* libcurl retries only what had brought no error of its own */
        assert_false(is_native(&rig));
        assert_int_equal(asked.failure, FAILURE_RESET);
    } else {
        wanted_bytes = HEARD_BYTES;
        rig_wait_until(&rig, has_heard);
        expect_heard(&rig, 1, 0, HEARD_BYTES);
        assert_int_equal(counted.begins, 2);
        wire_server_go(&rig.server);
        rig_wait(&asked);
        assert_int_equal(asked.status, 200);
    }
    ask_fini(&asked);
    rig_close(&rig);
}

static void an_answer_before_the_source_is_sent_ends_it(void **state)
{
    static const struct wire_step steps[] = {
        HEAD, SAY("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"), DEAF, END};
    static const struct wire_step others[] = {HEAD, SAY(OK_2), END};
    struct rig rig;
    struct asked asked;
    struct counted counted;
    rig_open(&rig, *state, 0, 16 * 1024);
    rig.server.scripts[0] = steps;
    rig.server.scripts[1] = others;
    count_bytes(&counted, (uint64_t)64 << 20);
    ask_init_counted(&asked, &rig, &counted);
    rig_ask(&asked);
    assert_int_equal(asked.failure, FAILURE_NONE);
    assert_int_equal(asked.status, 413);
    assert_true(counted.next < counted.source.body_bytes);
    rig_ask_fine(&rig, "/next"); /* not on a connection that waits for a body */
    assert_int_equal(rig.server.count, 2);
    ask_fini(&asked);
    rig_close(&rig);
}

static void a_source_waits_for_100(void **state)
{
    static const struct wire_step steps[] = {
        HEAD, GO, SAY("HTTP/1.1 100 Go on\r\n\r\n"), BODY(1000), SAY(OK_2), END};
    static const struct http_header headers[] = {{{"Expect", 6}, {"100-continue", 12}}};
    struct rig rig;
    struct asked asked;
    struct counted counted;
    rig_open(&rig, *state, 0, 0);
    rig.server.scripts[0] = steps;
    count_bytes(&counted, 1000);
    ask_init_counted(&asked, &rig, &counted);
    asked.http.headers = headers;
    asked.http.header_count = 1;
    assert_int_equal(ask_send(&asked), 0);
    rig_settle(&rig);
    assert_int_equal(rig.server.connections[0].heard_bytes, rig.server.log.len);
    wire_server_go(&rig.server);
    rig_wait(&asked);
    assert_int_equal(asked.status, 200);
    ask_fini(&asked);
    rig_close(&rig);
}

static bool has_nobody(struct rig *rig)
{
    return wire_server_open_count(&rig->server) == 0;
}

static void a_source_under_way_can_be_cancelled_and_its_user_closed(void **state)
{
    static const struct wire_step steps[] = {HEAD, END};
    for (int i = 0; i < 4; i++) {
        struct rig rig;
        struct asked asked;
        struct counted counted;
        rig_open(&rig, *state, 0, 0);
        rig.server.scripts[0] = steps;
        count_bytes(&counted, (uint64_t)20 << 20);
        counted.source.bytes_per_s = i % 2 ? 1000 : 0; /* waiting for its turn, or for room */
        ask_init_counted(&asked, &rig, &counted);
        assert_int_equal(ask_send(&asked), 0);
        rig_settle(&rig);
        if (i < 2) {
            rig.ops->cancel(asked.call);
        } else {
            rig.ops->user_close(rig.user);
            rig.user = NULL;
        }
        uint64_t reads = counted.reads;
        rig_settle(&rig);
        assert_int_equal(counted.reads, reads);
        assert_int_equal(asked.done_count, 0);
        rig_wait_until(&rig, has_nobody);
        ask_fini(&asked);
        rig_close(&rig);
    }
}

/* ---- answers that are looked at ---------------------------------------------------------------
 */

static struct buf seen = BUF_INIT(1 << 20);
static const char *seen_server; /* what its header says */
static uint64_t enough_bytes;   /* no more is wanted behind so many */
static uint64_t seen_bytes;
static int heads_seen;

static bool look(void *owner, const struct transport_result *so_far, struct bytes data)
{
    const struct asked *asked = owner;
    assert_int_equal(asked->done_count, 0);
    assert_int_equal(heads_seen, 1);
    assert_int_equal(so_far->response.status, 200);
    struct bytes found = http_headers_find(so_far->response.headers, so_far->response.header_count,
                                           bytes_of("server"));
    assert_true(bytes_equal(found, bytes_of(seen_server)));
    assert_true(data.len > 0);
    if (seen.len < 1000)
        buf_append_bytes(&seen, data);
    seen_bytes += data.len;
    return seen_bytes < enough_bytes;
}

static void see_head(void *owner, const struct http_response *head)
{
    const struct asked *asked = owner;
    assert_int_equal(asked->done_count, 0);
    assert_int_equal(head->status / 100, 2);
    heads_seen++;
}

static const struct transport_viewer viewer = {see_head, look, true};

/* All of it by now: what was shown, or what is in the result. */
static const char *seen_of(const struct asked *asked)
{
    return buf_text(asked->result.was_shown ? &seen : &asked->body);
}

static void ask_init_looked_at(struct asked *asked, struct rig *rig, const char *target)
{
    ask_init(asked, rig, "GET", target);
    asked->request.viewer = &viewer;
    asked->request.keeps_body = false;
    asked->request.keeps_headers = true;
    heads_seen = 0;
    seen_server = "s";
    enough_bytes = UINT64_MAX;
    seen_bytes = 0;
    buf_clear(&seen);
}

static void pieces_are_seen_as_they_come(void **state)
{
    static const struct wire_step by_length[] = {
        HEAD, SAY(OK "Server: s\r\nContent-Length: 6\r\n\r\nab"), GO, SAY("cd"), GO, SAY("ef"),
        END};
    static const struct wire_step in_chunks[] = {
        HEAD, SAY(OK "Server: s\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"),
        GO,   SAY("1\r\nc\r\n1\r\nd\r\n"),
        GO,   SAY("2\r\nef\r\n0\r\n\r\n"),
        END};
    static const struct wire_step until_close[] = {
        HEAD, SAY(OK "Server: s\r\n\r\nab"), GO, SAY("cd"), GO, SAY("ef"), CLOSE};
    static const struct wire_step *const scripts[] = {by_length, in_chunks, until_close};
    static const char *const expected[] = {"ab", "abcd"};
    for (int i = 0; i < 6; i++) {
        struct rig rig;
        struct asked asked;
        rig_open(&rig, *state, 0, 0);
        rig.server.scripts[0] = scripts[i / 2];
        ask_init_looked_at(&asked, &rig, "/stream");
        asked.request.keeps_body = i % 2;
        assert_int_equal(ask_send(&asked), 0);
        for (int j = 0; j < 2; j++) {
            rig_settle(&rig);
            assert_string_equal(buf_text(&seen), expected[j]);
            assert_int_equal(asked.done_count, 0);
            wire_server_go(&rig.server);
        }
        rig_wait(&asked);
        assert_int_equal(asked.failure, FAILURE_NONE);
        assert_int_equal(asked.status, 200);
        assert_string_equal(buf_text(&seen), "abcdef");
        assert_string_equal(buf_text(&asked.body), i % 2 ? "abcdef" : "");
        assert_int_equal(asked.result.body_bytes, 6);
        ask_fini(&asked);
        rig_close(&rig);
    }
}

static void an_answer_that_is_whole_at_once_is_seen_too(void **state)
{
    static const struct wire_step steps[] = {
        HEAD, SAY(OK "Server: s\r\nContent-Length: 2\r\n\r\nok"), END};
    struct rig rig;
    struct asked asked;
    rig_open(&rig, *state, 0, 0);
    rig.server.scripts[0] = steps;
    ask_init_looked_at(&asked, &rig, "/");
    rig_ask(&asked);
    assert_string_equal(seen_of(&asked), "ok");
    assert_true(asked.result.was_shown || is_native(&rig));
    ask_fini(&asked);
    rig_close(&rig);
}

static void who_has_seen_enough_ends_the_answer(void **state)
{
    static const struct wire_step endless[] = {
        HEAD, SAY(OK "Server: s\r\nContent-Length: 10000000000\r\n\r\n"),
        FLOOD("0123456789", (uint64_t)1 << 40), END};
    static const struct wire_step others[] = {HEAD, SAY(OK_2), END};
    struct rig rig;
    struct asked asked;
    rig_open(&rig, *state, 0, 0);
    rig.server.scripts[0] = endless;
    rig.server.scripts[1] = others;
    ask_init_looked_at(&asked, &rig, "/endless");
    enough_bytes = 1000000;
    rig_ask(&asked);
    assert_int_equal(asked.failure, FAILURE_NONE);
    assert_int_equal(asked.status, 200);
    assert_true(seen_bytes >= enough_bytes && seen_bytes < 2 * enough_bytes);
    rig_settle(&rig);
    assert_true(rig.server.connections[0].has_ended);
    rig_ask_fine(&rig, "/next");
    ask_fini(&asked);
    rig_close(&rig);
}

static void a_looked_at_answer_that_breaks_off_is_no_answer(void **state)
{
    static const struct wire_step steps[] = {
        HEAD, SAY(OK "Server: s\r\nContent-Length: 6\r\n\r\nab"), GO, CLOSE};
    struct rig rig;
    struct asked asked;
    rig_open(&rig, *state, 0, 0);
    rig.server.scripts[0] = steps;
    ask_init_looked_at(&asked, &rig, "/");
    assert_int_equal(ask_send(&asked), 0);
    rig_settle(&rig);
    wire_server_go(&rig.server);
    rig_wait(&asked);
    assert_int_equal(asked.failure, FAILURE_TRUNCATED);
    assert_string_equal(buf_text(&seen), "ab");
    ask_fini(&asked);
    rig_close(&rig);
}

/* ---- the same over HTTP/2 ---------------------------------------------------------------------
 */

/* The rig before a server that speaks HTTP/2; its own is not asked. */
static void h2_open(struct rig *rig, struct h2_server *server, const struct transport_ops *ops)
{
    struct error err = {0};
    *server = (struct h2_server){0};
    h2_server_start(server);
    rig_open(rig, ops, 0, 0);
    ops->user_close(rig->user);
    ops->close(rig->transport);
    rig->options.http = TRANSPORT_HTTP_2;
    if (ops->open(&rig->transport, &rig->loop, &rig->options, &err))
        fail_msg("%s", err.text);
    rig->user = ops->user_open(rig->transport);
    snprintf(rig->origin, sizeof rig->origin, "http://127.0.0.1:%u", server->port);
}

/* libcurl 7.88 uses no connection of this kind twice. */
static void h2_anew(struct rig *rig)
{
    if (is_native(rig))
        return;
    rig->ops->user_close(rig->user);
    rig->user = rig->ops->user_open(rig->transport);
}

static void over_http_2_a_source_fills_the_windows(void **state)
{
    enum { BYTES = 900000 }; /* many times what a stream may send at once */
    struct h2_server server;
    struct rig rig;
    struct asked asked;
    struct counted counted;
    h2_open(&rig, &server, *state);
    count_bytes(&counted, BYTES);
    counted.most = 10000;
    ask_init(&asked, &rig, "POST", is_native(&rig) ? "/echo" : "/hello");
    asked.http.source = &counted.source;
    rig_ask(&asked);
    assert_int_equal(asked.status, 200);
    const char *body = strstr(buf_text(&asked.body), "\n\n");
    if (is_native(&rig)) {
        assert_non_null(body);
        assert_non_null(strstr(buf_text(&asked.body), "content-length: 900000\n"));
        assert_int_equal(strlen(body + 2), BYTES);
    }
    for (size_t i = 0; body && i < BYTES; i++) {
        if (body[2 + i] != byte_at(i))
            fail_msg("byte %zu", i);
    }
    ask_fini(&asked);
    rig_close(&rig);
    h2_server_stop(&server);
    assert_int_equal(server.body_bytes, BYTES);
}

static void over_http_2_a_pace_is_kept(void **state)
{
    enum { PER_S = 1000000, TOTAL = 200000 };
    struct h2_server server;
    struct rig rig;
    struct asked asked, other;
    struct counted counted;
    h2_open(&rig, &server, *state);
    stand_still(&rig);
    count_bytes(&counted, TOTAL);
    counted.source.bytes_per_s = PER_S;
    ask_init(&asked, &rig, "POST", "/hello");
    asked.http.source = &counted.source;
    assert_int_equal(ask_send(&asked), 0);
    ask_init(&other, &rig, "GET", "/hello"); /* a stream of the same connection */
    if (is_native(&rig)) {
        rig_ask(&other);
        assert_int_equal(other.status, 200);
    }
    assert_int_equal(asked.done_count, 0);
    uint64_t begun_us = standing_us;
    while (counted.next < TOTAL && !asked.done_count) { /* ends by the request's own timeout */
        uint64_t may = (standing_us - begun_us) * PER_S / 1000000;
        assert_true(counted.next <= may);
        standing_us += BODY_PACE_STEP_US / 50;
        loop_pass(&rig.loop, 1000);
    }
    rig_wait(&asked);
    assert_int_equal(asked.status, 200);
    assert_int_equal(counted.next, TOTAL);
    assert_true(standing_us - begun_us >= 200000);
    ask_fini(&asked);
    ask_fini(&other);
    rig_close(&rig);
    h2_server_stop(&server);
}

static void over_http_2_a_source_that_fails_takes_its_stream_alone(void **state)
{
    struct h2_server server;
    struct rig rig;
    struct asked asked;
    struct counted counted;
    h2_open(&rig, &server, *state);
    count_bytes(&counted, HEARD_BYTES);
    counted.fails_at = 30000;
    ask_init(&asked, &rig, "POST", "/echo");
    asked.http.source = &counted.source;
    rig_ask(&asked);
    assert_int_equal(asked.failure, FAILURE_PLUGIN);
    assert_string_equal(asked.detail, "the source is dry");
    uint32_t connections = is_native(&rig) ? 1 : 2;
    h2_anew(&rig);
    rig_ask_fine(&rig, "/hello");
    ask_fini(&asked);
    rig_close(&rig);
    h2_server_stop(&server);
    assert_int_equal(server.connections, connections);
}

static void over_http_2_answers_are_seen_and_ended(void **state)
{
    static const struct {
        const char *path;
        uint64_t enough_bytes;
        const char *seen;
    } rows[] = {
        {"/hello", UINT64_MAX, "hello"},
        {"/gzip", UINT64_MAX, "hello hello\n"},
        {"/big", 100000, NULL},
        {"/empty", UINT64_MAX, ""},
    };
    struct h2_server server;
    struct rig rig;
    h2_open(&rig, &server, *state);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct asked asked;
        ask_init_looked_at(&asked, &rig, rows[i].path);
        seen_server = NULL;
        enough_bytes = rows[i].enough_bytes;
        asked.request.keeps_body = rows[i].seen != NULL;
        rig_ask(&asked);
        assert_int_equal(asked.failure, FAILURE_NONE);
        assert_int_equal(asked.status, *buf_text(&seen) ? 200 : 204);
        if (rows[i].seen) {
            assert_string_equal(buf_text(&seen), rows[i].seen);
            assert_string_equal(buf_text(&asked.body), rows[i].seen);
        }
        assert_true(seen_bytes < 1000000);
        ask_fini(&asked);
        h2_anew(&rig);
    }
    bool is_reset = is_native(&rig);
    rig_close(&rig);
    h2_server_stop(&server);
    if (is_reset) {
        assert_int_equal(server.resets, 1);
        assert_int_equal(server.connections, 1);
    }
}

#define OVER(ops, test)                                                                            \
    {                                                                                              \
        .name = #ops ": " #test, .test_func = test,                                                \
        .initial_state = (void *)(uintptr_t)&transport_##ops                                       \
    }
#define OVER_BOTH(test) OVER(curl, test), OVER(native, test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(a_source_is_what_is_sent),
        OVER_BOTH(the_methods_without_a_body_send_no_source),
        OVER_BOTH(a_body_in_pieces_is_one_body),
        OVER_BOTH(two_gigabytes_are_in_no_memory),
        OVER_BOTH(a_source_waits_for_a_target_that_reads_slowly),
        OVER_BOTH(a_pace_is_kept_and_holds_nobody_else_up),
        OVER_BOTH(a_body_shorter_than_a_helping_takes_its_time),
        OVER_BOTH(a_source_that_fails_fails_its_request),
        OVER_BOTH(a_connection_that_was_gone_has_it_read_from_the_beginning),
        OVER_BOTH(an_answer_before_the_source_is_sent_ends_it),
        OVER_BOTH(a_source_waits_for_100),
        OVER_BOTH(a_source_under_way_can_be_cancelled_and_its_user_closed),
        OVER_BOTH(pieces_are_seen_as_they_come),
        OVER_BOTH(an_answer_that_is_whole_at_once_is_seen_too),
        OVER_BOTH(who_has_seen_enough_ends_the_answer),
        OVER_BOTH(a_looked_at_answer_that_breaks_off_is_no_answer),
        OVER_BOTH(over_http_2_a_source_fills_the_windows),
        OVER_BOTH(over_http_2_a_pace_is_kept),
        OVER_BOTH(over_http_2_a_source_that_fails_takes_its_stream_alone),
        OVER_BOTH(over_http_2_answers_are_seen_and_ended),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_fini(&seen);
    return failed;
}
