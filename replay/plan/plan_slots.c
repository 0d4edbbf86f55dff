/* plan_slots.c - gives each step of a session its births, its slots and its producers. */
#include <stdio.h>
#include <stdlib.h>

#include "replay/plan/plan_binder.h"

int plan_lose_binding(struct plan_builder *builder, int64_t binding_id, const char *why)
{
    struct plan_binding_losses *losses = &builder->binding_losses;
    bool is_of_file = binding_id < 0; /* binding_overlay.c */
    if (losses->count++ == 0)
        snprintf(losses->first, sizeof losses->first, "%s %lld: %s",
                 is_of_file ? "that of the bindings file's line" : "binding",
                 (long long)(is_of_file ? -binding_id : binding_id), why);
    return NOT_USED;
}

/* Head, body, cookies: the order of a cut's slots. */
static int part_of(const struct use *use)
{
    return use->is_in_cookies ? 2 : use->slot.is_in_body;
}

static int compare_uses(const void *a, const void *b)
{
    const struct use *x = a, *y = b;
    if (x->step != y->step)
        return x->step < y->step ? -1 : 1;
    if (part_of(x) != part_of(y))
        return part_of(x) - part_of(y);
    if (x->slot.at != y->slot.at)
        return x->slot.at < y->slot.at ? -1 : 1;
    return x->binding_id < y->binding_id ? -1 : x->binding_id > y->binding_id;
}

static bool overlaps(const struct use *last, const struct use *use)
{
    return part_of(last) == part_of(use) && use->slot.at < last->slot.at + last->slot.len;
}

/* A column that only has the name of a field, where a binding knows which answer gives the value:
 * the binding stays. */
static bool keep_answers(struct binder *binder, struct use *last, const struct use *use)
{
    const struct use *named = last->is_by_name ? last : use;
    const struct use *given = last->is_by_name ? use : last;
    if (!named->is_by_name || given->own != OWN_NONE)
        return false;
    binder->builder->columns_unused |= UINT64_C(1) << binder->owns[named->own].own.column;
    *last = *given;
    return true;
}

/* Slots never overlap: of two that would the first stays, but what --data asks for goes before a
 * row of the trace. */
static void drop_overlaps(struct binder *binder)
{
    size_t kept = 0, of_step = 0;
    if (binder->use_count)
        qsort(binder->uses, binder->use_count, sizeof *binder->uses, compare_uses);
    for (size_t i = 0; i < binder->use_count; i++) {
        const struct use *use = &binder->uses[i];
        struct use *last = kept ? &binder->uses[kept - 1] : NULL;
        bool is_next = last && last->step == use->step, is_twice = is_next && overlaps(last, use);
        of_step = is_next ? of_step + !is_twice : 0;
        if (is_twice && keep_answers(binder, last, use))
            continue;
        if (is_twice && use->is_asked_for && !last->is_asked_for)
            *last = *use;
        else if (is_twice && use->is_asked_for == last->is_asked_for && use->binding_id)
            plan_lose_binding(binder->builder, use->binding_id, "another binding fills this place");
        else if (is_twice)
            continue;
        else if (of_step >= REQUEST_CUT_MAX_SLOTS)
            plan_lose_binding(binder->builder, use->binding_id,
                              "more values than a request may take");
        else
            binder->uses[kept++] = *use;
    }
    binder->use_count = kept;
}

static struct step_bindings *bindings_of(struct binder *binder, uint32_t number)
{
    struct plan_step *step = &binder->session->steps[number];
    if (!step->bindings)
        step->bindings = arena_zalloc(binder->builder->arena, sizeof(struct step_bindings));
    /* Made here, and read-only for everybody else. */
    return (struct step_bindings *)step->bindings;
}

/* Those of the answers, or of the messages: each step's are neighbours. */
static int give_births(struct binder *binder, bool are_of_messages)
{
    size_t of_messages = 0;
    for (size_t i = 0; i < binder->birth_count; i++)
        of_messages += birth_is_in_message(&binder->births[i].birth.place);
    size_t count = are_of_messages ? of_messages : binder->birth_count - of_messages;
    struct birth *births =
        count ? arena_alloc(binder->builder->arena, count * sizeof *births) : NULL;
    if (count && !births)
        return -1;
    for (size_t i = 0, at = 0; i < binder->birth_count; i++) {
        const struct born *born = &binder->births[i];
        if (birth_is_in_message(&born->birth.place) != are_of_messages)
            continue;
        struct step_bindings *bindings = bindings_of(binder, born->step);
        if (!bindings)
            return -1;
        births[at] = born->birth;
        if (are_of_messages && bindings->message_birth_count++ == 0)
            bindings->message_births = &births[at];
        else if (!are_of_messages && bindings->birth_count++ == 0)
            bindings->births = &births[at];
        if (!are_of_messages && birth_is_in_headers(&born->birth.place))
            bindings->keeps_headers = true;
        at++;
    }
    return 0;
}

/* Append unless it is there. */
static void add_once(uint32_t *list, uint32_t *count, uint32_t number)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (list[i] == number)
            return;
    }
    list[(*count)++] = number;
}

