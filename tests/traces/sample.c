/* sample.c - a folder of the test's own, and a small trace in it that uses every table. */
#include "tests/traces/sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

void sample_folder_make(struct sample_folder *folder)
{
    const char *parent = getenv("TMPDIR");
    snprintf(folder->path, sizeof folder->path, "%s/reprise-test-XXXXXX",
             parent && *parent ? parent : "/tmp");
    assert_non_null(mkdtemp(folder->path));
}

void sample_folder_remove(struct sample_folder *folder)
{
    DIR *list = opendir(folder->path);
    if (!list)
        return;
    for (struct dirent *entry = readdir(list); entry; entry = readdir(list)) {
        if (unlinkat(dirfd(list), entry->d_name, 0) != 0)
            unlinkat(dirfd(list), entry->d_name, AT_REMOVEDIR);
    }
    closedir(list);
    rmdir(folder->path);
}

char *sample_path(const struct sample_folder *folder, const char *name, char *out)
{
    int len = snprintf(out, SAMPLE_PATH_BYTES, "%s/%s", folder->path, name);
    assert_true(len < SAMPLE_PATH_BYTES);
    return out;
}

struct trace_facts sample_facts(void)
{
    return (struct trace_facts){
        .origin_unix_us = 1714558000000000,
        .source = bytes_of("interface lo"),
        .tool_version = bytes_of("0.1.0"),
        .redaction = bytes_of("none"),
        .last_us = 9000000,
        .packets = 321,
        .payload_bytes = 5000,
        .stored_bytes = 4400,
    };
}

struct trace_exchange sample_exchange(int64_t exchange_id, const char *method, const char *target)
{
    int64_t first_us = 1000 * exchange_id;
    return (struct trace_exchange){
        .exchange_id = exchange_id,
        .session_id = 1,
        .connection_id = 1,
        .request_first_us = first_us,
        .request_last_us = first_us + 10,
        .response_first_us = first_us + 200,
        .response_last_us = first_us + 250,
        .method = bytes_of(method),
        .scheme = bytes_of("http"),
        .authority = bytes_of("shop.test:8080"),
        .target = bytes_of(target),
        .http_version = bytes_of("1.1"),
        .status = 200,
        .reason = bytes_of("OK"),
        .request_headers = bytes_of("Host: shop.test:8080\nAccept: */*\n"),
        .response_headers = bytes_of("CONTENT-type: application/json; charset=utf-8\n"),
    };
}

struct trace_writer *sample_writer(const char *path)
{
    struct trace_writer_options options = {0};
    struct trace_facts facts = sample_facts();
    struct trace_writer *writer = NULL;
    struct error err = {0};
    if (trace_writer_open(&writer, path, &options, &facts, &err))
        fail_msg("%s", err.text);
    return writer;
}

