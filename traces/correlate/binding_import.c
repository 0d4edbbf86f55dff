/* binding_import.c - from a bindings file to rows of a trace. */
#include "traces/correlate/binding_import.h"

#include "traces/correlate/binding_apply.h"

static void say(const char *path, const struct binding_rules *rules, const struct applied *applied,
                uint64_t replaced, FILE *out)
{
    size_t fitting = 0;
    for (size_t i = 0; i < rules->count; i++) {
        const struct applied_rule *rule = &applied->rules[i];
        fitting += rule->row_count > 0;
        if (rule->row_count == 0)
            fprintf(stderr, "%s:%u: not applied: %s\n", path, rules->items[i].line,
                    binding_apply_why_not(rule));
    }
    fprintf(out, "%zu of %zu bindings fit this trace: %zu in its sessions", fitting, rules->count,
            applied->row_count);
    if (replaced)
        fprintf(out, "; %llu found ones went", (unsigned long long)replaced);
    fputs("\n", out);
}

int binding_import(const char *trace, const char *path, const char *note, FILE *out,
                   struct error *err)
{
    struct trace_reader *reader = NULL;
    struct binding_store *store = NULL;
    struct binding_rules rules;
    struct applied applied = {0};
    uint64_t replaced = 0;
    binding_rules_init(&rules);
    int result = binding_file_read(path, &rules, err) || trace_reader_open(&reader, trace, err) ||
                         binding_apply_find(reader, &rules, &applied, err)
                     ? -1
                     : 0;
    /* A reader that stands on a row would keep the writer waiting. */
    trace_reader_close(reader);
    if (result == 0)
        result =
            binding_store_open(&store, trace, err) || binding_store_begin(store, err) ||
                    binding_apply_store(store, &rules, &applied, bytes_of(note), &replaced, err) ||
                    binding_store_commit(store, err)
                ? -1
                : 0;
    binding_store_close(store);
    if (result == 0)
        say(path, &rules, &applied, replaced, out);
    applied_free(&applied);
    binding_rules_fini(&rules);
    return result;
}
