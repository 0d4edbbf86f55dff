/* carried.c - reads a request's values, and looks for them in the answers before it. */
#include "replay/verify/carried.h"

#include "replay/verify/likeness.h"

enum {
    MAX_TEXT_BYTES = 8 << 20, /* of one request's values */
    SHORTEST_VALUE = 4,       /* that is looked for without evidence of its name */
    SHORTEST_INSIDE = 8,      /* inside a longer one */
    SHORTEST_OPAQUE = 12      /* of a word that is no id by its form and name */
};

/* --- what the request carried ---------------------------------------------------------------- */

/* The jar sent the target's own. */
static bool was_set_live(const struct cause_search *search, struct bytes name)
{
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

/* What a client says of itself and of the connection; nothing of it comes from an answer. */
static bool is_of_client(struct bytes name)
{
    static const char *const names[] = {"host",
                                        "user-agent",
                                        "connection",
                                        "content-length",
                                        "content-type",
                                        "content-encoding",
                                        "origin",
                                        "transfer-encoding",
                                        "referer",
                                        "cache-control",
                                        "pragma",
                                        "dnt",
                                        "te",
                                        "upgrade",
                                        "expect",
                                        "priority",
                                        "range",
                                        "date",
                                        "keep-alive",
                                        "upgrade-insecure-requests",
                                        "if-modified-since"};
    static const char *const prefixes[] = {"accept", "sec-", "proxy-", "access-control-"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (bytes_equal_nocase(name, bytes_of(names[i])))
            return true;
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (bytes_starts_with_nocase(name, bytes_of(prefixes[i])))
            return true;
    }
    return false;
}

static bool is_worth_looking(const struct place_value *value)
{
    if (bytes_equal(value->text, bytes_of("true")) || bytes_equal(value->text, bytes_of("false")))
        return false;
    return text_is_id(value->text) || name_is_volatile(value->name) ||
           name_is_credential(value->name) || name_is_account(value->name) ||
           value->text.len >= SHORTEST_OPAQUE;
}

struct reading {
    struct cause_search *search;
    const struct plan_step *step;
    struct carried_list *list;
};

static int on_value(void *owner, const struct place_value *value)
{
    const struct reading *reading = owner;
    struct carried_list *list = reading->list;
    enum place_kind kind = value->place->steps[0].kind;
    struct buf *place = &reading->search->place;
    if (list->count == CARRIED_MAX)
        return 1;
    if ((kind == PLACE_HEADER && is_of_client(value->place->steps[0].name)) ||
        (kind == PLACE_COOKIE && was_set_live(reading->search, value->place->steps[0].name)) ||
        !is_worth_looking(value))
        return 0;
    buf_clear(place);
    place_format(value->place, place);
    if (buf_failed(place) ||
        cause_find_bound(reading->search, reading->step->exchange_id, buf_bytes(place)))
        return 0;
    struct carried carried = {.place = arena_copy(&list->arena, buf_bytes(place)),
                              .name = arena_copy(&list->arena, value->name),
                              .text = arena_copy(&list->arena, value->text),
                              .kind = kind,
                              .writing = value->writing};
    if (carried.place.ptr && carried.name.ptr && carried.text.ptr)
        list->items[list->count++] = carried;
    return 0;
}

int carried_read(struct cause_search *search, const struct plan_step *step,
                 struct carried_list *list, struct error *err)
{
    struct reading reading = {.search = search, .step = step, .list = list};
    arena_init(&list->arena, MAX_TEXT_BYTES);
    list->count = 0;
    int found = recorded_read(&search->recorded, step->exchange_id, err);
    if (found <= 0)
        return found;
    const struct trace_exchange *exchange = &search->recorded.exchange;
    buf_clear(&search->body);
    if (exchange->request_body_bytes <= search->body.max_len &&
        trace_reader_get_body(search->reader, exchange->request_body_id, &search->body, err))
        return -1;
    const struct message_view request = {
        .side = PLACE_IN_REQUEST,
        .target = exchange->target,
        .headers = search->request_headers,
        .header_count = recorded_split_headers(exchange->request_headers, search->request_headers),
        .body = buf_bytes(&search->body),
    };
    place_visit(&request, search->scratch, on_value, &reading);
    return 0;
}

/* --- where it came from ---------------------------------------------------------------------- */

/* The id of what a request made: "42" of "Location: /tasks/42". */
static bool is_in_location(const struct place_value *born)
{
    const struct place *place = born->place;
    return place->step_count == 2 && place->steps[0].kind == PLACE_HEADER &&
           bytes_equal_nocase(place->steps[0].name, bytes_of("location")) &&
           place->steps[1].kind == PLACE_PATH && text_is_id(born->text);
}

/* Is what an answer has there what the request carried? */
static bool gives(const struct place_value *born, const struct carried *used)
{
    if (born->text.len < SHORTEST_VALUE && used->kind == PLACE_PATH && is_in_location(born))
        return bytes_equal(born->text, used->text);
    if (born->text.len < SHORTEST_VALUE)
        return bytes_equal(born->text, used->text) && name_is_volatile(born->name) &&
               (bytes_equal_nocase(born->name, used->name) || used->kind == PLACE_PATH);
    if (bytes_equal(born->text, used->text))
        return true;
    return born->text.len >= SHORTEST_INSIDE && used->text.len > born->text.len &&
           memmem(used->text.ptr, used->text.len, born->text.ptr, born->text.len);
}

struct looking {
    struct cause_search *search;
    const struct plan_step *producer;
    struct carried_list *list;
    const struct live_answer *live; /* NULL: none */
    struct message_view now;
};

static void settle(struct looking *looking, const struct place_value *born, struct carried *carried)
{
    struct bytes now = {0};
    if (looking->live)
        now = place_find(born->place, &looking->now, looking->search->live_scratch);
    carried->is_settled = true;
    if (now.ptr && bytes_equal(now, born->text))
        return; /* the same today: it does no harm */
    struct buf *place = &looking->search->place;
    buf_clear(place);
    place_format(born->place, place);
    carried->born_place = arena_copy(&looking->list->arena, buf_bytes(place));
    carried->has_producer = !buf_failed(place) && carried->born_place.ptr;
    carried->is_stale = now.ptr != NULL;
    carried->born_exchange_id = looking->producer->exchange_id;
    carried->live_status = looking->live ? looking->live->response.status : 0;
    carried->recorded_status = looking->producer->recorded_status;
}

/* 1, and the visit ends, when nothing is left to look for. */
static int on_born(void *owner, const struct place_value *born)
{
    struct looking *looking = owner;
    bool has_all = true;
    for (size_t i = 0; i < looking->list->count; i++) {
        struct carried *carried = &looking->list->items[i];
        if (!carried->is_settled && gives(born, carried))
            settle(looking, born, carried);
        has_all = has_all && carried->is_settled;
    }
    return has_all;
}

static struct message_view view_of(const struct http_response *response)
{
    return (struct message_view){.side = PLACE_IN_ANSWER,
                                 .headers = response->headers,
                                 .header_count = response->header_count,
                                 .body = response->body};
}

/* 1 when all are settled, 0, -1. */
static int look_into(struct cause_search *search, const struct plan_step *producer,
                     struct carried_list *list, struct error *err)
{
    const struct live_answer *live = live_find(search->live, producer->exchange_id);
    struct looking looking = {.search = search, .producer = producer, .list = list};
    int found = recorded_read(&search->recorded, producer->exchange_id, err);
    if (found <= 0)
        return found;
    if (live && live->failure == FAILURE_NONE) {
        looking.live = live;
        looking.now = view_of(&live->response);
    }
    const struct message_view answer = view_of(&search->recorded.answer);
    int result = place_visit(&answer, search->scratch, on_born, &looking);
    if (result == 0 &&
        (!search->recorded.has_body || place_visit_gaps(search->scratch).unvisited > 0))
        search->gap_exchange_id = producer->exchange_id;
    return result;
}

int carried_find_producers(struct cause_search *search, const struct plan_step *step,
                           struct carried_list *list, struct error *err)
{
    const struct plan_session *session = search->session;
    search->gap_exchange_id = 0;
    for (uint32_t i = step->needs; i > 0 && list->count; i--) {
        const struct plan_step *producer = &session->steps[session->end_order[i - 1]];
        if (producer->kind == STEP_WS_MESSAGE)
            continue;
        if (!search->answers_left) {
            search->gap_exchange_id = producer->exchange_id;
            break;
        }
        search->answers_left--;
        int result = look_into(search, producer, list, err);
        if (result)
            return result < 0 ? -1 : 0;
    }
    return 0;
}
