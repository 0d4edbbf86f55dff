/*
 * place_visit_fuzz.c - any message: every value that is visited is found again by its place, which
 * is read again as it was written.
 *
 * The first line is a request's target, or empty for an answer; header lines; an empty line; the
 * body. What is longer than 64 KiB is another test's.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "traces/places/place_visit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_HEADERS = 32, MAX_VALUES = 2000 };

struct check {
    const struct message_view *message;
    struct place_scratch *scratch;
    uint32_t values;
};

/* A JSON object may have a name twice, and then its first value counts, one that is none too. */
static bool may_have_twin(const struct check *check, const struct place_value *value)
{
    struct bytes rest = check->message->body;
    int count = 0;
    bool has_json = false;
    for (uint32_t i = 0; i < value->place->step_count; i++) {
        const struct place_step *step = &value->place->steps[i];
        has_json |= step->kind == PLACE_BODY || step->kind == PLACE_JWT;
        if (i && has_json) /* it may be hidden in an encoding */
            return true;
    }
    /* or be written with escapes */
    if (has_json &&
        (memchr(rest.ptr, '\\', rest.len) || memchr(value->name.ptr, '~', value->name.len)))
        return true;
    for (const char *found; rest.len && value->name.len; count++) {
        found = memmem(rest.ptr, rest.len, value->name.ptr, value->name.len);
        if (!found)
            break;
        rest = bytes_from(rest, (size_t)(found - rest.ptr) + 1);
    }
    return has_json && (count > 1 || !value->name.len);
}

static int check_value(void *owner, const struct place_value *value)
{
    struct check *check = owner;
    struct buf text = BUF_INIT(PLACE_MAX_BYTES);
    struct place place;
    struct error err;
    assert(value->text.len > 0 && value->text.len <= PLACE_MAX_VALUE_BYTES);
    place_format(value->place, &text);
    assert(!buf_failed(&text));
    int result = place_parse(buf_bytes(&text), check->message->side, &place, &err);
    if (result)
        fprintf(stderr, "%s: %s\n", buf_text(&text), err.text);
    assert(result == 0 && place_equal(&place, value->place));
    struct bytes found = place_find(&place, check->message, check->scratch);
    if (!found.ptr || !bytes_equal(found, value->text)) {
        if (!may_have_twin(check, value)) {
            fprintf(stderr, "%s: visited '%.*s', found '%.*s'\n", buf_text(&text),
                    BYTES_ARG(value->text), BYTES_ARG(found));
            fprintf(stderr, "%.*s\n", BYTES_ARG(check->message->body));
            abort();
        }
    } else if (check->message->side == PLACE_IN_REQUEST && value->written.ptr) {
        enum place_writing writing;
        struct bytes written = place_locate(&place, check->message, &writing);
        assert((written.ptr == value->written.ptr && written.len == value->written.len &&
                writing == value->writing) ||
               may_have_twin(check, value));
    }
    buf_fini(&text);
    return ++check->values == MAX_VALUES;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct place_scratch *visiting, *finding;
    struct http_header headers[MAX_HEADERS];
    struct bytes rest = bytes_make(data, size), line;
    struct message_view message = {.headers = headers};
    if (size > 64 * 1024 || !bytes_split(&rest, '\n', &message.target))
        return 0;
    if (!visiting) {
        visiting = place_scratch_new();
        finding = place_scratch_new();
    }
    message.side = message.target.len ? PLACE_IN_REQUEST : PLACE_IN_ANSWER;
    while (bytes_split(&rest, '\n', &line) && line.len) {
        size_t colon = bytes_index_of(line, ':');
        if (colon < line.len && message.header_count < MAX_HEADERS)
            headers[message.header_count++] = (struct http_header){
                bytes_make(line.ptr, colon), bytes_trim(bytes_from(line, colon + 1))};
    }
    message.body = rest;
    struct check check = {.message = &message, .scratch = finding};
    place_visit(&message, visiting, check_value, &check);
    check.values = 0;
    struct message_view payload = {.side = message.side, .body = rest};
    check.message = &payload;
    if (rest.ptr)
        place_visit_ws(rest, message.side, visiting, check_value, &check);
    return 0;
}
