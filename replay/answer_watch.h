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
    /* The upgrade `connect` was answered 101, before answered() says so. What comes back is handed
     * to the two below; NULL: they are not called. Its messages, of the server; and that it is
     * over, whole or broken off with its user, after which nothing more is called. `opened` may be
     * NULL. */
    void *(*opened)(void *owner, const struct user *user, const struct plan_step *connect,
                    const struct transport_result *result);
    void (*message)(void *socket, const struct plan_step *connect, int opcode,
                    struct bytes payload);
    void (*closed)(void *owner, void *socket, bool is_whole);
    /* What is not answered by now never is; NULL: not wanted. */
    void (*session_ended)(void *owner, const struct user *user);
};

/* For a WebSocket that nobody looks at (`watch` may be NULL, too) both are a comparison. */
static inline void *watch_opened(const struct answer_watch *watch, const struct user *user,
                                 const struct plan_step *connect,
                                 const struct transport_result *result)
{
    return watch && watch->opened ? watch->opened(watch->owner, user, connect, result) : NULL;
}

static inline void watch_closed(const struct answer_watch *watch, void *socket, bool is_whole)
{
    if (socket)
        watch->closed(watch->owner, socket, is_whole);
}

#endif
