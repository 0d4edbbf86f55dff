/* checker.c - draws answers, queues copies of them, compares on a thread. */
#include "replay/verify/checker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/random.h"
#include "core/url.h"
#include "replay/user.h"
#include "replay/verify/live.h"
#include "replay/verify/recorded.h"
#include "replay/verify/survey.h"

enum {
    MAX_QUEUED_BYTES = 64 << 20,
    /* So that a large trace begins to be sent soon: some seconds of reading. */
    MAX_LEARNED_EXCHANGES = 100000,
    SWITCHING_PROTOCOLS = 101
};

/* A copy of an answer: one block of memory with all it points to. */
struct queued {
    struct queued *next;
    uint32_t endpoint;
    int recorded_status;
    size_t bytes;
    struct live_answer answer;
    struct ws_kinds *kinds; /* of an upgrade; answer.kinds, too, once they are known whole */
};

struct checker {
    struct checker_options options;
    struct answer_watch watch;
    struct survey survey;
    struct bytes target_authority;
    /* The thread's own. */
    struct trace_reader *reader;
    struct recorded recorded;
    struct facts recorded_facts, live_facts;
    pthread_t thread;
    bool is_running;

    pthread_mutex_t mutex;
    pthread_cond_t work, idle;
    struct queued *first, *last;
    size_t queued_bytes;
    bool is_comparing, is_closing;
    uint64_t counts[CHECK_RESULT_COUNT]; /* since they were taken */
    struct check_difference *differences;
    size_t difference_count;
    uint64_t comparison; /* their number */
    struct error error;
};

/* --- on a worker's thread -------------------------------------------------------------------- */

/* A function of seed, user and exchange: the same answers in every run of the same plan. */
static enum watch_wish wants(void *owner, const struct user *user, const struct plan_step *step)
{
    const struct checker *checker = owner;
    struct random random;
    if (step->recorded_status == 0)
        return WATCH_NOTHING;
    random_init(&random, checker->options.seed ^ (uint64_t)step->exchange_id << 20,
                user->index << 16 ^ user->plays);
    if (random_unit(&random) >= checker->options.share)
        return WATCH_NOTHING;
    return survey_is_large(&checker->survey, step->exchange_id) ? WATCH_HEAD : WATCH_BODY;
}

static struct bytes put(char **at, struct bytes from)
{
    struct bytes copy = bytes_make(*at, from.len);
    if (from.len)
        memcpy(*at, from.ptr, from.len);
    *at += from.len;
    return copy;
}

static struct queued *queued_new(const struct plan_step *step,
                                 const struct transport_result *result, bool has_kinds)
{
    const struct http_response *from = &result->response;
    size_t texts = from->body.len, headers_bytes = from->header_count * sizeof *from->headers;
    for (size_t i = 0; i < from->header_count; i++)
        texts += from->headers[i].name.len + from->headers[i].value.len;
    size_t kinds_bytes = has_kinds ? sizeof(struct ws_kinds) : 0;
    size_t bytes = sizeof(struct queued) + kinds_bytes + headers_bytes + texts;
    struct queued *queued = malloc(bytes);
    if (!queued)
        return NULL;
    char *behind = (char *)(queued + 1);
    struct http_header *headers = (struct http_header *)(behind + kinds_bytes);
    char *at = (char *)headers + headers_bytes;
    *queued = (struct queued){
        .endpoint = step->endpoint,
        .recorded_status = step->recorded_status,
        .bytes = bytes,
        .kinds = has_kinds ? (struct ws_kinds *)behind : NULL,
        .answer = {.exchange_id = step->exchange_id, .failure = result->failure, .has_body = true},
    };
    if (has_kinds)
        queued->kinds->count = 0;
    for (size_t i = 0; i < from->header_count; i++) {
        headers[i].name = put(&at, from->headers[i].name);
        headers[i].value = put(&at, from->headers[i].value);
    }
    queued->answer.response = (struct http_response){
        .status = from->status, .headers = headers, .header_count = from->header_count};
    queued->answer.response.body = put(&at, from->body);
    return queued;
}

static void put_in_queue(struct checker *checker, struct queued *queued)
{
    pthread_mutex_lock(&checker->mutex);
    bool is_taken = queued && !checker->error.exit_code &&
                    checker->queued_bytes + queued->bytes <= MAX_QUEUED_BYTES;
    if (is_taken) {
        if (checker->last)
            checker->last->next = queued;
        else
            checker->first = queued;
        checker->last = queued;
        checker->queued_bytes += queued->bytes;
        pthread_cond_signal(&checker->work);
    } else {
        checker->counts[CHECK_DROPPED]++;
    }
    pthread_mutex_unlock(&checker->mutex);
    if (!is_taken)
        free(queued);
}

