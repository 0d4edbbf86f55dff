/* schema_test.c - an older file is brought up to date whole or not at all, a newer one refused. */
#include "traces/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static sqlite3 *db;

static int open_memory(void **state)
{
    (void)state;
    struct error err = {0};
    return db_open(&db, ":memory:", SQLITE_OPEN_READWRITE, &err);
}

static int close_memory(void **state)
{
    (void)state;
    sqlite3_close(db);
    return 0;
}

static int64_t ask(const char *sql)
{
    int64_t value = -1;
    struct error err = {0};
    if (db_query_int(db, sql, &value, &err))
        fail_msg("%s: %s", sql, err.text);
    return value;
}

/* Versions 1, 2 and 3 of a format that is not ours. */
static const char *const steps[] = {
    "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (7);",
    "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 1;",
    "UPDATE a SET y = x * 2; CREATE VIEW b AS SELECT x + y AS z FROM a;",
};

static void a_fresh_file_takes_all_steps(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(schema_bring_up(db, steps, 3, &err), 0);
    assert_int_equal(ask("PRAGMA user_version"), 3);
    assert_int_equal(ask("SELECT z FROM b"), 21);
}

static void an_older_file_takes_the_steps_it_lacks(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(schema_bring_up(db, steps, 1, &err), 0);
    assert_int_equal(sqlite3_exec(db, "UPDATE a SET x = 100", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(schema_bring_up(db, steps, 3, &err), 0);
    assert_int_equal(ask("PRAGMA user_version"), 3);
    assert_int_equal(ask("SELECT z FROM b"), 300);
    assert_int_equal(schema_bring_up(db, steps, 3, &err), 0);
    assert_int_equal(ask("SELECT count(*) FROM a"), 1);
}

static void a_step_that_fails_leaves_the_file_as_it_was(void **state)
{
    (void)state;
    struct error err = {0};
    const char *const broken[] = {steps[0], steps[1], "UPDATE a SET y = 5; SELECT nonsense;"};
    assert_int_equal(schema_bring_up(db, steps, 1, &err), 0);
    assert_int_equal(schema_bring_up(db, broken, 3, &err), -1);
    assert_non_null(strstr(err.text, "bringing it to version 3"));
    assert_int_equal(ask("PRAGMA user_version"), 1);
    assert_int_equal(ask("SELECT count(*) FROM pragma_table_info('a')"), 1);
    assert_int_equal(schema_bring_up(db, steps, 3, &err), 0);
}

static void a_newer_file_is_refused(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(schema_bring_up(db, steps, 3, &err), 0);
    assert_int_equal(schema_bring_up(db, steps, 2, &err), -1);
    assert_int_equal(err.exit_code, EXIT_INPUT);
    assert_string_equal(err.text,
                        "a trace of version 3, this reprise reads up to 2: use a newer reprise");
}

static void a_negative_version_is_refused(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = -1", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(schema_bring_up(db, steps, 3, &err), -1);
    assert_non_null(strstr(err.text, "version -1"));
}

static void what_was_created_passes_the_check_and_nothing_else_does(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(schema_check(db, &err), -1);
    assert_non_null(strstr(err.text, "not a reprise trace"));
    assert_int_equal(schema_create(db, &err), 0);
    assert_int_equal(schema_check(db, &err), 0);
    assert_int_equal(ask("PRAGMA application_id"), SCHEMA_APPLICATION_ID);
    assert_int_equal(ask("PRAGMA user_version"), SCHEMA_VERSION);
}

/* As the first version left it. */
static void a_trace_of_version_1_gets_what_version_2_brought(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(schema_create(db, &err), 0);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP INDEX binding_by_use;"
                                  "ALTER TABLE binding DROP COLUMN origin;"
                                  "ALTER TABLE binding DROP COLUMN form;"
                                  "INSERT INTO binding VALUES (1, 1, 'a', 2, 'b', 1, '', 'on');"
                                  "PRAGMA user_version = 1;",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(schema_check(db, &err), 0);
    assert_int_equal(ask("PRAGMA user_version"), SCHEMA_VERSION);
    assert_int_equal(ask("SELECT form = 'raw' FROM binding"), 1);
}

/* A row of version 2 was written by a person: correlation leaves it alone. */
static void a_trace_of_version_2_gets_what_version_3_brought(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(schema_create(db, &err), 0);
    assert_int_equal(sqlite3_exec(db,
                                  "ALTER TABLE binding DROP COLUMN origin;"
                                  "INSERT INTO binding VALUES"
                                  " (1, 1, 'a', 2, 'b', 1, '', 'on', 'percent');"
                                  "PRAGMA user_version = 2;",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(schema_check(db, &err), 0);
    assert_int_equal(ask("PRAGMA user_version"), SCHEMA_VERSION);
    assert_int_equal(ask("SELECT form = 'percent' AND origin = 'edited' FROM binding"), 1);
}

static void creating_over_tables_fails_and_changes_nothing(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE message (a)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(schema_create(db, &err), -1);
    assert_int_equal(ask("PRAGMA application_id"), 0);
    assert_int_equal(ask("SELECT count(*) FROM sqlite_schema"), 1);
}

#define in_memory(test) cmocka_unit_test_setup_teardown(test, open_memory, close_memory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_memory(a_fresh_file_takes_all_steps),
        in_memory(an_older_file_takes_the_steps_it_lacks),
        in_memory(a_step_that_fails_leaves_the_file_as_it_was),
        in_memory(a_newer_file_is_refused),
        in_memory(a_negative_version_is_refused),
        in_memory(what_was_created_passes_the_check_and_nothing_else_does),
        in_memory(a_trace_of_version_1_gets_what_version_2_brought),
        in_memory(a_trace_of_version_2_gets_what_version_3_brought),
        in_memory(creating_over_tables_fails_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
