/* plan_events.c - values that server-sent events gave: which of them a request carries, and how
 * many events had one by then. */
#include "replay/plan/plan_binder.h"
#include "traces/places/event_stream.h"

/* One event of the place's type that has it, at the front of *rest, and past it. */
static bool next_value(struct binder *binder, const struct place *place, struct bytes *rest,
                       uint32_t *left, struct bytes *ret_text)
{
    struct place one = *place;
    struct stream_event event;
    char room[PLACE_MAX_BYTES];
    const struct place_step *step = &place->steps[0];
    struct bytes type = place_text(step->name, step->name_is_escaped, room);
    one.steps[0].number = 1;
    while (stream_event_next(rest, &event)) {
        if (!bytes_equal(event.type, type) || (step->number && --*left))
            continue;
        const struct message_view view = {.side = PLACE_IN_ANSWER, .body = event.lines};
        *ret_text = place_find(&one, &view, binder->scratch);
        if (step->number) /* the others do not count */
            *rest = (struct bytes){0};
        if (ret_text->ptr && ret_text->len)
            return true;
    }
    return false;
}

/* The value that one event and those behind it have. */
static int try_value(struct binder *binder, struct row *row, bool is_open, struct bytes value,
                     uint32_t event, struct row *best, const char **ret_why)
{
    row->value = value;
    int result = plan_try_use(binder, row, ret_why);
    if (result == 0) {
        *best = *row;
        best->use.events = event;
    } else if (result == NOT_USED && !is_open) { /* a later one counts, whatever it is */
        best->use.events = 0;
    }
    return result < 0 ? -1 : 0;
}

int plan_find_in_events(struct binder *binder, struct row *row, bool is_open)
{
    struct bytes rest = event_stream_start(binder->answer.body), text;
    uint32_t count = 0, left = row->born.steps[0].number;
    struct buf last = BUF_INIT(PLACE_MAX_VALUE_BYTES);
    struct row best = *row;
    const char *why = "born_place: nothing is there in the recorded answer";
    int result = 0;
    best.use.events = 0;
    while (result == 0 && next_value(binder, &row->born, &rest, &left, &text)) {
        bool is_same = count++ > 0 && bytes_equal(buf_bytes(&last), text);
        if (is_same)
            continue;
        buf_clear(&last);
        result = buf_append_bytes(&last, text);
        if (result == 0)
            result = try_value(binder, row, is_open, buf_bytes(&last), count, &best, &why);
    }
    buf_fini(&last);
    if (result)
        return -1;
    if (!best.use.events)
        return plan_lose_row(binder, row, why);
    *row = best;
    row->value = (struct bytes){0}; /* it was in `last` */
    return 0;
}
