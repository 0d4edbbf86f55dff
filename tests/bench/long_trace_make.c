/*
 * long_trace_make.c - a trace of any length: sessions of 20 requests, as a capture would write
 * them.
 *
 *   usage: long_trace_make FILE EXCHANGES
 *
 * A session begins every 10 ms and lasts 10 s, so a thousand of them run side by side and the rows
 * of one are spread over the file: 2,000 requests/s, headers of a browser, every tenth a POST.
 */
#include <stdio.h>
#include <stdlib.h>

#include "traces/writer.h"

enum {
    STEPS = 20, /* of a session */
    START_EVERY_US = 10000,
    STEP_EVERY_US = 500000,
    STARTS_IN_STEP = STEP_EVERY_US / START_EVERY_US,
    BODIES = 1000 /* different ones */
};

static const char headers_format[] =
    "Host: shop.test:8080\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\n"
    "Accept-Language: en-US,en;q=0.5\nAccept-Encoding: gzip, deflate, br\n"
    "Referer: http://shop.test:8080/shop/catalogue\nCookie: sid=%016llx\n"
    "Sec-Fetch-Dest: document\nSec-Fetch-Mode: navigate\nSec-Fetch-Site: same-origin\n%s";
static const char response_headers[] =
    "Server: nginx/1.22.1\nDate: Wed, 01 May 2024 10:06:40 GMT\nContent-Type: application/json\n"
    "Content-Length: 600\nConnection: keep-alive\n";

static int put_session(struct trace_writer *writer, uint64_t number, uint64_t steps,
                       struct error *err)
{
    char identity[32];
    int64_t first_us = (int64_t)(number * START_EVERY_US);
    snprintf(identity, sizeof identity, "cookie sid %08llx", (unsigned long long)number);
    const struct trace_session session = {
        .session_id = (int64_t)number + 1,
        .identity_kind = TRACE_BY_COOKIE,
        .identity = bytes_of(identity),
        .label = bytes_of(""),
        .first_us = first_us,
        .last_us = first_us + (int64_t)(steps * STEP_EVERY_US),
        .exchange_count = steps,
    };
    const struct trace_connection connection = {
        .connection_id = (int64_t)number + 1,
        .client_address = bytes_of("10.0.0.7"),
        .client_port = (uint16_t)(10000 + number % 50000),
        .server_address = bytes_of("10.0.0.1"),
        .server_port = 8080,
        .protocol = bytes_of("http/1.1"),
        .opened_us = first_us,
        .closed_us = TRACE_NO_MOMENT,
    };
    return trace_writer_put_session(writer, &session, err) ||
                   trace_writer_put_connection(writer, &connection, err)
               ? -1
               : 0;
}

static int put_exchange(struct trace_writer *writer, uint64_t session, uint64_t step, uint64_t id,
                        struct error *err)
{
    char target[64], headers[1024], body[256];
    int64_t first_us = (int64_t)(session * START_EVERY_US + step * STEP_EVERY_US);
    bool is_post = step % 10 == 9;
    int target_len = snprintf(target, sizeof target, "/shop/items/%llu?page=%llu",
                              (unsigned long long)(id % 100003), (unsigned long long)(step % 7));
    int headers_len =
        snprintf(headers, sizeof headers, headers_format, (unsigned long long)session * 7919,
                 is_post ? "Content-Type: application/json\n" : "");
    int body_len =
        is_post ? snprintf(body, sizeof body, "{\"basket\":%llu,\"note\":\"%0120llu\"}",
                           (unsigned long long)(id % BODIES), (unsigned long long)(id % BODIES))
                : 0;
    struct trace_exchange exchange = {
        .exchange_id = (int64_t)id + 1,
        .session_id = (int64_t)session + 1,
        .connection_id = (int64_t)session + 1,
        .request_first_us = first_us,
        .request_last_us = first_us,
        .response_first_us = first_us + 180,
        .response_last_us = first_us + 190,
        .method = bytes_of(is_post ? "POST" : "GET"),
        .scheme = bytes_of("http"),
        .authority = bytes_of("shop.test:8080"),
        .target = bytes_make(target, (size_t)target_len),
        .http_version = bytes_of("1.1"),
        .status = 200,
        .reason = bytes_of("OK"),
        .request_headers = bytes_make(headers, (size_t)headers_len),
        .response_headers = bytes_make(response_headers, sizeof response_headers - 1),
        .request_body_bytes = (uint64_t)body_len,
    };
    return trace_writer_put_body(writer, bytes_make(body, (size_t)body_len),
                                 &exchange.request_body_id, err) ||
                   trace_writer_add_exchange(writer, &exchange, err) ||
                   trace_writer_tick(writer, (uint64_t)first_us, NULL, err)
               ? -1
               : 0;
}

/* All that happens in the 10 ms in which session `slot` would begin. */
static int write_slot(struct trace_writer *writer, uint64_t slot, uint64_t sessions,
                      uint64_t *next_id, struct error *err)
{
    if (slot < sessions && put_session(writer, slot, 0, err))
        return -1;
    for (uint64_t step = 0; step < STEPS; step++) {
        uint64_t session = slot - step * STARTS_IN_STEP;
        if (step * STARTS_IN_STEP > slot || session >= sessions)
            continue;
        if (put_exchange(writer, session, step, (*next_id)++, err) ||
            (step == STEPS - 1 && put_session(writer, session, STEPS, err)))
            return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct trace_writer_options options = {.replaces_existing = true};
    struct trace_facts facts = {.source = bytes_of("long_trace_make"),
                                .tool_version = bytes_of("0"),
                                .redaction = bytes_of("none")};
    struct trace_writer *writer = NULL;
    struct error err = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: %s FILE EXCHANGES\n", argv[0]);
        return EXIT_INPUT;
    }
    uint64_t sessions = strtoull(argv[2], NULL, 10) / STEPS, next_id = 0;
    if (trace_writer_open(&writer, argv[1], &options, &facts, &err))
        return error_report(&err);
    for (uint64_t slot = 0; slot < sessions + STEPS * STARTS_IN_STEP; slot++) {
        if (write_slot(writer, slot, sessions, &next_id, &err)) {
            trace_writer_abandon(writer);
            return error_report(&err);
        }
    }
    facts.is_complete = true;
    facts.last_us = (int64_t)(sessions * START_EVERY_US + STEPS * STEP_EVERY_US);
    return trace_writer_close(writer, &facts, &err) ? error_report(&err) : EXIT_DONE;
}
