/* writer_test.c - what goes into a trace comes out of it, and nothing that was committed is lost.
 */
#include "traces/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/traces/sample.h"
#include "traces/reader.h"

static struct sample_folder folder;
static char path[SAMPLE_PATH_BYTES];

static int make_folder(void **state)
{
    (void)state;
    sample_folder_make(&folder);
    sample_path(&folder, "t.trace", path);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    sample_folder_remove(&folder);
    return 0;
}

static void assert_bytes(struct bytes got, struct bytes wanted)
{
    if (!bytes_equal(got, wanted))
        fail_msg("got '%.*s', wanted '%.*s'", BYTES_ARG(got), BYTES_ARG(wanted));
}

static struct trace_reader *open_reader(const char *name)
{
    struct trace_reader *reader = NULL;
    assert_done(trace_reader_open(&reader, name, &err));
    return reader;
}

static void close_writer(struct trace_writer *writer)
{
    struct trace_facts facts = sample_facts();
    assert_done(trace_writer_close(writer, &facts, &err));
}

static int64_t put_body(struct trace_writer *writer, struct bytes content)
{
    int64_t body_id = -1;
    assert_done(trace_writer_put_body(writer, content, &body_id, &err));
    return body_id;
}

static uint64_t count_exchanges(struct trace_reader *reader)
{
    struct trace_exchange exchange;
    int64_t endpoint_id;
    struct error err = {0};
    uint64_t count = 0;
    int found;
    assert_int_equal(trace_reader_start_exchanges(reader, 0, &err), 0);
    while ((found = trace_reader_next_exchange(reader, &exchange, &endpoint_id, &err)) == 1)
        count++;
    if (found < 0)
        fail_msg("%s", err.text);
    return count;
}

static void the_facts_are_those_of_closing(void **state)
{
    (void)state;
    struct trace_writer *writer = sample_writer(path);
    struct trace_facts facts = sample_facts();
    facts.packets = 99;
    facts.last_us = -5;
    assert_done(trace_writer_close(writer, &facts, &err));
    struct trace_reader *reader = open_reader(path);
    const struct trace_facts *got = trace_reader_facts(reader);
    assert_true(got->is_complete);
    assert_int_equal(got->origin_unix_us, facts.origin_unix_us);
    assert_bytes(got->source, facts.source);
    assert_bytes(got->tool_version, facts.tool_version);
    assert_bytes(got->redaction, facts.redaction);
    assert_int_equal(got->last_us, -5);
    assert_int_equal(got->packets, 99);
    assert_int_equal(got->payload_bytes, facts.payload_bytes);
    assert_int_equal(got->stored_bytes, facts.stored_bytes);
    trace_reader_close(reader);
}

/* Of bytes that may hold '\0'. */
#define literal(text) bytes_make(text, sizeof(text) - 1)

/* Every field differs from every other and from its default, odd bytes included. */
static struct trace_exchange odd_exchange(void)
{
    return (struct trace_exchange){
        .exchange_id = 77,
        .session_id = 5,
        .connection_id = 6,
        .request_first_us = -100,
        .request_last_us = 101,
        .response_first_us = 102,
        .response_last_us = INT64_MAX,
        .method = bytes_of("PROPFIND"),
        .scheme = bytes_of("https"),
        .authority = bytes_of("[::1]:8443"),
        .target = literal("/a\xff\x80/\0b?x=\"'%00"),
        .http_version = bytes_of("1.0"),
        .status = 418,
        .reason = bytes_of("I'm a teapot \xc3\xa9"),
        .interim_statuses = bytes_of("100,103"),
        .request_headers = literal("X-Nul: a\0b\nX-Latin: \xe9\xff\n"),
        .response_headers = bytes_of("B: 1\nb: 2\nB: 3\n"),
        .request_trailers = bytes_of("T: 1\n"),
        .response_trailers = bytes_of("U: 2\n"),
        .request_body_id = 3,
        .response_body_id = 4,
        .request_body_bytes = 1000,
        .response_body_bytes = INT64_MAX,
        .flaws = TRACE_FLAW_GAP | TRACE_FLAW_UNPARSABLE,
        .is_websocket = true,
    };
}

