/*
 * cli.h - a verb's options as a table: parsing, usage and --help all come from it.
 *
 * Long options (--name VALUE, --name=VALUE), a few short ones, "--" ends them, positional arguments
 * anywhere, "-" among them. --no-NAME switches a CLI_FLAG off. A value that begins with "--" needs
 * the form --name=VALUE. The table writes straight into the caller's variables.
 */
#ifndef REPRISE_CORE_CLI_H
#define REPRISE_CORE_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/error.h"

enum cli_kind {
    CLI_FLAG,     /* bool */
    CLI_TEXT,     /* const char *, borrowed from argv */
    CLI_NUMBER,   /* uint64_t */
    CLI_REAL,     /* double, >= 0 */
    CLI_DURATION, /* uint64_t microseconds */
    CLI_SIZE,     /* uint64_t bytes */
    CLI_LIST      /* struct cli_list: may be given many times */
};

#define CLI_MAX_LIST 64

struct cli_list {
    size_t count;
    const char *items[CLI_MAX_LIST]; /* borrowed from argv */
};

struct cli_option {
    const char *name; /* without "--" */
    char short_name;  /* 0: none */
    enum cli_kind kind;
    void *target;            /* of the kind's type; holds the default */
    const char *placeholder; /* "FILE"; NULL for a flag */
    const char *help;        /* lower case, no full stop; says the default */
    const char *group;       /* heading in --help that starts here, or NULL */
};

struct cli_verb {
    const char *name;                 /* "replay" */
    const char *summary;              /* one line */
    const char *usage;                /* "TRACE --target URL [options]" */
    const char *examples;             /* whole lines, shown by --help */
    const struct cli_option *options; /* ends with an all-zero entry */
};

enum cli_outcome { CLI_RUN, CLI_HELP_SHOWN };

#define CLI_MAX_POSITIONAL 16

struct cli_arguments {
    size_t count;
    const char *items[CLI_MAX_POSITIONAL];
};

/*
 * argv[0] is the verb. 0 with *ret_outcome (CLI_HELP_SHOWN: --help was printed to stdout, exit 0),
 * or -1 with one line in err that names the argument, and the nearest option where a name was
 * mistyped.
 */
int cli_parse(const struct cli_verb *verb, int argc, char **argv,
              struct cli_arguments *ret_arguments, enum cli_outcome *ret_outcome,
              struct error *err);

/* What a verb does with what was given; `options` are those that the table wrote to. 0, or -1 with
 * err. */
typedef int (*cli_run_fn)(const struct cli_arguments *arguments, const void *options,
                          struct error *err);

/*
 * A whole verb: the command line, then run(), then what it wrote to stdout is sure to have gone.
 * Returns the exit code; an error is on stderr.
 */
int cli_run(const struct cli_verb *verb, int argc, char **argv, cli_run_fn run,
            const void *options);

void cli_print_help(const struct cli_verb *verb, FILE *out);

/* The candidate nearest to `word` by edit distance (at most a third of its length), or NULL. */
const char *cli_nearest(const char *word, const char *const *candidates, size_t count);

#endif
