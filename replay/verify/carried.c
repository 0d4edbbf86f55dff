/* carried.c - reads a request's values, and looks for them in the answers before it. */
#include "replay/verify/carried.h"

#include "replay/verify/likeness.h"
#include "traces/word_odds.h"

enum {
    MAX_TEXT_BYTES = 8 << 20, /* of one request's values */
    SHORTEST_VALUE = 4,       /* that is looked for without evidence of its name */
    SHORTEST_INSIDE = 8,      /* inside a longer one */
    SHORTEST_RANDOM = 6,      /* of a word by whose letters nobody chose it */
    SHORTEST_OPAQUE = 12,     /* of a word that is no id by its form and name */
    MAX_SENT = 32,            /* of a WebSocket's messages that are looked at: a client's ... */
    MAX_EARLIER = 64,         /* ... and a server's before it, the latest */
    OPCODE_TEXT = 1,
    OPCODE_BINARY = 2
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

struct reading {
    struct cause_search *search;
    const struct plan_step *step;
    struct carried_list *list;
    struct bytes template;            /* of its endpoint: "/token/refresh" */
    const struct place_step *message; /* NULL: the request */
};

/* "bkfueUtnqY" */
static bool is_random(struct bytes text)
{
    return text.len >= SHORTEST_RANDOM && word_odds_of_chance(text) > 0;
}

/* By itself; of any other word only an answer that has another one today says that it is worth
 * something. */
static bool is_worth_looking(const struct place_value *value)
{
    return text_is_id(value->text) || is_random(value->text) || name_is_volatile(value->name) ||
           name_is_credential(value->name) || name_is_account(value->name) ||
           value->text.len >= SHORTEST_OPAQUE;
}

/* "refresh" of POST /token/refresh: its endpoint is named by it. */
static bool is_literal(const struct reading *reading, const struct place_value *value)
{
    struct bytes rest = reading->template, segment;
    const struct place_step *step = &value->place->steps[0];
    if (reading->message || step->kind != PLACE_PATH || !bytes_split(&rest, '/', &segment))
        return false;
    for (uint32_t number = 1; bytes_split(&rest, '/', &segment); number++) {
        if (number == step->number)
            return bytes_equal(segment, value->text);
    }
    return false;
}

/* One that is worth more stands for one that is not, where there is no other room. */
static struct carried *find_room(struct carried_list *list, bool is_weak)
{
    if (list->count < CARRIED_MAX)
        return &list->items[list->count];
    for (size_t i = 0; i < list->count && !is_weak; i++) {
        if (list->items[i].is_weak)
            return &list->items[i];
    }
    return NULL;
}

static int on_value(void *owner, const struct place_value *value)
{
    const struct reading *reading = owner;
    struct carried_list *list = reading->list;
    enum place_kind kind = value->place->steps[0].kind;
    struct buf *place = &reading->search->place;
    struct place whole =
        reading->message ? place_behind(reading->message, value->place) : *value->place;
    bool is_weak = !is_worth_looking(value);
    struct carried *room = find_room(list, is_weak);
    if (!room || bytes_equal(value->text, bytes_of("true")) ||
        bytes_equal(value->text, bytes_of("false")) ||
        (is_weak && (value->text.len < SHORTEST_VALUE || reading->message)))
        return 0;
    if ((kind == PLACE_HEADER && is_of_client(value->place->steps[0].name)) ||
        (kind == PLACE_COOKIE && was_set_live(reading->search, value->place->steps[0].name)))
        return 0;
    buf_clear(place);
    place_format(&whole, place);
    if (buf_failed(place) ||
        cause_find_bound(reading->search, reading->step->exchange_id, buf_bytes(place)))
        return 0;
    struct carried carried = {.place = arena_copy(&list->arena, buf_bytes(place)),
                              .name = arena_copy(&list->arena, value->name),
                              .text = arena_copy(&list->arena, value->text),
                              .kind = whole.steps[0].kind,
                              .writing = value->writing,
                              .is_weak = is_weak,
                              .is_literal = is_literal(reading, value)};
    if (!carried.place.ptr || !carried.name.ptr || !carried.text.ptr)
        return 0;
    list->count += room == &list->items[list->count];
    *room = carried;
    return 0;
}

int carried_read(struct cause_search *search, const struct plan_step *step,
                 struct carried_list *list, struct error *err)
{
    struct reading reading = {.search = search, .step = step, .list = list};
    struct bytes endpoint = {0};
    arena_init(&list->arena, MAX_TEXT_BYTES);
    list->count = 0;
    int found = recorded_read(&search->recorded, step->exchange_id, err);
    if (found <= 0)
        return found;
    if (trace_reader_endpoint_name(search->reader, search->recorded.endpoint_id, &endpoint, err) <
        0)
        return -1;
    endpoint = arena_copy(&list->arena, endpoint);
    reading.template = bytes_from(endpoint, bytes_index_of(endpoint, '/'));
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
    if (used->is_literal && used->is_weak && !name_is_volatile(born->name) && !is_in_location(born))
        return false; /* the word of a path */
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
    const struct place_step *message; /* of the server, behind the upgrade; NULL: the answer */
};

/* In the latest message of today that has it. */
static struct bytes find_in_messages(const struct looking *looking, const struct place *place)
{
    struct bytes now = {0};
    for (const struct live_message *message = looking->live->last_message; message && !now.ptr;
         message = message->before) {
        const struct message_view view = {.side = PLACE_IN_ANSWER, .body = message->payload};
        now = place_find(place, &view, looking->search->live_scratch);
    }
    return now;
}

static void settle(struct looking *looking, const struct place_value *born, struct carried *carried)
{
    struct bytes now = {0};
    struct place whole =
        looking->message ? place_behind(looking->message, born->place) : *born->place;
    if (looking->live && looking->message)
        now = find_in_messages(looking, &whole);
    else if (looking->live)
        now = place_find(&whole, &looking->now, looking->search->live_scratch);
    carried->is_settled = true;
    if (now.ptr && bytes_equal(now, born->text))
        return; /* the same today: it does no harm */
    struct buf *place = &looking->search->place;
    buf_clear(place);
    place_format(&whole, place);
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

/* --- messages -------------------------------------------------------------------------------- */

/* What a client's message can have from the server's before it. */
struct earlier {
    int64_t body_ids[MAX_EARLIER];
    size_t count; /* the latest stand over the first */
};

static int read_message(struct cause_search *search, int64_t body_id, struct error *err)
{
    buf_clear(&search->body);
    return trace_reader_get_body(search->reader, body_id, &search->body, err);
}

/* 1 when all are settled, 0, -1. */
static int look_into_messages(struct cause_search *search, const struct plan_step *connect,
                              const struct earlier *earlier, struct carried_list *list,
                              struct error *err)
{
    struct looking looking = {.search = search, .producer = connect, .list = list};
    const struct live_answer *live = live_find(search->live, connect->exchange_id);
    size_t first = earlier->count > MAX_EARLIER ? earlier->count - MAX_EARLIER : 0;
    looking.live = live && live->failure == FAILURE_NONE ? live : NULL;
    for (size_t i = earlier->count; i > first; i--) {
        struct place_step message = {.kind = PLACE_WS};
        const char *pointer;
        struct bytes kind;
        if (read_message(search, earlier->body_ids[(i - 1) % MAX_EARLIER], err))
            return -1;
        if (ws_kind_of(buf_bytes(&search->body), &pointer, &kind)) {
            message.name = bytes_of(pointer);
            message.other = kind;
        }
        looking.message = &message;
        if (place_visit_ws(buf_bytes(&search->body), PLACE_IN_ANSWER, search->scratch, on_born,
                           &looking))
            return 1;
    }
    return 0;
}

static bool has_producer(const struct carried_list *list)
{
    bool has = false;
    for (size_t i = 0; i < list->count; i++)
        has = has || list->items[i].has_producer;
    return has;
}

/* The client's message `number`: what it carried, and where that came from. -1 with err. */
static int look_at_sent(struct cause_search *search, const struct plan_step *connect,
                        const struct earlier *earlier, uint32_t number, struct carried_list *list,
                        struct error *err)
{
    const struct place_step message = {.kind = PLACE_WS, .number = number};
    struct reading reading = {.search = search, .step = connect, .list = list, .message = &message};
    arena_reset(&list->arena);
    list->count = 0;
    place_visit_ws(buf_bytes(&search->body), PLACE_IN_REQUEST, search->scratch, on_value, &reading);
    if (!list->count)
        return 0;
    int result = look_into_messages(search, connect, earlier, list, err);
    return result ? (result < 0 ? -1 : 0) : carried_find_producers(search, connect, list, err);
}

int carried_read_messages(struct cause_search *search, const struct plan_step *connect,
                          struct carried_list *list, struct error *err)
{
    struct earlier earlier = {.count = 0};
    struct trace_message message;
    uint32_t number = 0;
    int more;
    arena_init(&list->arena, MAX_TEXT_BYTES);
    list->count = 0;
    if (trace_reader_start_messages(search->reader, connect->exchange_id, err))
        return -1;
    while (number < MAX_SENT && !has_producer(list) &&
           (more = trace_reader_next_message(search->reader, &message, err)) != 0) {
        if (more < 0)
            return -1;
        bool is_text = message.opcode == OPCODE_TEXT;
        bool is_sent = message.sender == TRACE_CLIENT;
        number += is_sent && (is_text || message.opcode == OPCODE_BINARY);
        if (!is_text || message.payload_bytes > search->body.max_len)
            continue;
        if (!is_sent)
            earlier.body_ids[earlier.count++ % MAX_EARLIER] = message.body_id;
        else if (read_message(search, message.body_id, err) ||
                 look_at_sent(search, connect, &earlier, number, list, err))
            return -1;
    }
    return 0;
}
