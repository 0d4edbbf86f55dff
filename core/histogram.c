/* histogram.c - log-linear buckets of values. */
#include "core/histogram.h"

#include <math.h>
#include <stdlib.h>

enum { LINEAR_BITS = 8, HALF_BUCKETS = 128 };

void histogram_init(struct histogram *histogram)
{
    *histogram = (struct histogram){.min = UINT64_MAX, .lowest_bucket = HISTOGRAM_BUCKETS};
}

void histogram_fini(struct histogram *histogram)
{
    free(histogram->counts);
    histogram_init(histogram);
}

void histogram_clear(struct histogram *histogram)
{
    if (histogram->count) {
        size_t used = histogram->highest_bucket - histogram->lowest_bucket + 1;
        memset(histogram->counts + histogram->lowest_bucket, 0, used * sizeof *histogram->counts);
    }
    uint64_t *counts = histogram->counts;
    histogram_init(histogram);
    histogram->counts = counts;
}

static uint32_t bucket_of(uint64_t value)
{
    if (value < 256)
        return (uint32_t)value;
    uint32_t top_bit = 63U - (uint32_t)__builtin_clzll(value);
    uint32_t shift = top_bit - (LINEAR_BITS - 1);
    /* After the shift the value is 128..255: its lower seven bits choose within the power of two.
     */
    return 256 + (shift - 1) * HALF_BUCKETS + (uint32_t)(value >> shift) - HALF_BUCKETS;
}

uint64_t histogram_bucket_low(uint32_t bucket)
{
    if (bucket < 256)
        return bucket;
    uint32_t shift = (bucket - 256) / HALF_BUCKETS + 1;
    return (uint64_t)((bucket - 256) % HALF_BUCKETS + HALF_BUCKETS) << shift;
}

uint64_t histogram_bucket_high(uint32_t bucket)
{
    return bucket + 1 >= HISTOGRAM_BUCKETS ? HISTOGRAM_MAX_VALUE
                                           : histogram_bucket_low(bucket + 1) - 1;
}

static int allocate(struct histogram *histogram)
{
    if (!histogram->counts)
        histogram->counts = calloc(HISTOGRAM_BUCKETS, sizeof *histogram->counts);
    return histogram->counts ? 0 : -1;
}

static void widen(struct histogram *histogram, uint32_t lowest, uint32_t highest)
{
    if (lowest < histogram->lowest_bucket)
        histogram->lowest_bucket = lowest;
    if (highest > histogram->highest_bucket)
        histogram->highest_bucket = highest;
}

int histogram_record(struct histogram *histogram, uint64_t value)
{
    if (!histogram->counts && allocate(histogram))
        return -1;
    if (value > HISTOGRAM_MAX_VALUE)
        value = HISTOGRAM_MAX_VALUE;
    uint32_t bucket = bucket_of(value);
    histogram->counts[bucket]++;
    histogram->count++;
    histogram->sum += value;
    if (value < histogram->min)
        histogram->min = value;
    if (value > histogram->max)
        histogram->max = value;
    widen(histogram, bucket, bucket);
    return 0;
}

int histogram_merge(struct histogram *histogram, const struct histogram *other)
{
    if (!other->count)
        return 0;
    if (allocate(histogram))
        return -1;
    for (uint32_t i = other->lowest_bucket; i <= other->highest_bucket; i++)
        histogram->counts[i] += other->counts[i];
    histogram->count += other->count;
    histogram->sum += other->sum;
    if (other->min < histogram->min)
        histogram->min = other->min;
    if (other->max > histogram->max)
        histogram->max = other->max;
    widen(histogram, other->lowest_bucket, other->highest_bucket);
    return 0;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
    if (!histogram->count)
        return 0;
    double exact = ceil(percent / 100.0 * (double)histogram->count - 1e-9);
    uint64_t wanted = histogram->count; /* also for what is no number, or over 100 */
    if (exact < (double)histogram->count)
        wanted = exact < 1 ? 1 : (uint64_t)exact;
    uint64_t seen = 0;
    for (uint32_t i = histogram->lowest_bucket; i <= histogram->highest_bucket; i++) {
        seen += histogram->counts[i];
        if (seen < wanted)
            continue;
        uint64_t value = histogram_bucket_high(i);
        return value > histogram->max ? histogram->max : value;
    }
    return histogram->max;
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->count ? (double)histogram->sum / (double)histogram->count : 0;
}

