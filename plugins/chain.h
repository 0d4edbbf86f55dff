/*
 * chain.h - the plugins of a run, asked in order; the joint between a replayed user and plugins.
 *
 * plugin_chain    what --plugin named, loaded and started: read-only and shared by all workers
 * chain_worker    what one worker thread lends to calls: scratch memory, counts, where to record
 * chain_user      one replayed user's plugin states; belongs to a worker for life
 * chain_outcome   what a call decided. The chain decides and never acts: replay carries it out
 *
 * Life: chain_open, chain_start, then per thread chain_worker_new, then per user chain_user_new,
 * chain_session_start, any number of calls, chain_session_end, chain_user_free; chain_worker_free,
 * chain_stop, chain_close. Before a call, ask chain_wants(): with no plugin that has the callback
 * the call may be left out.
 *
 * What replay does with a verdict:
 *
 *   REPRISE_CONTINUE     what the trace says; `added` go out after the answer, nobody waits
 *   REPRISE_SKIP         request or message is not sent; `added` go out in its place
 *   REPRISE_HOLD         `added` go out first. When the last of them has been answered (and
 *                        chain_response was called for it), chain_request again on the same
 *                        request, holds + 1, ask_from = outcome.ask_from. waits_for_answer: nothing
 *                        was added; ask again when a request that outcome.plugin added for this
 *                        user is done with: answered, skipped or given up, or it would wait for
 *                        ever. Neither: ask again after delay_us.
 *   REPRISE_RETRY        `added` go out first, as with HOLD; then the same request with
 *                        attempt + 1, holds 0, ask_from 0. The answer is no result
 *   REPRISE_END_SESSION  the user is done
 *   REPRISE_FAIL         the user has failed; outcome.error says why and names the plugin
 *
 * delay_us comes first, whatever the verdict. `added` are sent one after another, each once the one
 * before has been answered, and go through chain_request and chain_response themselves with
 * info.added set. After chain_session_start the first step waits for all of them.
 *
 * Views given to a call need not outlive it. Methods, URLs and bodies must be followed by a '\0'
 * (arena_copy and struct buf see to it; asserted); nothing else needs one.
 */
#ifndef REPRISE_PLUGINS_CHAIN_H
#define REPRISE_PLUGINS_CHAIN_H

#include "core/arena.h"
#include "core/error.h"
#include "core/http_message.h"
#include "plugins/guard.h"
#include "plugins/load.h"

#define CHAIN_MAX_PLUGINS 32
#define CHAIN_MAX_METRICS 64         /* of all plugins together */
#define CHAIN_DEFAULT_HOLDS 16       /* per attempt, where the plugin does not say */
#define CHAIN_DEFAULT_RETRIES 16     /* per request, likewise */
#define CHAIN_MAX_REPEATS 10000      /* that a plugin may say */
#define CHAIN_DEFAULT_ADDED 1000     /* requests added per recorded step */
#define CHAIN_DEFAULT_BUDGET_US 1000 /* per callback, before a warning */
#define CHAIN_MAX_DELAY_US (24 * 3600 * UINT64_C(1000000))
#define CHAIN_MAX_WS_SENDS 64                    /* per callback */
#define CHAIN_MAX_ADDED_BYTES (64 * 1024 * 1024) /* one added request, its body included */
#define CHAIN_MAX_SCRATCH_BYTES (1024 * 1024)    /* what one callback reads */
#define CHAIN_MAX_WS_BYTES (16 * 1024 * 1024)    /* one message a plugin sends */

/* In the order of a run's life. */
enum chain_callback {
    CHAIN_START,
    CHAIN_RECORDED,
    CHAIN_RECORDING_END,
    CHAIN_SESSION_START,
    CHAIN_REQUEST,
    CHAIN_BODY_READ, /* of reprise_body_source */
    CHAIN_RESPONSE_DATA,
    CHAIN_RESPONSE,
    CHAIN_WS_MESSAGE,
    CHAIN_SESSION_END,
    CHAIN_STOP,
    CHAIN_CALLBACK_COUNT
};

/* As in the header: "start", "on_request", ... */
const char *chain_callback_name(enum chain_callback callback);

/* One bit for each enum chain_callback that the plugin has. */
uint32_t chain_callbacks_of(const reprise_plugin *api);