static void every_field_of_an_exchange_comes_back(void **state)
{
    (void)state;
    struct trace_exchange put = odd_exchange(), got = {0};
    int64_t endpoint_id = 0;
    struct trace_writer *writer = sample_writer(path);
    assert_done(trace_writer_add_exchange(writer, &put, &err));
    close_writer(writer);
    struct trace_reader *reader = open_reader(path);
    assert_row(trace_reader_get_exchange(reader, 77, &got, &endpoint_id, &err));
    assert_int_equal(got.exchange_id, 77);
    assert_int_equal(got.session_id, 5);
    assert_int_equal(got.connection_id, 6);
    assert_int_equal(got.request_first_us, -100);
    assert_int_equal(got.request_last_us, 101);
    assert_int_equal(got.response_first_us, 102);
    assert_int_equal(got.response_last_us, INT64_MAX);
    assert_bytes(got.method, put.method);
    assert_bytes(got.scheme, put.scheme);
    assert_bytes(got.authority, put.authority);
    assert_bytes(got.target, put.target);
    assert_bytes(got.http_version, put.http_version);
    assert_int_equal(got.status, 418);
    assert_bytes(got.reason, put.reason);
    assert_bytes(got.interim_statuses, put.interim_statuses);
    assert_bytes(got.request_headers, put.request_headers);
    assert_bytes(got.response_headers, put.response_headers);
    assert_bytes(got.request_trailers, put.request_trailers);
    assert_bytes(got.response_trailers, put.response_trailers);
    assert_int_equal(got.request_body_id, 3);
    assert_int_equal(got.response_body_id, 4);
    assert_int_equal(got.request_body_bytes, 1000);
    assert_int_equal(got.response_body_bytes, INT64_MAX);
    assert_int_equal(got.flaws, put.flaws);
    assert_true(got.is_websocket);
    assert_int_equal(endpoint_id, 1);
    trace_reader_close(reader);
}

static void every_field_of_a_session_comes_back(void **state)
{
    (void)state;
    struct trace_session put = {.session_id = 9,
                                .identity_kind = TRACE_BY_HEADER,
                                .identity = bytes_of("header X-User 5f"),
                                .label = bytes_of("ann"),
                                .first_us = 11,
                                .last_us = 12,
                                .flaws = TRACE_FLAW_TRUNCATED,
                                .exchange_count = 13,
                                .message_count = 14};
    struct trace_session got = {0};
    struct trace_writer *writer = sample_writer(path);
    assert_done(trace_writer_put_session(writer, &put, &err));
    close_writer(writer);
    struct trace_reader *reader = open_reader(path);
    assert_row(trace_reader_get_session(reader, 9, &got, &err));
    assert_int_equal(got.session_id, 9);
    assert_int_equal(got.identity_kind, TRACE_BY_HEADER);
    assert_bytes(got.identity, put.identity);
    assert_bytes(got.label, put.label);
    assert_int_equal(got.first_us, 11);
    assert_int_equal(got.last_us, 12);
    assert_int_equal(got.flaws, TRACE_FLAW_TRUNCATED);
    assert_int_equal(got.exchange_count, 13);
    assert_int_equal(got.message_count, 14);
    trace_reader_close(reader);
}

static void every_field_of_a_connection_comes_back(void **state)
{
    (void)state;
    struct trace_connection put = {.connection_id = 3,
                                   .client_address = bytes_of("10.0.0.7"),
                                   .client_port = 65535,
                                   .server_address = bytes_of("::1"),
                                   .server_port = 443,
                                   .is_tls = true,
                                   .protocol = bytes_of("http/1.1"),
                                   .opened_us = 21,
                                   .closed_us = 22,
                                   .end = TRACE_END_RST,
                                   .flaws = TRACE_FLAW_MID_STREAM};
    struct trace_connection got = {0};
    struct trace_writer *writer = sample_writer(path);
    assert_done(trace_writer_put_connection(writer, &put, &err));
    close_writer(writer);
    struct trace_reader *reader = open_reader(path);
    assert_done(trace_reader_start_connections(reader, &err));
    assert_row(trace_reader_next_connection(reader, &got, &err));
    assert_int_equal(got.connection_id, 3);
    assert_bytes(got.client_address, put.client_address);
    assert_int_equal(got.client_port, 65535);
    assert_bytes(got.server_address, put.server_address);
    assert_int_equal(got.server_port, 443);
    assert_true(got.is_tls);
    assert_bytes(got.protocol, put.protocol);
    assert_int_equal(got.opened_us, 21);
    assert_int_equal(got.closed_us, 22);
    assert_int_equal(got.end, TRACE_END_RST);
    assert_int_equal(got.flaws, TRACE_FLAW_MID_STREAM);
    trace_reader_close(reader);
}

