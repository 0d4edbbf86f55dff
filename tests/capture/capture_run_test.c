/* capture_run_test.c - capture files made here, through the whole of capture, into a trace. */
#include "capture/capture_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/decode.h"
#include "capture/source.h"
#include "core/buf.h"
#include "tests/traces/sample.h"

/* A classic pcap file of raw IPv4 packets, put together packet by packet. */
struct wire {
    struct buf file;
    uint32_t now_s;
};

enum { CLIENT_PORT = 40000, SERVER_PORT = 8080 };

static void put32(struct buf *out, uint32_t value) /* little-endian: the file's own fields */
{
    for (int i = 0; i < 4; i++)
        buf_append_char(out, (char)(value >> (8 * i)));
}

static void put_net(struct buf *out, uint32_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        buf_append_char(out, (char)(value >> (8 * i)));
}

static void wire_begin(struct wire *wire)
{
    *wire = (struct wire){.file = BUF_INIT(1 << 20), .now_s = 1000};
    put32(&wire->file, 0xa1b2c3d4);
    put32(&wire->file, 2 | 4u << 16);
    put32(&wire->file, 0);
    put32(&wire->file, 0);
    put32(&wire->file, 65535);
    put32(&wire->file, 101);
}

struct way {
    uint16_t client_port;
    uint16_t server_port;
    uint32_t next[2]; /* sequence numbers, by flow_side */
};

static void send_flags(struct wire *wire, struct way *way, enum flow_side from, int flags,
                       const char *text)
{
    uint32_t len = (uint32_t)strlen(text);
    bool is_client = from == FLOW_CLIENT;
    put32(&wire->file, wire->now_s++);
    put32(&wire->file, 0);
    put32(&wire->file, 40 + len);
    put32(&wire->file, 40 + len);
    put_net(&wire->file, 0x45000000 | (40 + len), 4);
    put_net(&wire->file, 0, 4);
    put_net(&wire->file, 64u << 24 | 6u << 16, 4);
    put_net(&wire->file, is_client ? 0x0a000007 : 0x0a000001, 4);
    put_net(&wire->file, is_client ? 0x0a000001 : 0x0a000007, 4);
    put_net(&wire->file, is_client ? way->client_port : way->server_port, 2);
    put_net(&wire->file, is_client ? way->server_port : way->client_port, 2);
    put_net(&wire->file, way->next[from], 4);
    put_net(&wire->file, flags & TCP_ACK ? way->next[!from] : 0, 4);
    put_net(&wire->file, 0x5000u | (uint32_t)flags, 2);
    put_net(&wire->file, 65535, 2);
    put_net(&wire->file, 0, 4);
    buf_append(&wire->file, text, len);
    way->next[from] += len + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
}

static void say(struct wire *wire, struct way *way, enum flow_side from, const char *text)
{
    send_flags(wire, way, from, TCP_ACK, text);
}

static void connect_way(struct wire *wire, struct way *way, uint16_t client_port,
                        uint16_t server_port)
{
    *way = (struct way){client_port, server_port, {100, 900}};
    send_flags(wire, way, FLOW_CLIENT, TCP_SYN, "");
    send_flags(wire, way, FLOW_SERVER, TCP_SYN | TCP_ACK, "");
}

static void close_way(struct wire *wire, struct way *way)
{
    send_flags(wire, way, FLOW_CLIENT, TCP_FIN | TCP_ACK, "");
    send_flags(wire, way, FLOW_SERVER, TCP_FIN | TCP_ACK, "");
}

struct place {
    struct sample_folder folder;
    char capture[SAMPLE_PATH_BYTES + 16];
    char trace[SAMPLE_PATH_BYTES + 16];
    const char *files[1];
    struct capture_options options;
};

static void place_begin(struct place *place)
{
    sample_folder_make(&place->folder);
    snprintf(place->capture, sizeof place->capture, "%s/a.pcap", place->folder.path);
    snprintf(place->trace, sizeof place->trace, "%s/a.trace", place->folder.path);
    place->files[0] = place->capture;
    place->options = (struct capture_options){.files = place->files,
                                              .file_count = 1,
                                              .out = place->trace,
                                              .max_body_bytes = 1 << 20,
                                              .session_gap_us = 1800u * 1000000u,
                                              .is_quiet = true};
}

static void write_file(const char *path, struct bytes content)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(content.ptr, 1, content.len, out), content.len);
    assert_int_equal(fclose(out), 0);
}

/* The promise: every byte seen is stored or counted. */
static void assert_account(const struct recorder_totals *totals)
{
    uint64_t sum = totals->stored_bytes;
    for (int reason = 0; reason < TRACE_REASON_COUNT; reason++) {
        if (trace_reason_was_seen((enum trace_reason)reason))
            sum += totals->ledger.payload_bytes[reason];
    }
    assert_int_equal(sum, totals->payload_bytes);
}

