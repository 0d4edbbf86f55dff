/*
 * place_parts.h - finds headers, cookies, parts of URLs and fields, as they are written.
 *
 * All of these return a view of what they were given, escapes and all; .ptr NULL: not there. A
 * step's name is as the message writes it, but headers ignore case; its number says which of that
 * name.
 */
#ifndef REPRISE_TRACES_PLACES_PLACE_PARTS_H
#define REPRISE_TRACES_PLACES_PLACE_PARTS_H

#include "core/http1.h"
#include "traces/places/place.h"

struct bytes place_find_header(const struct place_step *step, const struct http_header *headers,
                               size_t count);

/* `ret_line` (may be NULL): the whole header, for what is behind the value. */
struct bytes place_find_set_cookie(const struct place_step *step, const struct http_header *headers,
                                   size_t count, struct bytes *ret_line);

/* In "a=1; b=2"; and in all headers Cookie. */
struct bytes place_find_cookie(const struct place_step *step, struct bytes cookies);
struct bytes place_find_in_cookies(const struct place_step *step, const struct http_header *headers,
                                   size_t count);

/* PLACE_PATH and PLACE_QUERY in "/path?query" or in an absolute URL. */
struct bytes place_find_in_url(const struct place_step *step, struct bytes url);

/* PLACE_QUERY and PLACE_FORM in "a=1&b=2". */
struct bytes place_find_field(const struct place_step *step, struct bytes fields);

/* A URL from its path on, without its fragment: "/a?b" of "http://h/a?b#c". */
struct bytes place_url_target(struct bytes url);

#define PLACE_MAX_URL_BYTES 2048 /* a longer one is data */

/* From its path on: with what ends in '/' or '?', or with the whole path. False for a URL of more
 * than PLACE_MAX_URL_BYTES. */
bool place_url_begins_with(struct bytes url, struct bytes prefix);

#endif
