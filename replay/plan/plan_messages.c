/* plan_messages.c - values that the server's messages on a WebSocket gave: which of them a request
 * carries. */
#include <stdlib.h>

#include "core/grow.h"
#include "replay/plan/plan_binder.h"

/* What the messages of one upgrade have at one place, in their order. */
struct message_value {
    int64_t last_us;
    struct bytes text;
};

struct message_values {
    struct message_values *next;
    struct place place;
    struct arena arena; /* of texts and names */
    struct message_value *items;
    size_t count, capacity;
};

enum { MAX_VALUES_BYTES = 256 * 1024 * 1024 };

void plan_messages_free(struct binder *binder)
{
    while (binder->messages) {
        struct message_values *next = binder->messages->next;
        arena_fini(&binder->messages->arena);
        free(binder->messages->items);
        free(binder->messages);
        binder->messages = next;
    }
}

static int add_value(struct message_values *values, int64_t last_us, struct bytes text)
{
    struct message_value *grown = grow_by_one(values->items, values->count, &values->capacity,
                                              sizeof *grown, BINDER_MAX_ITEMS);
    if (!grown)
        return -1;
    values->items = grown;
    struct bytes kept = arena_copy(&values->arena, text);
    if (!kept.ptr)
        return -1;
    values->items[values->count++] = (struct message_value){last_us, kept};
    return 0;
}

static int read_message(struct binder *binder, const struct trace_message *message,
                        struct message_values *values, struct error *err)
{
    struct buf *scratch = &binder->builder->scratch;
    struct message_view view = {.side = PLACE_IN_ANSWER};
    bool is_data = message->opcode == 1 || message->opcode == 2;
    if (message->sender != TRACE_SERVER || !is_data)
        return 0;
    binder->has_answer = false; /* it lay in the same memory */
    buf_clear(scratch);
    if (trace_reader_get_body(binder->builder->reader, message->body_id, scratch, err))
        return -1;
    view.body = buf_bytes(scratch);
    struct bytes text = place_find(&values->place, &view, binder->scratch);
    return text.ptr && text.len ? add_value(values, message->last_us, text) : 0;
}

static int read_messages(struct binder *binder, int64_t exchange_id, struct message_values *values,
                         struct error *err)
{
    struct trace_message message;
    int more;
    if (trace_reader_start_messages(binder->builder->reader, exchange_id, err))
        return -1;
    while ((more = trace_reader_next_message(binder->builder->reader, &message, err)) > 0) {
        if (read_message(binder, &message, values, err))
            return -1;
    }
    return more;
}

/* Rows come by the exchange of their birth: what was read for the last one is kept for its next. */
static int get_values(struct binder *binder, const struct place *place, int64_t exchange_id,
                      struct message_values **ret_values, struct error *err)
{
    if (binder->messages_id != exchange_id)
        plan_messages_free(binder);
    binder->messages_id = exchange_id;
    for (struct message_values *at = binder->messages; at; at = at->next) {
        *ret_values = at;
        if (place_equal(&at->place, place))
            return 0;
    }
    struct message_values *values = calloc(1, sizeof *values);
    if (!values)
        return -1;
    arena_init(&values->arena, MAX_VALUES_BYTES);
    values->next = binder->messages;
    binder->messages = *ret_values = values;
    if (place_copy(place, &values->arena, &values->place))
        return -1;
    return read_messages(binder, exchange_id, values, err);
}

int plan_find_in_messages(struct binder *binder, struct row *row, int64_t exchange_id,
                          struct error *err)
{
    int64_t begun_us = binder->builder->drafts[row->consumer].moments.begin_us;
    struct message_values *values = NULL;
    const char *why = "born_place: no message before the request has it";
    if (get_values(binder, &row->born, exchange_id, &values, err))
        return -1;
    for (size_t i = values->count; i > 0; i--) {
        if (values->items[i - 1].last_us > begun_us)
            continue;
        row->value = values->items[i - 1].text;
        int result = plan_try_use(binder, row, &why);
        if (result == 0)
            row->use.messages = (uint32_t)i;
        if (result <= 0)
            return result;
    }
    return plan_lose_row(binder, row, why);
}
