/* unique_webm.c - a mark in a Void element of a WebM file (EBML, RFC 8794).
 *
 * What its Segment holds is found by its distance from the Segment's beginning, so nothing may grow
 * in there: a Void that is long enough is written over, else the EBML header gets one more. */
#include "unique.h"

#include <string.h>

enum { MAX_ELEMENTS_LOOKED_AT = 64, VOID_BYTES = 2 + UNIQUE_MARK_BYTES };

#define ID_EBML 0x1a45dfa3U
#define ID_SEGMENT 0x18538067U
#define ID_CLUSTER 0x1f43b675U
#define ID_VOID 0xecU
#define SIZE_UNKNOWN UINT64_MAX

struct element {
    uint64_t id;
    uint64_t at, size_at, content_at;
    uint64_t bytes; /* of the content; SIZE_UNKNOWN */
};

/* A number of 1 to 8 bytes whose length is told by its leading zeros; 0 bytes: none. */
static size_t read_vint(struct span file, uint64_t at, bool keep_marker, uint64_t *ret)
{
    if (at >= file.len)
        return 0;
    uint8_t first = (uint8_t)file.ptr[at];
    size_t len = 1;
    while (len <= 8 && !(first & 0x80 >> (len - 1)))
        len++;
    if (len > 8 || at + len > file.len)
        return 0;
    uint64_t value = keep_marker ? first : first & (0xffU >> len);
    bool is_all_ones = (first & (0xffU >> len)) == (0xffU >> len);
    for (size_t i = 1; i < len; i++) {
        uint8_t byte = (uint8_t)file.ptr[at + i];
        value = value << 8 | byte;
        is_all_ones = is_all_ones && byte == 0xff;
    }
    *ret = !keep_marker && is_all_ones ? SIZE_UNKNOWN : value;
    return len;
}

static bool read_element(struct span file, uint64_t at, struct element *ret)
{
    ret->at = at;
    size_t id_bytes = read_vint(file, at, true, &ret->id);
    ret->size_at = at + id_bytes;
    size_t size_bytes = id_bytes ? read_vint(file, ret->size_at, false, &ret->bytes) : 0;
    ret->content_at = ret->size_at + size_bytes;
    return size_bytes && (ret->bytes == SIZE_UNKNOWN || ret->bytes <= file.len - ret->content_at);
}

bool unique_webm_is_cut(struct span file)
{
    struct element element;
    uint64_t at = 0;
    for (int i = 0; i < MAX_ELEMENTS_LOOKED_AT; i++) {
        element = (struct element){.bytes = SIZE_UNKNOWN};
        if (!read_element(file, at, &element))
            return element.content_at > element.size_at && element.bytes != SIZE_UNKNOWN;
        if (element.id == ID_SEGMENT || element.bytes == SIZE_UNKNOWN)
            return false;
        at = element.content_at + element.bytes;
    }
    return false;
}

/* One in the Segment and before its first Cluster. */
static bool find_void(struct span file, uint64_t at, struct element *ret)
{
    for (int i = 0; i < MAX_ELEMENTS_LOOKED_AT && read_element(file, at, ret); i++) {
        if (ret->id == ID_VOID && ret->bytes != SIZE_UNKNOWN && ret->bytes >= UNIQUE_MARK_BYTES)
            return true;
        if (ret->id == ID_CLUSTER || (ret->bytes == SIZE_UNKNOWN && ret->id != ID_SEGMENT))
            return false;
        at = ret->id == ID_SEGMENT ? ret->content_at : ret->content_at + ret->bytes;
    }
    return false;
}

const char *unique_webm(struct span file, struct unique_plan *plan)
{
    struct element header, space;
    if (!read_element(file, 0, &header) || header.id != ID_EBML || header.bytes > UINT16_MAX)
        return "its EBML header is broken";
    uint64_t end = header.content_at + header.bytes;
    if (find_void(file, end, &space)) {
        uint8_t *text = unique_text(plan, UNIQUE_MARK_BYTES);
        if (!text)
            return "no memory";
        plan->edits[plan->edit_count++] =
            (struct unique_edit){space.content_at, UNIQUE_MARK_BYTES, 0, UNIQUE_MARK_BYTES};
        return NULL;
    }
    uint8_t *text = unique_text(plan, 4 + VOID_BYTES);
    if (!text)
        return "no memory";
    uint64_t grown = header.bytes + VOID_BYTES;
    for (size_t i = 0; i < 4; i++) /* a size of four bytes fits any */
        text[i] = (uint8_t)((grown | 0x10000000U) >> (3 - i) * 8);
    text[4] = ID_VOID;
    text[5] = 0x80 | UNIQUE_MARK_BYTES;
    plan->mark_at = 6;
    plan->edits[plan->edit_count++] =
        (struct unique_edit){header.size_at, header.content_at - header.size_at, 0, 4};
    plan->edits[plan->edit_count++] = (struct unique_edit){end, 0, 4, VOID_BYTES};
    return NULL;
}
