/*
 * host.h - what the chain and the host table share: the state of a call while a plugin has it.
 *
 * A worker is inside at most one callback at a time, so the call lives in the worker: a pointer to
 * it that a plugin kept is still a pointer to a worker, and is_live tells that it came too late.
 */
#ifndef REPRISE_PLUGINS_HOST_H
#define REPRISE_PLUGINS_HOST_H

#include <pthread.h>

#include "core/buf.h"
#include "core/random.h"
#include "plugins/chain.h"
#include "plugins/guard.h"

#define CHAIN_WORKER_MAGIC 0x7265707269736577U /* "reprisew" */
#define CHAIN_MAX_LOG_LINES 1000               /* of plugins, per worker */

struct chain_plugin {
    struct plugin loaded;
    void *instance; /* plugin_size bytes */
    struct arena strings;
    uint32_t callbacks;     /* one bit for each enum chain_callback it has */
    bool is_started;        /* start() was reached, stop() was not */
    bool has_seen_session;  /* on_recorded: enough of the session in hand */
    bool has_seen_trace;    /* enough of the trace */
    pthread_mutex_t serial; /* held during calls into a REPRISE_SERIAL plugin */
    uint64_t random_seed;
    struct random random; /* for callbacks without a user */
    uint32_t metric_count;
    uint32_t metrics[CHAIN_MAX_METRICS]; /* the plugin's number to the chain's index */
};

/* One plugin's part of one user. */
struct chain_user_state {
    struct random random;
    void *user;       /* user_size bytes, in the same block */
    uint32_t pending; /* requests it added that are not done with */
};

struct chain_user {
    struct chain_worker *worker;
    struct chain_play play;
    uint32_t concerned;               /* chain_concerned() */
    const uint32_t *marks;            /* of the session: chain_marks_find(); NULL: none */
    uint32_t reached_count;           /* plugins whose on_session_start was reached */
    uint32_t added_in_step;           /* since the last recorded request was first asked about */
    struct chain_user_state states[]; /* one per plugin */
};

struct chain_source;

struct chain_worker {
    reprise_call call; /* what the plugin sees */
    uint64_t magic;
    bool is_live; /* a callback is running */
    struct guard guard;
    struct plugin_chain *chain;
    chain_record_fn record;
    void *record_owner;
    struct arena scratch; /* what the callback reads; emptied before each call of the chain */

    /* Who is asked what. */
    struct chain_user *user; /* NULL before the first and in stop */
    struct chain_plugin *plugin;
    uint32_t plugin_index;
    enum chain_callback callback;
    const struct chain_services *services; /* NULL: none */
    const struct chain_tap *tap;           /* NULL: none */

    /* The subject, as the chain has it and as the plugin sees it. */
    struct http_request *request; /* changed only in on_request */
    const struct chain_request_info *info;
    reprise_request request_view;
    const struct chain_answer *answer;
    reprise_response response_view;
    struct chain_message *message;
    reprise_ws_message message_view;
    uint32_t step; /* of the recording, that marks are about; REPRISE_ADDED: none */
    const reprise_recorded *recorded;
    struct chain_data *data; /* a piece of an answer */
    struct buf message_data; /* a copy that ends with '\0' */

    /* What comes of it. */
    struct chain_outcome *outcome;
    struct chain_source *given_up; /* to be released between callbacks */
    struct chain_added *fresh;     /* made in this callback, not sent; newest first */
    struct chain_added *last_added;
    struct chain_ws_send *last_send;
    uint32_t send_count; /* in this callback */
    char reason[256];    /* of a failure, as the plugin or a host function said it */
    char failure[384];   /* outcome.error */
    char judged[320];    /* outcome.judged */

    uint32_t log_lines;
    struct chain_stats stats;
};

/* The table every call points to. */
extern const reprise_host host_table;

/* The worker behind a call; NULL, with a warning, when no callback is running with it. */
struct chain_worker *host_worker(const reprise_call *call, const char *function);

/* Whatever a plugin wrote, it stays on its line and does not drive the terminal. */
void host_make_one_line(char *text);

