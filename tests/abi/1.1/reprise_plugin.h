/*
 * reprise_plugin.h - the plugin interface, version 1.1; the only header a plugin includes.
 *
 * A plugin changes what one replayed user does: it rewrites, adds, holds, delays, retries and skips
 * requests and WebSocket messages, and records metrics of its own. A user is one play of one
 * recorded session.
 *
 * Order      start; on_recorded for the trace's exchanges; on_recording_end; then for each user
 *            on_session_start, any number of on_request / on_response / on_response_data /
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
 * Bytes      A reprise_bytes whose ptr is not NULL is followed by a '\0' that its len does not
 *            count; a piece from request_body_at() is not. ptr NULL: there is nothing, no '\0'
 *            either. What a plugin gives to the host needs none.
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
#define REPRISE_ABI_MINOR 1

/* Borrowed; ptr is NULL when the thing does not exist: look before you read. */
typedef struct reprise_bytes {
    const char *ptr;
    size_t len;
} reprise_bytes;

/* For tables of headers; borrowed. */
typedef struct reprise_header {
    reprise_bytes name;
    reprise_bytes value;
} reprise_header;

/*
 * What a callback answers. Any other number, and a verdict its callback does not have, fails the
 * user with the plugin's name.
 *
 *                       session_start  request  response  response_data  ws_message  recorded
 * REPRISE_CONTINUE            x           x        x            x            x          x
 * REPRISE_SKIP                            x                     x            x          x
 * REPRISE_HOLD                            x
 * REPRISE_RETRY                                    x
 * REPRISE_END_SESSION         x           x        x            x            x          x
 * REPRISE_FAIL                x           x        x            x            x          x
 */
enum reprise_verdict {
    REPRISE_CONTINUE = 0,    /* ask the next plugin, then do what the trace says */
    REPRISE_SKIP = 1,        /* do not send this; a received message: forget it; of an answer's
                                data, of a recorded session: show me no more of it */
    REPRISE_HOLD = 2,        /* send what was added, wait for its answers, then ask me again */
    REPRISE_RETRY = 3,       /* send the same request again, asking every plugin again */
    REPRISE_END_SESSION = 4, /* this user is done; on_recorded: I have seen enough of the trace */
    REPRISE_FAIL = 5         /* this user has failed; error() says why */
};

enum reprise_threads {
    REPRISE_SERIAL = 0,  /* one call into this plugin at a time, whatever the user */
    REPRISE_PARALLEL = 1 /* users at the same time: *plugin is read-only, or locked by you */
};

enum reprise_flags {
    REPRISE_WANT_BODY = 1,   /* keep the answers' bodies for on_response; costs memory */
    REPRISE_MARKED_ONLY = 2, /* 1.1: on_request, on_response, on_response_data and on_ws_message are
                                for steps that mark() has marked and for requests that this plugin
                                added; whatever else the session does costs nothing, and a
                                session without a mark is not shown to the plugin at all */
    REPRISE_NO_REQUEST_BODY = 4, /* 1.1: reprise_request.body stays empty; request_body_at() has it.
                                   For bodies so large that nobody should copy them */
    REPRISE_ASK_LAST = 8 /* 1.1: a request that has waited since on_request (a delay, the hold of a
                            later plugin) is shown once more at the moment it would be sent, as the
                            same attempt: for what may have ended meanwhile, and for signatures */
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
    /* 1.1 */
    uint32_t mark; /* what this plugin gave to mark() for this step; else 0 */
    uint32_t reserved;
    uint64_t body_bytes; /* its length, whether `body` has it or not */
} reprise_request;

typedef struct reprise_response {
    const reprise_request *request;
    uint32_t status;          /* 0: there was no answer */
    uint32_t recorded_status; /* 0: the trace has none */
    const char *error;        /* why there was no answer, else NULL */
    uint64_t first_byte_us;   /* both measured from the moment the request was due */
    uint64_t total_us;
    reprise_bytes body; /* ptr is NULL without REPRISE_WANT_BODY, and over the host's limit */
    /* 1.1 */
    uint64_t sent_us;    /* when its last byte was handed to the connection; since it was due */
    uint64_t body_bytes; /* of the answer, as they came */
} reprise_response;

