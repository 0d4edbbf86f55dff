/* summary_page.c - names, dots and figures in columns. */
#include "replay/results/summary_page.h"

#include "core/units.h"

enum { NAME_COLUMNS = 32 };

const char *page_colour(const struct page *page, const char *code)
{
    return page->has_colour ? code : "";
}

void page_heading(const struct page *page, const char *text)
{
    fprintf(page->out, "\n  %s%s%s\n\n", page_colour(page, PAGE_BOLD), text,
            page_colour(page, PAGE_PLAIN));
}

void page_put_clean(const struct page *page, const char *text)
{
    for (; *text; text++)
        fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '.' : *text, page->out);
}

void page_leader(const struct page *page, const char *name)
{
    int dots = NAME_COLUMNS - (int)strlen(name);
    fprintf(page->out, "    %s", name);
    for (int i = 0; i < dots; i++)
        fputc('.', page->out);
    fputs(": ", page->out);
}

double page_per_second(const struct page *page, uint64_t count)
{
    return page->seconds > 0 ? (double)count / page->seconds : 0;
}

static void put_duration(const struct page *page, const char *name, double us)
{
    char text[UNITS_TEXT_BYTES];
    fprintf(page->out, "%s=%-9s", name, duration_format(text, sizeof text, us));
}

void page_trend(const struct page *page, const char *name, const struct histogram *histogram)
{
    page_leader(page, name);
    if (!histogram->count) {
        fputs("no samples\n", page->out);
        return;
    }
    put_duration(page, "avg", histogram_mean(histogram));
    put_duration(page, " min", (double)histogram_min(histogram));
    put_duration(page, " med", (double)histogram_percentile(histogram, 50));
    put_duration(page, " max", (double)histogram->max);
    put_duration(page, " p(90)", (double)histogram_percentile(histogram, 90));
    put_duration(page, " p(95)", (double)histogram_percentile(histogram, 95));
    char text[UNITS_TEXT_BYTES];
    fprintf(page->out, " p(99)=%s\n",
            duration_format(text, sizeof text, (double)histogram_percentile(histogram, 99)));
}

void page_trend_if_any(const struct page *page, const char *name, const struct histogram *histogram)
{
    if (histogram->count)
        page_trend(page, name, histogram);
}

void page_rate(const struct page *page, const char *name, uint64_t hits, uint64_t total)
{
    page_leader(page, name);
    fprintf(page->out, "%s%.2f%%%s %llu out of %llu\n", hits ? page_colour(page, PAGE_RED) : "",
            total ? 100.0 * (double)hits / (double)total : 0,
            hits ? page_colour(page, PAGE_PLAIN) : "", (unsigned long long)hits,
            (unsigned long long)total);
}

void page_counter(const struct page *page, const char *name, uint64_t count)
{
    page_leader(page, name);
    fprintf(page->out, "%llu %.2f/s\n", (unsigned long long)count, page_per_second(page, count));
}

void page_bytes(const struct page *page, const char *name, uint64_t bytes)
{
    char total[UNITS_TEXT_BYTES], rate[UNITS_TEXT_BYTES];
    page_leader(page, name);
    fprintf(page->out, "%s %s/s\n", size_format(total, sizeof total, (double)bytes),
            size_format(rate, sizeof rate, page_per_second(page, bytes)));
}
