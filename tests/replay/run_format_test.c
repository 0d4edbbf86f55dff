/* run_format_test.c - RUN_FORMAT.md and the schema say the same, column by column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "replay/outcome.h"
#include "replay/results/run_sql.h"

enum { MAX_DOCUMENT_BYTES = 1 << 20 };

static char *document;

static int read_document(void **state)
{
    (void)state;
    FILE *file = fopen(TEST_SOURCE_DIR "/replay/results/RUN_FORMAT.md", "r");
    document = calloc(1, MAX_DOCUMENT_BYTES);
    if (!file || !document)
        return -1;
    size_t len = fread(document, 1, MAX_DOCUMENT_BYTES - 1, file);
    fclose(file);
    return len ? 0 : -1;
}

static int free_document(void **state)
{
    (void)state;
    free(document);
    return 0;
}

/* "table.column\n" for each, in order, of what SQLite made of the schema. */
static char *columns_of_schema(void)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    struct buf text = BUF_INIT(MAX_DOCUMENT_BYTES);
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, run_schema_sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db,
                           "SELECT t.name, c.name FROM sqlite_master AS t, "
                           "pragma_table_info(t.name) AS c WHERE t.type IN ('table', 'view') "
                           "ORDER BY t.name, c.cid",
                           -1, &statement, NULL),
        SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW)
        buf_printf(&text, "%s.%s\n", (const char *)sqlite3_column_text(statement, 0),
                   (const char *)sqlite3_column_text(statement, 1));
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return text.data;
}

struct section {
    char table[64];
    struct buf columns;
};

/* What stands between the first two backquotes of a line. */
static void quoted(char *out, size_t out_size, const char *line)
{
    const char *start = strchr(line, '`');
    size_t len = start ? strcspn(start + 1, "`") : 0;
    snprintf(out, out_size, "%.*s", (int)len, start ? start + 1 : "");
}

static int by_table(const void *a, const void *b)
{
    return strcmp(((const struct section *)a)->table, ((const struct section *)b)->table);
}

/* The same of the document: "### `table`", then a line "| `column` |" each. */
static char *columns_of_document(void)
{
    static struct section sections[64];
    size_t count = 0;
    struct buf text = BUF_INIT(MAX_DOCUMENT_BYTES);
    for (const char *line = document; line && *line;
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        char name[64];
        if (strncmp(line, "### `", 5) == 0) {
            assert_true(count < 64);
            buf_init(&sections[count].columns, MAX_DOCUMENT_BYTES);
            quoted(sections[count].table, sizeof sections[count].table, line);
            count++;
        } else if (strncmp(line, "| `", 3) == 0 && count) {
            quoted(name, sizeof name, line);
            buf_printf(&sections[count - 1].columns, "%s.%s\n", sections[count - 1].table, name);
        }
    }
    qsort(sections, count, sizeof *sections, by_table);
    for (size_t i = 0; i < count; i++) {
        buf_append_text(&text, buf_text(&sections[i].columns));
        buf_fini(&sections[i].columns);
    }
    return text.data;
}

static void every_column_is_documented_and_no_other(void **state)
{
    (void)state;
    char *schema = columns_of_schema(), *documented = columns_of_document();
    assert_non_null(strstr(schema, "total.receiving\n"));
    assert_string_equal(documented, schema);
    free(schema);
    free(documented);
}

static void every_failure_class_is_documented(void **state)
{
    (void)state;
    for (int i = 0; i < FAILURE_COUNT; i++) {
        char row[64];
        snprintf(row, sizeof row, "\n| `%s` | ", failure_name((enum failure)i));
        if (!strstr(document, row))
            fail_msg("no row of %s", failure_name((enum failure)i));
    }
}

static void the_numbers_that_name_the_format_are_documented(void **state)
{
    (void)state;
    char sentence[128];
    snprintf(sentence, sizeof sentence,
             "`application_id` is 0x%x (\"RpRn\"), `user_version` is %d.", RUN_APPLICATION_ID,
             RUN_VERSION);
    assert_non_null(strstr(document, sentence));
}

/* The rule of the document, written down again: bucket -> least value and how many. */
static void the_buckets_are_as_documented(void **state)
{
    (void)state;
    assert_non_null(strstr(document, "with\ns = (b - 256) / 128 + 1, bucket b holds the 2^s values "
                                     "from ((b - 256) mod 128 + 128) * 2^s."));
    for (uint32_t b = 0; b + 1 < HISTOGRAM_BUCKETS; b++) {
        uint64_t low = b, count = 1;
        if (b >= 256) {
            uint32_t s = (b - 256) / 128 + 1;
            low = (uint64_t)((b - 256) % 128 + 128) << s;
            count = UINT64_C(1) << s;
        }
        assert_true(histogram_bucket_low(b) == low);
        assert_true(histogram_bucket_high(b) == low + count - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_column_is_documented_and_no_other),
        cmocka_unit_test(every_failure_class_is_documented),
        cmocka_unit_test(the_numbers_that_name_the_format_are_documented),
        cmocka_unit_test(the_buckets_are_as_documented),
    };
    return cmocka_run_group_tests(tests, read_document, free_document);
}
