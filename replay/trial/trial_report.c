/* trial_report.c - what the plugins did, for people. */
#include "core/table.h"
#include "core/units.h"
#include "replay/trial/trial.h"

enum { MAX_TABLE_BYTES = 256 * 1024 };

void trial_print_event(const struct trial_event *event, FILE *out)
{
    char at[UNITS_TEXT_BYTES];
    fprintf(out, "%s  %s %s%s%s: %s\n", duration_format(at, sizeof at, (double)event->at_us),
            event->plugin, event->callback, *event->subject ? "  " : "", event->subject,
            event->verdict);
    struct bytes rest = bytes_of(event->lines), line;
    while (rest.len && bytes_split(&rest, '\n', &line)) {
        if (line.len)
            fprintf(out, "    %.*s\n", BYTES_ARG(line));
    }
}

static void print_calls(const struct trial *trial, FILE *out)
{
    struct table table;
    table_init(&table, "plugin|callback|calls|ns a call|longest", MAX_TABLE_BYTES);
    for (uint32_t i = 0; i < trial->chain.count; i++) {
        for (int j = 0; j < CHAIN_CALLBACK_COUNT; j++) {
            const struct chain_calls *calls = &trial->calls.calls[i][j];
            if (!calls->count)
                continue;
            table_row(&table);
            table_cell(&table, "%s", chain_plugin_name(&trial->chain, i));
            table_cell(&table, "%s", chain_callback_name((enum chain_callback)j));
            table_cell(&table, "%llu", (unsigned long long)calls->count);
            table_cell(&table, "%.0f", (double)calls->total_ns / (double)calls->count);
            table_cell(&table, "%llu", (unsigned long long)calls->max_ns);
        }
    }
    fputc('\n', out);
    table_print(&table, out);
    table_fini(&table);
}

static void print_metrics(const struct trial *trial, FILE *out)
{
    struct table table;
    if (!trial->chain.metric_count)
        return;
    table_init(&table, "metric|recorded|sum|last", MAX_TABLE_BYTES);
    for (uint32_t i = 0; i < trial->chain.metric_count; i++) {
        const struct trial_metric *metric = &trial->metrics[i];
        table_row(&table);
        table_cell(&table, "%s", trial->chain.metrics[i].name);
        table_cell(&table, "%llu", (unsigned long long)metric->count);
        table_cell(&table, "%llu", (unsigned long long)metric->sum);
        table_cell(&table, "%llu", (unsigned long long)metric->last);
    }
    fputc('\n', out);
    table_print(&table, out);
    table_fini(&table);
}

void trial_print(const struct trial *trial, FILE *out)
{
    char length[UNITS_TEXT_BYTES];
    if (!trial->event_count)
        fprintf(out, "the plugins changed nothing\n");
    fprintf(out,
            "\nsession   %lld, %u steps, %s%s%s\n"
            "sent      %llu of the recording, %llu added, %llu messages; in %s of the session's "
            "time\n",
            (long long)trial->session_id, trial->step_count,
            trial->is_stuck ? "stuck" : session_result_name(trial->result),
            *trial->detail ? ": " : "", trial->detail, (unsigned long long)trial->requests_sent,
            (unsigned long long)trial->added_sent, (unsigned long long)trial->messages_sent,
            duration_format(length, sizeof length, (double)trial->duration_us));
    if (trial->answered_by_nothing)
        fprintf(out, "note      %llu requests are like none in the trace: answered 200 and empty\n",
                (unsigned long long)trial->answered_by_nothing);
    print_calls(trial, out);
    print_metrics(trial, out);
}
