/* plan_stream.c - what the threads that play ask of a stream: never more than a change of a word.
 */
#include "replay/plan/plan_stream.h"

#include <errno.h>
#include <stdlib.h>

#include "replay/plan/plan_loader.h"

int plan_stream_new(struct plan_stream **ret_stream, struct plan_builder *builder,
                    struct error *err)
{
    struct plan_stream *stream = calloc(1, sizeof *stream);
    size_t count = builder->plan->session_count;
    if (stream) {
        stream->entries = calloc(count, sizeof *stream->entries);
        stream->was_loaded = calloc(count / 8 + 1, 1);
    }
    if (!stream || !stream->entries || !stream->was_loaded) {
        if (stream) {
            free(stream->entries);
            free(stream->was_loaded);
        }
        free(stream);
        plan_builder_fini(builder);
        return error_set(err, EXIT_TOOL, "no memory for the index of a plan");
    }
    stream->plan = builder->plan;
    stream->builder = *builder;
    *builder = (struct plan_builder){0};
    size_t quarter = stream->builder.options.max_bytes / 4;
    stream->ahead_limit = quarter < PLAN_AHEAD_BYTES ? quarter : PLAN_AHEAD_BYTES;
    pthread_mutex_init(&stream->mutex, NULL);
    sem_init(&stream->work, 0, 0);
    sem_init(&stream->begun, 0, 0);
    plan_turns_init(&stream->turns);
    *ret_stream = stream;
    return 0;
}

void plan_stream_free(struct plan_stream *stream)
{
    if (!stream)
        return;
    plan_stream_stop(stream->plan);
    plan_loader_clear(stream);
    free(stream->entries);
    free(stream->was_loaded);
    arrivals_fini(&stream->arrivals);
    plan_builder_fini(&stream->builder);
    plan_turns_fini(&stream->turns);
    sem_destroy(&stream->begun);
    sem_destroy(&stream->work);
    pthread_mutex_destroy(&stream->mutex);
    free(stream);
}

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) && errno == EINTR) {
    }
}

int plan_stream_start(const struct plan *plan, const struct arrivals *arrivals, uint64_t until_us,
                      struct error *err)
{
    struct plan_stream *stream = plan->stream;
    if (!stream)
        return 0;
    if (arrivals) {
        arrivals_init(&stream->arrivals, plan, arrivals->scale, arrivals->speed, arrivals->seed);
        stream->is_open = stream->has_arrivals = true;
        stream->until_us = until_us;
    }
    if (plan_turns_start(stream, err))
        return -1;
    stream->is_running = true;
    wait_for(&stream->begun);
    return 0;
}

/* --- the loader's inbox and its sleep ------------------------------------------------------ */

static bool concerns_loader(const struct plan_stream *stream, uint64_t state)
{
    if (state & STREAM_LOADED)
        return stream_is_idle(state);
    return !stream->is_open && stream_due(state) > 0;
}

static void put_into_inbox(struct plan_stream *stream, uint32_t index)
{
    struct stream_entry *entry = &stream->entries[index];
    entry->next = atomic_load(&stream->inbox);
    while (!atomic_compare_exchange_weak(&stream->inbox, &entry->next, index + 1)) {
    }
}

void stream_count(struct plan_stream *stream, uint32_t index, uint64_t before, uint64_t after)
{
    int64_t bytes = (int64_t)atomic_load(&stream->entries[index].size) * STREAM_SIZE_UNIT_BYTES;
    int ahead = stream_is_ahead(after) - stream_is_ahead(before);
    int idle = stream_is_idle(after) - stream_is_idle(before);
    if (ahead)
        atomic_fetch_add(&stream->ahead_bytes, ahead * bytes);
    if (idle)
        atomic_fetch_add(&stream->idle_bytes, idle * bytes);
}

uint64_t stream_change(struct plan_stream *stream, uint32_t index, uint64_t if_loaded,
                       uint64_t if_not)
{
    struct stream_entry *entry = &stream->entries[index];
    uint64_t before = atomic_load(&entry->state), after;
    do {
        after = before + (before & STREAM_LOADED ? if_loaded : if_not);
        if (concerns_loader(stream, after))
            after |= STREAM_QUEUED;
    } while (!atomic_compare_exchange_weak(&entry->state, &before, after));
    stream_count(stream, index, before, after);
    if (after & ~before & STREAM_QUEUED)
        put_into_inbox(stream, index);
    return after;
}

