/* chain_test.c - the chain: order, verdicts, what is added and held, limits, life of users and
 * plugins. */
#include "tests/plugins/chain_fixture.h"

#include <pthread.h>
#include <stdio.h>

/* Who was asked what, in order: "first.on_request second.on_request ". */
static char asked[1024];

static int note(const reprise_call *call)
{
    const struct chain_worker *worker = call->internal;
    size_t used = strlen(asked);
    snprintf(asked + used, sizeof asked - used, "%s.%s ", worker->plugin->loaded.api.name,
             chain_callback_name(worker->callback));
    return REPRISE_CONTINUE;
}

static void note_void(const reprise_call *call)
{
    note(call);
}

static int note_request(const reprise_call *call, reprise_request *request)
{
    (void)request;
    return note(call);
}

static int note_response(const reprise_call *call, const reprise_response *response)
{
    (void)response;
    return note(call);
}

static int note_ws(const reprise_call *call, const reprise_ws_message *message)
{
    (void)message;
    return note(call);
}

#define NOTING                                                                                     \
    .start = note, .stop = note_void, .on_session_start = note, .on_request = note_request,        \
    .on_response = note_response, .on_ws_message = note_ws, .on_session_end = note_void

/* A verdict for each callback, to be set by a test. */
static int next_verdict;

static int give_verdict(const reprise_call *call)
{
    (void)call;
    return next_verdict;
}

static int give_verdict_on_request(const reprise_call *call, reprise_request *request)
{
    (void)call;
    (void)request;
    return next_verdict;
}

static int give_verdict_on_response(const reprise_call *call, const reprise_response *response)
{
    (void)call;
    (void)response;
    return next_verdict;
}

static int give_verdict_on_ws(const reprise_call *call, const reprise_ws_message *message)
{
    (void)call;
    (void)message;
    return next_verdict;
}

static void plugins_are_asked_forwards_before_sending_and_backwards_after_receiving(void **state)
{
    (void)state;
    struct fixture fx;
    struct chain_message out = {.is_outgoing = true, .data = {"x", 1}, .arena = &fx.arena};
    struct chain_message in = {.data = {"x", 1}};
    asked[0] = '\0';
    fixture_start(&fx, (const reprise_plugin *[]){PLUGIN("a", NOTING), PLUGIN("b", NOTING), NULL});
    chain_session_start(fx.user, 1500, &fx.outcome);
    fixture_ask(&fx);
    fixture_answer(&fx, 200, NULL);
    chain_ws_message(fx.user, 3000, &out, &fx.outcome);
    chain_ws_message(fx.user, 3000, &in, &fx.outcome);
    fixture_stop(&fx);
    assert_string_equal(asked, "a.start b.start "
                               "a.on_session_start b.on_session_start "
                               "a.on_request b.on_request "
                               "b.on_response a.on_response "
                               "a.on_ws_message b.on_ws_message "
                               "b.on_ws_message a.on_ws_message "
                               "b.on_session_end a.on_session_end "
                               "b.stop a.stop ");
}

static void the_first_verdict_other_than_continue_is_final(void **state)
{
    (void)state;
    struct fixture fx;
    asked[0] = '\0';
    next_verdict = REPRISE_SKIP;
    fixture_start(&fx,
                  (const reprise_plugin *[]){PLUGIN("a", .on_request = note_request),
                                             PLUGIN("b", .on_request = give_verdict_on_request),
                                             PLUGIN("c", .on_request = note_request), NULL});
    assert_int_equal(fixture_ask(&fx), REPRISE_SKIP);
    assert_int_equal(fx.outcome.plugin, 1);
    assert_string_equal(asked, "a.on_request ");
    fixture_stop(&fx);
}

