/* main.c - the table of verbs: finds the row and calls it. */
#include <stdio.h>
#include <string.h>

#include "capture/capture_cmd.h"
#include "core/cli.h"
#include "core/error.h"
#include "plugins/plugin_cmd.h"
#include "replay/doctor/doctor_cmd.h"
#include "replay/replay_cmd.h"
#include "replay/report_cmd.h"
#include "replay/trial/plugin_test_cmd.h"
#include "replay/verify/verify_cmd.h"
#include "traces/correlate/bind_cmd.h"
#include "traces/correlate/correlate_cmd.h"
#include "traces/inspect_cmd.h"

/* One verb to people; `test` plays, so it is the replay's. */
static int plugin_verb(int argc, char **argv)
{
    bool is_test = argc > 1 && strcmp(argv[1], "test") == 0;
    return is_test ? plugin_test_cmd(argc - 1, argv + 1) : plugin_cmd(argc, argv);
}

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} verbs[] = {
    {"capture", capture_cmd, "record sessions from an interface or packet files into a trace"},
    {"inspect", inspect_cmd, "show what a trace holds, and what it lost"},
    {"correlate", correlate_cmd, "find which values of requests come from answers"},
    {"verify", verify_cmd, "say what a target answers otherwise than was recorded, and why"},
    {"bind", bind_cmd, "say which values of requests come from which answers"},
    {"replay", replay_cmd, "play a trace against a target, scaled and compressed in time"},
    {"report", report_cmd, "show the summary of a run again, from its file"},
    {"doctor", doctor_cmd, "say what of this machine would stop or spoil a replay"},
    {"plugin", plugin_verb, "list the plugins that can be found, describe, try or begin one"},
};

enum { VERB_COUNT = sizeof verbs / sizeof verbs[0] };

static void print_help(FILE *out)
{
    fputs("reprise records HTTP and WebSocket sessions and replays them as many users\n\n"
          "usage: reprise VERB ...\n\n",
          out);
    for (size_t i = 0; i < VERB_COUNT; i++)
        fprintf(out, "  %-10s%s\n", verbs[i].name, verbs[i].help);
    fputs("\nExamples\n"
          "  reprise capture -i lo --port 8080 --out shop.trace\n"
          "  reprise inspect shop.trace\n"
          "  reprise replay shop.trace --target http://127.0.0.1:8080 --scale 10 --speed 5\n"
          "\n'reprise VERB --help' says more; 'reprise --version' says which this is.\n",
          out);
}

static int unknown_verb(const char *name)
{
    const char *names[VERB_COUNT];
    for (size_t i = 0; i < VERB_COUNT; i++)
        names[i] = verbs[i].name;
    const char *nearest = cli_nearest(name, names, VERB_COUNT);
    struct error err;
    if (nearest)
        error_set(&err, EXIT_INPUT, "no such verb: %s; did you mean %s?", name, nearest);
    else
        error_set(&err, EXIT_INPUT, "no such verb: %s; 'reprise --help' lists them", name);
    return error_report(&err);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_INPUT;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("reprise %s\n", REPRISE_VERSION);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    }
    return unknown_verb(argv[1]);
}
