/* plan_uses.c - where in a recorded request a value stands, and how it is written there. */
#include <stdlib.h>

#include "core/html_references.h"
#include "core/json_scan.h"
#include "core/text_codings.h"
#include "replay/plan/plan_binder.h"

/* What is at a place of a request. */
struct located {
    struct bytes text; /* with its escapes */
    enum place_writing writing;
    struct bytes part; /* the head, the cookies or the body: `text` is of it */
    bool is_in_cookies, is_in_body, is_filename;
};

static struct bytes target_of(const struct request_cut *cut)
{
    struct bytes line = bytes_from(cut->head, cut->target_at);
    return bytes_make(line.ptr, bytes_index_of(line, ' '));
}

struct message_view plan_request_view(struct binder *binder, uint32_t number)
{
    const struct plan_draft *draft = &binder->builder->drafts[number];
    const struct plan_step *step = &binder->session->steps[number];
    struct message_view message = {.side = PLACE_IN_REQUEST, .body = step->body};
    if (step->kind == STEP_WS_MESSAGE)
        return message;
    size_t count = step->header_count < HTTP_MAX_HEADERS ? step->header_count : HTTP_MAX_HEADERS;
    if (count)
        memcpy(binder->request_headers, step->headers, count * sizeof *step->headers);
    if (step->recorded_cookies.len)
        binder->request_headers[count++] =
            (struct http_header){bytes_of("Cookie"), step->recorded_cookies};
    message.target = target_of(&draft->cut);
    message.headers = binder->request_headers;
    message.header_count = count;
    return message;
}

static bool is_inside(struct bytes view, struct bytes of)
{
    uintptr_t at = (uintptr_t)view.ptr - (uintptr_t)of.ptr;
    return at <= of.len && view.len <= of.len - at;
}

/* NULL, or why it cannot be used. */
static const char *locate(struct binder *binder, const struct row *row, struct located *ret)
{
    const struct plan_step *step = &binder->session->steps[row->consumer];
    struct message_view message = plan_request_view(binder, row->consumer);
    struct bytes head = binder->builder->drafts[row->consumer].cut.head;
    struct located located = {.is_filename = row->used.step_count == 2 &&
                                             row->used.steps[1].kind == PLACE_FILENAME};
    if (step->kind == STEP_REQUEST && !step->cut)
        return "its request is one that HTTP/1.1 cannot write";
    located.text = place_locate(&row->used, &message, &located.writing);
    if (!located.text.ptr)
        return "used_place: nothing is there in the recorded request";
    located.is_in_body = is_inside(located.text, step->body);
    located.is_in_cookies = !located.is_in_body && is_inside(located.text, step->recorded_cookies);
    located.part = located.is_in_body      ? step->body
                   : located.is_in_cookies ? step->recorded_cookies
                                           : head;
    if (!is_inside(located.text, located.part))
        return "used_place: a header that HTTP/1.1 cannot write";
    *ret = located;
    return NULL;
}

static bool is_target_like(const struct located *located)
{
    return located->writing == PLACE_WRITTEN_PERCENT || located->writing == PLACE_WRITTEN_FORM;
}

/* --- reading ------------------------------------------------------------------------------ */

/* From `text` to `room`, which has text.len. -1: an escape is none. */
static ssize_t unescape(const struct located *located, bool sees_percent, struct bytes text,
                        char *room)
{
    if (located->writing == PLACE_WRITTEN_JSON_STRING) {
        ssize_t len = json_unescape(text, room, text.len);
        if (len < 0 || !sees_percent)
            return len;
        return percent_read(bytes_make(room, (size_t)len), false, room, (size_t)len);
    }
    if (sees_percent)
        return percent_read(text, located->writing == PLACE_WRITTEN_FORM, room, text.len);
    if (text.len)
        memcpy(room, text.ptr, text.len);
    return (ssize_t)text.len;
}

static enum value_form coding_of(struct bytes word)
{
    static const struct {
        const char *word;
        enum value_form form;
    } words[] = {{"html", VALUE_HTML},
                 {"base64", VALUE_BASE64},
                 {"base64url", VALUE_BASE64URL},
                 {"hex", VALUE_HEX}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (bytes_equal(word, bytes_of(words[i].word)))
            return words[i].form;
    }
    return VALUE_AS_IS;
}

