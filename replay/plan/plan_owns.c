/* plan_owns.c - the values of a session that no answer gives: made anew, or of the user's row. */
#include <stdlib.h>

#include "core/grow.h"
#include "replay/identities/identities.h"
#include "replay/identities/identity_draw.h"
#include "replay/plan/plan_binder.h"

/* Two that are one: the same text of the same kind, the same column. */
static struct bytes key_of(struct binder *binder, const struct own_value *own)
{
    char *key = arena_alloc(binder->builder->arena, 5 + own->recorded.len);
    uint32_t number = own->kind == OWN_DATA ? own->column : 0;
    if (!key)
        return (struct bytes){0};
    key[0] = (char)own->kind;
    memcpy(key + 1, &number, sizeof number);
    if (own->recorded.len)
        memcpy(key + 5, own->recorded.ptr, own->recorded.len);
    return bytes_make(key, 5 + own->recorded.len);
}

static int append_own(struct binder *binder, const struct own_value *own, uint32_t *ret_own)
{
    struct own_draft *grown = grow_by_one(binder->owns, binder->own_count, &binder->own_capacity,
                                          sizeof *binder->owns, BINDER_MAX_ITEMS);
    if (!grown)
        return -1;
    binder->owns = grown;
    *ret_own = (uint32_t)binder->own_count;
    binder->owns[binder->own_count++] = (struct own_draft){.own = *own};
    return 0;
}

/* The own value like `wanted`, which is added where there is none yet. */
static int get_own(struct binder *binder, const struct own_value *wanted, uint32_t *ret_own)
{
    struct own_value own = *wanted;
    struct bytes key = key_of(binder, &own);
    if (!key.ptr)
        return -1;
    void *found = map_get(&binder->own_index, key);
    if (found) {
        *ret_own = (uint32_t)(uintptr_t)found - 1;
        return 0;
    }
    own.recorded = bytes_from(key, 5);
    if (append_own(binder, &own, ret_own))
        return -1;
    return map_set(&binder->own_index, key, (void *)((uintptr_t)*ret_own + 1));
}

static int get_target(struct binder *binder, uint32_t number, enum value_form form,
                      uint32_t *ret_value)
{
    struct own_draft *draft = &binder->owns[number];
    struct own_value *own = &draft->own;
    for (uint32_t i = 0; i < own->target_count; i++) {
        *ret_value = own->targets[i].value;
        if (own->targets[i].form == form)
            return 0;
    }
    struct own_target *grown = grow_by_one(own->targets, own->target_count, &draft->capacity,
                                           sizeof *own->targets, BINDER_MAX_ITEMS);
    if (!grown)
        return -1;
    own->targets = grown;
    *ret_value = binder->value_count++;
    own->targets[own->target_count++] = (struct own_target){.value = *ret_value, .form = form};
    return 0;
}

/* row->use is where `own` goes in row->form. */
static int use_own(struct binder *binder, struct row *row, uint32_t own)
{
    uint32_t value;
    if (get_target(binder, own, row->form, &value))
        return -1;
    row->use.own = own;
    return plan_add_use(binder, row, value);
}

int plan_use_own(struct binder *binder, struct row *row, const struct own_value *wanted)
{
    uint32_t own;
    int result = plan_find_use(binder, row);
    if (result)
        return result;
    return get_own(binder, wanted, &own) ? -1 : use_own(binder, row, own);
}

/* --- Basic credentials --------------------------------------------------------------------- */

static bool is_basic(const struct row *row)
{
    return row->used.step_count == 1 && row->used.steps[0].kind == PLACE_HEADER &&
           (bytes_equal_nocase(row->used.steps[0].name, bytes_of("authorization")) ||
            bytes_equal_nocase(row->used.steps[0].name, bytes_of("proxy-authorization")));
}

bool plan_split_basic(struct bytes header, char *room, struct bytes parts[2],
                      struct bytes *ret_token)
{
    struct bytes token = bytes_from(header, 6);
    if (!bytes_starts_with_nocase(header, bytes_of("Basic ")))
        return false;
    token = bytes_trim(token);
    ssize_t len = value_form_decode(VALUE_BASE64, token, room);
    struct bytes both = bytes_make(room, len < 0 ? 0 : (size_t)len);
    size_t colon = bytes_index_of(both, ':');
    if (len < 0 || colon == both.len)
        return false;
    parts[0] = bytes_make(both.ptr, colon);
    parts[1] = bytes_from(both, colon + 1);
    *ret_token = token;
    return true;
}

/* The one of this step, made where there is none yet. */
static int get_joined(struct binder *binder, struct row *row, uint32_t *ret_own)
{
    struct bytes text, token, parts[2];
    struct own_value own = {.kind = OWN_JOINED, .parts = {OWN_NONE, OWN_NONE}};
    for (size_t i = binder->own_count; i > 0; i--) {
        *ret_own = (uint32_t)i - 1;
        if (binder->owns[i - 1].own.kind == OWN_JOINED && binder->owns[i - 1].step == row->consumer)
            return 0;
    }
    row->form_word = bytes_of("raw");
    int result = plan_read_used(binder, row, &text);
    if (result)
        return result;
    char *room = arena_alloc(binder->builder->arena, text.len + 1);
    if (!room)
        return -1;
    if (!plan_split_basic(text, room, parts, &token))
        return plan_lose_row(binder, row, "used_place: no Basic credentials");
    own.literals[0] = parts[0];
    own.literals[1] = parts[1];
    row->value = token;
    result = plan_find_use(binder, row);
    if (result)
        return result;
    row->form = VALUE_AS_IS | VALUE_BASE64;
    if (append_own(binder, &own, ret_own))
        return -1;
    binder->owns[*ret_own].step = row->consumer;
    return use_own(binder, row, *ret_own);
}

