/* misbehave.h - latency, failures and leaks, on demand.
 *
 * Delayed requests are suspended, so that a slow server still has its threads. */
#ifndef VOICELAB_MISBEHAVE_H
#define VOICELAB_MISBEHAVE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/voicelab/options.h"

struct misbehaviour;
struct MHD_Connection;

struct misbehaviour *misbehave_start(const struct options *options);

/* Resumes everything still suspended and suspends nothing any more. Before the HTTP side stops. */
void misbehave_quiesce(struct misbehaviour *misbehaviour);
void misbehave_stop(struct misbehaviour *misbehaviour);

/* How long this request has to wait; 0 most of the time. */
uint64_t misbehave_delay_us(struct misbehaviour *misbehaviour);

/* Suspends the connection and resumes it after the delay. False: not done, go on at once. */
bool misbehave_suspend(struct misbehaviour *misbehaviour, struct MHD_Connection *connection,
                       uint64_t delay_us);

bool misbehave_fails(struct misbehaviour *misbehaviour);
void misbehave_leak(struct misbehaviour *misbehaviour);
uint64_t misbehave_leaked_bytes(struct misbehaviour *misbehaviour);

/* A number in [0, 1) of the seeded stream. */
double misbehave_random(struct misbehaviour *misbehaviour);

#endif
