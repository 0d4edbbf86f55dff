/*
 * summary_page.h - lines of the summary as k6 lays them out: a name, dots, figures.
 */
#ifndef REPRISE_REPLAY_SUMMARY_PAGE_H
#define REPRISE_REPLAY_SUMMARY_PAGE_H

#include <stdio.h>

#include "replay/results/run_record.h"

/* No line is longer than a terminal is wide, so that none is wrapped in the middle of a figure. */
enum { PAGE_COLUMNS = 100, PAGE_NAME_COLUMNS = 30, PAGE_VALUE_COLUMN = 36 };

/* Where to print, and how. */
struct page {
    FILE *out;
    bool has_colour;
    const struct run_record *run;
    double seconds; /* of the run; 0 when nothing was measured */
};

#define PAGE_GREEN "\033[32m"
#define PAGE_RED "\033[31m"
#define PAGE_YELLOW "\033[33m"
#define PAGE_BOLD "\033[1m"
#define PAGE_PLAIN "\033[0m"

/* `code` where colours are wanted, else "". */
const char *page_colour(const struct page *page, const char *code);
void page_heading(const struct page *page, const char *text);
/* How many columns that takes on the page. */
int page_columns(const char *text, size_t len);
/* What is no UTF-8 or a control character becomes '.': recorded text must not drive the terminal.
 */
void page_put_clean(const struct page *page, const char *text);
/* The same, from column `at` on (the first is 0), broken at spaces where it would be longer than
 * PAGE_COLUMNS; what follows begins at column `indent`. */
void page_put_text(const struct page *page, int at, int indent, const char *text);
/* "    name........: ", PAGE_VALUE_COLUMN wide. */
void page_leader(const struct page *page, const char *name);
double page_per_second(const struct page *page, uint64_t count);

/* Whole lines: a name, dots, and text that is broken where it has to be. */
void page_line(const struct page *page, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "    TITLE      avg      min ..." and the figures below it; the third has its names with it. */
void page_trend_heading(const struct page *page, const char *title);
void page_trend(const struct page *page, const char *name, const struct histogram *histogram);
void page_trend_if_any(const struct page *page, const char *name,
                       const struct histogram *histogram);
void page_trend_alone(const struct page *page, const char *name, const struct histogram *histogram);
/* Of sizes; `per` follows each, "/s" or nothing. Of counts; `unit` follows the last. */
void page_trend_sizes(const struct page *page, const char *name, const struct histogram *histogram,
                      const char *per);
void page_trend_plain(const struct page *page, const char *name, const struct histogram *histogram,
                      const char *unit);
void page_rate(const struct page *page, const char *name, uint64_t hits, uint64_t total);
void page_counter(const struct page *page, const char *name, uint64_t count);
void page_bytes(const struct page *page, const char *name, uint64_t bytes);

/* summary_failures.c */
void summary_failures(const struct page *page);

/* summary_generator.c: the sections at the end. */
void summary_generator(const struct page *page);
void summary_verdict(const struct page *page);

#endif
