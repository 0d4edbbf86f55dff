/* units_fuzz.c - any text as a duration and as a size; what is accepted is a sane number. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    char out[UNITS_TEXT_BYTES];
    uint64_t value;
    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    if (duration_parse_us(text, &value) == 0) {
        assert(value <= 1000000000000000000U && strpbrk(text, "0123456789"));
        assert(strlen(duration_format(out, sizeof out, (double)value)) < sizeof out - 1);
    }
    if (size_parse_bytes(text, &value) == 0) {
        assert(value <= 1000000000000000000U && strpbrk(text, "0123456789"));
        assert(strlen(size_format(out, sizeof out, (double)value)) < sizeof out - 1);
    }
    free(text);
    return 0;
}
