/* json_scan_fuzz.c - a line of pointers with tabs between them, then any bytes as JSON text. */
#include <assert.h>
#include <stdlib.h>

#include "core/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_WANTED = 8, MAX_BYTES = 64 * 1024 };

/* What a string says, written again, says the same. */
static void check_string(struct bytes written)
{
    static char text[MAX_BYTES], again[MAX_BYTES * JSON_MAX_ESCAPE_BYTES], back[MAX_BYTES];
    ssize_t len = json_unescape(written, text, sizeof text);
    if (len < 0)
        return;
    assert((size_t)len <= written.len);
    ssize_t again_len = json_escape(bytes_make(text, (size_t)len), again, sizeof again);
    assert(again_len >= len);
    assert(json_unescape(bytes_make(again, (size_t)again_len), back, sizeof back) == len);
    assert(memcmp(text, back, (size_t)len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_make(data, size), pointers, pointer;
    struct json_wanted wanted[MAX_WANTED], alone;
    size_t count = 0, found = 0;
    if (size > MAX_BYTES || !text.ptr || !bytes_split(&text, '\n', &pointers) || !text.ptr)
        return 0;
    while (count < MAX_WANTED && bytes_split(&pointers, '\t', &pointer)) {
        if (json_pointer_is_valid(pointer))
            wanted[count++] = (struct json_wanted){.pointer = pointer};
    }
    size_t told = json_find(text, wanted, count);
    for (size_t i = 0; i < count; i++) {
        struct bytes value = wanted[i].found;
        found += value.ptr != NULL;
        assert(!value.ptr ||
               (value.ptr >= text.ptr && value.ptr + value.len <= text.ptr + text.len));
        if (value.ptr && wanted[i].kind == JSON_SCAN_STRING)
            check_string(value);
        /* Looked for alone it is at the same place. */
        alone = (struct json_wanted){.pointer = wanted[i].pointer};
        json_find(text, &alone, 1);
        assert(!value.ptr || (alone.found.ptr == value.ptr && alone.found.len == value.len));
    }
    assert(found == told);
    return 0;
}
