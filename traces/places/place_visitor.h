/*
 * place_visitor.h - the place that a visit is at, and whom it tells; used by place_visit*.c only.
 *
 * A walker sets the step at its level and gives the value; in an answer what is inside the value is
 * then visited with further steps.
 */
#ifndef REPRISE_TRACES_PLACES_PLACE_VISITOR_H
#define REPRISE_TRACES_PLACES_PLACE_VISITOR_H

#include "traces/endpoint.h"
#include "traces/places/place_scratch.h"
#include "traces/places/place_visit.h"

/* What else is counted besides the names of a kind of place. */
enum {
    COUNTED_ATTRIBUTES = PLACE_DATA + 1,
    COUNTED_EVENT_VALUES,
    COUNTED_URLS,
    COUNTED_LEAVES,
    COUNTED_IN_HEADER = 1 << 20, /* relations of links: and the number of the header, */
    COUNTED_IN_LINK = 1 << 24    /* and of the link */
};

enum { LINK_MAX_NAMES = 3 }; /* by less of its path */

enum { LINK_MAX_NUMBERS = ENDPOINT_MAX_SEGMENTS + 2 };

/* How a link of a page is known: under each start of its path, its number among the page's links
 * that begin so. The stem is the one for what is as a rule the same of links of one kind. */
struct link_numbers {
    struct bytes target, stem;
    size_t count;
    struct link_number {
        size_t prefix_bytes;
        uint32_t number; /* 0: behind too many others */
    } of[LINK_MAX_NUMBERS];
};

struct visitor {
    const struct message_view *message;
    struct place_scratch *scratch;
    place_value_fn visit;
    void *owner;
    struct place place;
    const struct link_numbers *link; /* whose inside is visited; else NULL */
    uint32_t max_steps;
    uint32_t values_left;  /* and one: the first that is not given ends it */
    uint32_t links;        /* of Link headers */
    bool has_later_events; /* than those that are visited */
    int result;            /* non-zero: the caller has ended it */
};

/* What a walker has found. */
struct found_value {
    struct place_step step;
    struct bytes text, name, written;
    enum place_writing writing;
    bool is_url;   /* one that need not look like one */
    bool is_again; /* under another name: what is inside has been given */
};

static inline void visitor_leave_out(struct visitor *visitor, uint64_t count)
{
    visitor->scratch->gaps.unvisited += count;
}

static inline bool visitor_is_done(const struct visitor *visitor)
{
    return visitor->result || !visitor->values_left;
}

/* As the step `level` (from 0), and what is inside it. */
void visitor_give(struct visitor *visitor, uint32_t level, const struct found_value *value);

/* place_visit_inside.c: what may be inside a text that stands at visitor->place. */
void visit_inside(struct visitor *visitor, struct bytes text, struct bytes name, bool is_url);

/* The leaves of JSON as steps of `kind` at `level`, decoded in `room`. */
void visit_json(struct visitor *visitor, uint32_t level, enum place_kind kind, struct bytes text,
                struct room room);

/* "a=1&b=2" at the first level, as PLACE_QUERY or PLACE_FORM. */
void visit_fields(struct visitor *visitor, enum place_kind kind, struct bytes fields);

/* The segments of a path at `level`. */
void visit_path(struct visitor *visitor, uint32_t level, struct bytes path, struct bytes name);

/* place_visit_body.c: a body by what it is. */
void visit_body(struct visitor *visitor);

/* Names the link by what comes before the segment, which is then none of its name; false: it cannot
 * be named so. */
bool visitor_name_link(struct visitor *visitor, struct bytes segment);

/* Names a link whose path is all words by less of it, for what is not in the path: of `level` names
 * from 0 on, the last one by all but its last segment. False: there is none more. */
bool visitor_name_link_by_less(struct visitor *visitor, uint32_t level);

void visit_html(struct visitor *visitor, struct bytes page);
void visit_xml(struct visitor *visitor, struct bytes document);

/* The strings of a script, or the lines of a text, from step `level` on. */
void visit_text(struct visitor *visitor, uint32_t level, struct bytes text, bool is_script);

#endif
