/* play.c - the audio messages of a WebSocket as they are sent: other audio, at its own pace. */
#include "plugin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static struct playing *find_playing(const reprise_call *call, uint32_t step,
                                    const struct stream_recorded *recorded)
{
    const struct plugin_state *state = call->plugin;
    struct user_state *user = call->user;
    for (struct playing *playing = user->playing; playing; playing = playing->next)
        if (playing->step == step)
            return playing;
    struct playing *playing = calloc(1, sizeof *playing);
    if (!playing)
        return NULL;
    playing->step = step;
    playing->began_us = call->now_us;
    playing->pcm = (struct pcm_source){.format = stream_format(recorded),
                                       .kind = state->made,
                                       .seed = pcm_mix(user->seed, step),
                                       .data_bytes = UINT64_MAX,
                                       .stamp = {user->seed, call->user_index << 24 | step},
                                       .is_stamped = true};
    playing->next = user->playing;
    user->playing = playing;
    return playing;
}

static int replace_samples(const reprise_call *call, const reprise_ws_message *message,
                           const struct stream_recorded *recorded, const struct playing *playing)
{
    char *bytes = malloc(message->data.len);
    if (!bytes) {
        call->host->error(call, "no memory for %zu bytes of audio", message->data.len);
        return -1;
    }
    stream_read(recorded, &playing->pcm, playing->recorded_bytes, bytes, message->data.len);
    int result = call->host->ws_replace(call, bytes, message->data.len);
    free(bytes);
    return result;
}

/* The first message of a file that comes in pieces: its metadata is in there. */
static int mark_first(const reprise_call *call, const reprise_ws_message *message,
                      const struct stream_recorded *recorded)
{
    const struct user_state *user = call->user;
    const struct unique_plan *plan = &recorded->unique;
    char mark[UNIQUE_MARK_BYTES + 1];
    snprintf(mark, sizeof mark, "%016" PRIx64 "%016" PRIx64, user->seed,
             call->user_index << 24 | message->step);
    size_t len = (size_t)((int64_t)message->data.len + unique_growth(plan)), used = 0;
    uint64_t from = 0;
    char *bytes = malloc(len + plan->text_bytes);
    if (!bytes) {
        call->host->error(call, "no memory for %zu bytes of audio", len);
        return -1;
    }
    uint8_t *text = (uint8_t *)bytes + len;
    unique_fill(plan, mark, text);
    for (uint32_t i = 0; i <= plan->edit_count; i++) {
        const struct unique_edit *edit = i < plan->edit_count ? &plan->edits[i] : NULL;
        uint64_t to = edit ? edit->at : message->data.len;
        for (; from < to; from++)
            bytes[used++] = message->data.ptr[from];
        for (uint32_t k = 0; edit && k < edit->text_bytes; k++)
            bytes[used++] = (char)text[edit->text_at + k];
        from += edit ? edit->drop : 0;
    }
    int result = call->host->ws_replace(call, bytes, used);
    free(bytes);
    return result;
}

int plugin_on_ws_message(const reprise_call *call, const reprise_ws_message *message)
{
    const struct plugin_state *state = call->plugin;
    if (!message->is_outgoing || message->is_text || !(message->mark & MARK_STREAM) ||
        !message->data.ptr || message->data.len == 0)
        return REPRISE_CONTINUE;
    const struct stream_recorded *recorded =
        state->streams.item[(message->mark & ~MARK_STREAM) - 1];
    enum stream_kind kind = state->ws_is_pcm ? STREAM_SAMPLES : stream_kind(recorded);
    if (kind == STREAM_LEFT)
        return REPRISE_CONTINUE;
    struct playing *playing = find_playing(call, message->step, recorded);
    bool is_first = playing && playing->recorded_bytes == 0;
    if (!playing || (kind == STREAM_SAMPLES && replace_samples(call, message, recorded, playing)) ||
        (kind == STREAM_MARKED && is_first && mark_first(call, message, recorded))) {
        call->host->record(call, AUDIO_ERRORS, 1);
        return REPRISE_FAIL;
    }
    uint64_t due_us =
        playing->began_us + stream_duration_us(recorded, kind, playing->recorded_bytes);
    if (state->ws_is_paced && due_us > call->now_us)
        call->host->delay_us(call, due_us - call->now_us);
    playing->recorded_bytes += message->data.len;
    call->host->record(call, AUDIO_WS_BYTES, message->data.len);
    return REPRISE_CONTINUE;
}
