/*
 * trial_target.h - a transport that answers what the trace has: a recorded request by its recorded
 * answer, one that a plugin added by that of the first request of its endpoint.
 */
#ifndef REPRISE_REPLAY_TRIAL_TRIAL_TARGET_H
#define REPRISE_REPLAY_TRIAL_TRIAL_TARGET_H

#include "replay/plan/plan.h"
#include "replay/transport/transport.h"
#include "replay/trial/trial.h"
#include "replay/verify/recorded.h"

/* Where its answers come from: set once it is open, borrowed. */
struct trial_source {
    struct trial *trial; /* counts */
    const struct plan *plan;
    const struct plan_session *session;
    struct trace_reader *reader;
    struct recorded *recorded;
};

struct transport {
    struct loop *loop;
    struct trial_source *source;
};

struct transport_user {
    struct transport *transport;
    struct transport_call *calls;
};

extern const struct transport_ops trial_target;

/* trial_ws.c: the WebSockets of it, with the recorded messages of the server. */
struct transport_ws *trial_ws_open(struct transport_user *user,
                                   const struct transport_request *request,
                                   const struct transport_ws_events *events, void *owner);
int trial_ws_send(struct transport_ws *ws, int opcode, struct bytes payload, int close_code);
void trial_ws_free(struct transport_ws *ws);

#endif
