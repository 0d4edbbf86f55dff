/*
 * place.h - where in a message a value is born or used, as one line of text.
 *
 *     body:/next > query:cursor        html:input[csrf]        multipart:file > filename:
 *
 * FORMAT.md ("Places") is the authority for the grammar. A place is up to PLACE_MAX_STEPS steps,
 * the outermost first, each inside what the one before it led to. It is read into views of its
 * text; place_find.h leads to what is there in a message, place_visit.h gives all places of one.
 */
#ifndef REPRISE_TRACES_PLACES_PLACE_H
#define REPRISE_TRACES_PLACES_PLACE_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/error.h"

#define PLACE_MAX_BYTES 4096
#define PLACE_MAX_STEPS 4

/* A value that the client made itself is born in no answer: its place is new: or data:, which are
 * written where an answer's place is. */
enum place_side { PLACE_IN_ANSWER, PLACE_IN_REQUEST };

enum place_kind {
    PLACE_BODY,        /* a scalar of JSON: name is its pointer */
    PLACE_HEADER,      /* a header's value */
    PLACE_COOKIE,      /* of Set-Cookie in an answer, of Cookie in a request */
    PLACE_PATH,        /* a segment of a URL's path: number says which */
    PLACE_QUERY,       /* a parameter of a URL's query */
    PLACE_FORM,        /* a field of an application/x-www-form-urlencoded body */
    PLACE_MULTIPART,   /* a part of a multipart/form-data body */
    PLACE_FILENAME,    /* the file name of that part */
    PLACE_HTML_INPUT,  /* the value of an input, button, select or textarea */
    PLACE_HTML_META,   /* the content of a meta element: name is its name or property */
    PLACE_HTML_DATA,   /* an attribute data-NAME */
    PLACE_HTML_HREF,   /* a URL of href, src or action: name is what it begins with */
    PLACE_HTML_SCRIPT, /* the JSON in a script, or its text: name is its id, or which script it is
                          in digits; number says which JSON */
    PLACE_XML,         /* an element's text or an attribute: name is the way to it */
    PLACE_SSE,         /* the data of a server-sent event: name is its type */
    PLACE_WS,          /* a WebSocket message: number is a client's; name and other choose among
                          the server's: those whose JSON has `other` at the pointer `name` */
    PLACE_TEXT,        /* what stands between the text `name` and the text `other` */
    PLACE_JWT,         /* a claim of a JSON Web Token: name is its pointer */
    PLACE_LINK,        /* the target of a Link header: name is its relation */
    PLACE_PARAM,       /* a parameter of a header's value */
    PLACE_BASE64,      /* base64 or base64url undone */
    PLACE_PERCENT,     /* %XX undone */
    PLACE_NEW,         /* made by the client: number is an enum place_new */
    PLACE_DATA         /* a user's own: name is a column of --data */
};

/* How a value that the client made is made again, for each user anew. */
enum place_new {
    PLACE_NEW_UUID,
    PLACE_NEW_HEX, /* these three as long as the recorded one, ... */
    PLACE_NEW_DIGITS,
    PLACE_NEW_TEXT, /* ... here each character of the class it had: A-Z, a-z, 0-9, itself */
    PLACE_NEW_EMAIL,
    PLACE_NEW_TIME_S, /* now, since 1970 */
    PLACE_NEW_TIME_MS,
    PLACE_NEW_TIME_ISO,
    PLACE_NEW_COUNT
};

struct place_step {
    enum place_kind kind;
    uint32_t number;    /* from 1: which segment, or which of the same name; PLACE_SSE: 0 for the
                           latest; PLACE_WS: 0 in an answer */
    struct bytes name;  /* .ptr NULL for a kind that has none */
    struct bytes other; /* of PLACE_WS and PLACE_TEXT */
    /* As they stand between the quotes of a JSON string, escapes and all: place_text(). */
    bool name_is_escaped, other_is_escaped;
};

struct place {
    uint32_t step_count; /* from 1 */
    struct place_step steps[PLACE_MAX_STEPS];
};

/* Views into `text`. -1 with what is wrong, in words that need the place in front of them. */
int place_parse(struct bytes text, enum place_side side, struct place *ret_place,
                struct error *err);

/* The text that place_parse() reads as this place. */
void place_format(const struct place *place, struct buf *out);

/* Is it a name that place_parse() takes for this kind, in quotes where it needs them? What is not
 * cannot be written as a place. */
bool place_name_is_valid(enum place_kind kind, struct bytes name);

/* A step's name or other with its escapes undone: a view of it, or of `room`. */
struct bytes place_text(struct bytes text, bool is_escaped, char room[PLACE_MAX_BYTES]);

bool place_step_equal(const struct place_step *a, const struct place_step *b);
bool place_equal(const struct place *a, const struct place *b);

/* What is inside the first step: the place without it. step_count may become 0. */
struct place place_rest(const struct place *place);

/* The other way round: the place behind `outer`; as it is where there is no room for a step. */
struct place place_behind(const struct place_step *outer, const struct place *place);

/* With copies of all names in the arena. -1 without memory. */
int place_copy(const struct place *place, struct arena *arena, struct place *ret_copy);

/* "body", "html:input", "new": the word that the kind's places begin with. */
const char *place_kind_name(enum place_kind kind);
const char *place_new_name(enum place_new kind); /* "uuid", "time_ms" */

#endif
