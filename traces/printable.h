/*
 * printable.h - recorded bytes shown to people: what is text, and text that cannot drive a
 * terminal.
 */
#ifndef REPRISE_TRACES_PRINTABLE_H
#define REPRISE_TRACES_PRINTABLE_H

#include <stdio.h>

#include "core/bytes.h"

/* Bytes of the UTF-8 character (RFC 3629) at the start; 0 when there is none. */
size_t utf8_length(struct bytes bytes);
bool is_utf8(struct bytes bytes);

/* UTF-8 without control characters other than tab and line ends. */
bool is_readable(struct bytes bytes);

/* The first `most` bytes, less what would cut a character. */
struct bytes utf8_cut(struct bytes bytes, size_t most);

/*
 * Print text, each line behind `indent`; control characters (C0, DEL, C1) and what is no UTF-8 as
 * '.', CR before LF not at all. Ends with a line end.
 */
void print_lines(FILE *out, const char *indent, struct bytes text);

/* "52 49 46 46 ...": at most `most` bytes. */
void print_hex(FILE *out, struct bytes bytes, size_t most);

#endif
