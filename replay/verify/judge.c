/* judge.c - from the answers of a session to findings. */
#include "replay/verify/judge.h"

#include <stdio.h>

#include "replay/user.h"
#include "replay/verify/likeness.h"
#include "traces/correlate/binding_overlay.h"

enum { MAX_SESSION_BYTES = 512 << 20, MAX_EARLIER = 64 };

/* The exchange in hand. */
struct comparison {
    struct judge *judge;
    struct bytes endpoint;  /* its name */
    struct finding finding; /* what is the same in all of it */
    /* Objects that are in an earlier state than recorded: what they have else follows from it. */
    struct bytes earlier[MAX_EARLIER];
    size_t earlier_count;
};

/* --- as it comes ----------------------------------------------------------------------------- */

static enum watch_wish wants(void *owner, const struct user *user, const struct plan_step *step)
{
    const struct judge *judge = owner;
    (void)user;
    return survey_is_large(judge->survey, step->exchange_id) ? WATCH_HEAD : WATCH_BODY;
}

static void fail(struct judge *judge, const char *what)
{
    if (!judge->error.exit_code)
        error_set(&judge->error, EXIT_TOOL, "no memory for %s", what);
}

static void answered(void *owner, const struct user *user, const struct plan_step *step,
                     const struct transport_result *result)
{
    struct judge *judge = owner;
    (void)user;
    if (live_put(&judge->live, step->exchange_id, result))
        fail(judge, "the answers of a session");
}

static void *opened(void *owner, const struct user *user, const struct plan_step *connect,
                    const struct transport_result *result)
{
    (void)user;
    (void)connect;
    (void)result; /* answered() has it */
    return owner;
}

static void message(void *socket, const struct plan_step *connect, int opcode, struct bytes payload)
{
    struct judge *judge = socket;
    live_put_message(&judge->live, connect->exchange_id, opcode, payload);
}

static void closed(void *owner, void *socket, bool is_whole)
{
    (void)owner;
    (void)socket;
    (void)is_whole;
}

/* --- when it is over ------------------------------------------------------------------------- */

/* The listed finding, or NULL. */
static struct finding *add(struct comparison *comparison, enum difference_kind kind,
                           struct bytes place, const char *recorded, const char *live)
{
    struct findings *findings = comparison->judge->findings;
    struct finding *finding = findings_add(findings, &comparison->finding);
    if (!finding)
        return NULL;
    finding->kind = kind;
    finding->endpoint = findings_text(findings, "%.*s", BYTES_ARG(comparison->endpoint));
    finding->place = findings_text(findings, "%.*s", BYTES_ARG(place));
    finding->recorded = findings_text(findings, "%s", recorded);
    finding->live = findings_text(findings, "%s", live);
    return finding;
}

/* --- states ---------------------------------------------------------------------------------- */

enum { MAX_STATE_BYTES = 64, MAX_STATES_BYTES = 8 << 20 };

/* "status" and "queued". .ptr NULL: no word that stands for a state. */
static struct bytes state_key(struct bytes name, struct bytes text, char out[2 * MAX_STATE_BYTES])
{
    if (!name.len || !text.len || name.len >= MAX_STATE_BYTES || text.len >= MAX_STATE_BYTES ||
        text_is_id(text))
        return (struct bytes){0};
    memcpy(out, name.ptr, name.len);
    out[name.len] = '\0';
    memcpy(out + name.len + 1, text.ptr, text.len);
    return bytes_make(out, name.len + 1 + text.len);
}

/* A job that was queued and then done may be queued still where nobody waits between requests. */
static bool was_state_before(const struct judge *judge, const struct difference *difference)
{
    char room[2 * MAX_STATE_BYTES];
    struct bytes key = state_key(difference->name, difference->live, room);
    return difference->kind == DIFFERS_VALUE && key.ptr && map_get(&judge->states, key) &&
           bytes_starts_with(difference->place, bytes_of("body:"));
}

/* Without memory fewer are known, and more is reported. */
static void note_states(struct judge *judge)
{
    char room[2 * MAX_STATE_BYTES];
    for (size_t i = 0; i < judge->recorded_facts.count; i++) {
        const struct fact *fact = &judge->recorded_facts.items[i];
        struct bytes key = {0};
        if (fact->type == 's')
            key = state_key(fact->name, fact->text, room);
        if (!key.ptr || map_get(&judge->states, key))
            continue;
        key = arena_copy(&judge->state_arena, key);
        if (key.ptr)
            map_set(&judge->states, key, judge);
    }
}