struct chain_options {
    uint64_t seed;
    uint64_t now_us;
    int64_t unix_us; /* the same moment since 1970-01-01 UTC */
    const char
        *target_url;     /* "https://host:port", copied; NULL: added requests need absolute URLs */
    uint32_t max_added;  /* per recorded step; 0: the default */
    uint64_t budget_us;  /* per callback; 0: the default */
    uint64_t timeout_us; /* of a callback without a user: then the process ends; 0: no limit */
};

/* A metric of a plugin's own; its index is its place from 0 over all plugins. */
struct chain_metric {
    const char *name;
    const char *unit; /* "us", "bytes", "" or the plugin's own word */
    bool is_histogram;
    uint32_t plugin;
};

struct chain_plugin;
struct chain_marks;
struct chain_watch;

struct plugin_chain {
    uint32_t wants;            /* one bit for each enum chain_callback that any plugin has */
    uint32_t wants_always;     /* that a plugin has which is asked about every step */
    uint32_t always_concerned; /* one bit for each such plugin */
    bool wants_body;
    bool asks_last; /* a plugin wants the last look at what has waited */
    uint32_t count;
    uint32_t metric_count;
    struct chain_metric metrics[CHAIN_MAX_METRICS];
    struct chain_plugin *plugins;
    struct chain_marks *marks;       /* NULL: no plugin has marked a step */
    struct chain_worker *own_worker; /* start, stop and on_recorded are called with it */
    struct chain_watch *watch;       /* looks at it; NULL: there is no limit */
    struct chain_options options;    /* defaults filled in */
    struct arena strings;
};

/*
 * Load the plugins that `specs` name, in that order: NAME[:key=value,...]. A ',' inside a value is
 * written '\,'. Nothing to undo after -1.
 */
int chain_open(struct plugin_chain *chain, const char *const *specs, size_t count,
               const struct plugin_search *search, struct error *err);
void chain_close(struct plugin_chain *chain);

/* Call every start(). After -1 those that were reached have been stopped; chain_close is left. */
int chain_start(struct plugin_chain *chain, const struct chain_options *options, struct error *err);
/* The run's 0 is this moment: what unix_us of every further call counts from. Before any worker. */
void chain_set_origin(struct plugin_chain *chain, int64_t unix_us);
/* Call every stop(), last plugin first. No user may be left. */
void chain_stop(struct plugin_chain *chain, uint64_t now_us);

/* chain_recorded.c: what the trace holds is shown before there are workers, session by session.
 * chain_recorded_begin() says whether anybody looks at this one; chain_recorded() shows one
 * exchange or message, 1: nobody looks at the rest of the session, 2: of the trace, -1: a plugin
 * fails the start, err says why. chain_recording_end() once after the last session, also when
 * nobody wanted to see any: before it marks are not in force. -1 as chain_recorded(). */
bool chain_wants_recorded(const struct plugin_chain *chain);
bool chain_recorded_begin(struct plugin_chain *chain, uint64_t session_id, uint32_t step_count);
int chain_recorded(struct plugin_chain *chain, const reprise_recorded *recorded, struct error *err);
int chain_recording_end(struct plugin_chain *chain, struct error *err);

static inline bool chain_is_empty(const struct plugin_chain *chain)
{
    return chain->count == 0;
}

static inline bool chain_wants(const struct plugin_chain *chain, enum chain_callback callback)
{
    return (chain->wants >> callback & 1) != 0;
}

/* Whether struct http_response.body is looked at. */
static inline bool chain_wants_body(const struct plugin_chain *chain)
{
    return chain->wants_body;
}

const char *chain_plugin_name(const struct plugin_chain *chain, uint32_t plugin);

/* Time spent in plugins: one worker's, or summed. Waiting for a serial plugin is not in it. */
struct chain_calls {
    uint64_t count;
    uint64_t total_ns;
    uint64_t max_ns;
    uint64_t slow; /* took longer than the budget */
};

struct chain_stats {
    struct chain_calls calls[CHAIN_MAX_PLUGINS][CHAIN_CALLBACK_COUNT];
};

void chain_stats_merge(struct chain_stats *stats, const struct chain_stats *other);

/* Called on the worker's thread for each value a plugin records; index as in chain->metrics. */
typedef void (*chain_record_fn)(void *owner, uint32_t metric, bool is_histogram, uint64_t value);

