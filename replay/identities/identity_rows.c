/* identity_rows.c - reads a file of users and keeps its rows. */
#include "replay/identities/identity_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/grow.h"

enum { MAX_NAMES_BYTES = 1 << 20, READ_BYTES = 1 << 16 };
/* Of one byte and a comma each cell: five bytes kept for two read. */
#define MAX_CELLS_BYTES (3u * (size_t)IDENTITY_MAX_FILE_BYTES)

static void init(struct identity_rows *rows)
{
    *rows = (struct identity_rows){.column_count = 0};
    buf_init(&rows->cells, MAX_CELLS_BYTES);
    arena_init(&rows->names, MAX_NAMES_BYTES);
}

void identity_rows_fini(struct identity_rows *rows)
{
    buf_fini(&rows->cells);
    arena_fini(&rows->names);
    free(rows->row_ends);
    *rows = (struct identity_rows){.column_count = 0};
}

static int no_memory(struct error *err)
{
    return error_set(err, EXIT_TOOL, "no memory for its rows");
}

int identity_rows_add_column(struct identity_rows *rows, struct bytes name, size_t line,
                             struct error *err)
{
    if (name.len == 0)
        return error_set(err, EXIT_INPUT, "line %zu: column %u has no name", line,
                         rows->column_count + 1);
    if (rows->column_count == IDENTITY_MAX_COLUMNS)
        return error_set(err, EXIT_INPUT, "line %zu: more than %d columns", line,
                         IDENTITY_MAX_COLUMNS);
    for (uint32_t i = 0; i < rows->column_count; i++) {
        if (bytes_equal(rows->columns[i], name))
            return error_set(err, EXIT_INPUT, "line %zu: two columns are named '%.*s'", line,
                             BYTES_ARG(name));
    }
    struct bytes kept = arena_copy(&rows->names, name);
    if (!kept.ptr)
        return error_set(err, EXIT_INPUT, "line %zu: the columns' names are longer than %d bytes",
                         line, MAX_NAMES_BYTES);
    rows->columns[rows->column_count++] = kept;
    return 0;
}

static int grow(struct identity_rows *rows)
{
    size_t *row_ends =
        grow_by_one(rows->row_ends, rows->count, &rows->capacity, sizeof *row_ends, SIZE_MAX);
    if (!row_ends)
        return -1;
    rows->row_ends = row_ends;
    return 0;
}

int identity_rows_add_row(struct identity_rows *rows, const struct bytes *cells, size_t count,
                          size_t line, struct error *err)
{
    if (count != rows->column_count)
        return error_set(err, EXIT_INPUT, "line %zu has %zu fields, the header has %u columns",
                         line, count, rows->column_count);
    if (grow(rows))
        return no_memory(err);
    for (size_t i = 0; i < count; i++) {
        if (cells[i].len > IDENTITY_MAX_CELL_BYTES)
            return error_set(err, EXIT_INPUT, "line %zu: '%.*s' is longer than %u bytes", line,
                             BYTES_ARG(rows->columns[i]), IDENTITY_MAX_CELL_BYTES);
        uint32_t len = (uint32_t)cells[i].len;
        buf_append(&rows->cells, &len, sizeof len);
        buf_append_bytes(&rows->cells, cells[i]);
    }
    if (buf_failed(&rows->cells))
        return no_memory(err);
    rows->row_ends[rows->count++] = rows->cells.len;
    return 0;
}

struct bytes identity_rows_cell(const struct identity_rows *rows, size_t row, uint32_t column)
{
    size_t at = row ? rows->row_ends[row - 1] : 0;
    uint32_t len;
    for (;; column--) {
        memcpy(&len, rows->cells.data + at, sizeof len);
        at += sizeof len;
        if (column == 0)
            return bytes_make(rows->cells.data + at, len);
        at += len;
    }
}

bool identity_rows_find_column(const struct identity_rows *rows, struct bytes name,
                               uint32_t *ret_column)
{
    uint32_t found = rows->column_count;
    for (uint32_t i = 0; i < rows->column_count; i++) {
        bool is_same = bytes_equal(rows->columns[i], name);
        if (!is_same && (found < rows->column_count || !bytes_equal_nocase(rows->columns[i], name)))
            continue;
        found = i;
        if (is_same)
            break;
    }
    *ret_column = found;
    return found < rows->column_count;
}

static int check_content(struct bytes content, struct error *err)
{
    static const struct {
        struct bytes mark;
        const char *name;
    } marks[] = {{{"\xff\xfe", 2}, "UTF-16"}, {{"\xfe\xff", 2}, "UTF-16"}};
    for (size_t i = 0; i < 2; i++) {
        if (bytes_starts_with(content, marks[i].mark))
            return error_set(err, EXIT_INPUT, "it is %s; save it as UTF-8", marks[i].name);
    }
    if (content.len && memchr(content.ptr, '\0', content.len))
        return error_set(err, EXIT_INPUT,
                         "it is no text: there is a NUL byte in it; CSV or JSON lines are read");
    return 0;
}

int identity_rows_parse(struct identity_rows *rows, struct bytes content, struct error *err)
{
    init(rows);
    if (check_content(content, err))
        return -1;
    if (bytes_starts_with(content, bytes_of("\xef\xbb\xbf")))
        content = bytes_from(content, 3);
    size_t start = 0;
    while (start < content.len && strchr(" \t\r\n", content.ptr[start]))
        start++;
    if (start == content.len)
        return error_set(err, EXIT_INPUT,
                         "it is empty: a header row and a row for each user are "
                         "wanted");
    bool is_json = content.ptr[start] == '{';
    if (is_json ? identity_json_parse(rows, content, err) : identity_csv_parse(rows, content, err))
        return -1;
    if (rows->count == 0)
        return error_set(err, EXIT_INPUT, "there are no rows behind its header");
    return 0;
}

static int too_large(struct error *err)
{
    return error_set(err, EXIT_INPUT, "it is larger than %u MB; cut it to the rows that are needed",
                     IDENTITY_MAX_FILE_BYTES >> 20);
}

static int read_all(int fd, struct buf *content, struct error *err)
{
    struct stat info;
    if (fstat(fd, &info) == 0 && info.st_size > (off_t)IDENTITY_MAX_FILE_BYTES)
        return too_large(err);
    for (;;) {
        char *room = buf_reserve(content, READ_BYTES);
        if (!room)
            return content->len + READ_BYTES > IDENTITY_MAX_FILE_BYTES ? too_large(err)
                                                                       : no_memory(err);
        ssize_t len = read(fd, room, READ_BYTES);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return error_set(err, EXIT_INPUT, "%s", strerror(errno));
        if (len == 0)
            return 0;
        buf_commit(content, (size_t)len);
    }
}

int identity_rows_open(struct identity_rows *rows, const char *path, struct error *err)
{
    /* A last read asks for room that a file of the maximum does not need. */
    struct buf content = BUF_INIT(IDENTITY_MAX_FILE_BYTES + READ_BYTES);
    int result = -1, fd = open(path, O_RDONLY | O_CLOEXEC);
    init(rows);
    if (fd < 0)
        error_set(err, EXIT_INPUT, "%s", strerror(errno));
    else if (read_all(fd, &content, err) == 0)
        result = identity_rows_parse(rows, buf_bytes(&content), err);
    if (fd >= 0)
        close(fd);
    buf_fini(&content);
    return result ? error_prefix(err, "--data %s", path) : 0;
}
