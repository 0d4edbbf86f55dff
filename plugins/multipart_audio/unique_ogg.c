/* unique_ogg.c - one more comment in an Ogg file: in the page where its comments begin.
 *
 * Only that page is written anew, and it stays one page: a page more would renumber all that
 * follow. RFC 3533 (pages), RFC 7845 (OpusTags), Vorbis I (comment header). */
#include "unique.h"

#include <string.h>

#define COMMENT_NAME "REPRISE_ID="

enum {
    COMMENT_NAME_BYTES = sizeof COMMENT_NAME - 1,
    COMMENT_BYTES = COMMENT_NAME_BYTES + UNIQUE_MARK_BYTES,
    ADDED_BYTES = 4 + COMMENT_BYTES,
    PAGE_HEAD_BYTES = 27,
    MAX_PAGES_LOOKED_AT = 64,
    MAX_PACKETS = 255
};

uint32_t unique_ogg_crc(const uint8_t *page, size_t len)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < len; i++) {
        crc ^= (uint32_t)page[i] << 24;
        for (int bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7U : 0);
    }
    return crc;
}

struct page {
    uint64_t at;
    uint32_t head_bytes, body_bytes, segments;
    const uint8_t *bytes;
};

static bool read_page(struct span file, uint64_t at, struct page *ret)
{
    const uint8_t *page = (const uint8_t *)file.ptr + at;
    if (at + PAGE_HEAD_BYTES > file.len || memcmp(page, "OggS\0", 5) != 0 ||
        at + PAGE_HEAD_BYTES + page[26] > file.len)
        return false;
    *ret = (struct page){at, PAGE_HEAD_BYTES + page[26], 0, page[26], page};
    for (uint32_t i = 0; i < ret->segments; i++)
        ret->body_bytes += page[PAGE_HEAD_BYTES + i];
    return at + ret->head_bytes + ret->body_bytes <= file.len;
}

/* The packet at the front of the page: where its vendor begins, 0: it is no comment header. */
static uint32_t vendor_at(const struct page *page)
{
    const uint8_t *body = page->bytes + page->head_bytes;
    if (page->body_bytes >= 7 + 8 && memcmp(body, "\3vorbis", 7) == 0)
        return 7;
    return page->body_bytes >= 8 + 8 && memcmp(body, "OpusTags", 8) == 0 ? 8 : 0;
}

/* The page of the first stream in which comments begin: its second. */
static const char *find_comments(struct span file, struct page *ret)
{
    struct page page;
    uint64_t at = 0;
    for (int i = 0; i < MAX_PAGES_LOOKED_AT; i++) {
        if (!read_page(file, at, &page))
            return "its pages are broken";
        bool is_second = memcmp(page.bytes + 18, "\1\0\0\0", 4) == 0;
        if (is_second && vendor_at(&page)) {
            *ret = page;
            return NULL;
        }
        at += page.head_bytes + page.body_bytes;
    }
    return "it is neither Vorbis nor Opus";
}

/* The lacing of the page with its first packet ADDED_BYTES longer; 0: that does not fit a page. */
static uint32_t lace(const struct page *page, uint8_t lacing[256])
{
    const uint8_t *old = page->bytes + PAGE_HEAD_BYTES;
    uint32_t first = 0, first_bytes = 0, count = 0;
    while (first < page->segments && old[first] == 255)
        first_bytes += old[first++];
    if (first == page->segments)
        return 0; /* the packet goes on in the next page */
    first_bytes += old[first++] + ADDED_BYTES;
    if (first_bytes / 255 + 1 + (page->segments - first) > MAX_PACKETS)
        return 0;
    for (; first_bytes >= 255; first_bytes -= 255)
        lacing[count++] = 255;
    lacing[count++] = (uint8_t)first_bytes;
    memcpy(lacing + count, old + first, page->segments - first);
    return count + page->segments - first;
}

/* The page as it is, but for the vendor's text. */
static const char *replace_vendor(const struct page *page, uint32_t vendor, uint32_t vendor_bytes,
                                  struct unique_plan *plan)
{
    uint32_t bytes = page->head_bytes + page->body_bytes;
    if (vendor_bytes < UNIQUE_MARK_BYTES)
        return "the page of its comments is full";
    uint8_t *text = unique_text(plan, bytes);
    if (!text)
        return "no memory";
    memcpy(text, page->bytes, bytes);
    plan->mark_at = page->head_bytes + vendor + 4;
    plan->edits[plan->edit_count++] = (struct unique_edit){page->at, bytes, 0, bytes};
    return NULL;
}

static const char *add_comment(const struct page *page, uint32_t count_at, const uint8_t *lacing,
                               uint32_t segments, struct unique_plan *plan)
{
    uint32_t old_bytes = page->head_bytes + page->body_bytes;
    uint32_t bytes = PAGE_HEAD_BYTES + segments + page->body_bytes + ADDED_BYTES;
    uint8_t *text = unique_text(plan, bytes);
    if (!text)
        return "no memory";
    const uint8_t *body = page->bytes + page->head_bytes;
    memcpy(text, page->bytes, PAGE_HEAD_BYTES - 1);
    text[PAGE_HEAD_BYTES - 1] = (uint8_t)segments;
    memcpy(text + PAGE_HEAD_BYTES, lacing, segments);
    uint8_t *at = text + PAGE_HEAD_BYTES + segments;
    memcpy(at, body, count_at);
    at += count_at;
    uint32_t count = audio_le32((const char *)body + count_at) + 1;
    for (size_t i = 0; i < 4; i++)
        *at++ = (uint8_t)(count >> i * 8);
    memcpy(at, (uint8_t[4]){COMMENT_BYTES}, 4);
    memcpy(at + 4, COMMENT_NAME, COMMENT_NAME_BYTES);
    plan->mark_at = (uint32_t)(at - text) + 4 + COMMENT_NAME_BYTES;
    at += ADDED_BYTES;
    memcpy(at, body + count_at + 4, page->body_bytes - count_at - 4);
    plan->edits[plan->edit_count++] = (struct unique_edit){page->at, old_bytes, 0, bytes};
    return NULL;
}

const char *unique_ogg(struct span file, struct unique_plan *plan)
{
    struct page page;
    uint8_t lacing[256];
    const char *reason = find_comments(file, &page);
    if (reason)
        return reason;
    uint32_t vendor = vendor_at(&page);
    uint32_t vendor_bytes = audio_le32((const char *)page.bytes + page.head_bytes + vendor);
    if (vendor_bytes > page.body_bytes - vendor - 8)
        return "its vendor is longer than a page";
    uint32_t segments = lace(&page, lacing);
    plan->is_ogg_page = true;
    if (segments == 0)
        return replace_vendor(&page, vendor, vendor_bytes, plan);
    return add_comment(&page, vendor + 4 + vendor_bytes, lacing, segments, plan);
}
