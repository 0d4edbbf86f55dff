/*
 * sites.h - the places of a trace with their numbers taken out, each kept once.
 *
 *     place    "body:/items/3/id" is "body:/items/#/id" and the number 3
 *     site     a place at an endpoint: what is born or used there, in all sessions
 *     variant  a site, a form, and the text around the value: "Bearer " and ""
 *
 * The numbers are array indexes, which of several of a name, which WebSocket message. What is not
 * new costs a hash. There are limits: a trace whose answers have names without end (objects by id)
 * is correlated by the places that were there first.
 */
#ifndef REPRISE_TRACES_CORRELATE_SITES_H
#define REPRISE_TRACES_CORRELATE_SITES_H

#include "core/arena.h"
#include "core/buf.h"
#include "traces/correlate/id_map.h"
#include "traces/correlate/value_names.h"

#define SITES_NONE ID_MAP_NONE
#define SITES_NUMBERS 3 /* more in one place: it is left out */
#define SITES_MAX_PLACE_BYTES 512
#define SITES_MAX_SIDE_BYTES 24 /* of the text on one side of a value */

/* Endpoints of the trace that differ only in ids are one. */
struct site_endpoint {
    int64_t endpoint_id;   /* of the first */
    struct bytes name;     /* "GET /jobs/{id}" */
    struct bytes path;     /* of it */
    struct bytes resource; /* the last segment that is no {id}: "jobs" */
    bool is_unsafe;        /* POST, PUT, PATCH, DELETE: what it answers it may have made */
};

struct site_place {
    struct bytes text;   /* a number is '\1' */
    struct bytes name;   /* what people call what is there */
    struct bytes parent; /* of a JSON value: the name around it that says most, or empty */
    enum name_class class;
    uint32_t path_segment; /* path:N, at the end: N, else 0 */
    bool has_numbers, is_cookie, is_header, is_path, is_body, is_text;
};

struct site {
    uint32_t endpoint, place;
};

struct site_variant {
    uint32_t site;
    uint8_t form; /* enum value_form_word */
    struct bytes left, right;
};

/* How a value is written where it is used: binding.form. */
enum value_form_word {
    WORD_RAW,
    WORD_PERCENT,
    WORD_PLUS,
    WORD_HTML,
    WORD_BASE64,
    WORD_BASE64URL,
    WORD_HEX
};
const char *value_form_word_name(enum value_form_word form);

struct sites {
    struct arena arena;
    struct id_map endpoint_ids, endpoint_names, place_ids, site_ids, variant_ids;
    struct site_endpoint *endpoints;
    struct site_place *places;
    struct site *sites;
    struct site_variant *variants;
    uint32_t endpoint_count, place_count, site_count, variant_count;
    size_t endpoint_capacity, place_capacity, site_capacity, variant_capacity;
    uint64_t left_out; /* places for which there was no room */
    bool is_out_of_memory;
};

void sites_init(struct sites *sites, size_t max_bytes);
void sites_fini(struct sites *sites);

/* Each gives the number of what is there already or new: SITES_NONE when there is no room for it or
 * it cannot be generalised. There is always room for a variant without text around the value. */
uint32_t sites_endpoint(struct sites *sites, int64_t endpoint_id, struct bytes name);
/* The one with {id} in place of the segments whose bits are set, from bit 1. */
uint32_t sites_folded_endpoint(struct sites *sites, uint32_t endpoint, uint32_t segments);
uint32_t sites_place(struct sites *sites, struct bytes text, struct bytes name,
                     uint32_t ret_numbers[SITES_NUMBERS]);
uint32_t sites_site(struct sites *sites, uint32_t endpoint, uint32_t place);
uint32_t sites_variant(struct sites *sites, uint32_t site, enum value_form_word form,
                       struct bytes left, struct bytes right);

/* What an endpoint is called here: a segment that nobody would choose is an id, also where its
 * template did not notice. `name` itself, or a view of `out`. */
struct bytes sites_endpoint_name(struct bytes name, struct buf *out);

/* The place as text, with its numbers; NULL for numbers: a '*' for each. */
void sites_write_place(const struct sites *sites, uint32_t place, const uint32_t *numbers,
                       struct buf *out);

/* A place's text with a '*' for each of its numbers, as sites_write_place() has it; false: it
 * cannot be generalised. */
bool sites_place_pattern(struct bytes text, struct buf *out);

/* How much two names and their surroundings speak for one being the other: -1, 0, 1 (of the same
 * class), 2. */
int sites_agree(const struct sites *sites, uint32_t born, uint32_t used);

#endif
