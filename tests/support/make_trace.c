/* make_trace.c - `make_trace OUT < SCRIPT`: a trace from the small text of script_trace.h. */
#include <stdio.h>

#include "core/buf.h"
#include "tests/support/script_trace.h"

int main(int argc, char **argv)
{
    struct buf script = BUF_INIT(256 << 20);
    struct error err;
    if (argc != 2) {
        fputs("usage: make_trace OUT < SCRIPT\n", stderr);
        return EXIT_INPUT;
    }
    for (;;) {
        char *room = buf_reserve(&script, 65536);
        size_t got = room ? fread(room, 1, 65536, stdin) : 0;
        if (!got)
            break;
        buf_commit(&script, got);
    }
    int result = script_trace_write(argv[1], buf_text(&script), &err);
    buf_fini(&script);
    return result ? error_report(&err) : EXIT_DONE;
}