static void answered(void *owner, const struct user *user, const struct plan_step *step,
                     const struct transport_result *result)
{
    bool is_open = step->kind == STEP_WS_CONNECT && result->failure == FAILURE_NONE &&
                   result->response.status == SWITCHING_PROTOCOLS;
    (void)user;
    if (result->failure == FAILURE_CANCELLED || is_open) /* opened() has it */
        return;
    put_in_queue(owner, queued_new(step, result, false));
}

/* --- a WebSocket: what is queued when it is over, until then its worker's --------------------- */

static void *opened(void *owner, const struct user *user, const struct plan_step *connect,
                    const struct transport_result *result)
{
    struct checker *checker = owner;
    if (wants(owner, user, connect) == WATCH_NOTHING)
        return NULL;
    struct queued *queued = queued_new(connect, result, true);
    if (!queued)
        put_in_queue(checker, NULL);
    return queued;
}

static void message(void *socket, const struct plan_step *connect, int opcode, struct bytes payload)
{
    struct queued *queued = socket;
    (void)connect;
    ws_kinds_add(queued->kinds, opcode, payload);
}

/* Of one that was broken off with its user only the handshake can be compared. */
static void closed(void *owner, void *socket, bool is_whole)
{
    struct queued *queued = socket;
    if (is_whole)
        queued->answer.kinds = queued->kinds;
    put_in_queue(owner, queued);
}

/* --- on its own ------------------------------------------------------------------------------ */

struct comparison {
    struct checker *checker;
    const struct queued *queued;
    bool differs;
    struct check_difference *open; /* one of which it is not known yet whether it is noise */
};

/* NULL: there is no room for another. */
static struct check_difference *get(struct checker *checker, uint32_t endpoint,
                                    enum difference_kind kind, struct bytes place)
{
    struct check_difference wanted = {.endpoint = endpoint, .kind = kind};
    size_t len = place.len < sizeof wanted.place ? place.len : sizeof wanted.place - 1;
    if (len)
        memcpy(wanted.place, place.ptr, len);
    for (size_t i = 0; i < checker->difference_count; i++) {
        struct check_difference *known = &checker->differences[i];
        if (known->endpoint == endpoint && known->kind == kind &&
            strcmp(known->place, wanted.place) == 0)
            return known;
    }
    if (checker->difference_count == CHECKER_MAX_DIFFERENCES)
        return NULL;
    checker->differences[checker->difference_count] = wanted;
    return &checker->differences[checker->difference_count++];
}

static void count_difference(struct comparison *comparison, enum difference_kind kind,
                             struct bytes place)
{
    struct check_difference *difference =
        get(comparison->checker, comparison->queued->endpoint, kind, place);
    comparison->differs = true;
    if (difference)
        difference->answers++;
}

/* Now it is known of those that wait for it as well. */
static void settle(struct checker *checker, struct check_difference *difference, bool is_noise)
{
    difference->steadiness = is_noise ? CHECK_NOISE : CHECK_STEADY;
    pthread_mutex_lock(&checker->mutex);
    checker->counts[is_noise ? CHECK_PASSED : CHECK_FAILED] += difference->pending;
    pthread_mutex_unlock(&checker->mutex);
    difference->pending = 0;
    if (is_noise)
        difference->answers = 0;
}

/* The first value that the exchange had there; NULL: it has not been among those that differ. */
static const struct check_sight *sight_of(const struct check_difference *difference,
                                          int64_t exchange_id)
{
    for (uint32_t i = 0; i < difference->sight_count; i++) {
        if (difference->sights[i].exchange_id == exchange_id)
            return &difference->sights[i];
    }
    return NULL;
}

/* Had the same exchange another value there? Whichever of them is answered first. */
static bool is_another_value(struct check_difference *difference, int64_t exchange_id,
                             uint64_t hash)
{
    const struct check_sight *sight = sight_of(difference, exchange_id);
    if (!sight && difference->sight_count < CHECK_MAX_SIGHTS)
        difference->sights[difference->sight_count++] = (struct check_sight){exchange_id, hash};
    return sight && sight->live_hash != hash;
}

static void count_value(struct comparison *comparison, const struct difference *found)
{
    const struct queued *queued = comparison->queued;
    struct check_difference *difference =
        get(comparison->checker, queued->endpoint, found->kind, found->place);
    if (difference)
        difference->seen = comparison->checker->comparison;
    if (difference && difference->steadiness == CHECK_UNKNOWN &&
        is_another_value(difference, queued->answer.exchange_id, bytes_hash(found->live)))
        settle(comparison->checker, difference, true);
    if (difference && difference->steadiness == CHECK_NOISE)
        return;
    if (difference)
        difference->answers++;
    if (difference && difference->steadiness == CHECK_UNKNOWN)
        comparison->open = difference;
    else
        comparison->differs = true;
}

