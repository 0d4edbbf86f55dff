/* reader_test.c - rows come in recorded order; what is no trace, or damaged, is an error. */
#include "traces/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/random.h"
#include "tests/traces/sample.h"
#include "traces/reader_sql.h"

static struct sample_folder folder;
static char path[SAMPLE_PATH_BYTES];

static int make_sample(void **state)
{
    (void)state;
    sample_folder_make(&folder);
    sample_write(sample_path(&folder, "t.trace", path));
    return 0;
}

static int remove_sample(void **state)
{
    (void)state;
    sample_folder_remove(&folder);
    return 0;
}

static struct trace_reader *open_reader(void)
{
    struct trace_reader *reader = NULL;
    assert_done(trace_reader_open(&reader, path, &err));
    return reader;
}

static void run_sql(const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

static void write_file(const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    close(fd);
}

/* Opening fails with EXIT_INPUT, the file's name and that text, on one line. */
static void assert_refused(const char *because)
{
    struct trace_reader *reader = NULL;
    struct error err = {0};
    assert_int_equal(trace_reader_open(&reader, path, &err), -1);
    assert_null(reader);
    assert_int_equal(err.exit_code, EXIT_INPUT);
    assert_non_null(strstr(err.text, path));
    if (!strstr(err.text, because))
        fail_msg("'%s' does not say '%s'", err.text, because);
}

static void sessions_come_by_their_first_moment(void **state)
{
    (void)state;
    struct trace_session session;
    run_sql("UPDATE session SET first_us = 9000 WHERE session_id = 1");
    struct trace_reader *reader = open_reader();
    assert_done(trace_reader_start_sessions(reader, &err));
    assert_row(trace_reader_next_session(reader, &session, &err));
    assert_int_equal(session.session_id, 2);
    assert_row(trace_reader_next_session(reader, &session, &err));
    assert_int_equal(session.session_id, 1);
    trace_reader_close(reader);
}

/* The ids of a cursor's exchanges, as "1 2 3 ". */
static const char *exchange_ids(struct trace_reader *reader, int64_t session_id)
{
    static char ids[256];
    struct trace_exchange exchange;
    int64_t endpoint_id;
    struct error err = {0};
    int found;
    ids[0] = '\0';
    assert_int_equal(trace_reader_start_exchanges(reader, session_id, &err), 0);
    while ((found = trace_reader_next_exchange(reader, &exchange, &endpoint_id, &err)) == 1)
        snprintf(ids + strlen(ids), sizeof ids - strlen(ids), "%lld ",
                 (long long)exchange.exchange_id);
    if (found < 0)
        fail_msg("%s", err.text);
    return ids;
}

static void exchanges_come_by_the_requests_first_byte_of_one_session_or_of_all(void **state)
{
    (void)state;
    run_sql("UPDATE exchange SET request_first_us = 500 WHERE exchange_id = 3;"
            "UPDATE exchange SET request_first_us = 1000 WHERE exchange_id = 2");
    struct trace_reader *reader = open_reader();
    assert_string_equal(exchange_ids(reader, 1), "3 1 2 ");
    assert_string_equal(exchange_ids(reader, 2), "4 ");
    assert_string_equal(exchange_ids(reader, 3), "");
    assert_string_equal(exchange_ids(reader, 0), "4 3 1 2 "); /* no request: first */
    trace_reader_close(reader);
}

static void a_cursor_that_is_started_again_begins_anew(void **state)
{
    (void)state;
    struct trace_exchange exchange;
    int64_t endpoint_id;
    struct trace_reader *reader = open_reader();
    assert_done(trace_reader_start_exchanges(reader, 1, &err));
    assert_row(trace_reader_next_exchange(reader, &exchange, &endpoint_id, &err));
    assert_string_equal(exchange_ids(reader, 0), "4 1 2 3 ");
    assert_string_equal(exchange_ids(reader, 1), "1 2 3 ");
    trace_reader_close(reader);
}

static void a_row_is_good_until_its_cursors_next_step(void **state)
{
    (void)state;
    struct trace_exchange walked, got;
    struct trace_session session;
    int64_t endpoint_id;
    struct bytes name;
    struct buf body = BUF_INIT(100);
    struct trace_reader *reader = open_reader();
    assert_done(trace_reader_start_exchanges(reader, 1, &err));
    assert_row(trace_reader_next_exchange(reader, &walked, &endpoint_id, &err));
    assert_row(trace_reader_get_exchange(reader, 2, &got, &endpoint_id, &err));
    assert_row(trace_reader_get_session(reader, 1, &session, &err));
    assert_row(trace_reader_endpoint_name(reader, endpoint_id, &name, &err));
    assert_done(trace_reader_get_body(reader, got.response_body_id, &body, &err));
    assert_true(bytes_equal(walked.target, bytes_of("/login?next=%2F")));
    assert_true(bytes_equal(got.target, bytes_of("/jobs/4711")));
    assert_true(bytes_equal(name, bytes_of("GET /jobs/{id}")));
    assert_true(bytes_equal(buf_bytes(&body), bytes_of("{\"id\":4711}")));
    buf_fini(&body);
    trace_reader_close(reader);
}

static void messages_come_by_their_first_moment(void **state)
{
    (void)state;
    struct trace_message message;
    struct trace_reader *reader = open_reader();
    for (int way = 0; way < 3; way++) {
        if (way == 0)
            assert_done(trace_reader_start_messages(reader, 0, &err));
        else if (way == 1)
            assert_done(trace_reader_start_messages(reader, 3, &err));
        else
            assert_done(trace_reader_start_session_messages(reader, 1, &err));
        for (int64_t id = 1; id <= 4; id++) {
            assert_row(trace_reader_next_message(reader, &message, &err));
            assert_int_equal(message.message_id, id);
        }
        struct error err = {0};
        assert_int_equal(trace_reader_next_message(reader, &message, &err), 0);
    }
    struct error err = {0};
    assert_int_equal(trace_reader_start_messages(reader, 1, &err), 0);
    assert_int_equal(trace_reader_next_message(reader, &message, &err), 0);
    assert_int_equal(trace_reader_start_session_messages(reader, 2, &err), 0);
    assert_int_equal(trace_reader_next_message(reader, &message, &err), 0);
    trace_reader_close(reader);
}

static void what_is_not_there_is_zero_and_no_error(void **state)
{
    (void)state;
    struct trace_exchange exchange;
    struct trace_session session;
    struct bytes name;
    int64_t endpoint_id;
    struct error err = {0};
    struct buf body = BUF_INIT(10);
    struct trace_reader *reader = open_reader();
    assert_int_equal(trace_reader_get_exchange(reader, 99, &exchange, &endpoint_id, &err), 0);
    assert_int_equal(trace_reader_get_session(reader, 99, &session, &err), 0);
    assert_int_equal(trace_reader_endpoint_name(reader, 99, &name, &err), 0);
    assert_int_equal(trace_reader_get_body(reader, 0, &body, &err), 0);
    assert_int_equal(body.len, 0);
    assert_string_equal(err.text, "");
    trace_reader_close(reader);
}

static void endpoints_add_up_the_busiest_first(void **state)
{
    (void)state;
    run_sql("UPDATE exchange SET endpoint_id = 2, status = 500 WHERE exchange_id = 3");
    struct trace_endpoint_totals totals;
    struct trace_reader *reader = open_reader();
    assert_done(trace_reader_start_endpoints(reader, &err));
    assert_row(trace_reader_next_endpoint(reader, &totals, &err));
    assert_true(bytes_equal(totals.name, bytes_of("GET /jobs/{id}")));
    assert_int_equal(totals.count, 2);
    assert_int_equal(totals.errors, 1);
    assert_int_equal(totals.p50_us, 250);
    assert_int_equal(totals.max_us, 250);
    assert_int_equal(totals.response_bytes, 11);
    assert_row(trace_reader_next_endpoint(reader, &totals, &err));
    assert_true(bytes_equal(totals.name, bytes_of("POST /login")));
    assert_int_equal(totals.request_bytes, 5);
    trace_reader_close(reader);
}

static void spans_and_endpoint_ids_are_those_of_the_rows(void **state)
{
    (void)state;
    struct trace_span span;
    int64_t endpoint_id, last = 0;
    struct trace_reader *reader = open_reader();
    assert_done(trace_reader_start_spans(reader, &err));
    assert_row(trace_reader_next_span(reader, &span, &err));
    assert_int_equal(span.session_id, 1);
    struct trace_session session;
    assert_row(trace_reader_get_session(reader, 1, &session, &err));
    assert_int_equal(span.first_us, session.first_us);
    assert_int_equal(span.last_us, session.last_us);
    assert_int_equal(span.exchange_count, session.exchange_count);
    assert_int_equal(span.message_count, session.message_count);
    assert_row(trace_reader_next_span(reader, &span, &err));
    assert_done(trace_reader_next_span(reader, &span, &err));
    assert_done(trace_reader_start_endpoint_ids(reader, &err));
    while (trace_reader_next_endpoint_id(reader, &endpoint_id, &(struct error){0}) == 1) {
        assert_true(endpoint_id > last);
        last = endpoint_id;
    }
    assert_true(last > 0);
    trace_reader_close(reader);
}

/* What is asked for each session of a replay must not look through the whole trace; nor may SQLite
 * hold the rows of the first three while it sorts them. */
static void a_sessions_rows_are_found_by_an_index(void **state)
{
    (void)state;
    static const enum reader_statement questions[] = {
        SESSION_EXCHANGES, SESSION_REQUESTS, EXCHANGE_MESSAGES, NEXT_EXCHANGE,
        NEXT_MESSAGE,      SESSION_BINDINGS, GET_ENDPOINT,      GET_BODY};
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        char sql[4096];
        sqlite3_stmt *statement = NULL;
        snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", reader_sql[questions[i]]);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        while (sqlite3_step(statement) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(statement, 3);
            bool is_sorted = i > 2 || !strstr(detail, "TEMP B-TREE");
            if (strstr(detail, "SCAN") || !is_sorted)
                fail_msg("%s: %s", reader_sql[questions[i]], detail);
        }
        sqlite3_finalize(statement);
    }
    sqlite3_close(db);
}

