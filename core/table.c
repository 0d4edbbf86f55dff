/* table.c - rows of text printed as aligned columns. */
#include "core/table.h"

#include <stdarg.h>

struct table_row {
    struct table_row *next;
    size_t cell_count;
    const char *cells[TABLE_MAX_COLUMNS];
};

void table_init(struct table *table, const char *headings, size_t max_bytes)
{
    *table = (struct table){0};
    arena_init(&table->arena, max_bytes);
    struct bytes rest = bytes_of(headings), part;
    while (bytes_split(&rest, '|', &part) && table->column_count < TABLE_MAX_COLUMNS) {
        bool is_right = part.len && part.ptr[0] == '>';
        table->is_right_aligned[table->column_count] = is_right;
        struct bytes copy = arena_copy(&table->arena, bytes_from(part, is_right));
        table->headings[table->column_count++] = copy.ptr ? copy.ptr : "";
    }
}

void table_fini(struct table *table)
{
    arena_fini(&table->arena);
}

void table_row(struct table *table)
{
    struct table_row *row = arena_zalloc(&table->arena, sizeof *row);
    if (!row)
        return;
    if (table->last)
        table->last->next = row;
    else
        table->first = row;
    table->last = row;
}

void table_cell(struct table *table, const char *format, ...)
{
    struct table_row *row = table->last;
    if (!row || row->cell_count == table->column_count)
        return;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '.';
    }
    struct bytes copy = arena_copy(&table->arena, bytes_of(text));
    row->cells[row->cell_count++] = copy.ptr ? copy.ptr : "";
}

/* Columns on a terminal, not bytes: continuation bytes of UTF-8 take no room. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_cells(const struct table *table, const char *const *cells, size_t count,
                        const size_t *widths, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        size_t used = width_of(cells[i]);
        int padding = (int)(widths[i] > used ? widths[i] - used : 0);
        bool is_last = i + 1 == count;
        if (table->is_right_aligned[i])
            fprintf(out, "%*s%s", padding, "", cells[i]);
        else
            fprintf(out, "%s%*s", cells[i], is_last ? 0 : padding, "");
        fputs(is_last ? "\n" : "  ", out);
    }
}

void table_print(struct table *table, FILE *out)
{
    size_t widths[TABLE_MAX_COLUMNS] = {0};
    for (size_t i = 0; i < table->column_count; i++)
        widths[i] = width_of(table->headings[i]);
    for (const struct table_row *row = table->first; row; row = row->next) {
        for (size_t i = 0; i < row->cell_count; i++) {
            size_t width = width_of(row->cells[i]);
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    print_cells(table, table->headings, table->column_count, widths, out);
    for (const struct table_row *row = table->first; row; row = row->next)
        print_cells(table, row->cells, row->cell_count, widths, out);
    table->first = table->last = NULL;
}