static void clear_states(struct judge *judge)
{
    map_fini(&judge->states);
    map_init(&judge->states);
    arena_reset(&judge->state_arena);
}

static void look_for_states(void *owner, const struct difference *difference)
{
    struct comparison *comparison = owner;
    if (comparison->earlier_count < MAX_EARLIER && was_state_before(comparison->judge, difference))
        comparison->earlier[comparison->earlier_count++] = place_parent(difference->place);
}

/* In an object that is in an earlier state. */
static bool is_of_earlier_state(const struct comparison *comparison,
                                const struct difference *difference)
{
    for (size_t i = 0; i < comparison->earlier_count; i++) {
        struct bytes object = comparison->earlier[i];
        if (bytes_starts_with(difference->place, object) && difference->place.len > object.len &&
            difference->place.ptr[object.len] == '/')
            return true;
    }
    return false;
}

static void on_difference(void *owner, const struct difference *difference)
{
    struct comparison *comparison = owner;
    struct judge *judge = comparison->judge;
    char recorded[SHOWN_MAX_BYTES] = "", live[SHOWN_MAX_BYTES] = "";
    if (noise_covers(judge->survey->noise, judge->recorded.endpoint_id, comparison->finding.status,
                     difference) ||
        is_of_earlier_state(comparison, difference)) {
        judge->findings->noise++;
        return;
    }
    if (difference->recorded.ptr)
        show_value(recorded, difference->name, difference->recorded);
    if (difference->live.ptr)
        show_value(live, difference->name, difference->live);
    struct finding *finding = add(comparison, difference->kind, difference->place, recorded, live);
    if (finding)
        finding->live_hash = bytes_hash(difference->live);
}

static int explain(struct judge *judge, const struct plan_step *step, struct finding *finding,
                   struct error *err)
{
    if (!finding || !judge->finds_causes)
        return 0;
    return cause_find(&judge->causes, step, finding, err);
}

/* What is said of one difference of an answer holds for the others of it, and so it is of the
 * messages behind it. */
static int explain_content(struct judge *judge, const struct plan_step *step, size_t first,
                           struct error *err)
{
    const struct finding *explained[2] = {NULL, NULL}; /* of the answer, of the messages */
    for (size_t i = first; i < judge->findings->count && judge->finds_causes; i++) {
        struct finding *finding = &judge->findings->items[i];
        bool is_of_messages = bytes_starts_with(bytes_of(finding->place), bytes_of("ws:"));
        const struct finding **before = &explained[is_of_messages];
        if (*before) {
            finding->cause = (*before)->cause;
            finding->suggestion_count = (*before)->suggestion_count;
            memcpy(finding->suggestions, (*before)->suggestions, sizeof finding->suggestions);
            continue;
        }
        if (is_of_messages ? cause_find_in_messages(&judge->causes, step, finding, err)
                           : cause_find(&judge->causes, step, finding, err))
            return -1;
        *before = finding;
    }
    return 0;
}

static int compare_content(struct comparison *comparison, const struct plan_step *step,
                           const struct live_answer *live, struct error *err)
{
    struct judge *judge = comparison->judge;
    size_t first = judge->findings->count;
    struct live_answer answer = *live;
    bool has_bodies = judge->recorded.has_body && live->has_body &&
                      !survey_is_large(judge->survey, live->exchange_id);
    judge->recorded.has_body = has_bodies;
    answer.has_body = has_bodies && !judge->recorded.exchange.is_websocket;
    judge->findings->unknown_bodies += !has_bodies;
    if (recorded_facts(&judge->recorded, &judge->recorded_facts, err))
        return -1;
    live_facts(&answer, judge->target_authority, &judge->live_facts);
    facts_compare(&judge->recorded_facts, &judge->live_facts, look_for_states, comparison);
    facts_compare(&judge->recorded_facts, &judge->live_facts, on_difference, comparison);
    note_states(judge);
    return explain_content(judge, step, first, err);
}

