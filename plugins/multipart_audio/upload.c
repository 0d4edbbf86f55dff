/* upload.c - an upload as it is sent: its body. */
#include "upload.h"

#include "mime.h"
#include "wav.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_FIELD_BYTES = 300, /* of a field that follows from the audio */
    MAX_HEAD_EDITS = 4
};

/* In place of the `drop` bytes at `at` of a head. */
struct edit {
    size_t at, drop;
    char text[MAX_FIELD_BYTES];
};

/* The head of a part with audio, and what changes in it. */
struct head {
    size_t len;
    struct span file_name; /* as recorded, and then as sent */
    char new_name[MAX_FIELD_BYTES];
    size_t edit_count;
    struct edit edits[MAX_HEAD_EDITS];
    char text[MULTIPART_MAX_HEAD_BYTES];
};

struct making {
    struct upload *upload;
    const struct pieces *live;
    const struct upload_choice *choices;
    struct multipart multipart;
    struct head *heads[RECORDED_MAX_AUDIO];
};

bool upload_can_generate(const struct recorded_audio *audio)
{
    return (audio->audio.format == AUDIO_WAV || audio->audio.format == AUDIO_RAW) &&
           audio->audio.pcm.encoding != PCM_NONE;
}

/* --- the audio ---------------------------------------------------------------------------------
 */

static uint64_t samples_bytes(const struct upload_choice *choice, const struct recorded_audio *old)
{
    const struct audio *like = &old->audio;
    uint64_t frame = like->pcm.frame_bytes, bytes = like->data_bytes;
    uint64_t least = (uint64_t)PCM_STAMP_SAMPLES * frame; /* room for what makes it unique */
    if (choice->file_bytes && like->format == AUDIO_WAV)
        bytes = wav_data_bytes(like, choice->file_bytes);
    else if (choice->file_bytes)
        bytes = choice->file_bytes / frame * frame;
    else if (choice->duration_us)
        bytes = choice->duration_us * like->pcm.rate / 1000000 * frame;
    else if (like->format == AUDIO_WAV)
        bytes = bytes / frame * frame;
    if (like->format == AUDIO_WAV && bytes > WAV_MAX_DATA_BYTES)
        bytes = WAV_MAX_DATA_BYTES / frame * frame;
    return bytes < least ? least : bytes;
}

/* The plan by which bytes that are there become others; NULL: they go as they are. */
static const struct unique_plan *plan_of(const struct upload_choice *choice,
                                         const struct recorded_audio *old)
{
    const struct unique_plan *plan =
        choice->source == UPLOAD_FILE ? &choice->file->unique : &old->unique;
    const char *not_unique =
        choice->source == UPLOAD_FILE ? choice->file->not_unique : old->not_unique;
    return not_unique ? NULL : plan;
}

static uint64_t content_bytes(const struct upload_choice *choice, const struct recorded_audio *old)
{
    if (choice->source == UPLOAD_PCM) {
        uint64_t bytes = samples_bytes(choice, old);
        return bytes +
               (old->audio.format == AUDIO_WAV ? wav_overhead_bytes(&old->audio, bytes) : 0);
    }
    const struct unique_plan *plan = plan_of(choice, old);
    uint64_t bytes = choice->source == UPLOAD_FILE ? choice->file->file.bytes : old->content_bytes;
    return plan ? (uint64_t)((int64_t)bytes + unique_growth(plan)) : bytes;
}

static void write_mark(const struct upload_choice *choice, char mark[UNIQUE_MARK_BYTES + 1])
{
    snprintf(mark, UNIQUE_MARK_BYTES + 1, "%016" PRIx64 "%016" PRIx64, choice->id[0],
             choice->id[1]);
}

/* Audio that is there: in the request at hand, or in a file. */
struct sound {
    const struct pieces *live;
    const struct shared_file *file; /* NULL: in `live`, at `at` */
    uint64_t at, bytes;
};

/* Never copied, however short its pieces are. */
static void add_sound(struct rope *rope, const struct sound *sound, uint64_t from, uint64_t to)
{
    if (sound->file) {
        rope_add_file(rope, sound->file, from, to - from);
        return;
    }
    while (from < to) {
        struct span run = pieces_run(sound->live, sound->at + from, to - from);
        rope_add_memory(rope, run.ptr, run.len);
        from += run.len;
    }
}

