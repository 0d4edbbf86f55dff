/*
 * pairing_test.c - conversations with random losses: an answer names its request, so a wrong pair
 * shows.
 *
 * The losses are made as capture sees them: a span of one side's bytes is replaced by a gap, and
 * the two sides come in causal order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "capture/http_connection.h"
#include "core/random.h"

enum { MAX_EXCHANGES = 12, SEGMENT_BYTES = 100, ROUNDS = 3000 };

struct tally {
    uint32_t pairs, wrong, orphans, unanswered;
    int64_t last_id;
};

static int64_t on_body(void *owner, struct exchange *exchange, enum trace_sender sender,
                       struct bytes body)
{
    (void)owner, (void)exchange, (void)sender, (void)body;
    return 1;
}

/* Targets are "/7", and the answer to it has the reason "7". */
static void on_exchange(void *owner, const struct exchange *exchange, struct trace_exchange *row,
                        struct bytes body)
{
    struct tally *tally = owner;
    (void)exchange, (void)body;
    row->exchange_id = ++tally->last_id;
    tally->orphans += row->method.len == 0;
    tally->unanswered += row->status == 0;
    if (row->method.len == 0 || row->status == 0)
        return;
    tally->pairs++;
    tally->wrong += !bytes_equal(bytes_from(row->target, 1), row->reason);
}

static void on_message(void *owner, struct trace_message *row, struct bytes content)
{
    (void)owner, (void)row, (void)content;
}

struct talk {
    struct random random;
    struct http_connection *connection;
    uint32_t loss_per_mille[2]; /* by enum flow_side */
    bool is_one_size;
};

/* In segments, of which some are lost. */
static void say(struct talk *talk, enum flow_side from, struct bytes bytes)
{
    while (bytes.len) {
        size_t len = bytes.len < SEGMENT_BYTES ? bytes.len : SEGMENT_BYTES;
        if (random_below(&talk->random, 1000) < talk->loss_per_mille[from])
            http_connection_gap(talk->connection, from, len, 1);
        else
            http_connection_data(talk->connection, from, bytes_make(bytes.ptr, len), 1);
        bytes = bytes_from(bytes, len);
    }
}

static void say_request(struct talk *talk, int id)
{
    struct buf text = BUF_INIT(10000);
    size_t body = random_below(&talk->random, 4) == 0 ? random_below(&talk->random, 500) : 0;
    if (body)
        buf_printf(&text, "POST /%d HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%0*d", id, body,
                   (int)body, 0);
    else
        buf_printf(&text, "GET /%d HTTP/1.1\r\n\r\n", id);
    say(talk, FLOW_CLIENT, buf_bytes(&text));
    buf_fini(&text);
}

static void say_answer(struct talk *talk, int id)
{
    struct buf text = BUF_INIT(10000);
    size_t body = talk->is_one_size ? 150 : 1 + random_below(&talk->random, 700);
    if (!talk->is_one_size && random_below(&talk->random, 4) == 0)
        buf_printf(&text,
                   "HTTP/1.1 200 %d\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n%0*d\r\n0\r\n\r\n",
                   id, body, (int)body, 0);
    else
        buf_printf(&text, "HTTP/1.1 200 %d\r\nContent-Length: %zu\r\n\r\n%0*d", id, body, (int)body,
                   0);
    say(talk, FLOW_SERVER, buf_bytes(&text));
    buf_fini(&text);
}

static struct tally talk_many(uint32_t client_loss, uint32_t server_loss, int pipelined,
                              bool is_one_size)
{
    static const struct http_sink sink = {on_body, on_exchange, on_message};
    struct http_limits limits = http_default_limits();
    struct http_context context;
    struct tally tally = {0};
    http_context_init(&context, &limits, &sink);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct talk talk = {.loss_per_mille = {client_loss, server_loss},
                            .is_one_size = is_one_size};
        random_init(&talk.random, 7, round);
        talk.connection = http_connection_new(&context, &tally, false);
        for (int id = 10; id < 10 + MAX_EXCHANGES; id += pipelined) {
            for (int i = 0; i < pipelined; i++)
                say_request(&talk, id + i);
            for (int i = 0; i < pipelined; i++)
                say_answer(&talk, id + i);
        }
        http_connection_close(talk.connection, FLOW_CLIENT, TRACE_END_FIN, 2);
        http_connection_close(talk.connection, FLOW_SERVER, TRACE_END_FIN, 2);
        http_connection_free(talk.connection);
    }
    http_context_fini(&context);
    print_message("[ figures  ] loss %u/%u per mille, %d at a time: %u pairs, %u wrong, %u without "
                  "request, %u without answer\n",
                  client_loss, server_loss, pipelined, tally.pairs, tally.wrong, tally.orphans,
                  tally.unanswered);
    return tally;
}

static void without_losses_every_pair_is_right(void **state)
{
    (void)state;
    struct tally tally = talk_many(0, 0, 4, false);
    assert_int_equal(tally.pairs, ROUNDS * MAX_EXCHANGES);
    assert_int_equal(tally.wrong, 0);
}

static void lost_answers_do_not_shift_the_pairs_of_a_client_that_waits(void **state)
{
    (void)state;
    struct tally tally = talk_many(0, 100, 1, false);
    assert_int_equal(tally.wrong, 0);
    assert_true(tally.pairs > ROUNDS * MAX_EXCHANGES / 2);
    assert_int_equal(tally.pairs + tally.unanswered, ROUNDS * MAX_EXCHANGES);
}

static void lost_requests_do_not_shift_the_pairs_of_a_client_that_waits(void **state)
{
    (void)state;
    struct tally tally = talk_many(100, 0, 1, false);
    assert_int_equal(tally.wrong, 0);
    assert_int_equal(tally.pairs + tally.orphans, ROUNDS * MAX_EXCHANGES);
}

static void losses_on_both_sides_shift_nothing_for_a_client_that_waits(void **state)
{
    (void)state;
    struct tally tally = talk_many(50, 50, 1, false);
    assert_int_equal(tally.wrong, 0);
}

/* What is lost of answers of one size can be counted. */
static void equal_answers_of_a_pipeline_are_counted(void **state)
{
    (void)state;
    struct tally tally = talk_many(0, 20, 4, true);
    assert_true(tally.wrong * 100 < tally.pairs);
}

/* Of answers of all sizes it is a guess; most guesses must be good, and no answer may be lost. */
static void unequal_answers_of_a_pipeline_are_mostly_right(void **state)
{
    (void)state;
    struct tally tally = talk_many(0, 20, 4, false);
    assert_true(tally.wrong * 20 < tally.pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_losses_every_pair_is_right),
        cmocka_unit_test(lost_answers_do_not_shift_the_pairs_of_a_client_that_waits),
        cmocka_unit_test(lost_requests_do_not_shift_the_pairs_of_a_client_that_waits),
        cmocka_unit_test(losses_on_both_sides_shift_nothing_for_a_client_that_waits),
        cmocka_unit_test(equal_answers_of_a_pipeline_are_counted),
        cmocka_unit_test(unequal_answers_of_a_pipeline_are_mostly_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
