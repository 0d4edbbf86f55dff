/*
 * rate_limit.c - holds a target to its declared limits: what it refuses beyond them is expected,
 * what it refuses within them or lets through beyond them is a failure.
 *
 *     --plugin 'rate_limit:limit=POST /auth/signup 3/h per address'
 *     --plugin 'rate_limit:limit=100/m per user; 500/s in all,allow=bucket,tolerance=5%'
 *
 * docs/plugins/rate_limit.md says how sure it can be. The files here that know of the host are
 * this one and quota.c; the others are functions of bytes and numbers. Users run in parallel: the
 * table of keys has a lock, which is held for some arithmetic and never across a host function.
 */
#include "plugin.h"

#include "headers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Less than this of a request is arithmetic. */
#define HAIR 0.001

static int refuse(const reprise_call *call, const char *problem)
{
    call->host->error(call, "%s", problem);
    return REPRISE_FAIL;
}

static int start(const reprise_call *call)
{
    static const char *const kinds[] = {[LEDGER_WINDOW] = "window",
                                        [LEDGER_CLOCK] = "clock",
                                        [LEDGER_SLIDING] = "sliding",
                                        [LEDGER_BUCKET] = "bucket"};
    struct plugin_state *state = call->plugin;
    char problem[RULE_MAX_PROBLEM_BYTES];
    bool is_share;
    double tolerance;
    size_t kind = 0, kind_count = sizeof kinds / sizeof kinds[0];
    pthread_mutex_init(&state->lock, NULL);
    if (!call->host->judge)
        return refuse(call, "this reprise does not let plugins judge answers");
    if (rules_parse(state->limit, &state->rules, problem) ||
        rule_tolerance(state->tolerance, &is_share, &tolerance, problem))
        return refuse(call, problem);
    while (kind < kind_count && strcmp(state->allow, kinds[kind]) != 0)
        kind++;
    if (kind == kind_count)
        return refuse(call, "allow: it is window, clock, sliding or bucket");
    if (state->status < 400 || state->status > 599)
        return refuse(call, "status: it is one of 400 to 599");
    for (size_t i = 0; i < state->rules.count; i++) {
        const struct rule *rule = &state->rules.rule[i];
        if (kind == LEDGER_SLIDING && rule->count > LEDGER_MAX_SLIDING)
            return refuse(call,
                          "allow=sliding is for limits of up to 10000; bucket is much like it");
        state->terms[i] = (struct ledger_terms){.kind = (enum ledger_kind)kind,
                                                .count = rule->count,
                                                .period_us = rule->period_us,
                                                .skew_us = state->skew};
        state->tolerated[i] = is_share ? tolerance * (double)rule->count : tolerance;
        call->host->log(call, REPRISE_INFO, "%s, %s; %g more are tolerated", rule->text,
                        kinds[kind], state->tolerated[i]);
    }
    return REPRISE_CONTINUE;
}

/* --- before the run -------------------------------------------------------------------------- */

/* What another plugin or --data puts into requests cannot be known here. */
static bool may_have_key(const reprise_recorded *recorded, const struct rule *rule)
{
    bool is_there = rule->key != RULE_PER_HEADER;
    for (size_t i = 0; i < recorded->request_header_count && !is_there; i++) {
        reprise_bytes name = recorded->request_headers[i].name;
        is_there =
            name.len == strlen(rule->name) && strncasecmp(name.ptr, rule->name, name.len) == 0;
    }
    return is_there;
}

static int on_recorded(const reprise_call *call, const reprise_recorded *recorded)
{
    struct plugin_state *state = call->plugin;
    size_t met = 0;
    for (size_t i = 0; i < state->rules.count; i++) {
        const struct rule *rule = &state->rules.rule[i];
        if (!state->has_key[i] && recorded->url.len &&
            rule_matches(rule, recorded->method.ptr, recorded->method.len, recorded->url.ptr,
                         recorded->url.len)) {
            state->is_met[i] = true;
            state->has_key[i] = may_have_key(recorded, rule);
        }
        met += state->has_key[i];
    }
    return met == state->rules.count ? REPRISE_END_SESSION : REPRISE_CONTINUE;
}

static int on_recording_end(const reprise_call *call)
{
    const struct plugin_state *state = call->plugin;
    for (size_t i = 0; i < state->rules.count; i++) {
        const struct rule *rule = &state->rules.rule[i];
        if (!state->is_met[i])
            call->host->log(call, REPRISE_WARNING, "%s: no recorded request counts for it",
                            rule->text);
        else if (!state->has_key[i])
            call->host->log(call, REPRISE_WARNING,
                            "%s: no recorded request has the header %s, and one without counts "
                            "for no limit",
                            rule->text, rule->name);
    }
    return REPRISE_CONTINUE;
}

