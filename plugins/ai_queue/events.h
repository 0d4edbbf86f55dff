/*
 * events.h - a stream of server-sent events, taken apart as its bytes come.
 *
 * Lines end with CR, LF or CRLF wherever the bytes are cut; a BOM is passed over; `data` lines are
 * joined by LF; comments, `id` and `retry` are passed over; an event without data is one all the
 * same when it has a name (which the standard would drop: here the name alone says that a job is
 * done). What is longer than EVENTS_MAX_BYTES is cut and says so.
 */
#ifndef AI_QUEUE_EVENTS_H
#define AI_QUEUE_EVENTS_H

#include "text.h"

enum { EVENTS_MAX_BYTES = 64 * 1024, EVENTS_MAX_NAME_BYTES = 128 };

struct event {
    struct span name; /* "" for a plain message */
    struct span data;
    bool is_cut;
};

struct events {
    char *line, *data; /* on the heap, grown to EVENTS_MAX_BYTES */
    size_t line_len, line_size, data_len, data_size;
    size_t name_len;
    char name[EVENTS_MAX_NAME_BYTES];
    bool has_data, has_name, is_line_cut, is_cut, after_cr, has_begun;
};

/* Non-zero ends the reading, and events_feed() answers it. */
typedef int (*events_fn)(void *owner, const struct event *event);

void events_init(struct events *events);
void events_fini(struct events *events);

/* -1: no memory. */
int events_feed(struct events *events, struct span bytes, events_fn each, void *owner);

#endif
