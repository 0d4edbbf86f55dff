/* find.c - the uploads and streams of the trace: each is read once, before the run, and marked. */
#include "plugin.h"

#include "mime.h"
#include "wav.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADERS = 256 };

/* The next place, from 1; 0: no memory or too many. */
static uint32_t append(struct list *list, void *entry)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        void **grown =
            capacity > MAX_RECORDED ? NULL : realloc(list->item, capacity * sizeof *grown);
        if (!grown)
            return 0;
        list->item = grown;
        list->capacity = capacity;
    }
    list->item[list->count++] = entry;
    return (uint32_t)list->count;
}

static int no_room(const reprise_call *call)
{
    call->host->error(call, "no memory for the uploads of the trace");
    return REPRISE_FAIL;
}

enum upload_source plugin_source(const struct plugin_state *state,
                                 const struct recorded_upload *recorded,
                                 const struct recorded_audio *audio)
{
    if (state->mode == UPLOAD_PCM && !upload_can_generate(audio))
        return UPLOAD_RECORDED;
    /* What JSON says of a format elsewhere is not known: it stays true. */
    if (state->mode == UPLOAD_FILE && recorded->kind == RECORDED_JSON &&
        !folder_count(&state->folder, audio->audio.format))
        return UPLOAD_RECORDED;
    return state->mode;
}

/* Decoded sounds that will be sent again stay, as long as there is room. */
static void keep_sounds(struct plugin_state *state, struct recorded_upload *upload)
{
    static const char no_room[] = "more than 1 GiB of recorded audio in base64 would be kept";
    for (size_t i = 0; i < upload->audio_count; i++) {
        struct recorded_audio *audio = &upload->audio[i];
        bool is_wanted = audio->sound && !upload->problem[0] &&
                         plugin_source(state, upload, audio) == UPLOAD_RECORDED;
        if (is_wanted && state->kept_bytes + audio->content_bytes <= MAX_KEPT_BYTES) {
            state->kept_bytes += audio->content_bytes;
            continue;
        }
        free(audio->sound);
        audio->sound = NULL;
        if (is_wanted)
            snprintf(upload->problem, sizeof upload->problem, "%s", no_room);
    }
}

static int find_upload(const reprise_call *call, const reprise_recorded *recorded)
{
    struct plugin_state *state = call->plugin;
    struct recorded_header headers[MAX_HEADERS];
    struct recorded_request request = {
        .body = plugin_span(recorded->request_body), .headers = headers, .part = state->part};
    bool is_coded = false;
    for (size_t i = 0; i < recorded->request_header_count && i < MAX_HEADERS; i++) {
        struct recorded_header *header = &headers[request.header_count++];
        header->name = plugin_span(recorded->request_headers[i].name);
        header->value = plugin_span(recorded->request_headers[i].value);
        if (mime_is(header->name, "Content-Type"))
            request.content_type = header->value;
        is_coded = is_coded || (mime_is(header->name, "Content-Encoding") &&
                                !mime_is(header->value, "identity"));
    }
    struct recorded_upload *upload;
    if (recorded_upload_new(&request, &upload))
        return no_room(call);
    if (!upload)
        return REPRISE_CONTINUE;
    if (is_coded) {
        state->coded_count++;
        recorded_upload_free(upload);
        return REPRISE_CONTINUE;
    }
    keep_sounds(state, upload);
    uint32_t mark = append(&state->uploads, upload);
    if (!mark) {
        recorded_upload_free(upload);
        return no_room(call);
    }
    return call->host->mark(call, recorded->step, mark) ? REPRISE_FAIL : REPRISE_CONTINUE;
}

static struct open_stream *find_open(struct plugin_state *state, uint64_t session_id, uint32_t step)
{
    for (size_t i = 0; i < OPEN_STREAMS; i++)
        if (state->open[i].session_id == session_id + 1 && state->open[i].step == step)
            return &state->open[i];
    return NULL;
}

/* The oldest makes room: no client has so many at a time. */
static void open_stream(const reprise_call *call, const reprise_recorded *recorded)
{
    struct plugin_state *state = call->plugin;
    struct span url = plugin_span(recorded->url);
    state->open[state->next_open] =
        (struct open_stream){call->session_id + 1, recorded->step, stream_rate_in(url), NULL};
    state->next_open = (state->next_open + 1) % OPEN_STREAMS;
}