static void add_marked(struct rope *rope, const struct sound *sound, const struct unique_plan *plan,
                       const char *mark)
{
    uint64_t from = 0;
    uint8_t *text = plan ? malloc(plan->text_bytes) : NULL;
    if (plan && !text) {
        rope->problem = "no memory";
        return;
    }
    if (plan)
        unique_fill(plan, mark, text);
    for (uint32_t i = 0; i <= (plan ? plan->edit_count : 0); i++) {
        const struct unique_edit *edit = plan && i < plan->edit_count ? &plan->edits[i] : NULL;
        uint64_t to = edit ? edit->at : sound->bytes;
        add_sound(rope, sound, from, to);
        from = to;
        if (edit) {
            rope_add_text(rope, text + edit->text_at, edit->text_bytes);
            from += edit->drop;
        }
    }
    free(text);
}

static struct rope *rope_of(const struct making *making, size_t i)
{
    return making->upload->inner ? &making->upload->inner[i] : &making->upload->rope;
}

static void add_samples(struct making *making, size_t i)
{
    const struct upload_choice *choice = &making->choices[i];
    const struct recorded_audio *old = &making->upload->recorded->audio[i];
    struct pcm_source *pcm = &making->upload->pcm[i];
    struct rope *rope = rope_of(making, i);
    uint8_t head[WAV_MAX_HEAD_BYTES];
    *pcm = (struct pcm_source){.format = old->audio.pcm,
                               .kind = choice->kind,
                               .seed = pcm_mix(choice->id[0], choice->id[1]),
                               .data_bytes = samples_bytes(choice, old),
                               .stamp = {choice->id[0], choice->id[1]},
                               .is_stamped = true};
    bool is_wav = old->audio.format == AUDIO_WAV;
    if (is_wav)
        rope_add_text(rope, head, wav_head(&old->audio, pcm->data_bytes, head));
    rope_add_pcm(rope, pcm);
    if (is_wav && (pcm->data_bytes & 1))
        rope_add_text(rope, "", 1);
}

/* In place of the recorded audio that lies at `at` of the request at hand; of JSON it is what was
 * decoded. */
static void add_audio(struct making *making, size_t i, uint64_t at, uint64_t bytes)
{
    const struct upload_choice *choice = &making->choices[i];
    const struct recorded_audio *old = &making->upload->recorded->audio[i];
    struct rope *rope = rope_of(making, i);
    char mark[UNIQUE_MARK_BYTES + 1];
    write_mark(choice, mark);
    making->upload->audio_at[i] = rope->total_bytes;
    if (choice->source == UPLOAD_PCM) {
        add_samples(making, i);
    } else if (choice->source == UPLOAD_FILE) {
        const struct shared_file *file = &choice->file->file;
        add_marked(rope, &(struct sound){.file = file, .bytes = file->bytes}, plan_of(choice, old),
                   mark);
    } else if (old->sound) {
        const struct span all = {old->sound, (size_t)old->content_bytes};
        struct pieces sound;
        pieces_init(&sound, &all, 1);
        add_marked(rope, &(struct sound){.live = &sound, .bytes = all.len}, plan_of(choice, old),
                   mark);
    } else if (bytes == old->content_bytes) {
        add_marked(rope, &(struct sound){.live = making->live, .at = at, .bytes = bytes},
                   plan_of(choice, old), mark);
    } else {
        rope->problem = "its audio is not the recorded one";
    }
    making->upload->audio_bytes[i] = rope->total_bytes - making->upload->audio_at[i];
}

/* --- what follows from it ----------------------------------------------------------------------
 */

static struct edit *add_edit(struct head *head, struct span old)
{
    struct edit *edit = &head->edits[head->edit_count++];
    edit->at = (size_t)(old.ptr - head->text);
    edit->drop = old.len;
    edit->text[0] = '\0';
    return edit;
}

/* note.wav: note-MARK.wav, or note-MARK.flac when the audio is another format now. */
static void rename_file(struct head *head, struct span name, const struct upload_choice *choice,
                        const char *extension)
{
    if (name.len == 0)
        return;
    size_t stem = mime_stem_bytes(name);
    struct edit *edit =
        add_edit(head, (struct span){name.ptr + stem, extension ? name.len - stem : 0});
    snprintf(edit->text, sizeof edit->text, "-%08x%" PRIx64 "%s%s", (uint32_t)choice->id[0],
             choice->id[1], extension ? "." : "", extension ? extension : "");
}

static bool is_number(struct span text, uint64_t value)
{
    char number[24];
    int len = snprintf(number, sizeof number, "%" PRIu64, value);
    return text.len == (size_t)len && memcmp(text.ptr, number, text.len) == 0;
}

