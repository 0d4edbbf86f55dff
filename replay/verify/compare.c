/* compare.c - walks two sorted lists of facts side by side. */
#include "replay/verify/compare.h"

#include "replay/verify/likeness.h"

const char *difference_name(enum difference_kind kind)
{
    static const char *const names[DIFFERENCE_KIND_COUNT] = {
        "failure", "status", "not_sent", "missing", "extra", "type", "value"};
    return names[kind];
}

struct bytes place_parent(struct bytes place)
{
    if (!bytes_starts_with(place, bytes_of("body:")))
        return (struct bytes){0};
    for (size_t i = place.len; i > 0; i--) {
        if (place.ptr[i - 1] == '/')
            return bytes_make(place.ptr, i - 1);
    }
    return (struct bytes){0};
}

static struct bytes last_token(struct bytes place)
{
    struct bytes parent = place_parent(place);
    return parent.ptr ? bytes_from(place, parent.len + 1) : place;
}

/* One that is said by its container's difference: gone with it, or behind the end of a shorter
 * array, or a key that is an id. */
static bool is_said_by_parent(const struct facts *facts_with, const struct facts *facts_without,
                              struct bytes place)
{
    struct bytes parent = place_parent(place), token = last_token(place);
    if (!parent.ptr)
        return false;
    const struct fact *with = facts_find(facts_with, parent);
    const struct fact *without = facts_find(facts_without, parent);
    if (!with)
        return false;
    if (!without || without->type != with->type || with->type == '[')
        return true;
    return text_is_id(token);
}

static uint64_t size_of(const struct fact *fact)
{
    uint64_t size = 0;
    bytes_to_u64(fact->text, &size);
    return size;
}

static void compare_at(const struct fact *recorded, const struct fact *live, difference_fn found,
                       void *owner)
{
    struct difference difference = {.place = recorded->place,
                                    .name = recorded->name,
                                    .recorded = recorded->text,
                                    .live = live->text};
    bool is_alike = true;
    if (recorded->type != live->type) {
        difference.kind = DIFFERS_TYPE;
        is_alike = recorded->kind == FACT_HIDDEN;
    } else if (recorded->kind == FACT_SIZE) {
        difference.kind = DIFFERS_VALUE;
        is_alike = sizes_are_alike(size_of(recorded), size_of(live));
    } else if (recorded->kind == FACT_VALUE) {
        difference.kind = DIFFERS_VALUE;
        is_alike =
            recorded->type == 'n'   ? numbers_are_alike(recorded->name, recorded->text, live->text)
            : recorded->type == 's' ? strings_are_alike(recorded->name, recorded->text, live->text)
                                    : texts_are_alike(recorded->text, live->text);
    }
    if (!is_alike)
        found(owner, &difference);
}

/* Other headers than recorded do no harm; other keys, elements and cookies may. */
static bool may_be_extra(const struct fact *fact)
{
    return !bytes_starts_with(fact->place, bytes_of("header:"));
}

/* What is of another type has another body, and that is said once. */
static bool are_of_one_type(const struct facts *recorded, const struct facts *live)
{
    const struct fact *x = facts_find(recorded, bytes_of("header:content-type"));
    const struct fact *y = facts_find(live, bytes_of("header:content-type"));
    return !x || !y || bytes_equal(x->text, y->text);
}

static bool is_of_head(const struct fact *fact)
{
    return bytes_starts_with(fact->place, bytes_of("header:")) ||
           bytes_starts_with(fact->place, bytes_of("cookie:"));
}

void facts_compare(const struct facts *recorded, const struct facts *live, difference_fn found,
                   void *owner)
{
    bool has_bodies = are_of_one_type(recorded, live);
    bool is_cut = recorded->is_cut || live->is_cut; /* what is missing may be behind the cut */
    size_t i = 0, j = 0;
    while (i < recorded->count || j < live->count) {
        const struct fact *x = i < recorded->count ? &recorded->items[i] : NULL;
        const struct fact *y = j < live->count ? &live->items[j] : NULL;
        if (x && y && bytes_equal(x->place, y->place)) {
            if (has_bodies || is_of_head(x))
                compare_at(x, y, found, owner);
            i++;
            j++;
            continue;
        }
        bool is_missing = x && !facts_find(live, x->place);
        const struct fact *fact = is_missing ? x : y;
        const struct facts *with = is_missing ? recorded : live;
        const struct facts *without = is_missing ? live : recorded;
        i += is_missing;
        j += !is_missing;
        if (is_cut || fact->kind == FACT_HIDDEN || (!has_bodies && !is_of_head(fact)) ||
            (!is_missing && !may_be_extra(fact)) || is_said_by_parent(with, without, fact->place))
            continue;
        const struct difference difference = {
            .kind = is_missing ? DIFFERS_MISSING : DIFFERS_EXTRA,
            .place = fact->place,
            .name = fact->name,
            .recorded = is_missing ? fact->text : (struct bytes){0},
            .live = is_missing ? (struct bytes){0} : fact->text,
        };
        found(owner, &difference);
    }
}
