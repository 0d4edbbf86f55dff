/* plan_loader.c - the thread that reads sessions ahead of their users and frees them behind. */
#include "replay/plan/plan_loader.h"

#include <errno.h>
#include <stdlib.h>

/* Loaded before the first user starts. */
enum { FIRST_SESSIONS = 32 };

static void unlink_session(struct stream_session *session)
{
    struct session_list *list = session->list;
    if (!list)
        return;
    if (session->previous)
        session->previous->next = session->next;
    else
        list->first = session->next;
    if (session->next)
        session->next->previous = session->previous;
    else
        list->last = session->previous;
    session->list = NULL;
}

static void append_session(struct session_list *list, struct stream_session *session)
{
    session->list = list;
    session->next = NULL;
    session->previous = list->last;
    if (list->last)
        list->last->next = session;
    else
        list->first = session;
    list->last = session;
}

/* To the end of that list. */
static void move_session(struct session_list *list, struct stream_session *session)
{
    unlink_session(session);
    append_session(list, session);
}

static uint64_t state_of(struct plan_stream *stream, uint32_t index)
{
    return atomic_load(&stream->entries[index].state);
}

static void fail(struct plan_stream *stream, const struct error *error)
{
    pthread_mutex_lock(&stream->mutex);
    stream->error = *error;
    atomic_store(&stream->has_failed, true);
    for (struct plan_mailbox *mailbox = stream->mailboxes; mailbox; mailbox = mailbox->next)
        plan_mailbox_tell(mailbox);
    pthread_mutex_unlock(&stream->mutex);
}

static bool is_over(struct plan_stream *stream)
{
    return atomic_load(&stream->is_stopping) || atomic_load(&stream->has_failed);
}

/* The session's books, made when there are none; NULL without memory. */
static struct stream_session *get_session(struct plan_stream *stream, uint32_t index)
{
    struct stream_session *session = stream->entries[index].session;
    if (session)
        return session;
    session = calloc(1, sizeof *session);
    if (!session) {
        struct error err;
        error_set(&err, EXIT_TOOL, "no memory for a session");
        fail(stream, &err);
        return NULL;
    }
    session->index = index;
    stream->entries[index].session = session;
    return session;
}

static void drop_session(struct plan_stream *stream, struct stream_session *session)
{
    unlink_session(session);
    stream->entries[session->index].session = NULL;
    free(session);
}

static size_t max_bytes(const struct plan_stream *stream)
{
    return stream->builder.options.max_bytes;
}

static void count_used(struct plan_stream *stream, size_t more, size_t less)
{
    size_t used = atomic_load(&stream->used_bytes) + more - less;
    if (used > atomic_load(&stream->most_bytes))
        atomic_store(&stream->most_bytes, used);
    atomic_store(&stream->used_bytes, used);
}

/* --- wishes --------------------------------------------------------------------------------- */

/* False: its client is gone, or does not want it any more. */
static bool grant(struct plan_stream *stream, struct plan_ticket *ticket,
                  const struct stream_session *session)
{
    enum ticket_state waits = TICKET_WAITS;
    struct plan_mailbox *mailbox = ticket->mailbox;
    ticket->granted = &session->session;
    stream_add(stream, session->index, STREAM_USE);
    bool is_granted = atomic_compare_exchange_strong(&ticket->state, &waits, TICKET_GRANTED);
    plan_mailbox_hold(mailbox); /* the client may end it as soon as its ticket is there */
    bool is_back = plan_mailbox_put(mailbox, ticket);
    plan_mailbox_release(mailbox);
    if (!is_back)
        plan_ticket_free(ticket);
    if (!is_granted || !is_back)
        stream_add(stream, session->index, (uint64_t)0 - STREAM_USE);
    return is_granted && is_back;
}