int plan_read_used(struct binder *binder, struct row *row, struct bytes *ret_text)
{
    struct located located;
    const char *why = locate(binder, row, &located);
    if (why)
        return plan_lose_row(binder, row, why);
    if (located.text.len == 0 || located.text.len > BIRTH_MAX_BYTES)
        return plan_lose_row(binder, row, "used_place: what is there is empty or too long");
    enum value_form coding = coding_of(row->form_word);
    bool is_raw = bytes_equal(row->form_word, bytes_of("raw"));
    bool sees_percent =
        is_target_like(&located) ? !is_raw : bytes_equal(row->form_word, bytes_of("percent"));
    char *room = arena_alloc(binder->builder->arena, located.text.len + 1);
    if (!room)
        return -1;
    ssize_t len = unescape(&located, sees_percent, located.text, room);
    if (len >= 0 && coding)
        len = value_form_decode(coding, bytes_make(room, (size_t)len), room);
    if (len <= 0)
        return plan_lose_row(binder, row, "used_place: what is there is not in that form");
    *ret_text = bytes_make(room, (size_t)len);
    return 0;
}

/* --- finding ------------------------------------------------------------------------------ */

/* How what is no plain text may stand in it. */
enum escapes { BY_PERCENT, BY_PERCENT_AND_PLUS, BY_REFERENCE };

/* One byte of a value at the start of `text`, written as it is or escaped: bytes used, or 0. */
static size_t match_byte(struct bytes text, char wanted, enum escapes escapes)
{
    uint32_t code;
    size_t used = escapes == BY_REFERENCE ? html_reference(text, &code) : 0;
    if (used)
        return code < 0x80 && (char)code == wanted ? used : 0;
    int escaped = escapes == BY_REFERENCE ? -1 : percent_value(text);
    if (escaped >= 0)
        return (char)escaped == wanted ? 3 : 0;
    if (!text.len)
        return 0;
    return text.ptr[0] == wanted ||
           (escapes == BY_PERCENT_AND_PLUS && text.ptr[0] == '+' && wanted == ' ');
}

/* No letter or digit on either side: "7" in "v7-7" is the second. */
static bool stands_alone(struct bytes text, size_t at, size_t len)
{
    return (at == 0 || !ascii_is_alnum(text.ptr[at - 1])) &&
           (at + len == text.len || !ascii_is_alnum(text.ptr[at + len]));
}

/* How long the value is, escaped, at the start of `text`; 0: it is not there. */
static size_t match_encoded(struct bytes text, struct bytes value, enum escapes escapes)
{
    size_t len = 0, used = 1;
    for (size_t i = 0; i < value.len && used; i++) {
        used = match_byte(bytes_from(text, len), value.ptr[i], escapes);
        len += used;
    }
    return used ? len : 0;
}

/* Where the value is in the text, escaped: where it stands alone, or the first; .ptr NULL: nowhere.
 */
static struct bytes find_encoded(struct bytes text, struct bytes value, enum escapes escapes)
{
    struct bytes first = {0};
    for (size_t at = 0; at < text.len; at++) {
        size_t len = match_encoded(bytes_from(text, at), value, escapes);
        if (!len)
            continue;
        if (stands_alone(text, at, len))
            return bytes_make(text.ptr + at, len);
        if (!first.ptr)
            first = bytes_make(text.ptr + at, len);
    }
    return first;
}

/* The same as it is. */
static struct bytes find_plain(struct bytes text, struct bytes value)
{
    struct bytes first = {0}, rest = text;
    const char *found;
    while (rest.len && (found = memmem(rest.ptr, rest.len, value.ptr, value.len))) {
        size_t at = (size_t)(found - text.ptr);
        if (stands_alone(text, at, value.len))
            return bytes_make(found, value.len);
        if (!first.ptr)
            first = bytes_make(found, value.len);
        rest = bytes_from(text, at + 1);
    }
    return first;
}

/* What a JSON string has next, its escape undone: bytes used. A backslash that begins none is one
 * byte. */
