/* request_cut.c - puts what a user carries into a request that was cut ahead of time. */
#include "replay/plan/request_cut.h"

#include <stdint.h>

/* Bytes that stand as they are are gathered into as few pieces as can be. */
struct piece_list {
    struct bytes *items;
    size_t count;
    struct bytes part; /* the head or the body */
    size_t from;       /* of `part`: not yet handed out */
};

static void put(struct piece_list *list, struct bytes piece)
{
    if (piece.len)
        list->items[list->count++] = piece;
}

static void put_until(struct piece_list *list, size_t at)
{
    put(list, bytes_make(list->part.ptr + list->from, at - list->from));
    list->from = at;
}

static void replace(struct piece_list *list, size_t at, size_t len, struct bytes text)
{
    put_until(list, at);
    put(list, text);
    list->from = at + len;
}

/* NULL where the recorded value stands for itself. */
static const struct bytes *value_of(const struct request_slot *slot, const struct bytes *values)
{
    return values && values[slot->value].ptr ? &values[slot->value] : NULL;
}

static size_t body_len(const struct request_cut *cut, struct bytes body, const struct bytes *values)
{
    size_t len = body.len;
    for (uint32_t i = 0; i < cut->slot_count; i++) {
        const struct bytes *value = value_of(&cut->slots[i], values);
        if (value && cut->slots[i].is_in_body)
            len = len - cut->slots[i].len + value->len;
    }
    return len;
}

static struct bytes write_number(size_t number, struct request_cut_scratch *scratch)
{
    char *end = scratch->length + sizeof scratch->length, *at = end;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return bytes_make(at, (size_t)(end - at));
}

/* The two places of the head that are filled without a slot, as far as they lie before `limit`. */
struct fixed_places {
    struct bytes cookies; /* empty once they are written */
    struct bytes length;  /* the same */
};

static void put_cookies(struct piece_list *list, const struct request_cut *cut,
                        struct fixed_places *places)
{
    put_until(list, cut->cookie_at);
    put(list, bytes_of("Cookie: "));
    put(list, places->cookies);
    put(list, bytes_of("\r\n"));
    places->cookies.len = 0;
}

static void put_fixed(struct piece_list *list, const struct request_cut *cut,
                      struct fixed_places *places, size_t limit)
{
    if (places->cookies.len && cut->cookie_at <= cut->length_at && cut->cookie_at <= limit)
        put_cookies(list, cut, places);
    if (places->length.len && cut->length_at <= limit) {
        replace(list, cut->length_at, cut->length_len, places->length);
        places->length.len = 0;
    }
    if (places->cookies.len && cut->cookie_at <= limit)
        put_cookies(list, cut, places);
}

/* What an edit makes of one line of the head. */
struct head_edit {
    size_t at, len;           /* what goes: a value, a line, or nothing before the empty line */
    struct bytes name, value; /* what comes: a value, or with a name a line */
};

/* Of each header one line, which is where its name lies: nothing has to be looked for. */
static int find_by_names(const struct request_cut *cut, const struct http_request *edits,
                         struct head_edit *found)
{
    int count = 0;
    for (uint32_t i = 0; i < edits->edit_count; i++) {
        struct bytes name = edits->edits[i].name, value = edits->edits[i].value;
        size_t at = (uintptr_t)name.ptr - (uintptr_t)cut->head.ptr;
        bool is_new = at >= cut->head.len;
        if (is_new && !value.ptr)
            continue;
        struct head_edit edit = {.at = cut->head.len - 2, .name = name, .value = value};
        if (!is_new) {
            size_t line_len = bytes_index_of(bytes_from(cut->head, at), '\n') + 1;
            edit = value.ptr ? (struct head_edit){.at = at + name.len + 2,
                                                  .len = line_len - name.len - 4,
                                                  .value = value}
                             : (struct head_edit){.at = at, .len = line_len};
        }
        int place = count++;
        for (; place > 0 && found[place - 1].at > edit.at; place--)
            found[place] = found[place - 1];
        found[place] = edit;
    }
    return count;
}

/* The same where a header stands in several lines; -1: more than there is room for. */
static int find_by_lines(const struct request_cut *cut, const struct http_request *edits,
                         struct head_edit *found)
{
    unsigned done = 0; /* one bit for each edit that has its line */
    int count = 0;
    size_t at = bytes_index_of(cut->head, '\n') + 1;
    while (at + 2 < cut->head.len) {
        struct bytes rest = bytes_from(cut->head, at);
        size_t line_len = bytes_index_of(rest, '\n') + 1, colon = bytes_index_of(rest, ':');
        for (uint32_t i = 0; i < edits->edit_count; i++) {
            const struct http_header *edit = &edits->edits[i];
            if (colon != edit->name.len || colon + 4 > line_len ||
                !bytes_equal_nocase(bytes_make(rest.ptr, colon), edit->name))
                continue;
            if (count == REQUEST_CUT_MAX_HEAD_EDITS)
                return -1;
            bool goes = !edit->value.ptr || done >> i & 1;
            found[count++] = goes ? (struct head_edit){.at = at, .len = line_len}
                                  : (struct head_edit){.at = at + colon + 2,
                                                       .len = line_len - colon - 4,
                                                       .value = edit->value};
            done |= 1u << i;
            break;
        }
        at += line_len;
    }
    for (uint32_t i = 0; i < edits->edit_count; i++) {
        if (!edits->edits[i].value.ptr || done >> i & 1)
            continue;
        if (count == REQUEST_CUT_MAX_HEAD_EDITS)
            return -1;
        found[count++] = (struct head_edit){
            .at = cut->head.len - 2, .name = edits->edits[i].name, .value = edits->edits[i].value};
    }
    return count;
}

