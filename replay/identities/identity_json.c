/* identity_json.c - JSON lines: each an object of texts, numbers and words with the same names. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay/identities/identity_rows.h"

enum { NUMBER_BYTES = 64 };

/* The text of a scalar, a view of it or of `room`; .ptr NULL: it is none. */
static struct bytes text_of(const json_t *value, char room[NUMBER_BYTES])
{
    if (json_is_string(value))
        return bytes_make(json_string_value(value), json_string_length(value));
    if (json_is_boolean(value))
        return bytes_of(json_is_true(value) ? "true" : "false");
    if (json_is_integer(value))
        snprintf(room, NUMBER_BYTES, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(room, NUMBER_BYTES, "%.15g", json_real_value(value));
    else
        return (struct bytes){0};
    return bytes_of(room);
}

static int add_columns(struct identity_rows *rows, json_t *object, size_t line, struct error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        if (identity_rows_add_column(rows, bytes_of(name), line, err))
            return -1;
    }
    if (rows->column_count == 0)
        return error_set(err, EXIT_INPUT, "line %zu: an object without names", line);
    return 0;
}

static int add_object(struct identity_rows *rows, json_t *object, size_t line, struct error *err)
{
    struct bytes cells[IDENTITY_MAX_COLUMNS];
    char(*rooms)[NUMBER_BYTES] = malloc(IDENTITY_MAX_COLUMNS * sizeof *rooms);
    int result = -1;
    if (!rooms)
        return error_set(err, EXIT_TOOL, "no memory for its rows");
    for (uint32_t i = 0; i < rows->column_count; i++) {
        const char *name = rows->columns[i].ptr;
        const json_t *value = json_object_get(object, name);
        cells[i] = text_of(value, rooms[i]);
        if (cells[i].ptr)
            continue;
        error_set(err, EXIT_INPUT,
                  value ? "line %zu: '%s' is no text, number, true or false"
                        : "line %zu has no '%s', which the first line has",
                  line, name);
        goto out;
    }
    if (json_object_size(object) != rows->column_count)
        error_set(err, EXIT_INPUT, "line %zu has %zu names, the first line has %u", line,
                  json_object_size(object), rows->column_count);
    else
        result = identity_rows_add_row(rows, cells, rows->column_count, line, err);
out:
    free(rooms);
    return result;
}

static int add_line(struct identity_rows *rows, struct bytes text, size_t line, struct error *err)
{
    json_error_t why;
    json_t *object = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);
    int result = -1;
    if (!object)
        return error_set(err, EXIT_INPUT, "line %zu: %s; JSON lines have one object a line", line,
                         why.text);
    if (!json_is_object(object))
        error_set(err, EXIT_INPUT, "line %zu is no JSON object", line);
    else if (rows->column_count || add_columns(rows, object, line, err) == 0)
        result = add_object(rows, object, line, err);
    json_decref(object);
    return result;
}

int identity_json_parse(struct identity_rows *rows, struct bytes content, struct error *err)
{
    struct bytes line;
    for (size_t number = 1; bytes_split(&content, '\n', &line); number++) {
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (bytes_trim(line).len && add_line(rows, line, number, err))
            return -1;
    }
    return 0;
}
