/* decode_html.c - undoes the character references of HTML and XML. */
#include "traces/places/decode.h"

/* HTML's named references for ASCII, of which XML has the first five, and the one that pages put
 * between words. What else HTML names is text for people, and no part of a value that a request
 * carries. */
static const struct reference {
    const char *name;
    uint32_t code;
} references[] = {
    {"amp", '&'},    {"lt", '<'},       {"gt", '>'},     {"quot", '"'},      {"apos", '\''},
    {"Tab", '\t'},   {"NewLine", '\n'}, {"excl", '!'},   {"num", '#'},       {"dollar", '$'},
    {"percnt", '%'}, {"lpar", '('},     {"rpar", ')'},   {"ast", '*'},       {"plus", '+'},
    {"comma", ','},  {"period", '.'},   {"sol", '/'},    {"colon", ':'},     {"semi", ';'},
    {"equals", '='}, {"quest", '?'},    {"commat", '@'}, {"lsqb", '['},      {"lbrack", '['},
    {"bsol", '\\'},  {"rsqb", ']'},     {"rbrack", ']'}, {"Hat", '^'},       {"lowbar", '_'},
    {"grave", '`'},  {"lcub", '{'},     {"lbrace", '{'}, {"verbar", '|'},    {"vert", '|'},
    {"rcub", '}'},   {"rbrace", '}'},   {"nbsp", 0xa0},  {"hyphen", 0x2010}, {"AMP", '&'},
    {"LT", '<'},     {"GT", '>'},       {"QUOT", '"'},
};

enum { MAX_REFERENCE_BYTES = 12 }; /* between '&' and ';' */

static size_t put_utf8(uint32_t code, char out[4])
{
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(first[len] | code);
    return len;
}

/* "#38" or "#x26". */
static bool number_of(struct bytes text, uint32_t *ret_code)
{
    bool is_hex = text.len > 1 && (text.ptr[1] | 0x20) == 'x';
    uint32_t code = 0;
    text = bytes_from(text, is_hex ? 2 : 1);
    for (size_t i = 0; i < text.len; i++) {
        int digit = ascii_hex_value(text.ptr[i]);
        if (digit < 0 || (!is_hex && digit > 9) || code > 0x10ffff)
            return false;
        code = code * (is_hex ? 16 : 10) + (uint32_t)digit;
    }
    *ret_code = code;
    return text.len && code && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

/* The reference at the start of `text`, which is a '&': bytes used, or 0 when it is none. */
static size_t take_reference(struct bytes text, uint32_t *ret_code)
{
    struct bytes name = bytes_from(text, 1);
    if (name.len > MAX_REFERENCE_BYTES + 1)
        name.len = MAX_REFERENCE_BYTES + 1;
    size_t end = bytes_index_of(name, ';');
    if (end == name.len)
        return 0;
    name.len = end;
    if (name.len && name.ptr[0] == '#')
        return number_of(name, ret_code) ? end + 2 : 0;
    for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
        if (bytes_equal(name, bytes_of(references[i].name))) {
            *ret_code = references[i].code;
            return end + 2;
        }
    }
    return 0;
}

struct bytes decode_html(struct bytes written, struct room room)
{
    size_t len = 0;
    if (bytes_index_of(written, '&') == written.len)
        return written;
    while (written.len) {
        char text[4] = {written.ptr[0]};
        size_t text_len = 1, used = 1;
        uint32_t code;
        if (written.ptr[0] == '&' && (used = take_reference(written, &code)))
            text_len = put_utf8(code, text);
        if (text_len > room.len - len)
            return (struct bytes){0};
        memcpy(room.ptr + len, text, text_len);
        len += text_len;
        written = bytes_from(written, used ? used : 1);
    }
    return bytes_make(room.ptr, len);
}
