/*
 * html_references.h - the character references of HTML and XML: what stands for '<' and '&'.
 */
#ifndef REPRISE_CORE_HTML_REFERENCES_H
#define REPRISE_CORE_HTML_REFERENCES_H

#include <sys/types.h>

#include "core/bytes.h"

#define HTML_MAX_ESCAPE_BYTES 6 /* that html_write() makes of one */

/*
 * The reference at the start of `text`, by number or by one of the names that HTML has for ASCII
 * and for the space that does not break: its bytes, or 0 when there is none.
 */
size_t html_reference(struct bytes text, uint32_t *ret_code);

/* References undone; what is none stays as it is. Bytes written, at most text.len; `out` may be
 * the text itself. -1: they do not fit. */
ssize_t html_read(struct bytes text, char *out, size_t out_size);

/* With & < > and both quotes as references. Bytes written; -1: they do not fit. */
ssize_t html_write(struct bytes text, char *out, size_t out_size);

#endif
