/*
 * histogram.h - counts of values in log-linear buckets: record, merge exactly, ask for percentiles.
 *
 * The layout is HdrHistogram's with two significant digits and lowest value 1: values below 256
 * have a bucket each, above it every power of two has 128, so a percentile is at most 1/128 (0.8%)
 * above the true one and never below it. Values over HISTOGRAM_MAX_VALUE count there. The least,
 * greatest and sum of the values are kept exactly. Values have no unit here; ours are microseconds.
 */
#ifndef REPRISE_CORE_HISTOGRAM_H
#define REPRISE_CORE_HISTOGRAM_H

#include "core/buf.h"

#define HISTOGRAM_MAX_BITS 37 /* 2^37 us: 38 hours */
#define HISTOGRAM_MAX_VALUE ((UINT64_C(1) << HISTOGRAM_MAX_BITS) - 1)
/* 256 for the first 8 bits, 128 for each bit above. */
#define HISTOGRAM_BUCKETS (256 + (HISTOGRAM_MAX_BITS - 8) * 128)

struct histogram {
    uint64_t *counts; /* HISTOGRAM_BUCKETS, allocated at the first value */
    uint64_t count;
    uint64_t sum;
    uint64_t min; /* UINT64_MAX while empty */
    uint64_t max;
    uint32_t lowest_bucket; /* counts outside lowest..highest are 0 */
    uint32_t highest_bucket;
};

void histogram_init(struct histogram *histogram);
void histogram_fini(struct histogram *histogram);

/* Forget the values, keep the memory. Costs what the used range costs. */
void histogram_clear(struct histogram *histogram);

/* -1 only when the first allocation failed. */
int histogram_record(struct histogram *histogram, uint64_t value);

/* Add all of `other`. */
int histogram_merge(struct histogram *histogram, const struct histogram *other);

/* The value that at least `percent` of the values are not above; 0 when empty. */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);
double histogram_mean(const struct histogram *histogram);

static inline uint64_t histogram_min(const struct histogram *histogram)
{
    return histogram->count ? histogram->min : 0;
}

/*
 * A compact form: varints of sum, min, max, then for each used bucket the distance from the last
 * one and the count. Decoding adds to what is there; -1, and nothing added, if the bytes are not
 * such a form or the counts would not fit.
 */
int histogram_encode(const struct histogram *histogram, struct buf *out);
int histogram_decode(struct histogram *histogram, struct bytes encoded);

/* The least and greatest value of a bucket. */
uint64_t histogram_bucket_low(uint32_t bucket);
uint64_t histogram_bucket_high(uint32_t bucket);

#endif
