/* session_index.c - births by value, and answers that wait for their end. */
#include "traces/correlate/session_index.h"

#include <stdlib.h>

#include "core/grow.h"

/* An answer on its way; its items lie behind it. */
struct waiting {
    struct answer_seen answer;
    uint32_t request;
    size_t count;
    struct given items[];
};

void session_index_init(struct session_index *index, struct sites *sites)
{
    *index = (struct session_index){.sites = sites};
}

void session_index_clear(struct session_index *index)
{
    id_map_clear(&index->values);
    id_map_clear(&index->carried);
    id_map_clear(&index->given);
    id_map_clear(&index->cookies);
    id_map_clear(&index->mentions);
    index->is_full_of_mentions = false;
    for (size_t i = 0; i < index->waiting_count; i++)
        free(index->waiting[i]);
    index->waiting_count = 0;
    index->birth_count = index->carrier_count = 0;
    index->request = 0;
}

void session_index_fini(struct session_index *index)
{
    session_index_clear(index);
    id_map_fini(&index->values);
    id_map_fini(&index->carried);
    id_map_fini(&index->given);
    id_map_fini(&index->cookies);
    id_map_fini(&index->mentions);
    free(index->births);
    free(index->carriers);
    free(index->waiting);
}

static void *more(struct session_index *index, void *items, size_t count, size_t *capacity,
                  size_t item_bytes)
{
    void *grown = grow_by_one(items, count, capacity, item_bytes, SIZE_MAX);
    if (!grown)
        index->is_out_of_memory = true;
    return grown;
}

/* --- the heap of answers ------------------------------------------------------------------ */

static bool ends_before(const struct waiting *a, const struct waiting *b)
{
    if (a->answer.ended_us != b->answer.ended_us)
        return a->answer.ended_us < b->answer.ended_us;
    return a->request < b->request;
}

