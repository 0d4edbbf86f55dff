/*
 * births.h - the values that an answer gives: where they are in it, and the form in which each is
 * kept.
 *
 * The same code reads the recorded answer when the plan is made and the live one when it is played.
 */
#ifndef REPRISE_REPLAY_PLAN_BIRTHS_H
#define REPRISE_REPLAY_PLAN_BIRTHS_H

#include "core/http_message.h"
#include "traces/places/place.h"

#define BIRTHS_MAX 32                /* of one answer */
#define BIRTH_MAX_BYTES (64u * 1024) /* of a value, in the answer as in its form */

/* How a value is written in the request: brought into this form once, when it is born. */
enum value_form {
    VALUE_AS_IS,     /* in a header: never CR, LF or NUL */
    VALUE_IN_TARGET, /* as it is, but for what would break a request target or a form */
    VALUE_PERCENT,   /* all but letters, digits and -._~ as %XX */
    VALUE_IN_JSON,   /* between the quotes of a JSON string */
    VALUE_IN_BODY    /* as it is, whatever is in it */
};

struct birth {
    struct place place; /* in the answer */
    enum value_form form;
    uint32_t value; /* index into the user's values */
};

/* What an answer has at a birth's place, before its escapes are undone. */
struct birth_found {
    struct bytes written; /* .ptr NULL: nothing */
    bool is_json_string;
};

/* `found` holds `count`, at most BIRTHS_MAX. One pass over the body for all that are in it. */
void births_find(const struct birth *births, uint32_t count, const struct http_response *response,
                 struct birth_found *found);

/* The value itself, a view of the answer or of `room` (BIRTH_MAX_BYTES); .ptr NULL: there is none,
 * it is empty or too long. */
struct bytes birth_read(const struct birth *birth, const struct birth_found *found, char *room);

/* How long `text` is in that form, and written so. */
size_t value_form_len(enum value_form form, struct bytes text);
void value_form_write(enum value_form form, struct bytes text, char *out);

#endif
