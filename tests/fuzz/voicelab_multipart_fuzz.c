/* voicelab_multipart_fuzz.c - any bytes as a multipart body, or as a form: the same is found
 * wherever the bytes are cut, and nothing is found that is not there. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/voicelab/html.h"
#include "tests/voicelab/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a run of the parser told, as a sum over its events in order. */
struct heard {
    uint64_t sum;
    size_t parts_begun, parts_ended, content_bytes;
};

static void add(struct heard *heard, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < len; i++)
        heard->sum = (heard->sum ^ p[i]) * 1099511628211u;
}

static bool part_begin(void *context, const struct multipart_part *part)
{
    struct heard *heard = context;

    assert(heard->parts_begun == heard->parts_ended && part->name[0] != '\0');
    heard->parts_begun++;
    add(heard, part->name, strlen(part->name) + 1);
    add(heard, part->filename, strlen(part->filename) + 1);
    return true;
}

static bool part_bytes(void *context, const char *bytes, size_t len)
{
    struct heard *heard = context;

    assert(len > 0 && heard->parts_begun == heard->parts_ended + 1);
    heard->content_bytes += len;
    add(heard, bytes, len);
    return true;
}

static bool part_end(void *context)
{
    struct heard *heard = context;

    heard->parts_ended++;
    add(heard, "|", 1);
    return true;
}

static int parse(const uint8_t *data, size_t size, size_t step, struct heard *ret_heard)
{
    static const struct multipart_events events = {part_begin, part_bytes, part_end};
    struct multipart parser;

    *ret_heard = (struct heard){0};
    assert(!multipart_init(&parser, "multipart/form-data; boundary=b", &events, ret_heard));
    for (size_t at = 0; at < size; at += step)
        if (multipart_feed(&parser, (const char *)data + at, at + step < size ? step : size - at))
            break;
    return multipart_finish(&parser);
}

static void any_form_field_fits(const uint8_t *data, size_t size)
{
    char value[16];
    char *body = malloc(size + 1);

    assert(body);
    if (size > 0)
        memcpy(body, data, size);
    body[size] = '\0';
    if (html_form_field(body, "csrf", value, sizeof value) == 0)
        assert(strlen(value) < sizeof value && strstr(body, "csrf="));
    free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heard whole, cut;
    int result = parse(data, size, size + 1, &whole);

    for (size_t step = 1; step <= 7; step += 3) {
        assert(parse(data, size, step, &cut) == result);
        assert(cut.sum == whole.sum && cut.content_bytes == whole.content_bytes);
    }
    if (result == 0)
        assert(whole.parts_begun == whole.parts_ended);
    assert(whole.content_bytes <= size);
    any_form_field_fits(data, size);
    return 0;
}
