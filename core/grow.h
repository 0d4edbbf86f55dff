/*
 * grow.h - an array that doubles when it is full, up to a maximum.
 *
 *     struct row *grown = grow_by_one(list->rows, list->count, &list->capacity, sizeof *grown,
 * MOST); if (!grown) return -1; list->rows = grown; list->rows[list->count++] = row;
 */
#ifndef REPRISE_CORE_GROW_H
#define REPRISE_CORE_GROW_H

#include <stddef.h>

/*
 * Room for one more than `count`: the array, which may have moved. NULL where there are `most` of
 * them, or without memory; then the array is as it was. NULL with a capacity of 0 is an empty one;
 * free() ends it.
 */
void *grow_by_one(void *items, size_t count, size_t *capacity, size_t item_bytes, size_t most);

#endif
