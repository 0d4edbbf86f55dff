/*
 * user.h - one replayed user: plays a session's steps in order of what they wait for.
 *
 * A user lives on one worker's loop and owns its connections, cookies, plugin states and requests
 * under way. A step that is ready becomes a task (task.h); a WebSocket is a channel (channel.h).
 * The user itself keeps the books: which steps are done, which are unlocked by that, when the
 * session is over.
 *
 *     user_play --> session start asked --> steps unlocked ... --> all done --> ending -->
 * env.user_ended
 *                                  \-- a plugin ends or fails the session, or the run stops --/
 */
#ifndef REPRISE_REPLAY_USER_H
#define REPRISE_REPLAY_USER_H

#include "core/cli.h"
#include "plugins/chain.h"
#include "replay/answer_watch.h"
#include "replay/cookie_jar.h"
#include "replay/metrics.h"
#include "replay/plan/pacing.h"
#include "replay/plan/plan.h"
#include "replay/silence.h"
#include "replay/transport/transport.h"
#include "replay/values.h"

struct user;
struct task;
struct channel;
struct desk_wait;
struct birth_stream;

/* What all users of one worker share; filled by the worker, or by a test. */
struct user_env {
    struct loop *loop;
    const struct plan *plan;
    struct pacing pacing;
    const struct transport_ops *ops;
    struct transport *transport;
    struct plugin_chain *chain;
    struct chain_worker *chain_worker; /* NULL when the chain is empty */
    struct metrics *metrics;           /* the shard in use; the worker changes it between passes */
    const struct answer_watch *watch;  /* NULL: nobody looks at the answers */
    enum on_missing on_missing;
    const struct identities *identities; /* NULL: no data */
    uint64_t seed;
    uint64_t
        play_stride; /* closed model: the most users, so that each play has a number of its own */
    struct place_scratch *scratch;          /* user_scratch() */
    uint64_t ws_wait_us;                    /* for a recorded server message that does not come */
    int64_t unix_origin_us;                 /* unix time of the run's 0 */
    struct bytes target;                    /* the origin that requests go to */
    const struct cli_list *allowed_targets; /* what else plugins may aim at; may be NULL */
    uint32_t max_in_flight;                 /* requests of all users of this worker */
    uint32_t in_flight;
    uint32_t most_in_flight; /* since the worker last looked; likewise most_users */
    struct silence silence;
    uint32_t most_users;
    uint32_t queued; /* due, but over max_in_flight */
    uint32_t most_queued;
    struct task *queue_first, *queue_last; /* due, but over max_in_flight */
    bool is_sending_queued;
    uint32_t users_active;
    struct task *idle_tasks;           /* to be used again */
    struct birth_stream *idle_streams; /* the same */
    /* The session is over and `user` may be played again or freed; never called inside a
     * transport's callback. */
    void (*user_ended)(void *owner, struct user *user);
    void *owner;
};

enum user_state { USER_IDLE, USER_STARTING, USER_PLAYING, USER_ENDING };

struct user {
    struct user_env *env;
    struct user *next, *previous; /* for whoever keeps users in a list */
    struct desk_wait *wait;       /* for its session; session_desk.c's */
    uint64_t index;               /* from 0, over all workers */
    uint64_t plays;               /* sessions it has begun */
    enum user_state state;
    const struct plan_session *session;
    uint64_t start_us;      /* when the session was due to start */
    uint32_t next_step;     /* the first that is not unlocked */
    uint32_t done_count;    /* length of the finished prefix of end_order */
    uint32_t steps_handled; /* sent, or skipped by a plugin */
    uint32_t tasks_active;
    uint32_t tasks_waiting; /* for an answer that gives them a value */
    uint32_t channels_active;
    unsigned char *done;      /* one bit for each position of end_order */
    unsigned char *settled;   /* the same, of steps that plugins have answered; NULL: none */
    struct task *tasks;       /* under way */
    struct channel *channels; /* session->channel_count of them */
    struct cookie_jar cookies;
    struct cookie_site site;            /* the target */
    struct values values;               /* of the session's bindings */
    struct transport_user *connections; /* NULL until the first request */
    struct chain_user *plugins;         /* NULL when the chain is empty */
    enum session_result result;
    char *detail; /* of a result that is not SESSION_DONE, until the next; NULL: nothing to say */
    struct timer timer; /* USER_STARTING: begin; USER_ENDING: hand back */
};

/* Room for looking into answers; NULL without memory. */
struct place_scratch *user_scratch(struct user_env *env);

/* What users have left behind, once all of them are freed. */
void user_env_fini(struct user_env *env);

/* NULL without memory. */
struct user *user_new(struct user_env *env, uint64_t index);

/* Cancels what is under way. Not inside a callback of the user's own transport.
 */
void user_free(struct user *user);

/* Play this session, due to start at start_us. -1 without memory. Only when USER_IDLE. */
int user_play(struct user *user, const struct plan_session *session, uint64_t start_us);

/* End the session now with this result; what is under way is dropped. */
void user_end(struct user *user, enum session_result result, const char *detail);

/* For task*.c and channel.c. */
void user_begin_steps(struct user *user);
void user_step_done(struct user *user, const struct plan_step *step);
void user_look_for_end(struct user *user);
const char *user_state_name(enum user_state state);

static inline bool user_is_done(const struct user *user, const struct plan_step *step)
{
    return user->done[step->end_position / 8] >> step->end_position % 8 & 1;
}

static inline uint64_t user_now_us(const struct user *user)
{
    return user->env->loop->now_us;
}

#endif
