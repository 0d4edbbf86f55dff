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
    arena_init(&table->heading_arena, TABLE_MAX_HEADING_BYTES);
    struct bytes rest = bytes_of(headings), part;
    while (bytes_split(&rest, '|', &part) && table->column_count < TABLE_MAX_COLUMNS) {
        bool is_right = part.len && part.ptr[0] == '>';
        table->is_right_aligned[table->column_count] = is_right;
        struct bytes copy = arena_copy(&table->heading_arena, bytes_from(part, is_right));
        table->headings[table->column_count++] = copy.ptr ? copy.ptr : "";
    }
}

void table_fini(struct table *table)
{
    arena_fini(&table->arena);
    arena_fini(&table->heading_arena);
}

void table_row(struct table *table)
{
    struct table_row *row = arena_zalloc(&table->arena, sizeof *row);
    table->is_row_open = row != NULL;
    if (!row) {
        table->dropped_rows++;
        return;
    }
    if (table->last)
        table->last->next = row;
    else
        table->first = row;
    table->last = row;
}

size_t table_printable_bytes(const char *bytes)
{
    const unsigned char *text = (const unsigned char *)bytes;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (text[0] < 0x80)
        return text[0] >= 0x20 && text[0] != 0x7f;
    size_t len = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    if (text[0] < 0xc0 || text[0] > 0xf4)
        return 0;
    uint32_t code = text[0] & (0xffU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    /* U+0080 to U+009F are control characters too: U+009B starts an escape sequence. */
    bool is_valid =
        code >= least[len] && code >= 0xa0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return is_valid ? len : 0;
}

static void make_printable(char *text)
{
    while (*text) {
        size_t len = table_printable_bytes(text);
        if (len == 0)
            *text = '.';
        text += len ? len : 1;
    }
}

void table_cell(struct table *table, const char *format, ...)
{
    struct table_row *row = table->last;
    if (!table->is_row_open || row->cell_count == table->column_count)
        return;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    make_printable(text);
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
    if (table->dropped_rows)
        fprintf(out, "(%zu more rows than fit here)\n", table->dropped_rows);
    table->first = table->last = NULL;
    table->is_row_open = false;
    table->dropped_rows = 0;
    arena_reset(&table->arena);
}