/* The table of enum reprise_verdict, one row a callback. */
static void a_verdict_that_a_callback_does_not_have_fails_the_user(void **state)
{
    (void)state;
    static const struct {
        enum chain_callback callback;
        int allowed[6];
    } rows[] = {
        /*                     CONTINUE SKIP HOLD RETRY END FAIL */
        {CHAIN_SESSION_START, {1, 0, 0, 0, 1, 1}},
        {CHAIN_REQUEST, {1, 1, 0, 0, 1, 1}}, /* HOLD needs something to wait for */
        {CHAIN_RESPONSE, {1, 0, 0, 1, 1, 1}},
        {CHAIN_WS_MESSAGE, {1, 1, 0, 0, 1, 1}},
    };
    struct fixture fx;
    fixture_start(&fx, (const reprise_plugin *[]){PLUGIN("odd", .on_session_start = give_verdict,
                                                         .on_request = give_verdict_on_request,
                                                         .on_response = give_verdict_on_response,
                                                         .on_ws_message = give_verdict_on_ws),
                                                  NULL});
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int verdict = -1; verdict <= 6; verdict++) {
            struct chain_message message = {.data = {"x", 1}};
            bool is_allowed = verdict >= 0 && verdict <= 5 && rows[i].allowed[verdict];
            next_verdict = verdict;
            if (rows[i].callback == CHAIN_SESSION_START)
                chain_session_start(fx.user, 1500, &fx.outcome);
            else if (rows[i].callback == CHAIN_REQUEST)
                fixture_ask(&fx);
            else if (rows[i].callback == CHAIN_RESPONSE)
                fixture_answer(&fx, 200, NULL);
            else
                chain_ws_message(fx.user, 3000, &message, &fx.outcome);
            assert_int_equal(fx.outcome.verdict, is_allowed ? verdict : REPRISE_FAIL);
            assert_true((fx.outcome.error != NULL) == (fx.outcome.verdict == REPRISE_FAIL));
        }
    }
    next_verdict = -559038737;
    fixture_ask(&fx);
    assert_string_equal(fx.outcome.error, "plugin odd: on_request: answered -559038737, which is "
                                          "no verdict of this callback");
    next_verdict = REPRISE_FAIL;
    fixture_ask(&fx);
    assert_string_equal(fx.outcome.error, "plugin odd: on_request: failed without a reason");
    fixture_stop(&fx);
}

static int add_two_and_answer(const reprise_call *call, reprise_request *request)
{
    reprise_request *copy = call->host->new_request(call, request, 7);
    reprise_request *fresh = call->host->new_request(call, NULL, 8);
    reprise_request *unsent = call->host->new_request(call, NULL, 9);
    assert_non_null(copy);
    assert_non_null(fresh);
    assert_non_null(unsent);
    assert_int_equal(call->host->set_header(call, copy, "Accept", "text/plain"), 0);
    assert_int_equal(call->host->set_url(call, fresh, "/login?a=b"), 0);
    assert_int_equal(call->host->send(call, fresh), 0);
    assert_int_equal(call->host->send(call, copy), 0);
    assert_int_equal(call->host->send(call, copy), -1); /* sent already */
    call->host->delay_us(call, 500);
    call->host->delay_us(call, 100);
    return next_verdict;
}

static void added_requests_come_in_the_order_they_were_sent_and_own_what_they_hold(void **state)
{
    (void)state;
    struct fixture fx;
    next_verdict = REPRISE_HOLD;
    fixture_start(&fx,
                  (const reprise_plugin *[]){PLUGIN("a", .on_request = add_two_and_answer), NULL});
    assert_int_equal(fixture_ask(&fx), REPRISE_HOLD);
    assert_int_equal(fx.outcome.added_count, 2);
    assert_int_equal(fx.outcome.delay_us, 500);
    assert_false(fx.outcome.waits_for_answer);
    arena_reset(&fx.arena); /* the copy must not need the original's memory */
    const struct chain_added *fresh = fx.outcome.added;
    const struct chain_added *copy = fresh->next;
    assert_null(copy->next);
    assert_int_equal(fresh->tag, 8);
    assert_string_equal(fresh->request.url.ptr, "https://target.test:8443/login?a=b");
    assert_string_equal(fresh->request.method.ptr, "GET");
    assert_int_equal(fresh->request.header_count, 0);
    assert_int_equal(copy->tag, 7);
    assert_string_equal(copy->request.url.ptr, "https://target.test/jobs/7?x=1");
    assert_string_equal(copy->request.body.ptr, "recorded");
    assert_int_equal(copy->request.header_count, 2);
    assert_string_equal(copy->request.headers[0].value.ptr, "text/plain");
    assert_string_equal(copy->request.headers[1].value.ptr, "a=1");
    assert_memory_equal(fx.request.headers[0].value.ptr, "text/html", 9); /* as it was */
    fixture_stop(&fx);
}