static int compare_answer(struct comparison *comparison, const struct plan_step *step,
                          const struct live_answer *live, struct error *err)
{
    struct judge *judge = comparison->judge;
    struct finding *about = &comparison->finding;
    char recorded[32], now[SHOWN_MAX_BYTES];
    bool is_answered = live && live->failure == FAILURE_NONE;
    about->status = is_answered ? live->response.status : 0;
    bool has_content = is_answered && about->status == about->recorded_status;
    if (findings_begin(judge->findings, step->exchange_id, has_content))
        return error_set(err, EXIT_TOOL, "no memory for findings");
    if (has_content)
        return compare_content(comparison, step, live, err);
    snprintf(recorded, sizeof recorded, "%d", about->recorded_status);
    if (!live) {
        add(comparison, DIFFERS_NOT_SENT, (struct bytes){0}, recorded, "");
        return 0;
    }
    if (!is_answered) {
        snprintf(now, sizeof now, "%s%s%.60s", failure_name(live->failure),
                 live->detail && *live->detail ? ": " : "", live->detail ? live->detail : "");
        add(comparison, DIFFERS_FAILURE, (struct bytes){0}, recorded, now);
        return 0;
    }
    snprintf(now, sizeof now, "%d", about->status);
    return explain(judge, step, add(comparison, DIFFERS_STATUS, (struct bytes){0}, recorded, now),
                   err);
}

static int compare_step(struct judge *judge, const struct user *user, const struct plan_step *step,
                        struct error *err)
{
    const struct live_answer *live = live_find(&judge->live, step->exchange_id);
    struct bytes endpoint = {0};
    if (user->result == SESSION_CANCELLED && (!live || live->failure == FAILURE_CANCELLED))
        return 0; /* the run was stopped before it was answered */
    /* A plugin left it out, and the session came to its end all the same. */
    if (!live && user->result == SESSION_DONE && user->env->on_missing != MISSING_SKIP)
        return 0;
    int found = recorded_read(&judge->recorded, step->exchange_id, err);
    if (found <= 0 || judge->recorded.exchange.status == 0)
        return found < 0 ? -1 : 0;
    if (trace_reader_endpoint_name(judge->reader, judge->recorded.endpoint_id, &endpoint, err) < 0)
        return -1;
    struct comparison comparison = {
        .judge = judge,
        .endpoint = endpoint,
        .finding = {.session_id = user->session->session_id,
                    .exchange_id = step->exchange_id,
                    .place = "",
                    .recorded = "",
                    .live = "",
                    .recorded_status = judge->recorded.exchange.status}};
    return compare_answer(&comparison, step, live, err);
}

static void session_ended(void *owner, const struct user *user)
{
    struct judge *judge = owner;
    const struct plan_session *session = user->session;
    int result = 0;
    if (judge->error.exit_code)
        return;
    if (judge->finds_causes)
        result = cause_search_begin(&judge->causes, session, &judge->live, &judge->error);
    for (uint32_t i = 0; i < session->step_count && !result; i++) {
        if (session->steps[i].kind != STEP_WS_MESSAGE)
            result = compare_step(judge, user, &session->steps[i], &judge->error);
    }
    live_clear(&judge->live);
    clear_states(judge);
}

int judge_init(struct judge *judge, const char *trace_path, const struct binding_overlay *overlay,
               struct error *err)
{
    *judge = (struct judge){.watch = {.owner = judge,
                                      .wants = wants,
                                      .answered = answered,
                                      .opened = opened,
                                      .message = message,
                                      .closed = closed,
                                      .session_ended = session_ended}};
    live_init(&judge->live, MAX_SESSION_BYTES);
    map_init(&judge->states);
    arena_init(&judge->state_arena, MAX_STATES_BYTES);
    facts_init(&judge->recorded_facts);
    facts_init(&judge->live_facts);
    if (binding_overlay_open_reader(overlay, trace_path, &judge->reader, err))
        return -1;
    if (recorded_init(&judge->recorded, judge->reader) ||
        cause_search_init(&judge->causes, judge->reader))
        return error_set(err, EXIT_TOOL, "no memory to compare answers");
    return 0;
}

void judge_fini(struct judge *judge)
{
    recorded_fini(&judge->recorded);
    cause_search_fini(&judge->causes);
    facts_fini(&judge->recorded_facts);
    facts_fini(&judge->live_facts);
    live_fini(&judge->live);
    map_fini(&judge->states);
    arena_fini(&judge->state_arena);
    if (judge->reader)
        trace_reader_close(judge->reader);
    judge->reader = NULL;
}
