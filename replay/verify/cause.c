/* cause.c - searches a diverged exchange's request for what was sent as recorded and should not. */
#include "replay/verify/cause.h"

#include <stdio.h>
#include <stdlib.h>

#include "replay/verify/carried.h"
#include "replay/verify/likeness.h"

enum {
    MAX_BINDING_BYTES = 16 << 20,
    MAX_BODY_BYTES = 16 << 20,
    MAX_ANSWERS = 3000,  /* read in search of producers, for each session */
    LONG_GAP_US = 100000 /* a target may do something in it; below, a client's own work */
};

struct bound_place {
    int64_t born_exchange_id, used_exchange_id;
    struct bytes born_place, used_place;
    struct bound_place *next;
};

int cause_search_init(struct cause_search *search, struct trace_reader *reader)
{
    search->reader = reader;
    buf_init(&search->body, MAX_BODY_BYTES);
    buf_init(&search->place, PLACE_MAX_BYTES);
    arena_init(&search->arena, MAX_BINDING_BYTES);
    search->scratch = place_scratch_new();
    search->live_scratch = place_scratch_new();
    if (recorded_init(&search->recorded, reader) || !search->scratch || !search->live_scratch)
        return -1;
    return 0;
}

void cause_search_fini(struct cause_search *search)
{
    recorded_fini(&search->recorded);
    buf_fini(&search->body);
    buf_fini(&search->place);
    place_scratch_free(search->scratch);
    place_scratch_free(search->live_scratch);
    arena_fini(&search->arena);
}

int cause_search_begin(struct cause_search *search, const struct plan_session *session,
                       const struct live_session *live, struct error *err)
{
    struct trace_binding binding;
    int more;
    search->session = session;
    search->live = live;
    search->answers_left = MAX_ANSWERS;
    search->bound = NULL;
    arena_reset(&search->arena);
    if (trace_reader_start_bindings(search->reader, session->session_id, err))
        return -1;
    while ((more = trace_reader_next_binding(search->reader, &binding, err)) > 0) {
        struct bound_place *bound = NULL;
        if (bytes_equal(binding.state, bytes_of("on")))
            bound = arena_alloc(&search->arena, sizeof *bound);
        if (!bound)
            continue;
        *bound = (struct bound_place){
            .born_exchange_id = binding.born_exchange_id,
            .used_exchange_id = binding.used_exchange_id,
            .born_place = arena_copy(&search->arena, binding.born_place),
            .used_place = arena_copy(&search->arena, binding.used_place),
            .next = search->bound,
        };
        search->bound = bound;
    }
    return more;
}

/* --- what was not sent as recorded ----------------------------------------------------------- */

/* "header:Authorization" and "header:authorization > ..." are the same place of a request. */
static bool is_same_use(struct bytes place, struct bytes used)
{
    const char *inner = used.len ? memmem(used.ptr, used.len, " > ", 3) : NULL;
    if (inner && !bytes_starts_with(used, bytes_of("ws:"))) /* whose first step is a message */
        used.len = (size_t)(inner - used.ptr);
    return bytes_starts_with(place, bytes_of("header:")) ? bytes_equal_nocase(place, used)
                                                         : bytes_equal(place, used);
}

const struct bound_place *cause_find_bound(const struct cause_search *search, int64_t exchange_id,
                                           struct bytes place)
{
    for (const struct bound_place *bound = search->bound; bound; bound = bound->next) {
        if (bound->used_exchange_id == exchange_id && is_same_use(place, bound->used_place))
            return bound;
    }
    return NULL;
}

/* --- which of them it was -------------------------------------------------------------------- */

/* How well it explains this status. */
static int score_of(const struct carried *carried, int status)
{
    bool is_credential = name_is_credential(carried->name);
    bool is_refusal = status == 400 || status == 401 || status == 403 || status == 419 ||
                      status == 422 || status == 302 || status == 303;
    int score = carried->is_stale ? 20 : 0;
    if (carried->kind == PLACE_COOKIE)
        score += is_refusal ? 18 : 10; /* below any other credential: a jar renews cookies */
    else if (is_credential && is_refusal)
        score += carried->kind == PLACE_HEADER ? 42 : 40;
    else if (carried->kind == PLACE_PATH)
        score += status == 404 || status == 410 || status == 405 ? 40 : 20;
    else if (carried->kind == PLACE_HEADER)
        score += 10;
    else
        score += status >= 400 && status != 401 ? 25 : 10;
    score += is_credential && is_refusal ? 10 : 0;
    score -= carried->is_weak ? 15 : 0;
    return score + (text_is_id(carried->text) ? 5 : 0);
}

static int compare_carried(const void *a, const void *b)
{
    const struct carried *x = a, *y = b;
    return (y->score > x->score) - (y->score < x->score);
}

