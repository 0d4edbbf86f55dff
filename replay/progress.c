/* progress.c - one line about a run that goes on. */
#include "replay/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "core/units.h"

enum { BAR_COLUMNS = 20, LINE_INTERVAL_US = 5000000 };

int progress_add(struct progress *progress, const struct metrics *delta, uint64_t length_us)
{
    struct endpoint_metrics all;
    if (metrics_sum_endpoints(delta, &all))
        return -1;
    progress->elapsed_us += length_us;
    progress->ended += endpoint_metrics_ended(&all);
    progress->failed += all.failed;
    for (int i = 0; i < SESSION_RESULT_COUNT; i++)
        progress->sessions_ended += delta->sessions_by_result[i];
    progress->users = delta->users_active;
    progress->in_flight = delta->requests_in_flight;
    progress->requests_per_sec = length_us ? (double)all.requests * 1e6 / (double)length_us : 0;
    uint64_t busy_us = generator_busiest_us(&delta->generator);
    progress->busiest_percent = length_us ? 100.0 * (double)busy_us / (double)length_us : 0;
    progress->queued = delta->generator.queued + delta->generator.network.most_waiting;
    progress->has_samples = all.clocks[CLOCK_SERVICE].count > 0;
    progress->service_p95_us = histogram_percentile(&all.clocks[CLOCK_SERVICE], 95);
    progress->lateness_p99_us = histogram_percentile(&all.clocks[CLOCK_LATENESS], 99);
    endpoint_metrics_fini(&all);
    return 0;
}

/* How far it is, from 0 to 1; less than 0 when that cannot be known. */
static double done_of(const struct progress *progress)
{
    double done = -1;
    if (progress->duration_us)
        done = (double)progress->elapsed_us / (double)progress->duration_us;
    else if (progress->planned_sessions)
        done = (double)progress->sessions_ended / (double)progress->planned_sessions;
    return done > 1 ? 1 : done;
}

static size_t put_bar(char *out, double done)
{
    char bar[BAR_COLUMNS + 1];
    int filled = (int)(done * BAR_COLUMNS);
    for (int i = 0; i < BAR_COLUMNS; i++)
        bar[i] = i < filled ? '=' : '-';
    if (filled < BAR_COLUMNS)
        bar[filled] = '>';
    bar[BAR_COLUMNS] = '\0';
    return (size_t)snprintf(out, 64, "%3d%% [%s]  ", (int)(done * 100), bar);
}

static size_t put_figures(char *out, size_t out_size, const struct progress *progress)
{
    char elapsed[UNITS_TEXT_BYTES], p95[UNITS_TEXT_BYTES] = "-", lateness[UNITS_TEXT_BYTES];
    char sessions[64] = "", queued[32] = "";
    duration_format(elapsed, sizeof elapsed, (double)progress->elapsed_us);
    duration_format(lateness, sizeof lateness, (double)progress->lateness_p99_us);
    if (progress->has_samples)
        duration_format(p95, sizeof p95, (double)progress->service_p95_us);
    if (progress->planned_sessions)
        snprintf(sessions, sizeof sessions, "%llu/%llu sessions  ",
                 (unsigned long long)progress->sessions_ended,
                 (unsigned long long)progress->planned_sessions);
    if (progress->queued)
        snprintf(queued, sizeof queued, "  %llu queued", (unsigned long long)progress->queued);
    double failed_percent =
        progress->ended ? 100.0 * (double)progress->failed / (double)progress->ended : 0;
    return (size_t)snprintf(out, out_size,
                            "%s  %s%llu users  %.0f req/s  p95 %s  %llu errors (%.1f%%)  "
                            "lateness p99 %s  cpu %.0f%%%s",
                            elapsed, sessions, (unsigned long long)progress->users,
                            progress->requests_per_sec, p95, (unsigned long long)progress->failed,
                            failed_percent, lateness, progress->busiest_percent, queued);
}

char *progress_text(char *out, size_t out_size, const struct progress *progress, uint32_t columns)
{
    char bar[64] = "", figures[PROGRESS_TEXT_BYTES];
    double done = done_of(progress);
    size_t bar_len = done >= 0 ? put_bar(bar, done) : 0;
    size_t figures_len = put_figures(figures, sizeof figures, progress);
    if (columns && bar_len + figures_len > columns)
        bar[0] = '\0';
    snprintf(out, out_size, "%s%s", bar, figures);
    if (columns && columns < out_size)
        out[columns] = '\0';
    return out;
}

void progress_display_init(struct progress_display *display, FILE *out, bool is_quiet)
{
    bool is_terminal = isatty(fileno(out));
    *display = (struct progress_display){.out = out,
                                         .mode = is_quiet      ? PROGRESS_QUIET
                                                 : is_terminal ? PROGRESS_TERMINAL
                                                               : PROGRESS_LINES,
                                         .interval_us = LINE_INTERVAL_US};
}

static uint32_t terminal_columns(const struct progress_display *display)
{
    struct winsize size;
    if (ioctl(fileno(display->out), TIOCGWINSZ, &size) || size.ws_col < 20)
        return 80;
    return size.ws_col;
}

void progress_show(struct progress_display *display, const struct progress *progress)
{
    char text[PROGRESS_TEXT_BYTES + 64];
    switch (display->mode) {
    case PROGRESS_QUIET:
        return;
    case PROGRESS_TERMINAL:
        /* The last column stays free: a full line would wrap and could not be written over. */
        progress_text(text, sizeof text, progress, terminal_columns(display) - 1);
        fprintf(display->out, "\r%s\033[K", text);
        fflush(display->out);
        display->has_line = true;
        return;
    case PROGRESS_LINES:
        if (progress->elapsed_us < display->next_us)
            return;
        display->next_us = progress->elapsed_us + display->interval_us;
        fprintf(display->out, "%s\n", progress_text(text, sizeof text, progress, 0));
        fflush(display->out);
        return;
    }
}

void progress_clear(struct progress_display *display)
{
    if (!display->has_line)
        return;
    fputs("\r\033[K", display->out);
    fflush(display->out);
    display->has_line = false;
}
