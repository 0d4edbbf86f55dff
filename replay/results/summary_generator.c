/* summary_generator.c - the end of the summary: the generator itself, and what to make of it. */
#include "core/units.h"
#include "replay/results/summary_page.h"
#include "replay/results/verdict.h"

static double percent_of(uint64_t part_us, uint64_t whole_us)
{
    return whole_us ? 100.0 * (double)part_us / (double)whole_us : 0;
}

static void print_worker(const struct page *page, uint32_t index)
{
    uint64_t length_us = page->run->health.length_us;
    const struct worker_health *worker = &page->run->totals->generator.workers[index];
    char name[32], spun[64] = "";
    snprintf(name, sizeof name, "worker %u", (unsigned)index);
    if (worker->spin_us)
        snprintf(spun, sizeof spun, ", %.0f%% of it awake only to be exact",
                 percent_of(worker->spin_us, worker->cpu_us));
    page_line(page, name, "%.0f%%%s; waited %.1f%% of the time for a processor",
              percent_of(worker->cpu_us, length_us), spun,
              percent_of(worker->cpu_wait_us, length_us));
}

static void print_cpu(const struct page *page)
{
    const struct run_record *run = page->run;
    const struct run_health *health = &run->health;
    const struct generator_metrics *generator = &run->totals->generator;
    page_line(page, "cpu", "%.0f%% of one core, of %u cores; busiest worker at most %.0f%%",
              percent_of(health->cpu_us, health->length_us), (unsigned)run->facts.cpu_count,
              health->busiest_percent);
    for (uint32_t i = 0; i < generator->worker_count; i++) {
        const struct worker_health *worker = &generator->workers[i];
        bool is_alone = generator->worker_count == 1;
        /* Else the line above says it. */
        if (!is_alone || worker->spin_us || percent_of(worker->cpu_wait_us, health->length_us) >= 1)
            print_worker(page, i);
    }
}

static void print_short_trend(const struct page *page, const char *name,
                              const struct histogram *histogram)
{
    char median[UNITS_TEXT_BYTES], p99[UNITS_TEXT_BYTES];
    if (!histogram->count)
        return;
    page_leader(page, name);
    fprintf(page->out, "med=%s p(99)=%s\n",
            duration_format(median, sizeof median, (double)histogram_percentile(histogram, 50)),
            duration_format(p99, sizeof p99, (double)histogram_percentile(histogram, 99)));
}

static void print_lag(const struct page *page)
{
    const struct histogram *lag = &page->run->totals->generator.loop_lag;
    char text[UNITS_TEXT_BYTES], p99[UNITS_TEXT_BYTES];
    page_leader(page, "loop_lag");
    if (lag->count)
        fprintf(page->out, "p(99)=%s ",
                duration_format(p99, sizeof p99, (double)histogram_percentile(lag, 99)));
    fprintf(page->out, "max=%s\n",
            duration_format(text, sizeof text, (double)page->run->health.max_loop_lag_us));
}

enum { MAX_PART_BYTES = 128 };

/* "; 12 queued", or nothing of a count of 0. */
static const char *some(char out[MAX_PART_BYTES], uint64_t count, const char *what)
{
    out[0] = '\0';
    if (count)
        snprintf(out, MAX_PART_BYTES, "; %llu %s", (unsigned long long)count, what);
    return out;
}

/* "12 of 28232", or without an end where none is known. */
static const char *out_of(char out[MAX_PART_BYTES], uint64_t count, uint64_t most)
{
    int len = snprintf(out, MAX_PART_BYTES, "%llu", (unsigned long long)count);
    if (most)
        snprintf(out + len, MAX_PART_BYTES - (size_t)len, " of %llu", (unsigned long long)most);
    return out;
}

static void print_at_once(const struct page *page)
{
    const struct run_record *run = page->run;
    const struct run_health *health = &run->health;
    char queued[MAX_PART_BYTES], waiting[MAX_PART_BYTES];
    page_line(page, "at once", "max %llu users, %llu requests in flight, %llu connections%s%s",
              (unsigned long long)health->peak_users, (unsigned long long)health->peak_in_flight,
              (unsigned long long)health->peak_connections,
              some(queued, health->peak_queued, "queued over --max-in-flight"),
              some(waiting, health->peak_waiting, "waiting for a connection"));
    if (!run->facts.max_files && !run->facts.max_ports)
        return;
    char files[MAX_PART_BYTES], ports[MAX_PART_BYTES];
    page_line(page, "limits", "max files %s, source ports at most %s",
              out_of(files, health->peak_open_files, run->facts.max_files),
              out_of(ports, health->peak_ports, run->facts.max_ports));
}

