/*
 * event_stream.h - takes a text/event-stream apart into its events (WHATWG HTML 9.2.6).
 *
 * Lines end with CR, LF or both; an event that no empty line ends is none. Views of the stream;
 * only data of several lines is put together, in a room.
 */
#ifndef REPRISE_TRACES_PLACES_EVENT_STREAM_H
#define REPRISE_TRACES_PLACES_EVENT_STREAM_H

#include "traces/places/decode.h"

struct stream_event {
    struct bytes type; /* "message" where the stream names none */
    struct bytes id;   /* of the event itself; .ptr NULL: it has none */
    struct bytes lines;
    struct bytes first_data; /* the first of its data lines */
    uint32_t data_lines;     /* from 1: what has no data is no event */
};

/* The next event at the front of *rest, and past it. Begin with event_stream_start(). */
bool stream_event_next(struct bytes *rest, struct stream_event *ret_event);
struct bytes event_stream_start(struct bytes stream); /* behind a byte order mark */

/* Its data, lines joined by LF; .ptr NULL: more than the room holds. */
struct bytes stream_event_data(const struct stream_event *event, struct room room);

#endif
