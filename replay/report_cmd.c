/* report_cmd.c - `reprise report`: its options, and which report they ask for. */
#include "replay/report_cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cli.h"
#include "replay/results/report.h"
#include "replay/results/run_store.h"

struct report_options {
    bool is_json;
    const char *export_path;
};

static int report(const struct cli_arguments *arguments, const void *given, struct error *err)
{
    const struct report_options *options = given;
    struct run_record *run;
    if (arguments->count != 1)
        return error_set(err, EXIT_INPUT,
                         "report: expected one RUN; 'reprise report --help' shows how");
    if (run_store_load(&run, arguments->items[0], err))
        return -1;
    int result = 0;
    if (options->export_path)
        result = report_export_json(run, options->export_path, err);
    if (!result && options->is_json) {
        if (report_print_json(run, stdout, err))
            result = error_prefix(err, "stdout");
    } else if (!result) {
        /* no-color.org: any value that is not empty. */
        const char *no_colour = getenv("NO_COLOR");
        report_print(run, isatty(STDOUT_FILENO) && !(no_colour && *no_colour), stdout);
        if (fflush(stdout) || ferror(stdout))
            result = error_set(err, EXIT_TOOL, "stdout: %s", strerror(errno));
    }
    run_record_free(run);
    return result;
}

int report_cmd(int argc, char **argv)
{
    struct report_options options = {0};
    const struct cli_option table[] = {{"json", 0, CLI_FLAG, &options.is_json, NULL,
                                        "print JSON, in the shape of k6's summary", NULL},
                                       {"summary-export", 0, CLI_TEXT, &options.export_path, "FILE",
                                        "write that JSON to FILE as well", NULL},
                                       {0}};
    const struct cli_verb verb = {
        .name = "report",
        .summary = "print the summary of a run again",
        .usage = "RUN [options]",
        .examples = "  reprise report shop-20260102T030405.run\n"
                    "  reprise report shop-20260102T030405.run --json | jq .metrics.http_reqs\n",
        .options = table};
    return cli_run(&verb, argc, argv, report, &options);
}
