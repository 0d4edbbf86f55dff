/*
 * host.c - the host table: what a plugin may do inside a callback. Requests are host_request.c's.
 */
#include "plugins/host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"

struct chain_worker *host_worker(const reprise_call *call, const char *function)
{
    struct chain_worker *worker = call ? call->internal : NULL;
    if (worker && worker->magic == CHAIN_WORKER_MAGIC && worker->is_live)
        return worker;
    log_warning("a plugin called %s() outside its callback; that does nothing", function);
    return NULL;
}

static void keep_reason(struct chain_worker *worker, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

void host_make_one_line(char *text)
{
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    }
}

/* The first reason of a callback is nearest to the cause. */
static void keep_reason(struct chain_worker *worker, const char *format, va_list args)
{
    if (worker->reason[0])
        return;
    vsnprintf(worker->reason, sizeof worker->reason, format, args);
    host_make_one_line(worker->reason);
}

int host_refuse(struct chain_worker *worker, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    keep_reason(worker, format, args);
    va_end(args);
    return -1;
}

static int ws_replace(const reprise_call *call, const void *data, size_t len)
{
    struct chain_worker *worker = host_worker(call, "ws_replace");
    if (!worker)
        return -1;
    struct chain_message *message = worker->message;
    if (!message || !message->is_outgoing || !message->arena)
        return host_refuse(worker, "ws_replace(): no outgoing message is in hand");
    if ((!data && len) || len > CHAIN_MAX_WS_BYTES)
        return host_refuse(worker, "ws_replace(): %zu bytes, at most %d", len, CHAIN_MAX_WS_BYTES);
    struct bytes copy = arena_copy(message->arena, bytes_make(data, len));
    if (!copy.ptr)
        return host_refuse(worker, "ws_replace(): no room for %zu bytes", len);
    message->data = copy;
    worker->message_view.data = (reprise_bytes){copy.ptr, copy.len};
    return 0;
}

static int ws_send(const reprise_call *call, const void *data, size_t len, int is_text)
{
    struct chain_worker *worker = host_worker(call, "ws_send");
    if (!worker)
        return -1;
    if (!worker->message)
        return host_refuse(worker, "ws_send(): only in on_ws_message");
    if ((!data && len) || len > CHAIN_MAX_WS_BYTES || worker->send_count >= CHAIN_MAX_WS_SENDS)
        return host_refuse(worker, "ws_send(): at most %d messages of %d bytes in one callback",
                           CHAIN_MAX_WS_SENDS, CHAIN_MAX_WS_BYTES);
    struct chain_ws_send *send = malloc(sizeof *send + len + 1);
    if (!send)
        return host_refuse(worker, "ws_send(): no memory for %zu bytes", len);
    char *copy = (char *)(send + 1);
    if (len)
        memcpy(copy, data, len);
    copy[len] = '\0';
    *send = (struct chain_ws_send){.is_text = is_text != 0, .data = bytes_make(copy, len)};
    if (worker->last_send)
        worker->last_send->next = send;
    else
        worker->outcome->sends = send;
    worker->last_send = send;
    worker->send_count++;
    return 0;
}

static void ask_for_delay(const reprise_call *call, uint64_t delay_us)
{
    struct chain_worker *worker = host_worker(call, "delay_us");
    if (!worker)
        return;
    if (delay_us > CHAIN_MAX_DELAY_US)
        delay_us = CHAIN_MAX_DELAY_US;
    if (delay_us > worker->outcome->delay_us)
        worker->outcome->delay_us = delay_us;
}

static uint64_t draw_random(const reprise_call *call)
{
    struct chain_worker *worker = host_worker(call, "random");
    if (!worker)
        return 0;
    return random_u64(worker->user ? &worker->user->states[worker->plugin_index].random
                                   : &worker->plugin->random);
}

static uint32_t add_metric(const reprise_call *call, const char *name, const char *unit,
                           enum reprise_metric_kind kind)
{
    struct chain_worker *worker = host_worker(call, "metric");
    struct error err;
    if (!worker)
        return REPRISE_NO_METRIC;
    if (worker->callback != CHAIN_START) {
        host_refuse(worker, "metric(): only in start()");
        return REPRISE_NO_METRIC;
    }
    if (chain_add_metric(worker->chain, worker->plugin_index, name, unit, kind, &err)) {
        host_refuse(worker, "metric(): %s", err.text);
        return REPRISE_NO_METRIC;
    }
    return worker->plugin->metric_count - 1;
}

static void record_value(const reprise_call *call, uint32_t metric, uint64_t value)
{
    struct chain_worker *worker = host_worker(call, "record");
    if (!worker)
        return;
    if (metric >= worker->plugin->metric_count) {
        host_refuse(worker, "record(): there is no metric %u", metric);
        return;
    }
    uint32_t index = worker->plugin->metrics[metric];
    if (worker->record)
        worker->record(worker->record_owner, index, worker->chain->metrics[index].is_histogram,
                       value);
}

static void log_text(const reprise_call *call, enum reprise_log_level level, const char *format,
                     ...)
{
    struct chain_worker *worker = host_worker(call, "log");
    enum log_level ours = level == REPRISE_DEBUG  ? LOG_DEBUG
                          : level == REPRISE_INFO ? LOG_INFO
                                                  : LOG_WARNING;
    if (!worker || ours > log_get_level() || worker->log_lines > CHAIN_MAX_LOG_LINES)
        return;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    host_make_one_line(text);
    if (worker->log_lines++ == CHAIN_MAX_LOG_LINES)
        log_warning("plugins have logged %d lines on this worker; the rest is left out",
                    CHAIN_MAX_LOG_LINES);
    else
        log_line(ours, "plugin %s: %s", worker->plugin->loaded.api.name, text);
}

static void keep_error(const reprise_call *call, const char *format, ...)
{
    struct chain_worker *worker = host_worker(call, "error");
    if (!worker)
        return;
    va_list args;
    va_start(args, format);
    keep_reason(worker, format, args);
    va_end(args);
}

const reprise_host host_table = {
    .size = sizeof(reprise_host),
    .abi_major = REPRISE_ABI_MAJOR,
    .abi_minor = REPRISE_ABI_MINOR,
    .request_header = host_request_header,
    .response_header = host_response_header,
    .request_header_at = host_request_header_at,
    .response_header_at = host_response_header_at,
    .set_method = host_set_method,
    .set_url = host_set_url,
    .set_header = host_set_header,
    .set_body = host_set_body,
    .new_request = host_new_request,
    .send = host_send_request,
    .ws_replace = ws_replace,
    .ws_send = ws_send,
    .delay_us = ask_for_delay,
    .random = draw_random,
    .metric = add_metric,
    .record = record_value,
    .log = log_text,
    .error = keep_error,
    .mark = host_mark,
    .new_request_of_step = host_new_request_of_step,
    .settle = host_settle,
    .settle_like = host_settle_like,
    .judge = host_judge,
    .replace_value = host_replace_value,
    .data = host_data,
    .wake = host_wake,
    .keep_body = host_keep_body,
    .request_body_at = host_request_body_at,
    .set_body_source = host_set_body_source,
    .end_response = host_end_response,
    .set_cookie = host_set_cookie,
    .limit_us = host_limit_us,
};
