/* run_load_generator.c - reads what a run file says of the generator itself. */
#include "replay/results/run_load.h"

#define FIRST_COLUMNS                                                                              \
    "second, length_us, users_active, requests_in_flight, connections_open, cpu_us, "              \
    "worker_cpu_us, busiest_worker_cpu_us, max_loop_lag_us, rss_bytes, open_files"
#define SECOND_COLUMNS                                                                             \
    ", busiest_worker_busy_us, queued, waiting, ports_in_use, answers, service_p50_us"

static void take_second(struct sql_row *row, struct generator_second *second)
{
    second->second = (uint32_t)sql_take_u64(row);
    second->length_us = sql_take_u64(row);
    second->users_active = sql_take_u64(row);
    second->requests_in_flight = sql_take_u64(row);
    second->connections_open = sql_take_u64(row);
    second->health.cpu_us = sql_take_u64(row);
    second->worker_cpu_us = sql_take_u64(row);
    second->busiest_worker_cpu_us = sql_take_u64(row);
    second->max_loop_lag_us = sql_take_u64(row);
    second->health.rss_bytes = sql_take_u64(row);
    second->health.open_files = sql_take_u64(row);
    second->busiest_worker_busy_us = sql_take_u64(row);
    second->queued = sql_take_u64(row);
    second->waiting = sql_take_u64(row);
    second->ports_in_use = sql_take_u64(row);
    second->answers = sql_take_u64(row);
    second->service_p50_us = sql_take_u64(row);
    second->max_silence_us = sql_take_u64(row);
}

int run_load_generator(struct load *load)
{
    int result;
    /* The first version did not know of the rest, nor the fourth of the last. */
    const char *sql =
        load->version < 2 ? "SELECT " FIRST_COLUMNS
                            ", busiest_worker_cpu_us, 0, 0, 0, 0, 0, 0 FROM generator_second"
        : load->version < 5 ? "SELECT " FIRST_COLUMNS SECOND_COLUMNS ", 0 FROM generator_second"
                            : "SELECT " FIRST_COLUMNS SECOND_COLUMNS
                              ", max_silence_us FROM generator_second";
    if (run_load_start(load, sql))
        return -1;
    while ((result = run_load_next(load)) == 1) {
        struct generator_second second = {0};
        take_second(&load->row, &second);
        run_health_add(&load->run->health, &second);
    }
    return result;
}

static int load_workers(struct load *load)
{
    struct generator_metrics *generator = &load->run->totals->generator;
    int result;
    if (run_load_start(load, "SELECT worker, cpu_us, spin_us, cpu_wait_us, max_loop_lag_us "
                             "FROM worker_total"))
        return -1;
    while ((result = run_load_next(load)) == 1) {
        uint64_t number = sql_take_u64(&load->row);
        if (number >= GENERATOR_MAX_WORKERS)
            return run_load_damaged(load, "worker_total");
        struct worker_health *worker = generator_worker(generator, (uint32_t)number);
        worker->cpu_us = sql_take_u64(&load->row);
        worker->spin_us = sql_take_u64(&load->row);
        worker->cpu_wait_us = sql_take_u64(&load->row);
        worker->max_loop_lag_us = sql_take_u64(&load->row);
    }
    return result;
}

int run_load_generator_total(struct load *load)
{
    struct generator_metrics *generator = &load->run->totals->generator;
    struct network_health *network = &generator->network;
    struct sql_row *row = &load->row;
    if (load->version < 2)
        return 0;
    if (load_workers(load) ||
        run_load_start(
            load, "SELECT connects_started, connects_made, connects_failed, no_ports, "
                  "no_files, segments_sent, segments_resent, under_way_us, loop_lag, rtt, min_rtt, "
                  "kernel_service, kernel_gap FROM generator_total"))
        return -1;
    int result = run_load_next(load);
    if (result != 1)
        return result;
    network->connects_started = sql_take_u64(row);
    network->connects_made = sql_take_u64(row);
    network->connects_failed = sql_take_u64(row);
    network->no_ports = sql_take_u64(row);
    network->no_files = sql_take_u64(row);
    network->segments_sent = sql_take_u64(row);
    network->segments_resent = sql_take_u64(row);
    generator->under_way_us = sql_take_u64(row);
    sql_take_histogram(row, &generator->loop_lag);
    sql_take_histogram(row, &network->rtt);
    sql_take_histogram(row, &network->min_rtt);
    sql_take_histogram(row, &generator->kernel_service);
    sql_take_histogram(row, &generator->kernel_gap);
    return row->has_failed ? run_load_damaged(load, "generator_total") : 0;
}
