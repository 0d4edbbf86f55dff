/* recorded.c - an upload as it was recorded. */
#include "recorded.h"

#include "mime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    const struct recorded_request *request;
    struct multipart *multipart; /* NULL: it is none */
    struct recorded_upload *upload;
};

static struct span slice(struct span whole, uint64_t at, uint64_t len)
{
    return (struct span){whole.ptr + at, (size_t)len};
}

static void say_problem(struct recorded_upload *upload, const char *what, struct span name,
                        const char *reason)
{
    if (!upload->problem[0])
        snprintf(upload->problem, sizeof upload->problem, "%s%.*s%s%s", what,
                 (int)(name.len > 60 ? 60 : name.len), name.ptr ? name.ptr : "",
                 name.len ? ": " : "", reason);
}

int recorded_add_audio(struct recorded_upload *upload, const struct recorded_audio *like,
                       struct span content, struct span type, struct span name)
{
    if (upload->audio_count == RECORDED_MAX_AUDIO) {
        say_problem(upload, "", (struct span){NULL, 0}, "it has more than 8 parts of audio");
        return 0;
    }
    struct recorded_audio *audio =
        realloc(upload->audio, (upload->audio_count + 1) * sizeof *audio);
    if (!audio)
        return -1;
    upload->audio = audio;
    audio += upload->audio_count++;
    *audio = *like;
    audio->content_bytes = content.len;
    const char *reason = content.ptr ? audio_recognise(content, type, &audio->audio)
                                     : "it is not a string in base64";
    if (reason)
        say_problem(upload, name.len ? "part " : "its body is no audio: ", name, reason);
    else
        audio->not_unique = unique_plan_make(content, audio->audio.format, &audio->unique);
    return 0;
}

/* What a part is called, what it says it is, and what it looks like. */
static bool is_audio_part(const struct recorded_request *request, struct span head,
                          struct span content, struct span *ret_name)
{
    char name[MIME_MAX_NAME_BYTES];
    struct span type = mime_header(head, "Content-Type");
    struct span disposition = mime_header(head, "Content-Disposition");
    struct mime_file_name file = mime_file_name(disposition);
    *ret_name = mime_param(disposition, "name");
    if (request->part[0]) {
        mime_unquote(*ret_name, name, sizeof name);
        return strcmp(name, request->part) == 0;
    }
    if (audio_type_is_audio(type) || audio_name_is_audio(file.plain) ||
        audio_name_is_audio(file.extended))
        return true;
    return file.plain.ptr && !mime_begins(type, "video/") && !mime_begins(type, "image/") &&
           !mime_begins(type, "text/") && audio_is_container(content);
}

static int read_parts(struct reading *reading)
{
    const struct recorded_request *request = reading->request;
    for (size_t i = 0; i < reading->multipart->part_count; i++) {
        const struct multipart_part *part = &reading->multipart->parts[i];
        struct span name;
        struct span head = slice(request->body, part->head_at, part->content_at - part->head_at);
        struct span content = slice(request->body, part->content_at, part->content_bytes);
        const struct recorded_audio like = {
            .part = i, .at = part->content_at, .text_bytes = part->content_bytes};
        if (is_audio_part(request, head, content, &name) &&
            recorded_add_audio(reading->upload, &like, content, mime_header(head, "Content-Type"),
                               name))
            return -1;
    }
    return 0;
}

/* A body that cannot be taken apart is ours to complain about when audio is in it. */
static bool looks_like_audio(const struct recorded_request *request)
{
    struct span body = request->body;
    return memmem(body.ptr, body.len, "audio/", 6) || memmem(body.ptr, body.len, "RIFF", 4) ||
           (request->part[0] && memmem(body.ptr, body.len, request->part, strlen(request->part)));
}

static int read_multipart(struct reading *reading)
{
    const struct recorded_request *request = reading->request;
    struct multipart_boundary boundary;
    struct pieces body;
    pieces_init(&body, &request->body, 1);
    const char *reason = multipart_boundary(request->content_type, &boundary);
    if (!reason)
        reason = multipart_parse(&body, &boundary, NULL, 0, reading->multipart);
    if (!reason)
        return read_parts(reading);
    if (looks_like_audio(request))
        say_problem(reading->upload, "its multipart body: ", (struct span){NULL, 0}, reason);
    return 0;
}

static bool has_text(struct span text, const struct digest_site *site)
{
    return text.len && memmem(text.ptr, text.len, site->text, site->len);
}

static bool is_in_header(const struct reading *reading, const struct digest_site *site)
{
    const struct recorded_request *request = reading->request;
    for (size_t i = 0; i < request->header_count; i++)
        if (has_text(request->headers[i].value, site))
            return true;
    return false;
}

