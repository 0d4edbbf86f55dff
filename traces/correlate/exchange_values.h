/*
 * exchange_values.h - what a recorded exchange has at a place: its answer, its request, the
 * messages of its WebSocket.
 *
 * Content codings are undone; a body that cannot be decoded has nothing in it. The message that was
 * asked about last is kept, so that questions about one exchange read it once.
 */
#ifndef REPRISE_TRACES_CORRELATE_EXCHANGE_VALUES_H
#define REPRISE_TRACES_CORRELATE_EXCHANGE_VALUES_H

#include "traces/places/place_visit.h"
#include "traces/reader.h"

struct exchange_values;

/* The reader is borrowed; its message cursor and its rows by id are used. NULL without memory. */
struct exchange_values *exchange_values_new(struct trace_reader *reader);
void exchange_values_free(struct exchange_values *values);

/* What a question about an exchange comes back with besides the text. */
struct exchange_facts {
    int64_t session_id;
    int64_t endpoint_id;
    int64_t begins_us;   /* of the request */
    int64_t answered_us; /* the answer; TRACE_NO_MOMENT: there is none */
    int64_t ends_us;     /* of the answer; TRACE_NO_MOMENT: it never did */
};

/* From when on the answer may have given what is at this place: its head, an event or a JSON value
 * is used before its end, and what else is in it is not. TRACE_NO_MOMENT: never. */
int64_t exchange_gives_us(const struct exchange_facts *facts, const struct place *place);

/* 1, 0 when there is no such exchange, -1. */
int exchange_values_facts(struct exchange_values *values, int64_t exchange_id,
                          struct exchange_facts *ret_facts, struct error *err);

/*
 * What is at the place, decoded, a view good until the next call; .ptr NULL: nothing is. Of the
 * server's WebSocket messages only those before `before_us` count. *ret_at_us, when it is not NULL,
 * is the moment of what was found: the answer's end, the request's begin, the message's.
 */
int exchange_values_find(struct exchange_values *values, int64_t exchange_id, enum place_side side,
                         const struct place *place, int64_t before_us, struct bytes *ret_text,
                         int64_t *ret_at_us, struct error *err);

/* As the request has it, with its escapes; .ptr NULL: nothing. Not for WebSocket messages. */
int exchange_values_written(struct exchange_values *values, int64_t exchange_id,
                            const struct place *place, struct bytes *ret_text, struct error *err);

/* All values of the exchange's answer or request, WebSocket messages not among them. What `visit`
 * ended with, or 0; -1 with err. */
int exchange_values_visit(struct exchange_values *values, int64_t exchange_id, enum place_side side,
                          place_value_fn visit, void *owner, struct error *err);

#endif
