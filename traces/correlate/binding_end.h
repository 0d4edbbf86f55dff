/*
 * binding_end.h - one end of a binding as people give it: what `bind list` and `inspect bindings`
 * print can be given back.
 *
 *     17 body:/id                      an exchange, and a place in it
 *     17 POST /jobs body:/id           the same: what the exchange asks for is there to be read
 *     GET /jobs header:Link *          every exchange of an endpoint; a '*' is any number
 *     17 ws:* > body:/id               in any message of the client
 *     POST /jobs body:/id as percent   and how a request writes it
 *     new:uuid                         of no exchange: whichever carries it first
 */
#ifndef REPRISE_TRACES_CORRELATE_BINDING_END_H
#define REPRISE_TRACES_CORRELATE_BINDING_END_H

#include "core/error.h"
#include "traces/places/place.h"
#include "traces/reader.h"

/* Views of the text that it was read from. */
struct binding_end {
    enum place_side side;
    int64_t exchange_id;   /* 0: none was given */
    struct bytes endpoint; /* "GET /jobs/{id}"; empty: none was given, or an exchange */
    struct bytes place_text;
    const char *form; /* behind " as ", where an endpoint was given; NULL: none */
    bool is_exact;    /* `place` is place_text: a '*' in it may be a name */
    struct place place;
    bool is_made; /* new: or data: */
};

/* `option`: how it is called in a message, "--born". -1 with err. */
int binding_end_parse(struct binding_end *end, const char *option, enum place_side side,
                      const char *text, struct error *err);

/* The end at this place of an exchange, its numbers replaced by '*' where that can be: so that it
 * stands for the elements of an array and for all messages of a WebSocket. Texts are the arena's.
 * -1 with err. */
int binding_end_around(struct binding_end *end, enum place_side side, int64_t exchange_id,
                       const char *place, struct arena *arena, struct error *err);

/* Is this the place that was given, each '*' of it a number? */
bool binding_end_has_place(const struct binding_end *end, struct bytes place);

/* Is it an exchange of the endpoint that was given? Ids in its path that its template kept count as
 * {id}, as in the lists. */
bool binding_end_has_endpoint(const struct binding_end *end, struct bytes name);

/* One end of a row of the trace. -1 with err. */
int binding_end_has_row(const struct binding_end *end, struct trace_reader *reader,
                        const struct trace_binding *binding, bool *ret_has, struct error *err);

#endif
