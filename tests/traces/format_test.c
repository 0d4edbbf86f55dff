/* format_test.c - FORMAT.md describes the tables, columns, views and words that there are, and no
 * others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "core/buf.h"
#include "tests/traces/sample.h"
#include "traces/body.h"
#include "traces/places/place.h"
#include "traces/schema.h"

static struct sample_folder folder;
static sqlite3 *db;
static struct buf page = BUF_INIT(1 << 20);

static int open_both(void **state)
{
    (void)state;
    char path[SAMPLE_PATH_BYTES];
    sample_folder_make(&folder);
    sample_write(sample_path(&folder, "t.trace", path));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    FILE *file = fopen(TEST_SOURCE_DIR "/traces/FORMAT.md", "rb");
    assert_non_null(file);
    char *room = buf_reserve(&page, 1 << 19);
    buf_commit(&page, fread(room, 1, 1 << 19, file));
    fclose(file);
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    sqlite3_close(db);
    buf_fini(&page);
    sample_folder_remove(&folder);
    return 0;
}

/* What stands between a heading and the next one of its level or above. */
static struct bytes section(struct bytes text, const char *heading)
{
    size_t level = strspn(heading, "#");
    struct bytes rest = text, line;
    const char *start = NULL;
    while (bytes_split(&rest, '\n', &line)) {
        size_t marks = 0;
        while (marks < line.len && line.ptr[marks] == '#')
            marks++;
        if (start && marks && marks <= level)
            return bytes_make(start, (size_t)(line.ptr - start));
        if (bytes_equal(line, bytes_of(heading)))
            start = line.ptr + line.len;
    }
    if (!start)
        fail_msg("FORMAT.md has no '%s'", heading);
    return bytes_make(start, (size_t)(text.ptr + text.len - start));
}

/* The next word in the first column of a table of `text`: "| `word` | ...". */
static bool next_row(struct bytes *text, struct bytes *ret_word)
{
    struct bytes line;
    while (bytes_split(text, '\n', &line)) {
        if (!bytes_starts_with(line, bytes_of("| `")))
            continue;
        struct bytes word = bytes_from(line, 3);
        *ret_word = bytes_make(word.ptr, bytes_index_of(word, '`'));
        return true;
    }
    return false;
}

static size_t count_rows(struct bytes text)
{
    struct bytes word;
    size_t count = 0;
    while (next_row(&text, &word))
        count++;
    return count;
}

static bool has_row(struct bytes text, const char *wanted)
{
    struct bytes word;
    while (next_row(&text, &word)) {
        if (bytes_equal(word, bytes_of(wanted)))
            return true;
    }
    return false;
}

static bool has_text(struct bytes text, const char *wanted)
{
    return memmem(text.ptr, text.len, wanted, strlen(wanted)) != NULL;
}

/* The columns of a table or view, in the order of the page, are those of the file. */
static void check_columns(const char *name, struct bytes text)
{
    sqlite3_stmt *columns = NULL;
    struct bytes word;
    int count = 0;
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT name FROM pragma_table_info(?)", -1, &columns, NULL),
        SQLITE_OK);
    sqlite3_bind_text(columns, 1, name, -1, SQLITE_STATIC);
    for (; sqlite3_step(columns) == SQLITE_ROW; count++) {
        const char *column = (const char *)sqlite3_column_text(columns, 0);
        if (!next_row(&text, &word))
            fail_msg("%s.%s is not in FORMAT.md", name, column);
        if (!bytes_equal(word, bytes_of(column)))
            fail_msg("%s.%s is '%.*s' in FORMAT.md", name, column, BYTES_ARG(word));
    }
    if (next_row(&text, &word))
        fail_msg("%s.%.*s is in FORMAT.md and not in the file", name, BYTES_ARG(word));
    assert_true(count > 0);
    sqlite3_finalize(columns);
}

/* Everything of that type in the file has its section, and the sections are no more than that. */
static void check_all(const char *type, const char *heading)
{
    struct bytes part = section(buf_bytes(&page), heading);
    sqlite3_stmt *names = NULL;
    size_t count = 0, headings = 0;
    struct bytes rest = part, line;
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT name FROM sqlite_schema WHERE type = ?", -1, &names, NULL),
        SQLITE_OK);
    sqlite3_bind_text(names, 1, type, -1, SQLITE_STATIC);
    for (; sqlite3_step(names) == SQLITE_ROW; count++) {
        char wanted[64];
        const char *name = (const char *)sqlite3_column_text(names, 0);
        snprintf(wanted, sizeof wanted, "### `%s`", name);
        check_columns(name, section(part, wanted));
    }
    sqlite3_finalize(names);
    while (bytes_split(&rest, '\n', &line))
        headings += bytes_starts_with(line, bytes_of("### "));
    assert_int_equal(headings, count);
}

