/* inspect_test.c - what `reprise inspect` prints of the sample trace, and how it ends. */
#include "traces/inspect_cmd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include <jansson.h>
#include <sqlite3.h>

#include "tests/traces/sample.h"

static struct sample_folder folder;
static char path[SAMPLE_PATH_BYTES];
static char out_path[SAMPLE_PATH_BYTES];
static char err_path[SAMPLE_PATH_BYTES];
static char out_text[64 * 1024];
static size_t out_len;
static char err_text[4096];

static int make_sample(void **state)
{
    (void)state;
    sample_folder_make(&folder);
    sample_path(&folder, "out", out_path);
    sample_path(&folder, "err", err_path);
    sample_write(sample_path(&folder, "t.trace", path));
    return 0;
}

static int remove_sample(void **state)
{
    (void)state;
    sample_folder_remove(&folder);
    return 0;
}

static size_t read_text(const char *from, char *text, size_t size)
{
    FILE *file = fopen(from, "rb");
    assert_non_null(file);
    size_t len = fread(text, 1, size - 1, file);
    text[len] = '\0';
    fclose(file);
    return len;
}

static void redirect(FILE *stream, const char *to, int *ret_saved)
{
    fflush(stream);
    *ret_saved = dup(fileno(stream));
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    dup2(fd, fileno(stream));
    close(fd);
}

static void restore(FILE *stream, int saved)
{
    fflush(stream);
    dup2(saved, fileno(stream));
    close(saved);
}

/* Run `inspect ARGUMENTS`, "T" standing for the sample; out_text and err_text hold what it said. */
static int inspect(const char *arguments)
{
    char words[256], *argv[16] = {(char[]){"inspect"}};
    int argc = 1, saved_out, saved_err;
    snprintf(words, sizeof words, "%s", arguments);
    for (char *rest = words, *word; (word = strsep(&rest, " ")) != NULL;) {
        if (*word)
            argv[argc++] = strcmp(word, "T") == 0 ? path : word;
    }
    redirect(stdout, out_path, &saved_out);
    redirect(stderr, err_path, &saved_err);
    int code = inspect_cmd(argc, argv);
    restore(stderr, saved_err);
    restore(stdout, saved_out);
    out_len = read_text(out_path, out_text, sizeof out_text);
    read_text(err_path, err_text, sizeof err_text);
    return code;
}

static void assert_says(const char *arguments, const char *const *texts)
{
    int code = inspect(arguments);
    if (code != EXIT_DONE)
        fail_msg("inspect %s is %d: %s", arguments, code, err_text);
    for (; *texts; texts++) {
        if (!strstr(out_text, *texts))
            fail_msg("inspect %s does not say '%s' but:\n%s", arguments, *texts, out_text);
    }
}

#define assert_shows(arguments, ...)                                                               \
    assert_says(arguments, (const char *const[]){__VA_ARGS__, NULL})

static void run_sql(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void the_overview_holds_facts_counts_ledger_and_endpoints(void **state)
{
    (void)state;
    assert_shows("T", "source      interface lo\n", "begins      2024-05-01 10:06:40.000000 UTC\n",
                 "lasts       9.00s\n", "2 sessions on 2 connections: 4 exchanges, 4 messages\n",
                 "5000 payload bytes seen = 4400 stored + 600 in the ledger: balanced\n",
                 "kernel_drop: 7 packets", "GET /jobs/{id}      1       0  250us");
}

static void a_ledger_that_does_not_balance_says_by_how_much(void **state)
{
    (void)state;
    run_sql("UPDATE trace SET payload_bytes = 5007");
    assert_shows("T ledger", "NOT balanced, 7 bytes are unaccounted for\n");
    run_sql("UPDATE trace SET payload_bytes = 4999");
    assert_shows("T", "NOT balanced, 1 bytes are counted twice\n");
    run_sql("UPDATE trace SET is_complete = 0");
    assert_shows("T ledger", "not closed in order: the totals were never written");
}

static void the_ledger_shows_reasons_and_connections(void **state)
{
    (void)state;
    assert_shows("T ledger", "retransmission        2            600              0        1\n",
                 "retransmission           1        1  +0.002000", "client to server",
                 "kernel_drop              -        -          -", ": balanced\n");
    run_sql("DELETE FROM ledger; UPDATE trace SET payload_bytes = 4400");
    assert_shows("T ledger", "the ledger is empty: nothing was left out\n", ": balanced\n");
}

static void sessions_are_listed(void **state)
{
    (void)state;
    assert_shows("T sessions",
                 "      1  +0.001000  5.00ms          3         4  cookie sid 3fa9c1d2  buyer",
                 "      2  +0.004200    50us          1         0  ::1", "no_request\n");
}

static void a_session_is_told_in_the_order_of_time(void **state)
{
    (void)state;
    static const char *const order[] = {
        "POST /login",           "GET /jobs/4711",        "GET /live",
        "-> text of exchange 3", "<- text of exchange 3", "-> binary of exchange 3",
        "<- close of exchange 3"};
    assert_shows("T session 1", "+0.003  message 1");
    const char *at = out_text;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        at = strstr(at, order[i]);
        if (!at)
            fail_msg("'%s' is not in its place:\n%s", order[i], out_text);
    }
}

