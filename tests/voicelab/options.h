/* options.h - what the command line can say, once parsed. */
#ifndef VOICELAB_OPTIONS_H
#define VOICELAB_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* `count` requests per `period_us`; count 0: no limit. */
struct rate {
    uint64_t count;
    uint64_t period_us;
};

struct options {
    const char *bind_address;
    uint64_t port;
    uint64_t threads;
    uint64_t max_connections;
    uint64_t idle_timeout_us;

    uint64_t access_ttl_us;
    uint64_t refresh_ttl_us;
    uint64_t admin_ttl_us;
    const char *secret; /* NULL: random at start */
    const char *admin_password;
    const char *api_key; /* NULL: none but those made over HTTP */

    const char *store_path;   /* NULL: in memory */
    const char *access_log;   /* NULL: none */
    const char *job_log;      /* NULL: none */
    const char *save_uploads; /* NULL: audio is checked and let go */

    uint64_t max_upload_bytes;
    bool refuse_duplicates;

    bool has_wordlike_ids;

    uint64_t job_workers;
    uint64_t job_queue;
    uint64_t job_time_us;
    uint64_t job_jitter_us;
    double job_fail_rate; /* 0 to 1 */

    struct rate address_limit;
    struct rate user_limit;
    struct rate signup_limit;

    uint64_t latency_us;
    uint64_t jitter_us;
    double fail_rate; /* 0 to 1 */
    uint64_t leak_bytes;
    uint64_t seed; /* of latency, jitter and failures; never of ids or tokens */
};

/* 0: go on; 1: --help was printed; -1: one line is on stderr. Strings point into argv. */
int options_parse(struct options *options, int argc, char **argv);

#endif
