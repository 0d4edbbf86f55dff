/* cause.c - searches a diverged exchange's request for what was sent as recorded and should not. */
#include "replay/verify/cause.h"

#include <stdio.h>
#include <stdlib.h>

#include "replay/verify/likeness.h"

enum {
    MAX_BINDING_BYTES = 16 << 20,
    MAX_VALUES = 64,    /* of one request that are looked for */
    MAX_ANSWERS = 3000, /* read in search of producers, for each session */
    SHORTEST_VALUE = 4, /* that is looked for without evidence of its name */
    SHORTEST_INSIDE = 8 /* inside a longer one */
};

struct bound_place {
    int64_t born_exchange_id, used_exchange_id;
    struct bytes born_place, used_place;
    struct bound_place *next;
};

/* A value of the request, and the place that gave it. */
struct value {
    const struct fact *fact; /* in the request */
    bool is_settled;         /* found: as it should be, or as below */
    bool has_producer;
    bool is_stale; /* the live answer has another one there */
    int64_t born_exchange_id;
    int live_status, recorded_status; /* of the producer; live 0: no answer */
    char born_place[512];
    int score;
};

struct values {
    struct value items[MAX_VALUES];
    size_t count;
};

int cause_search_init(struct cause_search *search, struct trace_reader *reader)
{
    search->reader = reader;
    facts_init(&search->request);
    facts_init(&search->answer);
    facts_init(&search->live_answer);
    arena_init(&search->arena, MAX_BINDING_BYTES);
    return recorded_init(&search->recorded, reader);
}

void cause_search_fini(struct cause_search *search)
{
    recorded_fini(&search->recorded);
    facts_fini(&search->request);
    facts_fini(&search->answer);
    facts_fini(&search->live_answer);
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
    if (inner)
        used.len = (size_t)(inner - used.ptr);
    return bytes_starts_with(place, bytes_of("header:")) ? bytes_equal_nocase(place, used)
                                                         : bytes_equal(place, used);
}

static const struct bound_place *find_bound(const struct cause_search *search, int64_t exchange_id,
                                            struct bytes place)
{
    for (const struct bound_place *bound = search->bound; bound; bound = bound->next) {
        if (bound->used_exchange_id == exchange_id && is_same_use(place, bound->used_place))
            return bound;
    }
    return NULL;
}

/* The jar sent the target's own. */
static bool was_set_live(const struct cause_search *search, const struct fact *cookie)
{
    struct bytes name = cookie->name;
    for (uint32_t i = 0; i < search->session->step_count; i++) {
        const struct live_answer *live =
            live_find(search->live, search->session->steps[i].exchange_id);
        for (size_t j = 0; live && j < live->response.header_count; j++) {
            const struct http_header *header = &live->response.headers[j];
            if (bytes_equal_nocase(header->name, bytes_of("set-cookie")) &&
                bytes_starts_with(header->value, name) && header->value.len > name.len &&
                header->value.ptr[name.len] == '=')
                return true;
        }
    }
    return false;
}

static bool is_worth_looking(const struct fact *fact)
{
    if (!fact->text.len || fact->type == '{' || fact->type == '[' || fact->type == 'b' ||
        fact->type == 'z')
        return false;
    return fact->text.len >= SHORTEST_VALUE || name_is_volatile(fact->name) ||
           bytes_starts_with(fact->place, bytes_of("path:"));
}

static int find_values(struct cause_search *search, const struct plan_step *step,
                       struct values *values, struct error *err)
{
    values->count = 0;
    if (recorded_read(&search->recorded, step->exchange_id, err) < 0 ||
        recorded_request_facts(&search->recorded, &search->request, err))
        return -1;
    for (size_t i = 0; i < search->request.count && values->count < MAX_VALUES; i++) {
        const struct fact *fact = &search->request.items[i];
        bool is_cookie = bytes_starts_with(fact->place, bytes_of("cookie:"));
        if (!is_worth_looking(fact) || find_bound(search, step->exchange_id, fact->place) ||
            (is_cookie && was_set_live(search, fact)))
            continue;
        values->items[values->count++] = (struct value){.fact = fact};
    }
    return 0;
}

/* --- where it came from ---------------------------------------------------------------------- */

/* Is what an answer has at `born` what the request carries? */
static bool gives(const struct fact *born, const struct fact *used)
{
    if (born->kind == FACT_SIZE || born->type == '{' || born->type == '[' || born->type == 'b' ||
        born->type == 'z' || !born->text.len)
        return false;
    if (born->text.len < SHORTEST_VALUE)
        return bytes_equal(born->text, used->text) && name_is_volatile(born->name) &&
               (bytes_equal_nocase(born->name, used->name) ||
                bytes_starts_with(used->place, bytes_of("path:")));
    if (bytes_equal(born->text, used->text))
        return true;
    return born->text.len >= SHORTEST_INSIDE && used->text.len > born->text.len &&
           memmem(used->text.ptr, used->text.len, born->text.ptr, born->text.len);
}