/* "header X-CSRF-Token", "path segment 2": a place for people. */
static const char *words_of(struct bytes place, char out[128])
{
    struct bytes rest = place, kind;
    bytes_split(&rest, ':', &kind);
    if (bytes_equal(kind, bytes_of("ws"))) { /* which message, and where in it */
        snprintf(out, 128, "%.*s", place.len < 120 ? (int)place.len : 120, place.ptr);
        return out;
    }
    if (bytes_equal(kind, bytes_of("path")))
        kind = bytes_of("path segment");
    else if (bytes_equal(kind, bytes_of("body")))
        kind = bytes_of("body field");
    else if (bytes_equal(kind, bytes_of("form")))
        kind = bytes_of("form field");
    snprintf(out, 128, "%.*s %.*s", (int)kind.len, kind.ptr, rest.len < 80 ? (int)rest.len : 80,
             rest.ptr ? rest.ptr : "");
    return out;
}

/* "exchange 40, GET /form" */
static int name_exchange(struct cause_search *search, int64_t exchange_id, char *out,
                         size_t out_size, struct error *err)
{
    struct bytes name = {0};
    struct trace_exchange exchange;
    int64_t endpoint_id;
    int found =
        trace_reader_get_exchange(search->reader, exchange_id, &exchange, &endpoint_id, err);
    if (found > 0)
        found = trace_reader_endpoint_name(search->reader, endpoint_id, &name, err);
    if (found < 0)
        return -1;
    snprintf(out, out_size, "exchange %lld (%.*s)", (long long)exchange_id,
             name.len < 100 ? (int)name.len : 100, name.ptr ? name.ptr : "");
    return 0;
}

/* The one it was, most likely, and the others as further suggestions. */
static void suggest(struct cause_search *search, const struct plan_step *step,
                    const struct carried *carried, struct finding *finding)
{
    if (!carried->is_stale || finding->suggestion_count == SUGGESTIONS_MAX)
        return;
    finding->suggestions[finding->suggestion_count++] = (struct suggestion){
        .born_exchange_id = carried->born_exchange_id,
        .used_exchange_id = step->exchange_id,
        .born_place = findings_text(search->findings, "%.*s", BYTES_ARG(carried->born_place)),
        .used_place = findings_text(search->findings, "%.*s", BYTES_ARG(carried->place)),
    };
}

static int blame_producer(struct cause_search *search, const struct plan_step *step,
                          struct carried_list *list, struct finding *finding, struct error *err)
{
    char words[128], name[160];
    for (size_t i = 0; i < list->count; i++) {
        struct carried *carried = &list->items[i];
        /* Of an answer with the recorded status a word may be anybody's. */
        if (carried->is_weak && (!carried->is_stale || finding->status < 400))
            carried->has_producer = false;
        carried->score = carried->has_producer ? score_of(carried, finding->status) : -1;
    }
    qsort(list->items, list->count, sizeof *list->items, compare_carried);
    const struct carried *best = list->count ? &list->items[0] : NULL;
    if (!best || !best->has_producer)
        return 0;
    if (name_exchange(search, best->born_exchange_id, name, sizeof name, err))
        return -1;
    words_of(best->place, words);
    if (best->is_stale)
        finding->cause =
            findings_text(search->findings,
                          "%s sent as recorded; that value came with %s, %.*s, and is another now",
                          words, name, BYTES_ARG(best->born_place));
    else if (!best->live_status)
        finding->cause = findings_text(
            search->findings, "%s sent as recorded; %s, which gave it, has no answer", words, name);
    else
        finding->cause = findings_text(
            search->findings,
            "%s sent as recorded; %s, which gave it at %.*s, was answered %d, recorded %d, "
            "without it",
            words, name, BYTES_ARG(best->born_place), best->live_status, best->recorded_status);
    for (size_t i = 0; i < list->count && list->items[i].has_producer; i++)
        suggest(search, step, &list->items[i], finding);
    return 0;
}

/* --- other causes ---------------------------------------------------------------------------- */

/* Does the live answer have something at that place of it? */
static bool has_born(struct cause_search *search, const struct live_answer *live,
                     const struct place *born)
{
    const struct message_view answer = {.side = PLACE_IN_ANSWER,
                                        .headers = live->response.headers,
                                        .header_count = live->response.header_count,
                                        .body = live->response.body};
    bool is_looked_at = live->has_body && born->steps[0].kind != PLACE_WS;
    return !is_looked_at || place_find(born, &answer, search->live_scratch).len;
}

