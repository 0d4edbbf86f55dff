/*
 * plan_stream.h - the sessions of a large trace, loaded by a thread shortly before they are due and
 * freed when nobody plays them any more.
 *
 * A play of a session is planned, then taken, then given back. Planned are in the open model the
 * arrivals, which the loader draws itself, as far ahead as its memory allows; in the closed model
 * what plan_expect() names, each user's next session. What is not here when it is taken is wished
 * for: the wish comes back through its client's descriptor, and the user starts late.
 *
 *     planned --> (loading) --> loaded --> taken --> given back --> idle: freed, or kept for
 *                     ^                                             another play (closed model)
 *                     +-- wished for
 *
 * Memory: at most plan_options.max_bytes and one session, PLAN_AHEAD_BYTES of it ahead of time.
 * Where the users' sessions need more than that, they wait for each other's end.
 *
 * Who plays never waits for the loader, whatever that is doing or kept from doing: all calls here
 * but those that start, stop, and begin and end a client, are a few atomic operations.
 *
 * A plan that is loaded whole has no stream: plan_take() is an array access then, and the rest
 * does nothing.
 */
#ifndef REPRISE_REPLAY_PLAN_PLAN_STREAM_H
#define REPRISE_REPLAY_PLAN_PLAN_STREAM_H

#include "replay/plan/arrivals.h"

#define PLAN_AHEAD_BYTES (16u << 20)

struct plan_wish;

struct plan_mailbox;
struct plan_ticket;

/* One thread that plays. */
struct plan_client {
    int event_fd; /* readable when plan_client_next() has something, or the loader has failed */
    struct plan_mailbox *mailbox;
    struct plan_ticket *first; /* came back, and was not told yet */
};

/* Lies in whoever waits; not moved while it is under way. */
struct plan_wish {
    uint32_t session; /* index into plan.index */
    void *owner;
    struct plan_client *client;
    struct plan_ticket *ticket;         /* NULL: it was told */
    const struct plan_session *granted; /* NULL: not yet */
};

/* What will be played, for the loader to be ahead of it: the open model's arrivals before until_us
 * (0: all of them), or NULL. Starts the thread. -1 with err. */
int plan_stream_start(const struct plan *plan, const struct arrivals *arrivals, uint64_t until_us,
                      struct error *err);
/* No more is loaded: what is wished for never comes. Clients may still give back. No-op without a
 * stream. */
void plan_stream_stop(const struct plan *plan);

/* -1 with err: no descriptor. Ends its wishes. */
int plan_client_init(struct plan_client *client, const struct plan *plan, struct error *err);
void plan_client_fini(struct plan_client *client, const struct plan *plan);

/* The next wish that was granted, or NULL: all were told. To be asked until then. */
struct plan_wish *plan_client_next(struct plan_client *client, const struct plan *plan);

/* Why the loader gave up; false: it did not. */
bool plan_stream_has_failed(const struct plan *plan, struct error *ret_error);

/* A play that will be taken, or will not after all. */
void plan_expect(const struct plan *plan, uint32_t session);
void plan_forget(const struct plan *plan, uint32_t session);

/* The session of a planned play, to be given back; NULL: `wish` is under way, or without memory,
 * which wish->client NULL tells. */
const struct plan_session *plan_take(const struct plan *plan, struct plan_client *client,
                                     uint32_t session, void *owner, struct plan_wish *wish);
void plan_cancel(const struct plan *plan, struct plan_wish *wish);
void plan_give_back(const struct plan *plan, const struct plan_session *session);

/* For a test and for people: what is loaded, and the most that was. */
struct plan_stream_stats {
    uint64_t loaded;     /* sessions, each time it was */
    uint64_t waited_for; /* plays that came before their session */
    size_t used_bytes, most_bytes;
};
void plan_stream_stats(const struct plan *plan, struct plan_stream_stats *ret_stats);

struct plan_builder;

/* For plan_build.c: takes the builder over, in any case. -1 with err. */
int plan_stream_new(struct plan_stream **ret_stream, struct plan_builder *builder,
                    struct error *err);
void plan_stream_free(struct plan_stream *stream);
uint64_t plan_stream_unplayable(struct plan_stream *stream);
struct plan_binding_losses plan_stream_binding_losses(struct plan_stream *stream);

#endif