static void settle(struct cause_search *search, const struct plan_step *producer,
                   const struct fact *born, struct value *value)
{
    const struct live_answer *live = live_find(search->live, producer->exchange_id);
    const struct fact *now = NULL;
    if (live && live->failure == FAILURE_NONE)
        now = facts_find(&search->live_answer, born->place);
    value->is_settled = true;
    if (now && bytes_equal(now->text, born->text))
        return; /* the same today: it does no harm */
    value->has_producer = true;
    value->is_stale = now != NULL;
    value->born_exchange_id = producer->exchange_id;
    value->live_status = live && live->failure == FAILURE_NONE ? live->response.status : 0;
    value->recorded_status = producer->recorded_status;
    snprintf(value->born_place, sizeof value->born_place, "%.*s", BYTES_ARG(born->place));
}

static int look_into(struct cause_search *search, const struct plan_step *producer,
                     struct values *values, struct error *err)
{
    const struct live_answer *live = live_find(search->live, producer->exchange_id);
    int found = recorded_read(&search->recorded, producer->exchange_id, err);
    if (found <= 0)
        return found;
    const struct facts_answer answer = {.response = &search->recorded.answer,
                                        .has_body = search->recorded.has_body};
    facts_of_answer(&search->answer, &answer);
    facts_clear(&search->live_answer);
    if (live && live->failure == FAILURE_NONE)
        live_facts(live, (struct bytes){0}, &search->live_answer);
    for (size_t i = 0; i < values->count; i++) {
        struct value *value = &values->items[i];
        for (size_t j = 0; j < search->answer.count && !value->is_settled; j++) {
            if (gives(&search->answer.items[j], value->fact))
                settle(search, producer, &search->answer.items[j], value);
        }
    }
    return 0;
}

/* The answers that had come when the request was sent, the latest first. */
static int find_producers(struct cause_search *search, const struct plan_step *step,
                          struct values *values, struct error *err)
{
    const struct plan_session *session = search->session;
    for (uint32_t i = step->needs; i > 0; i--) {
        const struct plan_step *producer = &session->steps[session->end_order[i - 1]];
        bool has_all = true;
        if (producer->kind == STEP_WS_MESSAGE)
            continue;
        for (size_t j = 0; j < values->count; j++)
            has_all = has_all && values->items[j].is_settled;
        if (has_all || search->answers_left == 0)
            return 0;
        search->answers_left--;
        if (look_into(search, producer, values, err))
            return -1;
    }
    return 0;
}

/* --- which of them it was -------------------------------------------------------------------- */

static bool has_prefix(const struct fact *fact, const char *prefix)
{
    return bytes_starts_with(fact->place, bytes_of(prefix));
}

/* How well it explains this status. */
static int score_of(const struct value *value, int status)
{
    const struct fact *fact = value->fact;
    bool is_credential = name_is_credential(fact->name);
    bool is_refusal = status == 400 || status == 401 || status == 403 || status == 419 ||
                      status == 422 || status == 302 || status == 303;
    int score = value->is_stale ? 20 : 0;
    if (has_prefix(fact, "header:"))
        score += is_credential && is_refusal ? 40 : 10;
    else if (has_prefix(fact, "path:"))
        score += status == 404 || status == 410 || status == 405 ? 40 : 20;
    else if (has_prefix(fact, "cookie:"))
        score += is_refusal ? 30 : 10;
    else
        score += status >= 400 && status != 401 ? 25 : 10;
    score += is_credential && is_refusal ? 10 : 0;
    score += text_is_id(fact->text) ? 5 : 0;
    return score;
}

static int compare_values(const void *a, const void *b)
{
    const struct value *x = a, *y = b;
    return (y->score > x->score) - (y->score < x->score);
}

/* "header X-CSRF-Token", "path segment 2": a place for people. */
static const char *words_of(struct bytes place, char out[128])
{
    struct bytes rest = place, kind;
    bytes_split(&rest, ':', &kind);
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
                    const struct value *value, struct finding *finding)
{
    if (!value->is_stale || finding->suggestion_count == SUGGESTIONS_MAX)
        return;
    finding->suggestions[finding->suggestion_count++] = (struct suggestion){
        .born_exchange_id = value->born_exchange_id,
        .used_exchange_id = step->exchange_id,
        .born_place = findings_text(search->findings, "%s", value->born_place),
        .used_place = findings_text(search->findings, "%.*s", BYTES_ARG(value->fact->place)),
    };
}

static int blame_producer(struct cause_search *search, const struct plan_step *step,
                          struct values *values, struct finding *finding, struct error *err)
{
    char words[128], name[160];
    struct value *best = NULL;
    for (size_t i = 0; i < values->count; i++) {
        values->items[i].score =
            values->items[i].has_producer ? score_of(&values->items[i], finding->status) : -1;
    }
    qsort(values->items, values->count, sizeof *values->items, compare_values);
    best = values->count && values->items[0].has_producer ? &values->items[0] : NULL;
    if (!best)
        return 0;
    if (name_exchange(search, best->born_exchange_id, name, sizeof name, err))
        return -1;
    words_of(best->fact->place, words);
    if (best->is_stale)
        finding->cause =
            findings_text(search->findings,
                          "%s sent as recorded; that value came with %s, %s, and is another now",
                          words, name, best->born_place);
    else if (!best->live_status)
        finding->cause = findings_text(
            search->findings, "%s sent as recorded; %s, which gave it, has no answer", words, name);
    else
        finding->cause =
            findings_text(search->findings,
                          "%s sent as recorded; %s, which gave it at %s, was answered "
                          "%d, recorded %d, without it",
                          words, name, best->born_place, best->live_status, best->recorded_status);
    for (size_t i = 0; i < values->count && values->items[i].has_producer; i++)
        suggest(search, step, &values->items[i], finding);
    return 0;
}

