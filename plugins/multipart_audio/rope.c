/* rope.c - a long body made of text, memory of somebody else, files and samples. */
#include "rope.h"

#include <stdlib.h>
#include <string.h>

void rope_init(struct rope *rope)
{
    *rope = (struct rope){0};
}

void rope_fini(struct rope *rope)
{
    free(rope->segment);
    free(rope->text);
    rope_init(rope);
}

static struct rope_segment *add(struct rope *rope, enum rope_kind kind, uint64_t bytes)
{
    if (rope->problem || bytes == 0)
        return NULL;
    if (rope->count == rope->capacity) {
        size_t capacity = rope->capacity ? rope->capacity * 2 : 8;
        if (capacity > ROPE_MAX_SEGMENTS) {
            rope->problem = "it lies in too many pieces";
            return NULL;
        }
        struct rope_segment *grown = realloc(rope->segment, capacity * sizeof *grown);
        if (!grown) {
            rope->problem = "no memory";
            return NULL;
        }
        rope->segment = grown;
        rope->capacity = capacity;
    }
    struct rope_segment *segment = &rope->segment[rope->count++];
    *segment = (struct rope_segment){.kind = kind, .at = rope->total_bytes, .bytes = bytes};
    rope->total_bytes += bytes;
    return segment;
}

void rope_add_text(struct rope *rope, const void *text, size_t len)
{
    if (rope->problem || len == 0)
        return;
    if (len > ROPE_MAX_TEXT_BYTES - rope->text_bytes) {
        rope->problem = "its fields are longer than 4 MiB";
        return;
    }
    if (rope->text_bytes + len > rope->text_capacity) {
        size_t capacity = (rope->text_bytes + len) * 2;
        char *grown = realloc(rope->text, capacity);
        if (!grown) {
            rope->problem = "no memory";
            return;
        }
        rope->text = grown;
        rope->text_capacity = capacity;
    }
    struct rope_segment *last = rope->count ? &rope->segment[rope->count - 1] : NULL;
    if (last && last->kind == ROPE_TEXT) {
        last->bytes += len;
        rope->total_bytes += len;
    } else {
        last = add(rope, ROPE_TEXT, len);
        if (!last)
            return;
        last->text_at = rope->text_bytes;
    }
    memcpy(rope->text + rope->text_bytes, text, len);
    rope->text_bytes += len;
}

void rope_add_memory(struct rope *rope, const void *memory, size_t len)
{
    struct rope_segment *segment = add(rope, ROPE_MEMORY, len);
    if (segment)
        segment->memory = memory;
}

void rope_add_file(struct rope *rope, const struct shared_file *file, uint64_t at, uint64_t len)
{
    struct rope_segment *segment = add(rope, ROPE_FILE, len);
    if (!segment)
        return;
    segment->file = file;
    segment->file_at = at;
}

void rope_add_pcm(struct rope *rope, const struct pcm_source *pcm)
{
    struct rope_segment *segment = add(rope, ROPE_PCM, pcm->data_bytes);
    if (segment)
        segment->pcm = pcm;
}

void rope_add_base64(struct rope *rope, struct rope *inner, const struct json_base64 *form)
{
    if (inner->problem && !rope->problem)
        rope->problem = inner->problem;
    struct rope_segment *segment =
        add(rope, ROPE_BASE64, json_base64_bytes(form, inner->total_bytes));
    if (!segment)
        return;
    segment->inner = inner;
    segment->form = *form;
}

static size_t find(const struct rope *rope, uint64_t offset)
{
    size_t low = 0, high = rope->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (rope->segment[middle].at <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* From the four digits on in which the first one wanted is. */
static bool read_base64(struct rope *rope, const struct rope_segment *segment, uint64_t from,
                        char *into, size_t len)
{
    enum { GROUPS = 1024 };
    char raw[GROUPS * 3], digits[GROUPS * 4 + 1];
    while (len) {
        uint64_t group = from / 4;
        uint64_t left = segment->inner->total_bytes - group * 3;
        size_t wanted = left < sizeof raw ? (size_t)left : sizeof raw;
        size_t needed = (size_t)(from % 4) + len; /* digits, of whole groups */
        if (needed / 4 * 3 + 3 < wanted)
            wanted = needed / 4 * 3 + 3;
        if (rope_read(segment->inner, group * 3, raw, wanted) != wanted) {
            rope->problem = segment->inner->problem;
            return false;
        }
        size_t skip = (size_t)(from % 4);
        size_t have = json_write_base64(&segment->form, raw, wanted, digits) - skip;
        size_t take = have < len ? have : len;
        memcpy(into, digits + skip, take);
        into += take;
        from += take;
        len -= take;
    }
    return true;
}

/* False: it cannot be read, and why is the rope's problem. */
static bool read_segment(struct rope *rope, const struct rope_segment *segment, uint64_t from,
                         char *into, size_t len)
{
    switch (segment->kind) {
    case ROPE_TEXT:
        memcpy(into, rope->text + segment->text_at + from, len);
        return true;
    case ROPE_MEMORY:
        memcpy(into, segment->memory + from, len);
        return true;
    case ROPE_PCM:
        pcm_read(segment->pcm, from, into, len);
        return true;
    case ROPE_BASE64:
        return read_base64(rope, segment, from, into, len);
    case ROPE_FILE:
        break;
    }
    if (files_read(segment->file, segment->file_at + from, into, len, rope->file_problem) == 0)
        return true;
    rope->problem = rope->file_problem;
    return false;
}

size_t rope_read(struct rope *rope, uint64_t offset, void *into, size_t max)
{
    char *out = into;
    size_t done = 0;
    for (size_t i = find(rope, offset); i < rope->count && done < max; i++) {
        const struct rope_segment *segment = &rope->segment[i];
        uint64_t from = offset + done - segment->at;
        if (from >= segment->bytes)
            break; /* behind the end */
        uint64_t left = segment->bytes - from;
        size_t take = left < max - done ? (size_t)left : max - done;
        if (!read_segment(rope, segment, from, out + done, take))
            break;
        done += take;
    }
    return done;
}

size_t rope_overwrite(struct rope *rope, const char *old, const char *with, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < rope->count; i++) {
        const struct rope_segment *segment = &rope->segment[i];
        char *at = segment->kind == ROPE_TEXT ? rope->text + segment->text_at : NULL;
        const char *end = at ? at + segment->bytes : NULL;
        while (at && (at = memmem(at, (size_t)(end - at), old, len)) != NULL) {
            memcpy(at, with, len);
            at += len;
            count++;
        }
    }
    return count;
}
