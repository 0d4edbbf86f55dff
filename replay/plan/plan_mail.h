/*
 * plan_mail.h - how a wish for a session goes to the loader and comes back, without a lock.
 *
 * A ticket is made by a client and ends with it: whatever the loader does with it, it comes back
 * into the client's mailbox, and only a client that is gone leaves it to the loader to free. So
 * the loader, which may stand still for long, takes no part in the memory of threads that play.
 *
 *                    granted (loader)
 *     TICKET_WAITS --------------------> TICKET_GRANTED: a use of the session goes with it
 *          |
 *          +-- cancelled (client) -----> TICKET_CANCELLED
 */
#ifndef REPRISE_REPLAY_PLAN_PLAN_MAIL_H
#define REPRISE_REPLAY_PLAN_PLAN_MAIL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct plan_session;
struct plan_wish;

enum ticket_state { TICKET_WAITS, TICKET_GRANTED, TICKET_CANCELLED };

struct plan_ticket {
    _Atomic enum ticket_state state;
    uint32_t session; /* index into plan.index */
    uint64_t asked_us;
    struct plan_wish *wish; /* the client's; NULL: nobody waits any more */
    struct plan_mailbox *mailbox;
    const struct plan_session *granted;
    struct plan_ticket *next;
};

/* The last one put is the first. */
typedef _Atomic(struct plan_ticket *) plan_ticket_stack;

struct plan_mailbox {
    plan_ticket_stack tickets;
    struct plan_ticket closed; /* the first one, once the client is gone */
    int event_fd;              /* readable when there are some that were granted */
    _Atomic uint32_t holders;
    struct plan_mailbox *next; /* of the stream's list */
};

void plan_ticket_push(plan_ticket_stack *stack, struct plan_ticket *ticket);
/* All of them, the oldest first. */
struct plan_ticket *plan_ticket_take_all(plan_ticket_stack *stack);

/* NULL with errno. Its client is its first holder, each ticket is one. */
struct plan_mailbox *plan_mailbox_new(void);
void plan_mailbox_hold(struct plan_mailbox *mailbox);
/* The last one frees it. */
void plan_mailbox_release(struct plan_mailbox *mailbox);

/* The loader's: readable from now on. */
void plan_mailbox_tell(struct plan_mailbox *mailbox);
/* The ticket is the client's again; false: the client is gone, it is still the loader's. */
bool plan_mailbox_put(struct plan_mailbox *mailbox, struct plan_ticket *ticket);

/* The client's: what came since it looked last, the oldest first; not readable any more. */
struct plan_ticket *plan_mailbox_empty(struct plan_mailbox *mailbox);
/* The same for the last time. */
struct plan_ticket *plan_mailbox_close(struct plan_mailbox *mailbox);

/* And what it holds of its mailbox. */
void plan_ticket_free(struct plan_ticket *ticket);

#endif
