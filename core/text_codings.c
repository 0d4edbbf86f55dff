/* text_codings.c - base64, hexadecimal and percent encoding, written and read. */
#include "core/text_codings.h"

static const char hex_digits[2][17] = {"0123456789abcdef", "0123456789ABCDEF"};

/* --- base64 ------------------------------------------------------------------------------- */

int base64_value(char c, enum base64_alphabet alphabet)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (ascii_is_digit(c))
        return c - '0' + 52;
    if (alphabet != BASE64_URL && (c == '+' || c == '/'))
        return c == '+' ? 62 : 63;
    if (alphabet != BASE64_STANDARD && (c == '-' || c == '_'))
        return c == '-' ? 62 : 63;
    return -1;
}

struct bytes base64_without_padding(struct bytes text)
{
    while (text.len && text.ptr[text.len - 1] == '=')
        text.len--;
    return text;
}

ssize_t base64_read(struct bytes digits, enum base64_alphabet alphabet, char *out, size_t out_size)
{
    uint32_t bits = 0;
    size_t len = 0;
    if (digits.len % 4 == 1)
        return -1;
    for (size_t i = 0; i < digits.len; i++) {
        int value = base64_value(digits.ptr[i], alphabet);
        if (value < 0)
            return -1;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 == 0)
            continue;
        if (len == out_size)
            return -1;
        out[len++] = (char)(bits >> (6 - 2 * (i % 4)) & 0xff);
    }
    return (ssize_t)len;
}

ssize_t base64_write(struct bytes data, enum base64_alphabet alphabet, bool is_padded, char *out,
                     size_t out_size)
{
    static const char digits[2][65] = {
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    };
    size_t len = 0;
    for (size_t i = 0; i < data.len; i += 3) {
        size_t left = data.len - i < 3 ? data.len - i : 3;
        uint32_t bits = 0;
        if (out_size - len < (is_padded ? 4 : left + 1))
            return -1;
        for (size_t j = 0; j < 3; j++)
            bits = bits << 8 | (j < left ? (unsigned char)data.ptr[i + j] : 0);
        for (size_t j = 0; j < 4; j++) {
            if (j <= left)
                out[len++] = digits[alphabet == BASE64_URL][bits >> (18 - 6 * j) & 63];
            else if (is_padded)
                out[len++] = '=';
        }
    }
    return (ssize_t)len;
}

/* --- hexadecimal -------------------------------------------------------------------------- */

ssize_t hex_read(struct bytes digits, char *out, size_t out_size)
{
    if (digits.len % 2 || digits.len / 2 > out_size)
        return -1;
    for (size_t i = 0; i < digits.len; i += 2) {
        int high = ascii_hex_value(digits.ptr[i]), low = ascii_hex_value(digits.ptr[i + 1]);
        if (high < 0 || low < 0)
            return -1;
        out[i / 2] = (char)(high << 4 | low);
    }
    return (ssize_t)(digits.len / 2);
}

ssize_t hex_write(struct bytes data, bool is_upper, char *out, size_t out_size)
{
    if (data.len > out_size / 2)
        return -1;
    for (size_t i = 0; i < data.len; i++) {
        out[2 * i] = hex_digits[is_upper][(unsigned char)data.ptr[i] >> 4];
        out[2 * i + 1] = hex_digits[is_upper][(unsigned char)data.ptr[i] & 15];
    }
    return (ssize_t)(2 * data.len);
}

/* --- percent ------------------------------------------------------------------------------ */

int percent_value(struct bytes text)
{
    if (text.len < 3 || text.ptr[0] != '%')
        return -1;
    int high = ascii_hex_value(text.ptr[1]), low = ascii_hex_value(text.ptr[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

ssize_t percent_read(struct bytes text, bool plus_is_space, char *out, size_t out_size)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        int value = percent_value(bytes_make(text.ptr + i, text.len - i));
        if (len == out_size)
            return -1;
        if (value >= 0)
            i += 2;
        else if (plus_is_space && c == '+')
            value = ' ';
        out[len++] = value >= 0 ? (char)value : c;
    }
    return (ssize_t)len;
}

void percent_write_byte(unsigned char c, char out[3])
{
    out[0] = '%';
    out[1] = hex_digits[1][c >> 4];
    out[2] = hex_digits[1][c & 15];
}
