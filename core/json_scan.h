/*
 * json_scan.h - finds single values in JSON text (RFC 8259) by their JSON pointers (RFC 6901): one
 * pass, no memory.
 *
 * Nothing is built and nothing is checked that need not be: what lies beside the way to a wanted
 * value is passed over by its brackets and quotes, and the pass ends with the last value that is
 * wanted. So text that is cut or broken still gives what comes before that. Where an object has a
 * name twice its first value counts.
 */
#ifndef REPRISE_CORE_JSON_SCAN_H
#define REPRISE_CORE_JSON_SCAN_H

#include <sys/types.h>

#include "core/bytes.h"

#define JSON_MAX_DEPTH 200 /* arrays and objects around a value; deeper ones are not found */

enum json_kind {
    JSON_SCAN_STRING,
    JSON_SCAN_NUMBER,
    JSON_SCAN_TRUE,
    JSON_SCAN_FALSE,
    JSON_SCAN_NULL
};

/* A scalar that is looked for, and where it was found. */
struct json_wanted {
    struct bytes pointer; /* "/jobs/0/id"; "" is the text's only value */
    struct bytes found; /* view of the text, a string's without its quotes; .ptr NULL: not there */
    enum json_kind kind;
    /* json_find()'s own: how much of the pointer the way down has matched. */
    uint32_t tokens, token_at;
};

/* Is it a JSON pointer: empty, or tokens that begin with '/' with no '~' but in ~0 and ~1? */
bool json_pointer_is_valid(struct bytes pointer);

/* How many of them were found. Objects and arrays are not: only strings, numbers and words. */
size_t json_find(struct bytes text, struct json_wanted *wanted, size_t count);

/*
 * A string as it stands between its quotes, its escapes undone: bytes written to `out`, never more
 * than written.len. -1: it does not fit, or an escape is none (half of a surrogate pair included).
 */
ssize_t json_unescape(struct bytes written, char *out, size_t out_size);

/* The bytes that json_escape() writes for one byte of text: 1, 2 or 6. */
#define JSON_MAX_ESCAPE_BYTES 6

/* As it stands between quotes. -1: it does not fit. Bytes above 0x7f stay as they are. */
ssize_t json_escape(struct bytes text, char *out, size_t out_size);

#endif
