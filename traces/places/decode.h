/*
 * decode.h - undoes the ways in which a value is written: %XX, base64, JSON's and HTML's escapes.
 *
 * All of these return the text: a view of `written` itself where there is nothing to undo, else of
 * the room. .ptr NULL: it does not fit into the room, or it is not written that way.
 */
#ifndef REPRISE_TRACES_PLACES_DECODE_H
#define REPRISE_TRACES_PLACES_DECODE_H

#include "core/bytes.h"

struct room {
    char *ptr;
    size_t len;
};

/* What is no %XX stays as it is. `plus_is_space`: in a query or a form. */
struct bytes decode_percent(struct bytes written, bool plus_is_space, struct room room);

/* RFC 4648 sections 4 and 5, either alphabet, with its padding or without. */
struct bytes decode_base64(struct bytes written, struct room room);

/* A JSON string between its quotes. */
struct bytes decode_json(struct bytes written, struct room room);

/* Character references of HTML and XML, as core/html_references.h has them. */
struct bytes decode_html(struct bytes written, struct room room);

/* A quoted-string of a header between its quotes (RFC 9110 5.6.4). */
struct bytes decode_quoted(struct bytes written, struct room room);

/* The payload of a JSON Web Token (RFC 7519), or of the last word of "Bearer TOKEN": its JSON. The
 * signature is not looked at. */
struct bytes decode_jwt(struct bytes written, struct room room);

#endif
