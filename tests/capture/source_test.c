/* source_test.c - capture files whole, cut and wrong; interfaces, where this machine lets us. */
#include "capture/source.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/decode.h"
#include "core/buf.h"

#define PATH TEST_BINARY_DIR "/source_test.pcap"

static void append_u32(struct buf *out, uint32_t value)
{
    buf_append(out, &value, sizeof value);
}

/* A classic pcap in this machine's byte order with `count` packets of 4 bytes "0000", "0001".. */
static void append_pcap(struct buf *out, uint32_t link_type, int count)
{
    const uint32_t header[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 262144, link_type};
    buf_append(out, header, sizeof header);
    for (int i = 0; i < count; i++) {
        append_u32(out, 1700000000);
        append_u32(out, (uint32_t)i);
        append_u32(out, 4);
        append_u32(out, 60);
        buf_printf(out, "%04d", i);
    }
}

static void append_block(struct buf *out, uint32_t type, struct bytes body)
{
    uint32_t total = (uint32_t)(12 + body.len);
    append_u32(out, type);
    append_u32(out, total);
    buf_append_bytes(out, body);
    append_u32(out, total);
}

/* A pcapng with an interface of Ethernet, one packet of it, and then an interface of `second`. */
static void append_pcapng(struct buf *out, uint32_t second)
{
    const uint32_t section[4] = {0x1a2b3c4d, 1, UINT32_MAX, UINT32_MAX};
    const uint32_t ethernet[2] = {LINK_ETHERNET, 262144};
    const uint32_t other[2] = {second, 262144};
    const uint32_t packet[6] = {0, 0x00060a24, 0x181ac000, 4, 60, 0x30303030};
    append_block(out, 0x0a0d0d0a, bytes_make(section, sizeof section));
    append_block(out, 1, bytes_make(ethernet, sizeof ethernet));
    append_block(out, 6, bytes_make(packet, sizeof packet));
    append_block(out, 1, bytes_make(other, sizeof other));
    append_block(out, 6, bytes_make(packet, sizeof packet));
}

static void write_file(struct bytes content)
{
    FILE *file = fopen(PATH, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content.ptr, 1, content.len, file), content.len);
    assert_int_equal(fclose(file), 0);
}

static void assert_says(const struct error *err, const char *part)
{
    if (!strstr(err->text, part))
        fail_msg("\"%s\" does not say \"%s\"", err->text, part);
    assert_null(strchr(err->text, '\n'));
}

static void a_file_gives_its_packets_and_ends(void **state)
{
    (void)state;
    struct buf content = BUF_INIT(1 << 16);
    struct source *source;
    struct packet packet;
    struct error err;
    append_pcap(&content, LINK_ETHERNET, 3);
    write_file(buf_bytes(&content));
    assert_int_equal(source_open_file(PATH, NULL, &source, &err), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(source_next(source, &packet, &err), SOURCE_PACKET);
        assert_int_equal(packet.captured.len, 4);
        assert_int_equal(packet.captured.ptr[3], '0' + i);
        assert_int_equal(packet.wire_bytes, 60);
        assert_int_equal(packet.link_type, LINK_ETHERNET);
        assert_int_equal(packet.unix_us, 1700000000000000 + i);
    }
    assert_int_equal(source_next(source, &packet, &err), SOURCE_END);
    source_close(source);
    buf_fini(&content);
}

static void a_file_cut_anywhere_gives_what_is_whole_and_says_it_is_truncated(void **state)
{
    (void)state;
    struct buf content = BUF_INIT(1 << 16);
    append_pcap(&content, LINK_ETHERNET, 2);
    for (size_t len = 25; len < content.len; len++) {
        struct source *source;
        struct packet packet;
        struct error err;
        if ((len - 24) % 20 == 0)
            continue; /* between packets: a whole file */
        write_file(bytes_make(content.data, len));
        assert_int_equal(source_open_file(PATH, NULL, &source, &err), 0);
        for (size_t i = 0; i < (len - 24) / 20; i++)
            assert_int_equal(source_next(source, &packet, &err), SOURCE_PACKET);
        assert_int_equal(source_next(source, &packet, &err), SOURCE_TRUNCATED);
        assert_says(&err, "truncated: it ends inside packet");
        source_close(source);
    }
    buf_fini(&content);
}

static void a_filter_chooses_and_a_bad_one_is_named(void **state)
{
    (void)state;
    struct buf content = BUF_INIT(1 << 16);
    struct source *source;
    struct packet packet;
    struct error err;
    append_pcap(&content, LINK_ETHERNET, 3);
    write_file(buf_bytes(&content));
    assert_int_equal(source_open_file(PATH, "greater 61", &source, &err), 0);
    assert_int_equal(source_next(source, &packet, &err), SOURCE_END);
    source_close(source);
    assert_int_equal(source_open_file(PATH, "port eighty-one", &source, &err), -1);
    assert_int_equal(err.exit_code, EXIT_INPUT);
    assert_says(&err, "filter 'port eighty-one'");
    buf_fini(&content);
}

