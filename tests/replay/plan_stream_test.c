/* plan_stream_test.c - sessions that are loaded when they are due are those that are loaded before,
 * in bounded memory, whoever asks for them and whatever goes wrong. */
#include "replay/plan/plan_stream.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "core/random.h"
#include "replay/plan/plan_digest.h"
#include "tests/support/script_trace.h"

#define TRACE_FILE "plan_stream_test.trace"

enum { SESSIONS = 40, PLENTY = 64 << 20 };

/* Sessions of three requests, 100 ms apart, with bodies that some of them share. */
static void write_trace(void)
{
    struct buf script = BUF_INIT(1 << 20);
    struct error err;
    for (int i = 0; i < SESSIONS; i++) {
        int at = i * 100;
        buf_printf(
            &script,
            "session user-%d\n%d %d GET /start/%d 200\nheader X-User: %d\nanswer {\"id\":%d}\n", i,
            at, at + 5, i, i, i + 500);
        buf_printf(&script, "%d %d POST /shared 200 the body of group %d\n", at + 10, at + 30,
                   i % 4);
        buf_printf(&script, "%d %d PUT /own/%d?id=%d 200 only %d\nheader Cookie: a=%d\n", at + 20,
                   at + 25, i, i + 500, i, i);
        buf_printf(&script, "bind %d body:/id -> %d query:id\n", 3 * i + 1, 3 * i + 3);
    }
    if (script_trace_write(TRACE_FILE, buf_text(&script), &err))
        fail_msg("%s", err.text);
    buf_fini(&script);
}

static struct plan *build(size_t whole_bytes, size_t max_bytes)
{
    struct plan *plan = NULL;
    struct error err = {0};
    const struct plan_options options = {.target = bytes_of("http://127.0.0.1:8080"),
                                         .max_bytes = max_bytes,
                                         .whole_bytes = whole_bytes};
    if (plan_build(&plan, TRACE_FILE, &options, &err))
        fail_msg("%s", err.text);
    assert_true(whole_bytes == 1 ? plan->stream && !plan->sessions : !plan->stream);
    return plan;
}

static int make(void **state)
{
    (void)state;
    write_trace();
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    unlink(TRACE_FILE);
    return 0;
}

static void start(const struct plan *plan, double scale)
{
    struct error err;
    struct arrivals arrivals;
    arrivals_init(&arrivals, plan, scale, 1, 7);
    if (plan_stream_start(plan, scale > 0 ? &arrivals : NULL, 0, &err))
        fail_msg("%s", err.text);
}

static void begin_client(struct plan_client *client, const struct plan *plan)
{
    struct error err;
    if (plan_client_init(client, plan, &err))
        fail_msg("%s", err.text);
}

static void await(const struct plan_client *client)
{
    struct pollfd descriptor = {.fd = client->event_fd, .events = POLLIN};
    if (poll(&descriptor, 1, 20000) != 1)
        fail_msg("20 s in vain");
}

static const struct plan_session *take(const struct plan *plan, struct plan_client *client,
                                       uint32_t index)
{
    struct plan_wish wish;
    const struct plan_session *session = plan_take(plan, client, index, NULL, &wish);
    if (session)
        return session;
    assert_ptr_equal(wish.client, client);
    await(client);
    assert_ptr_equal(plan_client_next(client, plan), &wish);
    assert_null(plan_client_next(client, plan));
    return wish.granted;
}

static void expect_same_text(struct bytes a, struct bytes b)
{
    if (!bytes_equal(a, b))
        fail_msg("'%.*s' is not '%.*s'", BYTES_ARG(a), BYTES_ARG(b));
}

static void expect_same_session(const struct plan_session *a, const struct plan_session *b)
{
    assert_int_equal(a->session_id, b->session_id);
    assert_int_equal(a->start_us, b->start_us);
    assert_int_equal(a->duration_us, b->duration_us);
    assert_int_equal(a->connection_count, b->connection_count);
    assert_int_equal(a->step_count, b->step_count);
    assert_int_equal(a->value_count, 1);
    assert_int_equal(b->value_count, 1);
    assert_memory_equal(a->end_order, b->end_order, a->step_count * sizeof *a->end_order);
    for (uint32_t i = 0; i < a->step_count; i++) {
        const struct plan_step *x = &a->steps[i], *y = &b->steps[i];
        assert_int_equal(x->needs, y->needs);
        assert_int_equal(x->gap_us, y->gap_us);
        expect_same_text(x->url, y->url);
        expect_same_text(x->body, y->body);
        expect_same_text(x->cut->head, y->cut->head);
        expect_same_text(x->recorded_cookies, y->recorded_cookies);
        assert_int_equal(x->cut->slot_count, i == 2);
        assert_int_equal(y->cut->slot_count, i == 2);
    }
}

