/* edits.c - values replaced in a text, all other bytes kept. */
#include "edits.h"

#include <stdlib.h>

int edits_add(struct edits *edits, size_t at, size_t len, size_t new_at)
{
    for (size_t i = 0; i < edits->count; i++) {
        const struct edit *edit = &edits->edit[i];
        if (at < edit->at + edit->len + (edit->len == 0) && edit->at < at + len + (len == 0))
            return -1;
    }
    if (edits->count == EDITS_MAX || edits->fresh.has_failed)
        return -1;
    if (edits->count == edits->capacity) {
        size_t capacity = edits->capacity ? edits->capacity * 2 : 16;
        struct edit *edit = realloc(edits->edit, capacity * sizeof *edit);
        if (!edit)
            return -1;
        edits->edit = edit;
        edits->capacity = capacity;
    }
    edits->edit[edits->count++] = (struct edit){at, len, new_at, edits->fresh.len - new_at};
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct edit *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

void edits_apply(struct edits *edits, const char *text, size_t len, struct text *into)
{
    size_t at = 0;
    if (edits->count)
        qsort(edits->edit, edits->count, sizeof *edits->edit, by_place);
    for (size_t i = 0; i < edits->count; i++) {
        const struct edit *edit = &edits->edit[i];
        text_append(into, text + at, edit->at - at);
        text_append(into, edits->fresh.ptr + edit->new_at, edit->new_bytes);
        at = edit->at + edit->len;
    }
    text_append(into, text + at, len - at);
}

void edits_clear(struct edits *edits)
{
    edits->count = 0;
    text_clear(&edits->fresh);
}

void edits_fini(struct edits *edits)
{
    free(edits->edit);
    text_fini(&edits->fresh);
    *edits = (struct edits){.count = 0};
}
