/* plan_mail.c - stacks of tickets that one side fills and the other takes as a whole. */
#include "replay/plan/plan_mail.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

void plan_ticket_push(plan_ticket_stack *stack, struct plan_ticket *ticket)
{
    ticket->next = atomic_load(stack);
    while (!atomic_compare_exchange_weak(stack, &ticket->next, ticket)) {
    }
}

static struct plan_ticket *oldest_first(struct plan_ticket *newest)
{
    struct plan_ticket *oldest = NULL, *next;
    for (; newest; newest = next) {
        next = newest->next;
        newest->next = oldest;
        oldest = newest;
    }
    return oldest;
}

struct plan_ticket *plan_ticket_take_all(plan_ticket_stack *stack)
{
    return oldest_first(atomic_exchange(stack, NULL));
}

struct plan_mailbox *plan_mailbox_new(void)
{
    struct plan_mailbox *mailbox = calloc(1, sizeof *mailbox);
    if (!mailbox)
        return NULL;
    atomic_init(&mailbox->holders, 1);
    mailbox->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (mailbox->event_fd < 0) {
        free(mailbox);
        return NULL;
    }
    return mailbox;
}

void plan_mailbox_hold(struct plan_mailbox *mailbox)
{
    atomic_fetch_add(&mailbox->holders, 1);
}

void plan_mailbox_release(struct plan_mailbox *mailbox)
{
    if (atomic_fetch_sub(&mailbox->holders, 1) != 1)
        return;
    close(mailbox->event_fd);
    free(mailbox);
}

void plan_mailbox_tell(struct plan_mailbox *mailbox)
{
    eventfd_write(mailbox->event_fd, 1); /* fails only when it is readable anyway */
}

bool plan_mailbox_put(struct plan_mailbox *mailbox, struct plan_ticket *ticket)
{
    /* Its client may end the ticket, and itself, as soon as it is there. */
    bool is_granted = atomic_load(&ticket->state) == TICKET_GRANTED;
    struct plan_ticket *first = atomic_load(&mailbox->tickets);
    do {
        if (first == &mailbox->closed)
            return false;
        ticket->next = first;
    } while (!atomic_compare_exchange_weak(&mailbox->tickets, &first, ticket));
    if (is_granted)
        plan_mailbox_tell(mailbox);
    return true;
}

struct plan_ticket *plan_mailbox_empty(struct plan_mailbox *mailbox)
{
    eventfd_t count;
    /* In this order: what comes in between is taken, and told once too often. */
    (void)!eventfd_read(mailbox->event_fd, &count); /* not readable: told already */
    return plan_ticket_take_all(&mailbox->tickets);
}

struct plan_ticket *plan_mailbox_close(struct plan_mailbox *mailbox)
{
    return oldest_first(atomic_exchange(&mailbox->tickets, &mailbox->closed));
}

void plan_ticket_free(struct plan_ticket *ticket)
{
    plan_mailbox_release(ticket->mailbox);
    free(ticket);
}
