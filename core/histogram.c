/* histogram.c - log-linear buckets of values. */
#include "core/histogram.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCK_BUCKETS = HISTOGRAM_BLOCK_BUCKETS };

_Static_assert(HISTOGRAM_BUCKETS % HISTOGRAM_BLOCK_BUCKETS == 0 && HISTOGRAM_BLOCKS <= 32,
               "a bit for each block");

void histogram_init(struct histogram *histogram)
{
    *histogram = (struct histogram){.min = UINT64_MAX};
}

void histogram_fini(struct histogram *histogram)
{
    for (uint32_t i = 0; histogram->blocks && i < HISTOGRAM_BLOCKS; i++)
        free(histogram->blocks[i]);
    free(histogram->blocks);
    histogram_init(histogram);
}

/* The lowest block of a set, which is not empty, is taken out of it. */
static uint32_t take_block(uint32_t *set)
{
    uint32_t block = (uint32_t)__builtin_ctz(*set);
    *set &= *set - 1;
    return block;
}

void histogram_clear(struct histogram *histogram)
{
    uint64_t **blocks = histogram->blocks;
    for (uint32_t left = histogram->used_blocks; left;)
        memset(blocks[take_block(&left)], 0, BLOCK_BUCKETS * sizeof **blocks);
    histogram_init(histogram);
    histogram->blocks = blocks;
}

int histogram_use_blocks(struct histogram *histogram, uint32_t blocks)
{
    if (!histogram->blocks)
        histogram->blocks = calloc(HISTOGRAM_BLOCKS, sizeof *histogram->blocks);
    if (!histogram->blocks)
        return -1;
    for (uint32_t left = blocks; left;) {
        uint64_t **block = &histogram->blocks[take_block(&left)];
        if (!*block)
            *block = calloc(BLOCK_BUCKETS, sizeof **block);
        if (!*block)
            return -1;
    }
    histogram->used_blocks |= blocks;
    return 0;
}

uint64_t histogram_bucket_low(uint32_t bucket)
{
    if (bucket < 256)
        return bucket;
    uint32_t shift = bucket / BLOCK_BUCKETS - 1;
    return (uint64_t)(bucket % BLOCK_BUCKETS + BLOCK_BUCKETS) << shift;
}

uint64_t histogram_bucket_high(uint32_t bucket)
{
    return bucket + 1 >= HISTOGRAM_BUCKETS ? HISTOGRAM_MAX_VALUE
                                           : histogram_bucket_low(bucket + 1) - 1;
}

/* Whatever the counts are made of. */
static void add_head(struct histogram *histogram, const struct histogram *other)
{
    histogram->count += other->count;
    histogram->sum += other->sum;
    if (other->min < histogram->min)
        histogram->min = other->min;
    if (other->max > histogram->max)
        histogram->max = other->max;
}

int histogram_merge(struct histogram *histogram, const struct histogram *other)
{
    if (!other->count)
        return 0;
    if (histogram_use_blocks(histogram, other->used_blocks))
        return -1;
    for (uint32_t left = other->used_blocks; left;) {
        uint32_t block = take_block(&left);
        uint64_t *counts = histogram->blocks[block];
        const uint64_t *others = other->blocks[block];
        for (uint32_t i = 0; i < BLOCK_BUCKETS; i++)
            counts[i] += others[i];
    }
    add_head(histogram, other);
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
    for (uint32_t left = histogram->used_blocks; left;) {
        uint32_t block = take_block(&left);
        for (uint32_t i = 0; i < BLOCK_BUCKETS; i++) {
            seen += histogram->blocks[block][i];
            if (seen < wanted)
                continue;
            uint64_t value = histogram_bucket_high(block * BLOCK_BUCKETS + i);
            return value > histogram->max ? histogram->max : value;
        }
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
    for (uint32_t left = histogram->used_blocks; left;) {
        uint32_t block = take_block(&left);
        for (uint32_t i = 0; i < BLOCK_BUCKETS; i++) {
            uint32_t bucket = block * BLOCK_BUCKETS + i;
            if (!histogram->blocks[block][i])
                continue;
            put_varint(out, bucket - last);
            put_varint(out, histogram->blocks[block][i]);
            last = bucket;
        }
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
        if (head->count == 0 && bucket != histogram_bucket_of(head->min))
            return -1;
        head->count += count;
        head->used_blocks |= 1U << (bucket / BLOCK_BUCKETS);
    }
    if (head->count == 0 || bucket != histogram_bucket_of(head->max))
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
        head.sum > UINT64_MAX - histogram->sum || histogram_use_blocks(histogram, head.used_blocks))
        return -1;
    uint64_t bucket = UINT64_MAX, count;
    while (encoded.len && take_bucket(&encoded, &bucket, &count) == 0)
        histogram->blocks[bucket / BLOCK_BUCKETS][bucket % BLOCK_BUCKETS] += count;
    add_head(histogram, &head);
    return 0;
}
