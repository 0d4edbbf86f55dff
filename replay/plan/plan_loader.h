/*
 * plan_loader.h - what the two halves of plan_stream.h share, and what is the loader's own.
 *
 * There is no lock between them. The loader runs when nothing else wants the core (plan_turns.c):
 * holding one it could be put aside for as long as others are busy, and a worker would wait for
 * those. So all that
 * a worker changes is a session's word of counts and flags, at once and by itself:
 *
 *     expect   due + 1                         give back   uses - 1
 *     forget   due - 1                         take        due - 1, and uses + 1 if it is loaded
 *
 * Only the loader sets and clears STREAM_LOADED, the latter only where nobody has a use of it or
 * expects one. What may concern it (a session that is idle now, or expected and not here) is put
 * into its inbox, once until it has looked; wishes come as tickets (plan_mail.h).
 */
#ifndef REPRISE_REPLAY_PLAN_PLAN_LOADER_H
#define REPRISE_REPLAY_PLAN_PLAN_LOADER_H

#include <pthread.h>
#include <semaphore.h>

#include "replay/plan/plan_mail.h"
#include "replay/plan/plan_steps.h"
#include "replay/plan/plan_stream.h"

/* A session's word. `uses`: taken and not given back. `due`, of 32 bits: planned and not taken;
 * below 0: taken before the loader drew them. */
#define STREAM_LOADED UINT64_C(1)
#define STREAM_QUEUED UINT64_C(2) /* in the inbox */
#define STREAM_USE (UINT64_C(1) << 2)
#define STREAM_DUE (UINT64_C(1) << 32)

static inline uint32_t stream_uses(uint64_t state)
{
    return (uint32_t)state >> 2;
}

static inline int32_t stream_due(uint64_t state)
{
    return (int32_t)(uint32_t)(state >> 32);
}

static inline bool stream_is_idle(uint64_t state)
{
    return (state & STREAM_LOADED) && stream_uses(state) == 0 && stream_due(state) <= 0;
}

/* Loaded, planned, and nobody plays it yet. */
static inline bool stream_is_ahead(uint64_t state)
{
    return (state & STREAM_LOADED) && stream_uses(state) == 0 && stream_due(state) > 0;
}

enum { STREAM_SIZE_UNIT_BYTES = 16 };

struct stream_entry {
    _Atomic uint64_t state;
    struct stream_session *session; /* the loader's; to be read by who has a use of it */
    _Atomic uint32_t size;          /* in STREAM_SIZE_UNIT_BYTES, once it was loaded */
    uint32_t next;                  /* in the inbox: index + 1; 0: none */
};

struct session_list;

/* A session that is expected, wished for or loaded, as the loader knows it. */
struct stream_session {
    struct plan_session session; /* the first member: what users play is this */
    uint32_t index;
    size_t bytes; /* of it alone, once it is loaded */
    struct plan_ticket *tickets, *last_ticket;
    struct session_list *list; /* one of the stream's three, or NULL */
    struct stream_session *next, *previous;
    struct arena arena;
    struct plan_body **bodies; /* in the arena */
    size_t body_count;
};

struct session_list {
    struct stream_session *first, *last;
};

/* Why a loader that sleeps wants to be woken. */
enum stream_wake {
    WAKE_WISH = 1,     /* a session is wished for */
    WAKE_EXPECTED = 2, /* one is expected that is not here */
    WAKE_ROOM = 4,     /* half of what may be loaded ahead is taken, and there is more */
    WAKE_IDLE = 8,     /* memory is short, and a session is idle now */
    WAKE_TIDY = 16     /* much is idle that nobody comes back to */
};

struct plan_stream {
    const struct plan *plan;
    size_t ahead_limit; /* bytes that may be loaded before they are due */
    bool is_open;       /* the open model: the loader draws what is planned */
    bool is_running;

    /* Everybody's. */
    struct stream_entry *entries; /* by the plan's index */
    _Atomic uint32_t inbox;       /* the last one put, by its index + 1; 0: empty */
    plan_ticket_stack wishes;
    _Atomic unsigned asleep_for; /* of enum stream_wake; 0: the loader is up */
    sem_t work;                  /* for a loader that sleeps */
    uint64_t woken_us;           /* when it was posted: by who did, to be read by who was woken */
    _Atomic int64_t ahead_bytes, idle_bytes;
    atomic_bool is_stopping, has_failed;
    _Atomic uint64_t loaded, waited_for;
    _Atomic size_t used_bytes, most_bytes;

    /* Of no matter to who plays: the loader is in here when a session of it has lost something, and
     * when it gives up. */
    pthread_mutex_t mutex;
    struct plan_mailbox *mailboxes;
    struct error error;
    uint64_t unplayable;
    struct plan_binding_losses binding_losses;

    /* The two threads that are the loader in turn, and what ends their waiting. */
    struct plan_turns {
        pthread_t modest, normal;
        bool has_modest, has_normal; /* were started */
        atomic_bool is_modest;       /* whose turn it is */
        sem_t for_modest, for_normal;
        uint64_t (*clock_us)(void), (*cpu_us)(void); /* of the calling thread; a test has its own */
        uint64_t since_us, since_cpu_us;             /* since it looked last, or was woken */
    } turns;

    /* The loader's own while it runs. */
    struct plan_builder builder;
    struct arrivals arrivals; /* drawn so far */
    bool has_arrivals;        /* there are more */
    bool is_short;            /* of memory: something has to be given back first */
    sem_t begun;              /* for who waits for its first sessions */
    uint64_t until_us;
    uint32_t next_number;
    unsigned char *was_loaded;  /* one bit for each session: what is left out of it is counted */
    struct session_list wanted; /* wished for */
    struct session_list ahead;  /* closed model: planned, when they were put there */
    struct session_list idle;   /* when they were put there; the oldest first */
};

/* Adds to a session's word what fits, and tells the loader's inbox; the new word. */
uint64_t stream_change(struct plan_stream *stream, uint32_t index, uint64_t if_loaded,
                       uint64_t if_not);
static inline uint64_t stream_add(struct plan_stream *stream, uint32_t index, uint64_t change)
{
    return stream_change(stream, index, change, change);
}

/* Books of the sessions that are changed: memory that is idle, or loaded ahead. */
void stream_count(struct plan_stream *stream, uint32_t index, uint64_t before, uint64_t after);

/* Half of what may be ahead is not. */
bool stream_has_room(struct plan_stream *stream);

/* The first sessions, before anybody plays. */
void plan_loader_begin(struct plan_stream *stream);
/* All others, until there is an end or, if so, it has starved. */
void plan_loader_work(struct plan_stream *stream, bool until_it_starves);

/* Its memory, once it has ended. */
void plan_loader_clear(struct plan_stream *stream);

/* Its threads, in plan_turns.c. -1 with err: there are none. */
void plan_turns_init(struct plan_turns *turns);
void plan_turns_fini(struct plan_turns *turns);
int plan_turns_start(struct plan_stream *stream, struct error *err);
/* They end: is_stopping is set. */
void plan_turns_join(struct plan_stream *stream);

/* The loader's: it was woken; and whether somebody has waited while it wanted to run and was not
 * let, since it was woken or asked last. */
void plan_turns_awake(struct plan_stream *stream);
bool plan_turns_has_starved(struct plan_stream *stream);

#endif
