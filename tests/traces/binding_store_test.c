/* binding_store_test.c - a correlation replaces its own rows, whole or not at all, and nobody's. */
#include "traces/correlate/binding_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/buf.h"
#include "tests/traces/sample.h"

static struct sample_folder folder;
static char path[SAMPLE_PATH_BYTES];
static struct binding_store *store;

static int open_sample(void **state)
{
    (void)state;
    struct error err = {0};
    sample_folder_make(&folder);
    sample_write(sample_path(&folder, "t.trace", path));
    return binding_store_open(&store, path, &err);
}

static int close_sample(void **state)
{
    (void)state;
    binding_store_close(store);
    store = NULL;
    sample_folder_remove(&folder);
    return 0;
}

static struct trace_binding binding(int64_t born, const char *born_place, int64_t used,
                                    const char *used_place)
{
    return (struct trace_binding){.born_exchange_id = born,
                                  .born_place = bytes_of(born_place),
                                  .used_exchange_id = used,
                                  .used_place = bytes_of(used_place),
                                  .score = 0.5,
                                  .evidence = bytes_of("for a test"),
                                  .state = bytes_of("on"),
                                  .form = bytes_of("raw")};
}

/* All rows as "ID BORN PLACE -> USED PLACE STATE ORIGIN\n". */
static void expect_rows(const char *wanted)
{
    struct buf got = BUF_INIT(4096);
    struct trace_reader *reader;
    struct trace_binding row;
    assert_done(trace_reader_open(&reader, path, &err));
    assert_done(trace_reader_start_bindings(reader, 0, &err));
    struct error err = {0};
    while (trace_reader_next_binding(reader, &row, &err) == 1)
        buf_printf(&got, "%lld %lld %.*s -> %lld %.*s %.*s %.*s\n", (long long)row.binding_id,
                   (long long)row.born_exchange_id, BYTES_ARG(row.born_place),
                   (long long)row.used_exchange_id, BYTES_ARG(row.used_place), BYTES_ARG(row.state),
                   BYTES_ARG(row.origin));
    assert_string_equal(err.text, "");
    assert_string_equal(buf_text(&got), wanted);
    trace_reader_close(reader);
    buf_fini(&got);
}

