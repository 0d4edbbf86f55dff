/*
 * vary.c - makes values of each replayed user its own: emails, uuids, times, columns of --data.
 *
 *     --plugin 'vary:set=/user/email=email; /order/id=uuid'
 *     --plugin 'vary:set=POST /orders /note=from-{n}-{seq}; header:X-Request-Id=uuid'
 *
 * docs/plugins/vary.md says which value is made when. Users run in parallel: all that changes is a
 * user's own, but for the flags of what was said already.
 */
#include "reprise_plugin.h"

#include "edits.h"
#include "fields.h"
#include "memo.h"
#include "recorded.h"
#include "setting.h"
#include "value.h"

#include "../common/endpoint.h"
#include "../common/json_place.h"

#include <stdatomic.h>
#include <string.h>

enum { VALUES, MISSING }; /* places in `metrics` */

struct plugin_state {
    const char *set, *on, *scope; /* options */
    bool is_per_request;
    struct settings settings;
    enum recorded_finding recorded[SETTING_MAX]; /* the best one; no more changed by users */
    atomic_bool has_users;
    atomic_bool was_used[SETTING_MAX], was_named[SETTING_MAX];
};

struct user_state {
    uint64_t seed;
    uint64_t values; /* made so far */
    struct memo memo;
};

/* One request in hand. */
struct work {
    const reprise_call *call;
    const reprise_request *request;
    struct plugin_state *state;
    struct user_state *user;
    size_t at; /* the setting's place */
    const char *problem;
    struct edits edits;
    struct text recorded, made; /* of the value in hand */
};

static const char *find_column(void *owner, const char *name, size_t *ret_bytes)
{
    struct work *work = owner;
    reprise_bytes value = work->call->host->data(work->call, name);
    *ret_bytes = value.len;
    if (!value.ptr)
        work->problem = "no such column for this user in --data";
    return value.ptr;
}

/* work->made from work->recorded. -1: it stays as it is. */
static int make(struct work *work, bool has_recorded)
{
    struct user_state *user = work->user;
    const char *form = work->state->settings.setting[work->at].value;
    bool is_shared = has_recorded && !work->state->is_per_request;
    const char *recorded = work->recorded.ptr ? work->recorded.ptr : "";
    uint64_t form_hash = value_hash(1, form, strlen(form));
    uint64_t key = value_hash(form_hash, recorded, work->recorded.len);
    uint64_t own_key = value_mix(key, 7);
    /* A copy, or a request sent again, has what was made for it already. */
    bool may_be_own = work->request->attempt > 0 || work->request->step == REPRISE_ADDED;
    if (may_be_own && has_recorded && memo_find(&user->memo, own_key))
        return -1;
    const struct memo_entry *known = is_shared ? memo_find(&user->memo, key) : NULL;
    struct memo_entry entry = {key, 0, work->call->unix_us};
    if (known)
        entry = *known;
    else
        entry.seq = ++user->values;
    struct value_source source = {
        .random = value_mix(user->seed, is_shared ? key : value_mix(key, entry.seq)),
        .n = work->call->user_index,
        .seq = entry.seq,
        .unix_us = entry.unix_us,
        .recorded = recorded,
        .recorded_bytes = work->recorded.len,
        .column = find_column,
        .owner = work};
    text_clear(&work->made);
    if (value_make(form, &source, &work->made) || work->made.has_failed)
        return -1;
    if (!known && is_shared)
        memo_add(&user->memo, entry);
    own_key =
        value_mix(value_hash(form_hash, work->made.ptr ? work->made.ptr : "", work->made.len), 7);
    if (!memo_find(&user->memo, own_key))
        memo_add(&user->memo, (struct memo_entry){.key = own_key});
    work->call->host->record(work->call, VALUES, 1);
    if (!atomic_load_explicit(&work->state->was_used[work->at], memory_order_relaxed))
        atomic_store(&work->state->was_used[work->at], true);
    return 0;
}

/* --- places ---------------------------------------------------------------------------------- */

static int vary_json_value(void *owner, const struct json_value *value)
{
    struct work *work = owner;
    const char *text = work->request->body.ptr + value->at;
    bool is_string = value->kind == '"';
    text_clear(&work->recorded);
    if (value->kind == '{' || value->kind == '[') {
        work->problem = "there is no single value but an object or array";
        return 0;
    }
    if (is_string)
        json_string_decode(text, value->len, &work->recorded);
    else
        text_append(&work->recorded, text, value->len);
    if (make(work, true))
        return 0;
    size_t new_at = work->edits.fresh.len;
    if (!is_string && json_text_is_number(work->made.ptr, work->made.len))
        text_append(&work->edits.fresh, work->made.ptr, work->made.len);
    else
        json_string_encode(work->made.ptr, work->made.len, &work->edits.fresh);
    edits_add(&work->edits, value->at, value->len, new_at);
    return 0;
}

