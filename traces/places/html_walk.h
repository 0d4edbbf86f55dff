/*
 * html_walk.h - the values in an HTML page that requests may carry, one after another: fields of
 * forms, meta elements, data attributes, URLs, scripts.
 *
 * A scan over tags, not a tree: what is no tag is passed over, a page may be cut or broken
 * anywhere, comments and styles are left out. Views of the page and no memory.
 */
#ifndef REPRISE_TRACES_PLACES_HTML_WALK_H
#define REPRISE_TRACES_PLACES_HTML_WALK_H

#include "traces/places/place.h"

struct html_item {
    enum place_kind kind; /* PLACE_HTML_... */
    struct bytes name;    /* as written; a script's id, .ptr NULL without one; none for a URL */
    struct bytes value;   /* as written: decode_html() undoes its escapes, but not of a script */
    uint32_t script;      /* which script of the page, from 1 */
};

struct html_walk {
    struct bytes rest;
    struct bytes attributes; /* of the tag in hand, those not yet looked at */
    struct bytes select_name, select_value;
    bool is_in_select, has_chosen;
    uint32_t script_count;
};

void html_walk_start(struct html_walk *walk, struct bytes page);
bool html_walk_next(struct html_walk *walk, struct html_item *ret_item);

#endif