static void every_table_and_column_is_described(void **state)
{
    (void)state;
    check_all("table", "## Tables");
}

static void every_view_and_column_is_described(void **state)
{
    (void)state;
    check_all("view", "## Views");
}

static void every_index_is_named(void **state)
{
    (void)state;
    struct bytes part = section(buf_bytes(&page), "## Indexes");
    sqlite3_stmt *names = NULL;
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT name FROM sqlite_schema WHERE type = 'index'"
                                        " AND sql IS NOT NULL",
                                        -1, &names, NULL),
                     SQLITE_OK);
    while (sqlite3_step(names) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(names, 0);
        if (!has_text(part, name))
            fail_msg("the index %s is not in FORMAT.md", name);
    }
    sqlite3_finalize(names);
}

static void every_reason_is_explained_under_its_heading(void **state)
{
    (void)state;
    struct bytes part = section(buf_bytes(&page), "### Reasons");
    const char *never = memmem(part.ptr, part.len, "Never seen", strlen("Never seen"));
    assert_non_null(never);
    struct bytes seen = bytes_make(part.ptr, (size_t)(never - part.ptr));
    struct bytes missed = bytes_from(part, seen.len);
    for (int i = 0; i < TRACE_REASON_COUNT; i++) {
        const char *name = trace_reason_name((enum trace_reason)i);
        if (!has_row(trace_reason_was_seen((enum trace_reason)i) ? seen : missed, name))
            fail_msg("the reason %s is not where it belongs in FORMAT.md", name);
    }
    assert_int_equal(count_rows(part), TRACE_REASON_COUNT);
}

static void every_flaw_is_explained(void **state)
{
    (void)state;
    struct bytes part = section(buf_bytes(&page), "### Flaws");
    size_t count = 0;
    for (uint32_t flaw = 1; flaw <= TRACE_FLAW_UNPARSABLE; flaw <<= 1, count++) {
        char name[TRACE_FLAWS_TEXT_BYTES];
        if (!has_row(part, trace_flaws_format(flaw, name)))
            fail_msg("the flaw %s is not in FORMAT.md", name);
    }
    assert_int_equal(count_rows(part), count);
}

static void every_word_of_a_column_is_named(void **state)
{
    (void)state;
    struct bytes text = buf_bytes(&page);
    char quoted[64];
    const char *words[32];
    size_t count = 0;
    for (int i = 0; i <= TRACE_BY_HEADER; i++)
        words[count++] = trace_identity_name((enum trace_identity_kind)i);
    for (int i = 0; i <= TRACE_END_EVICTED; i++)
        words[count++] = trace_end_name((enum trace_connection_end)i);
    words[count++] = trace_sender_name(TRACE_CLIENT);
    words[count++] = trace_sender_name(TRACE_SERVER);
    words[count++] = body_encoding_name(BODY_RAW);
    words[count++] = body_encoding_name(BODY_ZSTD);
    for (size_t i = 0; i < count; i++) {
        snprintf(quoted, sizeof quoted, "`%s`", words[i]);
        if (!has_text(text, quoted))
            fail_msg("%s is not in FORMAT.md", quoted);
    }
}

/* What the page gives as examples are places, and there is one of each kind. */
static void every_kind_of_place_is_on_the_page(void **state)
{
    (void)state;
    struct bytes part = section(buf_bytes(&page), "### Places"), word;
    struct place place;
    struct error err = {0};
    bool is_there[PLACE_DATA + 1] = {false};
    while (next_row(&part, &word)) {
        if (place_parse(word, PLACE_IN_ANSWER, &place, &err) &&
            place_parse(word, PLACE_IN_REQUEST, &place, &err))
            fail_msg("%.*s: %s", BYTES_ARG(word), err.text);
        for (uint32_t i = 0; i < place.step_count; i++)
            is_there[place.steps[i].kind] = true;
    }
    for (int kind = 0; kind <= PLACE_DATA; kind++) {
        if (!is_there[kind])
            fail_msg("%s: is not in FORMAT.md", place_kind_name((enum place_kind)kind));
    }
    for (int i = 0; i < PLACE_NEW_COUNT; i++) {
        char quoted[64];
        snprintf(quoted, sizeof quoted, "`%s`", place_new_name((enum place_new)i));
        assert_true(has_text(buf_bytes(&page), quoted));
    }
}

