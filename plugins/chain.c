/* chain.c - the life of a run's plugins: open, start, workers, users, stop, close. */
#include "plugins/chain.h"

#include <stdlib.h>

#include "plugins/chain_watch.h"
#include "plugins/host.h"
#include "plugins/options.h"

/* States of users are aligned for any type, one behind the other. */
#define STATE_ALIGN 16
#define ALIGNED(size) (((size) + STATE_ALIGN - 1) & ~(size_t)(STATE_ALIGN - 1))

const char *chain_callback_name(enum chain_callback callback)
{
    static const char *const names[CHAIN_CALLBACK_COUNT] = {
        [CHAIN_START] = "start",
        [CHAIN_RECORDED] = "on_recorded",
        [CHAIN_RECORDING_END] = "on_recording_end",
        [CHAIN_SESSION_START] = "on_session_start",
        [CHAIN_REQUEST] = "on_request",
        [CHAIN_BODY_READ] = "body_source.read",
        [CHAIN_RESPONSE_DATA] = "on_response_data",
        [CHAIN_RESPONSE] = "on_response",
        [CHAIN_WS_MESSAGE] = "on_ws_message",
        [CHAIN_SESSION_END] = "on_session_end",
        [CHAIN_STOP] = "stop",
    };
    return names[callback];
}

const char *chain_plugin_name(const struct plugin_chain *chain, uint32_t plugin)
{
    return chain->plugins[plugin].loaded.api.name;
}

uint32_t chain_callbacks_of(const reprise_plugin *api)
{
    const bool has[CHAIN_CALLBACK_COUNT] = {
        [CHAIN_START] = api->start,
        [CHAIN_STOP] = api->stop,
        [CHAIN_SESSION_START] = api->on_session_start,
        [CHAIN_REQUEST] = api->on_request,
        [CHAIN_RESPONSE] = api->on_response,
        [CHAIN_WS_MESSAGE] = api->on_ws_message,
        [CHAIN_SESSION_END] = api->on_session_end,
        [CHAIN_RECORDED] = api->on_recorded,
        [CHAIN_RESPONSE_DATA] = api->on_response_data,
        [CHAIN_RECORDING_END] = api->on_recording_end,
    };
    uint32_t callbacks = 0;
    for (uint32_t i = 0; i < CHAIN_CALLBACK_COUNT; i++)
        callbacks |= (uint32_t)has[i] << i;
    return callbacks;
}

int chain_add_metric(struct plugin_chain *chain, uint32_t plugin, const char *name,
                     const char *unit, uint32_t kind, struct error *err)
{
    struct chain_plugin *owner = &chain->plugins[plugin];
    if (!name || !plugin_name_is_valid(name) || kind > REPRISE_HISTOGRAM)
        return error_set(err, EXIT_INPUT,
                         "metric '%.60s': not a name of a-z, 0-9 and '_', or no "
                         "kind of metric",
                         name ? name : "");
    for (uint32_t i = 0; i < chain->metric_count; i++) {
        if (strcmp(chain->metrics[i].name, name) == 0)
            return error_set(err, EXIT_INPUT, "metric %s: plugin %s has one of that name", name,
                             chain_plugin_name(chain, chain->metrics[i].plugin));
    }
    if (chain->metric_count == CHAIN_MAX_METRICS)
        return error_set(err, EXIT_INPUT, "metric %s: a run has room for %d metrics of plugins",
                         name, CHAIN_MAX_METRICS);
    struct chain_metric metric = {
        .name = arena_copy(&chain->strings, bytes_of(name)).ptr,
        .unit = arena_copy(&chain->strings, bytes_of(unit ? unit : "")).ptr,
        .is_histogram = kind == REPRISE_HISTOGRAM,
        .plugin = plugin,
    };
    if (!metric.name || !metric.unit)
        return error_set(err, EXIT_TOOL, "metric %s: no memory for its name", name);
    owner->metrics[owner->metric_count++] = chain->metric_count;
    chain->metrics[chain->metric_count++] = metric;
    return 0;
}

/* FNV-1a: each plugin has random numbers of its own, whatever else is in the chain. */
static uint64_t name_hash(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3U;
    return hash;
}

static int check_unique(const struct plugin_chain *chain, uint32_t at, struct error *err)
{
    const char *name = chain_plugin_name(chain, at);
    for (uint32_t i = 0; i < at; i++) {
        if (strcmp(chain_plugin_name(chain, i), name) == 0)
            return error_set(err, EXIT_INPUT, "plugin %s: given twice (%s and %s); once is enough",
                             name, chain->plugins[i].loaded.path, chain->plugins[at].loaded.path);
    }
    return 0;
}