static void an_exchange_is_shown_with_heads_and_bodies(void **state)
{
    (void)state;
    assert_shows("T exchange 2", "endpoint  GET /jobs/{id}\n",
                 "> GET /jobs/4711 HTTP/1.1\n> Host: shop.test:8080\n> Accept: */*\n",
                 "< HTTP/1.1 200 OK\n< CONTENT-type: application/json; charset=utf-8\n"
                 "  {\"id\":4711}\n");
    assert_shows("T exchange 1", "  hello\n");
    assert_shows("T exchange 2 --max-bytes 4", "  {\"id\n", "  (7 bytes more");
    assert_shows("T exchange 4", "> (the request was not seen)\n", "flaws     no_request\n");
    run_sql("UPDATE exchange SET status = 0 WHERE exchange_id = 1");
    assert_shows("T exchange 1", "< (no answer)\n");
}

static void a_body_that_was_encoded_or_cut_says_so(void **state)
{
    (void)state;
    run_sql("UPDATE exchange SET response_headers = 'content-encoding: br' || char(10),"
            " response_body_bytes = 500 WHERE exchange_id = 2");
    assert_shows("T exchange 2", "(content-encoding, stored as transferred: br)\n",
                 "(500 bytes were transferred, 11 of them are stored)\n");
}

static void recorded_bytes_do_not_drive_the_terminal(void **state)
{
    (void)state;
    run_sql("UPDATE exchange SET target = '/' || char(27) || '[2J', response_headers ="
            " 'X: ' || char(27) || ']0;x' || char(7, 10)");
    static const char *const all[] = {"T", "T exchange 2", "T session 1"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_int_equal(inspect(all[i]), EXIT_DONE);
        assert_null(memchr(out_text, 27, out_len));
        assert_null(memchr(out_text, 7, out_len));
    }
}

static void a_message_is_shown_as_text_or_as_hex(void **state)
{
    (void)state;
    assert_shows("T message 1", "sent by   client: text, 1 frame\n", "  hello\n");
    assert_shows("T message 2", "sent by   server: text, 2 frames, compressed on the wire\n");
    assert_shows("T message 3", "(binary, 4 B: 00 ff 01 1b)\n");
    assert_shows("T message 4", "code      1000\n");
}

static void a_body_can_be_had_as_recorded(void **state)
{
    (void)state;
    assert_int_equal(inspect("T message 3 --body message"), EXIT_DONE);
    assert_int_equal(out_len, 4);
    assert_memory_equal(out_text, "\x00\xff\x01\x1b", 4);
    assert_int_equal(inspect("T exchange 2 --body response"), EXIT_DONE);
    assert_string_equal(out_text, "{\"id\":4711}");
    assert_int_equal(inspect("T exchange 1 --body request"), EXIT_DONE);
    assert_string_equal(out_text, "hello");
    assert_int_equal(inspect("T exchange 1 --body response"), EXIT_DONE);
    assert_int_equal(out_len, 0);
}

