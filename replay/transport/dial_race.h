/*
 * dial_race.h - a TCP connection to whichever of several addresses answers first (RFC 8305 5).
 *
 *     next address --connects--> won: the others are closed
 *       |   +--fails--> the next one at once; none left and none under way: lost
 *       +--250 ms without either--> the next one beside it
 */
#ifndef REPRISE_REPLAY_TRANSPORT_DIAL_RACE_H
#define REPRISE_REPLAY_TRANSPORT_DIAL_RACE_H

#include "replay/loop.h"
#include "replay/outcome.h"
#include "replay/transport/dial_source.h"

/* RFC 8305 8: the recommended Connection Attempt Delay. */
#define DIAL_ATTEMPT_DELAY_US UINT64_C(250000)

enum { DIAL_MAX_ATTEMPTS = 4, DIAL_DETAIL_BYTES = 256 };

struct dial_race;

struct dial_attempt {
    struct dial_race *race;
    struct loop_watch watch; /* its fd is the socket; -1: not under way */
    size_t address;          /* index */
};

struct dial_race_events {
    /* The race is over. fd >= 0: the owner's, non-blocking; -1: lost, race->failure says why. */
    void (*ended)(void *owner, int fd);
    /* This address failed, or was beaten by another. May be NULL. */
    void (*failed)(void *owner, const struct dial_address *address);
};

/* Lies in its owner's struct. */
struct dial_race {
    struct loop *loop;
    struct dial_sources *sources;
    const struct dial_race_events *events;
    void *owner;
    struct dial_addresses addresses; /* with port */
    size_t next;
    struct dial_attempt attempts[DIAL_MAX_ATTEMPTS];
    struct timer delay_timer;
    enum failure failure; /* the most telling one so far */
    char detail[DIAL_DETAIL_BYTES];
};

/* `addresses` (with port, in order) is copied. 0: under way, an event follows from the loop; -1:
 * lost already, race->failure says why, no `ended` follows. */
int dial_race_start(struct dial_race *race, struct loop *loop, struct dial_sources *sources,
                    const struct dial_addresses *addresses, const struct dial_race_events *events,
                    void *owner);

/* What connecting failed as, by an errno. */
enum failure dial_failure_of(int code);

/* No event follows. No-op when it is over, or was zeroed and never started. */
void dial_race_cancel(struct dial_race *race);

#endif
