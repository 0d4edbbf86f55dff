/* decode.c - undoes %XX, base64, the escapes of JSON, HTML and quoted-strings, and JSON Web Tokens.
 */
#include "traces/places/decode.h"

#include "core/html_references.h"
#include "core/json_lex.h"
#include "core/text_codings.h"

enum { BASE64_MAX_PADDING = 2 };

static const struct bytes nothing = {0};

/* What was written into the room; `len` is -1 when it could not be. */
static struct bytes text_in(struct room room, ssize_t len)
{
    return len < 0 ? nothing : bytes_make(room.ptr, (size_t)len);
}

struct bytes decode_percent(struct bytes written, bool plus_is_space, struct room room)
{
    if (bytes_index_of(written, '%') == written.len &&
        (!plus_is_space || bytes_index_of(written, '+') == written.len))
        return written;
    return text_in(room, percent_read(written, plus_is_space, room.ptr, room.len));
}

struct bytes decode_base64(struct bytes written, struct room room)
{
    struct bytes digits = base64_without_padding(written);
    if (written.len - digits.len > BASE64_MAX_PADDING)
        return nothing;
    return text_in(room, base64_read(digits, BASE64_EITHER, room.ptr, room.len));
}

struct bytes decode_json(struct bytes written, struct room room)
{
    if (bytes_index_of(written, '\\') == written.len)
        return written;
    return text_in(room, json_unescape(written, room.ptr, room.len));
}

struct bytes decode_html(struct bytes written, struct room room)
{
    if (bytes_index_of(written, '&') == written.len)
        return written;
    return text_in(room, html_read(written, room.ptr, room.len));
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
