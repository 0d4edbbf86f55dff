/* value_decode_fuzz.c - any bytes in any encoding, into rooms of any size: never more than the
 * room, and the same in a larger one. */
#include <assert.h>
#include <stdlib.h>

#include "traces/places/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes decode(unsigned int way, struct bytes written, struct room room)
{
    switch (way % 7) {
    case 0:
        return decode_percent(written, false, room);
    case 1:
        return decode_percent(written, true, room);
    case 2:
        return decode_base64(written, room);
    case 3:
        return decode_json(written, room);
    case 4:
        return decode_html(written, room);
    case 5:
        return decode_quoted(written, room);
    default:
        return decode_jwt(written, room);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct bytes written = bytes_make(data + 1, size - 1);
    char *small = malloc(size), *large = malloc(2 * size);
    for (unsigned int way = 0; way < 7; way++) {
        size_t len = data[0] % size;
        struct bytes one = decode(way, written, (struct room){small, len});
        struct bytes two = decode(way, written, (struct room){large, 2 * size});
        assert(two.len <= written.len);
        if (one.ptr == written.ptr && size > 1)
            assert(two.ptr == written.ptr);
        else
            assert(one.len <= len);
        if (one.ptr)
            assert(bytes_equal(one, two));
    }
    free(small);
    free(large);
    return 0;
}
