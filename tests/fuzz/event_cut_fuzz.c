/* event_cut_fuzz.c - any bytes as a stream of events, cut anywhere: its events are those of the
 * whole. */
#include <assert.h>
#include <stdlib.h>

#include "traces/places/event_cut.h"
#include "traces/places/event_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_BYTES = 4096 };

/* The next event of the whole stream is this one. */
static void on_event(void *owner, struct bytes lines)
{
    struct bytes *whole = owner, rest = event_stream_start(lines);
    char space[MAX_BYTES], other_space[MAX_BYTES];
    struct stream_event event, other;
    if (!stream_event_next(&rest, &event)) /* nothing but comments, an id */
        return;
    assert(stream_event_next(whole, &other));
    assert(bytes_equal(event.type, other.type) && event.data_lines == other.data_lines);
    assert(bytes_equal(stream_event_data(&event, (struct room){space, sizeof space}),
                       stream_event_data(&other, (struct room){other_space, sizeof other_space})));
    assert(!stream_event_next(&rest, &event));
}

static void check(struct bytes stream, size_t step)
{
    struct bytes whole = event_stream_start(stream);
    struct stream_event event;
    struct event_cut cut;
    event_cut_init(&cut);
    for (size_t at = 0; at < stream.len; at += step) {
        size_t now = stream.len - at < step ? stream.len - at : step;
        char *piece = malloc(now); /* no byte of its neighbours may be touched */
        memcpy(piece, stream.ptr + at, now);
        event_cut_feed(&cut, bytes_make(piece, now), on_event, &whole);
        free(piece);
    }
    assert(!stream_event_next(&whole, &event));
    event_cut_fini(&cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes stream = bytes_make(data, size);
    if (size > MAX_BYTES)
        return 0;
    check(stream, 1);
    check(stream, 2);
    check(stream, 7);
    check(stream, size + 1);
    return 0;
}
