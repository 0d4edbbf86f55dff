/* multipart_audio_fuzz.c - any bytes as a multipart body with audio in it: what is found lies
 * inside, is the same however the body is cut, and an upload made of it keeps every other byte. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/multipart_audio/upload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char content_type[] = "multipart/form-data; boundary=b";

static void any_cut_finds_the_same(struct span body, const struct multipart_boundary *boundary)
{
    struct multipart whole, cut;
    struct pieces pieces;
    pieces_init(&pieces, &body, 1);
    const char *reason = multipart_parse(&pieces, boundary, NULL, 0, &whole);
    uint64_t before = 0;
    for (size_t i = 0; !reason && i < whole.part_count; i++) {
        const struct multipart_part *part = &whole.parts[i];
        assert(before <= part->head_at && part->head_at < part->content_at);
        before = part->content_at + part->content_bytes;
        assert(before <= whole.epilogue_at && whole.epilogue_at <= body.len);
    }
    for (size_t i = 1; i <= 3; i++) {
        size_t at = body.len * i / 4;
        const struct span halves[] = {{body.ptr, at}, {body.ptr + at, body.len - at}};
        pieces_init(&pieces, halves, 2);
        assert(multipart_parse(&pieces, boundary, NULL, 0, &cut) == reason);
        assert(reason ||
               (cut.part_count == whole.part_count &&
                memcmp(cut.parts, whole.parts, whole.part_count * sizeof whole.parts[0]) == 0));
    }
}

/* Two of different ids differ, unless nothing can be marked; reading it in pieces is the same. */
static void an_upload_is_made(const struct recorded_request *request,
                              const struct recorded_upload *recorded, enum upload_source source)
{
    struct upload_choice choices[RECORDED_MAX_AUDIO];
    struct upload upload;
    struct pieces live;
    char bytes[512];
    for (size_t i = 0; i < recorded->audio_count; i++) {
        choices[i] = (struct upload_choice){.source = source, .id = {1, i}};
        if (!upload_can_generate(&recorded->audio[i]))
            choices[i].source = UPLOAD_RECORDED;
    }
    pieces_init(&live, &request->body, 1);
    if (!upload_make(recorded, &live, request->content_type, choices, &upload)) {
        assert(upload_digest(&upload, UINT64_MAX));
        uint64_t at = 0;
        for (size_t len; (len = rope_read(&upload.rope, at, bytes, sizeof bytes)) > 0;)
            at += len;
        assert(at == upload.rope.total_bytes);
    }
    upload_fini(&upload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span body = {(const char *)data, size};
    struct multipart_boundary boundary;
    struct recorded_upload *recorded;
    struct recorded_request request = {
        .content_type = {content_type, sizeof content_type - 1}, .body = body, .part = ""};
    assert(!multipart_boundary(request.content_type, &boundary));
    any_cut_finds_the_same(body, &boundary);
    assert(recorded_upload_new(&request, &recorded) == 0);
    if (recorded && !recorded->problem[0]) {
        an_upload_is_made(&request, recorded, UPLOAD_PCM);
        an_upload_is_made(&request, recorded, UPLOAD_RECORDED);
    }
    recorded_upload_free(recorded);
    return 0;
}