static void add_found(const struct trace_binding *row, int wanted)
{
    struct error err = {0};
    int result = binding_store_add_found(store, row, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(result, wanted);
}

static int64_t put_edited(const struct trace_binding *row, uint64_t wanted_replaced)
{
    int64_t id = 0;
    uint64_t replaced = 99;
    assert_done(binding_store_put_edited(store, row, &id, &replaced, &err));
    assert_int_equal(replaced, wanted_replaced);
    return id;
}

/* What a correlation does; the sample has one found row. */
static void correlate(const struct trace_binding *rows, size_t count, uint64_t wanted_removed)
{
    uint64_t removed = 99;
    assert_done(binding_store_begin(store, &err));
    assert_done(binding_store_remove_found(store, &removed, &err));
    assert_int_equal(removed, wanted_removed);
    for (size_t i = 0; i < count; i++)
        add_found(&rows[i], 1);
    assert_done(binding_store_commit(store, &err));
}

static void a_correlation_replaces_what_the_last_one_found(void **state)
{
    (void)state;
    const struct trace_binding rows[] = {binding(1, "body:/a", 2, "query:a"),
                                         binding(1, "body:/b", 2, "query:b")};
    expect_rows("1 1 body:/id -> 2 path:2 on found\n");
    correlate(rows, 2, 1);
    expect_rows("1 1 body:/a -> 2 query:a on found\n2 1 body:/b -> 2 query:b on found\n");
    correlate(rows + 1, 1, 2);
    expect_rows("1 1 body:/b -> 2 query:b on found\n");
    correlate(NULL, 0, 1);
    expect_rows("");
}

static void what_is_not_committed_never_was(void **state)
{
    (void)state;
    struct trace_binding row = binding(1, "body:/a", 2, "query:a");
    uint64_t removed;
    assert_done(binding_store_begin(store, &err));
    assert_done(binding_store_remove_found(store, &removed, &err));
    add_found(&row, 1);
    binding_store_close(store);
    store = NULL;
    expect_rows("1 1 body:/id -> 2 path:2 on found\n");
}

static void a_row_of_a_person_stays_and_keeps_found_ones_from_its_place(void **state)
{
    (void)state;
    struct trace_binding mine = binding(1, "header:Location > path:2", 2, "path:2");
    struct trace_binding same_use = binding(1, "body:/id", 2, "path:2");
    struct trace_binding elsewhere = binding(1, "body:/id", 2, "query:id");
    assert_done(binding_store_begin(store, &err));
    assert_int_equal(put_edited(&mine, 1), 1);
    assert_done(binding_store_commit(store, &err));
    assert_done(binding_store_begin(store, &err));
    add_found(&same_use, 0);
    add_found(&elsewhere, 1);
    assert_done(binding_store_commit(store, &err));
    expect_rows("1 1 header:Location > path:2 -> 2 path:2 on edited\n"
                "2 1 body:/id -> 2 query:id on found\n");
    correlate(NULL, 0, 1);
    expect_rows("1 1 header:Location > path:2 -> 2 path:2 on edited\n");
}

static void one_that_a_person_has_switched_off_is_not_found_again(void **state)
{
    (void)state;
    struct trace_binding off, other = binding(1, "header:Location > path:2", 2, "path:2");
    assert_done(binding_store_begin(store, &err));
    assert_row(binding_store_get(store, 1, &off, &err));
    assert_true(bytes_equal(off.origin, bytes_of("found")));
    off.state = bytes_of("off");
    assert_done(binding_store_change(store, &off, &err));
    assert_done(binding_store_commit(store, &err));
    expect_rows("1 1 body:/id -> 2 path:2 off edited\n");

    struct trace_binding again = binding(1, "body:/id", 2, "path:2");
    assert_done(binding_store_begin(store, &err));
    add_found(&again, 0);
    /* Off says no to one birth of the value, not to all. */
    add_found(&other, 1);
    assert_done(binding_store_commit(store, &err));
    expect_rows("1 1 body:/id -> 2 path:2 off edited\n"
                "2 1 header:Location > path:2 -> 2 path:2 on found\n");
}

static void the_same_two_places_twice_are_one_row(void **state)
{
    (void)state;
    struct trace_binding row = binding(1, "body:/a", 2, "query:a");
    assert_done(binding_store_begin(store, &err));
    assert_int_equal(put_edited(&row, 0), 2);
    row.state = bytes_of("off");
    assert_int_equal(put_edited(&row, 0), 2);
    row = binding(1, "body:/b", 2, "query:a");
    assert_int_equal(put_edited(&row, 0), 3);
    assert_done(binding_store_commit(store, &err));
    expect_rows("1 1 body:/id -> 2 path:2 on found\n"
                "2 1 body:/a -> 2 query:a off edited\n"
                "3 1 body:/b -> 2 query:a on edited\n");
}

static void a_row_is_dropped_once(void **state)
{
    (void)state;
    struct error err = {0};
    struct trace_binding row;
    assert_int_equal(binding_store_drop(store, 1, &err), 1);
    assert_int_equal(binding_store_drop(store, 1, &err), 0);
    assert_int_equal(binding_store_get(store, 1, &row, &err), 0);
    assert_string_equal(err.text, "");
    expect_rows("");
}

static void expect_refused(const char *name, const char *wanted)
{
    char wrong[SAMPLE_PATH_BYTES];
    struct binding_store *none = NULL;
    struct error err = {0};
    assert_int_equal(binding_store_open(&none, sample_path(&folder, name, wrong), &err), -1);
    assert_null(none);
    assert_int_equal(err.exit_code, EXIT_INPUT);
    if (!strstr(err.text, wanted) || strstr(err.text, wrong) != err.text)
        fail_msg("'%s' does not say %s", err.text, wanted);
}

static void what_is_no_trace_is_refused(void **state)
{
    (void)state;
    char text[SAMPLE_PATH_BYTES];
    FILE *file = fopen(sample_path(&folder, "text", text), "w");
    assert_non_null(file);
    fputs("this is no trace, it is a text of some length", file);
    fclose(file);
    expect_refused("text", "not a reprise trace");
    expect_refused("missing", "check the path");
    expect_refused(".", "not a file");
}

static void a_trace_that_may_not_be_written_is_refused(void **state)
{
    (void)state;
    if (geteuid() == 0)
        skip(); /* whom rights do not stop */
    assert_int_equal(chmod(path, 0400), 0);
    expect_refused("t.trace", "cannot be written");
}

#define on_sample(test) cmocka_unit_test_setup_teardown(test, open_sample, close_sample)

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_sample(a_correlation_replaces_what_the_last_one_found),
        on_sample(what_is_not_committed_never_was),
        on_sample(a_row_of_a_person_stays_and_keeps_found_ones_from_its_place),
        on_sample(one_that_a_person_has_switched_off_is_not_found_again),
        on_sample(the_same_two_places_twice_are_one_row),
        on_sample(a_row_is_dropped_once),
        on_sample(what_is_no_trace_is_refused),
        on_sample(a_trace_that_may_not_be_written_is_refused),
    };
    return cmocka_run_group_tests_name("binding_store", tests, NULL, NULL);
}