/* And not in the audio; the body's own checksum can only be in a header. */
static bool is_in_body(const struct reading *reading, const struct digest_site *site)
{
    const struct recorded_request *request = reading->request;
    if (reading->upload->kind == RECORDED_WHOLE || site->subject == RECORDED_WHOLE_BODY)
        return false;
    uint64_t at = 0;
    for (size_t i = 0; i < reading->upload->audio_count; i++) {
        const struct recorded_audio *audio = &reading->upload->audio[i];
        if (has_text(slice(request->body, at, audio->at - at), site))
            return true;
        at = audio->at + audio->text_bytes;
    }
    return has_text(slice(request->body, at, request->body.len - at), site);
}

static int find_sites(struct reading *reading, uint8_t subject, struct span bytes)
{
    struct recorded_upload *upload = reading->upload;
    struct digests *digests = digests_new((1U << DIGEST_KINDS) - 1);
    struct digest_values values;
    if (!digests)
        return -1;
    digests_add(digests, bytes.ptr, bytes.len);
    digests_free(digests, &values);
    if (subject != RECORDED_WHOLE_BODY)
        memcpy(&upload->audio[subject].content_hash, values.raw[DIGEST_SHA256], sizeof(uint64_t));
    for (uint8_t kind = 0; kind < DIGEST_KINDS; kind++)
        for (uint8_t form = 0; form < DIGEST_FORMS; form++) {
            struct digest_site site = {.subject = subject, .kind = kind, .form = form};
            site.len = (uint8_t)digest_text(&values, kind, form, site.text);
            if (upload->site_count == RECORDED_MAX_SITES)
                continue;
            site.is_in_body = is_in_body(reading, &site);
            if (!site.is_in_body && !is_in_header(reading, &site))
                continue;
            struct digest_site *grown =
                realloc(upload->sites, (upload->site_count + 1) * sizeof *grown);
            if (!grown)
                return -1;
            upload->sites = grown;
            grown[upload->site_count++] = site;
        }
    return 0;
}

static int find_all_sites(struct reading *reading)
{
    const struct recorded_upload *upload = reading->upload;
    struct span body = reading->request->body;
    for (size_t i = 0; i < upload->audio_count; i++) {
        const struct recorded_audio *audio = &upload->audio[i];
        struct span content = slice(body, audio->at, audio->text_bytes);
        if (audio->sound)
            content = (struct span){audio->sound, (size_t)audio->content_bytes};
        if (find_sites(reading, (uint8_t)i, content))
            return -1;
    }
    return upload->kind == RECORDED_WHOLE ? 0 : find_sites(reading, RECORDED_WHOLE_BODY, body);
}

static int read_whole(struct reading *reading)
{
    const struct recorded_request *request = reading->request;
    const struct recorded_audio like = {.text_bytes = request->body.len};
    return recorded_add_audio(reading->upload, &like, request->body, request->content_type,
                              (struct span){NULL, 0});
}

/* False: it is none of those that may have audio in them. */
static bool kind_of(const struct recorded_request *request, enum recorded_kind *ret)
{
    bool is_multipart = mime_begins(request->content_type, "multipart/");
    bool is_json = recorded_is_json(request);
    *ret = is_multipart ? RECORDED_MULTIPART : is_json ? RECORDED_JSON : RECORDED_WHOLE;
    return request->body.len &&
           (is_multipart || is_json || audio_type_is_audio(request->content_type));
}

int recorded_upload_new(const struct recorded_request *request, struct recorded_upload **ret)
{
    enum recorded_kind kind;
    int result = -1;
    *ret = NULL;
    if (!kind_of(request, &kind))
        return 0;
    struct reading reading = {.request = request};
    reading.upload = calloc(1, sizeof *reading.upload);
    reading.multipart = kind == RECORDED_MULTIPART ? malloc(sizeof *reading.multipart) : NULL;
    if (!reading.upload || (kind == RECORDED_MULTIPART && !reading.multipart))
        goto out;
    reading.upload->kind = kind;
    result = kind == RECORDED_MULTIPART ? read_multipart(&reading)
             : kind == RECORDED_JSON    ? recorded_read_json(request, reading.upload)
                                        : read_whole(&reading);
    if (result)
        goto out;
    if (reading.upload->audio_count == 0 && !reading.upload->problem[0])
        goto out;
    if (!reading.upload->problem[0])
        result = find_all_sites(&reading);
    if (result == 0) {
        *ret = reading.upload;
        reading.upload = NULL;
    }
out:
    free(reading.multipart);
    recorded_upload_free(reading.upload);
    return result;
}

void recorded_upload_free(struct recorded_upload *upload)
{
    if (!upload)
        return;
    for (size_t i = 0; i < upload->audio_count; i++) {
        unique_fini(&upload->audio[i].unique);
        free(upload->audio[i].sound);
    }
    free(upload->audio);
    free(upload->sites);
    free(upload);
}
