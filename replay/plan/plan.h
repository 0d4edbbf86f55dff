/*
 * plan.h - what is to be replayed: each recorded session as steps, and what each step waits for.
 *
 * A step's predecessors are the steps that had ended when it began in the recording. Sort the steps
 * of a session by their recorded end (end_order): the predecessors of any step are then a prefix of
 * that order, so "all predecessors have ended" is one comparison, `needs` <= the length of the
 * finished prefix.
 *
 *     recorded:   A |-----|          end_order: A B D C
 *                 B   |------|       needs:     A 0, B 0, C 1 (A), D 2 (A B)
 *                 C        |--------------|
 *                 D            |---|
 *
 * A WebSocket message that the client sent also waits for the server messages that came before it
 * on its channel.
 *
 * The plan is an index of the trace's sessions, and the sessions themselves: all of them before the
 * start where that is little, else by plan_stream.h, shortly before each is due. What is loaded is
 * read-only and shared by all workers.
 */
#ifndef REPRISE_REPLAY_PLAN_H
#define REPRISE_REPLAY_PLAN_H

#include "core/arena.h"
#include "core/error.h"
#include "core/http1.h"
#include "replay/plan/plan_bodies.h"
#include "replay/plan/request_cut.h"
#include "traces/digest.h"

struct own_value;
struct step_bindings;

enum plan_step_kind { STEP_REQUEST, STEP_WS_CONNECT, STEP_WS_MESSAGE };

struct plan_step {
    enum plan_step_kind kind;
    uint32_t number;       /* from 0, in the order of loading: another step's is another */
    uint32_t endpoint;     /* index into plan.endpoints */
    uint32_t needs;        /* length of the end_order prefix that must be done */
    uint32_t end_position; /* of this step in end_order */
    int64_t exchange_id;   /* in the trace; 0: of a message */
    uint64_t offset_us;    /* recorded, from the session's start */
    uint64_t gap_us; /* recorded, from the end of its last predecessor (or the session's start) */
    int recorded_status;
    struct bytes method;
    struct bytes url;            /* absolute, on the target */
    struct http_header *headers; /* without Host, Content-Length, Cookie and hop-by-hop ones;
                                    Origin and Referer of the recorded site name the target */
    size_t header_count;
    const struct request_cut *cut; /* the same as HTTP/1.1 writes it; NULL: of a message, or a
                                      request that it cannot write */
    struct bytes recorded_cookies; /* "a=1; b=2" */
    const struct step_bindings *bindings; /* NULL: it gives no value and needs none */
    bool was_long;          /* its recorded answer took a second or more, as a poll's does */
    bool closes_connection; /* the recorded one was closed behind it, and its user went on */
    struct bytes body;      /* or the message's payload */
    /* WebSocket */
    uint32_t channel; /* of the session, from 0 */
    uint32_t
        server_messages; /* before a message: how many had come; at the connect: how many in all */
    int opcode;
    int close_code;
};

struct plan_session {
    int64_t session_id; /* in the trace */
    uint64_t start_us;  /* recorded, from the first session's start */
    uint64_t duration_us;
    uint32_t step_count;
    uint32_t channel_count;
    uint32_t connection_count; /* the most requests at once: what the recorded client had open */
    uint32_t value_count;      /* slots' values that a user carries through it */
    const unsigned char *value_forms; /* enum value_form of each; NULL: value_count is 0 */
    uint32_t own_count;
    const struct own_value *owns; /* those of them that the user brings along */
    bool has_account;        /* it logs in as the recorded user: no row of --data says another */
    struct plan_step *steps; /* in the order they began */
    uint32_t *end_order;     /* step indices by recorded end */
};

/* Rows of the trace's bindings that are not used. */
struct plan_binding_losses {
    uint64_t count;
    char first[400]; /* which, and why */
};

/* A session as the index knows it: enough to say when it starts. */
struct plan_entry {
    int64_t session_id;   /* in the trace */
    uint64_t start_us;    /* recorded, from the first session's start */
    uint64_t duration_us; /* as recorded */
    bool has_account;     /* as plan_session has it */
};

struct binding_overlay;
struct identities;

struct plan_options {
    struct bytes target; /* "http://127.0.0.1:8080", no path; borrowed as long as the plan lives */
    size_t max_bytes;    /* sessions that are loaded may take, bodies included */
    size_t whole_bytes;  /* a plan that takes no more is loaded before the start; 0: 256 MB */
    const struct identities *identities;   /* whose columns go where; NULL: as recorded */
    const struct binding_overlay *overlay; /* over the trace's bindings; NULL: those alone.
                                              Borrowed as long as the plan lives */
};

struct plan_stream;

struct plan {
    size_t session_count;
    struct plan_entry *index;      /* by start_us */
    struct plan_session *sessions; /* in the index's order; NULL when the plan streams */
    struct plan_stream *stream;    /* NULL when all sessions are here */
    struct arena arena;            /* of the sessions */
    struct plan_bodies bodies;     /* the same */
    struct arena names;
    uint32_t endpoint_count;
    struct bytes *endpoints;
    bool has_unknown_endpoint; /* the last is there for exchanges without one: of a plan that
                                  streams nobody knows yet whether there are any */
    uint64_t step_count; /* when it streams: exchanges and messages, as the trace counts them */
    size_t target_bytes; /* how much of every URL is the target's origin */
    uint64_t unplayable; /* recorded exchanges that cannot be sent: body cut, no request, CONNECT, a
                            target that is no URL; plan_unplayable() knows those of a stream too */
    struct plan_binding_losses binding_losses; /* plan_binding_losses() likewise */
    uint64_t data_sessions;                    /* that --data has something for; of a stream 0 */
    uint64_t maps_used;      /* bit i: requests carry the text of the i-th --map; of a stream 0 */
    uint64_t columns_unused; /* bit i: the i-th column, here and there; of a stream 0 */
    uint64_t span_us;        /* from the first session's start to the last one's */
    uint64_t mean_gap_us;    /* before a step that is not its session's first */
    unsigned char source_digest[DIGEST_BYTES]; /* of what a stream's sessions are loaded from */
};

/* Reads the trace and builds the plan. The caller's from success on; plan_free() it, once the
 * workers have ended. */
int plan_build(struct plan **ret_plan, const char *trace_path, const struct plan_options *options,
               struct error *err);
void plan_free(struct plan *plan);

/* So far: a session that is not loaded is not known. */
uint64_t plan_unplayable(const struct plan *plan);
struct plan_binding_losses plan_binding_losses(const struct plan *plan);

/* Fill needs, end_position, gap_us and end_order of steps whose recorded begin and end are given.
 */
struct plan_moments {
    int64_t begin_us;
    int64_t end_us;    /* INT64_MAX: it never ended */
    int64_t anchor_us; /* a later moment than the last predecessor's end that it waited for;
                          INT64_MIN: none */
};
int plan_order(struct arena *arena, struct plan_session *session,
               const struct plan_moments *moments, int64_t session_start_us);

#endif
