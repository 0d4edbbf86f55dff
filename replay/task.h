/*
 * task.h - one request on its way: a step of the recording, or one that a plugin added.
 *
 *            +----------------------- RETRY --------------------------+
 *            v                                                        |
 *  PAUSED -> ask -- CONTINUE --> QUEUED -> SENT --> judge -- CONTINUE -+-> finish
 *            ^ |                                                      |
 *            | +-- HOLD --> PAUSED -> ADDING / HELD --+   SKIP -------+
 *            +---------------------------------------+
 *
 * PAUSED waits for a moment (the step is due, or a plugin asked for a delay), ADDING for requests
 * that a plugin added, one after another, HELD for another request of the same plugin, WAITING for
 * the answer, or the WebSocket's message, that gives it a value. A WebSocket's upgrade and the
 * client's messages are runs too; channel.h sends them.
 */
#ifndef REPRISE_REPLAY_TASK_H
#define REPRISE_REPLAY_TASK_H

#include "replay/user.h"

enum task_state { TASK_PAUSED, TASK_QUEUED, TASK_SENT, TASK_ADDING, TASK_HELD, TASK_WAITING };

/* What follows a pause or the added requests. */
enum task_next { TASK_ASK, TASK_SEND, TASK_RETRY, TASK_FINISH };

struct task {
    struct task *next, *previous;             /* user->tasks; `next` alone in env->idle_tasks */
    struct task *queue_next, *queue_previous; /* env queue */
    struct user *user;
    enum task_state state;
    enum task_next then;
    const struct plan_step *step; /* NULL: added by a plugin, or one that only carries `before` */
    struct chain_added *added;    /* NULL: recorded */
    struct task *parent;          /* waits in ADDING for this one */
    struct chain_added *before;   /* to be sent before `then` */
    struct chain_added *after;    /* to be sent once answered; nobody waits */
    struct chain_ws_send *sends;  /* a message: to be sent behind it */
    bool starts_session;          /* finishing it unlocks the first steps */
    bool holds_slot;              /* counts in env->in_flight */
    bool is_awaited;              /* counts in env->silence */
    bool was_sent;                /* counted in user->steps_handled */
    bool has_values;              /* all that there are: task_prepare_values() is done */
    bool goes_without;            /* a value that is missing */
    bool has_waited;              /* long enough for a WebSocket's messages */
    bool is_asked;                /* a plugin has it in hand just now */
    bool is_filled;               /* they are in `request`: its step's cut is no longer the same */
    uint32_t asks;                /* chain_asks_about() it; 0: no plugin sees it */
    uint32_t attempt, holds, ask_from;
    uint64_t filled_with;          /* values.replaced then */
    uint64_t sent_with;            /* the same: once sent it may read the values of then */
    uint32_t held_by;              /* with holds: the plugin that holds it */
    uint32_t aimed_by;             /* 1 + the plugin that set its URL last; 0: none */
    uint32_t keeps_body;           /* of the answer, for these plugins */
    struct chain_repeats *repeats; /* of each plugin, in `arena`; NULL: none */
    uint64_t due_us, started_us;
    uint64_t limit_us; /* for its answer, by plugins; 0: none */
    struct timer timer;
    struct arena arena; /* of what plugins change */
    struct http_request own_request;
    struct http_request *request; /* own_request, or added->request */
    uint32_t data_skipped;        /* plugins that want no more of the answer while it comes */
    struct buf cookies;
    struct transport_call *call;
    struct birth_stream *births; /* takes values from its answer as it comes; NULL: nothing yet */
};

/* Free the tasks that are kept to be used again. */
void task_pool_fini(struct user_env *env);

/* Start a step at `due_us`. -1 without memory. */
int task_start_step(struct user *user, const struct plan_step *step, uint64_t due_us);

/* Send a list of added requests, one after another, on behalf of nobody. Takes the list. */
void task_send_added(struct user *user, struct chain_added *list);

/* The same from at_us on, at the start of a session: user_begin_steps() follows. -1 without memory.
 */
int task_start_after(struct user *user, struct chain_added *list, uint64_t at_us);

/* Drop it: cancel, free, no finish. A request that is under way counts as cancelled; an upgrade by
 * its channel's drop, which has to follow. */
void task_drop(struct task *task);

/* For channel.c: wait until at_us, then go on with `then`; what an upgrade came to; the end of a
 * message. */