static void on_difference(void *owner, const struct difference *difference)
{
    struct comparison *comparison = owner;
    struct checker *checker = comparison->checker;
    if (noise_covers(checker->survey.noise, checker->recorded.endpoint_id,
                     comparison->queued->recorded_status, difference))
        return;
    if (difference->kind == DIFFERS_VALUE || difference->kind == DIFFERS_TYPE)
        count_value(comparison, difference);
    else
        count_difference(comparison, difference->kind, difference->place);
}

/* A WebSocket that brought as many of a kind as recorded, and another number another time. */
static void settle_counts(struct checker *checker, const struct queued *queued)
{
    for (size_t i = 0; i < checker->difference_count; i++) {
        struct check_difference *difference = &checker->differences[i];
        if (sight_of(difference, queued->answer.exchange_id) &&
            difference->steadiness == CHECK_UNKNOWN && difference->seen != checker->comparison &&
            bytes_starts_with(bytes_of(difference->place), bytes_of("ws:")))
            settle(checker, difference, true);
    }
}

enum verdict { AS_RECORDED, NOT_AS_RECORDED, NOT_KNOWN_YET };

/* enum verdict, or -1 with err: the trace cannot be read. */
static int compare(struct checker *checker, const struct queued *queued, struct error *err)
{
    struct comparison comparison = {.checker = checker, .queued = queued};
    struct live_answer answer = queued->answer;
    if (answer.failure != FAILURE_NONE) {
        count_difference(&comparison, DIFFERS_FAILURE, bytes_of(failure_name(answer.failure)));
        return NOT_AS_RECORDED;
    }
    if (answer.response.status != queued->recorded_status) {
        char statuses[40];
        snprintf(statuses, sizeof statuses, "%d, recorded %d", answer.response.status,
                 queued->recorded_status);
        count_difference(&comparison, DIFFERS_STATUS, bytes_of(statuses));
        return NOT_AS_RECORDED;
    }
    if (recorded_read(&checker->recorded, answer.exchange_id, err) != 1)
        return -1;
    checker->recorded.has_body &= !checker->recorded.exchange.is_websocket &&
                                  !survey_is_large(&checker->survey, answer.exchange_id);
    /* Without them its messages would all be missing. */
    checker->recorded.exchange.is_websocket &= answer.kinds != NULL;
    answer.has_body = checker->recorded.has_body;
    if (recorded_facts(&checker->recorded, &checker->recorded_facts, err))
        return -1;
    live_facts(&answer, checker->target_authority, &checker->live_facts);
    checker->comparison++;
    facts_compare(&checker->recorded_facts, &checker->live_facts, on_difference, &comparison);
    if (answer.kinds)
        settle_counts(checker, queued);
    if (!comparison.differs && comparison.open)
        comparison.open->pending++;
    return comparison.differs ? NOT_AS_RECORDED : comparison.open ? NOT_KNOWN_YET : AS_RECORDED;
}

static struct queued *take_first(struct checker *checker)
{
    struct queued *queued = checker->first;
    checker->first = queued->next;
    if (!checker->first)
        checker->last = NULL;
    checker->queued_bytes -= queued->bytes;
    return queued;
}

static void *run(void *owner)
{
    struct checker *checker = owner;
    struct error error = {0};
    pthread_mutex_lock(&checker->mutex);
    for (;;) {
        while (!checker->first && !checker->is_closing)
            pthread_cond_wait(&checker->work, &checker->mutex);
        if (!checker->first)
            break;
        struct queued *queued = take_first(checker);
        checker->is_comparing = true;
        pthread_mutex_unlock(&checker->mutex);
        int result = error.exit_code ? -1 : compare(checker, queued, &error);
        free(queued);
        pthread_mutex_lock(&checker->mutex);
        checker->is_comparing = false;
        if (result != NOT_KNOWN_YET)
            checker->counts[result < 0              ? CHECK_DROPPED
                            : result == AS_RECORDED ? CHECK_PASSED
                                                    : CHECK_FAILED]++;
        checker->error = error;
        if (!checker->first)
            pthread_cond_signal(&checker->idle);
    }
    pthread_mutex_unlock(&checker->mutex);
    return NULL;
}

/* --- for the run ----------------------------------------------------------------------------- */

