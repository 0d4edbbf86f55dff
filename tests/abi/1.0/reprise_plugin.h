/*
 * reprise_plugin.h - the plugin interface, version 1.0; the only header a plugin includes.
 *
 * A plugin changes what one replayed user does: it rewrites, adds, holds, delays, retries and skips
 * requests and WebSocket messages, and records metrics of its own. A user is one play of one
 * recorded session.
 *
 * Order      start; then for each user on_session_start, any number of on_request / on_response /
 *            on_ws_message, and on_session_end; stop at the very end. stop and on_session_end come
 *            exactly once for every plugin that start and on_session_start got as far as, after a
 *            failure too.
 * Chain      Plugins are asked in command-line order before sending and in reverse order after
 *            receiving. The first verdict other than REPRISE_CONTINUE is final.
 * Threads    All calls for one user come from one thread, one at a time. Calls for different users
 *            follow reprise_plugin.threads.
 * Blocking   Callbacks run on the event loop. Never sleep and never do I/O: to wait, ask for a
 *            delay or hold the request, and return. Callbacks over a millisecond are reported.
 * Ownership  What a callback is given or reads from the host is good until it returns. What it
 *            gives to the host is copied.
 * Bytes      Every reprise_bytes is followed by a '\0' that its len does not count.
 * Units      _us is microseconds. now_us is the clock of the run and starts near 0. A delay a
 *            plugin asks for is think time: it moves the moment a request is due and never counts
 *            as latency.
 * Errors     Host functions that fail say so (-1, NULL) and keep the reason. A callback that cannot
 *            go on calls error(), unless a host function has just failed, and returns REPRISE_FAIL.
 *
 * Structs that are passed by pointer grow at their end only, and only with REPRISE_ABI_MINOR; a
 * plugin runs in every reprise of the same major and the same or a later minor. reprise_bytes,
 * reprise_option and reprise_metric are fixed for ever.
 */
