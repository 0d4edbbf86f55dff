/* text.c - bytes that grow, for plugins. */
#include "text.h"

#include <stdlib.h>
#include <string.h>

void text_append(struct text *text, const void *bytes, size_t len)
{
    if (text->has_failed || len > TEXT_MAX_BYTES - text->len) {
        text->has_failed = true;
        return;
    }
    if (text->len + len + 1 > text->capacity) {
        size_t capacity =
            text->capacity * 2 > text->len + len + 1 ? text->capacity * 2 : text->len + len + 64;
        char *ptr = realloc(text->ptr, capacity);
        if (!ptr) {
            text->has_failed = true;
            return;
        }
        text->ptr = ptr;
        text->capacity = capacity;
    }
    if (len)
        memcpy(text->ptr + text->len, bytes, len);
    text->len += len;
    text->ptr[text->len] = '\0';
}

void text_append_string(struct text *text, const char *string)
{
    text_append(text, string, strlen(string));
}

void text_clear(struct text *text)
{
    text->len = 0;
    text->has_failed = false;
    if (text->ptr)
        text->ptr[0] = '\0';
}

void text_fini(struct text *text)
{
    free(text->ptr);
    *text = (struct text){.ptr = NULL};
}
