/* place_format.c - writes places, compares and copies them. */
#include "core/json_scan.h"
#include "traces/places/place_kinds.h"

static void append_text(struct buf *out, enum shape shape, struct bytes text, bool is_escaped)
{
    if (!is_escaped && !place_needs_quotes(shape, text)) {
        buf_append_bytes(out, text);
        return;
    }
    buf_append_char(out, '"');
    if (is_escaped) {
        buf_append_bytes(out, text);
    } else {
        char *room = buf_reserve(out, text.len * JSON_MAX_ESCAPE_BYTES);
        if (room)
            buf_commit(out, (size_t)json_escape(text, room, text.len * JSON_MAX_ESCAPE_BYTES));
    }
    buf_append_char(out, '"');
}

static void format_step(const struct place_step *step, struct buf *out)
{
    const struct place_kind_facts *kind = &place_kinds[step->kind];
    uint32_t unsaid = step->kind == PLACE_SSE ? 0 : 1;
    buf_printf(out, "%s%s", kind->word, kind->shape == SHAPE_BRACKET ? "[" : ":");
    if (kind->shape == SHAPE_NUMBER || (kind->shape == SHAPE_WS && step->number))
        buf_printf(out, "%u", step->number);
    else if (kind->shape == SHAPE_NEW)
        buf_append_text(out, place_new_name((enum place_new)step->number));
    else if (step->name.ptr)
        append_text(out, kind->shape, step->name, step->name_is_escaped);
    if (kind->shape == SHAPE_BRACKET)
        buf_append_char(out, ']');
    if (kind->shape == SHAPE_WS && step->name.ptr) {
        buf_append_char(out, '=');
        append_text(out, SHAPE_NAME, step->other, step->other_is_escaped);
    }
    if (kind->shape == SHAPE_TEXTS) {
        buf_append_char(out, ' ');
        append_text(out, SHAPE_TEXTS, step->other, step->other_is_escaped);
    }
    if ((kind->is & NUMBERED) && step->number > unsaid)
        buf_printf(out, " %u", step->number);
}

void place_format(const struct place *place, struct buf *out)
{
    for (uint32_t i = 0; i < place->step_count; i++) {
        if (i)
            buf_append_text(out, PLACE_BETWEEN_STEPS);
        format_step(&place->steps[i], out);
    }
}

/* --- comparing and copying ----------------------------------------------------------------- */

static bool is_same_text(struct bytes a, bool a_is_escaped, struct bytes b, bool b_is_escaped)
{
    char room_a[PLACE_MAX_BYTES], room_b[PLACE_MAX_BYTES];
    if (!a_is_escaped && !b_is_escaped)
        return bytes_equal(a, b);
    return bytes_equal(place_text(a, a_is_escaped, room_a), place_text(b, b_is_escaped, room_b));
}

bool place_step_equal(const struct place_step *a, const struct place_step *b)
{
    return a->kind == b->kind && a->number == b->number && !a->name.ptr == !b->name.ptr &&
           is_same_text(a->name, a->name_is_escaped, b->name, b->name_is_escaped) &&
           is_same_text(a->other, a->other_is_escaped, b->other, b->other_is_escaped);
}

bool place_equal(const struct place *a, const struct place *b)
{
    if (a->step_count != b->step_count)
        return false;
    for (uint32_t i = 0; i < a->step_count; i++) {
        if (!place_step_equal(&a->steps[i], &b->steps[i]))
            return false;
    }
    return true;
}

struct place place_rest(const struct place *place)
{
    struct place rest = {0};
    for (uint32_t i = 1; i < place->step_count; i++)
        rest.steps[rest.step_count++] = place->steps[i];
    return rest;
}

struct place place_behind(const struct place_step *outer, const struct place *place)
{
    struct place whole = {.step_count = place->step_count + 1, .steps = {*outer}};
    if (place->step_count >= PLACE_MAX_STEPS)
        return *place; /* a visit leaves room for it */
    memcpy(whole.steps + 1, place->steps, place->step_count * sizeof whole.steps[0]);
    return whole;
}

static int copy_text(struct bytes text, struct arena *arena, struct bytes *ret_copy)
{
    *ret_copy = text.ptr ? arena_copy(arena, text) : text;
    return text.ptr && !ret_copy->ptr ? -1 : 0;
}

int place_copy(const struct place *place, struct arena *arena, struct place *ret_copy)
{
    struct place copy = *place;
    for (uint32_t i = 0; i < place->step_count; i++) {
        if (copy_text(place->steps[i].name, arena, &copy.steps[i].name) ||
            copy_text(place->steps[i].other, arena, &copy.steps[i].other))
            return -1;
    }
    *ret_copy = copy;
    return 0;
}
