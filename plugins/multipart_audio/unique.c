/* unique.c - another file with the same sound: the formats whose metadata is a plain list. */
#include "unique.h"

#include <stdlib.h>
#include <string.h>

#define COMMENT_NAME "REPRISE_ID="

enum {
    COMMENT_NAME_BYTES = sizeof COMMENT_NAME - 1,
    COMMENT_BYTES = COMMENT_NAME_BYTES + UNIQUE_MARK_BYTES,
    BLOCK_STREAMINFO = 0,
    BLOCK_VORBIS_COMMENT = 4
};

uint8_t *unique_text(struct unique_plan *plan, size_t bytes)
{
    free(plan->text);
    plan->text = calloc(1, bytes);
    plan->text_bytes = (uint32_t)bytes;
    return plan->text;
}

static void add_edit(struct unique_plan *plan, uint64_t at, uint64_t drop, uint32_t text_at,
                     uint32_t text_bytes)
{
    plan->edits[plan->edit_count++] = (struct unique_edit){at, drop, text_at, text_bytes};
}

static void put_le32(uint8_t *at, uint64_t value)
{
    for (size_t i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> i * 8);
}

static void put_be(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (bytes - 1 - i) * 8);
}

static uint64_t get_be(const char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

/* LIST, its size, INFO, ICMT, its size, the mark and a NUL, padded: 54 bytes. */
enum { LIST_BYTES = 8 + 4 + 8 + UNIQUE_MARK_BYTES + 2 };

static const char *plan_wav(struct span file, struct unique_plan *plan)
{
    if (file.len < 12)
        return "it is shorter than its head";
    uint8_t *text = unique_text(plan, 4 + LIST_BYTES + 1);
    if (!text)
        return "no memory";
    uint64_t riff = audio_le32(file.ptr + 4), end = riff + 8;
    struct audio audio;
    const char *reason = audio_recognise(file, (struct span){NULL, 0}, &audio);
    if (reason)
        return reason;
    bool is_streamed = end > file.len || end < audio.data_at + audio.data_bytes;
    uint32_t pad = !is_streamed && (end & 1); /* a last chunk that was left odd */
    plan->mark_at = 4 + pad + 20;
    put_le32(text, riff + pad + LIST_BYTES);
    uint8_t *list = text + 4 + pad;
    memcpy(list, "LIST", 4);
    put_le32(list + 4, LIST_BYTES - 8);
    memcpy(list + 8, "INFOICMT", 8);
    put_le32(list + 16, UNIQUE_MARK_BYTES + 1);
    if (is_streamed) {
        add_edit(plan, audio.data_at - 8, 0, 4, LIST_BYTES);
        return NULL;
    }
    if (riff + pad + LIST_BYTES > UINT32_MAX)
        return "a WAV cannot be longer than 4 GiB";
    add_edit(plan, 4, 4, 0, 4);
    add_edit(plan, end, 0, 4, pad + LIST_BYTES);
    return NULL;
}

/* One more comment behind the count of those that are there. */
static const char *plan_flac_comment(struct span file, uint64_t block_at, uint64_t block_bytes,
                                     struct unique_plan *plan)
{
    if (block_bytes < 8)
        return "its VORBIS_COMMENT is too short";
    uint64_t vendor = audio_le32(file.ptr + block_at + 4);
    if (vendor > block_bytes - 8)
        return "its VORBIS_COMMENT is broken";
    uint64_t count_at = block_at + 4 + 4 + vendor;
    uint64_t grown = block_bytes + 4 + COMMENT_BYTES;
    if (grown >> 24)
        return "its VORBIS_COMMENT is full";
    uint8_t *text = unique_text(plan, 3 + 4 + 4 + COMMENT_BYTES);
    if (!text)
        return "no memory";
    put_be(text, grown, 3);
    put_le32(text + 3, audio_le32(file.ptr + count_at) + 1ULL);
    put_le32(text + 7, COMMENT_BYTES);
    memcpy(text + 11, COMMENT_NAME, COMMENT_NAME_BYTES);
    plan->mark_at = 11 + COMMENT_NAME_BYTES;
    add_edit(plan, block_at + 1, 3, 0, 3);
    add_edit(plan, count_at, 4, 3, 8 + COMMENT_BYTES);
    return NULL;
}

/* A VORBIS_COMMENT of our own, with no vendor, behind STREAMINFO. */
static const char *plan_flac_block(struct span file, uint64_t streaminfo_at, uint64_t behind,
                                   struct unique_plan *plan)
{
    uint8_t *text = unique_text(plan, 1 + 4 + 12 + COMMENT_BYTES);
    if (!text)
        return "no memory";
    uint8_t head = (uint8_t)file.ptr[streaminfo_at];
    text[0] = head & 0x7f;
    text[1] = (head & 0x80) | BLOCK_VORBIS_COMMENT;
    put_be(text + 2, 12 + COMMENT_BYTES, 3);
    put_le32(text + 9, 1);
    put_le32(text + 13, COMMENT_BYTES);
    memcpy(text + 17, COMMENT_NAME, COMMENT_NAME_BYTES);
    plan->mark_at = 17 + COMMENT_NAME_BYTES;
    add_edit(plan, streaminfo_at, 1, 0, 1);
    add_edit(plan, behind, 0, 1, 16 + COMMENT_BYTES);
    return NULL;
}

static const char *plan_flac(struct span file, struct unique_plan *plan)
{
    uint64_t first = audio_id3_bytes(file) + 4, at = first;
    for (;;) {
        if (at + 4 > file.len)
            return "its metadata is broken";
        uint64_t bytes = get_be(file.ptr + at + 1, 3);
        uint8_t kind = file.ptr[at] & 0x7f;
        if (bytes > file.len - at - 4 || (at == first) != (kind == BLOCK_STREAMINFO))
            return "its metadata is broken";
        if (kind == BLOCK_VORBIS_COMMENT)
            return plan_flac_comment(file, at, bytes, plan);
        if (file.ptr[at] & 0x80)
            break;
        at += 4 + bytes;
    }
    return plan_flac_block(file, first, first + 4 + get_be(file.ptr + first + 1, 3), plan);
}

static void put_syncsafe(uint8_t *at, uint64_t value)
{
    for (size_t i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (3 - i) * 7 & 127);
}

/* TXXX, its size, two bytes of flags, Latin-1, a name and a NUL, the mark. */
enum { TXXX_BYTES = 10 + 1 + COMMENT_NAME_BYTES + UNIQUE_MARK_BYTES };

static const char *plan_mp3(struct span file, struct unique_plan *plan)
{
    uint8_t *text = unique_text(plan, 10 + TXXX_BYTES);
    if (!text)
        return "no memory";
    uint64_t tag = audio_id3_bytes(file);
    /* Unsynchronised, extended or with a footer: such a tag is left alone. */
    bool extends = tag && (file.ptr[3] == 3 || file.ptr[3] == 4) && file.ptr[5] == 0 &&
                   tag - 10 + TXXX_BYTES < 1 << 28;
    memcpy(text, "ID3\3\0\0", 6);
    put_syncsafe(text + 6, (extends ? tag - 10 : 0) + TXXX_BYTES);
    memcpy(text + 10, "TXXX\0\0\0", 7);
    text[17] = TXXX_BYTES - 10;
    memcpy(text + 21, "REPRISE_ID", COMMENT_NAME_BYTES); /* with its NUL */
    plan->mark_at = 21 + COMMENT_NAME_BYTES;
    if (!extends) {
        add_edit(plan, 0, 0, 0, 10 + TXXX_BYTES);
        return NULL;
    }
    add_edit(plan, 6, 4, 6, 4);
    add_edit(plan, 10, 0, 10, TXXX_BYTES);
    return NULL;
}

static const char *plan_mp4(struct span file, struct unique_plan *plan)
{
    uint64_t at = 0;
    while (at + 8 <= file.len) {
        uint64_t bytes = get_be(file.ptr + at, 4);
        if (bytes == 1 && at + 16 <= file.len)
            bytes = get_be(file.ptr + at + 8, 8);
        if (bytes == 0)
            return "its last box has no length";
        if (bytes < 8 || bytes > file.len - at)
            return "its boxes are broken";
        at += bytes;
    }
    uint8_t *text = unique_text(plan, 8 + UNIQUE_MARK_BYTES);
    if (!text)
        return "no memory";
    if (at != file.len)
        return "its boxes are broken";
    put_be(text, 8 + UNIQUE_MARK_BYTES, 4);
    memcpy(text + 4, "free", 4);
    plan->mark_at = 8;
    add_edit(plan, at, 0, 0, 8 + UNIQUE_MARK_BYTES);
    return NULL;
}

const char *unique_plan_make(struct span file, enum audio_format format, struct unique_plan *ret)
{
    *ret = (struct unique_plan){0};
    switch (format) {
    case AUDIO_WAV:
        return plan_wav(file, ret);
    case AUDIO_FLAC:
        return plan_flac(file, ret);
    case AUDIO_MP3:
        return plan_mp3(file, ret);
    case AUDIO_OGG:
        return unique_ogg(file, ret);
    case AUDIO_WEBM:
        return unique_webm(file, ret);
    case AUDIO_MP4:
        return plan_mp4(file, ret);
    default:
        return "samples without a container have no room for a mark";
    }
}

void unique_fini(struct unique_plan *plan)
{
    free(plan->text);
    *plan = (struct unique_plan){0};
}

int64_t unique_growth(const struct unique_plan *plan)
{
    int64_t growth = 0;
    for (uint32_t i = 0; i < plan->edit_count; i++)
        growth += (int64_t)plan->edits[i].text_bytes - (int64_t)plan->edits[i].drop;
    return growth;
}

void unique_fill(const struct unique_plan *plan, const char mark[UNIQUE_MARK_BYTES], uint8_t *into)
{
    memcpy(into, plan->text, plan->text_bytes);
    memcpy(into + plan->mark_at, mark, UNIQUE_MARK_BYTES);
    if (plan->is_ogg_page) {
        put_le32(into + 22, 0);
        put_le32(into + 22, unique_ogg_crc(into, plan->text_bytes));
    }
}