static void stop(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    keys_fini(&state->keys);
    pthread_mutex_destroy(&state->lock);
}

/* --- what is on its way ---------------------------------------------------------------------- */

static uint64_t hash_of(const reprise_request *request)
{
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
    for (size_t i = 0; i < request->method.len; i++)
        hash = (hash ^ (unsigned char)request->method.ptr[i]) * 0x100000001b3;
    for (size_t i = 0; i < request->url.len; i++)
        hash = (hash ^ (unsigned char)request->url.ptr[i]) * 0x100000001b3;
    return hash;
}

/* Taken out of the list. Several plugins may have added requests that are on their way at once:
 * the URL tells them apart, unless a plugin behind this one has changed it. */
static struct sent *take_sent(struct user_state *user, const reprise_request *request)
{
    uint64_t hash = request->step == REPRISE_ADDED ? hash_of(request) : 0;
    struct sent **found = NULL;
    for (struct sent **at = &user->sent; *at; at = &(*at)->next)
        if ((*at)->step == request->step && (!found || (*at)->hash == hash))
            found = at;
    if (!found)
        return NULL;
    struct sent *sent = *found;
    *found = sent->next;
    return sent;
}

/* The text that tells one key of the limit from another; false: the request has none. */
static bool key_text(const reprise_call *call, const reprise_request *request,
                     const struct rule *rule, char number[24], reprise_bytes *ret)
{
    *ret = (reprise_bytes){"", 0};
    if (rule->key == RULE_PER_USER) {
        ret->len = (size_t)snprintf(number, 24, "%" PRIu64, call->user_index);
        ret->ptr = number;
    } else if (rule->key == RULE_PER_HEADER) {
        *ret = call->host->request_header(call, request, rule->name);
    } else if (rule->key == RULE_PER_DATA) {
        *ret = call->host->data(call, rule->name);
    }
    return ret->ptr != NULL;
}

/* Once a limit: of users without the column nothing is checked. */
static void warn_of_column(const reprise_call *call, const struct rule *rule)
{
    struct plugin_state *state = call->plugin;
    bool *has_warned = &state->has_warned_of_column[rule - state->rules.rule];
    pthread_mutex_lock(&state->lock);
    bool is_first = !*has_warned;
    *has_warned = true;
    pthread_mutex_unlock(&state->lock);
    if (is_first)
        call->host->log(call, REPRISE_WARNING,
                        "%s: user %" PRIu64 " has no column %s of --data, and its requests count "
                        "for no limit; further users without it are not told",
                        rule->text, call->user_index, rule->name);
}

/* Which limits this request counts for. NULL: none. */
static struct sent *new_sent(const reprise_call *call, const reprise_request *request)
{
    struct plugin_state *state = call->plugin;
    struct sent *sent = NULL;
    for (size_t i = 0; i < state->rules.count; i++) {
        char number[24];
        reprise_bytes text;
        const struct rule *rule = &state->rules.rule[i];
        if (!rule_matches(rule, request->method.ptr, request->method.len, request->url.ptr,
                          request->url.len))
            continue;
        if (!key_text(call, request, rule, number, &text)) {
            if (rule->key == RULE_PER_DATA)
                warn_of_column(call, rule);
            continue;
        }
        if (!sent && !(sent = calloc(1, sizeof *sent)))
            return NULL;
        pthread_mutex_lock(&state->lock);
        struct key *key = keys_get(&state->keys, (uint32_t)i, text.ptr, text.len);
        if (key)
            key->in_flight++;
        pthread_mutex_unlock(&state->lock);
        if (key)
            sent->keys[sent->key_count++] = key;
    }
    if (!sent)
        return NULL;
    sent->step = request->step;
    sent->hash = request->step == REPRISE_ADDED ? hash_of(request) : 0;
    sent->attempt = request->attempt;
    sent->unix_us = (uint64_t)call->unix_us;
    return sent;
}