static void a_user_that_is_done_or_failed_sends_nothing_more(void **state)
{
    (void)state;
    struct fixture fx;
    fixture_start(&fx,
                  (const reprise_plugin *[]){PLUGIN("a", .on_request = add_two_and_answer), NULL});
    static const int over[] = {REPRISE_END_SESSION, REPRISE_FAIL, 99};
    for (size_t i = 0; i < 3; i++) {
        next_verdict = over[i];
        fixture_ask(&fx);
        assert_null(fx.outcome.added);
        assert_int_equal(fx.outcome.added_count, 0);
    }
    assert_int_equal(fx.user->states[0].pending, 0);
    fixture_stop(&fx);
}

static uint32_t seen_tags[2];

static int note_tag_a(const reprise_call *call, reprise_request *request)
{
    (void)call;
    seen_tags[0] = request->tag;
    return REPRISE_CONTINUE;
}

static int note_tag_b(const reprise_call *call, reprise_request *request)
{
    if (request->step != REPRISE_ADDED) {
        reprise_request *added = call->host->new_request(call, NULL, 31);
        assert_int_equal(call->host->send(call, added), 0);
        return REPRISE_HOLD;
    }
    seen_tags[1] = request->tag;
    return REPRISE_CONTINUE;
}

static void only_the_plugin_that_added_a_request_sees_its_tag(void **state)
{
    (void)state;
    struct fixture fx;
    struct chain_outcome outcome;
    fixture_start(&fx, (const reprise_plugin *[]){PLUGIN("a", .on_request = note_tag_a),
                                                  PLUGIN("b", .on_request = note_tag_b), NULL});
    assert_int_equal(fixture_ask(&fx), REPRISE_HOLD);
    seen_tags[0] = seen_tags[1] = 1000;
    const struct chain_request_info info = {.added = fx.outcome.added};
    chain_request(fx.user, 2100, &fx.outcome.added->request, &info, &outcome);
    assert_int_equal(outcome.verdict, REPRISE_CONTINUE);
    assert_int_equal(seen_tags[0], 0);
    assert_int_equal(seen_tags[1], 31);
    fixture_stop(&fx);
}

static int wait_while_pending(const reprise_call *call, reprise_request *request)
{
    (void)request;
    uint32_t *calls = call->user;
    if ((*calls)++ > 0)
        return REPRISE_HOLD;
    reprise_request *added = call->host->new_request(call, NULL, 1);
    assert_int_equal(call->host->send(call, added), 0);
    return REPRISE_HOLD;
}

static void a_hold_may_wait_for_what_was_added_before_but_not_for_nothing(void **state)
{
    (void)state;
    struct fixture fx;
    struct chain_outcome second;
    fixture_start(&fx, (const reprise_plugin *[]){PLUGIN("a", .user_size = sizeof(uint32_t),
                                                         .on_request = wait_while_pending),
                                                  NULL});
    assert_int_equal(fixture_ask(&fx), REPRISE_HOLD);
    assert_false(fx.outcome.waits_for_answer);
    chain_request(fx.user, 2100, &fx.request, &fx.info, &second); /* a parallel request */
    assert_int_equal(second.verdict, REPRISE_HOLD);
    assert_true(second.waits_for_answer);
    /* What was added must not wait for itself. */
    const struct chain_request_info own = {.added = fx.outcome.added};
    chain_request(fx.user, 2150, &fx.outcome.added->request, &own, &second);
    assert_int_equal(second.verdict, REPRISE_FAIL);
    fixture_free_outcome(&fx);
    chain_request(fx.user, 2200, &fx.request, &fx.info, &second);
    assert_int_equal(second.verdict, REPRISE_FAIL);
    assert_non_null(strstr(second.error, "plugin a: on_request: held a request with nothing to "
                                         "wait for"));
    fixture_stop(&fx);
}

