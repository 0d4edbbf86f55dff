/*
 * birth_stream.h - the values that an answer gives, taken as it comes.
 *
 *     begin: the head's -> feed: each JSON value at its last byte, each event's at its end
 *     -> end: what only a whole body shows
 *
 * Held of a body is the value or event in hand; of one in whose HTML, XML or text something is
 * looked for, the first BIRTH_STREAM_KEPT_BYTES. Each value is set at once, and stays when the
 * answer breaks off behind it.
 */
#ifndef REPRISE_REPLAY_BIRTH_STREAM_H
#define REPRISE_REPLAY_BIRTH_STREAM_H

#include "core/json_stream.h"
#include "replay/values.h"
#include "traces/places/event_cut.h"

#define BIRTH_STREAM_KEPT_BYTES (16u * 1024 * 1024)

struct birth_stream {
    struct birth_stream *next; /* among those to be used again */
    const struct birth *births;
    uint32_t count;
    struct values *values;
    struct place_scratch *scratch;
    struct json_stream json;
    struct json_wanted *wanted; /* these three of one block, `count` each */
    uint32_t *wanted_by;        /* the birth that a pointer is of */
    uint32_t *event_counts;     /* of the birth's type, so far */
    struct event_cut events;
    struct buf kept;
    bool has_events, keeps_body;
    bool has_news; /* a value was set since somebody looked */
};

void birth_stream_init(struct birth_stream *stream);
void birth_stream_fini(struct birth_stream *stream);

/* The head of an answer is there: what an earlier one gave is forgotten. Scratch NULL: as for
 * values_take(). May be called again. */
void birth_stream_begin(struct birth_stream *stream, struct values *values,
                        struct place_scratch *scratch, const struct birth *births, uint32_t count,
                        const struct http_response *head);
void birth_stream_feed(struct birth_stream *stream, struct bytes piece);
/* The answer is whole. */
void birth_stream_end(struct birth_stream *stream);

#endif