typedef struct reprise_ws_message {
    uint32_t step;        /* of the request that opened the WebSocket */
    uint32_t index;       /* place among the messages of its direction, from 0 */
    uint32_t is_outgoing; /* 1: about to be sent, from the trace; 0: just received */
    uint32_t is_text;
    reprise_bytes data; /* ptr is NULL over 16 MiB */
    /* 1.1 */
    uint32_t mark; /* of the step that opened the WebSocket */
    uint32_t reserved;
} reprise_ws_message;

enum reprise_recorded_kind {
    REPRISE_RECORDED_EXCHANGE = 0,     /* a request and its answer */
    REPRISE_RECORDED_WS_CONNECT = 1,   /* the same, and a WebSocket came of it */
    REPRISE_RECORDED_MESSAGE_SENT = 2, /* by the client */
    REPRISE_RECORDED_MESSAGE_RECEIVED = 3
};

/* 1.1. One exchange of the trace, or one message of a WebSocket: in the order they began, session
 * by session. call->session_id says whose; content codings are undone. */
typedef struct reprise_recorded {
    uint32_t kind;     /* enum reprise_recorded_kind */
    uint32_t step;     /* as reprise_request.step; a message: of the request that opened it */
    uint32_t status;   /* 0: the trace has no answer */
    uint32_t is_text;  /* of a message */
    uint64_t began_us; /* since the session's start */
    uint64_t ended_us; /* of the answer */
    reprise_bytes method;
    reprise_bytes url;           /* absolute, on the target */
    reprise_bytes request_body;  /* or the message */
    reprise_bytes response_body; /* ptr is NULL without one */
    const reprise_header *request_headers;
    const reprise_header *response_headers;
    size_t request_header_count;
    size_t response_header_count;
} reprise_recorded;

/* 1.1. An answer for settle(); borrowed. A Content-Type is worth giving. */
typedef struct reprise_answer {
    uint32_t size; /* of this struct */
    uint32_t status;
    const reprise_header *headers;
    size_t header_count;
    reprise_bytes body;
} reprise_answer;

/* 1.1. A body that is made while it is sent. Its functions run on the user's thread, between
 * callbacks, and for a REPRISE_SERIAL plugin one at a time like those: no host function may be
 * called there. A retry, or a connection that turns out to be gone, reads from offset 0 again. */
typedef struct reprise_body_source {
    uint32_t size; /* of this struct */
    uint32_t reserved;
    uint64_t body_bytes; /* known ahead: it is the Content-Length */
    /* The bytes from `offset` on, 1 to `max` of them, which is never beyond the end: how many; 0 or
     * less, or more than `max`: it has failed, and so has the request, in the plugin's name. Must
     * give the same bytes when it is asked again. Some KB at a time, on the event loop. */
    int64_t (*read)(void *state, uint64_t offset, void *into, size_t max);
    void (*release)(void *state); /* once, when nobody will read any more; may be NULL */
    void *state;
    /* The pace it is sent at; 0: as fast as the connection takes it. The time this takes comes on
     * top of the run's --timeout. */
    uint64_t bytes_per_s;
    /* Why the last read() has failed, in a few words; asked right behind it. It stands in the
     * request's failure. Copied. May be NULL, and so may what it gives. */
    const char *(*reason)(void *state);
} reprise_body_source;

/* 1.1. What the run makes of an answer, whatever its status says. */
enum reprise_judgement {
    REPRISE_EXPECTED = 1,  /* no failure and no divergence; counted apart */
    REPRISE_UNEXPECTED = 2 /* a failure, in the plugin's name */
};

typedef struct reprise_host reprise_host;

