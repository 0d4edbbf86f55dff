/*
 * answer_watch.h - whoever looks at answers beside the plugins and changes nothing: the comparison
 * with the recording.
 *
 * Called on the workers' threads, so an owner that several of them share guards itself; user_env
 * has none (NULL) when nobody looks, which costs a comparison a request.
 */
#ifndef REPRISE_REPLAY_ANSWER_WATCH_H
#define REPRISE_REPLAY_ANSWER_WATCH_H

#include "replay/plan/plan.h"
#include "replay/transport/transport.h"

struct user;

/* What is to be kept of an answer for answered(): nothing, and it is not called; headers; all. */
enum watch_wish { WATCH_NOTHING, WATCH_HEAD, WATCH_BODY };

struct answer_watch {
    void *owner;
    /* The same answer each time that it is asked of one step. */
    enum watch_wish (*wants)(void *owner, const struct user *user, const struct plan_step *step);
    /* The last word on a recorded request or upgrade: a plugin has not sent it again. The
     * result is borrowed until the call returns. */
    void (*answered)(void *owner, const struct user *user, const struct plan_step *step,
                     const struct transport_result *result);
    /* A message of the server, behind the upgrade `connect`; NULL: not wanted. */
    void (*message)(void *owner, const struct user *user, const struct plan_step *connect,
                    int opcode, struct bytes payload);
    /* What is not answered by now never is; NULL: not wanted. */
    void (*session_ended)(void *owner, const struct user *user);
};

#endif
