/* plan_data.c - where the requests of a session carry what is a column of --data: fields of its
 * name, and texts that --map names. */
#include <stdlib.h>

#include "core/grow.h"
#include "replay/identities/identities.h"
#include "replay/plan/plan_binder.h"
#include "traces/places/place_visit.h"

/* A place that is to be filled from the user's row. */
struct data_place {
    uint32_t step, column;
    struct place place;
    struct bytes text; /* recorded; a part of what is there perhaps */
    bool is_by_name;   /* not by a text of --map */
    int basic_part;    /* of Basic credentials: 0 the user, 1 the password; -1: none of them */
    size_t number;     /* in the order of the session */
};

/* While one step's request is gone through. */
struct visit {
    struct binder *binder;
    uint32_t step;
    uint32_t message; /* of a WebSocket: its number; 0: a request */
    bool has_failed;
};

_Static_assert(CLI_MAX_LIST <= 64, "a bit of maps_used for each --map");

enum { MIN_PART_BYTES = 6 }; /* a mapped text that is shorter is not looked for inside others */

static const struct identities *identities_of(const struct binder *binder)
{
    return binder->builder->options.identities;
}

/* `text` in `whole`, with no letter or digit on either side. */
static bool has_word(struct bytes whole, struct bytes text)
{
    for (size_t at = 0; at + text.len <= whole.len; at++) {
        struct bytes rest = bytes_from(whole, at + text.len);
        char before = at ? whole.ptr[at - 1] : ' ', after = rest.len ? rest.ptr[0] : ' ';
        if (memcmp(whole.ptr + at, text.ptr, text.len) == 0 && !ascii_is_alpha(before) &&
            !ascii_is_digit(before) && !ascii_is_alpha(after) && !ascii_is_digit(after))
            return true;
    }
    return false;
}

static bool is_field(const struct place *place)
{
    enum place_kind kind = place->steps[place->step_count - 1].kind;
    return kind == PLACE_BODY || kind == PLACE_FORM || kind == PLACE_QUERY ||
           kind == PLACE_MULTIPART;
}

/* By a text of --map, or by its name. *ret_text: what of it. */
static uint32_t column_of(const struct binder *binder, struct bytes text, struct bytes name,
                          bool has_name, struct bytes *ret_text, bool *ret_is_by_name)
{
    const struct identities *identities = identities_of(binder);
    uint32_t column;
    *ret_is_by_name = false;
    for (size_t i = 0; i < identities->map_count; i++) {
        const struct identity_map *map = &identities->maps[i];
        bool is_whole = bytes_equal(map->recorded, text);
        if (!is_whole && (map->recorded.len < MIN_PART_BYTES || !has_word(text, map->recorded)))
            continue;
        *ret_text = map->recorded;
        binder->builder->maps_used |= UINT64_C(1) << i;
        return map->column;
    }
    *ret_text = text;
    *ret_is_by_name = true;
    return has_name && identity_rows_find_column(&identities->rows, name, &column) ? column
                                                                                   : OWN_NONE;
}

/* `visit` says which request; the place is of it, without its ws: step. */
static int add_place(struct visit *visit, const struct place *place, struct bytes text,
                     uint32_t column, bool is_by_name, int basic_part)
{
    struct binder *binder = visit->binder;
    struct data_place *grown =
        grow_by_one(binder->data_places, binder->data_place_count, &binder->data_place_capacity,
                    sizeof *grown, BINDER_MAX_ITEMS);
    if (!grown)
        return -1;
    binder->data_places = grown;
    struct data_place *added = &grown[binder->data_place_count];
    struct place whole = *place;
    if (visit->message) {
        if (place->step_count == PLACE_MAX_STEPS)
            return 0;
        whole.step_count++;
        whole.steps[0] = (struct place_step){.kind = PLACE_WS, .number = visit->message};
        memcpy(whole.steps + 1, place->steps, place->step_count * sizeof whole.steps[0]);
    }
    *added = (struct data_place){.step = visit->step,
                                 .column = column,
                                 .text = arena_copy(&binder->data_arena, text),
                                 .is_by_name = is_by_name,
                                 .basic_part = basic_part,
                                 .number = binder->data_place_count};
    if (!added->text.ptr || place_copy(&whole, &binder->data_arena, &added->place))
        return -1;
    binder->data_place_count++;
    return 0;
}