/* Who is asking, and about whom: the first argument of every callback and host function. */
typedef struct reprise_call {
    const reprise_host *host;
    void *internal;      /* the host's own */
    void *plugin;        /* plugin_size bytes: the options, and what start() put there */
    void *user;          /* user_size bytes, zeroed for each user; NULL before the first and in
                            stop */
    uint64_t user_index; /* from 0; every user has its own */
    uint64_t session_id; /* which recorded session this user plays */
    uint64_t now_us;
    int64_t unix_us;      /* the same moment, since 1970-01-01 UTC */
    reprise_bytes target; /* "https://host:port", where the run is aimed at; may be empty */
    /* 1.1 */
    double think_speed;  /* what recorded gaps are divided by; 0: gaps are left out */
    uint32_t step_count; /* of the session */
    uint32_t reserved;
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

    /* 1.1 */

    /* Only in on_recorded: what reprise_request.mark says whenever this step of the session in hand
     * is played. Any step of it, seen or to come; the last mark counts, 0 takes it back. */
    int (*mark)(const reprise_call *call, uint32_t step, uint32_t mark);

    /* Like new_request(), of a recorded step of this session: with the user's own values and
     * identity as far as they are known by now, the recorded ones else. */
    reprise_request *(*new_request_of_step)(const reprise_call *call, uint32_t step, uint32_t tag);

    /*
     * A step of the recording that is not sent is answered all the same: what waits for it goes on
     * at once, and the values that the trace takes from its answer are taken from this one. In
     * on_request, on_response, on_response_data and on_ws_message. Of the request in hand in
     * on_request together with REPRISE_SKIP; of any other step that has not been sent. answer NULL:
     * nothing can be taken from it. settle_like() gives the answer in hand in on_response, with its
     * body where that was kept (REPRISE_WANT_BODY, keep_body()). -1: the
     * step was sent, or is none. One that waits to be sent again (REPRISE_RETRY) can be settled:
     * another signal may end a loop of polls; what was sent of it stays counted.
     */
    int (*settle)(const reprise_call *call, uint32_t step, const reprise_answer *answer);
    int (*settle_like)(const reprise_call *call, uint32_t step, const reprise_response *response);

    /* In on_response, with REPRISE_CONTINUE. The first plugin asked that judges is final. An
     * answer that REPRISE_RETRY takes back is no result and needs no judgement. -1 also for
     * REPRISE_EXPECTED where nothing was answered: that stays the failure it is. */
    int (*judge)(const reprise_call *call, enum reprise_judgement judgement, const char *reason);

    /* Whatever binding of the trace holds `old` for this user holds `value` from now on: requests
     * to come, wherever they carry it, in whatever form. How many there were, or -1. */
    int (*replace_value)(const reprise_call *call, reprise_bytes old, reprise_bytes value);

    /* This user's row of --data: the text of a column. ptr is NULL without data or column. */
    reprise_bytes (*data)(const reprise_call *call, const char *column);

    /* Requests of this user that this plugin holds are asked about again, at once. */
    void (*wake)(const reprise_call *call);

    /* In on_request: on_response will have this answer's body, whatever the flags say. */
    void (*keep_body)(const reprise_call *call);

    /* The body of the request in hand as it lies, piece by piece from index 0; ptr is NULL behind
     * the last. Nothing is copied, no '\0' follows; good until the callback returns, and where it
     * gives the request a source, until that is released. With a source it is the body that would
     * be sent without. */
    reprise_bytes (*request_body_at)(const reprise_call *call, const reprise_request *request,
                                     size_t index);
    /* As set_body(), and Content-Length follows; request->body is empty then. The source's struct
     * is copied; its state is released by the host from here on, also after -1 (unless `source` is
     * NULL or its size is wrong). new_request() does not copy a source. */
    int (*set_body_source)(const reprise_call *call, reprise_request *request,
                           const reprise_body_source *source);

    /* In on_response_data: the rest is not read; the answer is complete as it is. */
    void (*end_response)(const reprise_call *call);

    /* As if the answer to this recorded step had this Set-Cookie header: the user's cookies are
     * kept by the host, and the request in hand in on_request has it already. Without Path it is
     * for the step's folder; of REPRISE_ADDED, for all. -1: no such step, or no cookie. */
    int (*set_cookie)(const reprise_call *call, uint32_t step, const char *set_cookie);

    /* In on_request: the answer to this attempt is given up this long after it was sent, as at
     * --timeout, if that is sooner. Of those asked for the shortest counts; 0 asks for none. Not of
     * a WebSocket. */
    void (*limit_us)(const reprise_call *call, uint64_t limit_us);
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
    const char *unit; /* "us" (shown as a time), "bytes", "bytes/s" (sizes), "": a count */
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

    /* 1.1 */

    /* Before the run: what was recorded, to find in it what the plugin is for. One thread, user is
     * NULL. Reads the whole trace, bodies and all: SKIP and END_SESSION save what is not needed. */
    int (*on_recorded)(const reprise_call *call, const reprise_recorded *recorded);
    /* A piece of an answer's body as it comes; on_response follows. response->body is empty. */
    int (*on_response_data)(const reprise_call *call, const reprise_response *response,
                            reprise_bytes data);
    /* Once, behind the last on_recorded and before the first user: also when there was nothing to
     * show, or the plugin had seen enough, or has no on_recorded. CONTINUE, or FAIL: the run does
     * not start. Here a plugin says what it has found, or that it has found nothing. */
    int (*on_recording_end)(const reprise_call *call);
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
