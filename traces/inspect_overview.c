/* inspect_overview.c - a trace on one screen: where it is from, how much it holds, what it lost. */
#include <time.h>

#include "core/units.h"
#include "traces/inspect.h"
#include "traces/inspect_json.h"
#include "traces/printable.h"

enum { SHOWN_ENDPOINTS = 10, TIME_BYTES = 64 };

/* "2024-05-01 10:06:40.123456 UTC" */
static void format_unix(int64_t unix_us, char out[TIME_BYTES])
{
    int64_t seconds = unix_us / 1000000, rest_us = unix_us % 1000000;
    if (rest_us < 0) {
        rest_us += 1000000;
        seconds--;
    }
    time_t moment = (time_t)seconds;
    struct tm parts;
    char text[32];
    if (!gmtime_r(&moment, &parts) || strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts) == 0)
        snprintf(out, TIME_BYTES, "%lld us since 1970", (long long)unix_us);
    else
        snprintf(out, TIME_BYTES, "%s.%06lld UTC", text, (long long)rest_us);
}

static int print_json(struct inspect *inspect, const struct trace_counts *counts,
                      const struct ledger_sums *sums, struct error *err)
{
    const struct trace_facts *facts = trace_reader_facts(inspect->reader);
    struct json_line line;
    json_line_start(&line);
    json_line_int(&line, "origin_unix_us", facts->origin_unix_us);
    json_line_text(&line, "source", facts->source);
    json_line_text(&line, "tool_version", facts->tool_version);
    json_line_text(&line, "redaction", facts->redaction);
    json_line_bool(&line, "is_complete", facts->is_complete);
    json_line_moment(&line, "last_us", facts->last_us);
    json_line_count(&line, "packets", facts->packets);
    json_line_count(&line, "payload_bytes", facts->payload_bytes);
    json_line_count(&line, "stored_bytes", facts->stored_bytes);
    json_line_count(&line, "ledger_bytes", sums->payload_bytes);
    json_line_count(&line, "missing_bytes", sums->missing_bytes);
    json_line_bool(&line, "is_balanced", ledger_balances(facts, sums));
    json_line_count(&line, "session_count", counts->sessions);
    json_line_count(&line, "connection_count", counts->connections);
    json_line_count(&line, "exchange_count", counts->exchanges);
    json_line_count(&line, "message_count", counts->messages);
    json_line_count(&line, "body_count", counts->bodies);
    json_line_count(&line, "body_bytes", counts->body_bytes);
    for (int what = 0; what < 3; what++) {
        static const char *const names[] = {"ledger_packets", "ledger_payload_bytes",
                                            "ledger_missing_bytes"};
        json_line_open(&line, names[what]);
        for (int i = 0; i < TRACE_REASON_COUNT; i++) {
            const uint64_t values[] = {sums->of[i].packets, sums->of[i].payload_bytes,
                                       sums->of[i].missing_bytes};
            if (sums->of[i].entries)
                json_line_count(&line, trace_reason_name((enum trace_reason)i), values[what]);
        }
        json_line_close(&line);
    }
    return json_line_end(&line, inspect->out, err);
}

static void print_text(FILE *out, const char *label, struct bytes text)
{
    fprintf(out, "%-12s", label);
    print_lines(out, "", text.len ? text : bytes_of("-"));
}

static void print_count(FILE *out, uint64_t count, const char *noun, const char *behind)
{
    fprintf(out, "%llu %s%s%s", (unsigned long long)count, noun, count == 1 ? "" : "s", behind);
}

static void print_facts(FILE *out, const struct trace_facts *facts,
                        const struct trace_counts *counts)
{
    char origin[TIME_BYTES], span[UNITS_TEXT_BYTES], content[UNITS_TEXT_BYTES],
        stored[UNITS_TEXT_BYTES];
    format_unix(facts->origin_unix_us, origin);
    print_text(out, "source", facts->source);
    fprintf(out, "%-12s%s\n", "begins", origin);
    if (facts->is_complete && facts->last_us != TRACE_NO_MOMENT)
        fprintf(out, "%-12s%s\n", "lasts",
                duration_format(span, sizeof span, (double)facts->last_us));
    else
        fprintf(out, "%-12s%s\n", "lasts", "not known: it was not closed in order");
    print_text(out, "made by", facts->tool_version);
    print_text(out, "redaction", facts->redaction);
    fprintf(out, "%-12s", "holds");
    print_count(out, counts->sessions, "session", " on ");
    print_count(out, counts->connections, "connection", ": ");
    print_count(out, counts->exchanges, "exchange", ", ");
    print_count(out, counts->messages, "message", "\n");
    fprintf(out, "%-12s%llu contents of %s, stored in %s\n", "bodies",
            (unsigned long long)counts->bodies,
            size_format(content, sizeof content, (double)counts->body_bytes),
            size_format(stored, sizeof stored, (double)counts->stored_bytes));
    fprintf(out, "%-12s%llu\n", "packets", (unsigned long long)facts->packets);
}

static void print_ledger(FILE *out, const struct trace_facts *facts, const struct ledger_sums *sums)
{
    fprintf(out, "%-12s", "ledger");
    ledger_print_balance(out, facts, sums);
    for (int i = 0; i < TRACE_REASON_COUNT; i++) {
        if (!sums->of[i].entries)
            continue;
        fprintf(out, "%-12s%s: %llu packets, %llu payload bytes, %llu missing bytes\n", "",
                trace_reason_name((enum trace_reason)i), (unsigned long long)sums->of[i].packets,
                (unsigned long long)sums->of[i].payload_bytes,
                (unsigned long long)sums->of[i].missing_bytes);
    }
}

int inspect_overview(struct inspect *inspect, struct error *err)
{
    const struct trace_facts *facts = trace_reader_facts(inspect->reader);
    struct trace_counts counts = {0};
    struct ledger_sums sums;
    if (trace_reader_count(inspect->reader, &counts, err) < 0 ||
        ledger_sum(inspect->reader, &sums, err))
        return -1;
    if (inspect->is_json)
        return print_json(inspect, &counts, &sums, err);
    print_facts(inspect->out, facts, &counts);
    print_ledger(inspect->out, facts, &sums);
    if (!counts.exchanges)
        return 0;
    fputc('\n', inspect->out);
    return inspect_endpoints(inspect, SHOWN_ENDPOINTS, err);
}
