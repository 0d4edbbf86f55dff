/*
 * session_desk.h - where a worker's users get the sessions that they play: at once, or as soon as
 * the plan has loaded them.
 *
 * A user that waits for its session is USER_IDLE; it is played with the start that was planned, so
 * that what it lost shows as lateness.
 */
#ifndef REPRISE_REPLAY_SESSION_DESK_H
#define REPRISE_REPLAY_SESSION_DESK_H

#include "replay/plan/plan_stream.h"
#include "replay/user.h"

struct desk_wait;

struct session_desk {
    const struct plan *plan;
    struct loop *loop;
    bool draws; /* closed model: users draw one session after another */
    uint64_t seed;
    struct plan_client client;
    struct loop_watch watch;
    struct desk_wait *waits;
    /* A user cannot get its session, nor will others; not called inside session_desk_play*(). */
    void (*failed)(void *owner, const struct error *error);
    void *owner;
};

/* -1 with err; session_desk_fini() it in either case. */
int session_desk_init(struct session_desk *desk, const struct plan *plan, struct loop *loop,
                      struct error *err);
/* Nobody waits any more. */
void session_desk_clear(struct session_desk *desk);
void session_desk_fini(struct session_desk *desk);

/* Open model: the session of an arrival. -1 without memory. */
int session_desk_play(struct session_desk *desk, struct user *user, uint32_t session,
                      uint64_t start_us);

/* Closed model: the next session of this user. -1 without memory. */
int session_desk_play_next(struct session_desk *desk, struct user *user, uint64_t start_us);

/* The user has ended its session. */
void session_desk_give_back(struct session_desk *desk, struct user *user);

/* The user plays no more and waits no more; what it holds is to go back once it is freed. */
const struct plan_session *session_desk_leave(struct session_desk *desk, struct user *user);

#endif
