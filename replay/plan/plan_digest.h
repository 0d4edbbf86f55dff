/*
 * plan_digest.h - one SHA-256 over everything that decides what is sent, and when.
 *
 * The same trace, options and seed give the same digest on every machine and with any number of
 * workers; the target's address is not part of it.
 *
 * Of a plan that streams the sessions are not there to be hashed. Its digest begins with "index-"
 * and is over the trace's facts, its endpoints and bindings, its sessions' ids, starts and
 * durations, the options and the arrivals: it tells another trace or another schedule, not an
 * edited request.
 */
#ifndef REPRISE_REPLAY_PLAN_DIGEST_H
#define REPRISE_REPLAY_PLAN_DIGEST_H

#include "replay/worker.h"
#include "traces/digest.h"

#define PLAN_DIGEST_PREFIX "index-"
#define PLAN_DIGEST_TEXT_BYTES (sizeof PLAN_DIGEST_PREFIX + 2 * DIGEST_BYTES)

/* What an open plan comes to; zero in the closed model, which ends with its stages. */
struct plan_outline {
    uint64_t sessions;
    uint64_t length_us; /* to the last session's recorded end, speeds applied */
};

/* The prefix, if any, and hexadecimal into `out`. -1 without memory. */
int plan_digest(const struct replay_settings *settings, char out[PLAN_DIGEST_TEXT_BYTES],
                struct plan_outline *ret_outline);

#endif
