/* bind_rows.c - reads numbers of bindings, and looks for bindings between two ends. */
#include "traces/correlate/bind_rows.h"

#include <stdlib.h>

#include "core/grow.h"
#include "traces/correlate/binding_end.h"

enum { MAX_ROWS = 1 << 26 };

static int add_id(struct bind_rows *rows, int64_t id, struct error *err)
{
    int64_t *grown = grow_by_one(rows->ids, rows->count, &rows->capacity, sizeof *grown, MAX_ROWS);
    if (!grown)
        return error_set(err, EXIT_TOOL, "out of memory");
    rows->ids = grown;
    rows->ids[rows->count++] = id;
    return 0;
}

int bind_rows_add(struct bind_rows *rows, const char *text, struct error *err)
{
    uint64_t id;
    if (!bytes_to_u64(bytes_of(text), &id) || id > INT64_MAX)
        return error_set(err, EXIT_INPUT, "bind: '%.60s' is no number of a binding", text);
    return add_id(rows, (int64_t)id, err);
}

static int collect(struct bind_rows *rows, struct trace_reader *reader,
                   const struct binding_end *born, const struct binding_end *used,
                   struct error *err)
{
    struct trace_binding binding;
    int more;
    if (trace_reader_start_bindings(reader, 0, err))
        return -1;
    while ((more = trace_reader_next_binding(reader, &binding, err)) == 1) {
        bool has = true;
        if (born && binding_end_has_row(born, reader, &binding, &has, err))
            return -1;
        if (has && used && binding_end_has_row(used, reader, &binding, &has, err))
            return -1;
        if (has && add_id(rows, binding.binding_id, err))
            return -1;
    }
    return more;
}

int bind_rows_find(struct bind_rows *rows, const char *trace, const char *born, const char *used,
                   struct error *err)
{
    struct trace_reader *reader = NULL;
    struct binding_end from, to;
    if ((born && binding_end_parse(&from, "--born", PLACE_IN_ANSWER, born, err)) ||
        (used && binding_end_parse(&to, "--used", PLACE_IN_REQUEST, used, err)) ||
        trace_reader_open(&reader, trace, err))
        return -1;
    int result = collect(rows, reader, born ? &from : NULL, used ? &to : NULL, err);
    trace_reader_close(reader);
    if (result == 0 && !rows->count)
        return error_set(err, EXIT_INPUT,
                         "bind: no binding has these ends; 'reprise inspect TRACE bindings' lists "
                         "what there is");
    return result;
}

void bind_rows_fini(struct bind_rows *rows)
{
    free(rows->ids);
    *rows = (struct bind_rows){0};
}