static void every_field_of_a_message_comes_back(void **state)
{
    (void)state;
    struct trace_message put = {.message_id = 500,
                                .exchange_id = 2,
                                .connection_id = 3,
                                .session_id = 4,
                                .first_us = 31,
                                .last_us = 32,
                                .sender = TRACE_SERVER,
                                .opcode = 8,
                                .frame_count = 6,
                                .is_compressed = true,
                                .wire_bytes = 33,
                                .payload_bytes = 34,
                                .close_code = 4999,
                                .body_id = 35,
                                .flaws = TRACE_FLAW_TRUNCATED};
    struct trace_message got = {0};
    struct trace_writer *writer = sample_writer(path);
    assert_done(trace_writer_add_message(writer, &put, &err));
    close_writer(writer);
    struct trace_reader *reader = open_reader(path);
    assert_done(trace_reader_start_messages(reader, 2, &err));
    assert_row(trace_reader_next_message(reader, &got, &err));
    assert_int_equal(got.message_id, 1); /* the writer gives it out */
    assert_int_equal(got.exchange_id, 2);
    assert_int_equal(got.connection_id, 3);
    assert_int_equal(got.session_id, 4);
    assert_int_equal(got.first_us, 31);
    assert_int_equal(got.last_us, 32);
    assert_int_equal(got.sender, TRACE_SERVER);
    assert_int_equal(got.opcode, 8);
    assert_int_equal(got.frame_count, 6);
    assert_true(got.is_compressed);
    assert_int_equal(got.wire_bytes, 33);
    assert_int_equal(got.payload_bytes, 34);
    assert_int_equal(got.close_code, 4999);
    assert_int_equal(got.body_id, 35);
    assert_int_equal(got.flaws, TRACE_FLAW_TRUNCATED);
    trace_reader_close(reader);
}

static void every_field_of_a_ledger_entry_comes_back_under_every_reason(void **state)
{
    (void)state;
    struct trace_writer *writer = sample_writer(path);
    for (int reason = 0; reason < TRACE_REASON_COUNT; reason++) {
        struct trace_ledger_entry put = {.session_id = 1,
                                         .connection_id = 2,
                                         .reason = (enum trace_reason)reason,
                                         .first_us = 3,
                                         .last_us = TRACE_NO_MOMENT,
                                         .packets = 5,
                                         .payload_bytes = 6,
                                         .missing_bytes = 7,
                                         .detail = bytes_of("cut")};
        assert_done(trace_writer_add_ledger(writer, &put, &err));
    }
    close_writer(writer);
    struct trace_reader *reader = open_reader(path);
    assert_done(trace_reader_start_ledger(reader, &err));
    for (int reason = 0; reason < TRACE_REASON_COUNT; reason++) {
        struct trace_ledger_entry got = {0};
        assert_row(trace_reader_next_ledger(reader, &got, &err));
        assert_int_equal(got.session_id, 1);
        assert_int_equal(got.connection_id, 2);
        assert_int_equal(got.reason, reason);
        assert_int_equal(got.first_us, 3);
        assert_int_equal(got.last_us, TRACE_NO_MOMENT);
        assert_int_equal(got.packets, 5);
        assert_int_equal(got.payload_bytes, 6);
        assert_int_equal(got.missing_bytes, 7);
        assert_bytes(got.detail, bytes_of("cut"));
    }
    trace_reader_close(reader);
}

static void every_field_of_a_binding_comes_back(void **state)
{
    (void)state;
    struct trace_writer *writer = sample_writer(path);
    struct trace_exchange exchange = sample_exchange(2, "GET", "/");
    struct trace_binding got = {0}, put = {.born_exchange_id = 1,
                                           .born_place = bytes_of("body:/id"),
                                           .used_exchange_id = 2,
                                           .used_place = bytes_of("path:2"),
                                           .score = 0.75,
                                           .evidence = bytes_of("named like an id"),
                                           .state = bytes_of("off"),
                                           .form = bytes_of("percent"),
                                           .origin = bytes_of("found")};
    assert_done(trace_writer_add_exchange(writer, &exchange, &err));
    assert_done(trace_writer_add_binding(writer, &put, &err));
    close_writer(writer);
    struct trace_reader *reader = open_reader(path);
    assert_done(trace_reader_start_bindings(reader, 1, &err));
    assert_row(trace_reader_next_binding(reader, &got, &err));
    assert_int_equal(got.binding_id, 1);
    assert_int_equal(got.born_exchange_id, 1);
    assert_bytes(got.born_place, put.born_place);
    assert_int_equal(got.used_exchange_id, 2);
    assert_bytes(got.used_place, put.used_place);
    assert_true(got.score == 0.75);
    assert_bytes(got.evidence, put.evidence);
    assert_bytes(got.state, put.state);
    assert_bytes(got.form, put.form);
    assert_bytes(got.origin, put.origin);
    trace_reader_close(reader);
}

