/* send.c - a marked upload on its way: what it gets, its body while it is sent, what came of it. */
#include "plugin.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    MAX_PIECES = 65536,
    MAX_HEADER_BYTES = 8192,
    MAX_CHANGED_HEADERS = 16,
    /* Read for checksums in one callback: under a millisecond. */
    DIGEST_SLICE_BYTES = 128 * 1024,
    DIGEST_SLICES = 4900, /* twice that is below max_holds */
    MOST_DOUBLINGS = 20
};

static int fail(const reprise_call *call, uint32_t step, const char *reason)
{
    call->host->record(call, AUDIO_ERRORS, 1);
    call->host->error(call, "the upload of step %u: %s", step, reason);
    return REPRISE_FAIL;
}

/* 0 to 1, the same for the same user, step and question. */
static double draw(const struct user_state *user, uint32_t step, size_t audio, uint32_t question)
{
    uint64_t bits = pcm_mix(pcm_mix(user->seed, step), audio * 4 + question);
    return (double)(bits >> 11) * 0x1p-53;
}

/* Content that may be sent more than once: what is not remembered any more counts, too. */
static void count_duplicate(const reprise_call *call, uint64_t signature)
{
    struct plugin_state *state = call->plugin;
    enum seen_answer answer = seen_before(state->seen, signature);
    if (answer != SEEN_NEW)
        call->host->record(call, AUDIO_DUPLICATES, 1);
    if (answer == SEEN_FULL && !atomic_exchange(&state->has_told_full, true))
        call->host->log(call, REPRISE_WARNING,
                        "%d kinds of content that may be sent twice are remembered; from here on "
                        "each other one counts as a duplicate",
                        SEEN_MAX_KINDS);
}

/* One of the recorded format when the folder has such, else any. */
static const struct audio_file *draw_file(const struct plugin_state *state,
                                          enum audio_format format, double at)
{
    size_t alike = folder_count(&state->folder, format);
    size_t wanted = (size_t)(at * (double)(alike ? alike : state->folder.count));
    for (size_t i = 0; i < state->folder.count; i++)
        if ((!alike || state->folder.files[i].format == format) && wanted-- == 0)
            return &state->folder.files[i];
    return &state->folder.files[0];
}

/* What is the same for two uploads whose audio would be the same but for the id. */
static uint64_t signature_of(const struct plugin_state *state, const struct upload_choice *choice,
                             const struct recorded_audio *audio)
{
    if (choice->source == UPLOAD_FILE)
        return pcm_mix(1, (uint64_t)(choice->file - state->folder.files));
    if (choice->source == UPLOAD_RECORDED)
        return pcm_mix(2, audio->content_hash);
    uint64_t bytes = choice->file_bytes    ? choice->file_bytes
                     : choice->duration_us ? choice->duration_us
                                           : audio->audio.data_bytes;
    const struct pcm_format *format = &audio->audio.pcm;
    return pcm_mix(pcm_mix(pcm_mix(3, bytes), format->rate),
                   (uint64_t)format->encoding << 32 | format->channels);
}

static void choose(const reprise_call *call, const reprise_request *request, size_t i,
                   const struct recorded_upload *recorded, struct upload_choice *ret)
{
    struct plugin_state *state = call->plugin;
    const struct user_state *user = call->user;
    const struct recorded_audio *audio = &recorded->audio[i];
    *ret = (struct upload_choice){.source = plugin_source(state, recorded, audio),
                                  .kind = state->made};
    if (ret->source == UPLOAD_PCM) {
        ret->file_bytes = settings_draw(&state->size_weights, draw(user, request->step, i, 0));
        ret->duration_us = state->duration_us;
    } else if (ret->source == UPLOAD_FILE) {
        ret->file = draw_file(state, audio->audio.format, draw(user, request->step, i, 1));
    }
    const char *not_unique = ret->source == UPLOAD_FILE       ? ret->file->not_unique
                             : ret->source == UPLOAD_RECORDED ? audio->not_unique
                                                              : NULL;
    bool is_shared = draw(user, request->step, i, 2) < state->dup_share;
    uint64_t signature = signature_of(state, ret, audio);
    /* The second half is of this user, step and part alone; nobody has the highest number. */
    ret->id[0] =
        is_shared ? pcm_mix(state->shared_seed, signature) : pcm_mix(user->seed, request->step);
    ret->id[1] = is_shared ? UINT64_MAX : call->user_index << 24 | request->step << 3 | i;
    if (is_shared || not_unique)
        count_duplicate(call, signature);
}