/* It is not on its way any more. was_counted: the target may have, nobody saw its answer. */
static void drop_sent(const reprise_call *call, struct sent *sent, bool was_counted)
{
    struct plugin_state *state = call->plugin;
    struct ledger_span span = {sent->unix_us, (uint64_t)call->unix_us};
    pthread_mutex_lock(&state->lock);
    for (size_t i = 0; i < sent->key_count; i++) {
        struct key *key = sent->keys[i];
        key->in_flight--;
        if (was_counted)
            ledger_take(&state->terms[key->rule], &key->ledger, span, false);
    }
    pthread_mutex_unlock(&state->lock);
    free(sent);
}

static int on_request(const reprise_call *call, reprise_request *request)
{
    struct user_state *user = call->user;
    bool is_asked_again = request->holds || request->attempt;
    struct sent *sent =
        request->step == REPRISE_ADDED && !is_asked_again ? NULL : take_sent(user, request);
    /* Another plugin that tries again keeps the answer to itself. */
    if (sent)
        drop_sent(call, sent, sent->attempt != request->attempt);
    sent = new_sent(call, request);
    if (sent) {
        sent->next = user->sent;
        user->sent = sent;
    }
    return REPRISE_CONTINUE;
}

static void on_session_end(const reprise_call *call)
{
    struct user_state *user = call->user;
    while (user->sent) {
        struct sent *sent = user->sent;
        user->sent = sent->next;
        drop_sent(call, sent, true);
    }
}

/* --- what came back -------------------------------------------------------------------------- */

/* What its limits say to this answer. */
struct finding {
    const struct rule *missed; /* that should have refused it; NULL: none */
    double missed_most;
    bool is_used_up; /* a refusal: one of its limits may well be */
    double most[RULE_MAX];
};

static struct finding count_answer(const reprise_call *call, const struct sent *sent,
                                   struct ledger_span span, bool is_refused, bool is_sure)
{
    struct plugin_state *state = call->plugin;
    struct finding finding = {.missed = NULL};
    pthread_mutex_lock(&state->lock);
    for (size_t i = 0; i < sent->key_count; i++) {
        struct key *key = sent->keys[i];
        const struct ledger_terms *terms = &state->terms[key->rule];
        double most = ledger_most(terms, &key->ledger, span);
        double least = ledger_least(terms, &key->ledger, span);
        double tolerated = state->tolerated[key->rule];
        key->in_flight--;
        finding.most[i] = most;
        finding.is_used_up |= least - (double)key->in_flight - tolerated < 1 - HAIR;
        if (!finding.missed && most + tolerated < 1 - HAIR) {
            finding.missed = &state->rules.rule[key->rule];
            finding.missed_most = most;
        }
        if (!is_refused)
            ledger_take(terms, &key->ledger, span, is_sure);
    }
    pthread_mutex_unlock(&state->lock);
    return finding;
}

static const char *ordinal_end(uint64_t number)
{
    static const char *const ends[] = {"th", "st", "nd", "rd"};
    return number % 10 > 3 || (number % 100 >= 11 && number % 100 <= 13) ? "th" : ends[number % 10];
}

static void judge_missed(const reprise_call *call, const struct finding *finding, uint32_t status)
{
    const struct plugin_state *state = call->plugin;
    const struct rule *rule = finding->missed;
    char reason[400], period[40];
    uint64_t number =
        rule->count + 1 + (uint64_t)(finding->missed_most < 0 ? -finding->missed_most : 0);
    if (state->terms[0].kind == LEDGER_BUCKET)
        snprintf(reason, sizeof reason,
                 "%s: one more than %" PRIu64 " and what came back meanwhile was not refused (%u)",
                 rule->text, rule->count, status);
    else
        snprintf(reason, sizeof reason, "%s: the %" PRIu64 "%s within %s was not refused (%u)",
                 rule->text, number, ordinal_end(number), rule_period_text(rule->period_us, period),
                 status);
    call->host->record(call, MISSED, 1);
    call->host->judge(call, REPRISE_UNEXPECTED, reason);
}

/* As long as the target asks for, or until about one more is let through. */
static int wait_and_retry(const reprise_call *call, const reprise_response *response,
                          const struct sent *sent)
{
    const struct plugin_state *state = call->plugin;
    const struct rule *rule = &state->rules.rule[sent->keys[0]->rule];
    reprise_bytes header = call->host->response_header(call, response, "Retry-After");
    uint64_t wait_us = rule->period_us / rule->count;
    if (header.ptr)
        headers_retry_after(header.ptr, header.len, call->unix_us, &wait_us);
    if (wait_us > state->longest || response->request->attempt >= state->retries)
        return REPRISE_CONTINUE;
    if (state->jitter)
        wait_us += call->host->random(call) % state->jitter;
    call->host->record(call, WAITS, 1);
    call->host->record(call, WAIT_TIME, wait_us);
    call->host->delay_us(call, wait_us);
    return REPRISE_RETRY;
}