static void push(struct session_index *index, struct waiting *waiting)
{
    struct waiting **heap = index->waiting;
    size_t at = index->waiting_count++;
    while (at > 0 && ends_before(waiting, heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = waiting;
}

static struct waiting *pop(struct session_index *index)
{
    struct waiting **heap = index->waiting, *top = heap[0], *last = heap[--index->waiting_count];
    size_t at = 0, count = index->waiting_count;
    for (size_t child; (child = at * 2 + 1) < count; at = child) {
        if (child + 1 < count && ends_before(heap[child + 1], heap[child]))
            child++;
        if (!ends_before(heap[child], last))
            break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return top;
}

void session_index_answer(struct session_index *index, const struct answer_seen *answer,
                          const struct given *items, size_t count)
{
    struct waiting **grown =
        more(index, index->waiting, index->waiting_count, &index->waiting_capacity, sizeof *grown);
    struct waiting *waiting = grown ? malloc(sizeof *waiting + count * sizeof *items) : NULL;
    if (grown)
        index->waiting = grown;
    if (!waiting) {
        index->is_out_of_memory = true;
        return;
    }
    *waiting = (struct waiting){.answer = *answer, .request = index->request, .count = count};
    if (count)
        memcpy(waiting->items, items, count * sizeof *items);
    push(index, waiting);
}

/* --- births ------------------------------------------------------------------------------- */

/* The birth that another one of the same value takes the place of: one of the same site; the oldest
 * but the very first when there are many; NULL: none. The list has the latest one first. */
static struct birth *place_among(struct session_index *index, uint32_t latest, uint32_t site)
{
    struct birth *birth = &index->births[latest], *last_but_one = birth;
    size_t count = 1;
    for (;; count++) {
        if (birth->site == site)
            return birth;
        if (birth->next == SITES_NONE)
            break;
        last_but_one = birth;
        birth = &index->births[birth->next];
    }
    return count >= SESSION_MAX_SAME ? last_but_one : NULL;
}

static void add_birth(struct session_index *index, const struct waiting *waiting,
                      const struct given *item, uint32_t site)
{
    uint32_t *given = id_map_at(&index->given, site);
    uint32_t *first = id_map_at(&index->values, item->hash);
    if (!given || !first) {
        index->is_out_of_memory = true;
        return;
    }
    *given = *given == ID_MAP_NONE ? 1 : *given + 1;
    uint32_t carrier = id_map_get(&index->carried, item->hash);
    bool is_first = *first == ID_MAP_NONE;
    struct birth birth = {.exchange_id = waiting->answer.exchange_id,
                          .first_us = waiting->answer.ended_us,
                          .site = site,
                          .next = *first,
                          .is_echo = carrier != ID_MAP_NONE &&
                                     index->carriers[carrier].request >= waiting->request};
    birth.is_late = carrier != ID_MAP_NONE && (is_first || index->births[*first].is_late);
    memcpy(birth.numbers, item->numbers, sizeof birth.numbers);
    struct birth *same = is_first ? NULL : place_among(index, *first, site);
    if (same) {
        if (birth.is_echo && !same->is_echo)
            return; /* the one that gave it is still the source */
        birth.next = same->next;
        birth.first_us = same->first_us;
        *same = birth;
        return;
    }
    if (index->birth_count == SESSION_MAX_BIRTHS) {
        index->left_out++;
        return;
    }
    struct birth *grown =
        more(index, index->births, index->birth_count, &index->birth_capacity, sizeof *grown);
    if (!grown)
        return;
    index->births = grown;
    index->births[index->birth_count] = birth;
    *first = (uint32_t)index->birth_count++;
}

static void give(struct session_index *index, const struct waiting *waiting)
{
    const struct sites *sites = index->sites;
    for (size_t i = 0; i < waiting->count; i++) {
        const struct given *item = &waiting->items[i];
        if (item->place == SITES_NONE) {
            session_index_mention(index, item->hash);
            continue;
        }
        uint32_t site = sites_site(index->sites, waiting->answer.endpoint, item->place);
        if (site == SITES_NONE)
            continue;
        if (sites->places[item->place].is_cookie) {
            uint32_t *cookie = id_map_at(&index->cookies, item->place);
            if (cookie)
                *cookie = 1;
        }
        add_birth(index, waiting, item, site);
    }
}

void session_index_advance(struct session_index *index, int64_t now_us,
                           session_answered_fn answered, void *owner)
{
    while (index->waiting_count && index->waiting[0]->answer.ended_us <= now_us) {
        struct waiting *waiting = pop(index);
        give(index, waiting);
        if (waiting->answer.is_success)
            answered(owner, waiting->answer.endpoint);
        free(waiting);
    }
}

const struct birth *session_index_find(const struct session_index *index, uint64_t hash)
{
    uint32_t first = id_map_get(&index->values, hash);
    return first == ID_MAP_NONE ? NULL : &index->births[first];
}

const struct birth *session_index_next(const struct session_index *index, const struct birth *birth)
{
    return birth->next == SITES_NONE ? NULL : &index->births[birth->next];
}

uint32_t session_index_given(const struct session_index *index, uint32_t site)
{
    uint32_t count = id_map_get(&index->given, site);
    return count == ID_MAP_NONE ? 0 : count;
}

void session_index_mention(struct session_index *index, uint64_t digits)
{
    if (index->mentions.count >= SESSION_MAX_MENTIONS) {
        index->is_full_of_mentions = true;
        return;
    }
    uint32_t *at = id_map_at(&index->mentions, digits);
    if (!at)
        index->is_out_of_memory = true;
    else
        *at = 1;
}

bool session_index_mentions(const struct session_index *index, uint64_t digits)
{
    return index->is_full_of_mentions || id_map_get(&index->mentions, digits) != ID_MAP_NONE;
}

/* --- what requests carried ---------------------------------------------------------------- */

uint32_t session_index_carried(const struct session_index *index, uint64_t hash)
{
    uint32_t at = id_map_get(&index->carried, hash);
    return at == ID_MAP_NONE ? SITES_NONE : index->carriers[at].first_use;
}

void session_index_carry(struct session_index *index, uint64_t hash, uint32_t use)
{
    uint32_t *at = id_map_at(&index->carried, hash);
    if (!at) {
        index->is_out_of_memory = true;
        return;
    }
    if (*at != ID_MAP_NONE) {
        index->carriers[*at].request = index->request;
        return;
    }
    struct carried *grown =
        more(index, index->carriers, index->carrier_count, &index->carrier_capacity, sizeof *grown);
    if (!grown)
        return;
    index->carriers = grown;
    index->carriers[index->carrier_count] = (struct carried){use, index->request};
    *at = (uint32_t)index->carrier_count++;
}
