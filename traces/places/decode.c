/* decode.c - undoes %XX, base64, JSON's escapes, those of a quoted-string, and JSON Web Tokens. */
#include "traces/places/decode.h"

#include "core/json_lex.h"

static const struct bytes nothing = {0};

struct bytes decode_percent(struct bytes written, bool plus_is_space, struct room room)
{
    size_t len = 0;
    if (bytes_index_of(written, '%') == written.len &&
        (!plus_is_space || bytes_index_of(written, '+') == written.len))
        return written;
    for (size_t i = 0; i < written.len; i++) {
        char c = written.ptr[i];
        if (c == '%' && written.len - i > 2) {
            int high = ascii_hex_value(written.ptr[i + 1]),
                low = ascii_hex_value(written.ptr[i + 2]);
            if (high >= 0 && low >= 0) {
                c = (char)(high << 4 | low);
                i += 2;
            }
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (len == room.len)
            return nothing;
        room.ptr[len++] = c;
    }
    return bytes_make(room.ptr, len);
}

/* -1 for what is in neither alphabet. */
static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (ascii_is_digit(c))
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

struct bytes decode_base64(struct bytes written, struct room room)
{
    uint32_t bits = 0;
    unsigned int bit_count = 0;
    size_t len = 0;
    for (int padding = 0; padding < 2 && written.len && written.ptr[written.len - 1] == '=';
         padding++)
        written.len--;
    if (written.len % 4 == 1)
        return nothing;
    for (size_t i = 0; i < written.len; i++) {
        int value = base64_value(written.ptr[i]);
        if (value < 0)
            return nothing;
        bits = (bits & 0x3ff) << 6 | (uint32_t)value;
        bit_count += 6;
        if (bit_count < 8)
            continue;
        bit_count -= 8;
        if (len == room.len)
            return nothing;
        room.ptr[len++] = (char)(bits >> bit_count & 0xff);
    }
    return bytes_make(room.ptr, len);
}

struct bytes decode_json(struct bytes written, struct room room)
{
    if (bytes_index_of(written, '\\') == written.len)
        return written;
    ssize_t len = json_unescape(written, room.ptr, room.len);
    return len < 0 ? nothing : bytes_make(room.ptr, (size_t)len);
}

struct bytes decode_quoted(struct bytes written, struct room room)
{
    size_t len = 0;
    if (bytes_index_of(written, '\\') == written.len)
        return written;
    for (size_t i = 0; i < written.len; i++) {
        i += written.ptr[i] == '\\' && i + 1 < written.len;
        if (len == room.len)
            return nothing;
        room.ptr[len++] = written.ptr[i];
    }
    return bytes_make(room.ptr, len);
}

struct bytes decode_jwt(struct bytes written, struct room room)
{
    struct bytes rest = bytes_trim(written), header, payload, json;
    for (size_t space = bytes_index_of(rest, ' '); space < rest.len;
         space = bytes_index_of(rest, ' '))
        rest = bytes_from(rest, space + 1);
    if (!bytes_split(&rest, '.', &header) || !bytes_split(&rest, '.', &payload) || !rest.ptr ||
        !header.len || !payload.len)
        return nothing;
    json = decode_base64(payload, room);
    return json.len && json.ptr[0] == '{' ? json : nothing;
}
