/*
 * body_pace.h - how much of a body may be sent by now, for one that is sent at a pace: a token
 * bucket.
 *
 * The bucket holds what a quarter of a second brings, so that a timer that fires late loses
 * nothing, and a connection that stood still is not made up for in one rush. It begins empty: the
 * pace holds from the first byte, and a body that is shorter than a helping takes its time, too.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_BODY_PACE_H
#define REPRISE_REPLAY_TRANSPORT_BODY_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define BODY_PACE_STEP_US UINT64_C(50000) /* between two helpings */
#define BODY_PACE_BUCKET_US (5 * BODY_PACE_STEP_US)
#define BODY_PACE_MAX_BYTES_PER_S                                                                  \
    UINT64_C(1000000000000) /* so that the sums fit; no pace beyond                                \
                             */

/* All zeroes has not begun. */
struct body_pace {
    uint64_t bytes_per_s; /* 0: none, everything may be sent */
    uint64_t bucket;      /* in millionths of a byte */
    uint64_t filled_us;
    bool has_begun;
};

void body_pace_begin(struct body_pace *pace, uint64_t bytes_per_s, uint64_t now_us);

/* Of `wanted` bytes, how many may go now; 0: none before body_pace_next_us(). */
uint64_t body_pace_allows(struct body_pace *pace, uint64_t wanted, uint64_t now_us);
void body_pace_spend(struct body_pace *pace, uint64_t bytes);

/* When a helping of them, or all of `wanted`, may go. */
uint64_t body_pace_next_us(const struct body_pace *pace, uint64_t wanted, uint64_t now_us);

/* How long so many bytes take at the least. */
uint64_t body_pace_takes_us(uint64_t body_bytes, uint64_t bytes_per_s);

#endif
