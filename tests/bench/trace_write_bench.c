/*
 * trace_write_bench.c - CPU time to write exchanges into a trace, bodies included.
 *
 *   usage: trace_write_bench FILE [EXCHANGES] [BODY_BYTES] [DISTINCT_BODIES]
 *
 * DISTINCT_BODIES 0: every answer has a content of its own. The budget is 5 us an exchange with
 * answers of about 1 KB.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "traces/writer.h"

enum { MAX_BODY_BYTES = 1 << 20 };

static const char request_headers[] =
    "Host: shop.test:8080\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101\n"
    "Accept: application/json\nAccept-Encoding: gzip, deflate\nCookie: sid=3fa9c1d27be04411\n";
static const char response_headers[] =
    "Server: nginx/1.22.1\nDate: Wed, 01 May 2024 10:06:40 GMT\nContent-Type: application/json\n"
    "Content-Length: 1024\nConnection: keep-alive\nETag: \"66321-400\"\n";

/* JSON with numbers that differ: it shrinks to about a third, as such answers do. */
static void fill_body(char *body, size_t len, uint64_t number)
{
    size_t at = 0;
    for (uint64_t i = 0; at < len; i++) {
        char item[128];
        int item_len =
            snprintf(item, sizeof item, "{\"id\":%llu,\"name\":\"item %llu\",\"price\":%llu.99},",
                     (unsigned long long)(number * 7919 + i),
                     (unsigned long long)((number + i) * 104729 % 1000003),
                     (unsigned long long)(i * number % 977));
        size_t part = (size_t)item_len < len - at ? (size_t)item_len : len - at;
        memcpy(body + at, item, part);
        at += part;
    }
}

static int stop(const struct error *err)
{
    return error_report(err);
}

struct made {
    char target[64];
    int target_len;
    char *body;
};

static int write_one(struct trace_writer *writer, uint64_t i, const struct made *made,
                     size_t body_bytes, struct error *err)
{
    int64_t first_us = (int64_t)(i * 50);
    struct trace_exchange exchange = {
        .exchange_id = (int64_t)i + 1,
        .session_id = (int64_t)(i % 50) + 1,
        .connection_id = (int64_t)(i % 50) + 1,
        .request_first_us = first_us,
        .request_last_us = first_us,
        .response_first_us = first_us + 180,
        .response_last_us = first_us + 190,
        .method = bytes_of("GET"),
        .scheme = bytes_of("http"),
        .authority = bytes_of("shop.test:8080"),
        .target = bytes_make(made->target, (size_t)made->target_len),
        .http_version = bytes_of("1.1"),
        .status = 200,
        .reason = bytes_of("OK"),
        .request_headers = bytes_make(request_headers, sizeof request_headers - 1),
        .response_headers = bytes_make(response_headers, sizeof response_headers - 1),
        .response_body_bytes = body_bytes,
    };
    return trace_writer_put_body(writer, bytes_make(made->body, body_bytes),
                                 &exchange.response_body_id, err) ||
                   trace_writer_add_exchange(writer, &exchange, err) ||
                   trace_writer_tick(writer, 1 + i * 50, NULL, err)
               ? -1
               : 0;
}

/* Exchanges are made GROUP at a time, so that making them and reading the clock do not count. */
enum { GROUP = 100 };

static int write_all(struct trace_writer *writer, uint64_t count, size_t body_bytes,
                     uint64_t distinct, uint64_t *ret_cpu_us, struct error *err)
{
    static struct made made[GROUP];
    static char bodies[GROUP][MAX_BODY_BYTES];
    uint64_t cpu_us = 0;
    for (uint64_t from = 0; from < count; from += GROUP) {
        uint64_t group = count - from < GROUP ? count - from : GROUP;
        for (uint64_t i = 0; i < group; i++) {
            uint64_t number = from + i;
            made[i].body = bodies[i];
            fill_body(bodies[i], body_bytes, distinct ? number % distinct : number);
            made[i].target_len =
                snprintf(made[i].target, sizeof made[i].target, "/items/%llu?page=%llu",
                         (unsigned long long)(number * 31), (unsigned long long)(number % 7));
        }
        uint64_t started_us = clock_thread_cpu_us();
        for (uint64_t i = 0; i < group; i++) {
            if (write_one(writer, from + i, &made[i], body_bytes, err))
                return -1;
        }
        cpu_us += clock_thread_cpu_us() - started_us;
    }
    *ret_cpu_us = cpu_us;
    return 0;
}

int main(int argc, char **argv)
{
    struct trace_writer_options options = {.replaces_existing = true};
    struct trace_facts facts = {.source = bytes_of("benchmark"),
                                .tool_version = bytes_of("0"),
                                .redaction = bytes_of("none")};
    struct trace_writer *writer = NULL;
    struct error err = {0};
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE [EXCHANGES] [BODY_BYTES] [DISTINCT_BODIES]\n", argv[0]);
        return EXIT_INPUT;
    }
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 150000;
    size_t body_bytes = argc > 3 ? strtoull(argv[3], NULL, 10) : 1024;
    uint64_t distinct = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
    uint64_t cpu_us = 0;
    if (body_bytes > MAX_BODY_BYTES)
        body_bytes = MAX_BODY_BYTES;
    if (trace_writer_open(&writer, argv[1], &options, &facts, &err))
        return stop(&err);
    if (write_all(writer, count, body_bytes, distinct, &cpu_us, &err)) {
        trace_writer_abandon(writer);
        return stop(&err);
    }
    uint64_t started_us = clock_thread_cpu_us();
    if (trace_writer_close(writer, &facts, &err))
        return stop(&err);
    uint64_t close_us = clock_thread_cpu_us() - started_us;
    printf("%llu exchanges, %zu B bodies, %llu distinct: %.2f s CPU, of it %.2f s to close; "
           "%.2f us an exchange\n",
           (unsigned long long)count, body_bytes, (unsigned long long)(distinct ? distinct : count),
           (double)(cpu_us + close_us) / 1e6, (double)close_us / 1e6,
           (double)(cpu_us + close_us) / (double)(count ? count : 1));
    return 0;
}