static void read_head(struct making *making, size_t i, struct head *head)
{
    const struct upload_choice *choice = &making->choices[i];
    const struct recorded_audio *old = &making->upload->recorded->audio[i];
    const struct multipart_part *part = &making->multipart.parts[old->part];
    head->len = pieces_copy(making->live, part->head_at, head->text,
                            (size_t)(part->content_at - part->head_at));
    struct span text = {head->text, head->len};
    struct mime_file_name name = mime_file_name(mime_header(text, "Content-Disposition"));
    bool is_other = choice->source == UPLOAD_FILE && choice->file->format != old->audio.format;
    const char *extension = is_other ? audio_format_extension(choice->file->format) : NULL;
    head->file_name = name.plain;
    if (name.plain.len && name.plain.len < MAX_FIELD_BYTES - 64) {
        rename_file(head, name.plain, choice, extension);
        const struct edit *edit = &head->edits[0];
        size_t before = (size_t)(head->text + edit->at - name.plain.ptr);
        size_t behind = name.plain.len - before - edit->drop, len = strlen(edit->text);
        memcpy(head->new_name, name.plain.ptr, before);
        memcpy(head->new_name + before, edit->text, len);
        memcpy(head->new_name + before + len, name.plain.ptr + before + edit->drop, behind);
    }
    rename_file(head, name.extended, choice, extension);
    struct span type = mime_header(text, "Content-Type");
    if (is_other && type.len)
        snprintf(add_edit(head, type)->text, MAX_FIELD_BYTES, "%s",
                 audio_format_type(choice->file->format));
    struct span length = mime_header(text, "Content-Length");
    if (length.len && is_number(length, part->content_bytes))
        snprintf(add_edit(head, length)->text, MAX_FIELD_BYTES, "%" PRIu64,
                 content_bytes(choice, old));
}

static int by_place(const void *a, const void *b)
{
    size_t first = ((const struct edit *)a)->at, second = ((const struct edit *)b)->at;
    return (first > second) - (first < second);
}

static void add_head(struct rope *rope, struct head *head)
{
    size_t at = 0;
    qsort(head->edits, head->edit_count, sizeof head->edits[0], by_place);
    for (size_t i = 0; i < head->edit_count; i++) {
        const struct edit *edit = &head->edits[i];
        rope_add_text(rope, head->text + at, edit->at - at);
        rope_add_text(rope, edit->text, strlen(edit->text));
        at = edit->at + edit->drop;
    }
    rope_add_text(rope, head->text + at, head->len - at);
}

/* A field that is the size or the name of a recorded audio is that of the new one. */
static bool add_field(struct making *making, const struct multipart_part *part)
{
    char content[MAX_FIELD_BYTES], number[24];
    if (part->content_bytes == 0 || part->content_bytes >= sizeof content)
        return false;
    size_t len = pieces_copy(making->live, part->content_at, content, (size_t)part->content_bytes);
    for (size_t i = 0; i < making->upload->recorded->audio_count; i++) {
        const struct recorded_audio *old = &making->upload->recorded->audio[i];
        const struct head *head = making->heads[i];
        const char *text = NULL;
        if (len >= 3 && is_number((struct span){content, len}, old->content_bytes)) {
            snprintf(number, sizeof number, "%" PRIu64, content_bytes(&making->choices[i], old));
            text = number;
        } else if (head->new_name[0] && head->file_name.len == len &&
                   memcmp(head->file_name.ptr, content, len) == 0) {
            text = head->new_name;
        }
        if (text) {
            rope_add_text(&making->upload->rope, text, strlen(text));
            return true;
        }
    }
    return false;
}

/* --- the body ----------------------------------------------------------------------------------
 */

static const char *find_parts(struct making *making, struct span content_type)
{
    const struct recorded_upload *recorded = making->upload->recorded;
    struct multipart_boundary boundary;
    struct multipart_hint hints[RECORDED_MAX_AUDIO];
    for (size_t i = 0; i < recorded->audio_count; i++)
        hints[i] =
            (struct multipart_hint){recorded->audio[i].part, recorded->audio[i].content_bytes};
    const char *reason = multipart_boundary(content_type, &boundary);
    if (!reason)
        reason = multipart_parse(making->live, &boundary, hints, recorded->audio_count,
                                 &making->multipart);
    for (size_t i = 0; i < recorded->audio_count && !reason; i++) {
        if (recorded->audio[i].part >= making->multipart.part_count)
            return "it has fewer parts than were recorded";
        making->heads[i] = calloc(1, sizeof *making->heads[i]);
        if (!making->heads[i])
            return "no memory";
        read_head(making, i, making->heads[i]);
    }
    return reason;
}

