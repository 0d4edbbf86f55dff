/* json_leaves_fuzz.c - any bytes as JSON text: json_find() finds every leaf by its pointer, and the
 * first of those that share one. */
#include <assert.h>
#include <stdlib.h>

#include "core/json_scan.h"
#include "traces/places/json_leaves.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json_leaves leaves;
    struct bytes text = bytes_make(data, size), part = json_part(text);
    struct json_leaf leaf;
    const char *at = text.ptr;
    size_t count = 0;
    if (!size)
        return 0;
    assert(part.ptr >= text.ptr && part.ptr + part.len == text.ptr + text.len);
    json_leaves_start(&leaves, text);
    for (; json_leaves_next(&leaves, &leaf); count++) {
        struct json_wanted wanted = {.pointer = leaf.pointer};
        assert(leaf.written.ptr >= at && leaf.written.ptr + leaf.written.len <= text.ptr + size);
        at = leaf.written.ptr + leaf.written.len;
        assert(json_pointer_is_valid(leaf.pointer) && leaf.pointer.len <= PLACE_MAX_BYTES);
        assert(count > 200 || json_find(text, &wanted, 1) == 1);
        assert(count > 200 || wanted.found.ptr <= leaf.written.ptr);
    }
    assert(count <= size);
    return 0;
}