static void a_newer_trace_is_refused(void **state)
{
    (void)state;
    run_sql("PRAGMA user_version = 4");
    assert_refused("a trace of version 4, this reprise reads up to 3: use a newer reprise");
}

static void what_is_not_a_trace_is_refused(void **state)
{
    (void)state;
    run_sql("PRAGMA application_id = 7");
    assert_refused("not a reprise trace (an SQLite file with application_id 7)");
    write_file("\xd4\xc3\xb2\xa1 a packet capture, and more than a page of it", 40);
    assert_refused("not a reprise trace (not an SQLite file)");
    write_file("", 0);
    assert_refused("not a reprise trace");
    assert_int_equal(unlink(path), 0);
    assert_refused("No such file");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_refused("not a file");
}

static void a_trace_without_its_tables_is_refused(void **state)
{
    (void)state;
    run_sql("DROP VIEW requests; DROP VIEW endpoints; DROP VIEW timeline;"
            "ALTER TABLE exchange RENAME COLUMN status TO code");
    assert_refused("the file is damaged");
}

static void a_trace_without_facts_is_refused(void **state)
{
    (void)state;
    run_sql("DELETE FROM trace");
    assert_refused("its table `trace` is empty");
}

/* Words and numbers that no writer of ours makes. */
static void a_value_out_of_its_range_is_an_error_that_names_it(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *said;
    } rows[] = {
        {"UPDATE exchange SET status = -1", "exchange 4: status is not in its range"},
        {"UPDATE exchange SET status = 1000", "exchange 4: status is not in its range"},
        {"UPDATE exchange SET flaws = 'gap,odd'", "exchange 4: flaws is not a list of flaws"},
        {"UPDATE exchange SET is_websocket = 2", "exchange 4: is_websocket is not in its range"},
        {"UPDATE exchange SET request_body_bytes = -1",
         "exchange 4: request_body_bytes is not in its range"},
        {"UPDATE exchange SET response_body_id = -7",
         "exchange 4: response_body_id is not in its range"},
        {"PRAGMA writable_schema = 1;"
         "UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '') WHERE name = 'exchange';",
         NULL},
        {"UPDATE exchange SET method = x'474554'", "exchange 4: method is not a text"},
        {"UPDATE exchange SET status = 'ok'", "exchange 4: status is not an integer"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct trace_exchange exchange;
        int64_t endpoint_id;
        struct error err = {0};
        run_sql(rows[i].sql);
        if (!rows[i].said)
            continue;
        struct trace_reader *reader = open_reader();
        assert_int_equal(trace_reader_get_exchange(reader, 4, &exchange, &endpoint_id, &err), -1);
        assert_int_equal(err.exit_code, EXIT_INPUT);
        if (!strstr(err.text, rows[i].said))
            fail_msg("'%s' does not say '%s'", err.text, rows[i].said);
        trace_reader_close(reader);
        sample_folder_remove(&folder);
        make_sample(state);
        if (i >= 6)
            run_sql(rows[6].sql);
    }
}