static void add_parts(struct making *making)
{
    const struct recorded_upload *recorded = making->upload->recorded;
    struct rope *rope = &making->upload->rope;
    uint64_t at = 0;
    size_t audio = 0;
    for (size_t i = 0; i < making->multipart.part_count; i++) {
        const struct multipart_part *part = &making->multipart.parts[i];
        if (audio < recorded->audio_count && recorded->audio[audio].part == i) {
            upload_add_range(making->upload, making->live, at, part->head_at);
            add_head(rope, making->heads[audio]);
            add_audio(making, audio++, part->content_at, part->content_bytes);
            at = part->content_at + part->content_bytes;
            continue;
        }
        upload_add_range(making->upload, making->live, at, part->content_at);
        at = part->content_at;
        if (add_field(making, part))
            at += part->content_bytes;
    }
    upload_add_range(making->upload, making->live, at, making->live->total_bytes);
}

/* A number, or a string, that is the size of a recorded audio is that of the new one. */
static bool follow_size(struct making *making, const struct json_token *token, char number[24])
{
    char text[24];
    if (token->is_key || token->bytes < 3 || token->bytes >= sizeof text)
        return false;
    size_t len = pieces_copy(making->live, token->at, text, (size_t)token->bytes);
    for (size_t i = 0; i < making->upload->recorded->audio_count; i++) {
        const struct recorded_audio *old = &making->upload->recorded->audio[i];
        if (!is_number((struct span){text, len}, old->content_bytes))
            continue;
        snprintf(number, 24, "%" PRIu64, content_bytes(&making->choices[i], old));
        return true;
    }
    return false;
}

static const char *add_json(struct making *making)
{
    const struct recorded_upload *recorded = making->upload->recorded;
    const struct recorded_audio *old = recorded->audio, *end = old + recorded->audio_count;
    struct rope *rope = &making->upload->rope;
    struct json_reader reader;
    struct json_token token;
    char number[24];
    uint64_t at = 0;
    making->upload->inner = calloc(recorded->audio_count, sizeof *making->upload->inner);
    if (!making->upload->inner)
        return "no memory";
    json_begin(&reader, making->live);
    while (json_next(&reader, &token)) {
        bool is_audio = old < end && token.number == old->part;
        if (is_audio && (!token.is_string || token.bytes != old->text_bytes))
            return "its audio is not the recorded one";
        if (!is_audio && !follow_size(making, &token, number))
            continue;
        upload_add_range(making->upload, making->live, at,
                         token.at + (is_audio ? old->form.prefix_bytes : 0));
        at = token.at + token.bytes;
        if (!is_audio) {
            rope_add_text(rope, number, strlen(number));
            continue;
        }
        size_t i = (size_t)(old - recorded->audio);
        add_audio(making, i, 0, 0);
        rope_add_base64(rope, &making->upload->inner[i], &old->form);
        old++;
    }
    upload_add_range(making->upload, making->live, at, making->live->total_bytes);
    return old < end ? "its JSON has fewer strings than were recorded" : NULL;
}

const char *upload_make(const struct recorded_upload *recorded, const struct pieces *live,
                        struct span content_type, const struct upload_choice *choices,
                        struct upload *ret)
{
    *ret = (struct upload){.recorded = recorded};
    struct making *making = calloc(1, sizeof *making);
    ret->site_text = calloc(recorded->site_count + 1, sizeof *ret->site_text);
    const char *reason = making && ret->site_text ? NULL : "no memory";
    if (!reason) {
        making->upload = ret;
        making->live = live;
        making->choices = choices;
        if (recorded->kind == RECORDED_MULTIPART)
            reason = find_parts(making, content_type);
        else if (recorded->kind == RECORDED_JSON)
            reason = add_json(making);
        else
            add_audio(making, 0, 0, live->total_bytes);
    }
    if (!reason && recorded->kind == RECORDED_MULTIPART)
        add_parts(making);
    for (size_t i = 0; making && i < RECORDED_MAX_AUDIO; i++)
        free(making->heads[i]);
    free(making);
    return reason ? reason : ret->rope.problem;
}

void upload_fini(struct upload *upload)
{
    digests_free(upload->digests, NULL);
    rope_fini(&upload->rope);
    for (size_t i = 0; upload->inner && i < upload->recorded->audio_count; i++)
        rope_fini(&upload->inner[i]);
    free(upload->inner);
    free(upload->site_text);
    free(upload->old_text);
    *upload = (struct upload){0};
}
