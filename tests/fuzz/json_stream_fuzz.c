/* json_stream_fuzz.c - a line of pointers with tabs between them, then any bytes as JSON text: cut
 * anywhere, the values are those that json_find() has in the whole. */
#include <assert.h>
#include <stdlib.h>

#include "core/json_stream.h"
#include "core/random.h"
#include "traces/places/json_leaves.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_WANTED = 8, MAX_BYTES = 64 * 1024, MAX_SMALL = 300 };

struct told {
    const struct json_wanted *whole;
    size_t count;
};

static void on_found(void *owner, size_t wanted, struct bytes text, enum json_kind kind)
{
    struct told *told = owner;
    const struct json_wanted *whole = &told->whole[wanted];
    assert(whole->found.ptr && text.ptr && bytes_equal(whole->found, text) && whole->kind == kind);
    told->count++;
}

/* In pieces of `step` bytes; 0: of drawn ones. */
static void check(struct bytes text, const struct json_wanted *whole, size_t count, size_t found,
                  size_t step, struct random *random)
{
    struct json_wanted wanted[MAX_WANTED];
    struct json_stream stream;
    struct told told = {whole, 0};
    memcpy(wanted, whole, sizeof wanted);
    json_stream_init(&stream, wanted, count, MAX_BYTES, on_found, &told);
    for (size_t at = 0; at < text.len;) {
        size_t now = step ? step : 1 + (size_t)random_below(random, 9);
        if (now > text.len - at)
            now = text.len - at;
        char *piece = malloc(now); /* no byte of its neighbours may be touched */
        memcpy(piece, text.ptr + at, now);
        json_stream_feed(&stream, bytes_make(piece, now));
        free(piece);
        at += now;
    }
    json_stream_end(&stream);
    assert(told.count == found && stream.way.found == found);
    json_stream_fini(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_make(data, size), pointers, pointer;
    struct json_wanted whole[MAX_WANTED] = {0};
    struct random random;
    size_t count = 0;
    if (size > MAX_BYTES || !text.ptr || !bytes_split(&text, '\n', &pointers) || !text.ptr)
        return 0;
    while (count < MAX_WANTED && bytes_split(&pointers, '\t', &pointer)) {
        if (json_pointer_is_valid(pointer))
            whole[count++] = (struct json_wanted){.pointer = pointer};
    }
    size_t found = json_find(json_part(text), whole, count);
    random_init(&random, size, 0);
    check(text, whole, count, found, text.len + 1, &random);
    check(text, whole, count, found, 1, &random);
    check(text, whole, count, found, 0, &random);
    for (size_t cut = 2; text.len < MAX_SMALL && cut < text.len; cut++)
        check(text, whole, count, found, cut, &random);
    return 0;
}