/* Both plans walked by their own arrivals; the streamed one is played by one client. */
static void play_all(struct plan *whole, struct plan *streamed, double scale)
{
    struct arrivals a, b;
    struct arrival x, y;
    struct plan_client client;
    const struct plan_session *last = NULL;
    int more;
    arrivals_init(&a, whole, scale, 1, 7);
    arrivals_init(&b, streamed, scale, 1, 7);
    begin_client(&client, streamed);
    start(streamed, scale);
    while ((more = arrivals_next(&a, &x)) > 0) {
        assert_int_equal(arrivals_next(&b, &y), 1);
        assert_int_equal(x.session, y.session);
        assert_int_equal(x.at_us, y.at_us);
        const struct plan_session *session = take(streamed, &client, y.session);
        expect_same_session(&whole->sessions[x.session], session);
        if (y.copy && last) /* the copies of a session share it */
            assert_ptr_equal(session, last);
        if (last)
            plan_give_back(streamed, last);
        last = session;
    }
    assert_int_equal(more, 0);
    assert_int_equal(arrivals_next(&b, &y), 0);
    plan_give_back(streamed, last);
    plan_client_fini(&client, streamed);
    arrivals_fini(&a);
    arrivals_fini(&b);
}

static void what_is_loaded_when_it_is_due_is_what_is_loaded_before(void **state)
{
    (void)state;
    static const size_t max_bytes[] = {PLENTY, 20000, 3000};
    for (size_t i = 0; i < sizeof max_bytes / sizeof max_bytes[0]; i++) {
        struct plan *whole = build(0, PLENTY), *streamed = build(1, max_bytes[i]);
        assert_int_equal(streamed->session_count, SESSIONS);
        assert_int_equal(streamed->step_count, 3 * SESSIONS);
        assert_int_equal(streamed->span_us, whole->span_us);
        assert_int_equal(streamed->endpoint_count, whole->endpoint_count + 1);
        assert_true(streamed->has_unknown_endpoint && !whole->has_unknown_endpoint);
        play_all(whole, streamed, i == 2 ? 1 : 3.5);
        plan_free(whole);
        plan_free(streamed);
    }
}

static void memory_stays_below_its_bound(void **state)
{
    (void)state;
    struct plan *whole = build(0, PLENTY), *streamed = build(1, 20000);
    struct plan_stream_stats stats;
    play_all(whole, streamed, 1);
    plan_stream_stats(streamed, &stats);
    assert_int_equal(stats.loaded, SESSIONS);
    assert_in_range(stats.most_bytes, 1000, 25000);
    plan_free(whole);
    plan_free(streamed);
}

static void a_session_waits_for_memory_that_others_give_back(void **state)
{
    (void)state;
    struct plan *plan = build(1, 6000);
    struct plan_client client;
    struct plan_wish wish;
    const struct plan_session *held[SESSIONS];
    uint32_t count = 0;
    begin_client(&client, plan);
    start(plan, 0);
    /* As many as there is room for; then one that has to wait. */
    struct plan_stream_stats stats = {0};
    while (stats.used_bytes < 6000) {
        plan_expect(plan, count);
        held[count] = take(plan, &client, count);
        count++;
        plan_stream_stats(plan, &stats);
    }
    assert_in_range(count, 2, SESSIONS - 1);
    plan_expect(plan, count);
    assert_null(plan_take(plan, &client, count, NULL, &wish));
    assert_null(plan_client_next(&client, plan));
    plan_give_back(plan, held[0]);
    await(&client);
    assert_ptr_equal(plan_client_next(&client, plan), &wish);
    assert_int_equal(wish.granted->session_id, count + 1);
    plan_give_back(plan, wish.granted);
    for (uint32_t i = 1; i < count; i++)
        plan_give_back(plan, held[i]);
    plan_client_fini(&client, plan);
    plan_free(plan);
}