void task_pause(struct task *task, uint64_t at_us, enum task_next then);
void task_judge(struct task *task, const struct transport_result *result);
void task_finish(struct task *task);

/* task_send.c: hand it to the transport, now or when max_in_flight allows; leave the queue for
 * that; count its step as dealt with. */
void task_send(struct task *task);
void task_leave_queue(struct task *task);
void task_count_handled(struct task *task);

/* task_request.c, of steps: the recorded request in `own_request`, as the plan has it; with the
 * values in it, for whoever looks at it (a plugin, a WebSocket's upgrade): what is changed in it
 * from then on counts as changed by a plugin; -1 without memory. */
void task_take_recorded(struct task *task);
int task_fill_request(struct task *task);
/* Where a value in it was replaced since (a token renewed while it was held), or attempts have left
 * much behind: made anew, what plugins changed stays. False: no memory, the user has ended. */
bool task_renew_request(struct task *task);

/* task_values.c, for steps with bindings, and messages. False: something else follows than sending.
 */
bool task_prepare_values(struct task *task);
/* Most requests: nothing is to be put into it, and nothing in it has changed since. */
static inline bool task_has_its_values(const struct task *task)
{
    if (task->attempt + task->holds)
        return false;
    if (!task->has_values)
        return !task->step->bindings && task->step->kind != STEP_WS_MESSAGE;
    return !task->is_filled || task->filled_with == task->user->values.replaced;
}
/* When it is to be sent, and plugins have seen it: they may have settled what needs no value.
 * False: one is missing, and it is not sent because of that. */
bool task_has_what_it_needs(struct task *task);
/* What this step's answer has given is taken back: those that have not been sent wait for it. */
void task_wait_again(struct user *user, const struct plan_step *producer);
/* Those that wait for what has been done by now are asked. */
void task_wake_waiting(struct user *user);
/* A WebSocket's message that one waits for has not come in time. */
void task_stop_waiting(struct task *task);
void task_take_message(struct user *user, const struct plan_step *connect, struct bytes payload);
/* For the request's slots, as long as it is under way: copies, where an open answer or a
 * WebSocket's message may set them again meanwhile. -1 without memory. */
int task_hold_values(struct task *task, const struct bytes **ret_values);
struct bytes task_recorded_cookies(struct task *task);

/* task_view.c: who has to see the answer while it comes, a transport's viewer whose owner is the
 * task; NULL: nobody. */
const struct transport_viewer *task_viewer(const struct task *task);
/* Where plugins look, in the place of task_judge(), which follows: what came at once is shown to
 * them. */
void task_view_done(struct task *task, const struct transport_result *result);
/* Of a step with bindings: the values, as far as they have not been taken while it came. */
void task_take_values(struct task *task, const struct transport_result *result);
/* Of an answer that is no result: what it gave while it came is forgotten. */
void task_take_back_values(struct task *task);
void task_drop_stream(struct task *task);
void task_streams_fini(struct user_env *env);

/* Shared by task.c and task_answer.c. */
struct chain_request_info task_info(const struct task *task);
void task_append_after(struct task *task, struct chain_added *list);
/* Of one plugin, or NULL without memory: what it has asked for already. */
struct chain_repeats *task_repeats(struct task *task, uint32_t plugin);
void task_release_slot(struct task *task);
void task_record(struct task *task, const struct transport_result *result,
                 enum request_judgement judgement, uint64_t now_us);
/* The recorded step's place in its session; of what a plugin added 0. */
uint32_t task_step_number(const struct task *task);

/* As the plugins see it, or as much of it as is there. */
struct chain_answer task_chain_answer(const struct task *task,
                                      const struct transport_result *result, uint64_t now_us);

/* What somebody who compares answers wants of this one. */
enum watch_wish task_watch_wish(const struct task *task);

static inline bool task_asks(const struct task *task, enum chain_callback callback)
{
    return (task->asks >> callback & 1) != 0;
}

/* Carry out FAIL and END_SESSION; true when the user has ended. */
bool task_ends_session(struct user *user, const struct chain_outcome *outcome);
void task_free_added(struct user *user, struct chain_added *list);

/* Slots of max_in_flight have become free: send what is queued. */
void task_send_queued(struct user_env *env);

const char *task_state_name(enum task_state state);

#endif