void checker_drain(struct checker *checker)
{
    pthread_mutex_lock(&checker->mutex);
    while (checker->first || checker->is_comparing)
        pthread_cond_wait(&checker->idle, &checker->mutex);
    pthread_mutex_unlock(&checker->mutex);
    /* What was never another one is no noise. */
    for (size_t i = 0; i < checker->difference_count; i++) {
        if (checker->differences[i].steadiness == CHECK_UNKNOWN)
            settle(checker, &checker->differences[i], false);
    }
}

void checker_take(struct checker *checker, struct metrics *metrics)
{
    pthread_mutex_lock(&checker->mutex);
    for (int i = 0; i < CHECK_RESULT_COUNT; i++) {
        metrics->checks[i] += checker->counts[i];
        checker->counts[i] = 0;
    }
    pthread_mutex_unlock(&checker->mutex);
}

static int compare_differences(const void *a, const void *b)
{
    const struct check_difference *x = a, *y = b;
    if (x->answers != y->answers)
        return x->answers < y->answers ? 1 : -1;
    if (x->endpoint != y->endpoint)
        return x->endpoint > y->endpoint ? 1 : -1;
    return x->kind != y->kind ? (int)x->kind - (int)y->kind : strcmp(x->place, y->place);
}

const struct check_difference *checker_differences(struct checker *checker, size_t *ret_count)
{
    if (checker->difference_count)
        qsort(checker->differences, checker->difference_count, sizeof *checker->differences,
              compare_differences);
    while (checker->difference_count &&
           checker->differences[checker->difference_count - 1].answers == 0)
        checker->difference_count--; /* noise after all */
    *ret_count = checker->difference_count;
    return checker->differences;
}

bool checker_has_failed(struct checker *checker, struct error *ret_error)
{
    pthread_mutex_lock(&checker->mutex);
    *ret_error = checker->error;
    pthread_mutex_unlock(&checker->mutex);
    return ret_error->exit_code != 0;
}

const struct answer_watch *checker_watch(const struct checker *checker)
{
    return &checker->watch;
}

static int prepare(struct checker *checker, struct error *err)
{
    struct url target;
    const char *trace_path = checker->options.trace_path;
    if (url_parse(checker->options.target, &target) == 0)
        checker->target_authority = target.authority;
    checker->differences = calloc(CHECKER_MAX_DIFFERENCES, sizeof *checker->differences);
    if (!checker->differences)
        return error_set(err, EXIT_TOOL, "no memory for --check");
    if (survey_take(&checker->survey, trace_path, checker->options.overlay, MAX_LEARNED_EXCHANGES,
                    err) ||
        trace_reader_open(&checker->reader, trace_path, err))
        return -1;
    if (recorded_init(&checker->recorded, checker->reader))
        return error_set(err, EXIT_TOOL, "no memory for --check");
    if (pthread_create(&checker->thread, NULL, run, checker))
        return error_set(err, EXIT_TOOL, "no thread for --check");
    checker->is_running = true;
    return 0;
}

int checker_open(struct checker **ret_checker, const struct checker_options *options,
                 struct error *err)
{
    struct checker *checker = calloc(1, sizeof *checker);
    if (!checker)
        return error_set(err, EXIT_TOOL, "no memory for --check");
    checker->options = *options;
    checker->watch = (struct answer_watch){.owner = checker,
                                           .wants = wants,
                                           .answered = answered,
                                           .opened = opened,
                                           .message = message,
                                           .closed = closed};
    pthread_mutex_init(&checker->mutex, NULL);
    pthread_cond_init(&checker->work, NULL);
    pthread_cond_init(&checker->idle, NULL);
    facts_init(&checker->recorded_facts);
    facts_init(&checker->live_facts);
    if (prepare(checker, err)) {
        checker_close(checker);
        return -1;
    }
    *ret_checker = checker;
    return 0;
}

void checker_close(struct checker *checker)
{
    if (!checker)
        return;
    pthread_mutex_lock(&checker->mutex);
    checker->is_closing = true;
    pthread_cond_signal(&checker->work);
    pthread_mutex_unlock(&checker->mutex);
    if (checker->is_running)
        pthread_join(checker->thread, NULL);
    recorded_fini(&checker->recorded);
    facts_fini(&checker->recorded_facts);
    facts_fini(&checker->live_facts);
    if (checker->reader)
        trace_reader_close(checker->reader);
    survey_fini(&checker->survey);
    free(checker->differences);
    pthread_cond_destroy(&checker->work);
    pthread_cond_destroy(&checker->idle);
    pthread_mutex_destroy(&checker->mutex);
    free(checker);
}