static int hear(const reprise_call *call, const reprise_recorded *recorded)
{
    struct plugin_state *state = call->plugin;
    struct open_stream *open = find_open(state, call->session_id, recorded->step);
    struct span message = plugin_span(recorded->request_body);
    if (!open || !message.len)
        return REPRISE_CONTINUE;
    if (recorded->is_text) {
        uint32_t rate = stream_rate_in(message);
        open->rate = rate ? rate : open->rate;
        return REPRISE_CONTINUE;
    }
    if (!open->stream) {
        struct stream_recorded *stream = calloc(1, sizeof *stream);
        uint32_t mark = stream ? append(&state->streams, stream) : 0;
        if (!mark) {
            free(stream);
            return no_room(call);
        }
        open->stream = stream;
        stream->rate = open->rate;
        if (call->host->mark(call, recorded->step, mark | MARK_STREAM))
            return REPRISE_FAIL;
    }
    stream_learn(open->stream, recorded->began_us, message);
    return REPRISE_CONTINUE;
}

int plugin_on_recorded(const reprise_call *call, const reprise_recorded *recorded)
{
    struct plugin_state *state = call->plugin;
    if (recorded->kind == REPRISE_RECORDED_EXCHANGE)
        return recorded->request_body.len ? find_upload(call, recorded) : REPRISE_CONTINUE;
    if (!state->ws_is_on)
        return REPRISE_CONTINUE;
    if (recorded->kind == REPRISE_RECORDED_WS_CONNECT)
        open_stream(call, recorded);
    else if (recorded->kind == REPRISE_RECORDED_MESSAGE_SENT)
        return hear(call, recorded);
    return REPRISE_CONTINUE;
}

/* "3 WAV, 1 MP3" */
static void list_formats(const struct plugin_state *state, char *into, size_t size)
{
    size_t counts[AUDIO_FORMATS] = {0}, used = 0;
    for (size_t i = 0; i < state->uploads.count; i++) {
        const struct recorded_upload *upload = state->uploads.item[i];
        for (size_t k = 0; k < upload->audio_count && !upload->problem[0]; k++)
            counts[upload->audio[k].audio.format]++;
    }
    into[0] = '\0';
    for (size_t i = 0; i < AUDIO_FORMATS && used + 32 < size; i++)
        if (counts[i])
            used += (size_t)snprintf(into + used, size - used, "%s%zu %s", used ? ", " : "",
                                     counts[i], audio_format_name((enum audio_format)i));
}

/* What does not become what the options ask for, and why: one line each. */
static void tell_exceptions(const reprise_call *call)
{
    const struct plugin_state *state = call->plugin;
    const char *problem = NULL, *not_unique = NULL;
    size_t problems = 0, kept = 0, copies = 0;
    for (size_t i = 0; i < state->uploads.count; i++) {
        const struct recorded_upload *upload = state->uploads.item[i];
        if (upload->problem[0]) {
            problem = problem ? problem : upload->problem;
            problems++;
            continue;
        }
        for (size_t k = 0; k < upload->audio_count; k++) {
            const struct recorded_audio *audio = &upload->audio[k];
            bool is_kept = plugin_source(state, upload, audio) == UPLOAD_RECORDED;
            kept += is_kept && state->mode == UPLOAD_PCM;
            if (is_kept && audio->not_unique) {
                not_unique = audio->not_unique;
                copies++;
            }
        }
    }
    if (problems)
        call->host->log(call, REPRISE_WARNING, "%zu uploads cannot be made anew, as: %s", problems,
                        problem);
    if (kept)
        call->host->log(call, REPRISE_INFO,
                        "%zu recorded files cannot be generated (WAV of integers, floats or G.711 "
                        "can): they keep their sound and get metadata of their own",
                        kept);
    if (copies)
        call->host->log(call, REPRISE_WARNING, "%zu recorded files are sent as they are, as: %s",
                        copies, not_unique);
    for (size_t i = 0; i < state->folder.count; i++)
        if (state->folder.files[i].not_unique)
            call->host->log(call, REPRISE_WARNING, "%s is sent as it is, as: %s",
                            state->folder.files[i].file.name, state->folder.files[i].not_unique);
    if (state->coded_count)
        call->host->log(call, REPRISE_WARNING,
                        "%zu uploads have a Content-Encoding and are sent as recorded",
                        state->coded_count);
}