static void the_numbers_that_make_a_file_a_trace_are_told(void **state)
{
    (void)state;
    char wanted[128];
    struct bytes text = buf_bytes(&page);
    snprintf(wanted, sizeof wanted, "is %d (0x%x, \"RpTr\")", SCHEMA_APPLICATION_ID,
             SCHEMA_APPLICATION_ID);
    assert_true(has_text(text, wanted));
    snprintf(wanted, sizeof wanted, "`PRAGMA user_version` is the version, %d.", SCHEMA_VERSION);
    assert_true(has_text(text, wanted));
    snprintf(wanted, sizeof wanted, "# The trace, version %d\n", SCHEMA_VERSION);
    assert_true(has_text(text, wanted));
}

static void every_question_of_the_page_can_be_asked(void **state)
{
    (void)state;
    const char *at = buf_text(&page);
    int count = 0;
    while ((at = strstr(at, "```sql\n")) != NULL) {
        sqlite3_stmt *question = NULL;
        const char *start = at + strlen("```sql\n"), *end = strstr(start, "```");
        assert_non_null(end);
        if (sqlite3_prepare_v2(db, start, (int)(end - start), &question, NULL) != SQLITE_OK)
            fail_msg("%.*s: %s", (int)(end - start), start, sqlite3_errmsg(db));
        int code = sqlite3_step(question);
        assert_true(code == SQLITE_ROW || code == SQLITE_DONE);
        sqlite3_finalize(question);
        at = end + 3;
        count++;
    }
    assert_true(count >= 5);
}

/* What the views show of the sample, where it takes some doing. */
static void check_value(const char *sql, const char *wanted)
{
    sqlite3_stmt *question = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &question, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_step(question), SQLITE_ROW);
    const char *got = (const char *)sqlite3_column_text(question, 0);
    if (strcmp(got ? got : "NULL", wanted) != 0)
        fail_msg("%s: got %s, wanted %s", sql, got ? got : "NULL", wanted);
    sqlite3_finalize(question);
}

static void the_views_read_well(void **state)
{
    (void)state;
    check_value("SELECT url FROM requests WHERE exchange_id = 1",
                "http://shop.test:8080/login?next=%2F");
    check_value("SELECT content_type FROM requests WHERE exchange_id = 1",
                "application/json; charset=utf-8");
    check_value("SELECT content_type FROM requests WHERE exchange_id = 3", "");
    check_value("SELECT ms FROM requests WHERE exchange_id = 1", "0.25");
    check_value("SELECT ms FROM requests WHERE exchange_id = 4", "NULL");
    check_value("SELECT group_concat(what, '; ') FROM timeline WHERE session_id = 1",
                "POST /login?next=%2F -> 200; GET /jobs/4711 -> 200; GET /live -> 101; "
                "client text; server text; client binary; server close 1000");
    check_value("SELECT count(*) FROM endpoints", "3");
}

/* 1 ms, 2 ms, ... 20 ms: the 10th and the 19th. */
static void percentiles_are_by_rank(void **state)
{
    (void)state;
    assert_int_equal(
        sqlite3_exec(db,
                     "BEGIN; DELETE FROM exchange WHERE exchange_id > 1;"
                     "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 20)"
                     " INSERT INTO exchange SELECT i, 1, 1, 1, 0, 0, 0, i * 1000, 'POST', 'http',"
                     " '', '/login', '1.1', CASE i WHEN 7 THEN 404 WHEN 8 THEN 0 ELSE 200 END, '',"
                     " '', NULL, NULL, 0, 100, '', 0, '', '', '', '' FROM n;"
                     "UPDATE exchange SET request_first_us = 0, response_last_us = 1000"
                     " WHERE exchange_id = 1;",
                     NULL, NULL, NULL),
        SQLITE_OK);
    check_value("SELECT p50_ms FROM endpoints", "10.0");
    check_value("SELECT p95_ms FROM endpoints", "19.0");
    check_value("SELECT max_ms FROM endpoints", "20.0");
    check_value("SELECT avg_ms FROM endpoints", "10.5");
    check_value("SELECT errors FROM endpoints", "2");
    check_value("SELECT response_bytes FROM endpoints", "1900");
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_and_column_is_described),
        cmocka_unit_test(every_view_and_column_is_described),
        cmocka_unit_test(every_index_is_named),
        cmocka_unit_test(every_reason_is_explained_under_its_heading),
        cmocka_unit_test(every_flaw_is_explained),
        cmocka_unit_test(every_word_of_a_column_is_named),
        cmocka_unit_test(every_kind_of_place_is_on_the_page),
        cmocka_unit_test(the_numbers_that_make_a_file_a_trace_are_told),
        cmocka_unit_test(every_question_of_the_page_can_be_asked),
        cmocka_unit_test(the_views_read_well),
        cmocka_unit_test(percentiles_are_by_rank),
    };
    return cmocka_run_group_tests(tests, open_both, close_both);
}
