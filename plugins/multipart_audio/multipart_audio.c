/*
 * multipart_audio.c - makes each upload of audio a new, valid file.
 *
 *     --plugin multipart_audio
 *     --plugin multipart_audio:sizes=50KB=26,200KB=53,500KB=16,2MB=5,rate=1mbit
 *     --plugin multipart_audio:source=./recordings,dup=10%
 *
 * docs/plugins/multipart_audio.md says what it does to which format. The files here that know of
 * the host are this one, find.c (before the run), send.c (uploads) and play.c (WebSockets); the
 * others are functions of bytes.
 */
#include "plugin.h"

#include "../common/duration.h"
#include "wav.h"

#include <stdlib.h>
#include <string.h>

static int refuse(const reprise_call *call, const char *problem)
{
    call->host->error(call, "%s", problem);
    return REPRISE_FAIL;
}

/* The options that say where audio comes from must go together. */
static int read_source(const reprise_call *call, struct plugin_state *state)
{
    char problem[FOLDER_MAX_PROBLEM_BYTES];
    const char *folder = state->files;
    if (!folder[0] && state->source[0] && strcmp(state->source, "generate") != 0 &&
        strcmp(state->source, "recorded") != 0)
        folder = state->source;
    if (state->files[0] && state->source[0])
        return refuse(call, "files: and source: give one of them");
    state->mode = folder[0]                                ? UPLOAD_FILE
                  : strcmp(state->source, "recorded") == 0 ? UPLOAD_RECORDED
                                                           : UPLOAD_PCM;
    if (state->mode != UPLOAD_PCM && (state->size_weights.count || state->duration_us))
        return refuse(call, "sizes and duration are for generated audio: leave source and files");
    if (state->size_weights.count && state->duration_us)
        return refuse(call, "sizes and duration: give one of them");
    for (size_t i = 0; i < state->size_weights.count; i++)
        if (state->size_weights.size[i].bytes > WAV_MAX_DATA_BYTES)
            return refuse(call, "sizes: a WAV file cannot be longer than 4 GiB");
    if (folder[0] && folder_open(folder, &state->folder, problem))
        return refuse(call, problem);
    if (state->folder.passed_over)
        call->host->log(call, REPRISE_WARNING, "%s: %zu files are no audio and are left out, as %s",
                        folder, state->folder.passed_over, state->folder.example);
    if (state->folder.cut_short)
        call->host->log(call, REPRISE_WARNING,
                        "%s: %zu files are cut short (they say that they are longer) and are left "
                        "out, as %s",
                        folder, state->folder.cut_short, state->folder.cut_example);
    return REPRISE_CONTINUE;
}

static int read_ws(const reprise_call *call, struct plugin_state *state)
{
    state->ws_is_pcm = strcmp(state->ws, "pcm16") == 0;
    state->ws_is_on = state->ws_is_pcm || strcmp(state->ws, "auto") == 0;
    state->ws_is_paced = strcmp(state->ws_pace, "audio") == 0;
    if (!state->ws_is_on && strcmp(state->ws, "off") != 0)
        return refuse(call, "ws: it is auto, pcm16 or off");
    if (!state->ws_is_paced && strcmp(state->ws_pace, "recorded") != 0)
        return refuse(call, "ws_pace: it is audio or recorded");
    return REPRISE_CONTINUE;
}

static int start(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    char problem[SETTINGS_MAX_PROBLEM_BYTES];
    if (settings_sizes(state->sizes, &state->size_weights, problem) ||
        settings_share(state->dup, &state->dup_share, problem) ||
        settings_rate(state->rate, &state->bytes_per_s, problem) ||
        settings_kind(state->kind, &state->made, problem))
        return refuse(call, problem);
    if (state->duration[0] && !duration_read_us(state->duration, &state->duration_us))
        return refuse(call, "duration: a time longer than 0, like 30s; as recorded without it");
    state->seen = seen_new();
    if (!state->seen)
        return refuse(call, "no memory");
    state->shared_seed = call->host->random(call);
    int verdict = read_ws(call, state);
    return verdict == REPRISE_CONTINUE ? read_source(call, state) : verdict;
}