/* Lines of the head that `edits` is about, by `at`; -1: more than there is room for. */
static int find_edits(const struct request_cut *cut, const struct http_request *edits,
                      struct head_edit *found)
{
    return edits->edits_repeated ? find_by_lines(cut, edits, found)
                                 : find_by_names(cut, edits, found);
}

/* By length: most names are none of these at the first look. */
static bool is_framing(struct bytes name)
{
    switch (name.len) {
    case 2:
        return bytes_equal_nocase(name, bytes_of("te"));
    case 4:
        return bytes_equal_nocase(name, bytes_of("host"));
    case 6:
        return bytes_equal_nocase(name, bytes_of("cookie")) ||
               bytes_equal_nocase(name, bytes_of("expect"));
    case 7:
        return bytes_equal_nocase(name, bytes_of("upgrade"));
    case 10:
        return bytes_equal_nocase(name, bytes_of("connection"));
    case 14:
        return bytes_equal_nocase(name, bytes_of("content-length"));
    case 17:
        return bytes_equal_nocase(name, bytes_of("transfer-encoding"));
    default:
        return false;
    }
}

bool request_cut_takes(const struct request_cut *cut, const struct http_request *http)
{
    struct head_edit found[REQUEST_CUT_MAX_HEAD_EDITS];
    if (http->changes == 0)
        return true;
    if (http->changes != HTTP_CHANGED_HEADERS || http->edit_count > HTTP_MAX_EDITS)
        return false;
    for (uint32_t i = 0; i < http->edit_count; i++) {
        if (is_framing(http->edits[i].name))
            return false;
    }
    return !http->edits_repeated || find_by_lines(cut, http, found) >= 0;
}

static void put_edit(struct piece_list *list, const struct head_edit *edit)
{
    if (!edit->name.len) {
        replace(list, edit->at, edit->len, edit->value);
        return;
    }
    put_until(list, edit->at);
    put(list, edit->name);
    put(list, bytes_of(": "));
    put(list, edit->value);
    put(list, bytes_of("\r\n"));
}

static void put_head(struct piece_list *list, const struct request_cut *cut,
                     const struct bytes *values, const struct http_request *edits,
                     struct fixed_places *places)
{
    struct head_edit found[REQUEST_CUT_MAX_HEAD_EDITS];
    int count = edits && edits->edit_count ? find_edits(cut, edits, found) : 0, next = 0;
    for (uint32_t i = 0; i < cut->slot_count && !cut->slots[i].is_in_body; i++) {
        const struct request_slot *slot = &cut->slots[i];
        const struct bytes *value = value_of(slot, values);
        for (; next < count && found[next].at <= slot->at; next++) {
            put_fixed(list, cut, places, found[next].at);
            put_edit(list, &found[next]);
        }
        if (!value || slot->at < list->from) /* an edit has taken its line */
            continue;
        put_fixed(list, cut, places, slot->at);
        replace(list, slot->at, slot->len, *value);
    }
    for (; next < count; next++) {
        put_fixed(list, cut, places, found[next].at);
        put_edit(list, &found[next]);
    }
    put_fixed(list, cut, places, cut->head.len);
    put_until(list, cut->head.len);
}

size_t request_cut_pieces(const struct request_cut *cut, const struct bytes *values,
                          struct bytes cookies, const struct http_request *edits,
                          struct request_cut_scratch *scratch, struct bytes *pieces)
{
    struct piece_list list = {.items = pieces, .part = cut->head};
    struct fixed_places places = {.cookies = cookies};
    struct bytes body = cut->body;
    size_t new_len = values && cut->length_len ? body_len(cut, body, values) : body.len;
    uint32_t i = 0;
    if (new_len != body.len)
        places.length = write_number(new_len, scratch);
    put_head(&list, cut, values, edits, &places);
    while (i < cut->slot_count && !cut->slots[i].is_in_body)
        i++;
    list.part = body;
    list.from = 0;
    for (; i < cut->slot_count; i++) {
        const struct bytes *value = value_of(&cut->slots[i], values);
        if (value)
            replace(&list, cut->slots[i].at, cut->slots[i].len, *value);
    }
    put_until(&list, body.len);
    return list.count;
}

/* The slots with a value that lie in [at, at + len) of their part. */
struct slot_range {
    const struct request_slot *slots;
    uint32_t count;
    size_t len; /* of the text once they are filled */
    bool has_value;
};