static void write_rows(struct trace_writer *writer)
{
    struct error err = {0};
    int64_t json_id = 0, text_id = 0, binary_id = 0;
    assert_int_equal(trace_writer_put_body(writer, bytes_of("{\"id\":4711}"), &json_id, &err), 0);
    assert_int_equal(trace_writer_put_body(writer, bytes_of("hello"), &text_id, &err), 0);
    assert_int_equal(
        trace_writer_put_body(writer, bytes_make("\x00\xff\x01\x1b", 4), &binary_id, &err), 0);

    struct trace_connection connections[2] = {
        {.connection_id = 1,
         .client_address = bytes_of("127.0.0.1"),
         .client_port = 40001,
         .server_address = bytes_of("127.0.0.1"),
         .server_port = 8080,
         .protocol = bytes_of("websocket"),
         .opened_us = 900,
         .closed_us = 8000000,
         .end = TRACE_END_FIN},
        {.connection_id = 2,
         .client_address = bytes_of("::1"),
         .client_port = 40002,
         .server_address = bytes_of("::1"),
         .server_port = 8080,
         .is_tls = true,
         .protocol = bytes_of("http/1.1"),
         .opened_us = TRACE_NO_MOMENT,
         .closed_us = TRACE_NO_MOMENT,
         .end = TRACE_END_OPEN,
         .flaws = TRACE_FLAW_MID_STREAM | TRACE_FLAW_GAP},
    };
    for (int i = 0; i < 2; i++)
        assert_int_equal(trace_writer_put_connection(writer, &connections[i], &err), 0);

    struct trace_exchange login = sample_exchange(1, "POST", "/login?next=%2F");
    login.request_body_id = text_id;
    login.request_body_bytes = 5;
    struct trace_exchange job = sample_exchange(2, "GET", "/jobs/4711");
    job.response_body_id = json_id;
    job.response_body_bytes = 11;
    struct trace_exchange upgrade = sample_exchange(3, "GET", "/live");
    upgrade.status = 101;
    upgrade.is_websocket = true;
    upgrade.response_headers = bytes_of("Upgrade: websocket\n");
    struct trace_exchange orphan = sample_exchange(4, "", "");
    orphan.session_id = 2;
    orphan.connection_id = 2;
    orphan.request_first_us = orphan.request_last_us = TRACE_NO_MOMENT;
    orphan.request_headers = bytes_of("");
    orphan.status = 503;
    orphan.flaws = TRACE_FLAW_NO_REQUEST;
    const struct trace_exchange *exchanges[] = {&login, &job, &upgrade, &orphan};
    for (int i = 0; i < 4; i++)
        assert_int_equal(trace_writer_add_exchange(writer, exchanges[i], &err), 0);

    struct trace_message message = {.exchange_id = 3,
                                    .connection_id = 1,
                                    .session_id = 1,
                                    .first_us = 4000,
                                    .last_us = 4001,
                                    .sender = TRACE_CLIENT,
                                    .opcode = 1,
                                    .frame_count = 1,
                                    .wire_bytes = 5,
                                    .payload_bytes = 5,
                                    .body_id = text_id};
    assert_int_equal(trace_writer_add_message(writer, &message, &err), 0);
    message = (struct trace_message){.exchange_id = 3,
                                     .connection_id = 1,
                                     .session_id = 1,
                                     .first_us = 4500,
                                     .last_us = 4600,
                                     .sender = TRACE_SERVER,
                                     .opcode = 1,
                                     .frame_count = 2,
                                     .is_compressed = true,
                                     .wire_bytes = 9,
                                     .payload_bytes = 11,
                                     .body_id = json_id};
    assert_int_equal(trace_writer_add_message(writer, &message, &err), 0);
    message = (struct trace_message){.exchange_id = 3,
                                     .connection_id = 1,
                                     .session_id = 1,
                                     .first_us = 5000,
                                     .last_us = 5000,
                                     .sender = TRACE_CLIENT,
                                     .opcode = 2,
                                     .frame_count = 1,
                                     .wire_bytes = 4,
                                     .payload_bytes = 4,
                                     .body_id = binary_id};
    assert_int_equal(trace_writer_add_message(writer, &message, &err), 0);
    message = (struct trace_message){.exchange_id = 3,
                                     .connection_id = 1,
                                     .session_id = 1,
                                     .first_us = 6000,
                                     .last_us = 6000,
                                     .sender = TRACE_SERVER,
                                     .opcode = 8,
                                     .frame_count = 1,
                                     .wire_bytes = 2,
                                     .payload_bytes = 2,
                                     .close_code = 1000};
    assert_int_equal(trace_writer_add_message(writer, &message, &err), 0);

    struct trace_session sessions[2] = {
        {.session_id = 1,
         .identity_kind = TRACE_BY_COOKIE,
         .identity = bytes_of("cookie sid 3fa9c1d2"),
         .label = bytes_of("buyer"),
         .first_us = 1000,
         .last_us = 6000,
         .exchange_count = 3,
         .message_count = 4},
        {.session_id = 2,
         .identity_kind = TRACE_BY_ADDRESS,
         .identity = bytes_of("::1"),
         .first_us = 4200,
         .last_us = 4250,
         .flaws = TRACE_FLAW_NO_REQUEST,
         .exchange_count = 1},
    };
    for (int i = 0; i < 2; i++)
        assert_int_equal(trace_writer_put_session(writer, &sessions[i], &err), 0);

    struct trace_ledger_entry entries[2] = {
        {.session_id = 1,
         .connection_id = 1,
         .reason = TRACE_REASON_RETRANSMISSION,
         .first_us = 2000,
         .last_us = 2100,
         .packets = 2,
         .payload_bytes = 600,
         .detail = bytes_of("client to server")},
        {.reason = TRACE_REASON_KERNEL_DROP,
         .first_us = TRACE_NO_MOMENT,
         .last_us = TRACE_NO_MOMENT,
         .packets = 7},
    };
    for (int i = 0; i < 2; i++)
        assert_int_equal(trace_writer_add_ledger(writer, &entries[i], &err), 0);

    const struct trace_binding binding = {.born_exchange_id = 1,
                                          .born_place = bytes_of("body:/id"),
                                          .used_exchange_id = 2,
                                          .used_place = bytes_of("path:2"),
                                          .score = 1,
                                          .evidence = bytes_of("by hand"),
                                          .state = bytes_of("on"),
                                          .form = bytes_of("raw"),
                                          .origin = bytes_of("found")};
    assert_int_equal(trace_writer_add_binding(writer, &binding, &err), 0);
}

void sample_write(const char *path)
{
    struct trace_writer *writer = sample_writer(path);
    struct trace_facts facts = sample_facts();
    struct error err = {0};
    write_rows(writer);
    if (trace_writer_close(writer, &facts, &err))
        fail_msg("%s", err.text);
}
