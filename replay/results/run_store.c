/* run_store.c - the life of a run file: made, added to second by second, finished, closed. */
#include "replay/results/run_store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "replay/results/run_put.h"

/* An encoded histogram's worst case: every bucket used, with a step and a count of ten bytes each:
 * 3,968 * 12 < 64 KiB. */
enum { MAX_SCRATCH_BYTES = 1 << 17, BUSY_TIMEOUT_MS = 2000 };

char *run_store_default_path(char *out, size_t out_size, const char *trace_path,
                             int64_t started_unix_us)
{
    const char *name = strrchr(trace_path, '/');
    name = name ? name + 1 : trace_path;
    const char *dot = strrchr(name, '.');
    size_t len = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    time_t seconds = (time_t)(started_unix_us / 1000000);
    struct tm utc;
    char stamp[32] = "";
    if (gmtime_r(&seconds, &utc))
        strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", &utc);
    int kept = (int)(len > 200 ? 200 : len);
    snprintf(out, out_size, "%.*s-%s.run", kept, name, stamp);
    for (int n = 2; n < 100 && access(out, F_OK) == 0; n++)
        snprintf(out, out_size, "%.*s-%s-%d.run", kept, name, stamp, n);
    return out;
}

/* The texts are kept for the rows that are written again every second. */
static int copy_plugin_metrics(struct run_store *store, const struct run_facts *facts)
{
    store->plugin_metric_count = facts->plugin_metric_count;
    for (uint32_t i = 0; i < facts->plugin_metric_count; i++) {
        const struct run_plugin_metric *metric = &facts->plugin_metrics[i];
        struct run_plugin_metric *copy = &store->plugin_metrics[i];
        *copy = (struct run_plugin_metric){
            .plugin = arena_printf(&store->arena, "%s", metric->plugin),
            .name = arena_printf(&store->arena, "%s", metric->name),
            .unit = arena_printf(&store->arena, "%s", metric->unit ? metric->unit : ""),
            .is_histogram = metric->is_histogram};
        if (!copy->plugin || !copy->name || !copy->unit)
            return -1;
    }
    return 0;
}

/* O_EXCL: what an earlier run measured is never written over. */
static int create_file(const char *path, struct error *err)
{
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EEXIST)
        return error_set(err, EXIT_INPUT, "exists; a run is not written over: name another file");
    if (fd < 0)
        return error_set(err, EXIT_INPUT, "%s; --run names a file in a folder you may write to",
                         strerror(errno));
    close(fd);
    return 0;
}

static int create_database(struct run_store *store, const struct run_facts *facts,
                           struct error *err)
{
    if (sqlite3_open_v2(store->path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        return run_sql_error(store->db, err);
    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    buf_clear(&store->scratch);
    buf_printf(&store->scratch,
               "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
               "BEGIN IMMEDIATE; PRAGMA application_id = %d; PRAGMA user_version = %d;",
               RUN_APPLICATION_ID, RUN_VERSION);
    if (run_sql_exec(store->db, buf_text(&store->scratch), err) ||
        run_sql_exec(store->db, run_schema_sql, err) || run_put_prepare(store, err) ||
        run_put_facts(store, facts, err) || run_put_totals(store, err))
        return -1;
    return run_sql_exec(store->db, "COMMIT", err);
}

/* And what SQLite could not take away itself. */
static void remove_file(const char *path)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    char name[4096];
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if ((size_t)snprintf(name, sizeof name, "%s%s", path, endings[i]) < sizeof name)
            unlink(name);
    }
}

int run_store_open(struct run_store **ret_store, const char *path, const struct run_facts *facts,
                   struct error *err)
{
    assert(facts->plugin_metric_count <= METRICS_MAX_CUSTOM);
    if (create_file(path, err))
        return error_prefix(err, "%s", path);
    struct run_store *store = calloc(1, sizeof *store);
    if (!store)
        return error_set(err, EXIT_TOOL, "%s: no memory for the run", path);
    buf_init(&store->scratch, MAX_SCRATCH_BYTES);
    arena_init(&store->arena, MAX_SCRATCH_BYTES);
    store->path = arena_printf(&store->arena, "%s", path);
    store->totals = metrics_new(facts->endpoint_count);
    if (!store->path || !store->totals || copy_plugin_metrics(store, facts)) {
        run_store_close(store);
        return error_set(err, EXIT_TOOL, "%s: no memory for the run", path);
    }
    if (create_database(store, facts, err)) {
        if (sqlite3_errcode(store->db) == SQLITE_FULL)
            error_set(err, EXIT_TOOL, "disk full, and nothing was sent; name another with --run");
        run_store_close(store);
        remove_file(path);
        return error_prefix(err, "%s", path);
    }
    *ret_store = store;
    return 0;
}