#ifndef REPRISE_PLUGIN_H
#define REPRISE_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define REPRISE_EXTERN_C extern "C"
#define REPRISE_SIZE_OF(owner, field) sizeof(static_cast<owner *>(nullptr)->field)
extern "C" {
#else
#define REPRISE_EXTERN_C
#define REPRISE_SIZE_OF(owner, field) sizeof(((owner *)0)->field)
#endif

#if defined(__GNUC__)
#define REPRISE_EXPORT __attribute__((visibility("default")))
#define REPRISE_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define REPRISE_EXPORT
#define REPRISE_PRINTF(text, first)
#endif

#define REPRISE_ABI_MAJOR 1
#define REPRISE_ABI_MINOR 0

/* Borrowed; ptr is NULL when the thing does not exist. */
typedef struct reprise_bytes {
    const char *ptr;
    size_t len;
} reprise_bytes;

/*
 * What a callback answers. Any other number, and a verdict its callback does not have, fails the
 * user with the plugin's name.
 *
 *                       session_start  request  response  ws_message
 * REPRISE_CONTINUE            x           x        x          x
 * REPRISE_SKIP                            x                   x
 * REPRISE_HOLD                            x
 * REPRISE_RETRY                                    x
 * REPRISE_END_SESSION         x           x        x          x
 * REPRISE_FAIL                x           x        x          x
 */
enum reprise_verdict {
    REPRISE_CONTINUE = 0,    /* ask the next plugin, then do what the trace says */
    REPRISE_SKIP = 1,        /* do not send this; a received message: forget it */
    REPRISE_HOLD = 2,        /* send what was added, wait for its answers, then ask me again */
    REPRISE_RETRY = 3,       /* send the same request again, asking every plugin again */
    REPRISE_END_SESSION = 4, /* this user is done */
    REPRISE_FAIL = 5         /* this user has failed; error() says why */
};

enum reprise_threads {
    REPRISE_SERIAL = 0,  /* one call into this plugin at a time, whatever the user */
    REPRISE_PARALLEL = 1 /* users at the same time: *plugin is read-only, or locked by you */
};

enum reprise_flags {
    REPRISE_WANT_BODY = 1 /* keep the answers' bodies for on_response; costs memory */
};

#define REPRISE_ADDED UINT32_MAX /* reprise_request.step of a request that is not in the trace */

/* To read; the host's set_ functions change it, and the fields with it. */
typedef struct reprise_request {
    uint32_t step;    /* place in the recorded session, from 0, or REPRISE_ADDED */
    uint32_t attempt; /* 0, then one more for each REPRISE_RETRY */
    uint32_t holds;   /* how often this attempt has been held */
    uint32_t tag;     /* what this plugin gave to new_request(); else 0 */
    reprise_bytes method;
    reprise_bytes url; /* absolute; ws: or wss: when it opens a WebSocket */
    reprise_bytes body;
} reprise_request;

typedef struct reprise_response {
    const reprise_request *request;
    uint32_t status;          /* 0: there was no answer */
    uint32_t recorded_status; /* 0: the trace has none */
    const char *error;        /* why there was no answer, else NULL */
    uint64_t first_byte_us;   /* both measured from the moment the request was due */
    uint64_t total_us;
    reprise_bytes body; /* ptr is NULL without REPRISE_WANT_BODY, and over the host's limit */
} reprise_response;

typedef struct reprise_ws_message {
    uint32_t step;        /* of the request that opened the WebSocket */
    uint32_t index;       /* place among the messages of its direction, from 0 */
    uint32_t is_outgoing; /* 1: about to be sent, from the trace; 0: just received */
    uint32_t is_text;
    reprise_bytes data; /* ptr is NULL over 16 MiB */
} reprise_ws_message;

typedef struct reprise_host reprise_host;

/* Who is asking, and about whom: the first argument of every callback and host function. */
typedef struct reprise_call {
    const reprise_host *host;
    void *internal;      /* the host's own */
    void *plugin;        /* plugin_size bytes: the options, and what start() put there */
    void *user;          /* user_size bytes, zeroed for each user; NULL in start and stop */
    uint64_t user_index; /* from 0; every user has its own */
    uint64_t session_id; /* which recorded session this user plays */
    uint64_t now_us;
    int64_t unix_us;      /* the same moment, since 1970-01-01 UTC */
    reprise_bytes target; /* "https://host:port", where the run is aimed at; may be empty */
} reprise_call;

enum reprise_metric_kind {
    REPRISE_COUNTER = 0,  /* values are added up */
    REPRISE_HISTOGRAM = 1 /* the run reports percentiles of the values */
};

enum reprise_log_level { REPRISE_DEBUG = 0, REPRISE_INFO = 1, REPRISE_WARNING = 2 };

#define REPRISE_NO_METRIC UINT32_MAX

/* What the host does for a plugin. Only inside a callback, and with that callback's call. */
struct reprise_host {
    uint32_t size; /* of this struct */
    uint16_t abi_major;
    uint16_t abi_minor;

    /* Header names ignore case; a repeated header gives its first value. */
    reprise_bytes (*request_header)(const reprise_call *call, const reprise_request *request,
                                    const char *name);
    reprise_bytes (*response_header)(const reprise_call *call, const reprise_response *response,
                                     const char *name);

    /* In order, from index 0; 0 behind the last. */
    int (*request_header_at)(const reprise_call *call, const reprise_request *request, size_t index,
                             reprise_bytes *ret_name, reprise_bytes *ret_value);
    int (*response_header_at)(const reprise_call *call, const reprise_response *response,
                              size_t index, reprise_bytes *ret_name, reprise_bytes *ret_value);

    /*
     * Rewriting: the request in hand in on_request, or one from new_request() before it is sent.
     * 0, or -1 when the value is not valid there. A url that starts with '/' keeps scheme and host.
     * set_header replaces every header of that name; value NULL removes them.
     */
    int (*set_method)(const reprise_call *call, reprise_request *request, const char *method);
    int (*set_url)(const reprise_call *call, reprise_request *request, const char *url);
    int (*set_header)(const reprise_call *call, reprise_request *request, const char *name,
                      const char *value);
    int (*set_body)(const reprise_call *call, reprise_request *request, const void *data,
                    size_t len);

    /*
     * Adding, in on_session_start, on_request and on_response. new_request() copies `like`, or
     * starts a GET of the target's "/" when it is NULL; NULL once too many were added. send()
     * queues it. Queued requests go out one after another, each when the one before has been
     * answered, through on_request and on_response of every plugin:
     *   REPRISE_HOLD, REPRISE_RETRY    before the request in hand, which waits for their answers
     *   REPRISE_SKIP                   in its place
     *   REPRISE_CONTINUE               after its answer; other steps of the trace do not wait
     *   ... from on_session_start      before the first step, which waits
     *   REPRISE_END_SESSION, _FAIL     not at all
     * A request that is never sent is freed when the callback returns.
     */
    reprise_request *(*new_request)(const reprise_call *call, const reprise_request *like,
                                    uint32_t tag);
    int (*send)(const reprise_call *call, reprise_request *request);

    /* In on_ws_message: change the outgoing message in hand; send one more behind it (or at once,
     * when the one in hand was received). Messages sent here are not shown to any plugin. */
    int (*ws_replace)(const reprise_call *call, const void *data, size_t len);
    int (*ws_send)(const reprise_call *call, const void *data, size_t len, int is_text);

    /* Do what this callback decides no sooner than this from now; the longest one asked for wins.
     * With REPRISE_HOLD and nothing added: ask me again then. */
    void (*delay_us)(const reprise_call *call, uint64_t delay_us);

    /* The same values for the same seed, plugin and user_index, whatever the thread. */
    uint64_t (*random)(const reprise_call *call);

    /* Only in start(), for metrics that depend on options; others belong in
     * reprise_plugin.metrics. The number to record() with, or REPRISE_NO_METRIC. */
    uint32_t (*metric)(const reprise_call *call, const char *name, const char *unit,
                       enum reprise_metric_kind kind);
    /* metric: the place in reprise_plugin.metrics, or what metric() gave. Cheap. */
    void (*record)(const reprise_call *call, uint32_t metric, uint64_t value);

    void (*log)(const reprise_call *call, enum reprise_log_level level, const char *format, ...)
        REPRISE_PRINTF(3, 4);
    /* The first one of a callback is kept. */
    void (*error)(const reprise_call *call, const char *format, ...) REPRISE_PRINTF(2, 3);
};

enum reprise_option_type {
    REPRISE_STRING = 0,   /* const char *; NULL only without a value; good until stop() returns */
    REPRISE_NUMBER = 1,   /* uint64_t */
    REPRISE_REAL = 2,     /* double, not negative */
    REPRISE_DURATION = 3, /* uint64_t microseconds; written 250ms, 2s, 5m */
    REPRISE_SIZE = 4,     /* uint64_t bytes; written 64, 50KB, 2MiB */
    REPRISE_SWITCH = 5    /* uint32_t, 0 or 1; written on, off, or the bare name for on */
};

/* A table ends with an all-zero entry. fallback is written like a value; NULL: must be given. */
typedef struct reprise_option {
    const char *name; /* a-z 0-9 _, a letter first; on the command line '-' is as good as '_' */
    const char *fallback;
    const char *help;    /* one line */
    uint32_t type;       /* enum reprise_option_type */
    uint32_t offset;     /* of the field in *plugin */
    uint32_t size_bytes; /* of the field */
    uint32_t reserved;   /* 0 */
} reprise_option;

/* REPRISE_OPTION(REPRISE_DURATION, struct options, lifetime, "5m", "how long a token is used") */
#define REPRISE_OPTION(type, owner, field, fallback, help)                                         \
    {                                                                                              \
#field, fallback, help, type, offsetof(owner, field), REPRISE_SIZE_OF(owner, field), 0     \
    }
#define REPRISE_OPTIONS_END                                                                        \
    {                                                                                              \
        NULL, NULL, NULL, 0, 0, 0, 0                                                               \
    }

/* A table ends with an all-zero entry. A metric's number is its place in the table. */
typedef struct reprise_metric {
    const char *name; /* a-z 0-9 _, as reports and thresholds call it; unique in a run */
    const char *unit; /* "us" (shown as a time), "bytes", "" for a plain count */
    const char *help; /* one line */
    uint32_t kind;    /* enum reprise_metric_kind */
    uint32_t reserved;
} reprise_metric;

#define REPRISE_METRICS_END                                                                        \
    {                                                                                              \
        NULL, NULL, NULL, 0, 0                                                                     \
    }

typedef struct reprise_plugin {
    uint32_t size; /* these three are REPRISE_PLUGIN_HEADER; never by hand */
    uint16_t abi_major;
    uint16_t abi_minor;

    const char *name;    /* required; a-z 0-9 _, a letter first; unique in a run */
    const char *version; /* your own */
    const char *summary; /* one line */

    uint32_t flags;   /* enum reprise_flags */
    uint32_t threads; /* enum reprise_threads; zero is the safe one */

    uint32_t max_holds;   /* of one attempt, and retries of one request, that this plugin may */
    uint32_t max_retries; /* ask for; 0: 16, at most 10000. More fails the user */

    size_t plugin_size; /* one, zeroed, the options written into it */
    size_t user_size;   /* one per user, zeroed */
    const reprise_option *options;
    const reprise_metric *metrics;

    /* All optional; one that is missing costs nothing. int: enum reprise_verdict. */
    int (*start)(const reprise_call *call); /* CONTINUE or FAIL; check the options here */
    void (*stop)(const reprise_call *call);
    int (*on_session_start)(const reprise_call *call);
    int (*on_request)(const reprise_call *call, reprise_request *request);
    int (*on_response)(const reprise_call *call, const reprise_response *response);
    int (*on_ws_message)(const reprise_call *call, const reprise_ws_message *message);
    void (*on_session_end)(const reprise_call *call);
} reprise_plugin;

/* The first line of the initialiser, in C and in C++20. */
#define REPRISE_PLUGIN_HEADER                                                                      \
    .size = sizeof(reprise_plugin), .abi_major = REPRISE_ABI_MAJOR, .abi_minor = REPRISE_ABI_MINOR

/* The one symbol a plugin exports: REPRISE_REGISTER(plugin); where `plugin` is a reprise_plugin. */
#define REPRISE_REGISTER(plugin)                                                                   \
    REPRISE_EXTERN_C REPRISE_EXPORT const reprise_plugin *reprise_plugin_entry(void);              \
    REPRISE_EXTERN_C REPRISE_EXPORT const reprise_plugin *reprise_plugin_entry(void)               \
    {                                                                                              \
        return &(plugin);                                                                          \
    }                                                                                              \
    struct reprise_plugin_is_registered

#ifdef __cplusplus
}

/* For C++ without designated initialisers: everything zero but the header and the name. */
static inline reprise_plugin reprise_plugin_make(const char *name)
{
    reprise_plugin plugin = reprise_plugin();
    plugin.size = sizeof(reprise_plugin);
    plugin.abi_major = REPRISE_ABI_MAJOR;
    plugin.abi_minor = REPRISE_ABI_MINOR;
    plugin.name = name;
    return plugin;
}
#endif
#endif
