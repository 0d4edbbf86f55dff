/*
 * place.h - where in an answer a value is born and where in a request it is used, as one line of
 * text.
 *
 * FORMAT.md ("Places") is the authority for the grammar. A place is read into views of its text;
 * what it leads to in a message is found by place_find_*(), as a view of the message.
 */
#ifndef REPRISE_TRACES_PLACE_H
#define REPRISE_TRACES_PLACE_H

#include "core/buf.h"
#include "core/error.h"
#include "core/http1.h"

#define PLACE_MAX_BYTES 4096

enum place_side { PLACE_IN_ANSWER, PLACE_IN_REQUEST };

enum place_kind {
    PLACE_BODY,   /* a scalar of a JSON body: name is its pointer */
    PLACE_HEADER, /* a header's value */
    PLACE_COOKIE, /* of Set-Cookie in an answer, of Cookie in a request */
    PLACE_PATH,   /* a segment of the path: number says which */
    PLACE_QUERY,  /* a parameter of the query */
    PLACE_FORM    /* a field of an application/x-www-form-urlencoded body */
};

struct place_step {
    enum place_kind kind;
    struct bytes name;
    uint32_t number; /* from 1: which segment, or which of the same name */
};

struct place {
    struct place_step step;
    bool has_inner;          /* "header:Location > path:2": the value is part of what is there, */
    struct place_step inner; /* taken as a URL */
};

/* Views into `text`. -1 with what is wrong, in words that need the place in front of them. */
int place_parse(struct bytes text, enum place_side side, struct place *ret_place,
                struct error *err);
void place_format(const struct place *place, struct buf *out);

/* All of these: what is there, .ptr NULL for nothing. PLACE_BODY is for json_find(). */
struct bytes place_find_header(const struct place_step *step, const struct http_header *headers,
                               size_t count);
struct bytes place_find_set_cookie(const struct place_step *step, const struct http_header *headers,
                                   size_t count);
/* PLACE_COOKIE in "a=1; b=2". */
struct bytes place_find_cookie(const struct place_step *step, struct bytes cookies);
/* PLACE_PATH and PLACE_QUERY in "/path?query" or in an absolute URL. */
struct bytes place_find_in_url(const struct place_step *step, struct bytes url);
/* PLACE_QUERY and PLACE_FORM in "a=1&b=2". */
struct bytes place_find_field(const struct place_step *step, struct bytes fields);

#endif