static void nothing_is_absent_moments_empty_texts_and_no_ids(void **state)
{
    (void)state;
    struct trace_exchange put = {.exchange_id = 1,
                                 .request_first_us = TRACE_NO_MOMENT,
                                 .request_last_us = TRACE_NO_MOMENT,
                                 .response_first_us = TRACE_NO_MOMENT,
                                 .response_last_us = TRACE_NO_MOMENT};
    struct trace_exchange got = {.session_id = 1};
    int64_t endpoint_id = 9;
    struct trace_writer *writer = sample_writer(path);
    assert_done(trace_writer_add_exchange(writer, &put, &err));
    close_writer(writer);
    struct trace_reader *reader = open_reader(path);
    assert_row(trace_reader_get_exchange(reader, 1, &got, &endpoint_id, &err));
    assert_int_equal(got.session_id, 0);
    assert_int_equal(got.request_first_us, TRACE_NO_MOMENT);
    assert_int_equal(got.response_last_us, TRACE_NO_MOMENT);
    assert_int_equal(got.method.len, 0);
    assert_int_equal(got.request_body_id, 0);
    assert_int_equal(endpoint_id, 0);
    trace_reader_close(reader);
}

static void a_session_put_again_is_replaced(void **state)
{
    (void)state;
    struct trace_session session = {
        .session_id = 1, .identity = bytes_of("10.0.0.7"), .exchange_count = 1};
    struct trace_session got = {0};
    struct trace_writer *writer = sample_writer(path);
    assert_done(trace_writer_put_session(writer, &session, &err));
    session.exchange_count = 2;
    assert_done(trace_writer_put_session(writer, &session, &err));
    close_writer(writer);
    struct trace_reader *reader = open_reader(path);
    assert_done(trace_reader_start_sessions(reader, &err));
    assert_row(trace_reader_next_session(reader, &got, &err));
    assert_int_equal(got.exchange_count, 2);
    struct error err = {0};
    assert_int_equal(trace_reader_next_session(reader, &got, &err), 0);
    trace_reader_close(reader);
}

static void the_same_content_is_stored_once(void **state)
{
    (void)state;
    struct trace_writer *writer = sample_writer(path);
    int64_t first = put_body(writer, bytes_of("one"));
    assert_int_equal(first, 1);
    assert_int_equal(put_body(writer, bytes_of("two")), 2);
    assert_int_equal(put_body(writer, bytes_of("one")), first);
    assert_int_equal(put_body(writer, bytes_of("")), 0);
    assert_int_equal(put_body(writer, literal("one\0")), 3);
    trace_writer_abandon(writer);
}

static void a_content_that_was_forgotten_is_found_in_the_file(void **state)
{
    (void)state;
    struct trace_writer *writer = sample_writer(path);
    char content[32];
    /* More than the writer remembers: each place has been taken by a later content many times. */
    enum { COUNT = 100000 };
    for (int i = 0; i < COUNT; i++) {
        snprintf(content, sizeof content, "content %d", i);
        assert_int_equal(put_body(writer, bytes_of(content)), i + 1);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(content, sizeof content, "content %d", i);
        assert_int_equal(put_body(writer, bytes_of(content)), i + 1);
    }
    trace_writer_abandon(writer);
}

static void an_existing_file_is_refused_unless_asked(void **state)
{
    (void)state;
    struct trace_writer_options options = {0};
    struct trace_facts facts = sample_facts();
    struct trace_writer *writer = NULL;
    struct error refusal = {0};
    sample_write(path);
    assert_int_equal(trace_writer_open(&writer, path, &options, &facts, &refusal), -1);
    assert_int_equal(refusal.exit_code, EXIT_INPUT);
    assert_non_null(strstr(refusal.text, "exists already"));
    assert_non_null(strstr(refusal.text, path));
    struct trace_reader *reader = open_reader(path);
    assert_int_equal(count_exchanges(reader), 4);
    trace_reader_close(reader);

    options.replaces_existing = true;
    assert_done(trace_writer_open(&writer, path, &options, &facts, &err));
    close_writer(writer);
    reader = open_reader(path);
    assert_int_equal(count_exchanges(reader), 0);
    trace_reader_close(reader);
}

