/* capture_run.c - the loop of a capture: read, decode, record, look at the clock. */
#include "capture/capture_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "capture/decode.h"
#include "capture/file_order.h"
#include "capture/source.h"
#include "capture/status_line.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"

enum {
    MAX_SESSIONS = 100 * 1000, /* about 600 bytes each with two keys: 60 MB */
    TICK_PACKETS = 256,        /* between two looks at the clock when packets come fast */
    MAX_SOURCE_TEXT = 4096,
    FILE_GRACE_US = 30 * 1000 * 1000
};

struct capture {
    const struct capture_options *options;
    struct source *source;
    struct decoder *decoder;
    struct recorder *recorder;
    struct trace_writer *writer;
    struct buf source_text;
    struct status_line status;
    struct source_stats stats; /* of the sources closed so far, and the one that is open */
    int64_t origin_unix_us;
    int64_t now_us; /* the latest packet, since t=0 */
    uint64_t started_us;
    uint64_t stats_at_us;
    uint64_t unread_files; /* ended before their end */
    uint32_t packets_since_tick;
    bool is_ending; /* the source was told to end; what it still has is read */
};

static void set_source_text(struct capture *capture)
{
    const struct capture_options *options = capture->options;
    buf_init(&capture->source_text, MAX_SOURCE_TEXT);
    if (options->interface)
        buf_printf(&capture->source_text, "interface %s", options->interface);
    for (size_t i = 0; i < options->file_count; i++)
        buf_printf(&capture->source_text, "%s%s", i ? ", " : "file ", options->files[i]);
}

static struct trace_facts facts_of(const struct capture *capture)
{
    return (struct trace_facts){
        .origin_unix_us = capture->origin_unix_us,
        .source = buf_bytes(&capture->source_text),
        .tool_version = bytes_of(REPRISE_VERSION),
        .redaction = bytes_of("none"),
    };
}

static int open_trace(struct capture *capture, struct error *err)
{
    const struct capture_options *options = capture->options;
    struct trace_writer_options writer_options = {.replaces_existing = options->replaces_existing,
                                                  .max_file_bytes = options->max_file_bytes};
    struct recorder_options recorder_options = {
        .http = http_default_limits(),
        .sessions = {.header = options->session_header,
                     .idle_gap_us = (int64_t)options->session_gap_us,
                     .max_sessions = MAX_SESSIONS},
        .flows = flow_table_default_limits(),
    };
    recorder_options.http.max_body_bytes = options->max_body_bytes;
    /* A file's packets may be far out of order (merged from several captures), and nobody waits. */
    if (options->file_count)
        recorder_options.flows.flow.gap_grace_us = FILE_GRACE_US;
    recorder_options.flows.server_ports = options->ports;
    recorder_options.flows.server_port_count = options->port_count;
    struct trace_facts facts = facts_of(capture);
    if (trace_writer_open(&capture->writer, options->out, &writer_options, &facts, err))
        return -1;
    capture->recorder = recorder_new(capture->writer, &recorder_options);
    return capture->recorder ? 0 : error_set(err, EXIT_TOOL, "out of memory");
}

static bool is_wanted_port(const struct capture_options *options, const struct segment *segment)
{
    for (size_t i = 0; i < options->port_count; i++) {
        if (segment->source.port == options->ports[i] ||
            segment->destination.port == options->ports[i])
            return true;
    }
    return options->port_count == 0;
}

static int take_packet(struct capture *capture, const struct packet *packet, struct error *err)
{
    struct segment segment;
    int64_t at_us = packet->unix_us - capture->origin_unix_us;
    if (at_us > capture->now_us)
        capture->now_us = at_us;
    recorder_note_packet(capture->recorder, at_us);
    if (decode_packet(capture->decoder, packet, at_us, &segment) != DECODE_SEGMENT)
        return 0;
    if (is_wanted_port(capture->options, &segment))
        return recorder_add_segment(capture->recorder, &segment, err);
    recorder_skip_segment(capture->recorder, &segment, TRACE_REASON_OTHER_PORT);
    return 0;
}

static bool is_asked_to_end(const struct capture *capture, uint64_t now_us,
                            enum capture_end *ret_end)
{
    uint64_t duration_us = capture->options->duration_us;
    if (stop_requested())
        *ret_end = CAPTURE_STOPPED;
    else if (duration_us && now_us - capture->started_us >= duration_us)
        *ret_end = CAPTURE_TIME_IS_UP;
    else
        return false;
    return true;
}

/* What the clock asks for. `*ret_end` is set when it is time to end. */
static int look_at_clock(struct capture *capture, bool *ret_is_over, enum capture_end *ret_end,
                         struct error *err)
{
    uint64_t now_us = clock_now_us();
    bool is_full = false;
    const struct capture_options *options = capture->options;
    capture->packets_since_tick = 0;
    if (options->interface) {
        int64_t wall_us = clock_unix_us() - capture->origin_unix_us;
        if (wall_us > capture->now_us)
            capture->now_us = wall_us;
    }
    if (now_us - capture->stats_at_us >= 1000000) {
        struct source_stats stats;
        capture->stats_at_us = now_us;
        if (source_stats(capture->source, &stats, err) == 0)
            capture->stats = stats;
    }
    if (recorder_tick(capture->recorder, now_us, capture->now_us, &is_full, err))
        return -1;
    if (!options->is_quiet)
        status_line_tick(&capture->status, recorder_totals(capture->recorder),
                         capture->stats.kernel_drops + capture->stats.interface_drops, now_us);
    if (is_full) {
        *ret_end = CAPTURE_IS_FULL;
        *ret_is_over = true;
    } else if (!capture->is_ending && is_asked_to_end(capture, now_us, ret_end)) {
        capture->is_ending = true;
        source_break(capture->source);
    }
    return 0;
}

