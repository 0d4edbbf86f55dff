/*
 * urls.h - the segments and query values of a URL: where an identifier stands in it.
 *
 * URLs are "https://host/a/b?c=d" or begin with the path; what is compared is compared as it is
 * written.
 */
#ifndef AI_QUEUE_URLS_H
#define AI_QUEUE_URLS_H

#include <stdint.h>

#include "text.h"

enum { URL_MAX_BYTES = 8192 };

/* A segment's number from 0, or a query parameter's name. */
struct url_part {
    bool is_query;
    uint32_t index;
    struct span name;
    struct span value;
};

struct url_walk {
    struct span rest;
    bool is_in_query;
    uint32_t index;
};

/* Without scheme, host and fragment. */
struct span url_target(struct span url);
struct span url_path(struct span url); /* the same without the query */

void url_walk(struct url_walk *walk, struct span url);
bool url_next(struct url_walk *walk, struct url_part *ret);

/* What stands where `part` says. False: nothing. */
bool url_value(struct span url, bool is_query, uint32_t index, struct span name, struct span *ret);

/* The part that is likely an identifier: the last one with a digit, else the last segment. */
bool url_pick_id(struct span url, struct url_part *ret);

/* Could this be an identifier: letters, digits and "_-.:~" alone, at most 128? */
bool url_is_id(struct span text);

/* Every segment and query value that is `old` becomes `value`. 0: none was, or the result is longer
 * than `size`; else how long it is. A '\0' follows. */
size_t url_replace(struct span url, struct span old, struct span value, char *into, size_t size);

/* Templates: "/jobs/{id}/status", {..} or * is any segment. ret_id: what stands for {id}, else the
 * last wildcard. A template without a query fits with any. */
bool url_matches(const char *template, struct span url, struct span *ret_id);

#endif
