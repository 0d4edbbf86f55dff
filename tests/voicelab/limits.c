/* limits.c - rate limits: a token bucket per (limit, key). */
#include "tests/voicelab/limits.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/voicelab/table.h"

#define BUCKETS_MAX 200000 /* 100 bytes each: 20 MB at the worst */

struct bucket {
    double tokens;
    uint64_t filled_us; /* when `tokens` was right; 0: never used */
    uint64_t full_us;   /* when it will be full again, and may be forgotten */
};

struct limits {
    pthread_mutex_t lock; /* guards `buckets` */
    struct table *buckets;
};

struct limits *limits_new(void)
{
    struct limits *limits = calloc(1, sizeof *limits);

    if (!limits)
        return NULL;
    pthread_mutex_init(&limits->lock, NULL);
    limits->buckets = table_new(sizeof(struct bucket), BUCKETS_MAX);
    if (!limits->buckets) {
        free(limits);
        return NULL;
    }
    return limits;
}

void limits_free(struct limits *limits)
{
    if (!limits)
        return;
    table_free(limits->buckets);
    pthread_mutex_destroy(&limits->lock);
    free(limits);
}

static bool not_full_yet(void *context, const char *key, void *value)
{
    const uint64_t *now_us = context;
    const struct bucket *bucket = value;

    (void)key;
    return bucket->full_us > *now_us;
}

static uint64_t take(struct bucket *bucket, const struct rate *rate, uint64_t now_us)
{
    double count = (double)rate->count;
    double per_us = count / (double)rate->period_us;
    uint64_t refused_us = 0;

    if (bucket->filled_us == 0)
        bucket->tokens = count;
    else if (now_us > bucket->filled_us)
        bucket->tokens += (double)(now_us - bucket->filled_us) * per_us;
    if (bucket->tokens > count)
        bucket->tokens = count;
    bucket->filled_us = now_us;

    if (bucket->tokens >= 1)
        bucket->tokens -= 1;
    else
        refused_us = (uint64_t)((1 - bucket->tokens) / per_us) + 1;
    bucket->full_us = now_us + (uint64_t)((count - bucket->tokens) / per_us);
    return refused_us;
}

uint64_t limits_take(struct limits *limits, const struct rate *rate, const char *name,
                     const char *key, uint64_t now_us)
{
    char full_key[160];
    uint64_t refused_us = 0;

    if (rate->count == 0)
        return 0;
    snprintf(full_key, sizeof full_key, "%s %s", name, key);
    pthread_mutex_lock(&limits->lock);
    struct bucket *bucket = table_get(limits->buckets, full_key);
    if (!bucket) {
        table_sweep(limits->buckets, not_full_yet, &now_us);
        bucket = table_get(limits->buckets, full_key);
    }
    /* With no room even then the key goes unlimited: a fixture keeps answering. */
    if (bucket)
        refused_us = take(bucket, rate, now_us);
    pthread_mutex_unlock(&limits->lock);
    return refused_us;
}
