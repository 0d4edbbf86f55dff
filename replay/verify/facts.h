/*
 * facts.h - one message taken apart: a sorted list of what is where in it, so that two messages
 * can be compared place by place.
 *
 *     {"id":17,"tags":[]}   ->   body: object   body:/id 17   body:/tags array (empty)
 *     Content-Type: text/html; charset=utf-8   ->   header:content-type text/html
 *
 * Places are written as FORMAT.md has them where it has them; those of shapes ("html:tag[form]",
 * "size:") are facts only. What differs without a meaning is a rule of the table in
 * facts_headers.c.
 */
#ifndef REPRISE_REPLAY_VERIFY_FACTS_H
#define REPRISE_REPLAY_VERIFY_FACTS_H

#include "core/arena.h"
#include "core/http_message.h"

enum fact_kind {
    FACT_VALUE,   /* what is there counts */
    FACT_SIZE,    /* a length in bytes: counts roughly */
    FACT_PRESENT, /* that it is there counts, not what it is */
    FACT_HIDDEN   /* neither: a place where values may be born, or whose content is noise */
};

struct fact {
    struct bytes place;
    struct bytes text; /* decoded; cut to FACT_MAX_TEXT */
    struct bytes name; /* what people call it: last JSON key, header, field */
    enum fact_kind kind;
    char type; /* JSON: 's'tring 'n'umber 'b'ool nul'z' '{' '['; else 't'ext */
};

#define FACTS_MAX 20000    /* of one message; what is behind them is not compared */
#define FACT_MAX_TEXT 8192 /* bytes: a token with its claims is 2 KB */
#define FACTS_MAX_ITEMS 16 /* of a JSON array: the others are as these or they are noise */
#define FACTS_MAX_DEPTH 64 /* of JSON: what is deeper is not compared */
#define FACTS_MAX_BYTES (64u << 20)

struct facts {
    struct arena arena; /* of places and texts */
    struct fact *items; /* sorted by place once facts_sort() was called */
    size_t count, capacity;
    bool is_cut; /* there was more than FACTS_MAX */
};

void facts_init(struct facts *facts);
void facts_fini(struct facts *facts);
void facts_clear(struct facts *facts);

/* Copies. A place that is there already gets a number behind it. -1: no more is taken. */
int facts_add(struct facts *facts, const struct fact *fact);
void facts_sort(struct facts *facts);

/* NULL: nothing is there. Only of sorted facts. */
const struct fact *facts_find(const struct facts *facts, struct bytes place);

/* Whose answer it is: texts that name this origin are written without it. */
struct facts_answer {
    const struct http_response *response; /* body decoded */
    struct bytes authority;               /* "127.0.0.1:8080"; may be empty */
    bool has_body;                        /* the body is known: it was kept, whole */
};

/* Cleared, filled, sorted; is_cut when not all of it could be taken. */
void facts_of_answer(struct facts *facts, const struct facts_answer *answer);

/* The parts, each in a file of its own. */
void facts_add_headers(struct facts *facts, const struct http_header *headers, size_t count);
/* -1: it is no JSON, and nothing was added. */
int facts_add_json(struct facts *facts, struct bytes text);
void facts_add_markup(struct facts *facts, struct bytes text, bool is_html);
void facts_add_events(struct facts *facts, struct bytes text);

/* For the parts: a place from a format, and a fact at it. */
void facts_add_at(struct facts *facts, enum fact_kind kind, char type, struct bytes name,
                  struct bytes text, const char *format, ...) __attribute__((format(printf, 6, 7)));

#endif
