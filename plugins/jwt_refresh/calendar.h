/*
 * calendar.h - when tokens are renewed, booked ahead so that users do not come all at once.
 *
 * Tokens that were given together, or whose exp is cut to whole seconds, end together. Each new
 * token books the latest moment of its window in which fewer than a fair share of the others are
 * booked already, so that early renewal costs what is needed and no more. Shared by all threads; a
 * booking is a few atomic additions.
 */
#ifndef JWT_REFRESH_CALENDAR_H
#define JWT_REFRESH_CALENDAR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { CALENDAR_BINS = 1024 };

/* Zeroed storage is an empty one. */
struct calendar {
    /* Which of the bins that share this place it is (every CALENDAR_BINS-th) above, its bookings
     * below 2^24. */
    _Atomic uint64_t bins[CALENDAR_BINS];
    _Atomic uint64_t sent[CALENDAR_BINS]; /* likewise, what was really sent */
    _Atomic uint64_t bin_us;              /* a two-hundredth of the first token's life */
    _Atomic uint64_t users;               /* that have a token to be renewed */
};

void calendar_join(struct calendar *calendar);
void calendar_leave(struct calendar *calendar);

/* A moment in [earliest_us, latest_us], all since 1970, for a token that lives life_us. `chance` is
 * any random number. */
int64_t calendar_book(struct calendar *calendar, int64_t earliest_us, int64_t latest_us,
                      int64_t life_us, uint64_t chance);

/* A request comes when it comes, and think times may bring many at once whatever they have booked:
 * how long this renewal has to wait so that no bin gets twice what is usual; at most
 * most_wait_us, then it goes. */
int64_t calendar_admit(struct calendar *calendar, int64_t now_us, int64_t most_wait_us,
                       uint64_t chance);
/* Whether it may go now; it is counted if so. */
bool calendar_has_room(struct calendar *calendar, int64_t now_us);

#endif
