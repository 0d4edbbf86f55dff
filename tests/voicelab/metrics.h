/* metrics.h - what the server saw, as Prometheus text.
 *
 * Counters are bumped before an answer leaves: whoever has got the answer finds it counted. */
#ifndef VOICELAB_METRICS_H
#define VOICELAB_METRICS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define METRICS_ROUTES 48 /* routes of the program, with room */

enum counter {
    COUNT_LOGINS,
    COUNT_REFRESHES,
    COUNT_REFRESH_REUSES,
    COUNT_UPLOADS,
    COUNT_UPLOAD_BYTES,
    COUNT_UPLOADS_DUPLICATE,
    COUNT_REJECTED_TOKEN,
    COUNT_REJECTED_ADDRESS,
    COUNT_REJECTED_USER,
    COUNT_REJECTED_SIGNUP,
    COUNT_REJECTED_QUEUE,
    COUNT_REJECTED_AUDIO,
    COUNT_REJECTED_SIZE,
    COUNT_REJECTED_CONTEXT,
    COUNT_REJECTED_CSRF,
    COUNT_FAILED_ON_PURPOSE,
    COUNT_CONNECTIONS,
    COUNT_ABORTED,
    COUNT_WS_OPENED,
    COUNT_WS_CLOSED,
    COUNT_WS_TEXT_IN,
    COUNT_WS_BINARY_IN,
    COUNT_WS_TEXT_OUT,
    COUNT_WS_BYTES_IN,
    COUNT_WS_FINISHED,
    COUNT_JOBS_DONE,
    COUNT_JOBS_FAILED,
    COUNTERS
};

struct metrics;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

void metrics_add(struct metrics *metrics, enum counter counter, uint64_t amount);
uint64_t metrics_get(struct metrics *metrics, enum counter counter);

/* One answer: `route` is its index, `method_slot` which of its methods (see routes.h). */
void metrics_answer(struct metrics *metrics, size_t route, size_t method_slot, int status);
void metrics_duration(struct metrics *metrics, size_t route, uint64_t taken_us);

/* Labels come from routes.h. */
void metrics_print(struct metrics *metrics, FILE *out);

#endif
