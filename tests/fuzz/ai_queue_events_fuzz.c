/* ai_queue_events_fuzz.c - any bytes as a stream of events: the same however they are cut, within
 * their limits. */
#include <assert.h>
#include <stdint.h>

#include "plugins/ai_queue/events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
    uint64_t hash;
    size_t count;
};

static int add(void *owner, const struct event *event)
{
    struct sum *sum = owner;
    assert(event->data.len <= EVENTS_MAX_BYTES && event->name.len <= EVENTS_MAX_NAME_BYTES);
    for (size_t i = 0; i < event->data.len; i++)
        sum->hash = sum->hash * 31 + (unsigned char)event->data.ptr[i];
    for (size_t i = 0; i < event->name.len; i++)
        sum->hash = sum->hash * 37 + (unsigned char)event->name.ptr[i];
    sum->count++;
    return 0;
}

static struct sum read_in_pieces(struct span bytes, size_t piece)
{
    struct sum sum = {0};
    struct events events;
    events_init(&events);
    for (size_t at = 0; at < bytes.len; at += piece) {
        size_t len = bytes.len - at < piece ? bytes.len - at : piece;
        assert(events_feed(&events, (struct span){bytes.ptr + at, len}, add, &sum) == 0);
    }
    events_fini(&events);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = {(const char *)data, size};
    struct sum whole = read_in_pieces(bytes, size ? size : 1);
    for (size_t piece = 1; piece <= 7; piece += 3) {
        struct sum cut = read_in_pieces(bytes, piece);
        assert(cut.hash == whole.hash && cut.count == whole.count);
    }
    return 0;
}