static void print_tcp(const struct page *page)
{
    const struct network_health *network = &page->run->totals->generator.network;
    char rtt[UNITS_TEXT_BYTES], least[UNITS_TEXT_BYTES];
    char sent[MAX_PART_BYTES] = "", round_trips[MAX_PART_BYTES] = "";
    if (!network->connects_started && !network->segments_sent)
        return;
    if (network->segments_sent)
        snprintf(sent, sizeof sent, "; %.2g%% of %llu segments sent again",
                 100.0 * (double)network->segments_resent / (double)network->segments_sent,
                 (unsigned long long)network->segments_sent);
    if (network->rtt.count)
        snprintf(round_trips, sizeof round_trips, "; rtt med=%s least=%s",
                 duration_format(rtt, sizeof rtt, (double)histogram_percentile(&network->rtt, 50)),
                 duration_format(least, sizeof least,
                                 (double)histogram_percentile(&network->min_rtt, 50)));
    page_line(page, "tcp", "%llu connections made, %llu failed%s%s",
              (unsigned long long)network->connects_made,
              (unsigned long long)network->connects_failed, sent, round_trips);
}

static void print_plugin_calls(const struct page *page)
{
    const struct run_end *end = &page->run->end;
    for (size_t i = 0; i < end->plugin_call_count; i++) {
        const struct run_plugin_call *call = &end->plugin_calls[i];
        if (!call->calls)
            continue;
        page_line(page, call->plugin, "%s %llu times, %.2f us each", call->callback,
                  (unsigned long long)call->calls, (double)call->ns / 1e3 / (double)call->calls);
    }
}

void summary_generator(const struct page *page)
{
    const struct run_record *run = page->run;
    char text[UNITS_TEXT_BYTES];
    page_heading(page, "█ GENERATOR");
    print_cpu(page);
    print_short_trend(page, "lateness", &run->all.clocks[CLOCK_LATENESS]);
    page_leader(page, "steps_not_sent");
    fprintf(page->out, "%llu\n", (unsigned long long)run->totals->steps_not_sent);
    print_lag(page);
    page_leader(page, "memory");
    fprintf(page->out, "max=%s\n",
            size_format(text, sizeof text, (double)run->health.peak_rss_bytes));
    print_at_once(page);
    print_tcp(page);
    print_short_trend(page, "kernel_service", &run->totals->generator.kernel_service);
    print_short_trend(page, "kernel_gap", &run->totals->generator.kernel_gap);
    print_plugin_calls(page);
}

/* A run that was cut off had no chance to judge itself. */
void summary_verdict(const struct page *page)
{
    static const struct {
        const char *mark, *colour;
    } marks[VERDICT_KIND_COUNT] = {
        [VERDICT_WITHIN_LIMITS] = {"✓", PAGE_GREEN}, [VERDICT_TIGHT] = {"!", PAGE_YELLOW},
        [VERDICT_TARGET] = {"!", PAGE_YELLOW},       [VERDICT_NETWORK] = {"!", PAGE_YELLOW},
        [VERDICT_GENERATOR] = {"✗", PAGE_RED},       [VERDICT_HELD_UP] = {"!", PAGE_YELLOW},
        [VERDICT_SHORT] = {"!", PAGE_YELLOW},        [VERDICT_NOTHING] = {"✗", PAGE_RED}};
    const struct run_record *run = page->run;
    struct verdict verdict;
    if (verdict_judge(&run->facts, run->totals, &run->health, &verdict))
        return;
    if (verdict.kind == VERDICT_WITHIN_LIMITS && verdict.has_but)
        verdict.kind = VERDICT_TIGHT; /* no tick over what went wrong */
    fprintf(page->out, "\n    %s%s%s ", page_colour(page, marks[verdict.kind].colour),
            marks[verdict.kind].mark, page_colour(page, PAGE_PLAIN));
    page_put_text(page, 6, 6, *run->end.verdict ? run->end.verdict : verdict.text);
    fputs("\n\n", page->out);
}