static void vary_json(struct work *work, const struct setting *setting)
{
    reprise_bytes body = work->request->body;
    if (!body.len && !setting->method[0])
        return; /* the endpoint's requests without a body are not meant */
    if (work->call->host->request_header(work->call, work->request, "Content-Encoding").ptr) {
        work->problem = "the body has a content coding";
        return;
    }
    int found =
        body.len ? json_place_find(body.ptr, body.len, setting->name, vary_json_value, work) : -1;
    if (found <= 0)
        work->problem = found ? "the body is no JSON" : "it is not there in the body";
}

/* All fields of that name in `text`; how many there are. */
static size_t vary_fields(struct work *work, const char *name, const char *text, size_t len)
{
    size_t count = 0;
    for (size_t at, bytes; field_find(text, len, name, count, &at, &bytes); count++) {
        text_clear(&work->recorded);
        field_decode(text + at, bytes, &work->recorded);
        if (make(work, true))
            continue;
        size_t new_at = work->edits.fresh.len;
        field_encode(work->made.ptr, work->made.len, &work->edits.fresh);
        edits_add(&work->edits, at, bytes, new_at);
    }
    return count;
}

static void vary_form(struct work *work, const struct setting *setting)
{
    reprise_bytes body = work->request->body;
    bool is_meant = body.len || setting->method[0];
    if (is_meant && !vary_fields(work, setting->name, body.ptr, body.len))
        work->problem = "there is no such field in the body";
}

static int vary_query(struct work *work, reprise_request *request, const struct setting *setting)
{
    struct text url = {.ptr = NULL};
    const char *query = request->url.len ? memchr(request->url.ptr, '?', request->url.len) : NULL;
    size_t before = query ? (size_t)(query + 1 - request->url.ptr) : request->url.len;
    int result = 0;
    if (!vary_fields(work, setting->name, request->url.ptr + before, request->url.len - before))
        work->problem = "there is no such field in the query";
    if (work->edits.count) {
        text_append(&url, request->url.ptr, before);
        edits_apply(&work->edits, request->url.ptr + before, request->url.len - before, &url);
        result = url.has_failed ? -1 : work->call->host->set_url(work->call, request, url.ptr);
    }
    edits_clear(&work->edits);
    text_fini(&url);
    return result;
}

/* One that was not recorded is put there, fresh for each request. */
static int vary_header(struct work *work, reprise_request *request, const struct setting *setting)
{
    reprise_bytes value = work->call->host->request_header(work->call, request, setting->name);
    text_clear(&work->recorded);
    text_append(&work->recorded, value.ptr, value.len);
    if (make(work, value.ptr != NULL))
        return 0;
    return work->call->host->set_header(work->call, request, setting->name,
                                        work->made.ptr ? work->made.ptr : "");
}

/* Counted where somebody said that it should be there; the first time it is said. */
static void tell_missing(struct work *work, const struct setting *setting)
{
    const char *problem = work->problem;
    work->problem = NULL;
    if (!problem || !setting->path[0])
        return;
    work->call->host->record(work->call, MISSING, 1);
    if (!atomic_exchange(&work->state->was_named[work->at], true))
        work->call->host->log(work->call, REPRISE_WARNING,
                              "%s: %s (%s %s); further ones are counted", setting->text, problem,
                              work->request->method.ptr, work->request->url.ptr);
}

/* The headers and the query at once, the body at the end. */
static int vary_all(struct work *work, reprise_request *request)
{
    const struct settings *settings = &work->state->settings;
    int result = 0;
    for (int is_body = 0; is_body < 2; is_body++)
        for (work->at = 0; work->at < settings->count && !result; work->at++) {
            const struct setting *setting = &settings->setting[work->at];
            bool is_in_body = setting->place == SETTING_JSON || setting->place == SETTING_FORM;
            if (is_in_body != (is_body == 1) ||
                !endpoint_matches(setting->method, setting->path, request->method.ptr,
                                  request->method.len, request->url.ptr, request->url.len))
                continue;
            if (setting->place == SETTING_JSON)
                vary_json(work, setting);
            else if (setting->place == SETTING_FORM)
                vary_form(work, setting);
            else if (setting->place == SETTING_QUERY)
                result = vary_query(work, request, setting);
            else
                result = vary_header(work, request, setting);
            tell_missing(work, setting);
        }
    return result;
}