/* Back to their clients those that were cancelled; the others stay. */
static void return_cancelled(struct stream_session *session)
{
    struct plan_ticket **at = &session->tickets, *ticket;
    session->last_ticket = NULL;
    while ((ticket = *at)) {
        if (atomic_load(&ticket->state) == TICKET_WAITS) {
            session->last_ticket = ticket;
            at = &ticket->next;
            continue;
        }
        *at = ticket->next;
        struct plan_mailbox *mailbox = ticket->mailbox;
        if (!plan_mailbox_put(mailbox, ticket))
            plan_ticket_free(ticket);
    }
}

static void note_wish(struct plan_stream *stream, struct plan_ticket *ticket)
{
    struct stream_session *session = get_session(stream, ticket->session);
    if (!session) {
        plan_ticket_push(&stream->wishes, ticket); /* ends with the stream */
        return;
    }
    if (state_of(stream, ticket->session) & STREAM_LOADED) {
        grant(stream, ticket, session);
        return;
    }
    ticket->next = NULL;
    if (session->last_ticket)
        session->last_ticket->next = ticket;
    else
        session->tickets = ticket;
    session->last_ticket = ticket;
    if (session->list != &stream->wanted)
        move_session(&stream->wanted, session);
}

/* --- what was changed ----------------------------------------------------------------------- */

static void note_change(struct plan_stream *stream, uint32_t index)
{
    /* What changes from here on puts it into the inbox again. */
    uint64_t state = atomic_fetch_and(&stream->entries[index].state, ~STREAM_QUEUED);
    if (stream_is_idle(state)) {
        move_session(&stream->idle, stream->entries[index].session);
    } else if (!(state & STREAM_LOADED) && !stream->is_open && stream_due(state) > 0) {
        struct stream_session *session = get_session(stream, index);
        if (session && !session->list)
            append_session(&stream->ahead, session);
    }
}

static void look_at_inbox(struct plan_stream *stream)
{
    struct plan_ticket *next;
    for (struct plan_ticket *wish = plan_ticket_take_all(&stream->wishes); wish; wish = next) {
        next = wish->next;
        note_wish(stream, wish);
    }
    uint32_t newest = atomic_exchange(&stream->inbox, 0), oldest = 0;
    while (newest) {
        struct stream_entry *entry = &stream->entries[newest - 1];
        uint32_t older = entry->next;
        entry->next = oldest;
        oldest = newest;
        newest = older;
    }
    while (oldest) {
        uint32_t index = oldest - 1;
        oldest = stream->entries[index].next; /* somebody else's, once it is noted */
        note_change(stream, index);
    }
}

/* Unless somebody has taken or expects it since it was put there. */
static void free_oldest_idle(struct plan_stream *stream)
{
    struct stream_session *session = stream->idle.first;
    struct stream_entry *entry = &stream->entries[session->index];
    uint64_t before = atomic_load(&entry->state);
    do {
        if (!stream_is_idle(before)) {
            unlink_session(session);
            return;
        }
    } while (!atomic_compare_exchange_weak(&entry->state, &before, before & ~STREAM_LOADED));
    stream_count(stream, session->index, before, before & ~STREAM_LOADED);
    struct plan_bodies *bodies = stream->builder.bodies;
    size_t bodies_before = bodies->used_bytes;
    for (size_t i = 0; i < session->body_count; i++)
        plan_bodies_drop(bodies, session->bodies[i]);
    count_used(stream, 0, bodies_before - bodies->used_bytes + session->bytes);
    arena_fini(&session->arena);
    drop_session(stream, session);
}

/* In the open model nobody comes back to a session whose copies have all been played. */
static void free_idle(struct plan_stream *stream)
{
    while (stream->idle.first &&
           (stream->is_open || atomic_load(&stream->used_bytes) >= max_bytes(stream)))
        free_oldest_idle(stream);
}

/* --- what is loaded ------------------------------------------------------------------------- */

/* The next arrival's session; false: there is none. */
static bool draw_arrival(struct plan_stream *stream, uint32_t *ret_index)
{
    struct arrival arrival;
    int more = arrivals_next(&stream->arrivals, &arrival);
    if (more < 0) {
        struct error err;
        error_set(&err, EXIT_TOOL, "no memory for arrivals");
        fail(stream, &err);
    }
    if (more <= 0 || (stream->until_us && arrival.at_us >= stream->until_us)) {
        stream->has_arrivals = false;
        return false;
    }
    stream_add(stream, arrival.session, STREAM_DUE);
    *ret_index = arrival.session;
    return true;
}