/* Every line is one JSON object; returns how many, *ret_first is the first one. */
static int load_lines(json_t **ret_first)
{
    int count = 0;
    *ret_first = NULL;
    struct bytes rest = bytes_make(out_text, out_len), line;
    while (bytes_split(&rest, '\n', &line) && line.len) {
        json_error_t error;
        json_t *object = json_loadb(line.ptr, line.len, JSON_ALLOW_NUL, &error);
        if (!json_is_object(object))
            fail_msg("line %d is no object: %s", count + 1, error.text);
        if (count++ == 0)
            *ret_first = object;
        else
            json_decref(object);
    }
    return count;
}

static void json_is_an_object_a_line(void **state)
{
    (void)state;
    static const struct {
        const char *arguments;
        int lines;
    } rows[] = {{"T --json", 1},           {"T sessions --json", 2},
                {"T session 1 --json", 7}, {"T exchange 2 --json", 1},
                {"T message 3 --json", 1}, {"T endpoints --json", 3},
                {"T ledger --json", 2}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *first;
        assert_int_equal(inspect(rows[i].arguments), EXIT_DONE);
        assert_int_equal(load_lines(&first), rows[i].lines);
        json_decref(first);
    }
}

static void json_has_the_names_of_the_file(void **state)
{
    (void)state;
    json_t *line;
    inspect("T exchange 2 --json");
    load_lines(&line);
    assert_int_equal(json_integer_value(json_object_get(line, "request_first_us")), 2000);
    assert_string_equal(json_string_value(json_object_get(line, "response_body")), "{\"id\":4711}");
    json_t *header = json_array_get(json_object_get(line, "response_headers"), 0);
    assert_string_equal(json_string_value(json_object_get(header, "name")), "CONTENT-type");
    json_decref(line);
    inspect("T --json");
    load_lines(&line);
    assert_true(json_is_true(json_object_get(line, "is_balanced")));
    assert_int_equal(json_integer_value(json_object_get(line, "ledger_bytes")), 600);
    json_decref(line);
    inspect("T exchange 4 --json");
    load_lines(&line);
    assert_true(json_is_null(json_object_get(line, "request_first_us")));
    json_decref(line);
}

static void what_is_not_utf8_is_told_twice(void **state)
{
    (void)state;
    json_t *line;
    inspect("T message 3 --json");
    load_lines(&line);
    assert_string_equal(json_string_value(json_object_get(line, "body_hex")), "00ff011b");
    assert_int_equal(json_string_length(json_object_get(line, "body")), 6);
    json_decref(line);
}

static void a_command_line_that_is_wrong_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *arguments;
        const char *said;
    } rows[] = {
        {"", "give the trace to look at"},
        {"T sesions", "did you mean sessions?"},
        {"T session", "session needs a number"},
        {"T session 0", "session needs a number"},
        {"T session x", "session needs a number"},
        {"T sessions 1", "'1' is one argument too many"},
        {"T session 9", "no session 9"},
        {"T exchange 9", "no exchange 9"},
        {"T message 9", "no message 9"},
        {"T exchange 1 --body message", "--body message"},
        {"T --body request", "--body request"},
        {"/nonexistent", "/nonexistent: No such file"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(inspect(rows[i].arguments), EXIT_INPUT);
        if (!strstr(err_text, rows[i].said))
            fail_msg("inspect %s says: %s", rows[i].arguments, err_text);
        assert_ptr_equal(strchr(err_text, '\n'), err_text + strlen(err_text) - 1);
        assert_int_equal(out_len, 0);
    }
}

#define on_sample(test) cmocka_unit_test_setup_teardown(test, make_sample, remove_sample)

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_sample(the_overview_holds_facts_counts_ledger_and_endpoints),
        on_sample(a_ledger_that_does_not_balance_says_by_how_much),
        on_sample(the_ledger_shows_reasons_and_connections),
        on_sample(sessions_are_listed),
        on_sample(a_session_is_told_in_the_order_of_time),
        on_sample(an_exchange_is_shown_with_heads_and_bodies),
        on_sample(a_body_that_was_encoded_or_cut_says_so),
        on_sample(recorded_bytes_do_not_drive_the_terminal),
        on_sample(a_message_is_shown_as_text_or_as_hex),
        on_sample(a_body_can_be_had_as_recorded),
        on_sample(json_is_an_object_a_line),
        on_sample(json_has_the_names_of_the_file),
        on_sample(what_is_not_utf8_is_told_twice),
        on_sample(a_command_line_that_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
