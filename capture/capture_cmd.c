/* capture_cmd.c - the options of `reprise capture`, and what it says at the end. */
#include "capture/capture_cmd.h"

#include <inttypes.h>
#include <stdio.h>

#include "capture/capture_run.h"
#include "core/cli.h"
#include "core/http1.h"
#include "core/log.h"
#include "core/units.h"
#include "traces/reader.h"

enum { MAX_BODY_LIMIT = 512 << 20 }; /* SQLite takes 1e9 bytes in one value */

static const char usage[] = "-i INTERFACE | -r FILE... [-o TRACE] [options]";

static const char examples[] =
    "  reprise capture -i lo --port 8080 -o shop.trace     until ^C\n"
    "  reprise capture -r monday.pcap -r tuesday.pcapng -o week.trace\n"
    "  reprise capture -i any --filter 'host 10.0.0.7' --duration 5m --max-size 2GB\n"
    "\n"
    "What is HTTP is decided by its bytes, not by its port. Every payload byte that is not in the\n"
    "trace is in its ledger: `reprise inspect TRACE ledger`. Exit code 0 also after ^C or\n"
    "--duration: the capture did what was asked. A trace holds what users sent, passwords\n"
    "included: the file is readable by its owner only.\n";

static int parse_ports(const struct cli_list *list, struct capture_options *options,
                       struct error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        uint64_t port;
        if (!bytes_to_u64(bytes_of(list->items[i]), &port) || port == 0 || port > UINT16_MAX)
            return error_set(err, EXIT_INPUT, "--port %s: not a port; 1 to 65535, once for each",
                             list->items[i]);
        options->ports[options->port_count++] = (uint16_t)port;
    }
    return 0;
}

static int check_options(const struct capture_options *options, struct error *err)
{
    if (options->max_body_bytes == 0 || options->max_body_bytes > MAX_BODY_LIMIT)
        return error_set(err, EXIT_INPUT, "--max-body: 1 byte to 512MiB");
    if (options->session_gap_us == 0)
        return error_set(err, EXIT_INPUT,
                         "--session-gap 0: every request would be a session; the default is 30m");
    if (options->session_header && !http1_is_token(bytes_of(options->session_header)))
        return error_set(err, EXIT_INPUT,
                         "--session-header '%s': no name of a header; give it without colon and "
                         "value, like X-User-Id",
                         options->session_header);
    if (options->interface && options->file_count)
        return error_set(err, EXIT_INPUT, "-i and -r together: one capture has one kind of source");
    if (!options->interface && !options->file_count)
        return error_set(err, EXIT_INPUT,
                         "nothing to capture; give -i INTERFACE ('ip link' lists them) or -r FILE");
    return 0;
}

/* Endpoints have the ids 1, 2, 3... */
static uint64_t count_endpoints(const char *path)
{
    struct trace_reader *reader;
    struct error err;
    struct bytes name;
    int64_t id = 0;
    if (trace_reader_open(&reader, path, &err))
        return 0;
    while (trace_reader_endpoint_name(reader, id + 1, &name, &err) == 1)
        id++;
    trace_reader_close(reader);
    return (uint64_t)id;
}

static const char *end_text(enum capture_end end)
{
    switch (end) {
    case CAPTURE_STOPPED:
        return "stopped";
    case CAPTURE_TIME_IS_UP:
        return "--duration is over";
    case CAPTURE_IS_FULL:
        return "--max-size is reached";
    case CAPTURE_AT_END:
        break;
    }
    return "done";
}

static void print_losses(const struct ledger_counts *ledger)
{
    char seen[UNITS_TEXT_BYTES], missing[UNITS_TEXT_BYTES];
    bool has_any = false;
    for (int i = 0; i < TRACE_REASON_COUNT; i++) {
        if (!ledger->packets[i] && !ledger->payload_bytes[i] && !ledger->missing_bytes[i])
            continue;
        if (!has_any)
            printf("\nnot in the trace\n");
        has_any = true;
        printf("  %-18s", trace_reason_name((enum trace_reason)i));
        if (ledger->payload_bytes[i])
            printf(" %s seen", size_format(seen, sizeof seen, (double)ledger->payload_bytes[i]));
        if (ledger->missing_bytes[i])
            printf(" %s missing",
                   size_format(missing, sizeof missing, (double)ledger->missing_bytes[i]));
        if (ledger->packets[i])
            printf(" (%" PRIu64 " packets)", ledger->packets[i]);
        printf("\n");
    }
}

static void print_summary(const struct capture_options *options,
                          const struct capture_result *result)
{
    const struct recorder_totals *totals = &result->totals;
    char stored[UNITS_TEXT_BYTES], seen[UNITS_TEXT_BYTES];
    printf("%s: %s\n\n", options->out, end_text(result->end));
    printf("  %-18s %" PRIu64 "\n", "exchanges", totals->exchanges);
    printf("  %-18s %" PRIu64 "\n", "messages", totals->messages);
    printf("  %-18s %" PRIu64 "\n", "sessions", totals->sessions);
    printf("  %-18s %" PRIu64 "\n", "endpoints", count_endpoints(options->out));
    printf("  %-18s %" PRIu64 "\n", "connections", totals->connections);
    printf("  %-18s %" PRIu64 "\n", "packets", totals->packets);
    printf("  %-18s %s of %s seen\n", "stored",
           size_format(stored, sizeof stored, (double)totals->stored_bytes),
           size_format(seen, sizeof seen, (double)totals->payload_bytes));
    print_losses(&totals->ledger);
    if (totals->mixed_sessions)
        printf(
            "\nwarning: %" PRIu64 " of the sessions sent several values of one session cookie in "
            "turn:\nprobably several users behind one address that could not be told apart. Their "
            "labels in\n`reprise inspect %s sessions` say how many; --session-header tells them "
            "apart.\n",
            totals->mixed_sessions, options->out);
    printf("\nnext: reprise inspect %s\n", options->out);
}