static int on_request(const reprise_call *call, reprise_request *request)
{
    struct work work = {
        .call = call, .request = request, .state = call->plugin, .user = call->user};
    struct text body = {.ptr = NULL};
    int result = vary_all(&work, request);
    if (!result && work.edits.count) {
        edits_apply(&work.edits, request->body.ptr, request->body.len, &body);
        result = body.has_failed ? -1 : call->host->set_body(call, request, body.ptr, body.len);
        if (body.has_failed)
            call->host->error(call, "no memory for a body of %zu bytes", request->body.len);
    }
    text_fini(&body);
    text_fini(&work.recorded);
    text_fini(&work.made);
    edits_fini(&work.edits);
    return result ? REPRISE_FAIL : REPRISE_CONTINUE;
}

/* --------------------------------------------------------------------------------------------- */

static int start(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    char problem[SETTING_MAX_PROBLEM_BYTES];
    if (settings_parse(state->set, &state->settings, problem) ||
        settings_narrow(&state->settings, state->on, problem)) {
        call->host->error(call, "%s", problem);
        return REPRISE_FAIL;
    }
    state->is_per_request = strcmp(state->scope, "request") == 0;
    if (!state->is_per_request && strcmp(state->scope, "user") != 0) {
        call->host->error(call, "scope: it is user or request");
        return REPRISE_FAIL;
    }
    return REPRISE_CONTINUE;
}

static int on_recorded(const reprise_call *call, const reprise_recorded *recorded)
{
    struct plugin_state *state = call->plugin;
    size_t there = 0;
    for (size_t i = 0; i < state->settings.count; i++) {
        enum recorded_finding *best = &state->recorded[i];
        if (*best != RECORDED_THERE) {
            enum recorded_finding found = recorded_find(recorded, &state->settings.setting[i]);
            *best = found > *best ? found : *best;
        }
        there += *best == RECORDED_THERE;
    }
    return there == state->settings.count ? REPRISE_END_SESSION : REPRISE_CONTINUE;
}

static int on_recording_end(const reprise_call *call)
{
    const struct plugin_state *state = call->plugin;
    for (size_t i = 0; i < state->settings.count; i++) {
        const struct setting *setting = &state->settings.setting[i];
        const char *missing = !setting->path[0] ? "it is in no recorded request"
                              : state->recorded[i] == RECORDED_WITHOUT
                                  ? "it is in no recorded request of its endpoint"
                                  : "no recorded request is of its endpoint";
        if (state->recorded[i] != RECORDED_THERE)
            call->host->log(call, REPRISE_WARNING, "%s: %s", setting->text, missing);
    }
    return REPRISE_CONTINUE;
}

/* What the trace lacks was told before. */
static void stop(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    if (!atomic_load(&state->has_users))
        return;
    for (size_t i = 0; i < state->settings.count; i++)
        if (state->recorded[i] == RECORDED_THERE && !atomic_load(&state->was_used[i]) &&
            !atomic_load(&state->was_named[i]))
            call->host->log(call, REPRISE_WARNING, "%s: it was in no request",
                            state->settings.setting[i].text);
}

static int on_session_start(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    struct user_state *user = call->user;
    user->seed = call->host->random(call);
    if (!atomic_load_explicit(&state->has_users, memory_order_relaxed))
        atomic_store(&state->has_users, true);
    return REPRISE_CONTINUE;
}

static void on_session_end(const reprise_call *call)
{
    struct user_state *user = call->user;
    memo_fini(&user->memo);
}

static const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, set, NULL,
                   "[METHOD PATH] PLACE=VALUE; ...: /user/email=email; header:X-Id=uuid"),
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, on, "",
                   "endpoint of those that name none: POST /orders, /orders/*"),
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, scope, "user",
                   "user: equal recorded values stay equal for a user; request: each its own"),
    REPRISE_OPTIONS_END,
};

static const reprise_metric metrics[] = {
    [VALUES] = {"vary_values", "", "values that were varied", REPRISE_COUNTER, 0},
    [MISSING] = {"vary_missing", "", "values that were not where they should be", REPRISE_COUNTER,
                 0},
    REPRISE_METRICS_END,
};

static const reprise_plugin plugin = {
    REPRISE_PLUGIN_HEADER,
    .name = "vary",
    .version = "1.0",
    .summary = "makes values of each replayed user its own",
    .threads = REPRISE_PARALLEL,
    .plugin_size = sizeof(struct plugin_state),
    .user_size = sizeof(struct user_state),
    .options = options,
    .metrics = metrics,
    .start = start,
    .stop = stop,
    .on_session_start = on_session_start,
    .on_request = on_request,
    .on_session_end = on_session_end,
    .on_recorded = on_recorded,
    .on_recording_end = on_recording_end,
};

REPRISE_REGISTER(plugin);
