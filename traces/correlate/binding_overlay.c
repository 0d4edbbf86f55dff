/* binding_overlay.c - a bindings file held against a trace, and laid over it for a run. */
#include "traces/correlate/binding_overlay.h"

#include <stdlib.h>

#include "core/log.h"
#include "traces/correlate/binding_apply.h"

struct binding_overlay {
    struct binding_rules rules;
    struct applied applied;
    struct overlay_counts counts;
    const char *name; /* of the file, in messages; borrowed */
};

static int lay(const struct binding_overlay *overlay, struct trace_reader *reader,
               uint64_t *ret_replaced, struct error *err)
{
    *ret_replaced = 0;
    if (!overlay->applied.row_count)
        return 0;
    if (trace_reader_cover_bindings(reader, err))
        return -1;
    for (size_t i = 0; i < overlay->applied.row_count; i++) {
        const struct applied_row *row = &overlay->applied.rows[i];
        const struct binding_rule *rule = &overlay->rules.items[row->rule];
        const struct trace_binding binding = {.binding_id = -(int64_t)rule->line,
                                              .born_exchange_id = row->born_exchange_id,
                                              .born_place = rule->born_place,
                                              .used_exchange_id = row->used_exchange_id,
                                              .used_place = rule->used_place,
                                              .score = 1,
                                              .evidence = bytes_of("a bindings file"),
                                              .state = rule->state,
                                              .form = rule->form,
                                              .origin = bytes_of("file")};
        uint64_t replaced;
        if (trace_reader_lay_binding(reader, &binding, &replaced, err))
            return -1;
        *ret_replaced += replaced;
    }
    return trace_reader_end_cover(reader, err);
}

static void count(struct binding_overlay *overlay, uint64_t replaced)
{
    overlay->counts = (struct overlay_counts){
        .rules = overlay->rules.count, .rows = overlay->applied.row_count, .replaced = replaced};
    for (size_t i = 0; i < overlay->rules.count; i++)
        overlay->counts.fitting += overlay->applied.rules[i].row_count > 0;
}

int binding_overlay_open(struct binding_overlay **ret_overlay, const char *trace_path,
                         const char *file_path, struct error *err)
{
    struct trace_reader *reader = NULL;
    struct binding_overlay *overlay = calloc(1, sizeof *overlay);
    uint64_t replaced = 0;
    if (!overlay)
        return error_set(err, EXIT_TOOL, "out of memory");
    overlay->name = file_path;
    binding_rules_init(&overlay->rules);
    int result = binding_file_read(file_path, &overlay->rules, err) ||
                         trace_reader_open(&reader, trace_path, err) ||
                         binding_apply_find(reader, &overlay->rules, &overlay->applied, err) ||
                         lay(overlay, reader, &replaced, err)
                     ? -1
                     : 0;
    trace_reader_close(reader);
    if (result) {
        binding_overlay_close(overlay);
        return -1;
    }
    count(overlay, replaced);
    *ret_overlay = overlay;
    return 0;
}

void binding_overlay_close(struct binding_overlay *overlay)
{
    if (!overlay)
        return;
    applied_free(&overlay->applied);
    binding_rules_fini(&overlay->rules);
    free(overlay);
}

struct overlay_counts binding_overlay_counts(const struct binding_overlay *overlay)
{
    return overlay->counts;
}

void binding_overlay_warn(const struct binding_overlay *overlay)
{
    for (size_t i = 0; i < overlay->rules.count; i++) {
        const struct applied_rule *rule = &overlay->applied.rules[i];
        if (rule->row_count == 0)
            log_warning("%s:%u: not used: %s", overlay->name, overlay->rules.items[i].line,
                        binding_apply_why_not(rule));
    }
}

int binding_overlay_open_reader(const struct binding_overlay *overlay, const char *trace_path,
                                struct trace_reader **ret_reader, struct error *err)
{
    struct trace_reader *reader;
    uint64_t replaced;
    if (trace_reader_open(&reader, trace_path, err))
        return -1;
    if (overlay && lay(overlay, reader, &replaced, err)) {
        trace_reader_close(reader);
        return -1;
    }
    *ret_reader = reader;
    return 0;
}