static int hold_with_delay(const reprise_call *call, reprise_request *request)
{
    (void)request;
    call->host->delay_us(call, UINT64_MAX);
    return REPRISE_HOLD;
}

static void holds_and_retries_stop_at_the_plugins_limit(void **state)
{
    (void)state;
    struct fixture fx;
    next_verdict = REPRISE_RETRY;
    fixture_start(
        &fx, (const reprise_plugin *[]){PLUGIN("a", .max_holds = 3, .on_request = hold_with_delay,
                                               .on_response = give_verdict_on_response),
                                        NULL});
    fx.info.holds = 2;
    assert_int_equal(fixture_ask(&fx), REPRISE_HOLD);
    assert_int_equal(fx.outcome.delay_us, CHAIN_MAX_DELAY_US);
    fx.info.holds = 3;
    assert_int_equal(fixture_ask(&fx), REPRISE_FAIL);
    assert_string_equal(fx.outcome.error, "plugin a: on_request: held one request 3 times, its "
                                          "limit; max_holds raises it");
    fx.info.attempt = CHAIN_DEFAULT_RETRIES - 1;
    assert_int_equal(fixture_answer(&fx, 200, NULL), REPRISE_RETRY);
    fx.info.attempt = CHAIN_DEFAULT_RETRIES;
    assert_int_equal(fixture_answer(&fx, 200, NULL), REPRISE_FAIL);
    assert_non_null(strstr(fx.outcome.error, "plugin a: on_response: retried one request 16"));
    fixture_stop(&fx);
}

static void after_a_hold_only_the_rest_of_the_chain_is_asked(void **state)
{
    (void)state;
    struct fixture fx;
    fixture_start(&fx, (const reprise_plugin *[]){PLUGIN("a", .on_request = note_request),
                                                  PLUGIN("b", .on_request = hold_with_delay),
                                                  PLUGIN("c", .on_request = note_request), NULL});
    assert_int_equal(fixture_ask(&fx), REPRISE_HOLD);
    asked[0] = '\0';
    fx.info.holds = 1;
    fx.info.ask_from = fx.outcome.ask_from;
    assert_int_equal(fixture_ask(&fx), REPRISE_HOLD);
    assert_string_equal(asked, "");
    fixture_stop(&fx);
}

static int hold_first_time(const reprise_call *call, reprise_request *request)
{
    note(call);
    call->host->delay_us(call, 5000);
    return request->holds ? REPRISE_CONTINUE : REPRISE_HOLD;
}

/* Who signs, or looks at clocks, is asked when the wait is over, wherever it is named. */
static void behind_a_wait_who_wants_the_last_look_is_asked_once_more(void **state)
{
    (void)state;
    struct fixture fx;
    fixture_start(&fx,
                  (const reprise_plugin *[]){
                      PLUGIN("a", .on_request = note_request, .flags = REPRISE_ASK_LAST),
                      PLUGIN("b", .on_request = note_request),
                      PLUGIN("c", .on_request = hold_first_time),
                      PLUGIN("d", .on_request = note_request, .flags = REPRISE_ASK_LAST), NULL});
    asked[0] = '\0';
    assert_int_equal(fixture_ask(&fx), REPRISE_HOLD);
    assert_string_equal(asked, "a.on_request b.on_request c.on_request ");
    asked[0] = '\0';
    fx.info.holds = 1;
    fx.info.ask_from = fx.outcome.ask_from;
    assert_int_equal(fixture_ask(&fx), REPRISE_CONTINUE);
    assert_string_equal(asked, "c.on_request d.on_request a.on_request d.on_request ");
    asked[0] = '\0'; /* c asks for a delay as well, before it is sent */
    fx.info.ask_from = fx.outcome.ask_from;
    assert_int_equal(fixture_ask(&fx), REPRISE_CONTINUE);
    assert_string_equal(asked, "a.on_request d.on_request ");
    fixture_stop(&fx);
}

