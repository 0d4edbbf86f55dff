/*
 * timers.c - a wheel of wheels: a level for each digit of a moment, a slot for each of its values.
 *
 * Let the moments have digits to base 64. A timer is on the level of the highest digit in which its
 * moment differs from where the wheel stands, in the slot of that digit's value:
 *
 *     wheel_us    0 0 7 31 12      slots of level 0: moments 0 0 7 31 13..63, each a microsecond
 *     a moment    0 0 7 40  3      on level 1, in slot 40, with all others of 0 0 7 40 xx
 *
 * So whatever is on a level is due before all that is on a higher one, within a level the lowest
 * slot comes first, and a slot of level 0 holds one moment. When the wheel comes to a slot of a
 * higher level its timers are dealt out to the levels below, in their order. Until then everything
 * of that slot's time went there, and from then on nothing does: timers of the same moment keep the
 * order they were set in.
 */
#include "core/timers.h"

enum {
    DIGIT_BITS = 6,
    /* As many are looked at for the first one's exact moment. A slot with more is visited at its
     * beginning: with that many to come in its time, one look more is no cost. */
    MOST_LOOKED_AT = 32
};

static void list_init(struct timer_link *list)
{
    list->next = list->previous = list;
}

static bool list_is_empty(const struct timer_link *list)
{
    return list->next == list;
}

static void list_append(struct timer_link *list, struct timer_link *link)
{
    link->next = list;
    link->previous = list->previous;
    list->previous->next = link;
    list->previous = link;
}

/* All of `from` behind what is in `list`. */
static void list_append_all(struct timer_link *list, struct timer_link *from)
{
    if (list_is_empty(from))
        return;
    from->next->previous = list->previous;
    list->previous->next = from->next;
    from->previous->next = list;
    list->previous = from->previous;
    list_init(from);
}

/* The link is a timer's first member. */
static struct timer *first_of(const struct timer_link *list)
{
    return (struct timer *)list->next;
}

void timers_init(struct timers *timers)
{
    *timers = (struct timers){.next_us = TIMERS_NONE_US, .next_is_exact = true};
    list_init(&timers->ready);
    list_init(&timers->due);
    for (int level = 0; level < TIMERS_LEVELS; level++) {
        for (int slot = 0; slot < TIMERS_SLOTS; slot++)
            list_init(&timers->slots[level][slot]);
    }
}

static void forget_all(struct timer_link *list)
{
    struct timer_link *next;
    for (struct timer_link *link = list->next; link && link != list; link = next) {
        next = link->next;
        link->next = link->previous = NULL;
    }
}

void timers_fini(struct timers *timers)
{
    forget_all(&timers->ready);
    forget_all(&timers->due);
    for (int level = 0; level < TIMERS_LEVELS; level++) {
        for (int slot = 0; slot < TIMERS_SLOTS; slot++)
            forget_all(&timers->slots[level][slot]);
    }
    *timers = (struct timers){0};
}

/* `list` is empty now: if it is a slot, its bit goes. */
static void note_empty(struct timers *timers, const struct timer_link *list)
{
    if ((uintptr_t)list - (uintptr_t)timers->slots >= sizeof timers->slots)
        return;
    size_t at = (size_t)(list - timers->slots[0]);
    uint64_t *used = &timers->used_slots[at / TIMERS_SLOTS];
    *used &= ~(UINT64_C(1) << (at % TIMERS_SLOTS));
    if (!*used)
        timers->used_levels &= ~(1U << (at / TIMERS_SLOTS));
}

static void unlink_timer(struct timers *timers, struct timer *timer)
{
    struct timer_link *next = timer->link.next, *previous = timer->link.previous;
    next->previous = previous;
    previous->next = next;
    timer->link.next = timer->link.previous = NULL;
    if (next == previous) /* the list's head, and nothing else */
        note_empty(timers, next);
}

void timers_cancel(struct timers *timers, struct timer *timer)
{
    if (!timer_is_set(timer))
        return;
    unlink_timer(timers, timer);
    if (timer->due_us == timers->next_us)
        timers->next_is_exact = false;
}

/* On the wheel, by its due_us, which is not before wheel_us. */
static void put(struct timers *timers, struct timer *timer)
{
    uint64_t differs = (timer->due_us ^ timers->wheel_us) | 1;
    unsigned level = (63U - (unsigned)__builtin_clzll(differs)) / DIGIT_BITS;
    unsigned slot = (unsigned)(timer->due_us >> (level * DIGIT_BITS)) % TIMERS_SLOTS;
    list_append(&timers->slots[level][slot], &timer->link);
    timers->used_slots[level] |= UINT64_C(1) << slot;
    timers->used_levels |= 1U << level;
    timers->moves++;
}

void timers_set_ahead(struct timers *timers, struct timer *timer, uint64_t due_us)
{
    timer->due_us = due_us;
    if (!timers->used_levels) { /* nothing holds it where it stands */
        timers->wheel_us = timers->now_us;
        timers->next_us = TIMERS_NONE_US;
        timers->next_is_exact = true;
    }
    put(timers, timer);
    if (due_us <= timers->next_us) {
        timers->next_us = due_us;
        timers->next_is_exact = true;
    }
}