static int judge_refusal(const reprise_call *call, const reprise_response *response,
                         const struct sent *sent, const struct finding *finding)
{
    const struct plugin_state *state = call->plugin;
    if (!finding->is_used_up) {
        call->host->record(call, EARLY, 1);
        return REPRISE_CONTINUE;
    }
    call->host->record(call, EXPECTED, 1);
    if (state->wait && wait_and_retry(call, response, sent) == REPRISE_RETRY)
        return REPRISE_RETRY;
    call->host->judge(call, REPRISE_EXPECTED, "beyond its declared limit");
    return REPRISE_CONTINUE;
}

static int on_response(const reprise_call *call, const reprise_response *response)
{
    const struct plugin_state *state = call->plugin;
    struct sent *sent = take_sent(call->user, response->request);
    if (!sent || !sent->key_count) {
        free(sent);
        return REPRISE_CONTINUE;
    }
    uint64_t now_us = (uint64_t)call->unix_us;
    bool is_refused = response->status == state->status, is_answer = response->status != 0;
    struct ledger_span span = {now_us - response->total_us, now_us};
    struct finding finding = count_answer(call, sent, span, is_refused, is_answer);
    int verdict = REPRISE_CONTINUE;
    if (is_answer)
        quota_check(call, response, sent, finding.most);
    if (is_refused)
        verdict = judge_refusal(call, response, sent, &finding);
    else if (is_answer && finding.missed)
        judge_missed(call, &finding, response->status);
    free(sent);
    return verdict;
}

#define OWNER struct plugin_state

static const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_STRING, OWNER, limit, NULL,
                   "declared limits: POST /signup 3/h per address; 100/m per user"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, allow, "window",
                   "how the target counts: window, clock, sliding or bucket"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, tolerance, "0",
                   "how many more than declared it may let through, or refuse before: 2, 10%"),
    REPRISE_OPTION(REPRISE_NUMBER, OWNER, status, "429", "the status of a refusal"),
    REPRISE_OPTION(REPRISE_SWITCH, OWNER, wait, "off",
                   "send what was refused again, after Retry-After"),
    REPRISE_OPTION(REPRISE_DURATION, OWNER, longest, "60s", "longest wait to put up with"),
    REPRISE_OPTION(REPRISE_NUMBER, OWNER, retries, "10", "how often one request is sent again"),
    REPRISE_OPTION(REPRISE_DURATION, OWNER, jitter, "1s", "added to a wait at random, at most"),
    REPRISE_OPTION(REPRISE_DURATION, OWNER, skew, "1s",
                   "allow=clock: how far the target's clock may be from ours"),
    REPRISE_OPTIONS_END,
};

static const reprise_metric metrics[] = {
    [EXPECTED] = {"rate_limited_expected", "", "refused beyond the limit", REPRISE_COUNTER, 0},
    [EARLY] = {"rate_limited_early", "", "refused within the limit", REPRISE_COUNTER, 0},
    [MISSED] = {"rate_limit_missed", "", "let through beyond the limit", REPRISE_COUNTER, 0},
    [HEADERS_WRONG] = {"rate_limit_headers_wrong", "",
                       "answers whose RateLimit headers grant more than the limit", REPRISE_COUNTER,
                       0},
    [WAITS] = {"rate_limit_waits", "", "refused requests sent again later", REPRISE_COUNTER, 0},
    [WAIT_TIME] = {"rate_limit_wait_time", "us", "how long each waited", REPRISE_HISTOGRAM, 0},
    REPRISE_METRICS_END,
};

static const reprise_plugin plugin = {
    REPRISE_PLUGIN_HEADER,
    .name = "rate_limit",
    .version = "1.0",
    .summary = "holds a target to its declared rate limits",
    .threads = REPRISE_PARALLEL, /* the table of keys has a lock */
    .max_retries = 10000,
    .plugin_size = sizeof(struct plugin_state),
    .user_size = sizeof(struct user_state),
    .options = options,
    .metrics = metrics,
    .start = start,
    .stop = stop,
    .on_request = on_request,
    .on_response = on_response,
    .on_session_end = on_session_end,
    .on_recorded = on_recorded,
    .on_recording_end = on_recording_end,
};

REPRISE_REGISTER(plugin);