static void two_users(struct wire *wire)
{
    struct way ann, bob, mail;
    connect_way(wire, &ann, 40000, SERVER_PORT);
    connect_way(wire, &bob, 40001, SERVER_PORT);
    say(wire, &ann, FLOW_CLIENT, "GET /a HTTP/1.1\r\nHost: h\r\nCookie: sid=ann-0001\r\n\r\n");
    say(wire, &bob, FLOW_CLIENT, "GET /b HTTP/1.1\r\nHost: h\r\nCookie: sid=bob-0002\r\n\r\n");
    say(wire, &bob, FLOW_SERVER, "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno");
    say(wire, &ann, FLOW_SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes");
    say(wire, &ann, FLOW_CLIENT,
        "GET /ws HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    say(wire, &ann, FLOW_SERVER, "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n\x81\x02hi");
    connect_way(wire, &mail, 40002, 25);
    say(wire, &mail, FLOW_SERVER, "220 mail\r\n");
    say(wire, &mail, FLOW_CLIENT, "EHLO\r\n");
    close_way(wire, &ann);
    close_way(wire, &bob);
    close_way(wire, &mail);
}

static void a_file_becomes_a_trace(void **state)
{
    (void)state;
    struct wire wire;
    struct place place;
    struct capture_result result;
    struct trace_reader *reader;
    struct trace_exchange exchange;
    struct trace_session session;
    struct trace_message message;
    struct trace_connection connection;
    int64_t endpoint_id;
    place_begin(&place);
    wire_begin(&wire);
    two_users(&wire);
    write_file(place.capture, buf_bytes(&wire.file));
    assert_done(capture_run(&place.options, &result, &err));
    assert_true(result.has_trace);
    assert_int_equal(result.totals.exchanges, 3);
    assert_int_equal(result.totals.messages, 1);
    assert_int_equal(result.totals.sessions, 2);
    assert_int_equal(result.totals.connections, 3);
    assert_int_equal(result.totals.ledger.payload_bytes[TRACE_REASON_NOT_HTTP], 16);
    assert_account(&result.totals);

    assert_done(trace_reader_open(&reader, place.trace, &err));
    const struct trace_facts *facts = trace_reader_facts(reader);
    assert_true(facts->is_complete);
    assert_int_equal(facts->origin_unix_us, INT64_C(1000) * 1000000);
    assert_int_equal(facts->payload_bytes, result.totals.payload_bytes);
    assert_int_equal(facts->stored_bytes, result.totals.stored_bytes);
    assert_done(trace_reader_start_exchanges(reader, 0, &err));
    assert_row(trace_reader_next_exchange(reader, &exchange, &endpoint_id, &err));
    assert_true(bytes_equal(exchange.target, bytes_of("/a")));
    assert_int_equal(exchange.request_first_us, 4 * 1000000);
    assert_int_equal(exchange.response_last_us, 7 * 1000000);
    assert_int_equal(exchange.status, 200);
    assert_true(bytes_equal(exchange.request_headers, bytes_of("Host: h\nCookie: sid=ann-0001\n")));
    int64_t session_of_ann = exchange.session_id;
    assert_row(trace_reader_next_exchange(reader, &exchange, &endpoint_id, &err));
    assert_true(bytes_equal(exchange.target, bytes_of("/b")));
    assert_int_not_equal(exchange.session_id, session_of_ann);
    assert_row(trace_reader_next_exchange(reader, &exchange, &endpoint_id, &err));
    assert_true(exchange.is_websocket);
    assert_int_equal(exchange.session_id, session_of_ann);
    assert_done(trace_reader_start_messages(reader, exchange.exchange_id, &err));
    assert_row(trace_reader_next_message(reader, &message, &err));
    assert_int_equal(message.sender, TRACE_SERVER);
    assert_int_equal(message.session_id, session_of_ann);
    assert_row(trace_reader_get_session(reader, session_of_ann, &session, &err));
    assert_int_equal(session.exchange_count, 2);
    assert_int_equal(session.message_count, 1);
    assert_done(trace_reader_start_connections(reader, &err));
    assert_row(trace_reader_next_connection(reader, &connection, &err));
    assert_true(bytes_equal(connection.protocol, bytes_of("websocket")));
    assert_true(bytes_equal(connection.client_address, bytes_of("10.0.0.7")));
    assert_int_equal(connection.server_port, SERVER_PORT);
    assert_int_equal(connection.end, TRACE_END_FIN);
    trace_reader_close(reader);
    buf_fini(&wire.file);
    sample_folder_remove(&place.folder);
}

static void other_ports_are_counted(void **state)
{
    (void)state;
    struct wire wire;
    struct place place;
    struct capture_result result;
    place_begin(&place);
    wire_begin(&wire);
    two_users(&wire);
    write_file(place.capture, buf_bytes(&wire.file));
    place.options.ports[0] = 25;
    place.options.port_count = 1;
    assert_done(capture_run(&place.options, &result, &err));
    assert_int_equal(result.totals.exchanges, 0);
    assert_int_equal(result.totals.connections, 1);
    assert_int_equal(result.totals.ledger.payload_bytes[TRACE_REASON_OTHER_PORT],
                     result.totals.payload_bytes - 16);
    assert_account(&result.totals);
    buf_fini(&wire.file);
    sample_folder_remove(&place.folder);
}

/* Cut at every byte: what is before the cut is in the trace, and the account holds. */
static void a_file_that_is_cut_off_keeps_what_was_read(void **state)
{
    (void)state;
    struct wire wire;
    struct place place;
    place_begin(&place);
    place.options.replaces_existing = true;
    wire_begin(&wire);
    two_users(&wire);
    for (size_t len = 24; len < wire.file.len; len += 37) {
        struct capture_result result;
        struct error err = {.exit_code = EXIT_DONE};
        write_file(place.capture, bytes_make(wire.file.data, len));
        if (capture_run(&place.options, &result, &err)) {
            assert_int_equal(err.exit_code, EXIT_INPUT);
            assert_non_null(strstr(err.text, "a.pcap"));
        }
        if (result.has_trace)
            assert_account(&result.totals);
        else
            assert_true(len < 24 + 16 + 40); /* not one whole packet */
    }
    buf_fini(&wire.file);
    sample_folder_remove(&place.folder);
}

static void an_existing_trace_is_not_replaced_unasked(void **state)
{
    (void)state;
    struct wire wire;
    struct place place;
    struct capture_result result;
    struct error refusal = {.exit_code = EXIT_DONE};
    place_begin(&place);
    wire_begin(&wire);
    two_users(&wire);
    write_file(place.capture, buf_bytes(&wire.file));
    write_file(place.trace, bytes_of("somebody's"));
    assert_int_equal(capture_run(&place.options, &result, &refusal), -1);
    assert_int_equal(refusal.exit_code, EXIT_INPUT);
    assert_false(result.has_trace);
    place.options.replaces_existing = true;
    assert_int_equal(capture_run(&place.options, &result, &refusal), -1);
    assert_non_null(strstr(refusal.text, "is no trace"));
    assert_int_equal(unlink(place.trace), 0);
    assert_done(capture_run(&place.options, &result, &err));
    assert_done(capture_run(&place.options, &result, &err));
    buf_fini(&wire.file);
    sample_folder_remove(&place.folder);
}

static void the_capture_that_is_read_is_never_replaced(void **state)
{
    (void)state;
    struct wire wire;
    struct place place;
    struct capture_result result;
    struct error refusal = {.exit_code = EXIT_DONE};
    place_begin(&place);
    wire_begin(&wire);
    two_users(&wire);
    write_file(place.capture, buf_bytes(&wire.file));
    place.options.replaces_existing = true;
    place.options.out = place.capture;
    assert_int_equal(capture_run(&place.options, &result, &refusal), -1);
    assert_int_equal(refusal.exit_code, EXIT_INPUT);
    assert_non_null(strstr(refusal.text, "a.pcap: is no trace"));
    place.options.out = place.trace;
    assert_done(capture_run(&place.options, &result, &err)); /* all of it is still there */
    assert_int_equal(result.totals.exchanges, 3);
    buf_fini(&wire.file);
    sample_folder_remove(&place.folder);
}

static void what_cannot_be_opened_leaves_no_trace_behind(void **state)
{
    (void)state;
    struct place place;
    struct capture_result result;
    struct error err = {.exit_code = EXIT_DONE};
    place_begin(&place);
    assert_int_equal(capture_run(&place.options, &result, &err), -1);
    assert_int_equal(err.exit_code, EXIT_INPUT);
    assert_int_not_equal(access(place.trace, F_OK), 0);
    write_file(place.capture, bytes_of("this is no capture, but it is long enough to be one"));
    assert_int_equal(capture_run(&place.options, &result, &err), -1);
    assert_int_equal(err.exit_code, EXIT_INPUT);
    assert_int_not_equal(access(place.trace, F_OK), 0);
    sample_folder_remove(&place.folder);
}

/* Every packet of a file into a recorder that is never told the time. */
static void record_file(struct recorder *recorder, const char *path)
{
    struct decoder *decoder = decoder_new();
    struct source *source;
    struct packet packet;
    struct segment segment;
    struct error failure;
    assert_done(source_open_file(path, NULL, &source, &err));
    while (source_next(source, &packet, &failure) == SOURCE_PACKET) {
        int64_t at_us = packet.unix_us - INT64_C(1000) * 1000000;
        if (decode_packet(decoder, &packet, at_us, &segment) == DECODE_SEGMENT)
            assert_done(recorder_add_segment(recorder, &segment, &err));
    }
    source_close(source);
    decoder_free(decoder);
}

/* A batch ends when it is large too, and then the process is killed: what was committed is whole.
 */
static void an_exchange_is_never_committed_without_its_session(void **state)
{
    (void)state;
    struct wire wire;
    struct place place;
    struct trace_reader *reader;
    struct trace_exchange exchange;
    struct trace_session session;
    int64_t endpoint_id;
    struct recorder_options options = {
        .http = http_default_limits(),
        .sessions = {.idle_gap_us = 1800 * INT64_C(1000000), .max_sessions = 100},
        .flows = flow_table_default_limits()};
    place_begin(&place);
    wire_begin(&wire);
    two_users(&wire);
    write_file(place.capture, buf_bytes(&wire.file));
    struct trace_writer *writer = sample_writer(place.trace);
    struct recorder *recorder = recorder_new(writer, &options);
    assert_non_null(recorder);
    record_file(recorder, place.capture);
    recorder_free(recorder);
    trace_writer_abandon(writer); /* commits what it was given, and nothing comes behind it */

    assert_done(trace_reader_open(&reader, place.trace, &err));
    int64_t ids[8], count = 0;
    assert_done(trace_reader_start_exchanges(reader, 0, &err));
    struct error failure;
    while (trace_reader_next_exchange(reader, &exchange, &endpoint_id, &failure) == 1)
        ids[count++] = exchange.session_id;
    assert_int_equal(count, 3);
    for (int64_t i = 0; i < count; i++)
        assert_row(trace_reader_get_session(reader, ids[i], &session, &err));
    trace_reader_close(reader);
    buf_fini(&wire.file);
    sample_folder_remove(&place.folder);
}

/* The second half of a connection named ahead of the first: one connection, from its start. */
static void files_are_read_in_the_order_of_their_packets(void **state)
{
    (void)state;
    struct wire early, late;
    struct way way;
    struct place place;
    struct capture_result result;
    struct trace_reader *reader;
    struct trace_exchange exchange;
    int64_t endpoint_id;
    char second[SAMPLE_PATH_BYTES + 16], empty[SAMPLE_PATH_BYTES + 16];
    place_begin(&place);
    snprintf(second, sizeof second, "%s/b.pcap", place.folder.path);
    snprintf(empty, sizeof empty, "%s/empty.pcap", place.folder.path);
    wire_begin(&early);
    write_file(empty, buf_bytes(&early.file));
    connect_way(&early, &way, 40000, SERVER_PORT);
    say(&early, &way, FLOW_CLIENT, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    wire_begin(&late);
    late.now_s = early.now_s;
    say(&late, &way, FLOW_SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes");
    close_way(&late, &way);
    write_file(place.capture, buf_bytes(&early.file));
    write_file(second, buf_bytes(&late.file));
    const char *files[] = {empty, second, place.capture};
    place.options.files = files;
    place.options.file_count = 3;
    assert_done(capture_run(&place.options, &result, &err));
    assert_int_equal(result.totals.exchanges, 1);
    assert_int_equal(result.totals.connections, 1);
    assert_int_equal(result.origin_unix_us, INT64_C(1000) * 1000000);
    assert_done(trace_reader_open(&reader, place.trace, &err));
    assert_done(trace_reader_start_exchanges(reader, 0, &err));
    assert_row(trace_reader_next_exchange(reader, &exchange, &endpoint_id, &err));
    assert_int_equal(exchange.status, 200);
    assert_int_equal(exchange.flaws, 0);
    assert_int_equal(exchange.request_first_us, 2 * 1000000);
    trace_reader_close(reader);
    buf_fini(&early.file);
    buf_fini(&late.file);
    sample_folder_remove(&place.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_becomes_a_trace),
        cmocka_unit_test(other_ports_are_counted),
        cmocka_unit_test(a_file_that_is_cut_off_keeps_what_was_read),
        cmocka_unit_test(an_exchange_is_never_committed_without_its_session),
        cmocka_unit_test(an_existing_trace_is_not_replaced_unasked),
        cmocka_unit_test(the_capture_that_is_read_is_never_replaced),
        cmocka_unit_test(what_cannot_be_opened_leaves_no_trace_behind),
        cmocka_unit_test(files_are_read_in_the_order_of_their_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
