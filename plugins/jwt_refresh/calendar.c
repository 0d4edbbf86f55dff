/* calendar.c - when tokens are renewed, booked ahead so that users do not come all at once. */
#include "calendar.h"

#define COUNT_MASK UINT64_C(0xffffff)
#define COUNT_BITS 24
#define BINS_OF_A_LIFE 200
#define MIN_BIN_US 1000

void calendar_join(struct calendar *calendar)
{
    atomic_fetch_add(&calendar->users, 1);
}

void calendar_leave(struct calendar *calendar)
{
    atomic_fetch_sub(&calendar->users, 1);
}

static uint64_t bin_width(struct calendar *calendar, int64_t life_us)
{
    uint64_t width = atomic_load(&calendar->bin_us);
    uint64_t wanted = (uint64_t)life_us / BINS_OF_A_LIFE;
    if (width)
        return width;
    if (wanted < MIN_BIN_US)
        wanted = MIN_BIN_US;
    return atomic_compare_exchange_strong(&calendar->bin_us, &width, wanted) ? wanted : width;
}

/* How many of what a place of the ring holds are of this bin; it may have been used for another
 * time since. The lap is enough to tell: milliseconds since 1970, where bins are as narrow as that,
 * need more than the bits above the count. */
static uint64_t count_of(uint64_t seen, uint64_t bin)
{
    return seen >> COUNT_BITS == bin / CALENDAR_BINS ? seen & COUNT_MASK : 0;
}

static uint64_t booked(struct calendar *calendar, uint64_t bin)
{
    return count_of(atomic_load(&calendar->bins[bin % CALENDAR_BINS]), bin);
}

/* One more in a bin, unless it has `most`. */
static bool add(_Atomic uint64_t *bins, uint64_t bin, uint64_t most)
{
    _Atomic uint64_t *at = &bins[bin % CALENDAR_BINS];
    uint64_t seen = atomic_load(at), wanted;
    do {
        uint64_t count = count_of(seen, bin);
        if (count >= most || count == COUNT_MASK)
            return false;
        wanted = bin / CALENDAR_BINS << COUNT_BITS | (count + 1);
    } while (!atomic_compare_exchange_weak(at, &seen, wanted));
    return true;
}

int64_t calendar_book(struct calendar *calendar, int64_t earliest_us, int64_t latest_us,
                      int64_t life_us, uint64_t chance)
{
    if (earliest_us < 0 || latest_us <= earliest_us)
        return latest_us;
    uint64_t width = bin_width(calendar, life_us);
    uint64_t first = (uint64_t)earliest_us / width, last = (uint64_t)latest_us / width;
    if (last - first >= CALENDAR_BINS)
        first = last - CALENDAR_BINS + 1;
    /* Half as many again as come in a bin on average, so that there is always room. */
    uint64_t life_bins = (uint64_t)life_us / width + 1;
    uint64_t share = atomic_load(&calendar->users) * 3 / (2 * life_bins) + 1;
    uint64_t best = last, least = UINT64_MAX;
    for (uint64_t bin = last + 1; bin-- > first;) {
        uint64_t count = booked(calendar, bin);
        if (count < least) {
            least = count;
            best = bin;
        }
        if (count < share)
            break;
    }
    add(calendar->bins, best, UINT64_MAX);
    int64_t at_us = (int64_t)(best * width + chance % width);
    return at_us < earliest_us ? earliest_us : at_us > latest_us ? latest_us : at_us;
}

/* A quarter more than on average. A tenth of a second of 5 s tokens touches five bins at most, and
 * holds four: should all be full, that is still well below three times the average. */
static uint64_t most_sent(struct calendar *calendar)
{
    uint64_t users = atomic_load(&calendar->users);
    return (users * 5 + 4 * BINS_OF_A_LIFE - 1) / (4 * BINS_OF_A_LIFE) + (users == 0);
}

bool calendar_has_room(struct calendar *calendar, int64_t now_us)
{
    uint64_t width = atomic_load(&calendar->bin_us);
    return !width || now_us < 0 ||
           add(calendar->sent, (uint64_t)now_us / width, most_sent(calendar));
}

int64_t calendar_admit(struct calendar *calendar, int64_t now_us, int64_t most_wait_us,
                       uint64_t chance)
{
    uint64_t width = atomic_load(&calendar->bin_us);
    if (!width || now_us < 0 || most_wait_us < 0)
        return 0;
    uint64_t first = (uint64_t)now_us / width;
    uint64_t last = ((uint64_t)now_us + (uint64_t)most_wait_us) / width;
    if (last - first >= CALENDAR_BINS)
        last = first + CALENDAR_BINS - 1;
    for (uint64_t bin = first; bin <= last; bin++) {
        if (!add(calendar->sent, bin, most_sent(calendar)))
            continue;
        return bin == first ? 0 : (int64_t)(bin * width + chance % width) - now_us;
    }
    return most_wait_us ? (int64_t)(chance % (uint64_t)most_wait_us) : 0; /* evenly, at least */
}
