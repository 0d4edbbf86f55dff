/* json_scan.c - walks down JSON text along the pointers that are wanted, and past everything else.
 */
#include "core/json_scan.h"

struct scan {
    const char *at, *end;
    struct json_wanted *wanted;
    size_t count, found;
    uint32_t depth; /* of open containers */
    bool is_array[JSON_MAX_DEPTH];
    uint32_t index[JSON_MAX_DEPTH]; /* in the array, of the value in hand */
};

bool json_pointer_is_valid(struct bytes pointer)
{
    if (pointer.len && pointer.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < pointer.len; i++) {
        bool is_escape = pointer.ptr[i] == '~';
        if (is_escape &&
            (i + 1 == pointer.len || (pointer.ptr[i + 1] != '0' && pointer.ptr[i + 1] != '1')))
            return false;
    }
    return true;
}

/* --- text --------------------------------------------------------------------------------- */

static size_t put_utf8(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(first[len] | code);
    return len;
}

/* The four digits of a \u escape; -1 when they are not. */
static int32_t hex4(struct bytes text)
{
    int32_t value = 0;
    if (text.len < 4)
        return -1;
    for (size_t i = 0; i < 4; i++) {
        int digit = ascii_hex_value(text.ptr[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* One escape at the start of `text`, as UTF-8 into `out`: bytes of text used, or 0 when it is none.
 */
static size_t take_escape(struct bytes text, char out[4], size_t *ret_len)
{
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (text.len < 2)
        return 0;
    *ret_len = 1;
    if (text.ptr[1] != 'u') {
        const char *found = text.ptr[1] ? strchr(letters, text.ptr[1]) : NULL;
        out[0] = found ? values[found - letters] : 0;
        return found ? 2 : 0;
    }
    int32_t code = hex4(bytes_from(text, 2));
    if (code < 0 || (code >= 0xdc00 && code < 0xe000))
        return 0;
    if (code < 0xd800 || code >= 0xe000) {
        *ret_len = put_utf8((uint32_t)code, out);
        return 6;
    }
    struct bytes low_half = bytes_from(text, 6);
    if (!bytes_starts_with(low_half, bytes_of("\\u")))
        return 0;
    int32_t low = hex4(bytes_from(low_half, 2));
    if (low < 0xdc00 || low >= 0xe000)
        return 0;
    *ret_len =
        put_utf8(0x10000u + ((uint32_t)(code - 0xd800) << 10) + (uint32_t)(low - 0xdc00), out);
    return 12;
}

ssize_t json_unescape(struct bytes written, char *out, size_t out_size)
{
    size_t len = 0;
    while (written.len) {
        size_t plain = bytes_index_of(written, '\\');
        if (plain > out_size - len)
            return -1;
        if (plain)
            memcpy(out + len, written.ptr, plain);
        len += plain;
        written = bytes_from(written, plain);
        if (!written.len)
            break;
        char text[4];
        size_t text_len, used = take_escape(written, text, &text_len);
        if (!used || text_len > out_size - len)
            return -1;
        memcpy(out + len, text, text_len);
        len += text_len;
        written = bytes_from(written, used);
    }
    return (ssize_t)len;
}

ssize_t json_escape(struct bytes text, char *out, size_t out_size)
{
    static const char hex[] = "0123456789abcdef";
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        size_t need = c < 0x20 ? 6 : c == '"' || c == '\\' ? 2 : 1;
        if (need > out_size - len)
            return -1;
        if (need == 6) {
            memcpy(out + len, "\\u00", 4);
            out[len + 4] = hex[c >> 4];
            out[len + 5] = hex[c & 15];
        } else {
            if (need == 2)
                out[len] = '\\';
            out[len + need - 1] = (char)c;
        }
        len += need;
    }
    return (ssize_t)len;
}

/* --- pointers ----------------------------------------------------------------------------- */

/* The pointer's token at token_at, without its '/'. */
static struct bytes token_of(const struct json_wanted *wanted)
{
    struct bytes rest = bytes_from(wanted->pointer, wanted->token_at + 1);
    return bytes_make(rest.ptr, bytes_index_of(rest, '/'));
}

/* An object's name as written, and a token: the same once the escapes of both are undone? */
static bool is_same_name(struct bytes name, struct bytes token)
{
    while (name.len) {
        char text[4] = {name.ptr[0]};
        size_t text_len = 1, used = 1;
        if (name.ptr[0] == '\\' && !(used = take_escape(name, text, &text_len)))
            return false;
        name = bytes_from(name, used);
        for (size_t i = 0; i < text_len; i++) {
            bool is_escape = token.len > 1 && token.ptr[0] == '~';
            if (!token.len)
                return false;
            if ((is_escape ? token.ptr[1] == '0' ? '~' : '/' : token.ptr[0]) != text[i])
                return false;
            token = bytes_from(token, is_escape ? 2 : 1);
        }
    }
    return token.len == 0;
}

static bool names_match(struct bytes name, struct bytes token)
{
    return bytes_equal(name, token) ? bytes_index_of(name, '\\') == name.len
                                    : is_same_name(name, token);
}

/* RFC 6901 section 4: digits without a leading zero. */
static bool is_index(struct bytes token, uint32_t index)
{
    uint64_t value;
    return bytes_to_u64(token, &value) && value == index && (token.len == 1 || token.ptr[0] != '0');
}

/* Is this the way to a value inside the one in hand (`is_whole`: to itself)? */
static bool is_on_way(const struct scan *scan, const struct json_wanted *wanted, bool is_whole)
{
    return !wanted->found.ptr && wanted->tokens == scan->depth &&
           (wanted->token_at == wanted->pointer.len) == is_whole;
}

/* Into the value named `name`, or into the next of an array. True when something is wanted there.
 */
static bool step_in(struct scan *scan, struct bytes name)
{
    uint32_t level = scan->depth - 1;
    bool is_any = false;
    for (size_t i = 0; i < scan->count; i++) {
        struct json_wanted *wanted = &scan->wanted[i];
        if (wanted->found.ptr || wanted->tokens != level || wanted->token_at == wanted->pointer.len)
            continue;
        struct bytes token = token_of(wanted);
        if (scan->is_array[level] ? !is_index(token, scan->index[level])
                                  : !names_match(name, token))
            continue;
        wanted->tokens++;
        wanted->token_at += (uint32_t)token.len + 1;
        is_any = true;
    }
    return is_any;
}

/* Out of the value that step_in() went into. */
static void step_out(struct scan *scan)
{
    for (size_t i = 0; i < scan->count; i++) {
        struct json_wanted *wanted = &scan->wanted[i];
        if (wanted->found.ptr || wanted->tokens != scan->depth)
            continue;
        wanted->tokens--;
        while (wanted->pointer.ptr[--wanted->token_at] != '/')
            continue;
    }
}

/* --- the walk ----------------------------------------------------------------------------- */

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\t' || *scan->at == '\r'))
        scan->at++;
}

/* Standing on a quote: the string's content, and behind its other quote. */
static bool take_string(struct scan *scan, struct bytes *ret_content)
{
    const char *at = scan->at + 1;
    while (at < scan->end && *at != '"')
        at += *at == '\\' ? 2 : 1;
    if (at >= scan->end)
        return false;
    *ret_content = bytes_make(scan->at + 1, (size_t)(at - scan->at - 1));
    scan->at = at + 1;
    return true;
}

/* Standing on an opening bracket: behind the one that closes it. */
static bool skip_container(struct scan *scan)
{
    size_t open = 0;
    struct bytes content;
    while (scan->at < scan->end) {
        char c = *scan->at;
        if (c == '"') {
            if (!take_string(scan, &content))
                return false;
            continue;
        }
        scan->at++;
        if (c == '{' || c == '[')
            open++;
        else if ((c == '}' || c == ']') && --open == 0)
            return true;
    }
    return false;
}

/* RFC 8259 section 6. */
static bool is_number(struct bytes text)
{
    size_t i = text.len && text.ptr[0] == '-', start = i;
    while (i < text.len && ascii_is_digit(text.ptr[i]))
        i++;
    if (i == start || (text.ptr[start] == '0' && i > start + 1))
        return false;
    if (i < text.len && text.ptr[i] == '.') {
        start = ++i;
        while (i < text.len && ascii_is_digit(text.ptr[i]))
            i++;
        if (i == start)
            return false;
    }
    if (i < text.len && (text.ptr[i] | 0x20) == 'e') {
        i++;
        i += i < text.len && (text.ptr[i] == '+' || text.ptr[i] == '-');
        start = i;
        while (i < text.len && ascii_is_digit(text.ptr[i]))
            i++;
        if (i == start)
            return false;
    }
    return i == text.len;
}

/* A number or a word. */
static bool take_word(struct scan *scan, struct bytes *ret_word, enum json_kind *ret_kind)
{
    static const char *const words[] = {"true", "false", "null"};
    const char *start = scan->at;
    while (scan->at < scan->end && (ascii_is_digit(*scan->at) || ascii_is_alpha(*scan->at) ||
                                    *scan->at == '-' || *scan->at == '+' || *scan->at == '.'))
        scan->at++;
    *ret_word = bytes_make(start, (size_t)(scan->at - start));
    *ret_kind = JSON_SCAN_NUMBER;
    for (size_t i = 0; i < 3; i++) {
        if (bytes_equal(*ret_word, bytes_of(words[i]))) {
            *ret_kind = (enum json_kind)(JSON_SCAN_TRUE + i);
            return true;
        }
    }
    return is_number(*ret_word);
}

static void keep_found(struct scan *scan, struct bytes text, enum json_kind kind)
{
    for (size_t i = 0; i < scan->count; i++) {
        struct json_wanted *wanted = &scan->wanted[i];
        if (!is_on_way(scan, wanted, true))
            continue;
        wanted->found = text;
        wanted->kind = kind;
        scan->found++;
    }
}

static bool take_scalar(struct scan *scan, bool is_wanted)
{
    struct bytes text;
    enum json_kind kind = JSON_SCAN_STRING;
    bool is_good = *scan->at == '"' ? take_string(scan, &text) : take_word(scan, &text, &kind);
    if (is_good && is_wanted)
        keep_found(scan, text, kind);
    return is_good;
}

/* The value at scan->at: taken or passed over, or, a container on the way to something, opened. */
static bool begin_value(struct scan *scan, bool is_wanted, bool *ret_is_open)
{
    skip_space(scan);
    *ret_is_open = false;
    if (scan->at == scan->end)
        return false;
    if (*scan->at != '{' && *scan->at != '[')
        return take_scalar(scan, is_wanted);
    bool leads_on = false;
    for (size_t i = 0; is_wanted && i < scan->count; i++)
        leads_on |= is_on_way(scan, &scan->wanted[i], false);
    if (!leads_on || scan->depth == JSON_MAX_DEPTH)
        return skip_container(scan);
    scan->is_array[scan->depth] = *scan->at++ == '[';
    scan->index[scan->depth++] = 0;
    *ret_is_open = true;
    return true;
}

/* Past "name" and ':' of an object's next member; nothing to do in an array. */
static bool take_name(struct scan *scan, struct bytes *ret_name)
{
    *ret_name = (struct bytes){0};
    if (scan->is_array[scan->depth - 1])
        return true;
    skip_space(scan);
    if (scan->at == scan->end || *scan->at != '"' || !take_string(scan, ret_name))
        return false;
    skip_space(scan);
    return scan->at < scan->end && *scan->at++ == ':';
}

/* Behind a value: out of all containers that end here, and past the comma. False at the text's end.
 */
static bool end_value(struct scan *scan)
{
    while (scan->depth) {
        step_out(scan);
        skip_space(scan);
        if (scan->at == scan->end)
            return false;
        char c = *scan->at++;
        if (c == ',') {
            scan->index[scan->depth - 1]++;
            return true;
        }
        if (c != (scan->is_array[scan->depth - 1] ? ']' : '}'))
            return false;
        scan->depth--;
    }
    return false;
}

static bool is_empty_container(struct scan *scan)
{
    skip_space(scan);
    return scan->at < scan->end && (*scan->at == ']' || *scan->at == '}');
}

size_t json_find(struct bytes text, struct json_wanted *wanted, size_t count)
{
    struct scan scan = {.wanted = wanted, .count = count};
    bool is_open, is_wanted = true;
    if (bytes_starts_with(text, bytes_of("\xef\xbb\xbf"))) /* a byte order mark */
        text = bytes_from(text, 3);
    scan.at = text.ptr;
    scan.end = text.ptr + text.len;
    for (size_t i = 0; i < count; i++) {
        wanted[i].found = (struct bytes){0};
        wanted[i].tokens = wanted[i].token_at = 0;
    }
    if (text.len == 0 || !begin_value(&scan, true, &is_open))
        return scan.found;
    while (scan.found < count) {
        struct bytes name;
        if (is_open && is_empty_container(&scan)) {
            scan.at++;
            scan.depth--;
            is_open = false;
        }
        if (!is_open && !end_value(&scan))
            break;
        if (!take_name(&scan, &name))
            break;
        is_wanted = step_in(&scan, name);
        if (!begin_value(&scan, is_wanted, &is_open))
            break;
    }
    return scan.found;
}