static size_t take_json(struct bytes text, char out[4], size_t *ret_len)
{
    size_t used = text.ptr[0] == '\\' ? json_take_escape(text, out, ret_len) : 0;
    if (used)
        return used;
    out[0] = text.ptr[0];
    *ret_len = 1;
    return 1;
}

/* How long the value is at the start of a JSON string's text, however it is escaped; 0: it is not
 * there. */
static size_t match_json(struct bytes text, struct bytes value)
{
    size_t len = 0, out_len;
    char out[4];
    while (value.len && len < text.len) {
        len += take_json(bytes_from(text, len), out, &out_len);
        if (!bytes_starts_with(value, bytes_make(out, out_len)))
            return 0;
        value = bytes_from(value, out_len);
    }
    return value.len ? 0 : len;
}

/* As find_encoded() does. Clients differ in what they escape: '/' and letters beyond ASCII. */
static struct bytes find_in_json(struct bytes text, struct bytes value)
{
    struct bytes first = {0};
    char out[4], before = '\0';
    for (size_t at = 0, out_len; at < text.len;) {
        size_t len = match_json(bytes_from(text, at), value);
        struct bytes rest = bytes_from(text, at + len);
        if (len && !first.ptr)
            first = bytes_make(text.ptr + at, len);
        if (len && rest.len)
            take_json(rest, out, &out_len);
        if (len && !ascii_is_alnum(before) && (!rest.len || !ascii_is_alnum(out[0])))
            return bytes_make(text.ptr + at, len);
        at += take_json(bytes_from(text, at), out, &out_len);
        before = out[out_len - 1];
    }
    return first;
}

static enum value_form where_of(const struct located *located)
{
    switch (located->writing) {
    case PLACE_WRITTEN_PERCENT:
    case PLACE_WRITTEN_FORM:
        return VALUE_PERCENT;
    case PLACE_WRITTEN_JSON_STRING:
        return VALUE_IN_JSON;
    case PLACE_WRITTEN_HTML:
        return VALUE_IN_BODY | VALUE_HTML;
    case PLACE_WRITTEN_JSON_WORD:
    case PLACE_WRITTEN_PLAIN:
        break;
    }
    if (located->is_filename)
        return VALUE_IN_FILENAME;
    return located->is_in_body ? VALUE_IN_BODY : VALUE_AS_IS;
}

/* `value` as it may stand: *ret_found of located->text; .ptr NULL: it does not. */
static void find_raw(const struct located *located, struct bytes value, enum value_form *ret_form,
                     struct bytes *ret_found)
{
    *ret_form = where_of(located);
    if (located->writing == PLACE_WRITTEN_JSON_STRING)
        *ret_found = find_in_json(located->text, value);
    else if (located->writing == PLACE_WRITTEN_HTML)
        *ret_found = find_encoded(located->text, value, BY_REFERENCE);
    else
        *ret_found = find_plain(located->text, value);
    /* Where nothing shows whether it would be encoded it is: a live value may need it. */
    if (is_target_like(located) && value_form_len(VALUE_PERCENT, value) != value.len)
        *ret_form = VALUE_IN_TARGET;
}

/* The '=' behind base64, which a target may have as %3D and JSON as \u003d. */
static struct bytes with_padding(const struct located *located, struct bytes found)
{
    struct bytes text = located->text;
    struct bytes rest =
        bytes_make(found.ptr + found.len, (size_t)(text.ptr + text.len - found.ptr) - found.len);
    bool is_json = located->writing == PLACE_WRITTEN_JSON_STRING;
    for (int i = 0; i < 2; i++) {
        size_t used = is_json ? match_json(rest, bytes_of("=")) : match_byte(rest, '=', BY_PERCENT);
        found.len += used;
        rest = bytes_from(rest, used);
    }
    return found;
}