/* Keep why a host function says no, unless there is a reason already; -1. */
int host_refuse(struct chain_worker *worker, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* These are the table's functions about requests. */
reprise_bytes host_request_header(const reprise_call *call, const reprise_request *request,
                                  const char *name);
reprise_bytes host_response_header(const reprise_call *call, const reprise_response *response,
                                   const char *name);
int host_request_header_at(const reprise_call *call, const reprise_request *request, size_t index,
                           reprise_bytes *ret_name, reprise_bytes *ret_value);
int host_response_header_at(const reprise_call *call, const reprise_response *response,
                            size_t index, reprise_bytes *ret_name, reprise_bytes *ret_value);
int host_set_method(const reprise_call *call, reprise_request *request, const char *method);
int host_set_url(const reprise_call *call, reprise_request *request, const char *url);
int host_set_header(const reprise_call *call, reprise_request *request, const char *name,
                    const char *value);
int host_set_body(const reprise_call *call, reprise_request *request, const void *data, size_t len);
reprise_request *host_new_request(const reprise_call *call, const reprise_request *like,
                                  uint32_t tag);
int host_send_request(const reprise_call *call, reprise_request *request);

/* host_session.c: the table's functions about the rest of the session. */
int host_mark(const reprise_call *call, uint32_t step, uint32_t mark);
reprise_request *host_new_request_of_step(const reprise_call *call, uint32_t step, uint32_t tag);
int host_settle(const reprise_call *call, uint32_t step, const reprise_answer *answer);
int host_settle_like(const reprise_call *call, uint32_t step, const reprise_response *response);
int host_judge(const reprise_call *call, enum reprise_judgement judgement, const char *reason);
int host_set_cookie(const reprise_call *call, uint32_t step, const char *set_cookie);
int host_replace_value(const reprise_call *call, reprise_bytes old, reprise_bytes value);
reprise_bytes host_data(const reprise_call *call, const char *column);
void host_wake(const reprise_call *call);
void host_keep_body(const reprise_call *call);
void host_limit_us(const reprise_call *call, uint64_t limit_us);

/* host_body.c */
int host_set_body_source(const reprise_call *call, reprise_request *request,
                         const reprise_body_source *source);
reprise_bytes host_request_body_at(const reprise_call *call, const reprise_request *request,
                                   size_t index);
void host_end_response(const reprise_call *call);
/* What the plugin in hand sees of the body. */
void host_view_body(struct chain_worker *worker, struct http_request *request,
                    reprise_request *view);
/* It is a request's no more, and released when the callback in hand is over; no-op for NULL. */
void host_give_up_source(struct chain_worker *worker, struct http_body_source *source);
void host_release_sources(struct chain_worker *worker);

/* The request behind a plugin's pointer, to be looked at, or changed; NULL, with a reason. */
const struct http_request *host_readable(struct chain_worker *worker,
                                         const reprise_request *request, const char *function);
struct http_request *host_changeable(struct chain_worker *worker, const reprise_request *request,
                                     const char *function);

/* A request to be filled, that the callback's end frees unless it is sent. NULL, with a reason. */
struct chain_added *host_add_request(struct chain_worker *worker, const char *function,
                                     uint32_t tag);
/* Its view, once it is filled. */
reprise_request *host_show_added(struct chain_worker *worker, struct chain_added *added);

/* chain_recorded.c: marks of a session, `step_count` for each plugin, and behind them for each step
 * the callbacks of the plugins that have marked it. */
int chain_mark(struct plugin_chain *chain, uint32_t plugin, uint32_t step, uint32_t mark);
const uint32_t *chain_marks_find(const struct plugin_chain *chain, uint64_t session_id,
                                 uint32_t step_count);
void chain_marks_free(struct plugin_chain *chain);

/* Show `request` to the plugin through `view`; the numbers in it are the caller's. */
void host_view_request(const struct http_request *request, reprise_request *view);

/* Plugins are promised a '\0' behind what they are shown; whoever keeps methods, URLs and bodies
 * has them in memory with one. */
static inline bool host_ends_with_nul(struct bytes bytes)
{
    return !bytes.ptr || bytes.ptr[bytes.len] == '\0';
}

/* Free the requests that were made and never sent. */
void host_drop_fresh(struct chain_worker *worker);

/* chain_open() in two steps, for plugins that are not in a file: room for `count`, then each one.
 * After -1 from either, chain_close(). */
int chain_reserve(struct plugin_chain *chain, size_t count, struct error *err);
int chain_adopt(struct plugin_chain *chain, const struct plugin *loaded, const char *options,
                struct error *err);

/* Register one metric for `plugin`; -1 with err when the name is taken or there are too many. */
int chain_add_metric(struct plugin_chain *chain, uint32_t plugin, const char *name,
                     const char *unit, uint32_t kind, struct error *err);

/* Make the worker ready for one callback kind of one user (or of none); clears the outcome. */
void chain_begin(struct chain_worker *worker, struct chain_user *user, enum chain_callback callback,
                 uint64_t now_us, struct chain_outcome *outcome);

/* That a plugin took so long, in one of its functions. */
void chain_count_time(struct chain_worker *worker, uint32_t plugin, enum chain_callback callback,
                      uint64_t ns);

/* Ask one plugin; the outcome has its verdict when that is not CONTINUE. */
enum reprise_verdict chain_ask(struct chain_worker *worker, uint32_t plugin);

#endif