static struct slot_range slots_in(const struct request_cut *cut, const struct bytes *values,
                                  bool is_in_body, size_t at, size_t len)
{
    struct slot_range range = {.len = len};
    for (uint32_t i = 0; i < cut->slot_count; i++) {
        const struct request_slot *slot = &cut->slots[i];
        if (slot->is_in_body != is_in_body || slot->at < at || slot->at + slot->len > at + len)
            continue;
        if (range.count++ == 0)
            range.slots = slot;
        const struct bytes *value = value_of(slot, values);
        if (value) {
            range.len = range.len - slot->len + value->len;
            range.has_value = true;
        }
    }
    return range;
}

/* `text`, which lies at `at` of its part, behind `before`, with the values in their places. */
static struct bytes fill(struct arena *arena, struct bytes before, struct bytes text, size_t at,
                         const struct slot_range *range, const struct bytes *values)
{
    struct bytes pieces[2 * REQUEST_CUT_MAX_SLOTS + 2];
    struct piece_list list = {.items = pieces, .part = text};
    put(&list, before);
    for (uint32_t i = 0; i < range->count; i++) {
        const struct bytes *value = value_of(&range->slots[i], values);
        if (value)
            replace(&list, range->slots[i].at - at, range->slots[i].len, *value);
    }
    put_until(&list, text.len);
    char *out = arena_alloc(arena, before.len + range->len + 1);
    if (!out)
        return (struct bytes){0};
    size_t len = 0;
    for (size_t i = 0; i < list.count; i++) {
        memcpy(out + len, pieces[i].ptr, pieces[i].len);
        len += pieces[i].len;
    }
    out[len] = '\0';
    return bytes_make(out, len);
}

static int fill_url(const struct request_cut *cut, const struct bytes *values,
                    struct http_request *http)
{
    struct bytes line = bytes_from(cut->head, cut->target_at);
    struct bytes target = bytes_make(line.ptr, bytes_index_of(line, ' '));
    struct slot_range range = slots_in(cut, values, false, cut->target_at, target.len);
    if (!range.has_value || target.len > http->url.len)
        return 0;
    struct bytes origin = bytes_make(http->url.ptr, http->url.len - target.len);
    struct bytes url = fill(http->arena, origin, target, cut->target_at, &range, values);
    if (!url.ptr)
        return -1;
    http->url = url;
    http->changes |= HTTP_CHANGED_URL;
    return 0;
}

/* One more than there are, as http_request_set_header() wants it. */
static int own_headers(struct http_request *http)
{
    if (http->own_headers)
        return 0;
    size_t capacity = http->header_count + 1;
    struct http_header *own = arena_alloc(http->arena, capacity * sizeof *own);
    if (!own)
        return -1;
    memcpy(own, http->headers, http->header_count * sizeof *own);
    http->headers = http->own_headers = own;
    http->own_capacity = capacity;
    return 0;
}

static int fill_headers(const struct request_cut *cut, const struct bytes *values,
                        struct http_request *http)
{
    for (size_t i = 0; i < http->header_count; i++) {
        struct bytes text = http->headers[i].value;
        /* One that HTTP/1.1 cannot write lies elsewhere. */
        uintptr_t at = (uintptr_t)text.ptr - (uintptr_t)cut->head.ptr;
        if (at > cut->head.len || text.len > cut->head.len - at)
            continue;
        struct slot_range range = slots_in(cut, values, false, at, text.len);
        if (!range.has_value)
            continue;
        struct bytes value = fill(http->arena, (struct bytes){0}, text, at, &range, values);
        if (!value.ptr || own_headers(http))
            return -1;
        http->own_headers[i].value = value;
        http->changes |= HTTP_CHANGED_HEADERS;
    }
    return 0;
}

/* The recorded body stays where it is, however large: it lies in pieces around the values. */
static int fill_body(const struct request_cut *cut, const struct bytes *values,
                     struct http_request *http)
{
    struct slot_range range = slots_in(cut, values, true, 0, http->body.len);
    if (!range.has_value)
        return 0;
    size_t most = 2 * (size_t)range.count + 1;
    struct bytes *pieces = arena_alloc(http->arena, most * sizeof *pieces);
    struct piece_list list = {.items = pieces, .part = http->body};
    if (!pieces)
        return -1;
    for (uint32_t i = 0; i < range.count; i++) {
        const struct bytes *value = value_of(&range.slots[i], values);
        if (!value)
            continue;
        struct bytes copy = arena_copy(http->arena, *value);
        if (!copy.ptr)
            return -1;
        replace(&list, range.slots[i].at, range.slots[i].len, copy);
    }
    put_until(&list, http->body.len);
    http->body = (struct bytes){0};
    http->body_pieces = pieces;
    http->body_piece_count = list.count;
    http->changes |= HTTP_CHANGED_BODY;
    return 0;
}

int request_cut_fill(const struct request_cut *cut, const struct bytes *values,
                     struct http_request *http)
{
    if (!values || cut->slot_count == 0)
        return 0;
    if (fill_body(cut, values, http))
        return -1;
    return fill_url(cut, values, http) || fill_headers(cut, values, http) ? -1 : 0;
}