static int find_written(const struct located *located, enum value_form coding, struct bytes value,
                        struct bytes *ret_found)
{
    size_t room_len = 6 * value.len + 8;
    char *room = malloc(room_len);
    if (!room)
        return -1;
    ssize_t len = value_form_code(coding, value, room, room_len);
    struct bytes coded = bytes_make(room, len < 0 ? 0 : (size_t)len);
    if (is_target_like(located))
        *ret_found = find_encoded(located->text, coded, BY_PERCENT);
    else if (located->writing == PLACE_WRITTEN_JSON_STRING)
        *ret_found = find_in_json(located->text, coded);
    else if (coding == VALUE_HTML) /* servers differ in which references they write */
        *ret_found = find_encoded(located->text, value, BY_REFERENCE);
    else
        *ret_found = find_plain(located->text, coded);
    free(room);
    return 0;
}

static int find_coded(const struct located *located, enum value_form coding, struct bytes value,
                      enum value_form *ret_form, struct bytes *ret_found)
{
    bool is_base64 = coding == VALUE_BASE64 || coding == VALUE_BASE64URL;
    enum value_form where = where_of(located) & VALUE_WHERE;
    enum value_form bare = coding == VALUE_BASE64 ? VALUE_BASE64_BARE : VALUE_BASE64URL_BARE;
    if (find_written(located, is_base64 ? bare : coding, value, ret_found))
        return -1;
    if (!ret_found->ptr && coding == VALUE_HEX) {
        coding = VALUE_HEX_UPPER;
        if (find_written(located, coding, value, ret_found))
            return -1;
    }
    if (ret_found->ptr && is_base64) {
        struct bytes padded = with_padding(located, *ret_found);
        bool shows_nothing = value.len % 3 == 0;
        if (shows_nothing ? coding == VALUE_BASE64URL : padded.len == ret_found->len)
            coding = bare;
        *ret_found = padded;
    }
    *ret_form = where | coding;
    return 0;
}

/* The form that the place and the binding's word come to, and the value in the text by it. */
static int find_in_text(const struct located *located, const struct row *row,
                        enum value_form *ret_form, struct bytes *ret_found)
{
    struct bytes word = row->form_word, value = row->value;
    enum value_form coding = coding_of(word);
    bool is_form = located->writing == PLACE_WRITTEN_FORM;
    if (coding)
        return find_coded(located, coding, value, ret_form, ret_found);
    if (bytes_equal(word, bytes_of("percent")) || bytes_equal(word, bytes_of("plus"))) {
        *ret_form = word.len == 4 ? VALUE_PLUS : VALUE_PERCENT;
        *ret_found = find_encoded(located->text, value,
                                  is_form || word.len == 4 ? BY_PERCENT_AND_PLUS : BY_PERCENT);
        return 0;
    }
    find_raw(located, value, ret_form, ret_found);
    if (!ret_found->ptr && is_target_like(located)) { /* however it is */
        *ret_form = is_form ? VALUE_PLUS : VALUE_PERCENT;
        *ret_found = find_encoded(located->text, value, is_form ? BY_PERCENT_AND_PLUS : BY_PERCENT);
    }
    return 0;
}

static bool is_form_word(struct bytes word)
{
    return word.len == 0 || coding_of(word) || bytes_equal(word, bytes_of("raw")) ||
           bytes_equal(word, bytes_of("percent")) || bytes_equal(word, bytes_of("plus"));
}

int plan_try_use(struct binder *binder, struct row *row, const char **ret_why)
{
    struct located located;
    struct bytes found = {0};
    *ret_why = is_form_word(row->form_word)
                   ? locate(binder, row, &located)
                   : "form: there are raw, percent, plus, html, base64, base64url and hex";
    if (*ret_why)
        return NOT_USED;
    if (find_in_text(&located, row, &row->form, &found))
        return -1;
    if (!found.ptr) {
        *ret_why = "the value of the recorded answer is not in used_place";
        return NOT_USED;
    }
    row->use = (struct use){
        .step = row->consumer,
        .is_in_cookies = located.is_in_cookies,
        .producer = row->producer,
        .binding_id = row->binding_id,
        .own = OWN_NONE,
        .slot = {.is_in_body = located.is_in_body,
                 .at = (uint32_t)(found.ptr - located.part.ptr),
                 .len = (uint32_t)found.len},
    };
    return 0;
}

int plan_find_use(struct binder *binder, struct row *row)
{
    const char *why;
    int result = plan_try_use(binder, row, &why);
    return result == NOT_USED ? plan_lose_row(binder, row, why) : result;
}
