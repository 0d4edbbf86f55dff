/*
 * field_test.c - captures that others made: every file ends, and every packet and byte of it is
 * accounted for. They lie in ../shared/captures beside the source tree; without them it is skipped.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "capture/decode.h"
#include "capture/flow_table.h"
#include "capture/source.h"

#define FOLDER TEST_SOURCE_DIR "/../shared/captures/visible"

enum { SKIPPED = 77 };

struct sums {
    uint64_t packets;
    uint64_t segments;
    uint64_t payload_bytes;
    uint64_t delivered_bytes;
    uint64_t counted_bytes;
};

static void *on_open(void *context, const struct flow_open *open)
{
    (void)open;
    return context;
}

static void on_release(void *context, void *owner, const struct flow *flow)
{
    struct sums *sums = owner;
    (void)context;
    for (int i = 0; i < TRACE_REASON_COUNT; i++)
        sums->counted_bytes += flow_counts(flow)->payload_bytes[i];
}

static void on_data(void *owner, enum flow_side from, struct bytes data, int64_t at_us)
{
    (void)from;
    (void)at_us;
    ((struct sums *)owner)->delivered_bytes += data.len;
}

static void on_gap(void *owner, enum flow_side from, uint64_t missing_bytes, int64_t at_us)
{
    (void)owner, (void)from, (void)at_us;
    assert_true(missing_bytes <= UINT32_MAX);
}

static void on_close(void *owner, enum flow_side from, enum trace_connection_end end, int64_t at_us)
{
    (void)owner, (void)from, (void)end, (void)at_us;
}

static void check_sums(const char *path, const struct sums *sums, const struct decoder *decoder)
{
    uint64_t accounted = sums->segments + decoder_joined_packets(decoder);
    for (int i = 0; i < TRACE_REASON_COUNT; i++)
        accounted += decoder_counts(decoder)->packets[i];
    if (accounted != sums->packets)
        fail_msg("%s: %d packets, %d accounted for", path, (int)sums->packets, (int)accounted);
    if (sums->payload_bytes != sums->delivered_bytes + sums->counted_bytes)
        fail_msg("%s: %d bytes in, %d out, %d counted", path, (int)sums->payload_bytes,
                 (int)sums->delivered_bytes, (int)sums->counted_bytes);
}

static void check_file(const char *path)
{
    const struct flow_table_callbacks callbacks = {
        on_open, on_release, {on_data, on_gap, on_close}};
    const struct flow_table_limits limits = flow_table_default_limits();
    struct sums sums = {0};
    struct source *source;
    struct packet packet;
    struct segment segment;
    struct error err;
    if (source_open_file(path, NULL, &source, &err))
        fail_msg("%s", err.text);
    struct decoder *decoder = decoder_new();
    struct flow_table *table = flow_table_new(&limits, &callbacks, &sums);
    /* A file may end early (cut, interfaces of several link types): what it gave is checked. */
    while (source_next(source, &packet, &err) == SOURCE_PACKET) {
        sums.packets++;
        if (decode_packet(decoder, &packet, packet.unix_us, &segment) != DECODE_SEGMENT)
            continue;
        sums.segments++;
        sums.payload_bytes += segment.payload.len;
        assert_int_equal(flow_table_add(table, &segment), 0);
    }
    flow_table_finish(table);
    decoder_finish(decoder);
    assert_int_equal(flow_table_held_bytes(table), 0);
    check_sums(path, &sums, decoder);
    flow_table_free(table);
    decoder_free(decoder);
    source_close(source);
}

static bool is_capture(const char *name)
{
    const char *dot = strrchr(name, '.');
    bool has_double = dot && dot - name > 5 && strncmp(dot - 5, ".pcap", 5) == 0;
    return dot && !has_double && (strcmp(dot, ".pcap") == 0 || strcmp(dot, ".pcapng") == 0);
}

static void every_packet_and_byte_of_captures_from_the_field_is_accounted_for(void **state)
{
    DIR *folder = *state;
    int files = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[4096];
        if (!is_capture(entry->d_name))
            continue;
        snprintf(path, sizeof path, FOLDER "/%s", entry->d_name);
        check_file(path);
        files++;
    }
    assert_true(files > 0);
}

int main(void)
{
    DIR *folder = opendir(FOLDER);
    if (!folder) {
        printf("skipped: no captures in " FOLDER "\n");
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(every_packet_and_byte_of_captures_from_the_field_is_accounted_for,
                                  folder),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    closedir(folder);
    return failed;
}