/* What was written since BEGIN becomes visible as one, or not at all. */
static int end_transaction(struct run_store *store, int result, struct error *err)
{
    if (!result && run_sql_exec(store->db, "COMMIT", err) == 0)
        return 0;
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return error_prefix(err, "%s", store->path);
}

static int put_second(struct run_store *store, const struct metrics *delta,
                      const struct generator_second *generator, struct error *err)
{
    if (run_put_second(store, delta, generator, err))
        return -1;
    return store->must_write_all ? run_put_totals(store, err) : 0;
}

/* What of a second is to be judged beside the counts of the totals. */
static int look_at_load(struct run_store *store, struct generator_second *second,
                        const struct metrics *delta)
{
    const struct generator_metrics *generator = &delta->generator;
    struct endpoint_metrics all;
    if (metrics_sum_endpoints(delta, &all))
        return -1;
    second->answers = all.clocks[CLOCK_SERVICE].count;
    second->service_p50_us = histogram_percentile(&all.clocks[CLOCK_SERVICE], 50);
    endpoint_metrics_fini(&all);
    second->busiest_worker_busy_us =
        generator->worker_count ? generator_busiest_us(generator) : second->busiest_worker_cpu_us;
    second->queued = generator->queued;
    second->waiting = generator->network.most_waiting;
    second->ports_in_use = health_ports_in_use(&store->ports, generator->network.connects_made,
                                               delta->connections_open, second->health.time_wait);
    return 0;
}

int run_store_put_second(struct run_store *store, const struct metrics *delta, uint32_t second,
                         uint64_t length_us, const struct health *health, struct error *err)
{
    struct generator_second generator = {.second = second,
                                         .length_us = length_us,
                                         .health = *health,
                                         .users_active = delta->users_active,
                                         .requests_in_flight = delta->requests_in_flight,
                                         .connections_open = delta->connections_open,
                                         .worker_cpu_us = delta->worker_cpu_us,
                                         .busiest_worker_cpu_us = delta->busiest_worker_cpu_us
                                                                      ? delta->busiest_worker_cpu_us
                                                                      : delta->worker_cpu_us,
                                         .max_loop_lag_us = delta->max_loop_lag_us,
                                         .max_silence_us = delta->max_silence_us};
    if (look_at_load(store, &generator, delta) || metrics_merge(store->totals, delta))
        return error_set(err, EXIT_TOOL, "%s: no memory for the totals", store->path);
    run_health_add(&store->health, &generator);
    if (run_sql_exec(store->db, "BEGIN IMMEDIATE", err))
        return error_prefix(err, "%s", store->path);
    int result = end_transaction(store, put_second(store, delta, &generator, err), err);
    store->must_write_all = result != 0;
    return result;
}

const struct metrics *run_store_totals(const struct run_store *store)
{
    return store->totals;
}

const struct run_health *run_store_health(const struct run_store *store)
{
    return &store->health;
}

int run_store_finish(struct run_store *store, const struct run_end *end, struct error *err)
{
    if (run_sql_exec(store->db, "BEGIN IMMEDIATE", err))
        return error_prefix(err, "%s", store->path);
    int result = store->must_write_all ? run_put_totals(store, err) : 0;
    if (!result)
        result = run_put_end(store, end, err);
    return end_transaction(store, result, err);
}

void run_store_close(struct run_store *store)
{
    if (!store)
        return;
    run_put_finalize(store);
    /* Somebody who reads the file right now keeps the log beside it; the last to close removes it.
     */
    if (store->db && !sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    if (store->db)
        sqlite3_exec(store->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    sqlite3_close(store->db);
    metrics_free(store->totals);
    buf_fini(&store->scratch);
    arena_fini(&store->arena);
    free(store);
}
