/* identity_rows_fuzz.c - any bytes as a file of users: refused with a reason, or a whole table. */
#include <assert.h>
#include <stdint.h>

#include "replay/identities/identity_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Its rows written as CSV and read again are the same. */
static void check_again(const struct identity_rows *rows)
{
    struct buf text = BUF_INIT(1 << 26);
    struct identity_rows again;
    struct error err;
    for (size_t row = 0; row <= rows->count; row++) {
        for (uint32_t i = 0; i < rows->column_count; i++) {
            struct bytes cell = row ? identity_rows_cell(rows, row - 1, i) : (struct bytes){0};
            buf_append_text(&text, i ? ",\"" : "\"");
            if (!row)
                buf_printf(&text, "c%u", i);
            for (size_t j = 0; j < cell.len; j++) {
                buf_append_char(&text, cell.ptr[j]);
                if (cell.ptr[j] == '"')
                    buf_append_char(&text, '"');
            }
            buf_append_char(&text, '"');
        }
        buf_append_text(&text, "\n");
    }
    int result = identity_rows_parse(&again, buf_bytes(&text), &err);
    assert(result == 0 && again.count == rows->count && again.column_count == rows->column_count);
    for (size_t row = 0; row < rows->count; row++) {
        for (uint32_t i = 0; i < rows->column_count; i++)
            assert(
                bytes_equal(identity_rows_cell(rows, row, i), identity_rows_cell(&again, row, i)));
    }
    identity_rows_fini(&again);
    buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct identity_rows rows;
    struct error err = {0};
    if (identity_rows_parse(&rows, bytes_make(data, size), &err) == 0)
        check_again(&rows);
    else
        assert(err.text[0] && err.exit_code == EXIT_INPUT);
    identity_rows_fini(&rows);
    return 0;
}
