/* recorded_json.c - audio in the strings of a recorded JSON body, in base64. */
#include "recorded.h"

#include "mime.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* No file of audio is told by fewer bytes of its front. */
enum { FRONT_BYTES = 12 };

bool recorded_is_json(const struct recorded_request *request)
{
    static const char suffix[] = "+json";
    struct span type = mime_type(request->content_type);
    size_t len = sizeof suffix - 1;
    return mime_is(type, "application/json") || mime_is(type, "text/json") ||
           (type.len > len && mime_is((struct span){type.ptr + type.len - len, len}, suffix));
}

/* Of most strings a few bytes tell that they are none. */
static bool may_be_audio(const char *front, size_t len)
{
    return len == FRONT_BYTES &&
           (memcmp(front, "RIFF", 4) == 0 || memcmp(front, "fLaC", 4) == 0 ||
            memcmp(front, "OggS", 4) == 0 || memcmp(front, "ID3", 3) == 0 ||
            memcmp(front, "\x1a\x45\xdf\xa3", 4) == 0 || memcmp(front + 4, "ftyp", 4) == 0 ||
            ((unsigned char)front[0] == 0xff && ((unsigned char)front[1] & 0xe0) == 0xe0));
}

static bool mentions_audio(struct span key)
{
    for (size_t i = 0; i + 5 <= key.len; i++)
        if (mime_begins((struct span){key.ptr + i, key.len - i}, "audio"))
            return true;
    return false;
}

/* As written, or with its slashes escaped, as some writers of JSON do. */
static bool begins(struct span text, const char *prefix)
{
    size_t at = 0;
    for (; *prefix; prefix++, at++) {
        if (*prefix == '/' && at < text.len && text.ptr[at] == '\\')
            at++;
        if (at >= text.len || tolower((unsigned char)text.ptr[at]) != *prefix)
            return false;
    }
    return true;
}

/* WebM and MP4 may be pictures and films as well: there somebody must have said that it is audio.
 */
static bool is_audio(struct span text, struct span content, struct span key)
{
    bool is_url = begins(text, "data:");
    if (is_url && !begins(text, "data:audio/") && !begins(text, "data:application/"))
        return false;
    switch (audio_container(content)) {
    case AUDIO_RAW:
        return false;
    case AUDIO_MP4:
    case AUDIO_WEBM:
        return begins(text, "data:audio/") || mentions_audio(key);
    default:
        return true;
    }
}

static int add_string(struct recorded_upload *upload, const struct json_token *token,
                      const struct json_base64 *form, struct span content, struct span key)
{
    const struct recorded_audio like = {.part = token->number,
                                        .at = token->at,
                                        .text_bytes = token->bytes,
                                        .form = *form,
                                        .sound = (char *)(uintptr_t)content.ptr};
    size_t before = upload->audio_count;
    int result = recorded_add_audio(upload, &like, content, (struct span){NULL, 0}, key);
    if (upload->audio_count == before)
        free(like.sound);
    return result;
}

static int try_string(const struct recorded_request *request, struct recorded_upload *upload,
                      const struct json_token *token, struct span key)
{
    struct span text = {request->body.ptr + token->at, (size_t)token->bytes};
    bool is_named = request->part[0] && mime_is(key, request->part);
    struct json_base64 form = {0};
    if (request->part[0] ? !is_named : !token->is_string)
        return 0;
    if (!is_named) {
        struct span front = {NULL, 0};
        if (text.len >= RECORDED_MIN_JSON_BYTES)
            front = json_decode_base64(text, FRONT_BYTES, &form);
        bool may_be = front.ptr && may_be_audio(front.ptr, front.len);
        free((void *)(uintptr_t)front.ptr);
        if (!may_be)
            return 0;
    }
    struct span content = {NULL, 0};
    if (token->is_string)
        content = json_decode_base64(text, SIZE_MAX, &form);
    if (!is_named && !(content.ptr && is_audio(text, content, key))) {
        free((void *)(uintptr_t)content.ptr);
        return 0;
    }
    return add_string(upload, token, &form, content, key);
}

int recorded_read_json(const struct recorded_request *request, struct recorded_upload *upload)
{
    struct json_reader reader;
    struct json_token token;
    struct pieces body;
    struct span key = {NULL, 0};
    pieces_init(&body, &request->body, 1);
    json_begin(&reader, &body);
    while (json_next(&reader, &token)) {
        if (token.is_key)
            key = (struct span){request->body.ptr + token.at, (size_t)token.bytes};
        else if (token.bytes && try_string(request, upload, &token, key))
            return -1;
    }
    return 0;
}