/* --- other causes ---------------------------------------------------------------------------- */

/* A binding fills the request from an answer that did not come, or came without it. */
static int blame_binding(struct cause_search *search, const struct plan_step *step,
                         struct finding *finding, struct error *err)
{
    char name[160];
    for (const struct bound_place *bound = search->bound; bound; bound = bound->next) {
        if (bound->used_exchange_id != step->exchange_id)
            continue;
        const struct live_answer *live = live_find(search->live, bound->born_exchange_id);
        int found = recorded_read(&search->recorded, bound->born_exchange_id, err);
        if (found < 0)
            return -1;
        int recorded_status = found ? search->recorded.exchange.status : 0;
        if (!found ||
            (live && live->failure == FAILURE_NONE && live->response.status == recorded_status))
            continue;
        if (name_exchange(search, bound->born_exchange_id, name, sizeof name, err))
            return -1;
        if (live && live->failure == FAILURE_NONE)
            finding->cause = findings_text(
                search->findings, "%.*s is filled from %s, which was answered %d, recorded %d",
                BYTES_ARG(bound->used_place), name, live->response.status, recorded_status);
        else
            finding->cause =
                findings_text(search->findings, "%.*s is filled from %s, which has no answer",
                              BYTES_ARG(bound->used_place), name);
        return 0;
    }
    return 0;
}

/* A token that carries its own end. */
static bool blame_expiry(struct cause_search *search, struct finding *finding)
{
    char words[128];
    uint64_t expires_s;
    for (size_t i = 0; i < search->request.count; i++) {
        const struct fact *fact = &search->request.items[i];
        struct bytes text = fact->text;
        size_t space = bytes_index_of(text, ' ');
        if (space < text.len) /* "Bearer X" */
            text = bytes_from(text, space + 1);
        if (!jwt_expiry(text, &expires_s) || expires_s >= search->unix_s ||
            find_bound(search, finding->exchange_id, fact->place))
            continue;
        finding->cause = findings_text(
            search->findings, "%s sent as recorded; the token expired %llu s ago (its exp)",
            words_of(fact->place, words), (unsigned long long)(search->unix_s - expires_s));
        return true;
    }
    return false;
}

/* A credential that the session brought along. */
static void blame_age(struct cause_search *search, const struct values *values,
                      struct finding *finding)
{
    char words[128];
    for (size_t i = 0; i < values->count; i++) {
        const struct value *value = &values->items[i];
        if (value->is_settled || !name_is_credential(value->fact->name) ||
            has_prefix(value->fact, "form:") || has_prefix(value->fact, "body:"))
            continue;
        finding->cause = findings_text(
            search->findings,
            "%s sent as recorded; no earlier answer of this session gave it, so it is older than "
            "the session: record from the login on, or have a plugin give it",
            words_of(value->fact->place, words));
        return;
    }
}

static void blame_account(struct cause_search *search, struct finding *finding)
{
    static const char *const names[] = {"email", "username", "user", "login", "phone", "name"};
    char words[128];
    if (finding->status != 409 && finding->status != 422 && finding->status != 400)
        return;
    for (size_t i = 0; i < search->request.count; i++) {
        const struct fact *fact = &search->request.items[i];
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++) {
            if (!bytes_equal_nocase(fact->name, bytes_of(names[j])) ||
                (!has_prefix(fact, "body:") && !has_prefix(fact, "form:")))
                continue;
            finding->cause =
                findings_text(search->findings,
                              "%s sent as recorded; the target may have that account already: "
                              "start it empty, or give each user its own",
                              words_of(fact->place, words));
            return;
        }
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

int cause_find(struct cause_search *search, const struct plan_step *step, struct finding *finding,
               struct error *err)
{
    struct values *values = calloc(1, sizeof *values);
    int result = -1;
    if (!values)
        return error_set(err, EXIT_TOOL, "no memory to look for a cause");
    if (blame_target(search, finding)) {
        result = 0;
        goto out;
    }
    if (blame_binding(search, step, finding, err) || find_values(search, step, values, err))
        goto out;
    if (!finding->cause && (find_producers(search, step, values, err) ||
                            blame_producer(search, step, values, finding, err)))
        goto out;
    if (!finding->cause && finding->status >= 400 && !blame_expiry(search, finding))
        blame_account(search, finding);
    if (!finding->cause && finding->status >= 400)
        blame_age(search, values, finding);
    result = 0;
out:
    free(values);
    return result;
}