/* The level with what is due first; there must be one. */
static unsigned first_level(const struct timers *timers)
{
    return (unsigned)__builtin_ctz(timers->used_levels);
}

/* Its first slot, and when that one's time begins. */
static struct timer_link *first_slot(struct timers *timers, unsigned level, uint64_t *ret_begin_us)
{
    unsigned slot = (unsigned)__builtin_ctzll(timers->used_slots[level]);
    unsigned shift = level * DIGIT_BITS;
    uint64_t higher = shift + DIGIT_BITS < 64 ? timers->wheel_us >> (shift + DIGIT_BITS) : 0;
    *ret_begin_us = (higher << DIGIT_BITS | slot) << shift;
    return &timers->slots[level][slot];
}

/* The least moment in the list, or `begin_us` when there are too many to look at. */
static uint64_t least_of(const struct timer_link *list, uint64_t begin_us)
{
    uint64_t least_us = TIMERS_NONE_US;
    int left = MOST_LOOKED_AT;
    for (const struct timer_link *link = list->next; link != list; link = link->next) {
        uint64_t due_us = ((const struct timer *)link)->due_us;
        if (left-- == 0)
            return begin_us;
        if (due_us < least_us)
            least_us = due_us;
    }
    return least_us;
}

/* next_us without a look at any timer. */
static void find_bound(struct timers *timers)
{
    timers->next_us = TIMERS_NONE_US;
    if (timers->used_levels)
        first_slot(timers, first_level(timers), &timers->next_us);
    timers->next_is_exact = !timers->used_levels || first_level(timers) == 0;
}

uint64_t timers_next_us(struct timers *timers)
{
    if (!timers->next_is_exact) {
        uint64_t begin_us;
        find_bound(timers);
        if (!timers->next_is_exact)
            timers->next_us =
                least_of(first_slot(timers, first_level(timers), &begin_us), timers->next_us);
        timers->next_is_exact = true;
    }
    uint64_t next_us = timers->next_us;
    if (!list_is_empty(&timers->ready) && first_of(&timers->ready)->due_us < next_us)
        next_us = first_of(&timers->ready)->due_us;
    if (!list_is_empty(&timers->due) && first_of(&timers->due)->due_us < next_us)
        next_us = first_of(&timers->due)->due_us;
    return next_us;
}

/* Deal the timers of a slot whose time begins out to the levels below. */
static void deal_out(struct timers *timers, struct timer_link *slot)
{
    struct timer_link list, *next;
    list_init(&list);
    list_append_all(&list, slot);
    note_empty(timers, slot);
    for (struct timer_link *link = list.next; link != &list; link = next) {
        next = link->next;
        put(timers, (struct timer *)link);
    }
}

/*
 * The slot whose first timer is the wheel's first, if that is due at `until_us`; the wheel stands
 * at its moment then. NULL: nothing is due, and nothing's time has begun.
 */
static struct timer_link *turn(struct timers *timers, uint64_t until_us)
{
    while (timers->used_levels) {
        uint64_t begin_us;
        unsigned level = first_level(timers);
        struct timer_link *slot = first_slot(timers, level, &begin_us);
        if (begin_us > until_us)
            return NULL;
        const struct timer *first = first_of(slot);
        bool is_alone = first->link.next == slot;
        if (level == 0 || (is_alone && first->due_us <= until_us)) {
            timers->wheel_us = first->due_us;
            return slot;
        }
        timers->wheel_us = begin_us;
        deal_out(timers, slot);
    }
    return NULL;
}

static void fire_first(struct timers *timers, struct timer_link *list, uint64_t now_us)
{
    struct timer *timer = first_of(list);
    unlink_timer(timers, timer);
    timer->fire(timer, timer->owner, now_us);
}

size_t timers_run_some(struct timers *timers, uint64_t now_us, size_t most)
{
    size_t fired = 0;
    timers_tell(timers, now_us);
    now_us = timers->now_us;
    list_append_all(&timers->due, &timers->ready);
    if (timers->next_us > now_us) { /* the wheel may stand still */
        for (; fired < most && !list_is_empty(&timers->due); fired++)
            fire_first(timers, &timers->due, now_us);
        return fired;
    }
    while (fired < most) {
        bool has_due = !list_is_empty(&timers->due);
        /* What is on the wheel for the same moment as one that was ready was set before that. */
        uint64_t until_us = has_due ? first_of(&timers->due)->due_us : now_us;
        struct timer_link *slot = turn(timers, until_us);
        if (!slot && !has_due)
            break;
        if (!slot)
            slot = &timers->due;
        fire_first(timers, slot, now_us);
        fired++;
    }
    if (fired < most && timers->wheel_us < now_us)
        timers->wheel_us = now_us; /* no slot's time begins until then */
    find_bound(timers);
    return fired;
}
