/* plan_loader.c - the thread that reads sessions ahead of their users and frees them behind. */
#include "replay/plan/plan_loader.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>

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

/* NULL: somebody has it, or the loader comes to it by itself. */
static struct session_list *list_of(struct plan_stream *stream,
                                    const struct stream_session *session)
{
    if (session->is_loaded)
        return session->uses || session->due ? NULL : &stream->idle;
    if (session->is_loading || stream->is_open)
        return NULL;
    if (session->wishes)
        return &stream->wanted;
    return session->due > 0 ? &stream->ahead : NULL;
}

struct stream_session *stream_session_get(struct plan_stream *stream, uint32_t index)
{
    struct stream_session *session = stream->sessions[index];
    if (session)
        return session;
    session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->index = index;
    stream->sessions[index] = session;
    return session;
}

void stream_session_settle(struct plan_stream *stream, struct stream_session *session)
{
    struct session_list *before = session->list, *list = list_of(stream, session);
    bool is_ahead = session->is_loaded && session->uses == 0 && session->due > 0;
    if (is_ahead != session->is_ahead)
        stream->ahead_bytes += is_ahead ? session->bytes : (size_t)0 - session->bytes;
    session->is_ahead = is_ahead;
    if (list != before) {
        unlink_session(session);
        if (list)
            append_session(list, session);
        if (before == &stream->idle)
            stream->idle_bytes -= session->bytes;
        if (list == &stream->idle)
            stream->idle_bytes += session->bytes;
    }
    if (!session->is_loaded && !session->is_loading && !session->wishes && !session->due) {
        stream->sessions[session->index] = NULL;
        free(session);
    }
}

static size_t max_bytes(const struct plan_stream *stream)
{
    return stream->builder.options.max_bytes;
}

static void count_used(struct plan_stream *stream, size_t more, size_t less)
{
    struct plan_stream_stats *stats = &stream->stats;
    stats->used_bytes += more - less;
    if (stats->used_bytes > stats->most_bytes)
        stats->most_bytes = stats->used_bytes;
}

/* With the mutex unlocked while memory is given back. */
static void free_oldest_idle(struct plan_stream *stream)
{
    struct stream_session *session = stream->idle.first;
    unlink_session(session);
    stream->idle_bytes -= session->bytes;
    stream->sessions[session->index] = NULL;
    pthread_mutex_unlock(&stream->mutex);
    struct plan_bodies *bodies = stream->builder.bodies;
    size_t before = bodies->used_bytes;
    for (size_t i = 0; i < session->body_count; i++)
        plan_bodies_drop(bodies, session->bodies[i]);
    size_t less = before - bodies->used_bytes + session->bytes;
    arena_fini(&session->arena);
    free(session);
    pthread_mutex_lock(&stream->mutex);
    count_used(stream, 0, less);
}

/* In the open model nobody comes back to a session whose copies have all been played. */
static void free_idle(struct plan_stream *stream)
{
    while (stream->idle.first && (stream->is_open || stream->stats.used_bytes >= max_bytes(stream)))
        free_oldest_idle(stream);
}

/* The next arrival's session, unless it is here already. */
static struct stream_session *draw_arrival(struct plan_stream *stream)
{
    struct arrival arrival;
    pthread_mutex_unlock(&stream->mutex);
    int more = arrivals_next(&stream->arrivals, &arrival);
    pthread_mutex_lock(&stream->mutex);
    if (more <= 0 || (stream->until_us && arrival.at_us >= stream->until_us)) {
        stream->has_arrivals = false;
        if (more < 0)
            error_set(&stream->error, EXIT_TOOL, "no memory for arrivals");
        return NULL;
    }
    struct stream_session *session = stream_session_get(stream, arrival.session);
    if (!session) {
        error_set(&stream->error, EXIT_TOOL, "no memory for a session");
        return NULL;
    }
    session->due++;
    stream_session_settle(stream, session);
    /* What was settled away was taken and cancelled before we came to it. */
    session = stream->sessions[arrival.session];
    return session && !session->is_loaded ? session : NULL;
}

/* What is to be loaded next; NULL: nothing for now. */
static struct stream_session *choose(struct plan_stream *stream)
{
    stream->is_short = stream->stats.used_bytes >= max_bytes(stream);
    if (stream->is_short)
        return NULL;
    if (stream->wanted.first)
        return stream->wanted.first;
    while (stream->has_arrivals && !stream->error.exit_code && !stream->is_stopping &&
           (stream->waiting || stream->ahead_bytes < stream->ahead_limit)) {
        struct stream_session *session = draw_arrival(stream);
        if (session)
            return session;
    }
    return stream->ahead_bytes < stream->ahead_limit ? stream->ahead.first : NULL;
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

static void tell(struct plan_client *client)
{
    eventfd_write(client->event_fd, 1); /* fails only when it is readable anyway */
}

static void grant_wishes(struct plan_stream *stream, struct stream_session *session)
{
    struct plan_wish *next;
    for (struct plan_wish *wish = session->wishes; wish; wish = next) {
        struct plan_client *client = wish->client;
        next = wish->next;
        wish->next = NULL;
        wish->granted = &session->session;
        session->uses++;
        stream->waiting--;
        if (client->last)
            client->last->next = wish;
        else
            client->first = wish;
        client->last = wish;
        tell(client);
    }
    session->wishes = NULL;
}

static void load_session(struct plan_stream *stream, struct stream_session *session)
{
    struct error err = {0};
    size_t bytes = 0;
    session->is_loading = true;
    stream_session_settle(stream, session);
    pthread_mutex_unlock(&stream->mutex);
    int result = load(stream, session, &bytes, &err);
    pthread_mutex_lock(&stream->mutex);
    session->is_loading = false;
    if (result) {
        arena_fini(&session->arena);
        stream->error = err;
        return;
    }
    session->is_loaded = true;
    stream->unplayable = stream->builder.unplayable;
    stream->binding_losses = stream->builder.binding_losses;
    stream->stats.loaded++;
    count_used(stream, bytes, 0);
    grant_wishes(stream, session);
    stream_session_settle(stream, session);
}

void *plan_loader_run(void *owner)
{
    struct plan_stream *stream = owner;
    /* Whatever a worker has to do comes first, at once: the look-ahead is there for that. */
    const struct sched_param none = {0};
    sched_setscheduler(0, SCHED_IDLE, &none);
    pthread_mutex_lock(&stream->mutex);
    while (!stream->is_stopping && !stream->error.exit_code) {
        free_idle(stream);
        struct stream_session *session = choose(stream);
        if (session) {
            load_session(stream, session);
        } else if (!stream->is_stopping && !stream->error.exit_code) {
            stream->is_asleep = true;
            pthread_cond_signal(&stream->news);
            pthread_cond_wait(&stream->work, &stream->mutex);
            stream->is_asleep = false;
        }
        pthread_cond_signal(&stream->news);
    }
    stream->is_asleep = true;
    pthread_cond_signal(&stream->news);
    if (stream->error.exit_code) {
        for (struct plan_client *client = stream->clients; client; client = client->next)
            tell(client);
    }
    pthread_mutex_unlock(&stream->mutex);
    return NULL;
}