int chain_adopt(struct plugin_chain *chain, const struct plugin *loaded, const char *options,
                struct error *err)
{
    uint32_t at = chain->count++;
    struct chain_plugin *plugin = &chain->plugins[at];
    const reprise_plugin *api = &plugin->loaded.api;
    plugin->loaded = *loaded;
    arena_init(&plugin->strings, PLUGIN_MAX_OPTIONS_BYTES);
    pthread_mutex_init(&plugin->serial, NULL);
    if (check_unique(chain, at, err))
        return -1;
    plugin->callbacks = chain_callbacks_of(api);
    chain->wants |= plugin->callbacks;
    if (!(api->flags & REPRISE_MARKED_ONLY)) {
        chain->wants_always |= plugin->callbacks;
        chain->always_concerned |= 1u << at;
    }
    if (plugin->callbacks >> CHAIN_SESSION_END & 1) /* the end comes for those that were begun */
        chain->wants |= 1U << CHAIN_SESSION_START;
    chain->wants_body |= api->on_response && (api->flags & REPRISE_WANT_BODY);
    chain->asks_last |= api->on_request && (api->flags & REPRISE_ASK_LAST);
    plugin->instance = calloc(1, api->plugin_size ? api->plugin_size : 1);
    if (!plugin->instance)
        return error_set(err, EXIT_TOOL, "plugin %s: no memory", api->name);
    if (options_write(api, options, plugin->instance, &plugin->strings, err))
        return -1;
    for (const reprise_metric *metric = api->metrics; metric && metric->name; metric++) {
        if (chain_add_metric(chain, at, metric->name, metric->unit, metric->kind, err))
            return error_prefix(err, "plugin %s", api->name);
    }
    return 0;
}

static int open_plugin(struct plugin_chain *chain, const char *spec,
                       const struct plugin_search *search, struct error *err)
{
    const char *colon = strchr(spec, ':');
    char *name = strndup(spec, colon ? (size_t)(colon - spec) : strlen(spec));
    struct plugin loaded;
    int result = name ? plugin_load(&loaded, name, search, err)
                      : error_set(err, EXIT_TOOL, "plugin %s: no memory", spec);
    free(name);
    return result ? -1 : chain_adopt(chain, &loaded, colon ? colon + 1 : NULL, err);
}

int chain_reserve(struct plugin_chain *chain, size_t count, struct error *err)
{
    *chain = (struct plugin_chain){0};
    arena_init(&chain->strings, 64 * 1024); /* the names of 64 metrics, a target */
    chain->plugins = calloc(count, sizeof *chain->plugins);
    return chain->plugins ? 0 : error_set(err, EXIT_TOOL, "no memory for %zu plugins", count);
}

int chain_open(struct plugin_chain *chain, const char *const *specs, size_t count,
               const struct plugin_search *search, struct error *err)
{
    *chain = (struct plugin_chain){0};
    if (count == 0)
        return 0;
    if (count > CHAIN_MAX_PLUGINS)
        return error_set(err, EXIT_INPUT, "--plugin is given %zu times; at most %d fit in a run",
                         count, CHAIN_MAX_PLUGINS);
    if (chain_reserve(chain, count, err))
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (open_plugin(chain, specs[i], search, err)) {
            chain_close(chain);
            return -1;
        }
    }
    return 0;
}

void chain_close(struct plugin_chain *chain)
{
    chain_watch_stop(chain->watch);
    chain_worker_free(chain->own_worker);
    chain_marks_free(chain);
    while (chain->count) {
        struct chain_plugin *plugin = &chain->plugins[--chain->count];
        free(plugin->instance);
        arena_fini(&plugin->strings);
        pthread_mutex_destroy(&plugin->serial);
        plugin_unload(&plugin->loaded);
    }
    free(chain->plugins);
    arena_fini(&chain->strings);
    *chain = (struct plugin_chain){0};
}

static int keep_options(struct plugin_chain *chain, const struct chain_options *options,
                        struct error *err)
{
    chain->options = *options;
    if (!chain->options.max_added)
        chain->options.max_added = CHAIN_DEFAULT_ADDED;
    if (!chain->options.budget_us)
        chain->options.budget_us = CHAIN_DEFAULT_BUDGET_US;
    if (options->target_url) {
        chain->options.target_url = arena_copy(&chain->strings, bytes_of(options->target_url)).ptr;
        if (!chain->options.target_url)
            return error_set(err, EXIT_TOOL, "no memory for the target's URL");
    }
    return 0;
}

int chain_start(struct plugin_chain *chain, const struct chain_options *options, struct error *err)
{
    if (chain_is_empty(chain))
        return 0;
    if (keep_options(chain, options, err))
        return -1;
    chain->own_worker = chain_worker_new(chain, NULL, NULL);
    if (!chain->own_worker)
        return error_set(err, EXIT_TOOL, "no memory for plugins");
    if (options->timeout_us &&
        chain_watch_start(&chain->watch, &chain->own_worker->guard, options->timeout_us, err))
        return -1;
    for (uint32_t i = 0; i < chain->count; i++) {
        struct chain_plugin *plugin = &chain->plugins[i];
        plugin->random_seed = options->seed ^ name_hash(plugin->loaded.api.name);
        random_init(&plugin->random, plugin->random_seed, UINT64_MAX);
        struct chain_outcome outcome;
        chain_begin(chain->own_worker, NULL, CHAIN_START, options->now_us, &outcome);
        plugin->is_started = true;
        if (chain_ask(chain->own_worker, i) != REPRISE_CONTINUE) {
            error_set(err, EXIT_INPUT, "%s", outcome.error);
            chain_stop(chain, options->now_us);
            return -1;
        }
    }
    return 0;
}

