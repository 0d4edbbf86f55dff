/* body_pace.c - a token bucket in millionths of a byte. */
#include "replay/transport/body_pace.h"

#include <assert.h>

enum { BYTE = 1000000 };

/* A byte at the least, however slow. */
static uint64_t helping(const struct body_pace *pace)
{
    uint64_t tokens = pace->bytes_per_s * BODY_PACE_STEP_US;
    return tokens > BYTE ? tokens : BYTE;
}

/* Above a helping, so that a timer that is late loses nothing of a slow pace either. */
static uint64_t capacity(const struct body_pace *pace)
{
    return helping(pace) + pace->bytes_per_s * (BODY_PACE_BUCKET_US - BODY_PACE_STEP_US);
}

void body_pace_begin(struct body_pace *pace, uint64_t bytes_per_s, uint64_t now_us)
{
    *pace = (struct body_pace){.filled_us = now_us, .has_begun = true};
    if (bytes_per_s <= BODY_PACE_MAX_BYTES_PER_S)
        pace->bytes_per_s = bytes_per_s;
}

static void fill(struct body_pace *pace, uint64_t now_us)
{
    uint64_t passed_us = now_us > pace->filled_us ? now_us - pace->filled_us : 0;
    uint64_t most = capacity(pace), room = most - pace->bucket;
    /* Compared by time first: the product of a long one may not fit. */
    if (passed_us > room / pace->bytes_per_s)
        pace->bucket = most;
    else
        pace->bucket += passed_us * pace->bytes_per_s;
    pace->filled_us += passed_us;
}

uint64_t body_pace_allows(struct body_pace *pace, uint64_t wanted, uint64_t now_us)
{
    if (!pace->bytes_per_s)
        return wanted;
    fill(pace, now_us);
    uint64_t most = pace->bucket / BYTE;
    return wanted < most ? wanted : most;
}

void body_pace_spend(struct body_pace *pace, uint64_t bytes)
{
    if (!pace->bytes_per_s)
        return;
    assert(bytes <= pace->bucket / BYTE);
    pace->bucket -= bytes * BYTE;
}

uint64_t body_pace_next_us(const struct body_pace *pace, uint64_t wanted, uint64_t now_us)
{
    uint64_t tokens = helping(pace);
    if (!pace->bytes_per_s)
        return now_us;
    if (wanted < tokens / BYTE)
        tokens = wanted * BYTE;
    if (tokens <= pace->bucket)
        return now_us;
    return pace->filled_us + (tokens - pace->bucket + pace->bytes_per_s - 1) / pace->bytes_per_s;
}

uint64_t body_pace_takes_us(uint64_t body_bytes, uint64_t bytes_per_s)
{
    if (!bytes_per_s || bytes_per_s > BODY_PACE_MAX_BYTES_PER_S)
        return 0;
    uint64_t seconds = body_bytes / bytes_per_s;
    if (seconds > UINT32_MAX)
        seconds = UINT32_MAX;
    return seconds * BYTE + body_bytes % bytes_per_s * BYTE / bytes_per_s;
}