static void users_of_one_session_share_it_and_it_is_kept_for_the_next(void **state)
{
    (void)state;
    struct plan *plan = build(1, PLENTY);
    struct plan_client client;
    struct plan_stream_stats stats;
    begin_client(&client, plan);
    start(plan, 0);
    for (int i = 0; i < 3; i++)
        plan_expect(plan, 5);
    const struct plan_session *one = take(plan, &client, 5), *two = take(plan, &client, 5);
    assert_ptr_equal(one, two);
    plan_forget(plan, 5);
    plan_give_back(plan, one);
    plan_give_back(plan, two);
    plan_expect(plan, 5);
    assert_ptr_equal(take(plan, &client, 5), one);
    plan_give_back(plan, one);
    plan_stream_stats(plan, &stats);
    assert_int_equal(stats.loaded, 1);
    plan_client_fini(&client, plan);
    plan_free(plan);
}

static void run_sql(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(TRACE_FILE, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void a_damaged_row_is_told_to_every_client(void **state)
{
    (void)state;
    run_sql("UPDATE exchange SET status = -1 WHERE target = '/own/30?id=530'");
    struct plan *plan = build(1, 20000);
    struct plan_client clients[2];
    struct plan_wish wish;
    struct error err;
    begin_client(&clients[0], plan);
    begin_client(&clients[1], plan);
    start(plan, 0);
    assert_false(plan_stream_has_failed(plan, &err));
    plan_expect(plan, 30);
    plan_take(plan, &clients[0], 30, NULL, &wish);
    await(&clients[0]);
    await(&clients[1]);
    assert_true(plan_stream_has_failed(plan, &err));
    assert_int_equal(err.exit_code, EXIT_TOOL);
    assert_non_null(strstr(err.text, "session 31"));
    assert_non_null(strstr(err.text, "damaged"));
    assert_null(plan_client_next(&clients[0], plan));
    plan_cancel(plan, &wish);
    plan_client_fini(&clients[0], plan);
    plan_client_fini(&clients[1], plan);
    plan_free(plan);
    write_trace();
}

static void a_session_larger_than_the_plan_may_be_says_which_option_raises_it(void **state)
{
    (void)state;
    struct plan *plan = build(1, 100);
    struct plan_client client;
    struct error err;
    begin_client(&client, plan);
    start(plan, 0);
    struct plan_wish wish;
    plan_expect(plan, 0);
    assert_null(plan_take(plan, &client, 0, NULL, &wish));
    await(&client);
    assert_true(plan_stream_has_failed(plan, &err));
    assert_non_null(strstr(err.text, "raise --max-plan-size"));
    plan_client_fini(&client, plan);
    plan_free(plan);
}

static void a_session_larger_than_the_plan_may_be_is_known_before_the_run(void **state)
{
    (void)state;
    struct plan *plan = NULL;
    struct error err = {0};
    struct plan_options options = {.target = bytes_of("http://127.0.0.1:8080"), .max_bytes = 100};
    assert_int_equal(plan_build(&plan, TRACE_FILE, &options, &err), -1);
    assert_int_equal(err.exit_code, EXIT_INPUT);
    assert_non_null(strstr(err.text, "--max-plan-size allows 100 bytes"));
    const char *needed = strstr(err.text, "raise --max-plan-size to ");
    assert_non_null(needed);
    options.max_bytes = strtoul(needed + strlen("raise --max-plan-size to "), NULL, 10) * 1024;
    assert_int_equal(plan_build(&plan, TRACE_FILE, &options, &err), 0);
    assert_non_null(plan->stream);
    assert_int_equal(plan->bodies.used_bytes, 0);
    plan_free(plan);
}

static void the_loader_ends_when_it_is_asked_to_whatever_is_wished_for(void **state)
{
    (void)state;
    struct plan *plan = build(1, 2000);
    struct plan_client client;
    struct plan_wish wishes[SESSIONS];
    begin_client(&client, plan);
    start(plan, 1);
    for (uint32_t i = 0; i < SESSIONS; i++)
        plan_take(plan, &client, i, NULL, &wishes[i]);
    plan_stream_stop(plan);
    for (uint32_t i = 0; i < SESSIONS; i++) {
        if (wishes[i].client)
            plan_cancel(plan, &wishes[i]);
    }
    assert_null(plan_client_next(&client, plan));
    plan_client_fini(&client, plan);
    plan_free(plan);
}

/* A user that plays as in the closed model, and now and then is not patient. */
struct player {
    struct plan *plan;
    uint64_t seed;
    bool has_failed;
};

static void *play(void *owner)
{
    struct player *player = owner;
    struct plan_client client;
    struct random random;
    struct error err;
    random_init(&random, player->seed, 1);
    player->has_failed = plan_client_init(&client, player->plan, &err) != 0;
    for (int i = 0; i < 1000 && !player->has_failed; i++) {
        uint32_t index = (uint32_t)random_below(&random, SESSIONS);
        struct plan_wish wish;
        plan_expect(player->plan, index);
        if (random_below(&random, 10) == 0) {
            plan_forget(player->plan, index);
            continue;
        }
        const struct plan_session *session = plan_take(player->plan, &client, index, player, &wish);
        if (!session && random_below(&random, 4) == 0) {
            plan_cancel(player->plan, &wish);
            continue;
        }
        if (!session) {
            struct pollfd descriptor = {.fd = client.event_fd, .events = POLLIN};
            poll(&descriptor, 1, 20000);
            struct plan_wish *granted = plan_client_next(&client, player->plan);
            if (!granted) { /* what was told is cancelled since */
                plan_cancel(player->plan, &wish);
                continue;
            }
            session = granted->granted;
        }
        player->has_failed = session->session_id != index + 1 || session->step_count != 3;
        plan_give_back(player->plan, session);
    }
    plan_client_fini(&client, player->plan);
    return NULL;
}

static void many_threads_get_what_they_ask_for(void **state)
{
    (void)state;
    enum { PLAYERS = 4 };
    struct plan *plan = build(1, 12000);
    struct player players[PLAYERS];
    pthread_t threads[PLAYERS];
    start(plan, 0);
    for (uint64_t i = 0; i < PLAYERS; i++) {
        players[i] = (struct player){.plan = plan, .seed = i};
        assert_int_equal(pthread_create(&threads[i], NULL, play, &players[i]), 0);
    }
    for (int i = 0; i < PLAYERS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(players[i].has_failed);
    }
    struct plan_stream_stats stats;
    plan_stream_stats(plan, &stats);
    assert_in_range(stats.most_bytes, 1, 12000 + 6000);
    plan_free(plan);
}

static void digest_plan(struct plan *plan, uint64_t seed, char out[PLAN_DIGEST_TEXT_BYTES],
                        struct plan_outline *ret_outline)
{
    const struct replay_settings settings = {.plan = plan,
                                             .pacing = {PACING_THINK, 1, 1},
                                             .scale = 2.5,
                                             .seed = seed,
                                             .worker_count = 1};
    assert_int_equal(plan_digest(&settings, out, ret_outline), 0);
}

static void the_digest_of_an_index_says_that_it_is_one(void **state)
{
    (void)state;
    struct plan *whole = build(0, PLENTY), *streamed = build(1, PLENTY), *again = build(1, PLENTY);
    char a[PLAN_DIGEST_TEXT_BYTES], b[PLAN_DIGEST_TEXT_BYTES], c[PLAN_DIGEST_TEXT_BYTES];
    struct plan_outline x, y;
    digest_plan(whole, 1, a, &x);
    digest_plan(streamed, 1, b, &y);
    assert_int_equal(strlen(a), 64);
    assert_int_equal(strlen(b), 70);
    assert_memory_equal(b, "index-", 6);
    assert_int_equal(x.sessions, y.sessions);
    digest_plan(again, 1, c, &y);
    assert_string_equal(b, c);
    digest_plan(again, 2, c, &y);
    assert_string_not_equal(b, c);
    plan_free(whole);
    plan_free(streamed);
    plan_free(again);
    run_sql("UPDATE binding SET state = 'off' WHERE binding_id = 7");
    again = build(1, PLENTY);
    digest_plan(again, 1, c, &y);
    assert_string_not_equal(b, c);
    plan_free(again);
    write_trace();
    run_sql("UPDATE session SET last_us = last_us + 1 WHERE session_id = 3");
    again = build(1, PLENTY);
    digest_plan(again, 1, c, &y);
    assert_string_not_equal(b, c);
    plan_free(again);
    write_trace();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_loaded_when_it_is_due_is_what_is_loaded_before),
        cmocka_unit_test(memory_stays_below_its_bound),
        cmocka_unit_test(a_session_waits_for_memory_that_others_give_back),
        cmocka_unit_test(users_of_one_session_share_it_and_it_is_kept_for_the_next),
        cmocka_unit_test(a_damaged_row_is_told_to_every_client),
        cmocka_unit_test(a_session_larger_than_the_plan_may_be_says_which_option_raises_it),
        cmocka_unit_test(a_session_larger_than_the_plan_may_be_is_known_before_the_run),
        cmocka_unit_test(the_loader_ends_when_it_is_asked_to_whatever_is_wished_for),
        cmocka_unit_test(many_threads_get_what_they_ask_for),
        cmocka_unit_test(the_digest_of_an_index_says_that_it_is_one),
    };
    return cmocka_run_group_tests(tests, make, clean_up);
}
