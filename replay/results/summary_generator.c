/* summary_generator.c - the end of the summary: the generator itself, and what to make of it. */
#include "core/units.h"
#include "replay/results/summary_page.h"
#include "replay/results/verdict.h"

static double percent_of(uint64_t part_us, uint64_t whole_us)
{
    return whole_us ? 100.0 * (double)part_us / (double)whole_us : 0;
}

static void print_cpu(const struct page *page)
{
    const struct run_record *run = page->run;
    const struct run_health *health = &run->health;
    const struct generator_metrics *generator = &run->totals->generator;
    page_leader(page, "cpu");
    fprintf(page->out, "%.0f%% of one core, of %u cores; busiest worker at most %.0f%%\n",
            percent_of(health->cpu_us, health->length_us), (unsigned)run->facts.cpu_count,
            health->busiest_percent);
    for (uint32_t i = 0; i < generator->worker_count; i++) {
        const struct worker_health *worker = &generator->workers[i];
        char name[32];
        bool is_alone = generator->worker_count == 1;
        if (is_alone && !worker->spin_us && percent_of(worker->cpu_wait_us, health->length_us) < 1)
            continue; /* the line above says it */
        snprintf(name, sizeof name, "worker %u", (unsigned)i);
        page_leader(page, name);
        fprintf(page->out, "%.0f%%", percent_of(worker->cpu_us, health->length_us));
        if (worker->spin_us)
            fprintf(page->out, ", %.0f%% of it awake only to be exact",
                    percent_of(worker->spin_us, worker->cpu_us));
        fprintf(page->out, "; waited %.1f%% of the time for a processor\n",
                percent_of(worker->cpu_wait_us, health->length_us));
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

/* "12 of 28232", or without an end where none is known. */
static void put_of(const struct page *page, const char *name, uint64_t count, uint64_t most)
{
    fprintf(page->out, "%s %llu", name, (unsigned long long)count);
    if (most)
        fprintf(page->out, " of %llu", (unsigned long long)most);
}

static void print_at_once(const struct page *page)
{
    const struct run_record *run = page->run;
    const struct run_health *health = &run->health;
    page_leader(page, "at once");
    fprintf(page->out, "max %llu users, %llu requests in flight, %llu connections",
            (unsigned long long)health->peak_users, (unsigned long long)health->peak_in_flight,
            (unsigned long long)health->peak_connections);
    if (health->peak_queued)
        fprintf(page->out, "; %llu queued over --max-in-flight",
                (unsigned long long)health->peak_queued);
    if (health->peak_waiting)
        fprintf(page->out, "; %llu waiting for a connection",
                (unsigned long long)health->peak_waiting);
    fputc('\n', page->out);
    if (!run->facts.max_files && !run->facts.max_ports)
        return;
    page_leader(page, "limits");
    put_of(page, "max files", health->peak_open_files, run->facts.max_files);
    put_of(page, ", source ports", health->peak_ports, run->facts.max_ports);
    fputc('\n', page->out);
}

static void print_tcp(const struct page *page)
{
    const struct network_health *network = &page->run->totals->generator.network;
    char rtt[UNITS_TEXT_BYTES], least[UNITS_TEXT_BYTES];
    if (!network->connects_started && !network->segments_sent)
        return;
    page_leader(page, "tcp");
    fprintf(page->out, "%llu connections made, %llu failed",
            (unsigned long long)network->connects_made,
            (unsigned long long)network->connects_failed);
    if (network->segments_sent)
        fprintf(page->out, "; %.2g%% of %llu segments sent again",
                100.0 * (double)network->segments_resent / (double)network->segments_sent,
                (unsigned long long)network->segments_sent);
    if (network->rtt.count)
        fprintf(page->out, "; rtt med=%s least=%s",
                duration_format(rtt, sizeof rtt, (double)histogram_percentile(&network->rtt, 50)),
                duration_format(least, sizeof least,
                                (double)histogram_percentile(&network->min_rtt, 50)));
    fputc('\n', page->out);
}

static void print_plugin_calls(const struct page *page)
{
    const struct run_end *end = &page->run->end;
    for (size_t i = 0; i < end->plugin_call_count; i++) {
        const struct run_plugin_call *call = &end->plugin_calls[i];
        if (!call->calls)
            continue;
        page_leader(page, call->plugin);
        page_put_clean(page, call->callback);
        fprintf(page->out, " %llu times, %.2f us each\n", (unsigned long long)call->calls,
                (double)call->ns / 1e3 / (double)call->calls);
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
        [VERDICT_TARGET] = {"✓", PAGE_GREEN},        [VERDICT_NETWORK] = {"!", PAGE_YELLOW},
        [VERDICT_GENERATOR] = {"✗", PAGE_RED},       [VERDICT_HELD_UP] = {"!", PAGE_YELLOW},
        [VERDICT_SHORT] = {"!", PAGE_YELLOW},        [VERDICT_NOTHING] = {"✗", PAGE_RED}};
    const struct run_record *run = page->run;
    struct verdict verdict;
    if (verdict_judge(&run->facts, run->totals, &run->health, &verdict))
        return;
    fprintf(page->out, "\n    %s%s%s ", page_colour(page, marks[verdict.kind].colour),
            marks[verdict.kind].mark, page_colour(page, PAGE_PLAIN));
    page_put_clean(page, *run->end.verdict ? run->end.verdict : verdict.text);
    fputs("\n\n", page->out);
}