bool stream_has_room(struct plan_stream *stream)
{
    return atomic_load(&stream->ahead_bytes) < (int64_t)stream->ahead_limit / 2;
}

/* Only when it has something to do, and not for every session that is given back: waking a thread
 * costs more than all else here. What was done is in its books already: it looks at them between
 * saying that it sleeps and sleeping. */
static void wake_loader(struct plan_stream *stream, unsigned why)
{
    unsigned asleep_for = atomic_load(&stream->asleep_for);
    if (!asleep_for)
        return;
    if ((asleep_for & WAKE_ROOM) && stream_has_room(stream))
        why |= WAKE_ROOM;
    if ((asleep_for & WAKE_TIDY) &&
        atomic_load(&stream->idle_bytes) > (int64_t)stream->ahead_limit / 4)
        why |= WAKE_TIDY;
    if ((asleep_for & why) && atomic_exchange(&stream->asleep_for, 0)) {
        stream->woken_us = stream->turns.clock_us();
        sem_post(&stream->work);
    }
}

/* What a session's new word may be to a loader that sleeps. */
static unsigned reason_of(uint64_t state)
{
    if (stream_is_idle(state))
        return WAKE_IDLE;
    return !(state & STREAM_LOADED) && stream_due(state) > 0 ? WAKE_EXPECTED : 0;
}

void plan_stream_stop(const struct plan *plan)
{
    struct plan_stream *stream = plan->stream;
    if (!stream || !stream->is_running)
        return;
    atomic_store(&stream->is_stopping, true);
    if (atomic_exchange(&stream->asleep_for, 0))
        sem_post(&stream->work);
    plan_turns_join(stream);
    stream->is_running = false;
}

/* --- clients -------------------------------------------------------------------------------- */

int plan_client_init(struct plan_client *client, const struct plan *plan, struct error *err)
{
    struct plan_stream *stream = plan->stream;
    *client = (struct plan_client){.event_fd = -1};
    if (!stream)
        return 0;
    client->mailbox = plan_mailbox_new();
    if (!client->mailbox)
        return error_set(err, EXIT_TOOL, "no descriptor for the plan's loader: %s",
                         strerror(errno));
    client->event_fd = client->mailbox->event_fd;
    pthread_mutex_lock(&stream->mutex);
    client->mailbox->next = stream->mailboxes;
    stream->mailboxes = client->mailbox;
    pthread_mutex_unlock(&stream->mutex);
    return 0;
}

static void give_back(struct plan_stream *stream, uint32_t index)
{
    wake_loader(stream, reason_of(stream_add(stream, index, (uint64_t)0 - STREAM_USE)));
}

/* Nobody waits for it any more. */
static void end_ticket(struct plan_stream *stream, struct plan_ticket *ticket)
{
    if (atomic_load(&ticket->state) == TICKET_GRANTED)
        give_back(stream, ticket->session);
    plan_ticket_free(ticket);
}

static void end_tickets(struct plan_stream *stream, struct plan_ticket *ticket)
{
    struct plan_ticket *next;
    for (; ticket; ticket = next) {
        next = ticket->next;
        end_ticket(stream, ticket);
    }
}

void plan_client_fini(struct plan_client *client, const struct plan *plan)
{
    struct plan_stream *stream = plan->stream;
    if (!client->mailbox || !stream)
        return;
    pthread_mutex_lock(&stream->mutex);
    struct plan_mailbox **at = &stream->mailboxes;
    while (*at && *at != client->mailbox)
        at = &(*at)->next;
    if (*at)
        *at = client->mailbox->next;
    pthread_mutex_unlock(&stream->mutex);
    end_tickets(stream, client->first);
    end_tickets(stream, plan_mailbox_close(client->mailbox));
    plan_mailbox_release(client->mailbox);
    *client = (struct plan_client){.event_fd = -1};
}

struct plan_wish *plan_client_next(struct plan_client *client, const struct plan *plan)
{
    for (;;) {
        if (!client->first)
            client->first = plan_mailbox_empty(client->mailbox);
        struct plan_ticket *ticket = client->first;
        if (!ticket)
            return NULL;
        client->first = ticket->next;
        struct plan_wish *wish = ticket->wish;
        if (!wish) {
            end_ticket(plan->stream, ticket);
            continue;
        }
        wish->granted = ticket->granted;
        wish->ticket = NULL;
        plan_ticket_free(ticket);
        return wish;
    }
}

