/* event_stream_fuzz.c - any bytes as a stream: events are views of it, and the same when another
 * event stands before them. */
#include <assert.h>
#include <stdlib.h>

#include "core/buf.h"
#include "traces/places/event_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_view(struct bytes view, struct bytes in)
{
    assert(!view.ptr || (view.ptr >= in.ptr && view.ptr + view.len <= in.ptr + in.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char space[256], other_space[256];
    struct room room = {space, sizeof space}, other_room = {other_space, sizeof other_space};
    struct bytes stream = bytes_make(data, size), rest = event_stream_start(stream);
    struct buf behind = BUF_INIT(2 * size + 64);
    struct stream_event event, other;
    buf_append_text(&behind, "data: before\n\n");
    buf_append_bytes(&behind, rest);
    struct bytes other_rest = buf_bytes(&behind);
    assert(stream_event_next(&other_rest, &other));
    size_t left = rest.len;
    while (stream_event_next(&rest, &event)) {
        assert(rest.len < left && event.data_lines > 0 && event.type.len > 0);
        left = rest.len;
        check_view(event.lines, stream);
        check_view(event.id, stream);
        check_view(event.first_data, stream);
        assert(stream_event_next(&other_rest, &other));
        assert(bytes_equal(event.type, other.type));
        struct bytes one = stream_event_data(&event, room);
        struct bytes two = stream_event_data(&other, other_room);
        assert(!one.ptr == !two.ptr && bytes_equal(one, two));
    }
    assert(!stream_event_next(&other_rest, &other));
    buf_fini(&behind);
    return 0;
}