/* The body at hand in one list of its pieces; freed by the caller. NULL, or why there is none. */
static const char *list_pieces(const reprise_call *call, const reprise_request *request,
                               struct span **ret, size_t *ret_count)
{
    size_t count = 0, capacity = 0;
    struct span *pieces = NULL;
    const char *reason = NULL;
    for (;; count++) {
        reprise_bytes piece = call->host->request_body_at(call, request, count);
        if (!piece.ptr)
            break;
        if (count == MAX_PIECES) {
            reason = "its body lies in more than 65536 pieces";
            break;
        }
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 16;
            struct span *grown = realloc(pieces, capacity * sizeof *grown);
            if (!grown) {
                reason = "no memory";
                break;
            }
            pieces = grown;
        }
        pieces[count] = plugin_span(piece);
    }
    *ret = pieces;
    *ret_count = count;
    return reason || count ? reason : "its body is empty";
}

static void free_pending(struct pending *pending)
{
    struct pending **link = pending->user ? &pending->user->pending : NULL;
    while (link && *link && *link != pending)
        link = &(*link)->next;
    if (link && *link)
        *link = pending->next;
    upload_fini(&pending->upload);
    free(pending->body);
    free(pending);
}

/* Of the body at hand, whose list is taken. `before`: the same upload, of a body that has become
 * this one. */
static struct pending *make(const reprise_call *call, const reprise_request *request,
                            const struct recorded_upload *recorded, const struct pieces *live,
                            const struct pending *before, const char **ret_reason)
{
    struct pending *pending = calloc(1, sizeof *pending);
    if (!pending) {
        free((void *)(uintptr_t)live->piece);
        *ret_reason = "no memory";
        return NULL;
    }
    pending->step = request->step;
    pending->body = (struct span *)(uintptr_t)live->piece;
    pending->body_count = live->count;
    pending->made_before = before ? before->made_before + 1 : 0;
    for (size_t i = 0; i < recorded->audio_count; i++)
        if (before)
            pending->choices[i] = before->choices[i];
        else
            choose(call, request, i, recorded, &pending->choices[i]);
    *ret_reason = upload_make(
        recorded, live, plugin_span(call->host->request_header(call, request, "Content-Type")),
        pending->choices, &pending->upload);
    if (!*ret_reason && before &&
        upload_replaces(&pending->upload, &before->upload, before->is_in_headers))
        *ret_reason = "no memory";
    if (!*ret_reason)
        return pending;
    free_pending(pending);
    return NULL;
}

/* Headers that carry checksums; found first, as setting one may move the others. */
static int set_headers(const reprise_call *call, reprise_request *request,
                       const struct upload *upload)
{
    char value[MAX_HEADER_BYTES];
    size_t changed[MAX_CHANGED_HEADERS], count = 0;
    reprise_bytes name, old;
    for (size_t i = 0; call->host->request_header_at(call, request, i, &name, &old); i++)
        if (count < MAX_CHANGED_HEADERS &&
            upload_header(upload, plugin_span(old), value, sizeof value))
            changed[count++] = i;
    for (size_t i = 0; i < count; i++) {
        char named[256];
        if (!call->host->request_header_at(call, request, changed[i], &name, &old) ||
            name.len >= sizeof named ||
            !upload_header(upload, plugin_span(old), value, sizeof value))
            continue;
        for (size_t k = 0; k <= name.len; k++)
            named[k] = name.ptr[k];
        if (call->host->set_header(call, request, named, value))
            return -1;
    }
    return 0;
}

static int64_t read_body(void *state, uint64_t offset, void *into, size_t max)
{
    struct pending *pending = state;
    size_t len = rope_read(&pending->upload.rope, offset, into, max);
    pending->read_upto = offset + len;
    if (len == 0 && !pending->has_failed && pending->user) { /* a retry finds it as it is */
        pending->has_failed = true;
        pending->user->uncounted_errors++;
    }
    return (int64_t)len;
}

static const char *say_reason(void *state)
{
    const struct pending *pending = state;
    return pending->upload.rope.problem;
}

static void release_body(void *state)
{
    free_pending(state);
}

/* The latest one of this step. NULL: the host has none. */
static struct pending *find_pending(const struct user_state *user, uint32_t step)
{
    struct pending *pending = user->pending;
    while (pending && pending->step != step)
        pending = pending->next;
    return pending;
}

/* It is the host's from here on, also after -1; one that was there before goes. */
static int give_body(const reprise_call *call, reprise_request *request, struct pending *pending)
{
    const struct plugin_state *state = call->plugin;
    struct user_state *user = call->user;
    pending->user = user;
    pending->next = user->pending;
    user->pending = pending;
    const reprise_body_source source = {.size = sizeof source,
                                        .body_bytes = pending->upload.rope.total_bytes,
                                        .read = read_body,
                                        .release = release_body,
                                        .state = pending,
                                        .bytes_per_s = state->bytes_per_s,
                                        .reason = say_reason};
    return call->host->set_body_source(call, request, &source);
}

