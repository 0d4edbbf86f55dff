/* grow.c - more room for an array that is full. */
#include "core/grow.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 16 };

void *grow_by_one(void *items, size_t count, size_t *capacity, size_t item_bytes, size_t most)
{
    if (count >= most)
        return NULL;
    if (count < *capacity)
        return items;
    size_t wanted = *capacity ? *capacity : FIRST_CAPACITY / 2;
    wanted = wanted > most / 2 ? most : wanted * 2;
    size_t bytes;
    void *grown = __builtin_mul_overflow(wanted, item_bytes, &bytes) ? NULL : realloc(items, bytes);
    if (grown)
        *capacity = wanted;
    return grown;
}
