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

/* Counts come in blocks, one for each power of two (and two for the values below 256): times that
 * lie near each other, as those of one endpoint do, take a few of them. */
enum { HISTOGRAM_BLOCK_BUCKETS = 128 };
#define HISTOGRAM_BLOCKS (HISTOGRAM_BUCKETS / HISTOGRAM_BLOCK_BUCKETS)

struct histogram {
    uint64_t **blocks;    /* HISTOGRAM_BLOCKS; each is allocated at its first value */
    uint32_t used_blocks; /* a bit for each that has counts */
    uint64_t count;
    uint64_t sum;
    uint64_t min; /* UINT64_MAX while empty */
    uint64_t max;
};

void histogram_init(struct histogram *histogram);
void histogram_fini(struct histogram *histogram);

/* Forget the values, keep the memory. Costs what the used blocks cost. */
void histogram_clear(struct histogram *histogram);

static inline uint32_t histogram_bucket_of(uint64_t value)
{
    /* After the shift a value of 256 or more is 128..255: its lower seven bits choose within the
     * power of two. */
    uint32_t shift = 63U - (uint32_t)__builtin_clzll(value | 255) - 7;
    return shift * HISTOGRAM_BLOCK_BUCKETS + (uint32_t)(value >> shift);
}

/* Have memory for the counts of these blocks, which are used from now on. -1 without memory. */
int histogram_use_blocks(struct histogram *histogram, uint32_t blocks);

/* -1, and not counted, only when the first value of a block found no memory. */
static inline int histogram_record(struct histogram *histogram, uint64_t value)
{
    if (value > HISTOGRAM_MAX_VALUE)
        value = HISTOGRAM_MAX_VALUE;
    uint32_t bucket = histogram_bucket_of(value);
    uint32_t block = bucket / HISTOGRAM_BLOCK_BUCKETS;
    if (!(histogram->used_blocks >> block & 1) && histogram_use_blocks(histogram, 1U << block))
        return -1;
    histogram->blocks[block][bucket % HISTOGRAM_BLOCK_BUCKETS]++;
    histogram->count++;
    histogram->sum += value;
    if (value < histogram->min)
        histogram->min = value;
    if (value > histogram->max)
        histogram->max = value;
    return 0;
}

/* How many values are in a bucket. */
static inline uint64_t histogram_bucket_count(const struct histogram *histogram, uint32_t bucket)
{
    uint32_t block = bucket / HISTOGRAM_BLOCK_BUCKETS;
    return histogram->used_blocks >> block & 1
               ? histogram->blocks[block][bucket % HISTOGRAM_BLOCK_BUCKETS]
               : 0;
}

/* Add all of `other`; -1, and nothing added, without memory. */
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
