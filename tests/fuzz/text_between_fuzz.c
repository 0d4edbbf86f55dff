/* text_between_fuzz.c - two lines as what is left and right, then any bytes: values are views, and
 * found again by what stands around them. */
#include <assert.h>
#include <stdlib.h>

#include "traces/places/text_between.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_values(struct bytes text, bool is_script)
{
    struct bytes rest = text;
    struct text_value value;
    while (is_script ? script_value_next(&rest, text, &value)
                     : line_value_next(&rest, text, &value)) {
        uint32_t number = text_number_of(text, value.left, value.value.ptr, text.len);
        assert(value.value.len > 0);
        assert(value.value.ptr >= text.ptr &&
               value.value.ptr + value.value.len <= text.ptr + text.len);
        if (!number) /* what is left of it overlaps itself: "aa=" behind "a" */
            continue;
        struct bytes found = text_between(text, value.left, value.right, number);
        assert(found.ptr == value.value.ptr && found.len == value.value.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_make(data, size), left, right;
    if (size > 4096 || !bytes_split(&text, '\n', &left) || !bytes_split(&text, '\n', &right) ||
        !text.ptr)
        return 0;
    check_values(text, true);
    check_values(text, false);
    for (uint32_t number = 1; number < 4; number++) {
        struct bytes found = text_between(text, left, right, number);
        if (found.ptr && left.len)
            assert(text_number_of(text, left, found.ptr, text.len) == number);
        struct bytes json = script_json(text, number);
        assert(!json.ptr || (json.len > 1 && json.ptr >= text.ptr &&
                             json.ptr + json.len <= text.ptr + text.len));
    }
    return 0;
}