static void what_is_no_capture_is_refused_in_one_line(void **state)
{
    (void)state;
    const struct {
        struct bytes content;
        const char *says;
    } rows[] = {
        {{"", 0}, "neither pcap nor pcapng"},
        {{"hello, world: this is a text file", 33}, "neither pcap nor pcapng"},
        {{"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00", 12}, "gzip"},
        {{"\x28\xb5\x2f\xfd\x00\x00\x00\x00\x00\x00\x00\x00", 12}, "zstd"},
        {{"{\"log\": {\"version\": \"1.2\"}}", 27}, "reprise import"},
        {{"\xd4\xc3\xb2\xa1\x02\x00", 6}, "neither pcap nor pcapng"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct source *source;
        struct error err;
        write_file(rows[i].content);
        assert_int_equal(source_open_file(PATH, NULL, &source, &err), -1);
        assert_int_equal(err.exit_code, EXIT_INPUT);
        assert_says(&err, PATH);
        assert_says(&err, rows[i].says);
    }
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    struct source *source;
    struct error err;
    assert_int_equal(source_open_file("/nowhere/a.pcap", NULL, &source, &err), -1);
    assert_int_equal(err.exit_code, EXIT_INPUT);
    assert_says(&err, "/nowhere/a.pcap: No such file or directory");
    assert_int_equal(source_open_file(TEST_BINARY_DIR, NULL, &source, &err), -1);
    assert_int_equal(err.exit_code, EXIT_INPUT);
    assert_says(&err, ": a folder; name the files in it, each with -r");
}

static void an_unknown_link_type_is_refused_by_name(void **state)
{
    (void)state;
    struct buf content = BUF_INIT(1 << 16);
    struct source *source;
    struct error err;
    append_pcap(&content, 127, 1);
    write_file(buf_bytes(&content));
    assert_int_equal(source_open_file(PATH, NULL, &source, &err), -1);
    assert_int_equal(err.exit_code, EXIT_INPUT);
    assert_says(&err, "link type 127 (IEEE802_11_RADIO) is not decoded");
    buf_fini(&content);
}

static void interfaces_of_one_link_type_in_a_file_are_read(void **state)
{
    (void)state;
    struct buf content = BUF_INIT(1 << 16);
    struct source *source;
    struct packet packet;
    struct error err;
    append_pcapng(&content, LINK_ETHERNET);
    write_file(buf_bytes(&content));
    assert_int_equal(source_open_file(PATH, NULL, &source, &err), 0);
    assert_int_equal(source_next(source, &packet, &err), SOURCE_PACKET);
    assert_int_equal(source_next(source, &packet, &err), SOURCE_PACKET);
    assert_int_equal(source_next(source, &packet, &err), SOURCE_END);
    source_close(source);
    buf_fini(&content);
}

static void interfaces_of_several_link_types_end_with_a_line_that_says_so(void **state)
{
    (void)state;
    struct buf content = BUF_INIT(1 << 16);
    struct source *source;
    struct packet packet;
    struct error err;
    append_pcapng(&content, LINK_RAW_FILE);
    write_file(buf_bytes(&content));
    assert_int_equal(source_open_file(PATH, NULL, &source, &err), 0);
    assert_int_equal(source_next(source, &packet, &err), SOURCE_PACKET);
    assert_int_equal(source_next(source, &packet, &err), SOURCE_FAILED);
    assert_int_equal(err.exit_code, EXIT_INPUT);
    assert_says(&err, "another link type");
    source_close(source);
    buf_fini(&content);
}

static void an_interrupted_source_ends(void **state)
{
    (void)state;
    struct buf content = BUF_INIT(1 << 16);
    struct source *source;
    struct packet packet;
    struct error err;
    append_pcap(&content, LINK_ETHERNET, 2);
    write_file(buf_bytes(&content));
    assert_int_equal(source_open_file(PATH, NULL, &source, &err), 0);
    assert_int_equal(source_next(source, &packet, &err), SOURCE_PACKET);
    source_break(source);
    assert_int_equal(source_next(source, &packet, &err), SOURCE_END);
    source_close(source);
    buf_fini(&content);
}

static void an_interface_that_is_not_there_is_named(void **state)
{
    (void)state;
    const struct source_live_options options = {.interface = "nosuch0"};
    struct source *source;
    struct error err;
    assert_int_equal(source_open_live(&options, &source, &err), -1);
    assert_int_equal(err.exit_code, EXIT_INPUT);
    assert_says(&err, geteuid() == 0 ? "nosuch0: no such interface" : "nosuch0: ");
}

static int listen_on_loopback(struct sockaddr_in *ret_address)
{
    socklen_t len = sizeof *ret_address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    *ret_address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)ret_address, sizeof *ret_address), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)ret_address, &len), 0);
    return fd;
}

