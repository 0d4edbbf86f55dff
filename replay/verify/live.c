/* live.c - copies answers into an arena that a session gives back as a whole. */
#include "replay/verify/live.h"

enum { OPCODE_TEXT = 1 };

struct entry {
    struct live_answer answer; /* its exchange_id is the key */
};

void live_init(struct live_session *live, size_t max_bytes)
{
    *live = (struct live_session){0};
    arena_init(&live->arena, max_bytes);
    map_init(&live->answers);
}

void live_fini(struct live_session *live)
{
    map_fini(&live->answers);
    arena_fini(&live->arena);
}

void live_clear(struct live_session *live)
{
    map_fini(&live->answers);
    map_init(&live->answers);
    arena_reset(&live->arena);
}

static struct bytes key_of(const int64_t *exchange_id)
{
    return bytes_make(exchange_id, sizeof *exchange_id);
}

const struct live_answer *live_find(const struct live_session *live, int64_t exchange_id)
{
    const struct entry *entry = map_get(&live->answers, key_of(&exchange_id));
    return entry ? &entry->answer : NULL;
}

static struct entry *get(struct live_session *live, int64_t exchange_id)
{
    struct entry *entry = map_get(&live->answers, key_of(&exchange_id));
    if (entry)
        return entry;
    entry = arena_zalloc(&live->arena, sizeof *entry);
    if (!entry)
        return NULL;
    entry->answer.exchange_id = exchange_id;
    if (map_set(&live->answers, key_of(&entry->answer.exchange_id), entry))
        return NULL;
    return entry;
}

static int copy_response(struct live_session *live, struct live_answer *answer,
                         const struct http_response *from)
{
    struct http_header *headers =
        arena_alloc(&live->arena, (from->header_count + 1) * sizeof *headers);
    answer->response = (struct http_response){.status = from->status};
    if (!headers)
        return -1;
    for (size_t i = 0; i < from->header_count; i++) {
        headers[i] = (struct http_header){arena_copy(&live->arena, from->headers[i].name),
                                          arena_copy(&live->arena, from->headers[i].value)};
        if (!headers[i].name.ptr || !headers[i].value.ptr)
            return -1;
    }
    answer->response.headers = headers;
    answer->response.header_count = from->header_count;
    answer->has_body = true;
    if (!from->body.len)
        return 0;
    answer->response.body = arena_copy(&live->arena, from->body);
    answer->has_body = answer->response.body.ptr != NULL;
    return 0;
}

int live_put(struct live_session *live, int64_t exchange_id, const struct transport_result *result)
{
    struct entry *entry = get(live, exchange_id);
    if (!entry)
        return -1;
    entry->answer.failure = result->failure;
    entry->answer.detail = arena_printf(&live->arena, "%s", result->detail ? result->detail : "");
    return copy_response(live, &entry->answer, &result->response);
}

static void keep_message(struct live_session *live, struct live_answer *answer,
                         struct bytes payload)
{
    struct live_message *message = NULL;
    if (payload.len && answer->message_count < LIVE_MAX_MESSAGES)
        message = arena_zalloc(&live->arena, sizeof *message);
    if (!message)
        return;
    message->before = answer->last_message;
    message->payload = arena_copy(&live->arena, payload);
    answer->message_count++;
    if (message->payload.ptr)
        answer->last_message = message;
}

void live_put_message(struct live_session *live, int64_t exchange_id, int opcode,
                      struct bytes payload)
{
    struct entry *entry = get(live, exchange_id);
    if (!entry)
        return;
    if (!entry->answer.kinds)
        entry->answer.kinds = arena_zalloc(&live->arena, sizeof *entry->answer.kinds);
    if (entry->answer.kinds)
        ws_kinds_add(entry->answer.kinds, opcode, payload);
    if (opcode == OPCODE_TEXT)
        keep_message(live, &entry->answer, payload);
}

void live_facts(const struct live_answer *answer, struct bytes authority, struct facts *facts)
{
    const struct facts_answer of = {
        .response = &answer->response, .authority = authority, .has_body = answer->has_body};
    facts_of_answer(facts, &of);
    if (!answer->kinds)
        return;
    ws_kinds_facts(answer->kinds, facts);
    facts_sort(facts);
}
