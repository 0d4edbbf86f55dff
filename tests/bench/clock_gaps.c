/*
 * clock_gaps.c - how punctual a program can be on this machine: a loop that does nothing but read
 * the clock, and how late it was for each of 10,000 moments a second.
 *
 *   usage: clock_gaps SECONDS      prints "MOMENTS P50 P99 P99.9", in whole us
 *
 * What it is late, other programs, the kernel and whoever shares the processor below this machine
 * have taken: no generator on the same core can do better.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/histogram.h"

enum { EVERY_NS = 100000 };

int main(int argc, char **argv)
{
    struct histogram late_us;
    unsigned long seconds = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (seconds == 0 || seconds > 3600) {
        fprintf(stderr, "usage: clock_gaps SECONDS\n");
        return 2;
    }
    histogram_init(&late_us);
    uint64_t due_ns = clock_now_ns(), end_ns = due_ns + seconds * 1000000000;
    while (due_ns < end_ns) {
        uint64_t now_ns = clock_now_ns();
        for (; due_ns <= now_ns && due_ns < end_ns; due_ns += EVERY_NS)
            histogram_record(&late_us, (now_ns - due_ns) / 1000);
    }
    printf("%llu %llu %llu %llu\n", (unsigned long long)late_us.count,
           (unsigned long long)histogram_percentile(&late_us, 50),
           (unsigned long long)histogram_percentile(&late_us, 99),
           (unsigned long long)histogram_percentile(&late_us, 99.9));
    histogram_fini(&late_us);
    return 0;
}