static void put_varint(struct buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        buf_append_char(out, (char)(value | 0x80));
    buf_append_char(out, (char)value);
}

/* -1: cut off, or more than 64 bits. */
static int take_varint(struct bytes *in, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (!in->len)
            return -1;
        unsigned char byte = (unsigned char)in->ptr[0];
        *in = bytes_from(*in, 1);
        if (shift == 63 && byte > 1)
            return -1;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret_value = value;
            return 0;
        }
    }
    return -1;
}

int histogram_encode(const struct histogram *histogram, struct buf *out)
{
    if (!histogram->count)
        return 0;
    put_varint(out, histogram->sum);
    put_varint(out, histogram->min);
    put_varint(out, histogram->max);
    uint32_t last = 0;
    for (uint32_t i = histogram->lowest_bucket; i <= histogram->highest_bucket; i++) {
        if (!histogram->counts[i])
            continue;
        put_varint(out, i - last);
        put_varint(out, histogram->counts[i]);
        last = i;
    }
    return buf_failed(out) ? -1 : 0;
}

/* The next used bucket and its count; *bucket is the one before it, UINT64_MAX at the start. */
static int take_bucket(struct bytes *in, uint64_t *bucket, uint64_t *ret_count)
{
    uint64_t step;
    if (take_varint(in, &step) || take_varint(in, ret_count) || *ret_count == 0)
        return -1;
    if (step >= HISTOGRAM_BUCKETS || (step == 0 && *bucket != UINT64_MAX))
        return -1;
    *bucket = *bucket == UINT64_MAX ? step : *bucket + step;
    return *bucket < HISTOGRAM_BUCKETS ? 0 : -1;
}

/* All of it, before anything is added: `in` is the buckets, `head` has sum, min and max. */
static int check_encoded(struct bytes in, struct histogram *head)
{
    uint64_t bucket = UINT64_MAX, count;
    while (in.len) {
        if (take_bucket(&in, &bucket, &count) || count > UINT64_MAX - head->count)
            return -1;
        if (head->count == 0 && bucket != bucket_of(head->min))
            return -1;
        head->count += count;
    }
    if (head->count == 0 || bucket != bucket_of(head->max))
        return -1;
    uint64_t mean = head->sum / head->count;
    return mean >= head->min && mean <= head->max ? 0 : -1;
}

int histogram_decode(struct histogram *histogram, struct bytes encoded)
{
    struct histogram head = {0};
    if (!encoded.len)
        return 0;
    if (take_varint(&encoded, &head.sum) || take_varint(&encoded, &head.min) ||
        take_varint(&encoded, &head.max) || head.min > head.max || head.max > HISTOGRAM_MAX_VALUE ||
        check_encoded(encoded, &head) || head.count > UINT64_MAX - histogram->count ||
        head.sum > UINT64_MAX - histogram->sum || allocate(histogram))
        return -1;
    uint64_t bucket = UINT64_MAX, count;
    while (encoded.len && take_bucket(&encoded, &bucket, &count) == 0)
        histogram->counts[bucket] += count;
    widen(histogram, bucket_of(head.min), bucket_of(head.max));
    histogram->count += head.count;
    histogram->sum += head.sum;
    if (head.min < histogram->min)
        histogram->min = head.min;
    if (head.max > histogram->max)
        histogram->max = head.max;
    return 0;
}
