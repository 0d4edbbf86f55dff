/* printable.c - recorded bytes shown to people. */
#include "traces/printable.h"

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The code point of a sequence whose lead and length fit; is it one that this length may hold? */
static bool is_shortest_form(struct bytes bytes, size_t len)
{
    unsigned char lead = (unsigned char)bytes.ptr[0], second = (unsigned char)bytes.ptr[1];
    if (len == 2)
        return lead >= 0xc2;
    if (len == 3)
        return !(lead == 0xe0 && second < 0xa0) && !(lead == 0xed && second >= 0xa0);
    return lead <= 0xf4 && !(lead == 0xf0 && second < 0x90) && !(lead == 0xf4 && second >= 0x90);
}

size_t utf8_length(struct bytes bytes)
{
    if (!bytes.len)
        return 0;
    unsigned char lead = (unsigned char)bytes.ptr[0];
    if (lead < 0x80)
        return 1;
    size_t len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc0 || lead > 0xf7 || len > bytes.len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if (!is_continuation(bytes.ptr[i]))
            return 0;
    }
    return is_shortest_form(bytes, len) ? len : 0;
}

bool is_utf8(struct bytes bytes)
{
    while (bytes.len) {
        size_t len = utf8_length(bytes);
        if (!len)
            return false;
        bytes = bytes_from(bytes, len);
    }
    return true;
}

/* C0, DEL, or C1 (U+0080 to U+009F), of a valid character. */
static bool is_control(struct bytes bytes, size_t len)
{
    unsigned char lead = (unsigned char)bytes.ptr[0];
    if (len == 1)
        return lead < 0x20 || lead == 0x7f;
    return len == 2 && lead == 0xc2 && (unsigned char)bytes.ptr[1] < 0xa0;
}

static bool is_line_space(char c)
{
    return c == '\t' || c == '\n' || c == '\r';
}

bool is_readable(struct bytes bytes)
{
    while (bytes.len) {
        size_t len = utf8_length(bytes);
        if (!len || (is_control(bytes, len) && !is_line_space(bytes.ptr[0])))
            return false;
        bytes = bytes_from(bytes, len);
    }
    return true;
}

struct bytes utf8_cut(struct bytes bytes, size_t most)
{
    if (bytes.len <= most)
        return bytes;
    for (size_t back = 0; back < 4 && back < most; back++) {
        if (!is_continuation(bytes.ptr[most - back])) {
            most -= back;
            break;
        }
    }
    return bytes_make(bytes.ptr, most);
}

static void print_line(FILE *out, struct bytes line)
{
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    while (line.len) {
        size_t len = utf8_length(line);
        if (len && (!is_control(line, len) || line.ptr[0] == '\t'))
            fwrite(line.ptr, 1, len, out);
        else
            fputc('.', out);
        line = bytes_from(line, len ? len : 1);
    }
    fputc('\n', out);
}

void print_lines(FILE *out, const char *indent, struct bytes text)
{
    struct bytes line;
    while (bytes_split(&text, '\n', &line)) {
        bool is_behind_the_last_end = !line.len && !text.ptr;
        if (is_behind_the_last_end)
            break;
        fputs(indent, out);
        print_line(out, line);
    }
}

void print_hex(FILE *out, struct bytes bytes, size_t most)
{
    for (size_t i = 0; i < bytes.len && i < most; i++)
        fprintf(out, "%s%02x", i ? " " : "", (unsigned char)bytes.ptr[i]);
    if (bytes.len > most)
        fputs(" ...", out);
}
