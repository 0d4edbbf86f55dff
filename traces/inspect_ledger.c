/* inspect_ledger.c - what is not in the trace and why, and whether the bytes add up. */
#include "core/table.h"
#include "core/units.h"
#include "traces/inspect.h"
#include "traces/inspect_json.h"

int ledger_sum(struct trace_reader *reader, struct ledger_sums *ret_sums, struct error *err)
{
    struct ledger_sums sums = {0};
    struct trace_ledger_entry entry;
    int found;
    if (trace_reader_start_ledger(reader, err))
        return -1;
    while ((found = trace_reader_next_ledger(reader, &entry, err)) == 1) {
        sums.of[entry.reason].entries++;
        sums.of[entry.reason].packets += entry.packets;
        sums.of[entry.reason].payload_bytes += entry.payload_bytes;
        sums.of[entry.reason].missing_bytes += entry.missing_bytes;
        if (trace_reason_was_seen(entry.reason))
            sums.payload_bytes += entry.payload_bytes;
        sums.missing_bytes += entry.missing_bytes;
    }
    if (found < 0)
        return -1;
    *ret_sums = sums;
    return 0;
}

bool ledger_balances(const struct trace_facts *facts, const struct ledger_sums *sums)
{
    return facts->payload_bytes == facts->stored_bytes + sums->payload_bytes;
}

void ledger_print_balance(FILE *out, const struct trace_facts *facts,
                          const struct ledger_sums *sums)
{
    uint64_t accounted = facts->stored_bytes + sums->payload_bytes;
    if (!facts->is_complete) {
        fputs("not closed in order: the totals were never written, so nothing can be balanced\n",
              out);
        return;
    }
    fprintf(out, "%llu payload bytes seen = %llu stored + %llu in the ledger: ",
            (unsigned long long)facts->payload_bytes, (unsigned long long)facts->stored_bytes,
            (unsigned long long)sums->payload_bytes);
    if (accounted == facts->payload_bytes)
        fputs("balanced\n", out);
    else if (accounted < facts->payload_bytes)
        fprintf(out, "NOT balanced, %llu bytes are unaccounted for\n",
                (unsigned long long)(facts->payload_bytes - accounted));
    else
        fprintf(out, "NOT balanced, %llu bytes are counted twice\n",
                (unsigned long long)(accounted - facts->payload_bytes));
}

static int print_entry_json(struct inspect *inspect, const struct trace_ledger_entry *entry,
                            struct error *err)
{
    struct json_line line;
    json_line_start(&line);
    json_line_text(&line, "reason", bytes_of(trace_reason_name(entry->reason)));
    json_line_id(&line, "session_id", entry->session_id);
    json_line_id(&line, "connection_id", entry->connection_id);
    json_line_moment(&line, "first_us", entry->first_us);
    json_line_moment(&line, "last_us", entry->last_us);
    json_line_count(&line, "packets", entry->packets);
    json_line_count(&line, "payload_bytes", entry->payload_bytes);
    json_line_count(&line, "missing_bytes", entry->missing_bytes);
    json_line_text(&line, "detail", entry->detail);
    return json_line_end(&line, inspect->out, err);
}

static void cell_id(struct table *table, int64_t id)
{
    if (id)
        table_cell(table, "%lld", (long long)id);
    else
        table_cell(table, "-");
}

static void add_entry(struct table *table, const struct trace_ledger_entry *entry)
{
    char first[INSPECT_MOMENT_BYTES];
    table_row(table);
    table_cell(table, "%s", trace_reason_name(entry->reason));
    cell_id(table, entry->connection_id);
    cell_id(table, entry->session_id);
    table_cell(table, "%s", inspect_moment(entry->first_us, first));
    table_cell(table, "%llu", (unsigned long long)entry->packets);
    table_cell(table, "%llu", (unsigned long long)entry->payload_bytes);
    table_cell(table, "%llu", (unsigned long long)entry->missing_bytes);
    table_cell(table, "%.*s", BYTES_ARG(entry->detail));
}

/* Every entry: a line of JSON each, or a row of the table. */
static int each_entry(struct inspect *inspect, struct table *table, struct error *err)
{
    struct trace_ledger_entry entry;
    int found;
    if (trace_reader_start_ledger(inspect->reader, err))
        return -1;
    while ((found = trace_reader_next_ledger(inspect->reader, &entry, err)) == 1) {
        if (table)
            add_entry(table, &entry);
        else if (print_entry_json(inspect, &entry, err))
            return -1;
    }
    return found;
}

static void print_reasons(FILE *out, const struct ledger_sums *sums)
{
    struct table table;
    table_init(&table, "reason|>packets|>payload bytes|>missing bytes|>entries",
               INSPECT_MAX_TABLE_BYTES);
    for (int i = 0; i < TRACE_REASON_COUNT; i++) {
        if (!sums->of[i].entries)
            continue;
        table_row(&table);
        table_cell(&table, "%s", trace_reason_name((enum trace_reason)i));
        table_cell(&table, "%llu", (unsigned long long)sums->of[i].packets);
        table_cell(&table, "%llu", (unsigned long long)sums->of[i].payload_bytes);
        table_cell(&table, "%llu", (unsigned long long)sums->of[i].missing_bytes);
        table_cell(&table, "%llu", (unsigned long long)sums->of[i].entries);
    }
    table_print(&table, out);
    table_fini(&table);
}

int inspect_ledger(struct inspect *inspect, struct error *err)
{
    struct ledger_sums sums;
    const struct trace_facts *facts = trace_reader_facts(inspect->reader);
    if (inspect->is_json)
        return each_entry(inspect, NULL, err);
    if (ledger_sum(inspect->reader, &sums, err))
        return -1;
    uint64_t entries = 0;
    for (int i = 0; i < TRACE_REASON_COUNT; i++)
        entries += sums.of[i].entries;
    if (entries) {
        struct table table;
        print_reasons(inspect->out, &sums);
        table_init(&table,
                   "reason|>connection|>session|>from|>packets|>payload bytes|>missing bytes|"
                   "detail",
                   INSPECT_MAX_TABLE_BYTES);
        int result = each_entry(inspect, &table, err);
        fputc('\n', inspect->out);
        table_print(&table, inspect->out);
        table_fini(&table);
        fputc('\n', inspect->out);
        if (result)
            return result;
    } else {
        fputs("the ledger is empty: nothing was left out\n", inspect->out);
    }
    ledger_print_balance(inspect->out, facts, &sums);
    return 0;
}
