/* plan_stream.c - what the threads that play ask of a stream: never more than a look at its books.
 */
#include "replay/plan/plan_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "replay/plan/plan_loader.h"

/* Loaded before the first user starts. */
enum { FIRST_SESSIONS = 32 };

int plan_stream_new(struct plan_stream **ret_stream, struct plan_builder *builder,
                    struct error *err)
{
    struct plan_stream *stream = calloc(1, sizeof *stream);
    size_t count = builder->plan->session_count;
    if (stream) {
        stream->sessions = calloc(count, sizeof *stream->sessions);
        stream->was_loaded = calloc(count / 8 + 1, 1);
    }
    if (!stream || !stream->sessions || !stream->was_loaded) {
        if (stream) {
            free(stream->sessions);
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
    pthread_cond_init(&stream->work, NULL);
    pthread_cond_init(&stream->news, NULL);
    *ret_stream = stream;
    return 0;
}

void plan_stream_free(struct plan_stream *stream)
{
    if (!stream)
        return;
    plan_stream_stop(stream->plan);
    for (size_t i = 0; i < stream->plan->session_count; i++) {
        if (stream->sessions[i])
            arena_fini(&stream->sessions[i]->arena);
        free(stream->sessions[i]);
    }
    free(stream->sessions);
    free(stream->was_loaded);
    arrivals_fini(&stream->arrivals);
    plan_builder_fini(&stream->builder);
    pthread_cond_destroy(&stream->news);
    pthread_cond_destroy(&stream->work);
    pthread_mutex_destroy(&stream->mutex);
    free(stream);
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
    int code = pthread_create(&stream->thread, NULL, plan_loader_run, stream);
    if (code)
        return error_set(err, EXIT_TOOL, "the plan's loader: %s", strerror(code));
    stream->is_running = true;
    pthread_mutex_lock(&stream->mutex);
    while (stream->stats.loaded < FIRST_SESSIONS && !stream->is_asleep)
        pthread_cond_wait(&stream->news, &stream->mutex);
    pthread_mutex_unlock(&stream->mutex);
    return 0;
}

void plan_stream_stop(const struct plan *plan)
{
    struct plan_stream *stream = plan->stream;
    if (!stream || !stream->is_running)
        return;
    pthread_mutex_lock(&stream->mutex);
    stream->is_stopping = true;
    pthread_cond_signal(&stream->work);
    pthread_mutex_unlock(&stream->mutex);
    pthread_join(stream->thread, NULL);
    stream->is_running = false;
}

/* Only when it has something to do, and not for every session that is given back: waking a thread
 * costs more than all else here. */
static void wake_loader(struct plan_stream *stream)
{
    if (!stream->is_asleep)
        return;
    bool has_room = stream->ahead_bytes < stream->ahead_limit / 2;
    bool has_more = stream->has_arrivals || stream->ahead.first;
    bool has_idle =
        stream->idle.first &&
        (stream->is_short || (stream->is_open && stream->idle_bytes > stream->ahead_limit / 4));
    bool is_wanted = !stream->is_short && (stream->wanted.first || stream->waiting);
    if (has_idle || is_wanted || (!stream->is_short && has_room && has_more))
        pthread_cond_signal(&stream->work);
}

int plan_client_init(struct plan_client *client, const struct plan *plan, struct error *err)
{
    *client = (struct plan_client){.event_fd = -1};
    if (!plan->stream)
        return 0;
    client->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (client->event_fd < 0)
        return error_set(err, EXIT_TOOL, "no descriptor for the plan's loader: %s",
                         strerror(errno));
    pthread_mutex_lock(&plan->stream->mutex);
    client->next = plan->stream->clients;
    plan->stream->clients = client;
    pthread_mutex_unlock(&plan->stream->mutex);
    return 0;
}

void plan_client_fini(struct plan_client *client, const struct plan *plan)
{
    if (client->event_fd < 0 || !plan->stream)
        return;
    pthread_mutex_lock(&plan->stream->mutex);
    struct plan_client **at = &plan->stream->clients;
    while (*at && *at != client)
        at = &(*at)->next;
    if (*at)
        *at = client->next;
    pthread_mutex_unlock(&plan->stream->mutex);
    close(client->event_fd);
    client->event_fd = -1;
}

static struct plan_wish *pop_granted(struct plan_client *client)
{
    struct plan_wish *wish = client->first;
    if (!wish)
        return NULL;
    client->first = wish->next;
    if (!client->first)
        client->last = NULL;
    wish->next = NULL;
    return wish;
}

struct plan_wish *plan_client_next(struct plan_client *client, const struct plan *plan)
{
    eventfd_t count;
    pthread_mutex_lock(&plan->stream->mutex);
    struct plan_wish *wish = pop_granted(client);
    if (!client->first)
        (void)!eventfd_read(client->event_fd, &count); /* not readable: told already */
    pthread_mutex_unlock(&plan->stream->mutex);
    return wish;
}

bool plan_stream_has_failed(const struct plan *plan, struct error *ret_error)
{
    struct plan_stream *stream = plan->stream;
    if (!stream)
        return false;
    pthread_mutex_lock(&stream->mutex);
    *ret_error = stream->error;
    pthread_mutex_unlock(&stream->mutex);
    return ret_error->exit_code != 0;
}

int plan_expect(const struct plan *plan, uint32_t index)
{
    struct plan_stream *stream = plan->stream;
    if (!stream)
        return 0;
    pthread_mutex_lock(&stream->mutex);
    struct stream_session *session = stream_session_get(stream, index);
    if (session) {
        session->due++;
        stream_session_settle(stream, session);
        wake_loader(stream);
    }
    pthread_mutex_unlock(&stream->mutex);
    return session ? 0 : -1;
}

void plan_forget(const struct plan *plan, uint32_t index)
{
    struct plan_stream *stream = plan->stream;
    if (!stream)
        return;
    pthread_mutex_lock(&stream->mutex);
    struct stream_session *session = stream->sessions[index];
    if (session) {
        session->due--;
        stream_session_settle(stream, session);
        wake_loader(stream);
    }
    pthread_mutex_unlock(&stream->mutex);
}

static void add_wish(struct stream_session *session, struct plan_wish *wish)
{
    struct plan_wish **at = &session->wishes;
    while (*at)
        at = &(*at)->next;
    *at = wish;
}

const struct plan_session *plan_take(const struct plan *plan, struct plan_client *client,
                                     uint32_t index, void *owner, struct plan_wish *wish)
{
    struct plan_stream *stream = plan->stream;
    if (!stream)
        return &plan->sessions[index];
    *wish = (struct plan_wish){.session = index, .owner = owner};
    const struct plan_session *taken = NULL;
    pthread_mutex_lock(&stream->mutex);
    struct stream_session *session = stream_session_get(stream, index);
    if (session) {
        session->due--;
        if (session->is_loaded) {
            session->uses++;
            taken = &session->session;
        } else {
            wish->client = client;
            add_wish(session, wish);
            stream->waiting++;
            stream->stats.waited_for++;
        }
        stream_session_settle(stream, session);
        wake_loader(stream);
    }
    pthread_mutex_unlock(&stream->mutex);
    return taken;
}

/* From a list that it may be in. */
static bool take_out(struct plan_wish **first, const struct plan_wish *wish)
{
    for (struct plan_wish **at = first; *at; at = &(*at)->next) {
        if (*at != wish)
            continue;
        *at = wish->next;
        return true;
    }
    return false;
}

static void give_back(struct plan_stream *stream, struct stream_session *session)
{
    session->uses--;
    stream_session_settle(stream, session);
    wake_loader(stream);
}

void plan_cancel(const struct plan *plan, struct plan_wish *wish)
{
    struct plan_stream *stream = plan->stream;
    struct plan_client *client = wish->client;
    pthread_mutex_lock(&stream->mutex);
    struct stream_session *session = stream->sessions[wish->session];
    if (wish->granted) {
        if (take_out(&client->first, wish)) {
            client->last = client->first;
            while (client->last && client->last->next)
                client->last = client->last->next;
        }
        give_back(stream, session);
    } else if (session && take_out(&session->wishes, wish)) {
        stream->waiting--;
        stream_session_settle(stream, session);
    }
    pthread_mutex_unlock(&stream->mutex);
}

void plan_give_back(const struct plan *plan, const struct plan_session *taken)
{
    struct plan_stream *stream = plan->stream;
    if (!stream)
        return;
    /* What users play is the first member of its books. */
    uint32_t index = ((const struct stream_session *)(const void *)taken)->index;
    pthread_mutex_lock(&stream->mutex);
    give_back(stream, stream->sessions[index]);
    pthread_mutex_unlock(&stream->mutex);
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
    *ret_stats = (struct plan_stream_stats){0};
    if (!plan->stream)
        return;
    pthread_mutex_lock(&plan->stream->mutex);
    *ret_stats = plan->stream->stats;
    pthread_mutex_unlock(&plan->stream->mutex);
}