/* A binding fills the request from an answer that did not come, or came without it. */
static int blame_bound(struct cause_search *search, const struct bound_place *bound,
                       struct finding *finding, struct error *err)
{
    char name[160];
    struct place born;
    struct error ignored;
    if (place_parse(bound->born_place, PLACE_IN_ANSWER, &born, &ignored) ||
        born.steps[0].kind == PLACE_NEW || born.steps[0].kind == PLACE_DATA)
        return 0; /* no answer's */
    const struct live_answer *live = live_find(search->live, bound->born_exchange_id);
    int found = recorded_read(&search->recorded, bound->born_exchange_id, err);
    if (found < 0)
        return -1;
    bool has_answer = live && live->failure == FAILURE_NONE;
    int recorded_status = found ? search->recorded.exchange.status : 0;
    if (!found ||
        (has_answer && live->response.status == recorded_status && has_born(search, live, &born)))
        return 0;
    if (name_exchange(search, bound->born_exchange_id, name, sizeof name, err))
        return -1;
    if (!has_answer)
        finding->cause =
            findings_text(search->findings, "%.*s is filled from %s, which has no answer",
                          BYTES_ARG(bound->used_place), name);
    else if (live->response.status != recorded_status)
        finding->cause = findings_text(
            search->findings, "%.*s is filled from %s, which was answered %d, recorded %d",
            BYTES_ARG(bound->used_place), name, live->response.status, recorded_status);
    else
        finding->cause = findings_text(
            search->findings, "%.*s is filled from %s, which was answered without %.*s",
            BYTES_ARG(bound->used_place), name, BYTES_ARG(bound->born_place));
    return 0;
}

static int blame_binding(struct cause_search *search, const struct plan_step *step,
                         struct finding *finding, struct error *err)
{
    for (const struct bound_place *bound = search->bound; bound && !finding->cause;
         bound = bound->next) {
        if (bound->used_exchange_id == step->exchange_id &&
            blame_bound(search, bound, finding, err))
            return -1;
    }
    return 0;
}

/* What the client made is made anew, and the target has it: it kept what a run of this seed left.
 */
static void blame_made(struct cause_search *search, const struct plan_step *step,
                       struct finding *finding)
{
    for (const struct bound_place *bound = search->bound; bound && !finding->cause;
         bound = bound->next) {
        struct bytes born = bound->born_place;
        bool is_made = bytes_starts_with(born, bytes_of("new:")) &&
                       !bytes_starts_with(born, bytes_of("new:time"));
        if (finding->status != 409 || bound->used_exchange_id != step->exchange_id || !is_made)
            continue;
        finding->cause = findings_text(
            search->findings,
            search->has_own_seed
                ? "%.*s is client-made (%.*s) and was made anew, of seed %llu, drawn for this run; "
                  "the target refuses it all the same"
                : "%.*s is client-made (%.*s): such values are those of seed %llu, which the "
                  "target has seen; leave --seed out, give another one, or start the target empty",
            BYTES_ARG(bound->used_place), BYTES_ARG(born), (unsigned long long)search->seed);
    }
}

/* The user's own is refused: nothing else was found to be wrong with the request. */
static void blame_user(struct cause_search *search, const struct plan_step *step,
                       struct finding *finding)
{
    bool is_refusal = finding->status == 400 || finding->status == 401 || finding->status == 403 ||
                      finding->status == 422;
    for (const struct bound_place *bound = search->bound; bound && is_refusal && !finding->cause;
         bound = bound->next) {
        if (bound->used_exchange_id == step->exchange_id &&
            bytes_starts_with(bound->born_place, bytes_of("data:")))
            finding->cause = findings_text(
                search->findings,
                "%.*s is the user's own (%.*s): the target may not have that account; make it "
                "there, or name others with --data FILE",
                BYTES_ARG(bound->used_place), BYTES_ARG(bound->born_place));
    }
}

/* A token that carries its own end. */
static void blame_expiry(struct cause_search *search, const struct carried_list *list,
                         struct finding *finding)
{
    char words[128];
    uint64_t expires_s;
    for (size_t i = 0; i < list->count && !finding->cause; i++) {
        struct bytes text = list->items[i].text;
        size_t space = bytes_index_of(text, ' ');
        if (space < text.len) /* "Bearer X" */
            text = bytes_from(text, space + 1);
        if (!jwt_expiry(text, &expires_s) || expires_s >= search->unix_s)
            continue;
        finding->cause = findings_text(
            search->findings, "%s sent as recorded; the token expired %llu s ago (its exp)",
            words_of(list->items[i].place, words),
            (unsigned long long)(search->unix_s - expires_s));
    }
}

/* Was it given to the client before, by an answer? A login's password was not. */
static bool is_given(const struct carried *carried)
{
    bool is_in_head = carried->kind == PLACE_HEADER || carried->kind == PLACE_COOKIE ||
                      carried->kind == PLACE_QUERY;
    return is_in_head ? name_is_credential(carried->name) : name_is_token(carried->name);
}