/* `problem` is set when what sizes= or duration= say cannot be made of samples like these. */
static void check_length(const struct plugin_state *state, const struct audio *like, char *problem,
                         size_t size)
{
    const double frame = like->pcm.frame_bytes, rate = like->pcm.rate;
    uint64_t least = (uint64_t)PCM_STAMP_SAMPLES * like->pcm.frame_bytes;
    double seconds = (double)state->duration_us / 1e6;
    if (state->duration_us && seconds * rate * frame > (double)WAV_MAX_DATA_BYTES)
        snprintf(problem, size,
                 "duration: '%.60s': a WAV file cannot be longer than 4 GiB, which is %" PRIu64
                 " s of the recorded kind",
                 state->duration, (uint64_t)((double)WAV_MAX_DATA_BYTES / frame / rate));
    if (state->duration_us && seconds * rate < PCM_STAMP_SAMPLES)
        snprintf(
            problem, size,
            "duration: '%.60s': generated audio has %d samples at least, which are %u ms of the "
            "recorded kind",
            state->duration, PCM_STAMP_SAMPLES,
            (PCM_STAMP_SAMPLES * 1000U + like->pcm.rate - 1) / like->pcm.rate);
    least += like->format == AUDIO_WAV ? wav_overhead_bytes(like, least) : 0;
    for (size_t i = 0; i < state->size_weights.count; i++)
        if (state->size_weights.size[i].bytes < least)
            snprintf(problem, size,
                     "sizes: %" PRIu64 "B: generated audio has %d samples at least, which are a "
                     "file of %" PRIu64 "B of the recorded kind (%s)",
                     state->size_weights.size[i].bytes, PCM_STAMP_SAMPLES, least,
                     audio_format_name(like->format));
}

/* Of every recorded sound that is to be generated. */
static int check_lengths(const reprise_call *call)
{
    const struct plugin_state *state = call->plugin;
    char problem[200] = "";
    for (size_t i = 0; i < state->uploads.count; i++) {
        const struct recorded_upload *upload = state->uploads.item[i];
        for (size_t k = 0; k < upload->audio_count && !upload->problem[0]; k++)
            if (plugin_source(state, upload, &upload->audio[k]) == UPLOAD_PCM)
                check_length(state, &upload->audio[k].audio, problem, sizeof problem);
        if (problem[0]) {
            call->host->error(call, "%s", problem);
            return REPRISE_FAIL;
        }
    }
    return REPRISE_CONTINUE;
}

int plugin_on_recording_end(const reprise_call *call)
{
    const struct plugin_state *state = call->plugin;
    if (check_lengths(call) != REPRISE_CONTINUE)
        return REPRISE_FAIL;
    char formats[200];
    size_t streams = 0, with_names = 0;
    for (size_t i = 0; i < state->uploads.count; i++) {
        const struct recorded_upload *upload = state->uploads.item[i];
        with_names += upload->kind != RECORDED_WHOLE;
    }
    for (size_t i = 0; i < state->streams.count; i++)
        streams += state->ws_is_pcm || stream_kind(state->streams.item[i]) != STREAM_LEFT;
    list_formats(state, formats, sizeof formats);
    if (state->part[0] && !with_names)
        call->host->log(call, REPRISE_WARNING, "no upload of the trace has a part=%s", state->part);
    else if (state->uploads.count + streams == 0)
        call->host->log(call, REPRISE_WARNING,
                        "no upload of audio in the trace; part=NAME says which part is one");
    if (state->uploads.count + streams)
        call->host->log(call, REPRISE_INFO,
                        "%zu uploads in the trace (%s), %zu WebSockets with audio; new audio: %s",
                        state->uploads.count, formats[0] ? formats : "none usable", streams,
                        state->mode == UPLOAD_PCM    ? state->kind
                        : state->mode == UPLOAD_FILE ? "files of the folder"
                                                     : "as recorded, marked");
    if (state->ws_is_pcm && !state->streams.count)
        call->host->log(call, REPRISE_WARNING,
                        "ws=pcm16: no WebSocket of the trace has sent anything binary");
    tell_exceptions(call);
    return REPRISE_CONTINUE;
}