void chain_set_origin(struct plugin_chain *chain, int64_t unix_us)
{
    chain->options.now_us = 0;
    chain->options.unix_us = unix_us;
}

void chain_stop(struct plugin_chain *chain, uint64_t now_us)
{
    for (uint32_t i = chain->count; i-- > 0;) {
        struct chain_outcome outcome;
        if (!chain->plugins[i].is_started)
            continue;
        chain->plugins[i].is_started = false;
        chain_begin(chain->own_worker, NULL, CHAIN_STOP, now_us, &outcome);
        chain_ask(chain->own_worker, i);
    }
    chain_watch_stop(chain->watch);
    chain->watch = NULL;
    chain_worker_free(chain->own_worker);
    chain->own_worker = NULL;
}

struct chain_worker *chain_worker_new(struct plugin_chain *chain, chain_record_fn record,
                                      void *owner)
{
    struct chain_worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return NULL;
    worker->magic = CHAIN_WORKER_MAGIC;
    worker->chain = chain;
    worker->record = record;
    worker->record_owner = owner;
    worker->call.host = &host_table;
    worker->call.internal = worker;
    const char *target = chain->options.target_url;
    worker->call.target =
        (reprise_bytes){.ptr = target ? target : "", .len = target ? strlen(target) : 0};
    arena_init(&worker->scratch, CHAIN_MAX_SCRATCH_BYTES);
    buf_init(&worker->message_data, CHAIN_MAX_WS_BYTES);
    return worker;
}

void chain_worker_free(struct chain_worker *worker)
{
    if (!worker)
        return;
    arena_fini(&worker->scratch);
    buf_fini(&worker->message_data);
    worker->magic = 0;
    free(worker);
}

struct guard *chain_worker_guard(struct chain_worker *worker)
{
    return &worker->guard;
}

void chain_watch_worker(struct plugin_chain *chain, struct chain_worker *worker)
{
    chain_watch_turn(chain->watch, worker ? &worker->guard : &chain->own_worker->guard);
}

const struct chain_stats *chain_worker_stats(const struct chain_worker *worker)
{
    return &worker->stats;
}

void chain_stats_merge(struct chain_stats *stats, const struct chain_stats *other)
{
    for (int i = 0; i < CHAIN_MAX_PLUGINS; i++) {
        for (int j = 0; j < CHAIN_CALLBACK_COUNT; j++) {
            struct chain_calls *calls = &stats->calls[i][j];
            const struct chain_calls *more = &other->calls[i][j];
            calls->count += more->count;
            calls->total_ns += more->total_ns;
            calls->slow += more->slow;
            if (more->max_ns > calls->max_ns)
                calls->max_ns = more->max_ns;
        }
    }
}

void chain_worker_tap(struct chain_worker *worker, const struct chain_tap *tap)
{
    worker->tap = tap;
}

void chain_worker_serve(struct chain_worker *worker, const struct chain_services *services,
                        double think_speed)
{
    worker->services = services;
    worker->call.think_speed = think_speed;
}

struct chain_user *chain_user_new(struct chain_worker *worker, const struct chain_play *play)
{
    const struct plugin_chain *chain = worker->chain;
    size_t head =
        ALIGNED(sizeof(struct chain_user) + chain->count * sizeof(struct chain_user_state));
    size_t total = head;
    uint32_t concerned = chain_concerned(chain, play->session_id);
    for (uint32_t i = 0; i < chain->count; i++)
        total += concerned >> i & 1 ? ALIGNED(chain->plugins[i].loaded.api.user_size) : 0;
    struct chain_user *user = calloc(1, total);
    if (!user)
        return NULL;
    user->worker = worker;
    user->play = *play;
    user->concerned = concerned;
    user->marks = chain_marks_find(chain, play->session_id, play->step_count);
    char *at = (char *)user + head;
    for (uint32_t i = 0; i < chain->count; i++) {
        if (!(concerned >> i & 1))
            continue;
        user->states[i].user = at;
        at += ALIGNED(chain->plugins[i].loaded.api.user_size);
        random_init(&user->states[i].random,
                    chain->plugins[i].random_seed ^ play->plays * 0x9e3779b97f4a7c15U, play->index);
    }
    return user;
}

void chain_user_free(struct chain_user *user)
{
    free(user);
}

void chain_added_free(struct chain_user *user, struct chain_added *added)
{
    if (!added)
        return;
    user->states[added->plugin].pending--;
    http_request_fini(&added->request);
    arena_fini(&added->arena);
    free(added);
}

void chain_ws_send_free(struct chain_ws_send *send)
{
    free(send);
}