struct chain_worker;

/*
 * What plugins may do to the user whose call it is, besides deciding: replay does it at once.
 * `owner` is chain_user_new()'s. All may be called inside any callback about that user.
 */
struct chain_services {
    /* The step has this answer without being sent; NULL: it has none. -1: it was sent, or is none
     * that can be settled. */
    int (*settle)(void *owner, uint32_t step, const struct http_response *answer);
    /* How many values changed; -1 when one cannot be kept. */
    int (*replace_value)(void *owner, struct bytes old, struct bytes value);
    struct bytes (*data)(void *owner, struct bytes column);
    /* The recorded request of a step with the user's values, into a request with an arena. -1: no
     * such step, or no memory. */
    int (*request_of_step)(void *owner, uint32_t step, struct http_request *request);
    void (*wake)(void *owner, uint32_t plugin);
    /* As an answer to this step would; REPRISE_ADDED: to "/". -1: no such step, or no cookie. */
    int (*set_cookie)(void *owner, uint32_t step, struct bytes set_cookie);
};

/* `record` may be NULL: values are dropped. NULL without memory. */
struct chain_worker *chain_worker_new(struct plugin_chain *chain, chain_record_fn record,
                                      void *owner);
/* Looks on at every call, and changes nothing: before a plugin's callback, and once its verdict is
 * in the outcome. plugins/host.h says what a worker has in hand. */
struct chain_tap {
    void *owner;
    void (*before)(void *owner, const struct chain_worker *worker);
    void (*after)(void *owner, const struct chain_worker *worker);
};

/* Borrowed; NULL: nobody. */
void chain_worker_tap(struct chain_worker *worker, const struct chain_tap *tap);

/* Without them these functions of the host fail. Borrowed. */
void chain_worker_serve(struct chain_worker *worker, const struct chain_services *services,
                        double think_speed);
void chain_worker_free(struct chain_worker *worker);

/* Which plugin this worker is inside of, for another thread to look at. Borrowed. */
struct guard *chain_worker_guard(struct chain_worker *worker);

/* The chain's timeout is of this worker's calls, too, which come from the thread that started the
 * chain and from no other: until NULL is given, before the worker is freed. */
void chain_watch_worker(struct plugin_chain *chain, struct chain_worker *worker);

/* Borrowed; only the worker's own thread may look while it runs. */
const struct chain_stats *chain_worker_stats(const struct chain_worker *worker);

struct chain_user;
struct chain_added;

/* One bit for each plugin that the session concerns: plugins that look at marked steps only have to
 * have marked one. With none a user needs no chain_user. */
uint32_t chain_concerned(const struct plugin_chain *chain, uint64_t session_id);

/* Whose session a user plays. */
struct chain_play {
    uint64_t index; /* its own for each user of the run, whatever the worker */
    uint64_t plays; /* sessions the user has begun before: each has random numbers of its own */
    uint64_t session_id;
    uint32_t step_count;
    void *owner; /* for the services */
};

/* NULL without memory. */
struct chain_user *chain_user_new(struct chain_worker *worker, const struct chain_play *play);
/* What was added for the user is freed first, with chain_added_free(). */
void chain_user_free(struct chain_user *user);

/* The callbacks that would be called at all about this step, or about what a plugin added: one bit
 * for each enum chain_callback that is about steps. Of plugins that look at marked steps only it
 * need be none; it is the same for as long as the user lives. */
uint32_t chain_asks_about(const struct chain_user *user, uint32_t step,
                          const struct chain_added *added);

/* Whether somebody looks at a request of this step once more when it has waited. */
bool chain_asks_last(const struct chain_user *user, uint32_t step, const struct chain_added *added);

static inline bool chain_asks(const struct chain_user *user, enum chain_callback callback,
                              uint32_t step, const struct chain_added *added)
{
    return (chain_asks_about(user, step, added) >> callback & 1) != 0;
}

/* A request that a plugin added: owns everything in it. */
struct chain_added {
    struct chain_added *next;
    struct http_request request; /* in `arena`; absolute url */
    uint32_t plugin;             /* which one added it */
    uint32_t tag;
    struct arena arena;
    reprise_request view; /* the plugin's side of it */
};

/* Once it is done with, answered or not. Frees this one, not the list. */
void chain_added_free(struct chain_user *user, struct chain_added *added);