/* Its wait is followed by the same look, not by those who have waited already. */
static void who_waits_in_the_last_look_sends_nobody_back_to_wait(void **state)
{
    (void)state;
    struct fixture fx;
    fixture_start(&fx, (const reprise_plugin *[]){
                           PLUGIN("a", .on_request = hold_with_delay, .flags = REPRISE_ASK_LAST),
                           PLUGIN("b", .on_request = note_request), NULL});
    asked[0] = '\0';
    fx.info.ask_from = 1; /* b has held it */
    assert_int_equal(fixture_ask(&fx), REPRISE_HOLD);
    assert_string_equal(asked, "b.on_request ");
    assert_int_equal(fx.outcome.plugin, 0);
    assert_int_equal(fx.outcome.ask_from, 2);
    fixture_stop(&fx);
}

static int run_away(const reprise_call *call, reprise_request *request)
{
    (void)request;
    for (uint64_t i = 0; i < UINT32_MAX; i++) {
        reprise_request *added = call->host->new_request(call, NULL, 1);
        if (!added || call->host->send(call, added))
            return REPRISE_FAIL;
    }
    return REPRISE_CONTINUE;
}

static int add_one(const reprise_call *call, reprise_request *request)
{
    (void)request;
    reprise_request *added = call->host->new_request(call, NULL, 1);
    return !added || call->host->send(call, added) ? REPRISE_FAIL : REPRISE_CONTINUE;
}

static void a_plugin_that_adds_without_end_is_stopped_in_one_call(void **state)
{
    (void)state;
    struct fixture fx;
    fixture_start(&fx, (const reprise_plugin *[]){PLUGIN("wild", .on_request = run_away), NULL});
    assert_int_equal(fixture_ask(&fx), REPRISE_FAIL);
    assert_string_equal(fx.outcome.error, "plugin wild: on_request: more than 1000 requests added "
                                          "in one step of the session");
    fixture_stop(&fx);
}

static void a_plugin_that_adds_for_what_it_added_is_stopped_within_the_step(void **state)
{
    (void)state;
    struct fixture fx;
    uint32_t added_count = 0;
    fixture_start(&fx, (const reprise_plugin *[]){PLUGIN("wild", .on_request = add_one), NULL});
    struct chain_request_info info = fx.info;
    struct chain_added *asked_about = NULL;
    struct http_request *request = &fx.request;
    do {
        chain_request(fx.user, 2000, request, &info, &fx.outcome);
        chain_added_free(fx.user, asked_about);
        asked_about = fx.outcome.added;
        fx.outcome.added = NULL;
        if (asked_about) {
            request = &asked_about->request;
            info.added = asked_about;
            added_count++;
        }
    } while (fx.outcome.verdict == REPRISE_CONTINUE);
    assert_int_equal(fx.outcome.verdict, REPRISE_FAIL);
    assert_int_equal(added_count, CHAIN_DEFAULT_ADDED);
    /* The next recorded step starts from zero. */
    assert_int_equal(fixture_ask(&fx), REPRISE_CONTINUE);
    fixture_stop(&fx);
}

static void a_session_end_comes_once_for_each_session_start_that_was_reached(void **state)
{
    (void)state;
    struct fixture fx;
    next_verdict = REPRISE_FAIL;
    fixture_start(&fx,
                  (const reprise_plugin *[]){
                      PLUGIN("a", .on_session_end = note_void),
                      PLUGIN("b", .on_session_start = give_verdict, .on_session_end = note_void),
                      PLUGIN("c", .on_session_start = note, .on_session_end = note_void), NULL});
    asked[0] = '\0';
    chain_session_start(fx.user, 1500, &fx.outcome);
    assert_int_equal(fx.outcome.verdict, REPRISE_FAIL);
    chain_session_end(fx.user, 1600);
    chain_session_end(fx.user, 1700);
    assert_string_equal(asked, "b.on_session_end a.on_session_end ");
    fixture_stop(&fx);
}

