/*
 * plan_steps.h - from recorded rows to the steps of one session; used by plan_*.c only.
 *
 * Steps are drafted while a session's rows are read, then put in order and copied into the plan.
 */
#ifndef REPRISE_REPLAY_PLAN_STEPS_H
#define REPRISE_REPLAY_PLAN_STEPS_H

#include "core/buf.h"
#include "replay/plan/plan.h"
#include "traces/reader.h"

struct plan_draft {
    struct plan_step step;
    struct plan_moments moments;
    int64_t exchange_id; /* of a client's text or binary: of its upgrade; 0: of another message */
    uint32_t message_number; /* of the client's texts and binaries on its WebSocket, from 1; 0: none
                                of them */
    struct request_cut cut;  /* also where the step has none: of an upgrade */
    int64_t connection_id;   /* 0: of a message */
    int64_t closed_us;       /* when the client or the server closed it; INT64_MAX: not seen */
};

struct plan_endpoint {
    int64_t endpoint_id;
    uint32_t index; /* in plan.endpoints */
};

/* A WebSocket while its messages are read. */
struct plan_channel {
    uint32_t server_messages;
    int64_t last_server_us;
};

struct plan_builder {
    struct plan *plan;
    struct arena *arena;        /* of the sessions that are made */
    struct plan_bodies *bodies; /* the same */
    struct plan_options options;
    struct bytes host; /* and port, of options.target; .len 0: that is no origin */
    struct trace_reader *reader;
    struct plan_body **taken; /* by the session in hand */
    size_t taken_count, taken_capacity;
    uint64_t unplayable;
    size_t bodies_base;    /* what bodies took before: not of what is limited now */
    bool is_out_of_memory; /* the arena, or what is behind it, was the reason of the failure */
    struct buf scratch;
    struct buf head;        /* of the request in hand */
    struct request_cut cut; /* the same */
    struct plan_binding_losses binding_losses;
    uint64_t data_sessions; /* that --data has something for */
    uint64_t maps_used;     /* bit i: requests carry the text of the i-th --map */
    uint64_t
        columns_unused; /* bit i: where an answer gives the value the i-th column does not go */
    struct place_scratch *place_scratch; /* of the bindings; NULL until there are some */
    struct plan_draft *drafts;           /* of the session in hand */
    size_t draft_count, draft_capacity;
    uint32_t channel_count;
    struct map endpoints; /* trace endpoint id to struct plan_endpoint */
    size_t endpoint_capacity;
};

/* -1 with err; plan_builder_fini() it in either case. `options` is copied. */
int plan_builder_init(struct plan_builder *builder, struct plan *plan, const char *trace_path,
                      const struct plan_options *options, struct error *err);
void plan_builder_fini(struct plan_builder *builder);

/* Read a session's rows and make its steps; none when nothing of it can be played. -1 with err. */
int plan_load_session(struct plan_builder *builder, int64_t session_id,
                      struct plan_session *ret_session, struct error *err);

/* Can this exchange be sent again at all? */
bool plan_exchange_is_playable(const struct trace_exchange *exchange);

/* The sessions' rows as the plan's index, by recorded start; *ret_is_large: there is too much in
 * them to load it all before the start. */
int plan_index_read(struct plan_builder *builder, bool *ret_is_large, struct error *err);

/* Of a plan that streams: which of its sessions log in as the recorded user. */
int plan_index_accounts(struct plan_builder *builder, struct error *err);

/* Of a plan that streams: without sessions in which nothing happened, from the first one's start.
 */
void plan_index_settle(struct plan *plan);

/* All endpoints there are, and the digest of all that a stream's sessions are made from. */
int plan_endpoints_read(struct plan_builder *builder, struct error *err);
void plan_endpoints_clear(struct plan_builder *builder);

/* The plan's index for a trace endpoint. */
int plan_endpoint(struct plan_builder *builder, int64_t endpoint_id, uint32_t *ret_endpoint,
                  struct error *err);

/* NULL without memory; good until the next call. */
struct plan_draft *plan_add_draft(struct plan_builder *builder);

/* -1 without memory. */
int plan_fill_request(struct plan_builder *builder, const struct trace_exchange *exchange,
                      struct bytes body, uint32_t endpoint, struct plan_draft *draft);
/* Its method, URL, headers and cut: step->kind and step->body are given. -1 without memory. */
int plan_make_request(struct plan_builder *builder, const struct trace_exchange *exchange,
                      struct plan_step *step);
void plan_fill_message(const struct plan_draft *connect, const struct trace_message *message,
                       struct bytes body, const struct plan_channel *channel,
                       struct plan_draft *draft);

/* When the connection of an exchange was closed, for its draft. */
int plan_find_closing(struct plan_builder *builder, int64_t connection_id, struct plan_draft *draft,
                      struct error *err);

/* Which of the drafts, in order of begin, were the last on a connection that was closed while their
 * user went on. -1 without memory. */
int plan_mark_closings(struct plan_builder *builder);

/* The drafts, in order of begin, as a session of the plan. -1 without memory. */
int plan_finish_session(struct plan_builder *builder, struct plan_session *ret_session);

#endif
