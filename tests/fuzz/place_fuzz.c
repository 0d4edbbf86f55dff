/* place_fuzz.c - a line as a place, the rest as a message that it is looked for in. */
#include <assert.h>
#include <stdlib.h>

#include "traces/places/place_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Written down and read again it is the same place. */
static void check_format(const struct place *place, enum place_side side)
{
    struct buf text = BUF_INIT(2 * PLACE_MAX_BYTES), twice = BUF_INIT(2 * PLACE_MAX_BYTES);
    struct place again;
    struct error err;
    place_format(place, &text);
    assert(!buf_failed(&text));
    if (text.len <= PLACE_MAX_BYTES) { /* quotes may have made it longer */
        int result = place_parse(buf_bytes(&text), side, &again, &err);
        assert(result == 0 && place_equal(place, &again));
        place_format(&again, &twice);
        assert(bytes_equal(buf_bytes(&text), buf_bytes(&twice)));
    }
    buf_fini(&text);
    buf_fini(&twice);
}

static void check_view(struct bytes found, struct bytes in)
{
    assert(!found.ptr || (found.ptr >= in.ptr && found.ptr + found.len <= in.ptr + in.len));
}

static void look(const struct place_step *step, struct bytes message)
{
    const struct http_header headers[] = {{bytes_of("Set-Cookie"), message}, {step->name, message}};
    if (step->kind == PLACE_HEADER)
        check_view(place_find_header(step, headers, 2), message);
    if (step->kind == PLACE_COOKIE) {
        check_view(place_find_set_cookie(step, headers, 2, NULL), message);
        check_view(place_find_cookie(step, message), message);
    }
    if (step->kind == PLACE_FORM)
        check_view(place_find_field(step, message), message);
    if (step->kind == PLACE_PATH || step->kind == PLACE_QUERY)
        check_view(place_find_in_url(step, message), message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes message = bytes_make(data, size), line;
    struct place place;
    struct error err;
    if (!message.ptr || !bytes_split(&message, '\n', &line))
        return 0;
    if (!message.ptr)
        message = bytes_of("");
    for (int side = PLACE_IN_ANSWER; side <= PLACE_IN_REQUEST; side++) {
        if (place_parse(line, (enum place_side)side, &place, &err))
            continue;
        check_format(&place, (enum place_side)side);
        for (uint32_t i = 0; i < place.step_count; i++)
            look(&place.steps[i], message);
    }
    return 0;
}