/* A message that a plugin sends on the WebSocket in hand. */
struct chain_ws_send {
    struct chain_ws_send *next;
    bool is_text;
    struct bytes data; /* in the same block */
};

void chain_ws_send_free(struct chain_ws_send *send);

struct chain_outcome {
    enum reprise_verdict verdict;
    uint32_t plugin;   /* who gave it, unless it is CONTINUE */
    uint32_t ask_from; /* on_request: with HOLD; with CONTINUE and a delay, where chain_asks_last():
                          who is asked when the wait is over; the chain's count: the last look */
    uint64_t delay_us; /* at most CHAIN_MAX_DELAY_US */
    bool waits_for_answer;
    uint32_t aimed_by;                /* of the request in hand: 1 + who set its URL; 0: nobody */
    uint32_t keeps_body;              /* of the answer, for these plugins: one bit for each */
    uint64_t limit_us;                /* of on_request: for the answer; 0: none but the run's own */
    enum reprise_judgement judgement; /* of on_response; 0: the status says it */
    const char *judged;               /* with it: the plugin and its reason; as `error` */
    const char *error;                /* with FAIL; good until the next call with this worker */
    struct chain_added *added;        /* in order; the caller's. None with END_SESSION and FAIL */
    uint32_t added_count;
    struct chain_ws_send *sends; /* likewise */
};

/* Of two limits; 0 is none. */
static inline uint64_t chain_shorter_us(uint64_t a_us, uint64_t b_us)
{
    return !a_us || (b_us && b_us < a_us) ? b_us : a_us;
}

/* What one plugin has asked for, of one request. */
struct chain_repeats {
    uint16_t holds; /* of this attempt */
    uint16_t retries;
};

struct chain_request_info {
    uint32_t step;                         /* ignored with `added` */
    uint32_t attempt;                      /* retries so far */
    uint32_t holds;                        /* of this attempt, so far */
    uint32_t ask_from;                     /* outcome.ask_from after a wait, else 0 */
    uint32_t keeps_body;                   /* as the outcome of chain_request said */
    const struct chain_added *added;       /* when a plugin added it, else NULL */
    const struct chain_repeats *by_plugin; /* one for each; NULL: whoever asks has asked for all */
};

struct chain_answer {
    const struct http_request *request;
    struct chain_request_info info;
    const struct http_response *response; /* status 0: there was none */
    const char *error;                    /* why there was none, else NULL */
    int recorded_status;
    uint64_t first_byte_us; /* these three from the moment the request was due */
    uint64_t total_us;
    uint64_t sent_us;
    uint64_t body_bytes;
};

/* A piece of an answer's body while it comes. */
struct chain_data {
    struct bytes data;
    uint32_t skipped; /* plugins that want no more of this answer: one bit for each; set by the
                         call, to be handed to the next one */
    bool is_enough;   /* the answer is to end here */
};

struct chain_message {
    uint32_t step; /* of the request that opened the WebSocket */
    uint32_t index;
    bool is_outgoing;
    bool is_text;
    struct bytes data;   /* what a plugin replaced it with, after the call */
    struct arena *arena; /* where that is kept; NULL: cannot be replaced */
};

/* All: *ret_outcome is always filled. Verdicts as in the table of reprise_plugin.h. */
void chain_session_start(struct chain_user *user, uint64_t now_us,
                         struct chain_outcome *ret_outcome);
void chain_request(struct chain_user *user, uint64_t now_us, struct http_request *request,
                   const struct chain_request_info *info, struct chain_outcome *ret_outcome);
void chain_response(struct chain_user *user, uint64_t now_us, const struct chain_answer *answer,
                    struct chain_outcome *ret_outcome);
/* chain_response() of the same answer follows; SKIP is no outcome but in data->skipped. */
void chain_response_data(struct chain_user *user, uint64_t now_us,
                         const struct chain_answer *answer, struct chain_data *data,
                         struct chain_outcome *ret_outcome);
void chain_ws_message(struct chain_user *user, uint64_t now_us, struct chain_message *message,
                      struct chain_outcome *ret_outcome);

/* Calls on_session_end of the plugins that chain_session_start got as far as; once. */
void chain_session_end(struct chain_user *user, uint64_t now_us);

#endif
