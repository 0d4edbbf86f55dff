/* binding_list.c - one line for each binding: where its value comes from and where it goes. */
#include "traces/correlate/binding_list.h"

#include "core/table.h"
#include "traces/inspect.h"
#include "traces/inspect_json.h"

enum { MAX_NAME_BYTES = 320 };

/* "GET /jobs/{id}" of an exchange; empty where there is none. */
static int endpoint_of(struct trace_reader *reader, int64_t exchange_id, char out[MAX_NAME_BYTES],
                       struct error *err)
{
    struct bytes name = {0};
    int64_t session_id, endpoint_id = 0;
    int found = trace_reader_get_exchange_ends(reader, exchange_id, &session_id, &endpoint_id, err);
    if (found == 1 && endpoint_id)
        found = trace_reader_endpoint_name(reader, endpoint_id, &name, err);
    if (found < 0)
        return -1;
    snprintf(out, MAX_NAME_BYTES, "%.*s", BYTES_ARG(name));
    return 0;
}

static int print_json(const struct trace_binding *binding, const char *born, const char *used,
                      FILE *out, struct error *err)
{
    struct json_line line;
    json_line_start(&line);
    json_line_int(&line, "binding_id", binding->binding_id);
    json_line_text(&line, "state", binding->state);
    json_line_text(&line, "origin", binding->origin);
    json_line_real(&line, "score", binding->score);
    json_line_int(&line, "born_exchange_id", binding->born_exchange_id);
    json_line_text(&line, "born_endpoint", bytes_of(born));
    json_line_text(&line, "born_place", binding->born_place);
    json_line_int(&line, "used_exchange_id", binding->used_exchange_id);
    json_line_text(&line, "used_endpoint", bytes_of(used));
    json_line_text(&line, "used_place", binding->used_place);
    json_line_text(&line, "form", binding->form);
    json_line_text(&line, "evidence", binding->evidence);
    return json_line_end(&line, out, err);
}

static void add_row(struct table *table, const struct trace_binding *binding, const char *born,
                    const char *used)
{
    table_row(table);
    table_cell(table, "%lld", (long long)binding->binding_id);
    table_cell(table, "%.*s", BYTES_ARG(binding->state));
    table_cell(table, "%.*s", BYTES_ARG(binding->origin));
    table_cell(table, "%.2f", binding->score);
    table_cell(table, "%lld %s", (long long)binding->born_exchange_id, born);
    table_cell(table, "%.*s", BYTES_ARG(binding->born_place));
    table_cell(table, "%lld %s", (long long)binding->used_exchange_id, used);
    table_cell(table, "%.*s", BYTES_ARG(binding->used_place));
    table_cell(table, "%.*s", BYTES_ARG(binding->form));
    table_cell(table, "%.*s", BYTES_ARG(binding->evidence));
}

int binding_list(struct trace_reader *reader, bool is_json, FILE *out, struct error *err)
{
    struct trace_binding binding;
    struct table table;
    char born[MAX_NAME_BYTES], used[MAX_NAME_BYTES];
    int found, result = 0;
    if (trace_reader_start_bindings(reader, 0, err))
        return -1;
    table_init(&table, ">binding|state|origin|>score|comes with|at|goes into|at|form|why",
               INSPECT_MAX_TABLE_BYTES);
    while ((found = trace_reader_next_binding(reader, &binding, err)) == 1 && result == 0) {
        result = endpoint_of(reader, binding.born_exchange_id, born, err) ||
                         endpoint_of(reader, binding.used_exchange_id, used, err)
                     ? -1
                     : 0;
        if (result == 0 && is_json)
            result = print_json(&binding, born, used, out, err);
        else if (result == 0)
            add_row(&table, &binding, born, used);
    }
    if (!is_json && found == 0 && result == 0)
        table_print(&table, out);
    table_fini(&table);
    return found < 0 ? -1 : result;
}