int plan_join_basic(struct binder *binder, struct row *row, const struct own_value *wanted,
                    int part)
{
    uint32_t joined, own;
    int result = get_joined(binder, row, &joined);
    if (result)
        return result;
    if (get_own(binder, wanted, &own))
        return -1;
    binder->owns[joined].own.parts[part] = own;
    return 0;
}

/* --- rows of the trace ---------------------------------------------------------------------- */

/* When the request that has the value first was begun, since 1970. */
static int64_t begun_unix_us(const struct binder *binder, const struct row *row)
{
    uint32_t step = row->producer == NO_PRODUCER ? row->consumer : row->producer;
    return trace_reader_facts(binder->builder->reader)->origin_unix_us +
           binder->builder->drafts[step].moments.begin_us;
}

enum { MIN_PART_BYTES = 3 }; /* what is shorter is not looked for inside others */

/* The value in what is at the row's place: all of it, or what it was in the request that had it
 * first. -1 without memory. */
static int find_known(struct binder *binder, const struct row *row, const struct own_value *own,
                      struct bytes text, struct bytes *ret_value)
{
    *ret_value = text;
    for (size_t i = 0; i < binder->known_count; i++) {
        const struct known_text *known = &binder->known[i];
        if (known->exchange_id != row->born_exchange_id || known->kind != own->kind ||
            known->column != own->column || known->text.len < MIN_PART_BYTES ||
            !memmem(text.ptr, text.len, known->text.ptr, known->text.len))
            continue;
        *ret_value = known->text;
        return 0;
    }
    struct known_text *grown =
        grow_by_one(binder->known, binder->known_count, &binder->known_capacity, sizeof *grown,
                    BINDER_MAX_ITEMS);
    if (!grown)
        return -1;
    binder->known = grown;
    binder->known[binder->known_count++] = (struct known_text){.exchange_id = row->born_exchange_id,
                                                               .kind = own->kind,
                                                               .column = own->column,
                                                               .text = text};
    return 0;
}

static int add_new(struct binder *binder, struct row *row, struct bytes text)
{
    struct own_value own = {.kind = (enum own_kind)row->born.steps[0].number};
    bool has_shape = own.kind != OWN_HEX && own.kind != OWN_DIGITS && own.kind != OWN_TEXT;
    own.recorded = identity_find(own.kind, text);
    if (!has_shape && find_known(binder, row, &own, text, &own.recorded))
        return -1;
    if (!own.recorded.ptr)
        return plan_lose_row(binder, row,
                             "used_place: what is there has not the shape of its kind");
    row->value = own.recorded;
    uint32_t column = plan_data_column(binder, own.recorded);
    if (column != OWN_NONE) {
        own = (struct own_value){.kind = OWN_DATA, .column = column};
    } else if (own_is_moment(own.kind)) {
        int64_t recorded_us;
        if (!identity_read_moment(own.kind, own.recorded, &recorded_us))
            return plan_lose_row(binder, row, "used_place: what is there is no moment");
        own.ahead_us = recorded_us - begun_unix_us(binder, row);
    }
    row->producer = NO_PRODUCER;
    return plan_use_own(binder, row, &own);
}

/* A secret stands behind the colon. */
static int basic_part_of(struct bytes column)
{
    static const char *const words[] = {"pass", "pwd", "secret", "token"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct bytes word = bytes_of(words[i]);
        for (size_t at = 0; at + word.len <= column.len; at++) {
            if (bytes_equal_nocase(bytes_make(column.ptr + at, word.len), word))
                return 1;
        }
    }
    return 0;
}

static int add_data(struct binder *binder, struct row *row)
{
    const struct identities *identities = binder->builder->options.identities;
    struct own_value own = {.kind = OWN_DATA};
    struct bytes text;
    binder->asks_for_data = true;
    if (!identities_have_data(identities) ||
        !identity_rows_find_column(&identities->rows, row->born.steps[0].name, &own.column))
        return NOT_USED;
    binder->has_data = true;
    row->producer = NO_PRODUCER;
    if (is_basic(row) && bytes_equal(row->form_word, bytes_of("base64")))
        return plan_join_basic(binder, row, &own, basic_part_of(row->born.steps[0].name));
    int result = plan_read_used(binder, row, &text);
    if (result)
        return result;
    if (find_known(binder, row, &own, text, &row->value))
        return -1;
    return plan_use_own(binder, row, &own);
}

int plan_add_own(struct binder *binder, struct row *row)
{
    struct bytes text;
    if (row->born.steps[0].kind == PLACE_DATA)
        return add_data(binder, row);
    int result = plan_read_used(binder, row, &text);
    return result ? result : add_new(binder, row, text);
}

int plan_give_owns(struct binder *binder)
{
    struct arena *arena = binder->builder->arena;
    if (binder->own_count == 0)
        return 0;
    struct own_value *owns = arena_alloc(arena, binder->own_count * sizeof *owns);
    if (!owns)
        return -1;
    for (size_t i = 0; i < binder->own_count; i++) {
        owns[i] = binder->owns[i].own;
        size_t size = (owns[i].target_count + 1) * sizeof *owns[i].targets;
        struct own_target *targets = arena_alloc(arena, size);
        if (!targets)
            return -1;
        if (owns[i].target_count)
            memcpy(targets, owns[i].targets, owns[i].target_count * sizeof *targets);
        owns[i].targets = targets;
    }
    binder->session->owns = owns;
    binder->session->own_count = (uint32_t)binder->own_count;
    return 0;
}

void plan_owns_free(struct binder *binder)
{
    for (size_t i = 0; i < binder->own_count; i++)
        free(binder->owns[i].own.targets);
    free(binder->owns);
    free(binder->known);
    map_fini(&binder->own_index);
}
