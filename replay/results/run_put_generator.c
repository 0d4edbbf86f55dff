/* run_put_generator.c - the rows of a run file about the generator itself. */
#include "replay/results/run_put.h"

/* Lateness of requests and of WebSocket messages: one histogram for SQL to ask. */
static int sum_lateness(const struct metrics *delta, const struct endpoint_metrics *all,
                        struct histogram *ret_lateness)
{
    histogram_init(ret_lateness);
    if (histogram_merge(ret_lateness, &all->clocks[CLOCK_LATENESS]) ||
        histogram_merge(ret_lateness, &delta->ws.lateness)) {
        histogram_fini(ret_lateness);
        return -1;
    }
    return 0;
}

static void put_network(struct sql_row *row, const struct network_health *network)
{
    sql_put_u64(row, network->connects_made);
    sql_put_u64(row, network->connects_failed);
    sql_put_u64(row, network->segments_sent);
    sql_put_u64(row, network->segments_resent);
    sql_put_u64(row, histogram_percentile(&network->rtt, 50));
}

/* The columns that were there from the first version on. */
static void put_first_columns(struct sql_row *row, const struct metrics *delta,
                              const struct generator_second *generator)
{
    uint64_t ended = 0;
    for (int i = 0; i < SESSION_RESULT_COUNT; i++)
        ended += delta->sessions_by_result[i];
    sql_put_u64(row, generator->second);
    sql_put_u64(row, generator->length_us);
    sql_put_u64(row, generator->users_active);
    sql_put_u64(row, generator->requests_in_flight);
    sql_put_u64(row, generator->connections_open);
    sql_put_u64(row, delta->sessions_started);
    sql_put_u64(row, ended);
    sql_put_u64(row, delta->steps_not_sent);
    sql_put_u64(row, generator->health.cpu_us);
    sql_put_u64(row, generator->worker_cpu_us);
    sql_put_u64(row, generator->busiest_worker_cpu_us);
    sql_put_u64(row, generator->max_loop_lag_us);
    sql_put_u64(row, generator->health.rss_bytes);
    sql_put_u64(row, generator->health.open_files);
}

static int put_second(struct run_store *store, const struct metrics *delta,
                      const struct generator_second *generator, struct error *err)
{
    struct endpoint_metrics all;
    struct histogram lateness;
    if (metrics_sum_endpoints(delta, &all))
        return error_set(err, EXIT_TOOL, "no memory for a row");
    if (sum_lateness(delta, &all, &lateness)) {
        endpoint_metrics_fini(&all);
        return error_set(err, EXIT_TOOL, "no memory for a row");
    }
    struct sql_row row = run_put_start(store, INSERT_GENERATOR_SECOND);
    put_first_columns(&row, delta, generator);
    sql_put_u64(&row, generator->busiest_worker_busy_us);
    sql_put_u64(&row, histogram_percentile(&delta->generator.loop_lag, 99));
    sql_put_u64(&row, generator->queued);
    sql_put_u64(&row, generator->waiting);
    sql_put_u64(&row, generator->ports_in_use);
    put_network(&row, &delta->generator.network);
    sql_put_u64(&row, generator->answers);
    sql_put_u64(&row, generator->service_p50_us);
    sql_put_u64(&row, histogram_percentile(&lateness, 50));
    sql_put_u64(&row, histogram_percentile(&lateness, 99));
    sql_put_histogram(&row, &lateness);
    sql_put_u64(&row, generator->max_silence_us);
    int result = sql_put_end(&row, err);
    histogram_fini(&lateness);
    endpoint_metrics_fini(&all);
    return result;
}

static void put_worker(struct sql_row *row, uint32_t number, const struct worker_health *worker)
{
    sql_put_u64(row, number);
    sql_put_u64(row, worker->cpu_us);
    sql_put_u64(row, worker->spin_us);
    sql_put_u64(row, worker->cpu_wait_us);
    sql_put_u64(row, worker->max_loop_lag_us);
}

static int put_workers(struct run_store *store, const struct metrics *delta, uint32_t second,
                       struct error *err)
{
    for (uint32_t i = 0; i < delta->generator.worker_count; i++) {
        struct sql_row row = run_put_start(store, INSERT_WORKER_SECOND);
        sql_put_u64(&row, second);
        put_worker(&row, i, &delta->generator.workers[i]);
        if (sql_put_end(&row, err))
            return -1;
    }
    return 0;
}

static int put_worker_totals(struct run_store *store, struct error *err)
{
    const struct generator_metrics *generator = &store->totals->generator;
    for (uint32_t i = 0; i < generator->worker_count; i++) {
        struct sql_row row = run_put_start(store, INSERT_WORKER_TOTAL);
        put_worker(&row, i, &generator->workers[i]);
        if (sql_put_end(&row, err))
            return -1;
    }
    return 0;
}

int run_put_generator_total(struct run_store *store, struct error *err)
{
    const struct generator_metrics *generator = &store->totals->generator;
    const struct network_health *network = &generator->network;
    struct sql_row row = run_put_start(store, INSERT_GENERATOR_TOTAL);
    sql_put_u64(&row, 1);
    sql_put_u64(&row, network->connects_started);
    sql_put_u64(&row, network->connects_made);
    sql_put_u64(&row, network->connects_failed);
    sql_put_u64(&row, network->no_ports);
    sql_put_u64(&row, network->no_files);
    sql_put_u64(&row, network->segments_sent);
    sql_put_u64(&row, network->segments_resent);
    sql_put_u64(&row, generator->under_way_us);
    sql_put_histogram(&row, &generator->loop_lag);
    sql_put_histogram(&row, &network->rtt);
    sql_put_histogram(&row, &network->min_rtt);
    sql_put_histogram(&row, &generator->kernel_service);
    sql_put_histogram(&row, &generator->kernel_gap);
    return sql_put_end(&row, err) || put_worker_totals(store, err) ? -1 : 0;
}

int run_put_generator(struct run_store *store, const struct metrics *delta,
                      const struct generator_second *generator, struct error *err)
{
    if (put_second(store, delta, generator, err) ||
        put_workers(store, delta, generator->second, err) || run_put_generator_total(store, err))
        return -1;
    struct sql_row row = sql_row_start(store->set_duration, &store->scratch);
    sql_put_u64(&row, store->health.length_us);
    return sql_put_end(&row, err);
}