/* Numbers, and names of ours: nothing that needs escaping but the path, which is left out. */
static void print_json(const struct capture_result *result)
{
    const struct recorder_totals *totals = &result->totals;
    const struct ledger_counts *ledger = &totals->ledger;
    bool is_first = true;
    printf("{\n  \"end\": \"%s\",\n", end_text(result->end));
    printf("  \"exchanges\": %" PRIu64 ",\n  \"messages\": %" PRIu64 ",\n", totals->exchanges,
           totals->messages);
    printf("  \"sessions\": %" PRIu64 ",\n  \"mixed_sessions\": %" PRIu64 ",\n", totals->sessions,
           totals->mixed_sessions);
    printf("  \"connections\": %" PRIu64 ",\n", totals->connections);
    printf("  \"packets\": %" PRIu64 ",\n  \"payload_bytes\": %" PRIu64 ",\n", totals->packets,
           totals->payload_bytes);
    printf("  \"stored_bytes\": %" PRIu64 ",\n  \"dropped_packets\": %" PRIu64 ",\n",
           totals->stored_bytes, result->drops);
    printf("  \"ledger\": {");
    for (int i = 0; i < TRACE_REASON_COUNT; i++) {
        if (!ledger->packets[i] && !ledger->payload_bytes[i] && !ledger->missing_bytes[i])
            continue;
        printf("%s\n    \"%s\": {\"packets\": %" PRIu64 ", \"payload_bytes\": %" PRIu64
               ", \"missing_bytes\": %" PRIu64 "}",
               is_first ? "" : ",", trace_reason_name((enum trace_reason)i), ledger->packets[i],
               ledger->payload_bytes[i], ledger->missing_bytes[i]);
        is_first = false;
    }
    printf("%s}\n}\n", is_first ? "" : "\n  ");
}

static int run(struct capture_options *options, bool as_json)
{
    struct capture_result result;
    struct error err = {.exit_code = EXIT_DONE};
    stop_on_signals();
    int failed = capture_run(options, &result, &err);
    if (result.has_trace && as_json)
        print_json(&result);
    else if (result.has_trace)
        print_summary(options, &result);
    fflush(stdout);
    if (!failed)
        return EXIT_DONE;
    error_prefix(&err, "capture");
    return error_report(&err);
}

int capture_cmd(int argc, char **argv)
{
    struct cli_list files = {0}, ports = {0};
    bool as_json = false;
    struct capture_options options = {
        .out = "capture.trace",
        .max_body_bytes = 64u << 20,
        .session_gap_us = 30ull * 60 * 1000000,
    };
    const struct cli_option table[] = {
        {"interface", 'i', CLI_TEXT, &options.interface, "NAME",
         "capture live from it: lo, eth0, any", "Source"},
        {"read", 'r', CLI_LIST, &files, "FILE", "read a pcap or pcapng file; may be repeated",
         NULL},
        {"port", 0, CLI_LIST, &ports, "N", "only this TCP port; may be repeated (default all)",
         NULL},
        {"filter", 0, CLI_TEXT, &options.filter, "BPF", "only packets that match, as in tcpdump",
         NULL},
        {"buffer-size", 0, CLI_SIZE, &options.buffer_bytes, "SIZE",
         "the kernel's buffer for a live capture (default 128MiB)", NULL},
        {"out", 'o', CLI_TEXT, &options.out, "TRACE", "file to write (default capture.trace)",
         "Trace"},
        {"force", 0, CLI_FLAG, &options.replaces_existing, NULL, "replace an existing file", NULL},
        {"duration", 0, CLI_DURATION, &options.duration_us, "TIME",
         "stop after this long (default at ^C)", NULL},
        {"max-size", 0, CLI_SIZE, &options.max_file_bytes, "SIZE",
         "stop when the trace is this large", NULL},
        {"max-body", 0, CLI_SIZE, &options.max_body_bytes, "SIZE",
         "keep this much of one body, count the rest (default 64MiB)", NULL},
        {"session-header", 0, CLI_TEXT, &options.session_header, "NAME",
         "header that says which user a request belongs to", "Sessions"},
        {"session-gap", 0, CLI_DURATION, &options.session_gap_us, "TIME",
         "a session ends after this long without a request (default 30m)", NULL},
        {"quiet", 'q', CLI_FLAG, &options.is_quiet, NULL, "no status line", "Output"},
        {"json", 0, CLI_FLAG, &as_json, NULL, "print the summary as JSON", NULL},
        {0},
    };
    const struct cli_verb verb = {.name = "capture",
                                  .summary = "record HTTP and WebSocket sessions into a trace",
                                  .usage = usage,
                                  .examples = examples,
                                  .options = table};
    struct cli_arguments arguments;
    enum cli_outcome outcome;
    struct error err = {.exit_code = EXIT_DONE};
    if (cli_parse(&verb, argc, argv, &arguments, &outcome, &err))
        return error_report(&err);
    if (outcome == CLI_HELP_SHOWN)
        return EXIT_DONE;
    options.files = files.items;
    options.file_count = files.count;
    if (arguments.count)
        error_set(&err, EXIT_INPUT, "capture: %s: what is it? files are given with -r",
                  arguments.items[0]);
    else if (!parse_ports(&ports, &options, &err) && !check_options(&options, &err))
        return run(&options, as_json);
    else
        error_prefix(&err, "capture");
    return error_report(&err);
}