static void a_content_that_is_not_its_hashs_is_an_error(void **state)
{
    (void)state;
    struct buf body = BUF_INIT(100);
    struct error err = {0};
    run_sql("UPDATE body SET content = x'7b7d', content_bytes = 2 WHERE body_id = 1");
    struct trace_reader *reader = open_reader();
    assert_int_equal(trace_reader_get_body(reader, 1, &body, &err), -1);
    assert_non_null(strstr(err.text, "body 1: its content is not the one of its hash"));
    assert_int_equal(trace_reader_get_body(reader, 50, &body, &err), -1);
    assert_non_null(strstr(err.text, "body 50 is not there"));
    buf_fini(&body);
    trace_reader_close(reader);
}

/* Read all there is; true when it went without an error. */
static bool read_all(void)
{
    struct trace_reader *reader = NULL;
    struct error err = {0};
    struct trace_session session;
    struct trace_connection connection;
    struct trace_exchange exchange;
    struct trace_message message;
    struct trace_ledger_entry entry;
    struct trace_binding binding;
    struct trace_endpoint_totals totals;
    int64_t endpoint_id;
    struct bytes name;
    int found = 0;
    if (trace_reader_open(&reader, path, &err)) {
        assert_true(err.text[0] != '\0');
        return false;
    }
    trace_reader_start_sessions(reader, &err);
    while (found >= 0 && (found = trace_reader_next_session(reader, &session, &err)) == 1)
        ;
    trace_reader_start_connections(reader, &err);
    while (found >= 0 && (found = trace_reader_next_connection(reader, &connection, &err)) == 1)
        ;
    trace_reader_start_exchanges(reader, 0, &err);
    while (found >= 0 &&
           (found = trace_reader_next_exchange(reader, &exchange, &endpoint_id, &err)) == 1) {
        if (trace_reader_endpoint_name(reader, endpoint_id, &name, &err) < 0)
            found = -1;
    }
    trace_reader_start_messages(reader, 0, &err);
    while (found >= 0 && (found = trace_reader_next_message(reader, &message, &err)) == 1)
        ;
    trace_reader_start_ledger(reader, &err);
    while (found >= 0 && (found = trace_reader_next_ledger(reader, &entry, &err)) == 1)
        ;
    trace_reader_start_bindings(reader, 1, &err);
    while (found >= 0 && (found = trace_reader_next_binding(reader, &binding, &err)) == 1)
        ;
    trace_reader_start_endpoints(reader, &err);
    while (found >= 0 && (found = trace_reader_next_endpoint(reader, &totals, &err)) == 1)
        ;
    for (int64_t body_id = 1; found >= 0 && body_id <= 3; body_id++) {
        struct buf body = BUF_INIT(1000);
        found = trace_reader_get_body(reader, body_id, &body, &err);
        buf_fini(&body);
    }
    trace_reader_close(reader);
    assert_true(found >= 0 || err.text[0] != '\0');
    return found >= 0;
}

