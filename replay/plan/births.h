/*
 * births.h - the values that an answer or a WebSocket message gives: where they are in it, and the
 * form in which each is kept.
 *
 * The same code reads the recorded answer when the plan is made and the live one when it is played.
 */
#ifndef REPRISE_REPLAY_PLAN_BIRTHS_H
#define REPRISE_REPLAY_PLAN_BIRTHS_H

#include "core/http_message.h"
#include "replay/plan/value_forms.h"
#include "traces/places/place_find.h"

#define BIRTHS_MAX 4096 /* of one answer: a list, each of whose items is opened */
#define BIRTHS_MAX_OF_MESSAGES                                                                     \
    256                   /* of one WebSocket, each of whose messages is looked at for all */
#define BIRTHS_AT_ONCE 32 /* found in one pass over the answer */
#define BIRTH_MAX_BYTES PLACE_MAX_VALUE_BYTES /* of a value, in the answer as in its form */

struct birth {
    struct place place; /* in the answer */
    enum value_form form;
    uint32_t value; /* index into the user's values */
};

/* In which part of an answer a place is. */
static inline bool birth_is_in_message(const struct place *place)
{
    return place->steps[0].kind == PLACE_WS;
}

static inline bool birth_is_in_headers(const struct place *place)
{
    return place->steps[0].kind == PLACE_HEADER || place->steps[0].kind == PLACE_COOKIE;
}

/* When it is there, while an answer comes. */
enum birth_moment { BORN_IN_HEAD, BORN_IN_JSON, BORN_IN_EVENT, BORN_AT_END };

static inline enum birth_moment birth_moment(const struct place *place)
{
    const struct place_step *step = &place->steps[0];
    if (birth_is_in_headers(place))
        return BORN_IN_HEAD;
    if (step->kind == PLACE_SSE)
        return BORN_IN_EVENT;
    /* A pointer in quotes has escapes of its own. */
    return step->kind == PLACE_BODY && !step->name_is_escaped ? BORN_IN_JSON : BORN_AT_END;
}

/* What an answer has at each birth's place, while it is gone through. */
struct births_reader {
    struct message_view message;
    struct place_scratch *scratch; /* NULL: only values of a JSON body and headers are found */
    struct bytes written[BIRTHS_AT_ONCE]; /* of a JSON body, before escapes are undone */
    bool is_json_string[BIRTHS_AT_ONCE];
    char room[BIRTH_MAX_BYTES];
};

/* One pass over the body for all that are in its JSON; at most BIRTHS_AT_ONCE. */
void births_begin(struct births_reader *reader, const struct birth *births, uint32_t count,
                  const struct http_response *response, struct place_scratch *scratch);

/* The value of births[i], good until the next is asked for; .ptr NULL: there is none, it is empty
 * or too long. */
struct bytes births_read(struct births_reader *reader, const struct birth *births, uint32_t i);

#endif