/* Nothing has touched the body at hand since this was made of it. */
static bool is_untouched(const reprise_call *call, const reprise_request *request,
                         const struct pending *pending)
{
    for (size_t i = 0;; i++) {
        reprise_bytes piece = call->host->request_body_at(call, request, i);
        if (!piece.ptr || i == pending->body_count)
            return !piece.ptr && i == pending->body_count;
        if (piece.ptr != pending->body[i].ptr || piece.len != pending->body[i].len)
            return false;
    }
}

/* The upload of the body at hand: the host has it, as its checksums may take more than one
 * callback. NULL, and why, "" when the host has said it. */
static struct pending *have(const reprise_call *call, reprise_request *request,
                            const struct recorded_upload *recorded, const char **ret_reason)
{
    struct pending *before = find_pending(call->user, request->step);
    struct span *list = NULL;
    struct pieces live, old;
    size_t count = 0;
    if (before && !before->has_failed && is_untouched(call, request, before))
        return before;
    *ret_reason = list_pieces(call, request, &list, &count);
    if (*ret_reason) {
        free(list);
        return NULL;
    }
    pieces_init(&live, list, count);
    if (before && !before->has_failed) {
        pieces_init(&old, before->body, before->body_count);
        if (pieces_equal(&live, &old)) { /* and both stay until it is released */
            free(before->body);
            before->body = list;
            before->body_count = count;
            return before;
        }
    }
    struct pending *pending = make(call, request, recorded, &live, before, ret_reason);
    if (!pending || give_body(call, request, pending) == 0)
        return pending;
    *ret_reason = "";
    return NULL;
}

/* To be read in this callback; more each time, so that a body that keeps becoming another ends. */
static uint64_t slice_bytes(const struct pending *pending)
{
    uint32_t doublings =
        pending->made_before < MOST_DOUBLINGS ? pending->made_before : MOST_DOUBLINGS;
    uint64_t slice = (pending->upload.rope.total_bytes * 2 / DIGEST_SLICES) << doublings;
    return slice > DIGEST_SLICE_BYTES ? slice : DIGEST_SLICE_BYTES;
}

int plugin_on_request(const reprise_call *call, reprise_request *request)
{
    const struct plugin_state *state = call->plugin;
    const char *reason = "";
    if (request->step == REPRISE_ADDED || request->mark == 0 || request->mark & MARK_STREAM)
        return REPRISE_CONTINUE;
    const struct recorded_upload *recorded = state->uploads.item[request->mark - 1];
    if (recorded->problem[0])
        return fail(call, request->step, recorded->problem);
    struct pending *pending = have(call, request, recorded, &reason);
    if (!pending && reason[0])
        return fail(call, request->step, reason);
    if (pending)
        pending->read_upto = 0; /* a retry is read anew */
    if (pending && !upload_digest(&pending->upload, slice_bytes(pending))) {
        call->host->delay_us(call, 1);
        return REPRISE_HOLD; /* asked again at once, after others had their turn */
    }
    if (pending && pending->upload.rope.problem)
        return fail(call, request->step, pending->upload.rope.problem);
    if (!pending || set_headers(call, request, &pending->upload)) {
        call->host->record(call, AUDIO_ERRORS, 1);
        return REPRISE_FAIL;
    }
    pending->is_in_headers = true;
    return REPRISE_CONTINUE;
}

static void count_errors(const reprise_call *call)
{
    struct user_state *user = call->user;
    if (user->uncounted_errors)
        call->host->record(call, AUDIO_ERRORS, user->uncounted_errors);
    user->uncounted_errors = 0;
}

void plugin_forget_uploads(const reprise_call *call)
{
    struct user_state *user = call->user;
    count_errors(call);
    while (user->pending) {
        struct pending *pending = user->pending;
        user->pending = pending->next; /* the host releases it */
        pending->user = NULL;
    }
}

int plugin_on_response(const reprise_call *call, const reprise_response *response)
{
    const reprise_request *request = response->request;
    const reprise_host *host = call->host;
    count_errors(call);
    if (request->step == REPRISE_ADDED || request->mark == 0 || request->mark & MARK_STREAM ||
        response->status == 0)
        return REPRISE_CONTINUE;
    const struct pending *sent = find_pending(call->user, request->step);
    bool is_whole = !sent || sent->read_upto == request->body_bytes;
    host->record(call, AUDIO_UPLOADS, 1);
    host->record(call, AUDIO_UPLOAD_BYTES, sent ? sent->read_upto : request->body_bytes);
    if (!is_whole) /* answered before: nothing to be timed */
        return REPRISE_CONTINUE;
    if (response->sent_us)
        host->record(call, AUDIO_UPLOAD_RATE,
                     (uint64_t)((double)request->body_bytes * 1e6 / (double)response->sent_us));
    host->record(call, AUDIO_FIRST_BYTE,
                 response->first_byte_us > response->sent_us
                     ? response->first_byte_us - response->sent_us
                     : 0);
    return REPRISE_CONTINUE;
}
