/* upload_digest.c - the checksums of an upload: they lie in text of its own, and are computed by
 * reading its body once, in slices, so that a callback stays short whatever the size. */
#include "upload.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_COPIED_RUN_BYTES = 65536 }; /* longer ones are read where they lie */

/* Where the recorded checksums next lie in a run. */
struct site_search {
    const struct recorded_upload *recorded;
    struct span run;
    const char *hit[RECORDED_MAX_SITES];
};

static void search_from(struct site_search *search, size_t i, const char *from)
{
    const struct digest_site *site = &search->recorded->sites[i];
    size_t left = search->run.len - (size_t)(from - search->run.ptr);
    search->hit[i] = site->is_in_body ? memmem(from, left, site->text, site->len) : NULL;
}

/* The first one that begins at `from` or behind; ptr is NULL behind the last. */
static struct span next_site(struct site_search *search, const char *from)
{
    struct span first = {NULL, 0};
    for (size_t i = 0; i < search->recorded->site_count; i++) {
        if (search->hit[i] && search->hit[i] < from)
            search_from(search, i, from);
        if (search->hit[i] && (!first.ptr || search->hit[i] < first.ptr))
            first = (struct span){search->hit[i], search->recorded->sites[i].len};
    }
    return first;
}

/* Of a long run what may change is copied: the checksums in it, and its ends, where one may lie
 * across to the next run. */
static void add_long(struct upload *upload, struct span run)
{
    struct rope *rope = &upload->rope;
    struct site_search search = {.recorded = upload->recorded, .run = run};
    const char *end = run.ptr + run.len, *done = run.ptr + DIGEST_MAX_TEXT_BYTES;
    const char *tail = end - DIGEST_MAX_TEXT_BYTES;
    struct span site;
    for (size_t i = 0; i < upload->recorded->site_count; i++)
        search_from(&search, i, run.ptr);
    rope_add_text(rope, run.ptr, DIGEST_MAX_TEXT_BYTES);
    for (const char *from = run.ptr; (site = next_site(&search, from)).ptr && site.ptr < tail;) {
        from = site.ptr + site.len;
        if (site.ptr > done)
            rope_add_memory(rope, done, (size_t)(site.ptr - done));
        const char *copied = site.ptr > done ? site.ptr : done;
        if (from > copied) {
            rope_add_text(rope, copied, (size_t)(from - copied));
            done = from;
        }
    }
    if (done < tail) {
        rope_add_memory(rope, done, (size_t)(tail - done));
        done = tail;
    }
    rope_add_text(rope, done, (size_t)(end - done));
}

void upload_add_range(struct upload *upload, const struct pieces *live, uint64_t at, uint64_t end)
{
    bool has_sites = false;
    for (size_t i = 0; i < upload->recorded->site_count; i++)
        has_sites = has_sites || upload->recorded->sites[i].is_in_body;
    while (at < end) {
        struct span run = pieces_run(live, at, end - at);
        if (run.len <= MAX_COPIED_RUN_BYTES)
            rope_add_text(&upload->rope, run.ptr, run.len);
        else if (has_sites)
            add_long(upload, run);
        else
            rope_add_memory(&upload->rope, run.ptr, run.len);
        at += run.len;
    }
}

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

int upload_replaces(struct upload *upload, const struct upload *other, bool is_in_headers)
{
    size_t count = upload->recorded->site_count;
    const char(*old)[DIGEST_MAX_TEXT_BYTES + 1] =
        (const void *)(is_in_headers ? other->site_text : other->old_text);
    if (!old || count == 0)
        return 0;
    upload->old_text = malloc(count * sizeof *upload->old_text);
    if (!upload->old_text)
        return -1;
    memcpy(upload->old_text, old, count * sizeof *old);
    return 0;
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
        if (!at && upload->old_text)
            at = memmem(into, value.len, upload->old_text[i], site->len);
        if (!at)
            continue;
        memcpy(at, upload->site_text[i], site->len);
        is_changed = true;
    }
    return is_changed ? value.len : 0;
}