/* The next planned session; false: there is none. */
static bool next_planned(struct plan_stream *stream, uint32_t *ret_index)
{
    if (stream->is_open)
        return stream->has_arrivals && draw_arrival(stream, ret_index);
    if (!stream->ahead.first)
        return false;
    *ret_index = stream->ahead.first->index;
    unlink_session(stream->ahead.first);
    return true;
}

/* Nobody asks for it any more: its books go, unless it is loaded. */
static void let_go(struct plan_stream *stream, uint32_t index)
{
    struct stream_session *session = stream->entries[index].session;
    if (session && !session->list && !(state_of(stream, index) & STREAM_LOADED))
        drop_session(stream, session);
}

/* What is to be loaded next; NULL: nothing for now. */
static struct stream_session *choose(struct plan_stream *stream)
{
    uint32_t index;
    stream->is_short = atomic_load(&stream->used_bytes) >= max_bytes(stream);
    if (stream->is_short)
        return NULL;
    while (stream->wanted.first) {
        struct stream_session *session = stream->wanted.first;
        unlink_session(session);
        return_cancelled(session);
        /* One that others expect is in the inbox as well, or was drawn. */
        if (session->tickets || stream_due(state_of(stream, session->index)) > 0)
            return session;
        drop_session(stream, session);
    }
    while (!is_over(stream) && atomic_load(&stream->ahead_bytes) < (int64_t)stream->ahead_limit &&
           next_planned(stream, &index)) {
        uint64_t state = state_of(stream, index);
        if (!(state & STREAM_LOADED) && stream_due(state) > 0)
            return get_session(stream, index);
        let_go(stream, index); /* it is here, or was taken and cancelled before we came to it */
    }
    return NULL;
}

/* What cannot be played is counted once for each session, however often it is loaded. */
static int load_counted_once(struct plan_stream *stream, struct stream_session *session,
                             struct error *err)
{
    struct plan_builder *builder = &stream->builder;
    unsigned char *counted = &stream->was_loaded[session->index / 8];
    unsigned char bit = (unsigned char)(1u << session->index % 8);
    uint64_t unplayable = builder->unplayable;
    struct plan_binding_losses losses = builder->binding_losses;
    int64_t session_id = stream->plan->index[session->index].session_id;
    int result = plan_load_session(builder, session_id, &session->session, err);
    if (*counted & bit) {
        builder->unplayable = unplayable;
        builder->binding_losses = losses;
    }
    *counted |= bit;
    return result;
}

/* Its memory, bodies that it brought along included, into *ret_bytes. */
static int load(struct plan_stream *stream, struct stream_session *session, size_t *ret_bytes,
                struct error *err)
{
    struct plan_builder *builder = &stream->builder;
    const struct plan_entry *entry = &stream->plan->index[session->index];
    size_t bodies_before = builder->bodies->used_bytes;
    arena_init(&session->arena, max_bytes(stream));
    builder->arena = &session->arena;
    builder->bodies_base = bodies_before;
    if (load_counted_once(stream, session, err)) {
        err->exit_code = EXIT_TOOL; /* not any more: "nothing was sent" */
        return error_prefix(err, "session %lld", (long long)entry->session_id);
    }
    session->session.start_us = entry->start_us;
    for (uint32_t i = 0; i < session->session.step_count; i++)
        session->session.steps[i].number = stream->next_number++;
    /* The list is small beside what it lists; the maximum is not for it. */
    session->arena.max_bytes = SIZE_MAX;
    session->bodies =
        arena_alloc(&session->arena, (builder->taken_count + 1) * sizeof *session->bodies);
    if (!session->bodies)
        return error_set(err, EXIT_TOOL, "no memory for a session");
    if (builder->taken_count)
        memcpy(session->bodies, builder->taken, builder->taken_count * sizeof *session->bodies);
    session->body_count = builder->taken_count;
    session->bytes = sizeof *session + session->arena.used_bytes;
    *ret_bytes = session->bytes + builder->bodies->used_bytes - bodies_before;
    return 0;
}

