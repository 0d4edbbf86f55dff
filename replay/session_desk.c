/* session_desk.c - takes sessions from the plan for users, and tells those who wait. */
#include "replay/session_desk.h"

#include <stdlib.h>

/* A user of the closed model that starts later than this asks for its session then: one that waits
 * for an hour should not hold memory for as long. */
enum { ASK_AHEAD_US = 2000000 };

struct desk_wait {
    struct session_desk *desk;
    struct user *user;
    uint32_t session;
    uint64_t start_us;
    bool has_asked;
    struct timer timer; /* until it asks */
    struct plan_wish wish;
    struct desk_wait *next, *previous;
};

static const struct error no_memory = {.exit_code = EXIT_TOOL, .text = "no memory for a session"};

static void on_ready(struct loop_watch *watch, void *owner, int events);
static void on_timer(struct timer *timer, void *owner, uint64_t now_us);

int session_desk_init(struct session_desk *desk, const struct plan *plan, struct loop *loop,
                      struct error *err)
{
    desk->plan = plan;
    desk->loop = loop;
    loop_watch_init(&desk->watch, on_ready, desk);
    if (plan_client_init(&desk->client, plan, err))
        return -1;
    if (plan->stream && loop_watch_set(loop, &desk->watch, desk->client.event_fd, LOOP_READ))
        return error_set(err, EXIT_TOOL, "the plan's loader cannot be waited for");
    return 0;
}

static void free_wait(struct desk_wait *wait)
{
    struct session_desk *desk = wait->desk;
    if (wait->previous)
        wait->previous->next = wait->next;
    else
        desk->waits = wait->next;
    if (wait->next)
        wait->next->previous = wait->previous;
    wait->user->wait = NULL;
    timers_cancel(&desk->loop->timers, &wait->timer);
    free(wait);
}

static void cancel(struct desk_wait *wait)
{
    if (wait->has_asked)
        plan_cancel(wait->desk->plan, &wait->wish);
    free_wait(wait);
}

void session_desk_clear(struct session_desk *desk)
{
    while (desk->waits)
        cancel(desk->waits);
}

void session_desk_fini(struct session_desk *desk)
{
    if (!desk->plan)
        return;
    session_desk_clear(desk);
    loop_watch_clear(desk->loop, &desk->watch);
    plan_client_fini(&desk->client, desk->plan);
}

static uint32_t next_draw(const struct session_desk *desk, const struct user *user)
{
    return arrivals_draw(desk->plan, desk->seed, user->index, user->plays);
}

static int begin(struct session_desk *desk, struct user *user, const struct plan_session *session,
                 uint64_t start_us)
{
    if (user_play(user, session, start_us)) {
        user->session = NULL;
        plan_give_back(desk->plan, session);
        return -1;
    }
    if (desk->draws)
        plan_expect(desk->plan, next_draw(desk, user));
    return 0;
}

/* Of a planned play; the wait ends here when the session is here. */
static int ask(struct desk_wait *wait)
{
    struct session_desk *desk = wait->desk;
    const struct plan_session *session =
        plan_take(desk->plan, &desk->client, wait->session, wait, &wait->wish);
    if (!session) {
        wait->has_asked = wait->wish.client != NULL;
        return wait->has_asked ? 0 : -1;
    }
    int result = begin(desk, wait->user, session, wait->start_us);
    free_wait(wait);
    return result;
}

static struct desk_wait *add_wait(struct session_desk *desk, struct user *user, uint32_t session,
                                  uint64_t start_us)
{
    struct desk_wait *wait = calloc(1, sizeof *wait);
    if (!wait)
        return NULL;
    wait->desk = desk;
    wait->user = user;
    wait->session = session;
    wait->start_us = start_us;
    timer_init(&wait->timer, on_timer, wait);
    wait->next = desk->waits;
    if (wait->next)
        wait->next->previous = wait;
    desk->waits = user->wait = wait;
    return wait;
}

int session_desk_play(struct session_desk *desk, struct user *user, uint32_t session,
                      uint64_t start_us)
{
    if (!desk->plan->stream)
        return user_play(user, &desk->plan->sessions[session], start_us);
    struct desk_wait *wait = add_wait(desk, user, session, start_us);
    return wait ? ask(wait) : -1;
}

int session_desk_play_next(struct session_desk *desk, struct user *user, uint64_t start_us)
{
    uint32_t session = next_draw(desk, user);
    if (!desk->plan->stream)
        return user_play(user, &desk->plan->sessions[session], start_us);
    bool is_planned = user->plays > 0; /* when the one before it began */
    bool is_far = start_us > desk->loop->now_us + ASK_AHEAD_US;
    struct desk_wait *wait = add_wait(desk, user, session, start_us);
    if (!wait)
        return -1;
    if (is_far) {
        if (is_planned)
            plan_forget(desk->plan, session);
        timers_set(&desk->loop->timers, &wait->timer, start_us - ASK_AHEAD_US);
        return 0;
    }
    if (!is_planned)
        plan_expect(desk->plan, session);
    return ask(wait);
}

static void on_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct desk_wait *wait = owner;
    struct session_desk *desk = wait->desk;
    (void)timer;
    (void)now_us;
    plan_expect(desk->plan, wait->session);
    if (ask(wait))
        desk->failed(desk->owner, &no_memory);
}

static void on_ready(struct loop_watch *watch, void *owner, int events)
{
    struct session_desk *desk = owner;
    struct plan_wish *wish;
    struct error error;
    (void)watch;
    (void)events;
    while ((wish = plan_client_next(&desk->client, desk->plan))) {
        struct desk_wait *wait = wish->owner;
        const struct plan_session *session = wish->granted;
        struct user *user = wait->user;
        uint64_t start_us = wait->start_us;
        free_wait(wait);
        if (begin(desk, user, session, start_us)) {
            desk->failed(desk->owner, &no_memory);
            return;
        }
    }
    if (plan_stream_has_failed(desk->plan, &error))
        desk->failed(desk->owner, &error);
}

void session_desk_give_back(struct session_desk *desk, struct user *user)
{
    if (user->session)
        plan_give_back(desk->plan, user->session);
    user->session = NULL;
}

const struct plan_session *session_desk_leave(struct session_desk *desk, struct user *user)
{
    if (!desk->plan->stream)
        return NULL;
    if (user->wait)
        cancel(user->wait);
    else if (desk->draws && user->plays)
        plan_forget(desk->plan, next_draw(desk, user));
    return user->session;
}