static void stop(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    for (size_t i = 0; i < state->uploads.count; i++)
        recorded_upload_free(state->uploads.item[i]);
    for (size_t i = 0; i < state->streams.count; i++) {
        stream_fini(state->streams.item[i]);
        free(state->streams.item[i]);
    }
    free(state->uploads.item);
    free(state->streams.item);
    folder_close(&state->folder);
    seen_free(state->seen);
}

static int on_session_start(const reprise_call *call)
{
    struct user_state *user = call->user;
    user->seed = call->host->random(call);
    return REPRISE_CONTINUE;
}

static void on_session_end(const reprise_call *call)
{
    struct user_state *user = call->user;
    plugin_forget_uploads(call);
    while (user->playing) {
        struct playing *playing = user->playing;
        user->playing = playing->next;
        free(playing);
    }
}

#define OWNER struct plugin_state

static const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_STRING, OWNER, source, "",
                   "generate (without it, too), recorded (the same sound, marked), or a folder of "
                   "audio files"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, files, "", "a folder of audio files"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, kind, "noise",
                   "what is generated: tone, noise (shaped like speech) or silence"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, sizes, "",
                   "sizes of generated files by weight, 50KB=26,200KB=74; as recorded without it"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, duration, "",
                   "how long generated audio is: 30s, 1m30s; as recorded without it"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, dup, "0%", "share of uploads that repeat content"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, rate, "",
                   "pace of an upload: 1mbit, 64KB (a second); as fast as it goes without it"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, part, "",
                   "name of the part, or JSON member, that is audio; found by type, name and "
                   "content without it"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, ws, "auto",
                   "binary audio in WebSockets: auto, pcm16 (all of it is), off (leave it)"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, ws_pace, "audio",
                   "when it is sent: audio (no faster than it sounds), recorded (as --speed says)"),
    REPRISE_OPTIONS_END,
};

static const reprise_metric metrics[] = {
    [AUDIO_UPLOADS] = {"audio_uploads", "", "uploads that were answered", REPRISE_COUNTER, 0},
    [AUDIO_UPLOAD_BYTES] = {"audio_upload_bytes", "bytes", "their bodies", REPRISE_COUNTER, 0},
    [AUDIO_UPLOAD_RATE] = {"audio_upload_rate", "bytes/s",
                           "a second, of each upload from when it was due to its last byte sent",
                           REPRISE_HISTOGRAM, 0},
    [AUDIO_FIRST_BYTE] = {"audio_first_byte", "us",
                          "from an upload's last byte sent to the answer's first",
                          REPRISE_HISTOGRAM, 0},
    [AUDIO_DUPLICATES] = {"audio_duplicates", "", "files sent whose content was sent before",
                          REPRISE_COUNTER, 0},
    [AUDIO_ERRORS] = {"audio_errors", "", "uploads and messages that could not be made",
                      REPRISE_COUNTER, 0},
    [AUDIO_WS_BYTES] = {"audio_ws_bytes", "bytes", "audio sent in WebSocket messages",
                        REPRISE_COUNTER, 0},
    REPRISE_METRICS_END,
};

static const reprise_plugin plugin = {
    REPRISE_PLUGIN_HEADER,
    .name = "multipart_audio",
    .version = "1.0",
    .summary = "makes each upload of audio a new, valid file",
    .flags = REPRISE_MARKED_ONLY | REPRISE_NO_REQUEST_BODY,
    .threads = REPRISE_PARALLEL, /* the table of what was sent before has a lock */
    .max_holds = 10000,
    .plugin_size = sizeof(struct plugin_state),
    .user_size = sizeof(struct user_state),
    .options = options,
    .metrics = metrics,
    .start = start,
    .stop = stop,
    .on_recorded = plugin_on_recorded,
    .on_recording_end = plugin_on_recording_end,
    .on_session_start = on_session_start,
    .on_request = plugin_on_request,
    .on_response = plugin_on_response,
    .on_ws_message = plugin_on_ws_message,
    .on_session_end = on_session_end,
};

REPRISE_REGISTER(plugin);