static void a_start_that_fails_stops_what_was_started_and_names_the_plugin(void **state)
{
    (void)state;
    struct plugin_chain chain;
    struct error err;
    const reprise_plugin *const plugins[] = {
        PLUGIN("a", .start = note, .stop = note_void),
        PLUGIN("b", .start = give_verdict, .stop = note_void),
        PLUGIN("c", .start = note, .stop = note_void),
    };
    asked[0] = '\0';
    next_verdict = REPRISE_FAIL;
    assert_int_equal(chain_reserve(&chain, 3, &err), 0);
    for (int i = 0; i < 3; i++) {
        const struct plugin loaded = {.api = *plugins[i], .path = strdup("here")};
        assert_int_equal(chain_adopt(&chain, &loaded, NULL, &err), 0);
    }
    assert_int_equal(chain_start(&chain, &(struct chain_options){.seed = 1}, &err), -1);
    assert_string_equal(err.text, "plugin b: start: failed without a reason");
    assert_int_equal(err.exit_code, EXIT_INPUT);
    assert_string_equal(asked, "a.start b.stop a.stop ");
    chain_close(&chain);
}

static void wants_tells_which_callbacks_any_plugin_has(void **state)
{
    (void)state;
    struct fixture fx;
    fixture_start(&fx,
                  (const reprise_plugin *[]){
                      PLUGIN("a", .on_request = note_request),
                      PLUGIN("b", .on_session_end = note_void, .flags = REPRISE_WANT_BODY), NULL});
    assert_true(chain_wants(&fx.chain, CHAIN_REQUEST));
    assert_true(chain_wants(&fx.chain, CHAIN_SESSION_END));
    assert_true(chain_wants(&fx.chain, CHAIN_SESSION_START)); /* no end without a start */
    assert_false(chain_wants(&fx.chain, CHAIN_RESPONSE));
    assert_false(chain_wants(&fx.chain, CHAIN_WS_MESSAGE));
    assert_false(chain_wants_body(&fx.chain)); /* b never looks at an answer */
    assert_int_equal(fixture_answer(&fx, 200, NULL), REPRISE_CONTINUE);
    fixture_stop(&fx);
}

static void an_empty_chain_needs_no_care(void **state)
{
    (void)state;
    struct plugin_chain chain;
    struct error err;
    assert_int_equal(chain_open(&chain, NULL, 0, NULL, &err), 0);
    assert_true(chain_is_empty(&chain));
    assert_false(chain_wants(&chain, CHAIN_REQUEST));
    assert_int_equal(chain_start(&chain, &(struct chain_options){.seed = 1}, &err), 0);
    chain_stop(&chain, 1);
    chain_close(&chain);
}

static int waste_time(const reprise_call *call, reprise_request *request)
{
    (void)request;
    volatile uint64_t sum = 0;
    for (uint64_t i = 0; i < *(const uint64_t *)call->plugin; i++)
        sum = sum + i;
    return REPRISE_CONTINUE;
}

static int set_loops(const reprise_call *call)
{
    *(uint64_t *)call->plugin = 100000;
    return REPRISE_CONTINUE;
}

static void calls_and_their_time_are_counted_per_plugin_and_callback(void **state)
{
    (void)state;
    struct fixture fx;
    fixture_start(&fx,
                  (const reprise_plugin *[]){PLUGIN("a", .on_request = note_request),
                                             PLUGIN("b", .plugin_size = sizeof(uint64_t),
                                                    .start = set_loops, .on_request = waste_time),
                                             NULL});
    fx.chain.options.budget_us = 1; /* 100,000 additions take longer, on any machine */
    asked[0] = '\0';
    fixture_ask(&fx);
    fixture_ask(&fx);
    const struct chain_calls *a = &chain_worker_stats(fx.worker)->calls[0][CHAIN_REQUEST];
    const struct chain_calls *b = &chain_worker_stats(fx.worker)->calls[1][CHAIN_REQUEST];
    assert_int_equal(a->count, 2);
    assert_int_equal(b->count, 2);
    assert_int_equal(b->slow, 2);
    assert_true(b->max_ns > 1000 && b->total_ns >= b->max_ns);
    static struct chain_stats total;
    chain_stats_merge(&total, chain_worker_stats(fx.worker));
    chain_stats_merge(&total, chain_worker_stats(fx.worker));
    assert_int_equal(total.calls[1][CHAIN_REQUEST].count, 4);
    assert_int_equal(total.calls[1][CHAIN_REQUEST].total_ns, 2 * b->total_ns);
    assert_int_equal(total.calls[1][CHAIN_REQUEST].max_ns, b->max_ns);
    fixture_stop(&fx);
}

