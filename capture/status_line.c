/* status_line.c - one line that says how a capture is going. */
#include "capture/status_line.h"

#include <inttypes.h>
#include <unistd.h>

#include "core/units.h"

enum { TERMINAL_EVERY_US = 1000 * 1000, PLAIN_EVERY_US = 10 * 1000 * 1000 };

void status_line_init(struct status_line *status, FILE *out, uint64_t now_us)
{
    *status = (struct status_line){
        .out = out, .is_terminal = isatty(fileno(out)) == 1, .shown_at_us = now_us};
}

void status_line_tick(struct status_line *status, const struct recorder_totals *totals,
                      uint64_t drops, uint64_t now_us)
{
    uint64_t every_us = status->is_terminal ? TERMINAL_EVERY_US : PLAIN_EVERY_US;
    char size[UNITS_TEXT_BYTES];
    if (now_us - status->shown_at_us < every_us)
        return;
    status->shown_at_us = now_us;
    status->is_on_line = status->is_terminal;
    fprintf(status->out,
            "%s%" PRIu64 " packets, %" PRIu64 " exchanges, %" PRIu64 " messages, %" PRIu64
            " sessions, %s, %" PRIu64 " dropped%s",
            status->is_terminal ? "\r\033[K" : "capture: ", totals->packets, totals->exchanges,
            totals->messages, totals->sessions,
            size_format(size, sizeof size, (double)totals->payload_bytes), drops,
            status->is_terminal ? "" : "\n");
    fflush(status->out);
}

void status_line_end(struct status_line *status)
{
    if (status->is_on_line)
        fputs("\r\033[K", status->out);
    status->is_on_line = false;
}