/* What is told at the end: changed rarely. */
static void tell_losses(struct plan_stream *stream)
{
    const struct plan_builder *builder = &stream->builder;
    if (stream->unplayable == builder->unplayable &&
        stream->binding_losses.count == builder->binding_losses.count)
        return;
    pthread_mutex_lock(&stream->mutex);
    stream->unplayable = builder->unplayable;
    stream->binding_losses = builder->binding_losses;
    pthread_mutex_unlock(&stream->mutex);
}

static void load_session(struct plan_stream *stream, struct stream_session *session)
{
    struct error err = {0};
    size_t bytes = 0;
    struct stream_entry *entry = &stream->entries[session->index];
    if (load(stream, session, &bytes, &err)) {
        arena_fini(&session->arena);
        fail(stream, &err);
        return;
    }
    tell_losses(stream);
    atomic_fetch_add(&stream->loaded, 1);
    count_used(stream, bytes, 0);
    size_t size = session->bytes / STREAM_SIZE_UNIT_BYTES + 1;
    atomic_store(&entry->size, size < UINT32_MAX ? (uint32_t)size : UINT32_MAX);
    /* With a use of our own until those who wish for it have theirs. */
    stream_add(stream, session->index, STREAM_LOADED + STREAM_USE);
    struct plan_ticket *next;
    for (struct plan_ticket *ticket = session->tickets; ticket; ticket = next) {
        next = ticket->next;
        grant(stream, ticket, session);
    }
    session->tickets = session->last_ticket = NULL;
    stream_add(stream, session->index, (uint64_t)0 - STREAM_USE);
}

static void sleep_until_wanted(struct plan_stream *stream)
{
    unsigned why = WAKE_WISH;
    bool has_more = stream->is_open ? stream->has_arrivals : stream->ahead.first != NULL;
    if (stream->is_short)
        why = WAKE_IDLE;
    else
        why |= has_more ? WAKE_ROOM : WAKE_EXPECTED;
    if (stream->is_open)
        why |= WAKE_TIDY;
    atomic_store(&stream->asleep_for, why);
    /* What was done before that has woken nobody. */
    bool is_wanted = atomic_load(&stream->inbox) || atomic_load(&stream->wishes) ||
                     is_over(stream) || ((why & WAKE_ROOM) && stream_has_room(stream));
    if (is_wanted && atomic_exchange(&stream->asleep_for, 0))
        return;
    while (sem_wait(&stream->work) && errno == EINTR) {
    }
    plan_turns_awake(stream);
}

static bool load_next(struct plan_stream *stream)
{
    look_at_inbox(stream);
    free_idle(stream);
    struct stream_session *session = choose(stream);
    if (session)
        load_session(stream, session);
    return session != NULL;
}

void plan_loader_begin(struct plan_stream *stream)
{
    while (!is_over(stream) && load_next(stream) && atomic_load(&stream->loaded) < FIRST_SESSIONS) {
    }
}

void plan_loader_work(struct plan_stream *stream, bool until_it_starves)
{
    while (!is_over(stream)) {
        look_at_inbox(stream);
        if (until_it_starves && plan_turns_has_starved(stream))
            return;
        if (!load_next(stream) && !is_over(stream))
            sleep_until_wanted(stream);
    }
}

static void free_tickets(struct plan_ticket *ticket)
{
    struct plan_ticket *next;
    for (; ticket; ticket = next) {
        next = ticket->next;
        plan_ticket_free(ticket);
    }
}

void plan_loader_clear(struct plan_stream *stream)
{
    free_tickets(plan_ticket_take_all(&stream->wishes));
    for (size_t i = 0; i < stream->plan->session_count; i++) {
        struct stream_session *session = stream->entries[i].session;
        if (!session)
            continue;
        free_tickets(session->tickets);
        arena_fini(&session->arena);
        free(session);
    }
}
