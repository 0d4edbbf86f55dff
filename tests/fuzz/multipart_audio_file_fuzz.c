/* multipart_audio_file_fuzz.c - any bytes as a file of audio: its places lie inside it, marks go
 * where the plan says, and a stream that begins with them is read within bounds. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/multipart_audio/stream.h"
#include "plugins/multipart_audio/unique.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char mark[] = "0123456789abcdef0123456789abcdef";

static void is_within(const struct unique_plan *plan, size_t size)
{
    uint64_t behind = 0;
    assert(plan->edit_count > 0 && plan->edit_count <= UNIQUE_MAX_EDITS);
    assert(plan->mark_at + UNIQUE_MARK_BYTES <= plan->text_bytes);
    assert(plan->text_bytes <= UNIQUE_MAX_TEXT_BYTES);
    bool has_mark = false;
    for (uint32_t i = 0; i < plan->edit_count; i++) {
        const struct unique_edit *edit = &plan->edits[i];
        assert(edit->at >= behind && edit->at + edit->drop <= size);
        assert(edit->text_at + edit->text_bytes <= plan->text_bytes);
        has_mark =
            has_mark || (edit->text_at <= plan->mark_at &&
                         plan->mark_at + UNIQUE_MARK_BYTES <= edit->text_at + edit->text_bytes);
        behind = edit->at + edit->drop;
    }
    assert(has_mark);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span file = {(const char *)data, size};
    struct audio audio;
    struct unique_plan plan;
    struct stream_recorded stream = {0};
    if (!audio_recognise(file, (struct span){"audio/L16", 9}, &audio)) {
        assert(audio.data_at + audio.data_bytes <= size);
        if (!unique_plan_make(file, audio.format, &plan)) {
            uint8_t *text = malloc(plan.text_bytes);
            is_within(&plan, size);
            unique_fill(&plan, mark, text);
            free(text);
        }
        unique_fini(&plan);
    }
    stream_learn(&stream, 0, file);
    stream_learn(&stream, 100000, file);
    if (size && stream_kind(&stream) == STREAM_SAMPLES) {
        struct pcm_source pcm = {.format = stream_format(&stream), .data_bytes = UINT64_MAX};
        char bytes[300];
        stream_read(&stream, &pcm, size / 2, bytes, sizeof bytes);
    }
    stream_duration_us(&stream, stream_kind(&stream), size);
    stream_rate_in(file);
    stream_fini(&stream);
    return 0;
}
