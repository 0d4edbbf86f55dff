/* identity_csv.c - CSV as RFC 4180 has it: quotes around a field, doubled inside it. */
#include "replay/identities/identity_rows.h"

struct csv {
    struct bytes rest;
    size_t line;                           /* of rest, from 1 */
    struct buf text;                       /* the record's fields, one behind the other */
    size_t ends[IDENTITY_MAX_COLUMNS + 1]; /* of each field in it */
    size_t count;
    size_t record_line;
};

static int fail(size_t line, const char *what, struct error *err)
{
    return error_set(err, EXIT_INPUT, "line %zu: %s", line, what);
}

/* CRLF or LF; bytes of it, 0 where no line ends. */
static size_t line_end_len(struct bytes text)
{
    if (text.len && text.ptr[0] == '\n')
        return 1;
    return text.len > 1 && text.ptr[0] == '\r' && text.ptr[1] == '\n' ? 2 : 0;
}

static int read_quoted(struct csv *csv, struct error *err)
{
    size_t begun = csv->line;
    csv->rest = bytes_from(csv->rest, 1);
    while (csv->rest.len) {
        size_t len = bytes_index_of(csv->rest, '"');
        struct bytes part = bytes_make(csv->rest.ptr, len);
        for (size_t i = 0; i < len; i++)
            csv->line += part.ptr[i] == '\n';
        buf_append_bytes(&csv->text, part);
        csv->rest = bytes_from(csv->rest, len);
        if (!csv->rest.len)
            break;
        bool is_doubled = csv->rest.len > 1 && csv->rest.ptr[1] == '"';
        csv->rest = bytes_from(csv->rest, 1 + is_doubled);
        if (is_doubled) {
            buf_append_char(&csv->text, '"');
            continue;
        }
        if (csv->rest.len && csv->rest.ptr[0] != ',' && !line_end_len(csv->rest))
            return fail(csv->line,
                        "text behind a closing quote; a quote inside a field is "
                        "written twice",
                        err);
        return 0;
    }
    return fail(begun, "a quote that is never closed", err);
}

static int read_plain(struct csv *csv, struct error *err)
{
    size_t len = 0;
    for (; len < csv->rest.len && csv->rest.ptr[len] != ','; len++) {
        if (line_end_len(bytes_from(csv->rest, len)))
            break;
        if (csv->rest.ptr[len] == '"')
            return fail(csv->line, "a quote inside a field that does not begin with one", err);
        if (csv->rest.ptr[len] == '\r')
            return fail(csv->line, "a carriage return that ends no line", err);
    }
    buf_append(&csv->text, csv->rest.ptr, len);
    csv->rest = bytes_from(csv->rest, len);
    return 0;
}

/* 1 with a record, 0 at the end, -1 with err. Empty lines are none. */
static int next_record(struct csv *csv, struct error *err)
{
    size_t len;
    while ((len = line_end_len(csv->rest)) > 0) {
        csv->rest = bytes_from(csv->rest, len);
        csv->line++;
    }
    if (!csv->rest.len)
        return 0;
    buf_clear(&csv->text);
    csv->count = 0;
    csv->record_line = csv->line;
    for (;;) {
        bool is_quoted = csv->rest.len && csv->rest.ptr[0] == '"';
        if (is_quoted ? read_quoted(csv, err) : read_plain(csv, err))
            return -1;
        if (csv->count <= IDENTITY_MAX_COLUMNS)
            csv->ends[csv->count] = csv->text.len;
        csv->count++;
        if (!csv->rest.len || csv->rest.ptr[0] != ',')
            break;
        csv->rest = bytes_from(csv->rest, 1);
    }
    len = line_end_len(csv->rest);
    csv->rest = bytes_from(csv->rest, len);
    csv->line += len > 0;
    if (buf_failed(&csv->text))
        return error_set(err, EXIT_INPUT, "line %zu: longer than %u bytes", csv->record_line,
                         IDENTITY_MAX_CELL_BYTES * IDENTITY_MAX_COLUMNS);
    return 1;
}

static struct bytes field(const struct csv *csv, size_t number)
{
    size_t from = number ? csv->ends[number - 1] : 0;
    return bytes_make(buf_bytes(&csv->text).ptr + from, csv->ends[number] - from);
}

static int add_record(struct identity_rows *rows, const struct csv *csv, struct error *err)
{
    struct bytes cells[IDENTITY_MAX_COLUMNS];
    for (size_t i = 0; i < csv->count && i < rows->column_count; i++)
        cells[i] = field(csv, i);
    return identity_rows_add_row(rows, cells, csv->count, csv->record_line, err);
}

int identity_csv_parse(struct identity_rows *rows, struct bytes content, struct error *err)
{
    struct csv csv = {.rest = content, .line = 1};
    int more;
    buf_init(&csv.text, (size_t)IDENTITY_MAX_CELL_BYTES * IDENTITY_MAX_COLUMNS);
    more = next_record(&csv, err);
    for (size_t i = 0; more > 0 && i < csv.count; i++) {
        struct bytes name = i < IDENTITY_MAX_COLUMNS ? bytes_trim(field(&csv, i)) : bytes_of("?");
        if (identity_rows_add_column(rows, name, csv.record_line, err))
            more = -1;
    }
    while (more > 0 && (more = next_record(&csv, err)) > 0) {
        if (add_record(rows, &csv, err))
            more = -1;
    }
    buf_fini(&csv.text);
    return more;
}
