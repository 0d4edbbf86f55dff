/* upload_digest.c - the checksums of an upload, computed by reading its body once, in slices, so
 * that a callback stays short whatever the size. */
#include "upload.h"

#include <string.h>

static uint8_t subject_of(const struct upload *upload)
{
    return upload->subject < upload->recorded->audio_count ? (uint8_t)upload->subject
                                                           : RECORDED_WHOLE_BODY;
}

static uint32_t kinds_of(const struct upload *upload)
{
    uint32_t kinds = 0;
    for (size_t i = 0; i < upload->recorded->site_count; i++)
        if (upload->recorded->sites[i].subject == subject_of(upload))
            kinds |= 1U << upload->recorded->sites[i].kind;
    return kinds;
}

static void finish_subject(struct upload *upload)
{
    struct digest_values values;
    digests_free(upload->digests, &values);
    upload->digests = NULL;
    for (size_t i = 0; i < upload->recorded->site_count; i++) {
        const struct digest_site *site = &upload->recorded->sites[i];
        if (site->subject != subject_of(upload))
            continue;
        digest_text(&values, site->kind, site->form, upload->site_text[i]);
        if (site->subject != RECORDED_WHOLE_BODY)
            rope_overwrite(&upload->rope, site->text, upload->site_text[i], site->len);
    }
}

static struct rope *rope_of(struct upload *upload)
{
    bool is_body = subject_of(upload) == RECORDED_WHOLE_BODY;
    return upload->inner && !is_body ? &upload->inner[upload->subject] : &upload->rope;
}

bool upload_digest(struct upload *upload, uint64_t max_bytes)
{
    char bytes[16384];
    for (; upload->subject <= upload->recorded->audio_count; upload->subject++) {
        bool is_body = subject_of(upload) == RECORDED_WHOLE_BODY;
        uint64_t at = is_body ? 0 : upload->audio_at[upload->subject];
        uint64_t end =
            is_body ? upload->rope.total_bytes : at + upload->audio_bytes[upload->subject];
        uint32_t kinds = kinds_of(upload);
        if (kinds == 0)
            continue;
        if (!upload->digests) {
            upload->hashed = 0;
            upload->digests = digests_new(kinds);
        }
        if (!upload->digests) {
            upload->rope.problem = "no memory";
            return true;
        }
        while (at + upload->hashed < end) {
            uint64_t left = end - at - upload->hashed;
            size_t len = left < sizeof bytes ? (size_t)left : sizeof bytes;
            if (max_bytes == 0)
                return false;
            struct rope *rope = rope_of(upload);
            if (rope_read(rope, at + upload->hashed, bytes, len) != len) {
                upload->rope.problem = rope->problem;
                return true;
            }
            digests_add(upload->digests, bytes, len);
            upload->hashed += len;
            max_bytes -= len < max_bytes ? len : max_bytes;
        }
        finish_subject(upload);
    }
    return true;
}

size_t upload_header(const struct upload *upload, struct span value, char *into, size_t size)
{
    bool is_changed = false;
    if (value.len >= size)
        return 0;
    memcpy(into, value.ptr, value.len);
    into[value.len] = '\0';
    for (size_t i = 0; i < upload->recorded->site_count; i++) {
        const struct digest_site *site = &upload->recorded->sites[i];
        char *at = memmem(into, value.len, site->text, site->len);
        if (!at)
            continue;
        memcpy(at, upload->site_text[i], site->len);
        is_changed = true;
    }
    return is_changed ? value.len : 0;
}
