/*
 * plan_bindings.h - from the trace's bindings to what a session's steps take from answers and put
 * into requests.
 *
 *     binding: 3 body:/id -> 7 path:2      step of 3: births {body:/id, percent, value 0}
 *                                          step of 7: slot {at 10, len 2, value 0} in its cut,
 *                                                     producers {step of 3}
 *
 * A row that cannot be used is left out and counted: its words are none of FORMAT.md's, its
 * requests are no steps of this session, the answer had not ended when the request began, or the
 * recorded value is in neither or only one of its places.
 */
#ifndef REPRISE_REPLAY_PLAN_PLAN_BINDINGS_H
#define REPRISE_REPLAY_PLAN_PLAN_BINDINGS_H

#include "replay/plan/births.h"
#include "replay/plan/plan.h"

struct plan_builder;

/* A value that comes in a WebSocket's messages: so many that have it were there by then. */
struct message_wait {
    uint32_t value, messages;
    uint32_t channel; /* of the session */
};

/* A step of the session that gives a value. It is there once the step is done; and before that,
 * where `events` is not 0, when so much of its answer has had the value: one JSON value or header,
 * or so many server-sent events. */
struct producer_wait {
    uint32_t step, value, events;
};

/* What one step gives and needs. */
struct step_bindings {
    uint32_t birth_count;
    const struct birth *births;
    bool keeps_headers;           /* of the answer, for the births */
    uint32_t message_birth_count; /* of the messages on the WebSocket that it opens */
    const struct birth *message_births;
    uint32_t need_count;
    const uint32_t *needs; /* values of its slots, each once */
    uint32_t producer_count;
    const struct producer_wait *producers; /* who gives them, each pair once */
    uint32_t wait_count;
    const struct message_wait *waits;
    uint32_t moment_count;
    const uint32_t *moments;       /* own values of the session that the clock gives when they are
                                      first sent */
    const struct request_cut *cut; /* with the slots: the step's own; or of an upgrade */
    uint32_t cookie_slot_count;    /* in the step's recorded_cookies, by `at` */
    const struct request_slot *cookie_slots;
};

/* The bindings of a session whose steps have just been made from the builder's drafts. -1 with err:
 * the trace cannot be read, or no memory. */
int plan_bind_session(struct plan_builder *builder, struct plan_session *session,
                      struct error *err);

#endif
