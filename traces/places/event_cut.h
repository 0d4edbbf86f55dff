/*
 * event_cut.h - cuts a text/event-stream that comes in pieces into its events.
 *
 * Each is handed out as soon as the empty line that ends it is there, as a stream of its own that
 * event_stream.h reads. Held is the event in hand: one of more than EVENT_CUT_MAX_BYTES is passed
 * over. Comments, which servers send to keep a stream open, are not held.
 */
#ifndef REPRISE_TRACES_PLACES_EVENT_CUT_H
#define REPRISE_TRACES_PLACES_EVENT_CUT_H

#include "core/buf.h"

#define EVENT_CUT_MAX_BYTES (1024u * 1024)

typedef void (*event_cut_fn)(void *owner, struct bytes event);

struct event_cut {
    struct buf text; /* of the event in hand */
    size_t line_at;  /* where its last line begins */
    bool is_line_empty;
    bool is_behind_cr;
    bool is_too_long;
};

void event_cut_init(struct event_cut *cut);
void event_cut_fini(struct event_cut *cut);
void event_cut_feed(struct event_cut *cut, struct bytes piece, event_cut_fn each, void *owner);

#endif
