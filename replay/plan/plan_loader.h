/*
 * plan_loader.h - what the two halves of plan_stream.h share: the sessions of a stream and their
 * books. The mutex guards all of it but what is the loader's own.
 */
#ifndef REPRISE_REPLAY_PLAN_PLAN_LOADER_H
#define REPRISE_REPLAY_PLAN_PLAN_LOADER_H

#include <pthread.h>

#include "replay/plan/plan_steps.h"
#include "replay/plan/plan_stream.h"

struct session_list;

/* A session that is planned, wished for, loaded or played; others have none. */
struct stream_session {
    struct plan_session session; /* the first member: what users play is this */
    uint32_t index;
    bool is_loading, is_loaded;
    bool is_ahead; /* loaded, planned, and nobody plays it yet */
    uint32_t uses; /* taken and not given back */
    int32_t due;   /* planned and not taken; below 0: taken before the loader drew them */
    size_t bytes;  /* of it alone, once it is loaded */
    struct plan_wish *wishes;
    struct session_list *list; /* one of the stream's three, or NULL */
    struct stream_session *next, *previous;
    struct arena arena;
    struct plan_body **bodies; /* in the arena */
    size_t body_count;
};

struct session_list {
    struct stream_session *first, *last;
};

struct plan_stream {
    const struct plan *plan;
    size_t ahead_limit; /* bytes that may be loaded before they are due */

    /* The loader's own while it runs. */
    struct plan_builder builder;
    struct arrivals arrivals; /* drawn so far */
    uint64_t until_us;
    uint32_t next_number;
    unsigned char *was_loaded; /* one bit for each session: what is left out of it is counted */
    pthread_t thread;
    bool is_running;

    pthread_mutex_t mutex;
    pthread_cond_t work; /* for the loader */
    pthread_cond_t news; /* for who waits for its first sessions */
    bool is_open;        /* the open model: the loader draws what is planned */
    bool has_arrivals;   /* of those: there are more */
    bool is_asleep;      /* the loader waits for work */
    bool is_short;       /* and for memory: something has to be given back first */
    bool is_stopping;
    struct error error;               /* exit_code 0: none */
    struct stream_session **sessions; /* by the plan's index */
    struct session_list wanted;       /* closed model: wished for */
    struct session_list ahead;        /* closed model: planned */
    struct session_list idle;         /* loaded, and neither planned nor played; the oldest first */
    struct plan_client *clients;
    uint64_t waiting; /* wishes that are not granted */
    size_t ahead_bytes, idle_bytes;
    uint64_t unplayable;
    struct plan_binding_losses binding_losses;
    struct plan_stream_stats stats;
};

/* The session's books, made when there are none; NULL without memory. */
struct stream_session *stream_session_get(struct plan_stream *stream, uint32_t index);

/* A count of it has changed: it goes to the list where it belongs now, or away. */
void stream_session_settle(struct plan_stream *stream, struct stream_session *session);

/* The thread. */
void *plan_loader_run(void *stream);

#endif
