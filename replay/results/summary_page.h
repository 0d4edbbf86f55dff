/*
 * summary_page.h - lines of the summary as k6 lays them out: a name, dots, figures.
 */
#ifndef REPRISE_REPLAY_SUMMARY_PAGE_H
#define REPRISE_REPLAY_SUMMARY_PAGE_H

#include <stdio.h>

#include "replay/results/run_record.h"

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
/* Control bytes become '.': recorded text must not drive the terminal. */
void page_put_clean(const struct page *page, const char *text);
/* "    name........: " */
void page_leader(const struct page *page, const char *name);
double page_per_second(const struct page *page, uint64_t count);

/* Whole lines. */
void page_trend(const struct page *page, const char *name, const struct histogram *histogram);
void page_trend_if_any(const struct page *page, const char *name,
                       const struct histogram *histogram);
void page_rate(const struct page *page, const char *name, uint64_t hits, uint64_t total);
void page_counter(const struct page *page, const char *name, uint64_t count);
void page_bytes(const struct page *page, const char *name, uint64_t bytes);

/* summary_generator.c: the sections at the end. */
void summary_generator(const struct page *page);
void summary_verdict(const struct page *page);

#endif
