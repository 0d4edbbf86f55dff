/*
 * text.h - bytes that grow, for plugins: a text that is put together, with a maximum.
 */
#ifndef PLUGINS_COMMON_TEXT_H
#define PLUGINS_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define TEXT_MAX_BYTES ((size_t)64 << 20) /* what the host takes as a request */

/* All zero: empty. After a failure it stays as it was and has_failed. */
struct text {
    char *ptr; /* ends with a '\0' that len does not count; NULL while empty */
    size_t len, capacity;
    bool has_failed;
};

void text_append(struct text *text, const void *bytes, size_t len);
void text_append_string(struct text *text, const char *string);
/* Empty again, and not failed; keeps its memory. */
void text_clear(struct text *text);
void text_fini(struct text *text);

#endif