static void talk_on_loopback(int listener, const struct sockaddr_in *address)
{
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (const struct sockaddr *)address, sizeof *address), 0);
    int server = accept(listener, NULL, NULL);
    assert_int_equal(send(client, "hello", 5, 0), 5);
    close(client);
    close(server);
}

/* Whether the interface is "lo" or "any": each packet of a loopback connection comes once. */
static void check_once(const char *interface)
{
    struct sockaddr_in address;
    struct error err;
    struct source *source;
    int listener = listen_on_loopback(&address);
    char filter[32];
    snprintf(filter, sizeof filter, "tcp port %d", ntohs(address.sin_port));
    const struct source_live_options options = {
        .interface = interface, .filter = filter, .buffer_bytes = 4 << 20};
    if (source_open_live(&options, &source, &err)) {
        close(listener);
        print_message("skipped: %s\n", err.text);
        skip();
    }
    struct packet packet;
    struct segment segment;
    struct decoder *decoder = decoder_new();
    int syns = 0, hellos = 0, fins = 0;
    assert_int_equal(source_next(source, &packet, &err), SOURCE_QUIET);
    talk_on_loopback(listener, &address);
    /* Each quiet round is 100 ms: the packets come within one or two. */
    for (int quiet = 0; quiet < 50 && fins < 2;) {
        enum source_result result = source_next(source, &packet, &err);
        quiet += result == SOURCE_QUIET;
        if (result == SOURCE_QUIET)
            continue;
        assert_int_equal(result, SOURCE_PACKET);
        assert_int_equal(decode_packet(decoder, &packet, 0, &segment), DECODE_SEGMENT);
        syns += (segment.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
        hellos += segment.payload.len == 5;
        fins += (segment.flags & (TCP_FIN | TCP_RST)) != 0;
    }
    assert_int_equal(syns, 1);
    assert_int_equal(hellos, 1);
    struct source_stats stats;
    assert_int_equal(source_stats(source, &stats, &err), 0);
    assert_int_equal(stats.kernel_drops, 0);
    decoder_free(decoder);
    source_close(source);
    close(listener);
}

static void a_packet_on_lo_comes_once(void **state)
{
    (void)state;
    check_once("lo");
}

static void a_loopback_packet_on_any_comes_once(void **state)
{
    (void)state;
    check_once("any");
}

/* ^C right behind the last packet, which the kernel has not handed over yet. */
static void an_interrupted_interface_gives_what_came_before(void **state)
{
    (void)state;
    struct sockaddr_in address;
    struct error err;
    struct source *source;
    int listener = listen_on_loopback(&address);
    char filter[32];
    snprintf(filter, sizeof filter, "tcp port %d", ntohs(address.sin_port));
    const struct source_live_options options = {
        .interface = "lo", .filter = filter, .buffer_bytes = 4 << 20};
    if (source_open_live(&options, &source, &err)) {
        close(listener);
        print_message("skipped: %s\n", err.text);
        skip();
    }
    struct packet packet;
    struct segment segment;
    struct decoder *decoder = decoder_new();
    int hellos = 0;
    talk_on_loopback(listener, &address);
    source_break(source);
    talk_on_loopback(listener, &address);
    for (;;) {
        enum source_result result = source_next(source, &packet, &err);
        if (result == SOURCE_QUIET)
            continue;
        if (result == SOURCE_END)
            break;
        assert_int_equal(result, SOURCE_PACKET);
        assert_int_equal(decode_packet(decoder, &packet, 0, &segment), DECODE_SEGMENT);
        hellos += segment.payload.len == 5;
    }
    assert_int_equal(hellos, 1);
    decoder_free(decoder);
    source_close(source);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_gives_its_packets_and_ends),
        cmocka_unit_test(a_file_cut_anywhere_gives_what_is_whole_and_says_it_is_truncated),
        cmocka_unit_test(a_filter_chooses_and_a_bad_one_is_named),
        cmocka_unit_test(what_is_no_capture_is_refused_in_one_line),
        cmocka_unit_test(a_file_that_cannot_be_read_is_named),
        cmocka_unit_test(an_unknown_link_type_is_refused_by_name),
        cmocka_unit_test(interfaces_of_one_link_type_in_a_file_are_read),
        cmocka_unit_test(interfaces_of_several_link_types_end_with_a_line_that_says_so),
        cmocka_unit_test(an_interrupted_source_ends),
        cmocka_unit_test(an_interface_that_is_not_there_is_named),
        cmocka_unit_test(a_packet_on_lo_comes_once),
        cmocka_unit_test(a_loopback_packet_on_any_comes_once),
        cmocka_unit_test(an_interrupted_interface_gives_what_came_before),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(PATH);
    return failed;
}