/* Read one source to its end, or until it is over for another reason. */
static int read_source(struct capture *capture, bool *ret_is_over, enum capture_end *ret_end,
                       struct error *err)
{
    *ret_is_over = false;
    for (;;) {
        struct packet packet;
        enum source_result result = source_next(capture->source, &packet, err);
        if (result == SOURCE_END) {
            *ret_is_over = capture->is_ending;
            return 0;
        }
        if (result == SOURCE_TRUNCATED || result == SOURCE_FAILED) {
            capture->unread_files += capture->options->file_count > 0;
            return -1;
        }
        if (result == SOURCE_PACKET) {
            if (!capture->recorder) {
                capture->origin_unix_us = packet.unix_us;
                if (open_trace(capture, err))
                    return -1;
            }
            if (take_packet(capture, &packet, err))
                return -1;
        }
        if (result == SOURCE_QUIET || ++capture->packets_since_tick >= TICK_PACKETS) {
            if (look_at_clock(capture, ret_is_over, ret_end, err))
                return -1;
            if (*ret_is_over)
                return 0;
        }
    }
}

static int run_live(struct capture *capture, struct capture_result *result, struct error *err)
{
    const struct capture_options *options = capture->options;
    struct source_live_options live = {.interface = options->interface,
                                       .filter = options->filter,
                                       .ports = options->ports,
                                       .port_count = options->port_count,
                                       .buffer_bytes = options->buffer_bytes};
    bool is_over;
    if (source_open_live(&live, &capture->source, err))
        return -1;
    capture->origin_unix_us = clock_unix_us();
    if (open_trace(capture, err))
        return -1;
    /* Scripts wait for this line: it comes with --quiet too. */
    fprintf(stderr, "capturing on %s\n", options->interface);
    fflush(stderr);
    return read_source(capture, &is_over, &result->end, err);
}

static int read_files(struct capture *capture, const char *const *files, size_t count,
                      struct capture_result *result, struct error *err)
{
    bool is_over = false;
    for (size_t i = 0; i < count && !is_over; i++) {
        if (source_open_file(files[i], capture->options->filter, &capture->source, err))
            return -1;
        if (read_source(capture, &is_over, &result->end, err))
            return -1;
        source_close(capture->source);
        capture->source = NULL;
    }
    if (capture->recorder)
        return 0;
    return open_trace(capture, err); /* files without a packet: an empty trace */
}

/* One may be the earlier part of another: a connection goes on from file to file. */
static int run_files(struct capture *capture, struct capture_result *result, struct error *err)
{
    size_t count = capture->options->file_count;
    const char **files = calloc(count, sizeof *files);
    if (!files)
        return error_set(err, EXIT_TOOL, "out of memory");
    memcpy(files, capture->options->files, count * sizeof *files);
    int failed = (count > 1 && file_order_sort(files, count, err)) ||
                         read_files(capture, files, count, result, err)
                     ? -1
                     : 0;
    free(files);
    return failed;
}

/* Everything that was read is in the trace, also after an error of the source. */
static int close_trace(struct capture *capture, struct capture_result *result, struct error *err)
{
    struct source_stats stats;
    struct error ignored;
    decoder_finish(capture->decoder);
    struct ledger_counts others = *decoder_counts(capture->decoder);
    if (capture->source && source_stats(capture->source, &stats, &ignored) == 0)
        capture->stats = stats;
    others.packets[TRACE_REASON_KERNEL_DROP] += capture->stats.kernel_drops;
    others.packets[TRACE_REASON_INTERFACE_DROP] += capture->stats.interface_drops;
    others.packets[TRACE_REASON_UNREAD_FILE] += capture->unread_files;
    result->drops = capture->stats.kernel_drops + capture->stats.interface_drops;
    if (recorder_finish(capture->recorder, &others, err))
        return -1;
    result->totals = *recorder_totals(capture->recorder);
    struct trace_facts facts = facts_of(capture);
    facts.is_complete = true;
    facts.last_us = result->totals.last_us == TRACE_NO_MOMENT ? 0 : result->totals.last_us;
    facts.packets = result->totals.packets;
    facts.payload_bytes = result->totals.payload_bytes;
    facts.stored_bytes = result->totals.stored_bytes;
    struct trace_writer *writer = capture->writer;
    capture->writer = NULL;
    if (trace_writer_close(writer, &facts, err))
        return -1;
    result->has_trace = true;
    return 0;
}

int capture_run(const struct capture_options *options, struct capture_result *result,
                struct error *err)
{
    struct capture capture = {.options = options};
    struct error close_err;
    *result = (struct capture_result){.end = CAPTURE_AT_END};
    capture.started_us = clock_now_us();
    status_line_init(&capture.status, stderr, capture.started_us);
    set_source_text(&capture);
    capture.decoder = decoder_new();
    int failed = -1;
    if (!capture.decoder)
        error_set(err, EXIT_TOOL, "out of memory");
    else
        failed =
            options->interface ? run_live(&capture, result, err) : run_files(&capture, result, err);
    status_line_end(&capture.status);
    if (capture.recorder && close_trace(&capture, result, failed ? &close_err : err))
        failed = -1;
    result->origin_unix_us = capture.origin_unix_us;
    recorder_free(capture.recorder);
    if (capture.writer)
        trace_writer_abandon(capture.writer);
    decoder_free(capture.decoder);
    source_close(capture.source);
    buf_fini(&capture.source_text);
    return failed;
}