bool plan_stream_has_failed(const struct plan *plan, struct error *ret_error)
{
    struct plan_stream *stream = plan->stream;
    if (!stream || !atomic_load(&stream->has_failed))
        return false;
    pthread_mutex_lock(&stream->mutex);
    *ret_error = stream->error;
    pthread_mutex_unlock(&stream->mutex);
    return true;
}

/* --- plays ---------------------------------------------------------------------------------- */

void plan_expect(const struct plan *plan, uint32_t index)
{
    struct plan_stream *stream = plan->stream;
    if (stream)
        wake_loader(stream, reason_of(stream_add(stream, index, STREAM_DUE)));
}

void plan_forget(const struct plan *plan, uint32_t index)
{
    struct plan_stream *stream = plan->stream;
    if (stream)
        wake_loader(stream, reason_of(stream_add(stream, index, (uint64_t)0 - STREAM_DUE)));
}

static void wish_for(struct plan_stream *stream, struct plan_client *client, struct plan_wish *wish)
{
    struct plan_ticket *ticket = malloc(sizeof *ticket);
    if (!ticket)
        return;
    *ticket = (struct plan_ticket){.session = wish->session,
                                   .asked_us = stream->turns.clock_us(),
                                   .wish = wish,
                                   .mailbox = client->mailbox};
    plan_mailbox_hold(client->mailbox);
    wish->client = client;
    wish->ticket = ticket;
    atomic_fetch_add(&stream->waited_for, 1);
    plan_ticket_push(&stream->wishes, ticket);
    wake_loader(stream, WAKE_WISH);
}

const struct plan_session *plan_take(const struct plan *plan, struct plan_client *client,
                                     uint32_t index, void *owner, struct plan_wish *wish)
{
    struct plan_stream *stream = plan->stream;
    if (!stream)
        return &plan->sessions[index];
    *wish = (struct plan_wish){.session = index, .owner = owner};
    const uint64_t not_due = (uint64_t)0 - STREAM_DUE;
    uint64_t state = stream_change(stream, index, STREAM_USE + not_due, not_due);
    if (state & STREAM_LOADED) {
        wake_loader(stream, 0);
        return &stream->entries[index].session->session;
    }
    wish_for(stream, client, wish);
    return NULL;
}

void plan_cancel(const struct plan *plan, struct plan_wish *wish)
{
    struct plan_ticket *ticket = wish->ticket;
    if (!ticket) {
        if (wish->granted) /* it was told */
            give_back(plan->stream, wish->session);
        return;
    }
    /* It ends where it comes back, granted or not. */
    enum ticket_state waits = TICKET_WAITS;
    atomic_compare_exchange_strong(&ticket->state, &waits, TICKET_CANCELLED);
    ticket->wish = NULL;
    wish->ticket = NULL;
}

void plan_give_back(const struct plan *plan, const struct plan_session *taken)
{
    /* What users play is the first member of its books. */
    if (plan->stream)
        give_back(plan->stream, ((const struct stream_session *)(const void *)taken)->index);
}

uint64_t plan_stream_unplayable(struct plan_stream *stream)
{
    pthread_mutex_lock(&stream->mutex);
    uint64_t unplayable = stream->unplayable;
    pthread_mutex_unlock(&stream->mutex);
    return unplayable;
}

struct plan_binding_losses plan_stream_binding_losses(struct plan_stream *stream)
{
    pthread_mutex_lock(&stream->mutex);
    struct plan_binding_losses losses = stream->binding_losses;
    pthread_mutex_unlock(&stream->mutex);
    return losses;
}

void plan_stream_stats(const struct plan *plan, struct plan_stream_stats *ret_stats)
{
    struct plan_stream *stream = plan->stream;
    *ret_stats = (struct plan_stream_stats){0};
    if (!stream)
        return;
    ret_stats->loaded = atomic_load(&stream->loaded);
    ret_stats->waited_for = atomic_load(&stream->waited_for);
    ret_stats->used_bytes = atomic_load(&stream->used_bytes);
    ret_stats->most_bytes = atomic_load(&stream->most_bytes);
}