static int give_cut(struct binder *binder, const struct use *uses, struct request_slot *slots,
                    uint32_t count, struct step_bindings *bindings)
{
    struct plan_step *step = &binder->session->steps[uses->step];
    struct request_cut *cut = arena_alloc(binder->builder->arena, sizeof *cut);
    if (!cut)
        return -1;
    *cut = binder->builder->drafts[uses->step].cut;
    cut->slots = slots;
    cut->slot_count = count;
    bindings->cut = cut;
    if (step->cut)
        step->cut = cut;
    return 0;
}

/* Who gives what one request takes. */
static int give_producers(struct binder *binder, const struct use *uses, uint32_t count,
                          struct step_bindings *bindings)
{
    struct producer_wait *waits = arena_alloc(binder->builder->arena, count * sizeof *waits);
    if (!waits)
        return -1;
    for (uint32_t i = 0; i < count; i++) {
        const struct use *use = &uses[i];
        uint32_t at = 0;
        if (use->producer == NO_PRODUCER)
            continue;
        while (at < bindings->producer_count &&
               (waits[at].step != use->producer || waits[at].value != use->slot.value))
            at++;
        if (at == bindings->producer_count)
            waits[bindings->producer_count++] =
                (struct producer_wait){use->producer, use->slot.value, use->events};
        else if (waits[at].events < use->events)
            waits[at].events = use->events;
    }
    bindings->producers = waits;
    return 0;
}

/* The WebSocket messages that one request waits for. */
static int give_waits(struct binder *binder, const struct use *uses, uint32_t count,
                      struct step_bindings *bindings)
{
    struct message_wait *waits = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (!uses[i].messages)
            continue;
        if (!waits && !(waits = arena_alloc(binder->builder->arena, count * sizeof *waits)))
            return -1;
        waits[bindings->wait_count++] = (struct message_wait){
            .value = uses[i].slot.value,
            .messages = uses[i].messages,
            .channel = binder->session->steps[uses[i].producer].channel,
        };
    }
    bindings->waits = waits;
    return 0;
}

static int give_moments(struct binder *binder, const struct use *uses, uint32_t count,
                        struct step_bindings *bindings)
{
    uint32_t *moments = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (uses[i].own == OWN_NONE || !own_is_moment(binder->owns[uses[i].own].own.kind))
            continue;
        if (!moments && !(moments = arena_alloc(binder->builder->arena, count * sizeof *moments)))
            return -1;
        add_once(moments, &bindings->moment_count, uses[i].own);
    }
    bindings->moments = moments;
    return 0;
}

/* All that one request takes. */
static int give_uses(struct binder *binder, const struct use *uses, uint32_t count)
{
    struct arena *arena = binder->builder->arena;
    struct step_bindings *bindings = bindings_of(binder, uses->step);
    struct request_slot *slots = arena_alloc(arena, count * sizeof *slots);
    uint32_t *needs = arena_alloc(arena, count * sizeof *needs);
    uint32_t in_cut = 0;
    if (!bindings || !slots || !needs || give_producers(binder, uses, count, bindings) ||
        give_waits(binder, uses, count, bindings) || give_moments(binder, uses, count, bindings))
        return -1;
    for (uint32_t i = 0; i < count; i++) {
        slots[i] = uses[i].slot;
        in_cut += !uses[i].is_in_cookies;
        add_once(needs, &bindings->need_count, uses[i].slot.value);
    }
    bindings->needs = needs;
    bindings->cookie_slots = slots + in_cut;
    bindings->cookie_slot_count = count - in_cut;
    return in_cut ? give_cut(binder, uses, slots, in_cut, bindings) : 0;
}

/* Whoever replaces a value has to know how it is written. */
static int give_forms(struct binder *binder)
{
    unsigned char *forms = arena_zalloc(binder->builder->arena, binder->value_count + 1u);
    if (!forms)
        return -1;
    for (size_t i = 0; i < binder->birth_count; i++)
        forms[binder->births[i].birth.value] = (unsigned char)binder->births[i].birth.form;
    for (size_t i = 0; i < binder->own_count; i++) {
        const struct own_value *own = &binder->owns[i].own;
        for (uint32_t j = 0; j < own->target_count; j++)
            forms[own->targets[j].value] = (unsigned char)own->targets[j].form;
    }
    binder->session->value_forms = forms;
    return 0;
}

int plan_make_slots(struct binder *binder)
{
    drop_overlaps(binder);
    if (give_births(binder, false) || give_births(binder, true) || give_forms(binder) ||
        plan_give_owns(binder))
        return -1;
    for (size_t i = 0, next; i < binder->use_count; i = next) {
        for (next = i + 1; next < binder->use_count; next++) {
            if (binder->uses[next].step != binder->uses[i].step)
                break;
        }
        if (give_uses(binder, &binder->uses[i], (uint32_t)(next - i)))
            return -1;
    }
    binder->session->value_count = binder->value_count;
    return 0;
}
