/* json_place_fuzz.c - a pointer, a newline and any bytes as JSON: what is found lies inside, and
 * with every value found replaced it is still JSON to jansson, where it was before. */
#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/common/json_place.h"
#include "plugins/vary/edits.h"
#include "plugins/vary/fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct replaced {
    const char *text;
    size_t len, end;
    struct edits edits;
};

static int replace(void *owner, const struct json_value *value)
{
    struct replaced *replaced = owner;
    assert(value->at >= replaced->end && value->len > 0);
    assert(value->at + value->len <= replaced->len);
    replaced->end = value->at + value->len;
    size_t new_at = replaced->edits.fresh.len;
    if (value->kind == '"') {
        struct text decoded = {.ptr = NULL};
        json_string_decode(replaced->text + value->at, value->len, &decoded);
        json_string_encode(decoded.ptr, decoded.len, &replaced->edits.fresh);
        text_fini(&decoded);
    } else {
        json_string_encode("new \"\\\n", 7, &replaced->edits.fresh);
    }
    edits_add(&replaced->edits, value->at, value->len, new_at);
    return 0;
}

static void edit(const char *pointer, const char *text, size_t len)
{
    struct replaced replaced = {.text = text, .len = len};
    struct text edited = {.ptr = NULL};
    const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
    int found = json_place_find(text, len, pointer, replace, &replaced);
    json_t *before = json_loadb(text, len, flags, NULL);
    if (before)
        assert(found >= 0 || len > JSON_PLACE_MAX_DEPTH);
    if (found > 0) {
        edits_apply(&replaced.edits, text, len, &edited);
        json_t *after = json_loadb(edited.ptr, edited.len, flags, NULL);
        assert(!before || after);
        json_decref(after);
    }
    json_decref(before);
    edits_fini(&replaced.edits);
    text_fini(&edited);
}

static void fields(const char *name, const char *text, size_t len)
{
    struct text decoded = {.ptr = NULL}, encoded = {.ptr = NULL}, again = {.ptr = NULL};
    size_t at, bytes, end = 0;
    for (size_t i = 0; field_find(text, len, name, i, &at, &bytes); i++) {
        assert(at >= end && at + bytes <= len);
        end = at + bytes;
    }
    field_decode(text, len, &decoded);
    if (decoded.len) {
        field_encode(decoded.ptr, decoded.len, &encoded);
        field_decode(encoded.ptr, encoded.len, &again);
        assert(again.len == decoded.len && memcmp(again.ptr, decoded.ptr, again.len) == 0);
    }
    text_fini(&decoded);
    text_fini(&encoded);
    text_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *newline = size ? memchr(data, '\n', size) : NULL;
    size_t pointer_bytes = newline ? (size_t)(newline - (const char *)data) : 0;
    char *pointer = calloc(1, pointer_bytes + 1);
    if (!newline || !pointer) {
        free(pointer);
        return 0;
    }
    memcpy(pointer, data, pointer_bytes);
    size_t len = size - pointer_bytes - 1;
    if (json_pointer_is_valid(pointer))
        edit(pointer, newline + 1, len);
    fields(pointer, newline + 1, len);
    free(pointer);
    return 0;
}
