/* identity_draw_fuzz.c - any recorded text as each kind that clients make: what is found has the
 * kind's shape, and so has what is drawn like it. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "replay/identities/identity_draw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_moment(enum own_kind kind, struct bytes found, char *room)
{
    int64_t unix_us, again_us;
    if (!identity_read_moment(kind, found, &unix_us))
        return;
    struct bytes later = identity_write_moment(kind, found, 1800000000123456, room);
    assert(later.len <= found.len + IDENTITY_MORE_BYTES);
    assert(identity_read_moment(kind, later, &again_us));
}

static void check_kind(enum own_kind kind, struct bytes text)
{
    struct random random;
    struct bytes found = identity_find(kind, text);
    if (!found.ptr)
        return;
    assert(found.ptr >= text.ptr && found.ptr + found.len <= text.ptr + text.len);
    char *room = malloc(found.len + IDENTITY_MORE_BYTES);
    assert(room);
    if (own_is_moment(kind)) {
        check_moment(kind, found, room);
    } else {
        random_init(&random, 1, kind);
        struct bytes drawn = identity_draw(kind, found, &random, room);
        assert(kind == OWN_EMAIL || drawn.len == found.len);
        assert(drawn.len <= found.len + IDENTITY_MORE_BYTES);
        assert(bytes_equal(identity_find(kind, drawn), drawn));
    }
    free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int kind = OWN_UUID; kind <= OWN_TIME_ISO; kind++) {
        if (size)
            check_kind((enum own_kind)kind, bytes_make(data, size));
    }
    return 0;
}
