/* birth_stream.c - sets a user's values while the answer that gives them is still coming. */
#include "replay/birth_stream.h"

#include <stdlib.h>

#include "traces/places/event_stream.h"

/* A string of BIRTH_MAX_BYTES, each of which may be written as an escape. */
#define MAX_WRITTEN_BYTES ((size_t)BIRTH_MAX_BYTES * JSON_MAX_ESCAPE_BYTES)

static void on_leaf(void *owner, size_t wanted, struct bytes written, enum json_kind kind);

void birth_stream_init(struct birth_stream *stream)
{
    stream->next = NULL;
    stream->wanted = NULL;
    stream->count = 0;
    json_stream_init(&stream->json, NULL, 0, MAX_WRITTEN_BYTES, on_leaf, stream);
    event_cut_init(&stream->events);
    buf_init(&stream->kept, BIRTH_STREAM_KEPT_BYTES);
    stream->has_news = false;
}

void birth_stream_fini(struct birth_stream *stream)
{
    free(stream->wanted);
    json_stream_fini(&stream->json);
    event_cut_fini(&stream->events);
    buf_fini(&stream->kept);
}

static void set(struct birth_stream *stream, uint32_t i, struct bytes text)
{
    const struct birth *birth = &stream->births[i];
    if (!text.ptr || !text.len || text.len > BIRTH_MAX_BYTES ||
        values_set(stream->values, birth->value, birth->form, text))
        return;
    stream->values->messages[birth->value]++;
    stream->has_news = true;
}

/* --- JSON --------------------------------------------------------------------------------- */

static void on_leaf(void *owner, size_t wanted, struct bytes written, enum json_kind kind)
{
    struct birth_stream *stream = owner;
    uint32_t i = stream->wanted_by[wanted];
    const struct place *place = &stream->births[i].place;
    char room[BIRTH_MAX_BYTES];
    struct bytes text = written;
    if (!written.ptr || kind == JSON_SCAN_NULL)
        return;
    if (kind == JSON_SCAN_STRING && bytes_index_of(written, '\\') < written.len) {
        ssize_t len = json_unescape(written, room, sizeof room);
        if (len < 0)
            return;
        text = bytes_make(room, (size_t)len);
    }
    if (place->step_count > 1)
        text =
            stream->scratch ? place_find_inside(place, text, stream->scratch) : (struct bytes){0};
    set(stream, i, text);
}

/* --- server-sent events ------------------------------------------------------------------- */

static void look_into_event(struct birth_stream *stream, uint32_t i,
                            const struct stream_event *event, struct bytes lines)
{
    const struct birth *birth = &stream->births[i];
    const struct place_step *step = &birth->place.steps[0];
    const struct message_view view = {.side = PLACE_IN_ANSWER, .body = lines};
    struct place place = birth->place;
    char room[PLACE_MAX_BYTES];
    if (!bytes_equal(event->type, place_text(step->name, step->name_is_escaped, room)))
        return;
    if (step->number && ++stream->event_counts[i] != step->number)
        return;
    place.steps[0].number = 1; /* there is no other */
    struct bytes text = place_find(&place, &view, stream->scratch);
    if (text.ptr && !text.len) /* the latest that has the place has nothing there */
        values_forget(stream->values, birth->value);
    set(stream, i, text);
}

static void on_event(void *owner, struct bytes lines)
{
    struct birth_stream *stream = owner;
    struct stream_event event;
    struct bytes rest = event_stream_start(lines);
    if (!stream->scratch || !stream_event_next(&rest, &event))
        return;
    for (uint32_t i = 0; i < stream->count; i++) {
        if (stream->births[i].place.steps[0].kind == PLACE_SSE)
            look_into_event(stream, i, &event, lines);
    }
}

/* --- verbs -------------------------------------------------------------------------------- */

/* Those that are in a head, or in a whole body. */
static void take(struct birth_stream *stream, const struct http_response *response,
                 enum birth_moment moment)
{
    const struct message_view view = {.side = PLACE_IN_ANSWER,
                                      .headers = response->headers,
                                      .header_count = response->header_count,
                                      .body = response->body};
    for (uint32_t i = 0; stream->scratch && i < stream->count; i++) {
        if (birth_moment(&stream->births[i].place) == moment)
            set(stream, i, place_find(&stream->births[i].place, &view, stream->scratch));
    }
}

void birth_stream_begin(struct birth_stream *stream, struct values *values,
                        struct place_scratch *scratch, const struct birth *births, uint32_t count,
                        const struct http_response *head)
{
    uint32_t wanted_count = 0;
    birth_stream_fini(stream); /* of an answer before this one */
    birth_stream_init(stream);
    stream->values = values;
    stream->scratch = scratch;
    stream->births = births;
    stream->has_events = stream->keeps_body = false;
    for (uint32_t i = 0; i < count; i++) {
        values_forget(values, births[i].value);
        values->messages[births[i].value] = 0;
    }
    stream->wanted = malloc(count * (sizeof *stream->wanted + 2 * sizeof(uint32_t)));
    if (!stream->wanted)
        return;
    stream->wanted_by = (uint32_t *)(void *)(stream->wanted + count);
    stream->event_counts = stream->wanted_by + count;
    stream->count = count;
    for (uint32_t i = 0; i < count; i++) {
        enum birth_moment moment = birth_moment(&births[i].place);
        stream->event_counts[i] = 0;
        stream->has_events |= moment == BORN_IN_EVENT;
        stream->keeps_body |= moment == BORN_AT_END;
        if (moment != BORN_IN_JSON)
            continue;
        stream->wanted_by[wanted_count] = i;
        stream->wanted[wanted_count++] =
            (struct json_wanted){.pointer = births[i].place.steps[0].name};
    }
    json_stream_init(&stream->json, stream->wanted, wanted_count, MAX_WRITTEN_BYTES, on_leaf,
                     stream);
    take(stream, head, BORN_IN_HEAD);
}

void birth_stream_feed(struct birth_stream *stream, struct bytes piece)
{
    size_t left = stream->kept.max_len - stream->kept.len;
    json_stream_feed(&stream->json, piece);
    if (stream->has_events)
        event_cut_feed(&stream->events, piece, on_event, stream);
    if (stream->keeps_body) /* without memory there is less to look into */
        buf_append(&stream->kept, piece.ptr, piece.len < left ? piece.len : left);
}

void birth_stream_end(struct birth_stream *stream)
{
    const struct http_response response = {.body = buf_bytes(&stream->kept)};
    json_stream_end(&stream->json);
    if (stream->keeps_body)
        take(stream, &response, BORN_AT_END);
}
