/* correlate_cmd.c - `reprise correlate TRACE`: find bindings, and store what was found. */
#include "traces/correlate/correlate_cmd.h"

#include "core/cli.h"
#include "core/clock.h"
#include "traces/correlate/binding_import.h"
#include "traces/correlate/binding_store.h"
#include "traces/correlate/correlate_report.h"

struct options {
    bool is_json, is_dry_run;
    double min_score;
    struct cli_list bindings; /* files */
};

/* Where bindings go; nowhere when it is a dry run. */
struct storing {
    struct binding_store *store;
    struct correlate_totals *totals;
};

static int store_binding(void *owner, const struct trace_binding *binding, struct error *err)
{
    struct storing *storing = owner;
    if (!storing->store) {
        storing->totals->bindings++;
        return 0;
    }
    int added = binding_store_add_found(storing->store, binding, err);
    if (added < 0)
        return -1;
    if (added)
        storing->totals->bindings++;
    else
        storing->totals->kept_away++;
    return 0;
}

/* The reader is closed behind it: what it holds of the file would keep the store waiting. */
static int read_trace(const char *path, struct finder *finder, struct correlate_totals *totals,
                      struct error *err)
{
    struct trace_reader *reader = NULL;
    if (trace_reader_open(&reader, path, err))
        return -1;
    int result = trace_walk(reader, finder, &totals->walk, err);
    trace_reader_close(reader);
    return result ? error_prefix(err, "%s", path) : 0;
}

static int decide(const char *path, struct finder *finder, const struct options *options,
                  struct correlate_totals *totals, struct error *err)
{
    const struct rules_options rules = {.min_score = options->min_score};
    struct storing storing = {.totals = totals};
    const struct rules_sink sink = {store_binding, &storing};
    if (options->is_dry_run)
        return finder_decide(finder, &rules, &sink, err);
    if (binding_store_open(&storing.store, path, err))
        return -1;
    int result = binding_store_begin(storing.store, err) ||
                         binding_store_remove_found(storing.store, &totals->removed, err) ||
                         finder_decide(finder, &rules, &sink, err) ||
                         binding_store_commit(storing.store, err)
                     ? error_prefix(err, "%s", path)
                     : 0;
    binding_store_close(storing.store);
    return result ? -1 : 0;
}

/* Before anything is found: what a file says stays, and nothing else is found for its places. */
static int import_files(const char *path, const struct options *options, struct error *err)
{
    if (options->bindings.count && options->is_dry_run)
        return error_set(
            err, EXIT_INPUT,
            "correlate: --bindings writes into the trace, --dry-run does not: give "
            "one of them; 'reprise replay TRACE --bindings FILE --dry-run' says what a "
            "file would bind");
    for (size_t i = 0; i < options->bindings.count; i++) {
        if (binding_import(path, options->bindings.items[i], "from a bindings file", stderr, err))
            return -1;
    }
    return 0;
}

static int run(const struct cli_arguments *arguments, const void *given, struct error *err)
{
    const struct options *options = given;
    struct correlate_totals totals = {.is_dry_run = options->is_dry_run,
                                      .min_score = options->min_score};
    struct finder *finder = NULL;
    if (arguments->count != 1)
        return error_set(err, EXIT_INPUT,
                         arguments->count ? "correlate: '%s' is one argument too many"
                                          : "correlate: give the trace to look through, like "
                                            "'reprise correlate shop.trace'",
                         arguments->count ? arguments->items[1] : "");
    if (options->min_score > 1)
        return error_set(err, EXIT_INPUT, "correlate: --min-score is from 0 to 1");
    totals.path = arguments->items[0];
    if (import_files(totals.path, options, err) || finder_new(&finder, err))
        return -1;
    int result = read_trace(totals.path, finder, &totals, err) ||
                         decide(totals.path, finder, options, &totals, err)
                     ? -1
                     : 0;
    totals.cpu_us = clock_process_cpu_us();
    if (result == 0)
        result = options->is_json ? correlate_print_json(stdout, finder, &totals, err)
                                  : correlate_print(stdout, finder, &totals, err);
    finder_free(finder);
    return result;
}

int correlate_cmd(int argc, char **argv)
{
    struct options options = {.min_score = 0.5};
    const struct cli_option table[] = {
        {.name = "min-score",
         .kind = CLI_REAL,
         .target = &options.min_score,
         .placeholder = "SCORE",
         .help = "bind from this score on, 0 to 1 (default 0.5)"},
        {.name = "bindings",
         .kind = CLI_LIST,
         .target = &options.bindings,
         .placeholder = "FILE",
         .help = "first put this bindings file in ('reprise bind TRACE export' writes one)"},
        {.name = "dry-run",
         .kind = CLI_FLAG,
         .target = &options.is_dry_run,
         .help = "say what would be bound, and leave the trace as it is"},
        {.name = "json",
         .kind = CLI_FLAG,
         .target = &options.is_json,
         .help = "one JSON object a line: rules, what clients made, what is left, totals"},
        {0}};
    const struct cli_verb verb = {
        .name = "correlate",
        .summary = "find which values of requests come from answers, and store that in the trace",
        .usage = "TRACE [options]",
        .examples = "  reprise correlate shop.trace\n"
                    "  reprise correlate shop.trace --dry-run --min-score 0.8\n"
                    "  reprise correlate tuesday.trace --bindings shop.yaml\n"
                    "  reprise inspect shop.trace bindings\n",
        .options = table,
    };
    return cli_run(&verb, argc, argv, run, &options);
}
