/* html_references.c - HTML's character references, written and undone. */
#include "core/html_references.h"

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

size_t html_reference(struct bytes text, uint32_t *ret_code)
{
    if (!text.len || text.ptr[0] != '&')
        return 0;
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

ssize_t html_read(struct bytes text, char *out, size_t out_size)
{
    size_t len = 0;
    while (text.len) {
        char piece[4] = {text.ptr[0]};
        size_t piece_len = 1;
        uint32_t code;
        size_t used = html_reference(text, &code);
        if (used)
            piece_len = put_utf8(code, piece);
        if (piece_len > out_size - len)
            return -1;
        memcpy(out + len, piece, piece_len);
        len += piece_len;
        text = bytes_from(text, used ? used : 1);
    }
    return (ssize_t)len;
}

static const char *escape_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

ssize_t html_write(struct bytes text, char *out, size_t out_size)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *escape = escape_of(text.ptr[i]);
        struct bytes piece = escape ? bytes_of(escape) : bytes_make(text.ptr + i, 1);
        if (piece.len > out_size - len)
            return -1;
        memcpy(out + len, piece.ptr, piece.len);
        len += piece.len;
    }
    return (ssize_t)len;
}