/* A credential that the session brought along; a cookie if it is nothing else. */
static void blame_age(struct cause_search *search, const struct carried_list *list,
                      struct finding *finding)
{
    char words[128];
    for (size_t i = 0; i < 2 * list->count && !finding->cause; i++) {
        const struct carried *carried = &list->items[i % list->count];
        bool is_turn = (carried->kind == PLACE_COOKIE) == (i >= list->count);
        if (carried->is_settled || carried->is_literal || !is_turn || !is_given(carried))
            continue;
        if (search->gap_exchange_id) {
            finding->cause = findings_text(
                search->findings,
                "%s sent as recorded; nothing that was looked at gave it, but the answer of "
                "exchange %lld was not looked at whole (too large, too deep or not to be decoded): "
                "it may be from there; have a plugin give it",
                words_of(carried->place, words), (long long)search->gap_exchange_id);
            return;
        }
        finding->cause = findings_text(
            search->findings,
            "%s sent as recorded; no earlier answer of this session gave it, so it is older than "
            "the session: record from the login on, or have a plugin give it",
            words_of(carried->place, words));
    }
}

static void blame_account(struct cause_search *search, const struct carried_list *list,
                          struct finding *finding)
{
    char words[128];
    if (finding->status != 409 && finding->status != 422 && finding->status != 400)
        return;
    for (size_t i = 0; i < list->count && !finding->cause; i++) {
        const struct carried *carried = &list->items[i];
        if (!name_is_account(carried->name) || carried->kind == PLACE_HEADER ||
            carried->kind == PLACE_PATH || carried->kind == PLACE_COOKIE)
            continue;
        finding->cause =
            findings_text(search->findings,
                          "%s sent as recorded; the target may have that account already: start it "
                          "empty, or give each user its own",
                          words_of(carried->place, words));
    }
}

static bool blame_target(struct cause_search *search, struct finding *finding)
{
    const struct live_answer *live = live_find(search->live, finding->exchange_id);
    if (!live || live->failure != FAILURE_NONE)
        return false;
    struct bytes wait = http_headers_find(live->response.headers, live->response.header_count,
                                          bytes_of("retry-after"));
    if (finding->status != 429 && !(finding->status == 503 && wait.ptr))
        return false;
    finding->cause =
        findings_text(search->findings, "the target asks to slow down (Retry-After: %.*s)",
                      wait.len < 40 ? (int)wait.len : 40, wait.ptr ? wait.ptr : "not given");
    return true;
}

/* Nothing that it carried: it may have come too early. An application may answer before it has done
 * what it was asked for. */
static void blame_haste(struct cause_search *search, const struct plan_step *step,
                        struct finding *finding)
{
    if (finding->cause || !search->leaves_pauses_out || step->gap_us < LONG_GAP_US ||
        finding->recorded_status >= 400 || finding->kind != DIFFERS_STATUS)
        return;
    finding->cause = findings_text(search->findings,
                                   "sent at once; the recorded user waited %llu ms before it, and "
                                   "the target may need them: --pacing think does so too",
                                   (unsigned long long)(step->gap_us / 1000));
}

int cause_find(struct cause_search *search, const struct plan_step *step, struct finding *finding,
               struct error *err)
{
    struct carried_list *list = calloc(1, sizeof *list);
    int result = -1;
    if (!list)
        return error_set(err, EXIT_TOOL, "no memory to look for a cause");
    if (blame_target(search, finding)) {
        result = 0;
        goto out;
    }
    if (blame_binding(search, step, finding, err) || carried_read(search, step, list, err))
        goto out;
    if (!finding->cause && (carried_find_producers(search, step, list, err) ||
                            blame_producer(search, step, list, finding, err)))
        goto out;
    if (finding->status >= 400) {
        blame_expiry(search, list, finding);
        blame_account(search, list, finding);
        blame_made(search, step, finding);
        blame_age(search, list, finding);
        blame_user(search, step, finding);
        blame_haste(search, step, finding);
    }
    result = 0;
out:
    arena_fini(&list->arena);
    free(list);
    return result;
}

int cause_find_in_messages(struct cause_search *search, const struct plan_step *connect,
                           struct finding *finding, struct error *err)
{
    struct carried_list *list = calloc(1, sizeof *list);
    if (!list)
        return error_set(err, EXIT_TOOL, "no memory to look for a cause");
    int result = blame_binding(search, connect, finding, err);
    if (!result && !finding->cause)
        result = carried_read_messages(search, connect, list, err);
    if (!result && !finding->cause)
        result = blame_producer(search, connect, list, finding, err);
    arena_fini(&list->arena);
    free(list);
    return result;
}