static char *read_file(size_t *ret_len)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    long len = ftell(file);
    rewind(file);
    char *data = malloc((size_t)len);
    assert_int_equal(fread(data, 1, (size_t)len, file), (size_t)len);
    fclose(file);
    *ret_len = (size_t)len;
    return data;
}

static void flipped_bytes_never_crash_the_reader(void **state)
{
    (void)state;
    size_t len;
    char *good = read_file(&len);
    char *bad = malloc(len);
    struct random random;
    int refused = 0;
    random_init(&random, 1, 1);
    assert_true(read_all());
    for (int round = 0; round < 300; round++) {
        memcpy(bad, good, len);
        for (uint64_t i = 0, flips = 1 + random_below(&random, 8); i < flips; i++)
            bad[random_below(&random, len)] = (char)random_u64(&random);
        write_file(bad, len);
        refused += !read_all();
    }
    assert_true(refused > 20);
    free(bad);
    free(good);
}

static void a_file_cut_anywhere_is_refused_or_read(void **state)
{
    (void)state;
    size_t len;
    char *good = read_file(&len);
    for (size_t cut = 0; cut < len; cut += 509) {
        write_file(good, cut);
        assert_false(read_all());
    }
    free(good);
}

/* 12 MB of rows are read in a growth that is a small part of it. */
static void reading_a_large_trace_takes_little_memory(void **state)
{
    (void)state;
    enum { COUNT = 12000 };
    static char headers[1000];
    memset(headers, 'h', sizeof headers - 1);
    memcpy(headers, "X: ", 3);
    assert_int_equal(unlink(path), 0);
    struct trace_writer *writer = sample_writer(path);
    for (int64_t id = 1; id <= COUNT; id++) {
        struct trace_exchange exchange = sample_exchange(COUNT + 1 - id, "GET", "/");
        exchange.request_headers = bytes_make(headers, sizeof headers);
        assert_done(trace_writer_add_exchange(writer, &exchange, &err));
    }
    struct trace_facts facts = sample_facts();
    assert_done(trace_writer_close(writer, &facts, &err));
    struct trace_reader *reader = open_reader();
    sqlite3_int64 used_before = sqlite3_memory_used();
    sqlite3_memory_highwater(1);
    struct trace_exchange exchange;
    int64_t endpoint_id, count = 0;
    assert_done(trace_reader_start_exchanges(reader, 0, &err));
    struct error err = {0};
    while (trace_reader_next_exchange(reader, &exchange, &endpoint_id, &err) == 1)
        assert_int_equal(exchange.exchange_id, ++count);
    assert_int_equal(count, COUNT);
    assert_true(sqlite3_memory_highwater(0) - used_before < 10 * 1024 * 1024);
    trace_reader_close(reader);
}