static int add_basic(struct visit *visit, const struct place_value *value)
{
    static const char *const names[] = {"username", "password"};
    struct bytes parts[2], token, text;
    bool is_by_name;
    int result = 0;
    char *room = malloc(value->text.len + 1);
    if (!room)
        return -1;
    bool is_basic = plan_split_basic(value->text, room, parts, &token);
    for (int i = 0; is_basic && result == 0 && i < 2; i++) {
        uint32_t column =
            column_of(visit->binder, parts[i], bytes_of(names[i]), true, &text, &is_by_name);
        if (column != OWN_NONE)
            result = add_place(visit, value->place, parts[i], column, false, i);
    }
    free(room);
    return result;
}

static bool is_credentials(const struct place *place)
{
    const struct place_step *step = &place->steps[0];
    return place->step_count == 1 && step->kind == PLACE_HEADER &&
           (bytes_equal_nocase(step->name, bytes_of("authorization")) ||
            bytes_equal_nocase(step->name, bytes_of("proxy-authorization")));
}

static int on_value(void *owner, const struct place_value *value)
{
    struct visit *visit = owner;
    struct bytes text;
    bool is_by_name;
    uint32_t column = column_of(visit->binder, value->text, value->name, is_field(value->place),
                                &text, &is_by_name);
    if (column != OWN_NONE && value->written.ptr)
        visit->has_failed = add_place(visit, value->place, text, column, is_by_name, -1) != 0;
    else if (is_credentials(value->place))
        visit->has_failed = add_basic(visit, value) != 0;
    return visit->has_failed;
}

static int compare_texts(const void *a, const void *b)
{
    const struct data_place *x = a, *y = b;
    size_t len = x->text.len < y->text.len ? x->text.len : y->text.len;
    int order = len ? memcmp(x->text.ptr, y->text.ptr, len) : 0;
    return order ? order : x->text.len < y->text.len ? -1 : x->text.len > y->text.len;
}

static int compare_places(const void *a, const void *b)
{
    const struct data_place *x = a, *y = b;
    int order = compare_texts(a, b);
    return order ? order : x->number < y->number ? -1 : x->number > y->number;
}

int plan_find_data(struct binder *binder)
{
    if (!identities_have_data(identities_of(binder)))
        return 0;
    for (uint32_t i = 0; i < binder->session->step_count; i++) {
        const struct plan_step *step = &binder->session->steps[i];
        struct visit visit = {
            .binder = binder, .step = i, .message = binder->builder->drafts[i].message_number};
        struct message_view message = plan_request_view(binder, i);
        if (step->kind == STEP_WS_MESSAGE && visit.message)
            place_visit_ws(step->body, PLACE_IN_REQUEST, binder->scratch, on_value, &visit);
        else if (step->kind != STEP_WS_MESSAGE)
            place_visit(&message, binder->scratch, on_value, &visit);
        if (visit.has_failed)
            return -1;
    }
    if (binder->data_place_count)
        qsort(binder->data_places, binder->data_place_count, sizeof *binder->data_places,
              compare_places);
    return 0;
}

uint32_t plan_data_column(const struct binder *binder, struct bytes text)
{
    const struct data_place wanted = {.text = text}, *found = NULL;
    if (binder->data_place_count)
        found = bsearch(&wanted, binder->data_places, binder->data_place_count, sizeof wanted,
                        compare_texts);
    return found ? found->column : OWN_NONE;
}

int plan_place_data(struct binder *binder)
{
    int result = 0;
    for (size_t i = 0; i < binder->data_place_count && result >= 0; i++) {
        const struct data_place *place = &binder->data_places[i];
        const struct own_value own = {.kind = OWN_DATA, .column = place->column};
        struct row row = {.producer = NO_PRODUCER,
                          .consumer = place->step,
                          .used = place->place,
                          .is_by_name = place->is_by_name,
                          .value = place->text};
        result = place->basic_part >= 0 ? plan_join_basic(binder, &row, &own, place->basic_part)
                                        : plan_use_own(binder, &row, &own);
        if (result == 0)
            binder->has_data = true;
    }
    return result < 0 ? -1 : 0;
}

void plan_data_free(struct binder *binder)
{
    free(binder->data_places);
    arena_fini(&binder->data_arena);
}
