/* noise.c - what recorded answers of one kind have in common, by place. */
#include "replay/verify/noise.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/map.h"
#include "replay/verify/likeness.h"

enum { MAX_KEY_BYTES = 5000, MAX_NOISE_BYTES = 64 << 20, MAX_PLACES = 1000000 };

/* Answers of one endpoint and status. */
struct answer_kind {
    uint32_t count;
};

struct place_kind {
    uint64_t value; /* the first text's hash; the length itself where it is one */
    uint32_t seen;  /* answers that have it */
    uint32_t last_answer;
    char type;
    bool values_differ, types_differ;
};

struct noise {
    struct arena arena;
    struct map answers, places;
    bool is_full;
};

struct noise *noise_new(void)
{
    struct noise *noise = calloc(1, sizeof *noise);
    if (!noise)
        return NULL;
    arena_init(&noise->arena, MAX_NOISE_BYTES);
    map_init(&noise->answers);
    map_init(&noise->places);
    return noise;
}

void noise_free(struct noise *noise)
{
    if (!noise)
        return;
    map_fini(&noise->answers);
    map_fini(&noise->places);
    arena_fini(&noise->arena);
    free(noise);
}

/* "12 200 body:/jobs/{any}/id". .ptr NULL: too long. */
static struct bytes make_key(int64_t endpoint_id, int status, struct bytes place,
                             char out[MAX_KEY_BYTES])
{
    int len = snprintf(out, MAX_KEY_BYTES, "%lld %d ", (long long)endpoint_id, status);
    size_t at = (size_t)len;
    bool is_first = true;
    struct bytes token, rest = place;
    if (place.len + 64 > MAX_KEY_BYTES)
        return (struct bytes){0};
    if (!bytes_starts_with(place, bytes_of("body:"))) {
        memcpy(out + at, place.ptr, place.len);
        return bytes_make(out, at + place.len);
    }
    while (bytes_split(&rest, '/', &token)) {
        bool is_any = !is_first && text_is_id(token);
        struct bytes written = is_any ? bytes_of("*") : token;
        if (at + written.len + 2 > MAX_KEY_BYTES)
            return (struct bytes){0};
        if (!is_first)
            out[at++] = '/';
        memcpy(out + at, written.ptr, written.len);
        at += written.len;
        is_first = false;
    }
    return bytes_make(out, at);
}

/* The entry of this key, made when there is none; NULL when nothing more is taken. */
static void *get(struct noise *noise, struct map *map, struct bytes key, size_t size)
{
    void *entry = key.ptr ? map_get(map, key) : NULL;
    if (entry || !key.ptr || noise->is_full)
        return entry;
    struct bytes kept = arena_copy(&noise->arena, key);
    entry = arena_zalloc(&noise->arena, size);
    if (!kept.ptr || !entry || map->count >= MAX_PLACES || map_set(map, kept, entry)) {
        noise->is_full = true;
        return NULL;
    }
    return entry;
}

bool noise_wants(const struct noise *noise, int64_t endpoint_id, int status)
{
    char room[MAX_KEY_BYTES];
    const struct answer_kind *kind =
        map_get(&noise->answers, make_key(endpoint_id, status, bytes_of(""), room));
    return !noise->is_full && (!kind || kind->count < NOISE_MAX_ANSWERS);
}

static void learn_place(struct place_kind *place, const struct fact *fact, uint32_t answer)
{
    uint64_t value = bytes_hash(fact->text);
    if (fact->kind == FACT_SIZE)
        bytes_to_u64(fact->text, &value);
    if (place->seen == 0) {
        place->value = value;
        place->type = fact->type;
    }
    place->values_differ |=
        fact->kind == FACT_SIZE ? !sizes_are_alike(value, place->value) : value != place->value;
    place->types_differ |= fact->type != place->type;
    if (place->last_answer != answer)
        place->seen++;
    place->last_answer = answer;
}

void noise_learn(struct noise *noise, int64_t endpoint_id, int status, const struct facts *facts)
{
    char room[MAX_KEY_BYTES];
    struct answer_kind *kind = get(noise, &noise->answers,
                                   make_key(endpoint_id, status, bytes_of(""), room), sizeof *kind);
    if (!kind || noise->is_full)
        return;
    kind->count++;
    for (size_t i = 0; i < facts->count; i++) {
        struct place_kind *place =
            get(noise, &noise->places, make_key(endpoint_id, status, facts->items[i].place, room),
                sizeof *place);
        if (place)
            learn_place(place, &facts->items[i], kind->count);
    }
}

void noise_add(struct noise *noise, int64_t endpoint_id, int status, struct bytes place)
{
    char room[MAX_KEY_BYTES];
    struct place_kind *kind =
        get(noise, &noise->places, make_key(endpoint_id, status, place, room), sizeof *kind);
    if (kind)
        kind->values_differ = true;
}

bool noise_covers(const struct noise *noise, int64_t endpoint_id, int status,
                  const struct difference *difference)
{
    char room[MAX_KEY_BYTES];
    const struct answer_kind *answers =
        map_get(&noise->answers, make_key(endpoint_id, status, bytes_of(""), room));
    const struct place_kind *place =
        map_get(&noise->places, make_key(endpoint_id, status, difference->place, room));
    switch (difference->kind) {
    case DIFFERS_VALUE:
        return place && place->values_differ;
    case DIFFERS_TYPE:
        return place && place->types_differ;
    case DIFFERS_MISSING: /* not all recorded ones have it */
        return place && answers && place->seen < answers->count;
    case DIFFERS_EXTRA: /* some recorded ones have it */
        return place && place->seen > 0;
    default:
        return false;
    }
}