static void a_reader_beside_the_writer_sees_what_was_committed(void **state)
{
    (void)state;
    assert_int_equal(unlink(path), 0);
    struct trace_writer *writer = sample_writer(path);
    struct trace_exchange exchange = sample_exchange(1, "GET", "/");
    assert_done(trace_writer_tick(writer, 1, NULL, &err));
    assert_done(trace_writer_add_exchange(writer, &exchange, &err));
    struct trace_reader *reader = open_reader();
    assert_string_equal(exchange_ids(reader, 0), "");
    assert_done(trace_writer_tick(writer, 1000001, NULL, &err));
    assert_string_equal(exchange_ids(reader, 0), "1 ");
    assert_false(trace_reader_facts(reader)->is_complete);
    struct trace_facts facts = sample_facts();
    assert_done(trace_writer_close(writer, &facts, &err));
    trace_reader_close(reader);
    reader = open_reader();
    assert_true(trace_reader_facts(reader)->is_complete);
    trace_reader_close(reader);
    char companion[SAMPLE_PATH_BYTES];
    assert_int_equal(access(sample_path(&folder, "t.trace-wal", companion), F_OK), -1);
}

static void a_writer_does_not_wait_for_a_reader_in_the_middle_of_a_row(void **state)
{
    (void)state;
    assert_int_equal(unlink(path), 0);
    struct trace_writer *writer = sample_writer(path);
    for (int64_t id = 1; id <= 3; id++) {
        struct trace_exchange exchange = sample_exchange(id, "GET", "/");
        assert_done(trace_writer_add_exchange(writer, &exchange, &err));
        assert_done(trace_writer_tick(writer, (uint64_t)id * 1000001, NULL, &err));
    }
    struct trace_exchange exchange, last = sample_exchange(4, "GET", "/");
    struct trace_facts facts = sample_facts();
    int64_t endpoint_id;
    struct trace_reader *reader = open_reader();
    assert_done(trace_reader_start_exchanges(reader, 0, &err));
    assert_row(trace_reader_next_exchange(reader, &exchange, &endpoint_id, &err));
    assert_done(trace_writer_add_exchange(writer, &last, &err));
    assert_done(trace_writer_close(writer, &facts, &err));
    trace_reader_close(reader);
    reader = open_reader();
    assert_true(trace_reader_facts(reader)->is_complete);
    assert_string_equal(exchange_ids(reader, 0), "1 2 3 4 ");
    trace_reader_close(reader);
    char companion[SAMPLE_PATH_BYTES];
    assert_int_equal(access(sample_path(&folder, "t.trace-wal", companion), F_OK), -1);
}