/* EXIT_INPUT in one line that says `part`, and the file is as it was. */
static void assert_not_replaced(const char *name, const char *part)
{
    struct trace_writer_options options = {.replaces_existing = true};
    struct trace_facts facts = sample_facts();
    struct trace_writer *writer = NULL;
    struct error err = {0};
    struct stat before, after;
    assert_int_equal(stat(name, &before), 0);
    assert_int_equal(trace_writer_open(&writer, name, &options, &facts, &err), -1);
    assert_int_equal(err.exit_code, EXIT_INPUT);
    if (!strstr(err.text, part) || !strstr(err.text, name))
        fail_msg("'%s' lacks '%s'", err.text, part);
    assert_int_equal(stat(name, &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
    assert_int_equal(after.st_size, before.st_size);
}

static void write_plain(const char *name, struct bytes content)
{
    FILE *out = fopen(name, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(content.ptr, 1, content.len, out), content.len);
    assert_int_equal(fclose(out), 0);
}

static void only_a_trace_or_an_empty_file_is_replaced(void **state)
{
    (void)state;
    struct trace_writer_options options = {.replaces_existing = true};
    struct trace_facts facts = sample_facts();
    struct trace_writer *writer = NULL;
    char other[100] = "SQLite format 3"; /* of another application */
    write_plain(path, bytes_of("my thesis"));
    assert_not_replaced(path, "is no trace: --force replaces traces only");
    write_plain(path, bytes_make(other, sizeof other));
    assert_not_replaced(path, "is no trace");
    memcpy(other + 68, "RpTr", 4);
    write_plain(path, bytes_make(other, 71)); /* cut inside the id */
    assert_not_replaced(path, "is no trace");

    write_plain(path, bytes_make(other, sizeof other)); /* a damaged trace is one */
    assert_done(trace_writer_open(&writer, path, &options, &facts, &err));
    close_writer(writer);
    write_plain(path, bytes_of(""));
    assert_done(trace_writer_open(&writer, path, &options, &facts, &err));
    close_writer(writer);
}

static void a_folder_is_never_replaced(void **state)
{
    (void)state;
    struct trace_writer_options options = {.replaces_existing = true};
    struct trace_facts facts = sample_facts();
    struct trace_writer *writer = NULL;
    struct error err = {0};
    assert_int_equal(trace_writer_open(&writer, folder.path, &options, &facts, &err), -1);
    assert_int_equal(err.exit_code, EXIT_INPUT);
}

static void only_the_owner_may_read_the_file_and_it_is_one_file(void **state)
{
    (void)state;
    struct stat status;
    char companion[SAMPLE_PATH_BYTES];
    sample_write(path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(access(sample_path(&folder, "t.trace-wal", companion), F_OK), -1);
    assert_int_equal(access(sample_path(&folder, "t.trace-shm", companion), F_OK), -1);
}

static void a_file_over_its_maximum_is_reported_full(void **state)
{
    (void)state;
    struct trace_writer_options options = {.max_file_bytes = 1000000};
    struct trace_facts facts = sample_facts();
    struct trace_writer *writer = NULL;
    bool is_full = false;
    uint64_t now_us = 1;
    int64_t put = 0;
    assert_done(trace_writer_open(&writer, path, &options, &facts, &err));
    assert_done(trace_writer_tick(writer, now_us, &is_full, &err));
    for (; !is_full && put < 1000; put++) {
        char content[4096];
        for (size_t i = 0; i < sizeof content; i++)
            content[i] = (char)rand();
        put_body(writer, bytes_make(content, sizeof content));
        assert_done(trace_writer_tick(writer, now_us += 1100000, &is_full, &err));
    }
    assert_true(is_full);
    assert_in_range(put, 100, 250);
    close_writer(writer);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_in_range(status.st_size, 1000000, 1100000);
}

/* In a child: write one exchange a tick, the clock a tenth of a second further each time, and say
 * so on the pipe; wait to be killed. */
static void write_and_wait(int tell)
{
    struct trace_writer *writer = sample_writer(path);
    struct error err = {0};
    for (int64_t id = 1; id <= 35; id++) {
        struct trace_exchange exchange = sample_exchange(id, "GET", "/");
        int64_t body_id;
        if (trace_writer_put_body(writer, bytes_make(&id, sizeof id), &body_id, &err) ||
            trace_writer_add_exchange(writer, &exchange, &err) ||
            trace_writer_tick(writer, (uint64_t)id * 100000, NULL, &err))
            _exit(1);
    }
    if (write(tell, "x", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static void wait_idle(int tell)
{
    sample_writer(path); /* nothing was added: no transaction is open */
    if (write(tell, "x", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static pid_t start_writing(void (*write_in_child)(int tell))
{
    int ends[2];
    char said;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* should the test fail before it ends the child */
        write_in_child(ends[1]);
        _exit(1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &said, 1), 1);
    close(ends[0]);
    return child;
}

static void end_writing(pid_t child)
{
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_trace_that_is_being_written_is_not_replaced(void **state)
{
    (void)state;
    struct trace_writer_options options = {.replaces_existing = true};
    struct trace_facts facts = sample_facts();
    struct trace_writer *writer = NULL;
    void (*const children[])(int tell) = {write_and_wait, wait_idle};
    for (size_t i = 0; i < sizeof children / sizeof *children; i++) {
        pid_t child = start_writing(children[i]);
        assert_not_replaced(path, "is being written by another capture");
        end_writing(child);
        unlink(path);
    }
    end_writing(start_writing(write_and_wait)); /* dead: what it left may be replaced */
    assert_done(trace_writer_open(&writer, path, &options, &facts, &err));
    close_writer(writer);
}

static void a_writer_that_is_killed_loses_at_most_the_last_second(void **state)
{
    (void)state;
    end_writing(start_writing(write_and_wait));

    struct trace_reader *reader = open_reader(path);
    assert_false(trace_reader_facts(reader)->is_complete);
    /* 3.5 s were written. */
    assert_in_range(count_exchanges(reader), 25, 35);
    trace_reader_close(reader);
}

static void a_disk_that_is_full_keeps_what_was_committed(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit before, small = {.rlim_cur = 3000000, .rlim_max = RLIM_INFINITY};
    struct trace_writer *writer = sample_writer(path);
    struct error err = {0};
    int64_t written = 0, committed = 0;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int result = trace_writer_tick(writer, 1, NULL, &err);
    for (uint64_t now_us = 1; result == 0 && written < 100000; written++) {
        struct trace_exchange exchange = sample_exchange(written + 1, "GET", "/");
        result = trace_writer_add_exchange(writer, &exchange, &err);
        if (result == 0 && written % 100 == 99) {
            result = trace_writer_tick(writer, now_us += 1000000, NULL, &err);
            committed = result == 0 ? written + 1 : committed;
        }
    }
    assert_int_equal(result, -1);
    assert_int_equal(err.exit_code, EXIT_TOOL);
    if (!strstr(err.text, "what was committed is kept"))
        fail_msg("%s", err.text);
    assert_true(committed > 0);

    /* It stays failed, and says the same. */
    struct error again = {0};
    struct trace_exchange exchange = sample_exchange(1, "GET", "/");
    assert_int_equal(trace_writer_add_exchange(writer, &exchange, &again), -1);
    assert_string_equal(again.text, err.text);
    trace_writer_abandon(writer);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);

    struct trace_reader *reader = open_reader(path);
    assert_false(trace_reader_facts(reader)->is_complete);
    assert_true(count_exchanges(reader) >= (uint64_t)committed);
    trace_reader_close(reader);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(the_facts_are_those_of_closing),
        in_folder(every_field_of_an_exchange_comes_back),
        in_folder(every_field_of_a_session_comes_back),
        in_folder(every_field_of_a_connection_comes_back),
        in_folder(every_field_of_a_message_comes_back),
        in_folder(every_field_of_a_ledger_entry_comes_back_under_every_reason),
        in_folder(every_field_of_a_binding_comes_back),
        in_folder(nothing_is_absent_moments_empty_texts_and_no_ids),
        in_folder(a_session_put_again_is_replaced),
        in_folder(the_same_content_is_stored_once),
        in_folder(a_content_that_was_forgotten_is_found_in_the_file),
        in_folder(an_existing_file_is_refused_unless_asked),
        in_folder(only_a_trace_or_an_empty_file_is_replaced),
        in_folder(a_folder_is_never_replaced),
        in_folder(a_trace_that_is_being_written_is_not_replaced),
        in_folder(only_the_owner_may_read_the_file_and_it_is_one_file),
        in_folder(a_file_over_its_maximum_is_reported_full),
        in_folder(a_writer_that_is_killed_loses_at_most_the_last_second),
        in_folder(a_disk_that_is_full_keeps_what_was_committed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
