/*
 * values.h - what one user carries through its session: what answers gave it (ids, tokens), and
 * what it brought along.
 *
 * An index is one value in one form (births.h), so that nothing is left to do when a request is
 * sent. Short values lie in the block that holds them all; a session costs one allocation, a
 * request none. A value's bytes stay where they are until it is set again: do not while a request
 * that uses it is under way.
 */
#ifndef REPRISE_REPLAY_VALUES_H
#define REPRISE_REPLAY_VALUES_H

#include "replay/plan/births.h"

#define VALUE_SMALL_BYTES 48

struct retired_value;

struct values {
    struct bytes *texts; /* `count` of them, as transport_request wants them; .ptr NULL: none yet */
    void *block;         /* has the small ones, and the texts until the first are replaced in use */
    char (*small)[VALUE_SMALL_BYTES];
    uint32_t *messages; /* or events of an open answer: how many have had it */
    uint32_t count;
    uint64_t replaced;             /* how often values_replace() found something */
    struct retired_value *retired; /* replaced while a request might still read them */
};

#define VALUES_NOT_IN_USE UINT64_MAX

/* count 0 takes no memory. -1 without memory. */
int values_init(struct values *values, uint32_t count);
void values_fini(struct values *values);

/* -1, and there is no such value: it would break the request, is longer than BIRTH_MAX_BYTES in its
 * form, or memory ran out. */
int values_set(struct values *values, uint32_t index, enum value_form form, struct bytes text);
void values_forget(struct values *values, uint32_t index);

/*
 * Every value that is `old` in its form becomes `text` in its form: forms[i] is that of value i.
 * `in_use_since`: what `replaced` was when the first of the requests under way was sent; each goes
 * on with the texts it has. How many there were; -1 and nothing has changed: one cannot hold it; -1
 * also when memory runs out half way.
 */
int values_replace(struct values *values, const unsigned char *forms, struct bytes old,
                   struct bytes text, uint64_t in_use_since);

/* All births of one answer; what is not in it is forgotten. Returns how many there were. Without a
 * scratch only those of a JSON body are found. */
uint32_t values_take(struct values *values, const struct birth *births, uint32_t count,
                     const struct http_response *response, struct place_scratch *scratch);

/* The same of a WebSocket's message: what is not in it stays as it was. */
uint32_t values_take_message(struct values *values, const struct birth *births, uint32_t count,
                             struct bytes payload, struct place_scratch *scratch);

#endif
