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

#include "core/json_lex.h"

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

#endif
