/* multipart_audio_json_fuzz.c - any bytes as a JSON body with audio in base64: tokens lie inside
 * and in order however the body is cut, and an upload made of it can be read in any pieces. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/multipart_audio/upload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void any_cut_finds_the_same(struct span body)
{
    for (size_t i = 1; i <= 3; i++) {
        size_t at = body.len * i / 4;
        const struct span halves[] = {{body.ptr, at}, {body.ptr + at, body.len - at}};
        struct pieces whole, cut;
        struct json_reader one, two;
        struct json_token first, second;
        uint64_t behind = 0;
        pieces_init(&whole, &body, 1);
        pieces_init(&cut, halves, 2);
        json_begin(&one, &whole);
        json_begin(&two, &cut);
        while (json_next(&one, &first)) {
            assert(json_next(&two, &second));
            assert(first.number == second.number && first.at == second.at &&
                   first.bytes == second.bytes && first.is_key == second.is_key);
            assert(first.at >= behind);
            behind = first.at + first.bytes;
            assert(behind <= body.len);
        }
        assert(!json_next(&two, &second));
    }
}

static void an_upload_is_made(const struct recorded_request *request,
                              const struct recorded_upload *recorded, enum upload_source source)
{
    struct upload_choice choices[RECORDED_MAX_AUDIO];
    struct upload upload;
    struct pieces live;
    for (size_t i = 0; i < recorded->audio_count; i++) {
        choices[i] = (struct upload_choice){.source = source, .id = {1, i}};
        if (!upload_can_generate(&recorded->audio[i]))
            choices[i].source = UPLOAD_RECORDED;
    }
    pieces_init(&live, &request->body, 1);
    assert(!upload_make(recorded, &live, request->content_type, choices, &upload));
    assert(upload_digest(&upload, UINT64_MAX) && !upload.rope.problem);
    size_t len = (size_t)upload.rope.total_bytes;
    char *whole = malloc(len + 1), *again = malloc(len + 1);
    assert(rope_read(&upload.rope, 0, whole, len + 1) == len);
    for (size_t at = 0, step = 1; at < len; step = step % 700 + 13) {
        size_t got = rope_read(&upload.rope, at, again + at, step);
        assert(got > 0);
        at += got;
    }
    assert(memcmp(whole, again, len) == 0);
    free(whole);
    free(again);
    upload_fini(&upload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char content_type[] = "application/json";
    struct span body = {(const char *)data, size};
    if (size == 0)
        return 0;
    any_cut_finds_the_same(body);
    for (int named = 0; named < 2; named++) {
        struct recorded_upload *recorded;
        struct recorded_request request = {.content_type = {content_type, sizeof content_type - 1},
                                           .body = body,
                                           .part = named ? "audio" : ""};
        assert(recorded_upload_new(&request, &recorded) == 0);
        if (recorded && !recorded->problem[0]) {
            an_upload_is_made(&request, recorded, UPLOAD_PCM);
            an_upload_is_made(&request, recorded, UPLOAD_RECORDED);
        }
        recorded_upload_free(recorded);
    }
    return 0;
}
