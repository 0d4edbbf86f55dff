/*
 * text.h - small words about pieces of text: equal, begins, holds, kept, replaced.
 *
 * Nothing here knows of the host. A copy that could not be made is NULL.
 */
#ifndef JWT_REFRESH_TEXT_H
#define JWT_REFRESH_TEXT_H

#include <stdbool.h>

#include "reprise_plugin.h"

static inline reprise_bytes text_from(const char *ptr, size_t len)
{
    return (reprise_bytes){ptr, len};
}

reprise_bytes text_of(const char *string); /* NULL: nothing */
bool text_equal(reprise_bytes a, reprise_bytes b);
bool text_is(reprise_bytes text, const char *word); /* ASCII case ignored */
bool text_begins(reprise_bytes text, const char *word);
bool text_ends(reprise_bytes text, const char *word);
bool text_has(reprise_bytes text, const char *word);
/* Where `needle` begins, or -1; an empty one is nowhere. */
ptrdiff_t text_find(reprise_bytes hay, reprise_bytes needle);
char *text_copy(reprise_bytes text); /* the caller's, ends with '\0' */
/* Without blanks at both ends. */
reprise_bytes text_trim(reprise_bytes text);
/* What stands before the first `mark`; the rest, without the mark, is left in *rest. */
reprise_bytes text_cut(reprise_bytes *rest, char mark);
/* The digits of `text` and nothing else as a number; false for anything else and beyond 10^15. */
bool text_number(reprise_bytes text, int64_t *ret_number);

/* Letters and digits only, in lower case: access_token, accessToken and Access-Token are one. */
void text_key(reprise_bytes name, char *out, size_t out_bytes);

/* `text` with each `old` replaced, as it is and percent-encoded; the caller's. NULL: there is none
 * in it, or no memory. */
char *text_replace(reprise_bytes text, reprise_bytes old, reprise_bytes value, size_t *ret_len);
/* Percent-encoded as a form or a query has it; the caller's. */
char *text_encode(reprise_bytes text);
/* '%41' and '+' undone, in place; the new length. */
size_t text_decode(char *text, size_t len);

/* The first of `count` headers with that name; ptr NULL when there is none. */
reprise_bytes text_header(const reprise_header *headers, size_t count, const char *name);
/* Of a URL: what follows scheme and host, without the query and with it. */
reprise_bytes text_url_path(reprise_bytes url);
reprise_bytes text_url_target(reprise_bytes url);

#endif
