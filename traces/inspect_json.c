/* inspect_json.c - one JSON object on one line, built field by field. */
#include "traces/inspect_json.h"

#include <jansson.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/text_codings.h"
#include "traces/printable.h"
#include "traces/trace.h"

enum { MAX_TEXT_BYTES = 1 << 30, MAX_NAME_BYTES = 128 };

void json_line_start(struct json_line *line)
{
    line->root = json_object();
    line->open = line->root;
    line->has_failed = !line->root;
}

static void set(struct json_line *line, const char *name, json_t *value)
{
    if (!line->open || !value || json_object_set_new(line->open, name, value) != 0)
        line->has_failed = true;
}

/* A string of valid UTF-8 made from any bytes. */
static json_t *replaced(struct bytes text)
{
    struct buf buf = BUF_INIT(MAX_TEXT_BYTES);
    while (text.len) {
        size_t len = utf8_length(text);
        if (len)
            buf_append(&buf, text.ptr, len);
        else
            buf_append_text(&buf, "\xef\xbf\xbd");
        text = bytes_from(text, len ? len : 1);
    }
    json_t *value =
        buf_failed(&buf) ? NULL : json_stringn(buf_bytes(&buf).ptr, buf_bytes(&buf).len);
    buf_fini(&buf);
    return value;
}

static json_t *hex(struct bytes bytes)
{
    struct buf buf = BUF_INIT(MAX_TEXT_BYTES);
    char *room = buf_reserve(&buf, 2 * bytes.len);
    if (room)
        buf_commit(&buf, (size_t)hex_write(bytes, false, room, 2 * bytes.len));
    json_t *value =
        buf_failed(&buf) ? NULL : json_stringn(buf_bytes(&buf).ptr, buf_bytes(&buf).len);
    buf_fini(&buf);
    return value;
}

void json_line_text(struct json_line *line, const char *name, struct bytes text)
{
    if (is_utf8(text)) {
        set(line, name, json_stringn(text.ptr ? text.ptr : "", text.len));
        return;
    }
    char hex_name[MAX_NAME_BYTES];
    snprintf(hex_name, sizeof hex_name, "%s_hex", name);
    set(line, name, replaced(text));
    set(line, hex_name, hex(text));
}

void json_line_int(struct json_line *line, const char *name, int64_t value)
{
    set(line, name, json_integer(value));
}

void json_line_count(struct json_line *line, const char *name, uint64_t value)
{
    json_line_int(line, name, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

void json_line_real(struct json_line *line, const char *name, double value)
{
    set(line, name, json_real(value));
}

void json_line_bool(struct json_line *line, const char *name, bool value)
{
    set(line, name, json_boolean(value));
}

void json_line_id(struct json_line *line, const char *name, int64_t id)
{
    set(line, name, id ? json_integer(id) : json_null());
}

void json_line_moment(struct json_line *line, const char *name, int64_t us)
{
    set(line, name, us != TRACE_NO_MOMENT ? json_integer(us) : json_null());
}

void json_line_headers(struct json_line *line, const char *name, struct bytes headers)
{
    json_t *list = json_array();
    struct bytes header;
    struct json_line item;
    while (bytes_split(&headers, '\n', &header)) {
        if (!header.len)
            continue;
        size_t colon = bytes_index_of(header, ':');
        json_line_start(&item);
        json_line_text(&item, "name", bytes_make(header.ptr, colon));
        json_line_text(&item, "value", bytes_trim(bytes_from(header, colon + 1)));
        if (item.has_failed)
            line->has_failed = true;
        if (json_array_append_new(list, item.root) != 0)
            line->has_failed = true;
    }
    set(line, name, list);
}

void json_line_open(struct json_line *line, const char *name)
{
    json_t *object = json_object();
    set(line, name, object);
    if (!line->has_failed)
        line->open = object;
}

void json_line_close(struct json_line *line)
{
    line->open = line->root;
}

int json_line_end(struct json_line *line, FILE *out, struct error *err)
{
    int result = 0;
    if (line->has_failed)
        result = error_set(err, EXIT_TOOL, "out of memory for a line of JSON");
    else if (json_dumpf(line->root, out, JSON_COMPACT) != 0 || fputc('\n', out) == EOF)
        result = error_set(err, EXIT_TOOL, "cannot write to standard output");
    json_decref(line->root);
    *line = (struct json_line){0};
    return result;
}
