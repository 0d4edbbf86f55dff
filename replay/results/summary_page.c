/* summary_page.c - names, dots and figures in columns. */
#include "replay/results/summary_page.h"

#include <math.h>
#include <stdarg.h>

#include "core/table.h"
#include "core/units.h"

enum { MAX_LINE_BYTES = 1024 };

const char *page_colour(const struct page *page, const char *code)
{
    return page->has_colour ? code : "";
}

void page_heading(const struct page *page, const char *text)
{
    fprintf(page->out, "\n  %s%s%s\n\n", page_colour(page, PAGE_BOLD), text,
            page_colour(page, PAGE_PLAIN));
}

/* One character; returns its bytes. */
static size_t put_character(const struct page *page, const char *text)
{
    size_t len = table_printable_bytes(text);
    if (len == 0) {
        fputc('.', page->out);
        return 1;
    }
    fwrite(text, 1, len, page->out);
    return len;
}

void page_put_clean(const struct page *page, const char *text)
{
    while (*text)
        text += put_character(page, text);
}

int page_columns(const char *text, size_t len)
{
    int columns = 0;
    for (size_t at = 0; at < len; columns++) {
        size_t character = table_printable_bytes(text + at);
        at += character ? character : 1;
    }
    return columns;
}

static void break_line(const struct page *page, int indent)
{
    fprintf(page->out, "\n%*s", indent, "");
}

/* A word longer than a line is broken where the line ends. Returns the column behind it. */
static int put_word(const struct page *page, int at, int indent, const char *word, size_t len)
{
    for (size_t i = 0; i < len; at++) {
        if (at == PAGE_COLUMNS) {
            break_line(page, indent);
            at = indent;
        }
        i += put_character(page, word + i);
    }
    return at;
}

void page_put_text(const struct page *page, int at, int indent, const char *text)
{
    for (bool is_first = true;; is_first = false) {
        size_t len = strcspn(text, " ");
        if (!is_first && at + 1 + page_columns(text, len) > PAGE_COLUMNS) {
            break_line(page, indent);
            at = indent;
        } else if (!is_first) {
            fputc(' ', page->out);
            at++;
        }
        at = put_word(page, at, indent, text, len);
        if (!text[len])
            return;
        text += len + 1;
    }
}

/* "    name.......:"; dots on a line of their own where the name leaves no room for them. */
static void put_name(const struct page *page, const char *name)
{
    int dots = PAGE_NAME_COLUMNS - page_columns(name, strlen(name));
    fputs("    ", page->out);
    page_put_text(page, 4, 4, name);
    if (dots < 0) {
        break_line(page, 4);
        dots = PAGE_NAME_COLUMNS;
    }
    for (int i = 0; i < dots; i++)
        fputc('.', page->out);
    fputc(':', page->out);
}

void page_leader(const struct page *page, const char *name)
{
    put_name(page, name);
    fputc(' ', page->out);
}

void page_line(const struct page *page, const char *name, const char *format, ...)
{
    char text[MAX_LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    page_leader(page, name);
    page_put_text(page, PAGE_VALUE_COLUMN, PAGE_VALUE_COLUMN, text);
    fputc('\n', page->out);
}

double page_per_second(const struct page *page, uint64_t count)
{
    return page->seconds > 0 ? (double)count / page->seconds : 0;
}

/* Seven figures of nine columns behind a name of 35 are 98. */
void page_trend_heading(const struct page *page, const char *title)
{
    fprintf(page->out, "\n    %-31s%9s%9s%9s%9s%9s%9s%9s\n", title, "avg", "min", "med", "max",
            "p(90)", "p(95)", "p(99)");
}

void page_trend(const struct page *page, const char *name, const struct histogram *histogram)
{
    static const double percents[] = {90, 95, 99};
    char text[UNITS_TEXT_BYTES];
    put_name(page, name);
    if (!histogram->count) {
        fputs(" no samples\n", page->out);
        return;
    }
    const double first[] = {histogram_mean(histogram), (double)histogram_min(histogram),
                            (double)histogram_percentile(histogram, 50), (double)histogram->max};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        fprintf(page->out, "%9s", duration_format(text, sizeof text, first[i]));
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        double us = (double)histogram_percentile(histogram, percents[i]);
        fprintf(page->out, "%9s", duration_format(text, sizeof text, us));
    }
    fputc('\n', page->out);
}

void page_trend_alone(const struct page *page, const char *name, const struct histogram *histogram)
{
    char average[UNITS_TEXT_BYTES], median[UNITS_TEXT_BYTES], p95[UNITS_TEXT_BYTES];
    char most[UNITS_TEXT_BYTES];
    if (!histogram->count)
        return;
    page_line(page, name, "avg=%s med=%s p(95)=%s max=%s",
              duration_format(average, sizeof average, histogram_mean(histogram)),
              duration_format(median, sizeof median, (double)histogram_percentile(histogram, 50)),
              duration_format(p95, sizeof p95, (double)histogram_percentile(histogram, 95)),
              duration_format(most, sizeof most, (double)histogram->max));
}

void page_trend_sizes(const struct page *page, const char *name, const struct histogram *histogram,
                      const char *per)
{
    char average[UNITS_TEXT_BYTES], median[UNITS_TEXT_BYTES], p95[UNITS_TEXT_BYTES];
    char most[UNITS_TEXT_BYTES];
    if (!histogram->count) {
        page_line(page, name, "no samples");
        return;
    }
    page_line(page, name, "avg=%s%s med=%s%s p(95)=%s%s max=%s%s",
              size_format(average, sizeof average, histogram_mean(histogram)), per,
              size_format(median, sizeof median, (double)histogram_percentile(histogram, 50)), per,
              size_format(p95, sizeof p95, (double)histogram_percentile(histogram, 95)), per,
              size_format(most, sizeof most, (double)histogram->max), per);
}

void page_trend_plain(const struct page *page, const char *name, const struct histogram *histogram,
                      const char *unit)
{
    double average = histogram_mean(histogram);
    if (!histogram->count) {
        page_line(page, name, "no samples");
        return;
    }
    page_line(page, name, "avg=%.*f med=%llu p(95)=%llu max=%llu%s%s",
              average == floor(average) ? 0 : 2, average,
              (unsigned long long)histogram_percentile(histogram, 50),
              (unsigned long long)histogram_percentile(histogram, 95),
              (unsigned long long)histogram->max, *unit ? " " : "", unit);
}

void page_trend_if_any(const struct page *page, const char *name, const struct histogram *histogram)
{
    if (histogram->count)
        page_trend(page, name, histogram);
}

void page_rate(const struct page *page, const char *name, uint64_t hits, uint64_t total)
{
    page_leader(page, name);
    if (!total) {
        fputs("no samples\n", page->out);
        return;
    }
    fprintf(page->out, "%s%.2f%%%s %llu out of %llu\n", hits ? page_colour(page, PAGE_RED) : "",
            100.0 * (double)hits / (double)total, hits ? page_colour(page, PAGE_PLAIN) : "",
            (unsigned long long)hits, (unsigned long long)total);
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