/* "born>used " of each binding of a session. */
static const char *bindings_of(struct trace_reader *reader, int64_t session_id)
{
    static char text[256];
    struct trace_binding binding;
    struct error err = {0};
    int found = trace_reader_start_bindings(reader, session_id, &err);
    size_t len = 0;
    text[0] = '\0';
    while ((found = trace_reader_next_binding(reader, &binding, &err)) == 1)
        len += (size_t)snprintf(text + len, sizeof text - len, "%.*s>%.*s ",
                                BYTES_ARG(binding.born_place), BYTES_ARG(binding.used_place));
    if (found)
        fail_msg("%s", err.text);
    return text;
}

static void bindings_come_by_the_session_that_uses_them(void **state)
{
    (void)state;
    struct trace_reader *reader = open_reader();
    assert_string_equal(bindings_of(reader, 1), "body:/id>path:2 ");
    trace_reader_close(reader);
    run_sql("DELETE FROM binding");
    reader = open_reader();
    assert_string_equal(bindings_of(reader, 1), "");
    trace_reader_close(reader);
    run_sql(
        "INSERT INTO binding (born_exchange_id, born_place, used_exchange_id, used_place, score,"
        " evidence, state) VALUES (2, 'c', 3, 'd', 1, '', 'on'), (1, 'a', 2, 'b', 0.5, '', 'on'),"
        " (9, 'lost', 99, 'lost', 1, '', 'on'), (1, 'e', 4, 'f', 1, '', 'on')");
    reader = open_reader();
    assert_string_equal(bindings_of(reader, 1), "a>b c>d ");
    assert_string_equal(bindings_of(reader, 2), "e>f ");
    assert_string_equal(bindings_of(reader, 3), "");
    trace_reader_close(reader);
}

#define on_sample(test) cmocka_unit_test_setup_teardown(test, make_sample, remove_sample)

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_sample(sessions_come_by_their_first_moment),
        on_sample(exchanges_come_by_the_requests_first_byte_of_one_session_or_of_all),
        on_sample(a_cursor_that_is_started_again_begins_anew),
        on_sample(a_row_is_good_until_its_cursors_next_step),
        on_sample(bindings_come_by_the_session_that_uses_them),
        on_sample(messages_come_by_their_first_moment),
        on_sample(what_is_not_there_is_zero_and_no_error),
        on_sample(endpoints_add_up_the_busiest_first),
        on_sample(spans_and_endpoint_ids_are_those_of_the_rows),
        on_sample(a_sessions_rows_are_found_by_an_index),
        on_sample(a_newer_trace_is_refused),
        on_sample(what_is_not_a_trace_is_refused),
        on_sample(a_trace_without_its_tables_is_refused),
        on_sample(a_trace_without_facts_is_refused),
        on_sample(a_value_out_of_its_range_is_an_error_that_names_it),
        on_sample(a_content_that_is_not_its_hashs_is_an_error),
        on_sample(flipped_bytes_never_crash_the_reader),
        on_sample(a_file_cut_anywhere_is_refused_or_read),
        on_sample(reading_a_large_trace_takes_little_memory),
        on_sample(a_reader_beside_the_writer_sees_what_was_committed),
        on_sample(a_writer_does_not_wait_for_a_reader_in_the_middle_of_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
