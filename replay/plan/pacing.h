/*
 * pacing.h - from trace time to run time: two speeds, three pacings, and stages of users. Pure
 * functions.
 */
#ifndef REPRISE_REPLAY_PACING_H
#define REPRISE_REPLAY_PACING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pacing_mode {
    PACING_THINK, /* due when the last predecessor has ended, plus the recorded gap */
    PACING_OPEN,  /* due at the recorded offset from the session's start, whatever the answers do */
    PACING_MAX    /* due as soon as the last predecessor has ended */
};

const char *pacing_mode_name(enum pacing_mode mode); /* "think", "open", "max": as typed */

struct pacing {
    enum pacing_mode mode;
    double arrival_speed; /* divides the offsets between sessions; > 0 */
    double think_speed;   /* divides the gaps inside a session; > 0 */
};

#define PACING_LONGEST_US (UINT64_C(1) << 61) /* sums of two still fit */

/* us / speed, rounded to the nearest microsecond, at most PACING_LONGEST_US. */
uint64_t pacing_scale_us(uint64_t us, double speed);

#define STAGES_MAX 32

/* Of one process, at some hundred bytes a user that waits: ten times what a machine is built for,
 * and not all of its memory for a slip of the finger. */
#define STAGES_MAX_USERS 1000000

/* Users in force over time: from one count linearly to the next, as k6's stages. */
struct stage {
    uint64_t duration_us;
    uint32_t users; /* at its end */
};

struct stages {
    uint32_t start_users;
    size_t count;
    struct stage items[STAGES_MAX];
};

/* "30s:100": to 100 users over 30 s. -1 when it is not DURATION:USERS or there are too many
 * (stages, or users). */
int stages_add(struct stages *stages, const char *text);

uint64_t stages_duration_us(const struct stages *stages);

/* How many users play at this moment; 0 behind the end. */
uint32_t stages_users_at(const struct stages *stages, uint64_t at_us);
uint32_t stages_most_users(const struct stages *stages);

#define STAGES_NEVER UINT64_MAX

/* The first moment >= from_us at which user `index` (from 0) plays, or STAGES_NEVER. */
uint64_t stages_next_start_us(const struct stages *stages, uint32_t index, uint64_t from_us);

#endif
