/*
 * trace_fuzz.c - a file of any bytes is read as a trace: all of it, or an error with a text.
 *
 * SQLite wants a file, so the bytes are written to one, in /dev/shm where there is one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "traces/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_BODY_BYTES = 1 << 20, MAX_ROWS = 1000 };

static void make_path(char *path, size_t size)
{
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(path, size, "%s/reprise-fuzz-%ld", folder, (long)getpid());
}

static void write_file(const char *path, const uint8_t *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
}

static void remove_files(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

/* An error has a text and an exit code of input or tool. */
static void check(int found, const struct error *err)
{
    if (found < 0 &&
        (err->text[0] == '\0' || (err->exit_code != EXIT_INPUT && err->exit_code != EXIT_TOOL)))
        abort();
}

static void read_body(struct trace_reader *reader, int64_t body_id)
{
    struct error err = {0};
    struct buf body = BUF_INIT(MAX_BODY_BYTES);
    check(trace_reader_get_body(reader, body_id, &body, &err), &err);
    buf_fini(&body);
}

static void read_exchanges(struct trace_reader *reader)
{
    struct error err = {0};
    struct trace_exchange exchange;
    int64_t endpoint_id;
    int found = trace_reader_start_exchanges(reader, 0, &err);
    for (int i = 0; i < MAX_ROWS; i++) {
        struct bytes name;
        found = trace_reader_next_exchange(reader, &exchange, &endpoint_id, &err);
        if (found != 1)
            break;
        check(trace_reader_endpoint_name(reader, endpoint_id, &name, &err), &err);
        read_body(reader, exchange.request_body_id);
        read_body(reader, exchange.response_body_id);
    }
    check(found, &err);
}

static void read_messages(struct trace_reader *reader)
{
    struct error err = {0};
    struct trace_message message;
    int found = trace_reader_start_messages(reader, 0, &err);
    for (int i = 0; i < MAX_ROWS; i++) {
        found = trace_reader_next_message(reader, &message, &err);
        if (found != 1)
            break;
        read_body(reader, message.body_id);
    }
    check(found, &err);
}

static void read_rest(struct trace_reader *reader)
{
    struct error err = {0};
    struct trace_session session;
    struct trace_connection connection;
    struct trace_ledger_entry entry;
    struct trace_counts counts;
    int found = trace_reader_start_sessions(reader, &err);
    for (int i = 0; i < MAX_ROWS && found >= 0; i++)
        found = trace_reader_next_session(reader, &session, &err);
    check(found, &err);
    found = trace_reader_start_connections(reader, &err);
    for (int i = 0; i < MAX_ROWS && found >= 0; i++)
        found = trace_reader_next_connection(reader, &connection, &err);
    check(found, &err);
    found = trace_reader_start_ledger(reader, &err);
    for (int i = 0; i < MAX_ROWS && found >= 0; i++)
        found = trace_reader_next_ledger(reader, &entry, &err);
    check(found, &err);
    check(trace_reader_count(reader, &counts, &err), &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct trace_reader *reader = NULL;
    struct error err = {0};
    make_path(path, sizeof path);
    write_file(path, data, size);
    int found = trace_reader_open(&reader, path, &err);
    check(found, &err);
    if (found == 0) {
        read_exchanges(reader);
        read_messages(reader);
        read_rest(reader);
        trace_reader_close(reader);
    }
    remove_files(path);
    return 0;
}
