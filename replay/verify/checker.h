/*
 * checker.h - the comparison of verify under load: a share of the answers, drawn by the seed, held
 * against the recording by a thread of its own.
 *
 *     worker: answer of a drawn request --> copied into the queue -->  thread: recorded answer
 * read, compared, counted  -->  once a second into the run's metrics
 *
 * A worker never waits: where the thread is behind by more than the queue holds, an answer is
 * dropped and counted.
 */
#ifndef REPRISE_REPLAY_VERIFY_CHECKER_H
#define REPRISE_REPLAY_VERIFY_CHECKER_H

#include "replay/answer_watch.h"
#include "replay/metrics.h"
#include "replay/verify/compare.h"

/* Does a value that differs from the recorded one differ each time? It is noise as soon as one
 * exchange has had two of them; that it is none is known at the end. How many messages of a kind a
 * WebSocket brought may be a matter of time: there the recorded number is one of the two. */
enum check_steadiness { CHECK_UNKNOWN, CHECK_STEADY, CHECK_NOISE };

/* Exchanges whose answers may show that a place is noise: of all that are alike a few are enough.
 */
#define CHECK_MAX_SIGHTS 64

/* What differed how often, at one place of one endpoint. */
struct check_difference {
    uint32_t endpoint; /* of the plan */
    enum difference_kind kind;
    char place[160]; /* of a status: "403, recorded 201"; of a failure: which one */
    uint64_t answers;
    /* Of a value: the checker's own. */
    enum check_steadiness steadiness;
    struct check_sight {
        int64_t exchange_id;
        uint64_t live_hash;
    } sights[CHECK_MAX_SIGHTS]; /* the first live value of each exchange */
    uint32_t sight_count;
    uint64_t pending; /* answers that are as recorded if this is noise */
    uint64_t seen;    /* number of the comparison that had it last */
};

#define CHECKER_MAX_DIFFERENCES 256 /* kinds of them; of the others only the answers count */

struct checker_options {
    const char *trace_path;
    const struct binding_overlay *overlay; /* or NULL; borrowed */
    double share;                          /* above 0, at most 1 */
    uint64_t seed;
    struct bytes target; /* "http://127.0.0.1:8080"; borrowed */
};

struct checker;

/* Learns from the trace what is noise. -1 with err. */
int checker_open(struct checker **ret_checker, const struct checker_options *options,
                 struct error *err);
void checker_close(struct checker *checker);

const struct answer_watch *checker_watch(const struct checker *checker);

/* Wait until all that was queued is compared; nothing may be queued any more. */
void checker_drain(struct checker *checker);

/* Add to `metrics` what was counted since the last call. */
void checker_take(struct checker *checker, struct metrics *metrics);

/* By how often they were, after checker_drain(); borrowed. */
const struct check_difference *checker_differences(struct checker *checker, size_t *ret_count);

/* Why the thread compares no more; false: it does. */
bool checker_has_failed(struct checker *checker, struct error *ret_error);

#endif