enum { THREADS = 4, CALLS = 2000 };

/* Not atomic on purpose: only a serial plugin may count like this. */
static int count_plainly(const reprise_call *call, reprise_request *request)
{
    (void)request;
    uint64_t *count = call->plugin;
    *count = *count + 1;
    return REPRISE_CONTINUE;
}

struct thread_of_calls {
    struct plugin_chain *chain;
    uint64_t index;
};

static void *call_often(void *argument)
{
    struct thread_of_calls *self = argument;
    struct chain_worker *worker = chain_worker_new(self->chain, NULL, NULL);
    struct chain_user *user = chain_user_new(
        worker, &(struct chain_play){.index = self->index, .session_id = 1, .step_count = 20});
    struct arena arena;
    arena_init(&arena, 1 << 16);
    for (int i = 0; i < CALLS; i++) {
        struct http_request request = {
            .method = {"GET", 3}, .url = {"http://127.0.0.1/", 17}, .arena = &arena};
        struct chain_outcome outcome;
        chain_request(user, 1, &request, &(struct chain_request_info){.step = 1}, &outcome);
    }
    arena_fini(&arena);
    chain_user_free(user);
    chain_worker_free(worker);
    return NULL;
}

static void a_serial_plugin_is_called_by_one_thread_at_a_time(void **state)
{
    (void)state;
    struct fixture fx;
    pthread_t threads[THREADS];
    struct thread_of_calls calls[THREADS];
    fixture_start(
        &fx, (const reprise_plugin *[]){
                 PLUGIN("a", .plugin_size = sizeof(uint64_t), .on_request = count_plainly), NULL});
    for (uint64_t i = 0; i < THREADS; i++) {
        calls[i] = (struct thread_of_calls){&fx.chain, i};
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &calls[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(*(uint64_t *)fx.chain.plugins[0].instance, THREADS * CALLS);
    fixture_stop(&fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plugins_are_asked_forwards_before_sending_and_backwards_after_receiving),
        cmocka_unit_test(the_first_verdict_other_than_continue_is_final),
        cmocka_unit_test(a_verdict_that_a_callback_does_not_have_fails_the_user),
        cmocka_unit_test(added_requests_come_in_the_order_they_were_sent_and_own_what_they_hold),
        cmocka_unit_test(a_user_that_is_done_or_failed_sends_nothing_more),
        cmocka_unit_test(only_the_plugin_that_added_a_request_sees_its_tag),
        cmocka_unit_test(a_hold_may_wait_for_what_was_added_before_but_not_for_nothing),
        cmocka_unit_test(holds_and_retries_stop_at_the_plugins_limit),
        cmocka_unit_test(after_a_hold_only_the_rest_of_the_chain_is_asked),
        cmocka_unit_test(behind_a_wait_who_wants_the_last_look_is_asked_once_more),
        cmocka_unit_test(who_waits_in_the_last_look_sends_nobody_back_to_wait),
        cmocka_unit_test(a_plugin_that_adds_without_end_is_stopped_in_one_call),
        cmocka_unit_test(a_plugin_that_adds_for_what_it_added_is_stopped_within_the_step),
        cmocka_unit_test(a_session_end_comes_once_for_each_session_start_that_was_reached),
        cmocka_unit_test(a_start_that_fails_stops_what_was_started_and_names_the_plugin),
        cmocka_unit_test(wants_tells_which_callbacks_any_plugin_has),
        cmocka_unit_test(an_empty_chain_needs_no_care),
        cmocka_unit_test(calls_and_their_time_are_counted_per_plugin_and_callback),
        cmocka_unit_test(a_serial_plugin_is_called_by_one_thread_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
