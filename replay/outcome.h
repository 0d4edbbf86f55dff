/*
 * outcome.h - what became of one request, one WebSocket and one session: the values users hand to
 * metrics.
 *
 * The clocks of a request, in microseconds on the run's clock:
 *
 *     due ------> started ------> sent ------> first byte ------> last byte
 *      | lateness    | connecting  |  waiting      |   receiving      |
 *      |             |             |<----------- service ------------>|
 *      |<------------------------- response ------------------------->|
 *
 * `lateness` is the generator's own doing: from the moment a request was due to the moment it was
 * handed to the transport. Connecting (DNS, TCP, TLS; the wait for one of the user's connections
 * when it may have no more; 0 on one that is free) is counted apart, so that a target slow to
 * accept is not mistaken for a slow generator.
 */
#ifndef REPRISE_REPLAY_OUTCOME_H
#define REPRISE_REPLAY_OUTCOME_H

#include "core/bytes.h"

/* Why there was no answer. failure_name() gives the field's word for it. */
enum failure {
    FAILURE_NONE,
    FAILURE_DNS,
    FAILURE_CONNECT_REFUSED,
    FAILURE_CONNECT_TIMEOUT,
    FAILURE_CONNECT, /* any other */
    FAILURE_TLS,
    FAILURE_CERTIFICATE,    /* the target's is not to be trusted: --cacert, or --insecure */
    FAILURE_TIMEOUT,        /* connected, no whole answer in --timeout */
    FAILURE_RESET,          /* reset before the answer was whole */
    FAILURE_CLOSED,         /* closed in order before the answer began */
    FAILURE_TRUNCATED,      /* closed in order inside the answer */
    FAILURE_UNASKED,        /* bytes came before they were asked for */
    FAILURE_PROTOCOL,       /* an answer that is not HTTP, not the WebSocket handshake asked for, a
                               bad frame */
    FAILURE_HEAD_TOO_LARGE, /* an answer's header section over the limit */
    FAILURE_BODY_TOO_LARGE, /* a body that had to be kept, over the limit; decoded, too; and one
                               that is only looked at, decoded to far more than came */
    FAILURE_CODING,         /* a body that had to be kept is not what Content-Encoding says */
    FAILURE_NO_PORTS,       /* the generator ran out of source ports */
    FAILURE_NO_FILES,       /* the generator ran out of descriptors or memory */
    FAILURE_PLUGIN,         /* a plugin failed this user */
    FAILURE_CANCELLED,      /* the run ended first */
    FAILURE_COUNT
};

const char *failure_name(enum failure failure); /* "none", "dns", "connect_refused", ... */

/* What to do about it, for whoever reads "what was wrong; what to do"; empty where nothing can be
 * said: it is the plugin's word, or the run's end. */
const char *failure_advice(enum failure failure);

enum request_origin { ORIGIN_RECORDED, ORIGIN_ADDED, ORIGIN_RETRIED, ORIGIN_COUNT };

const char *request_origin_name(enum request_origin origin); /* "recorded", "added", "retried" */

/* Who says what an answer is worth. */
enum request_judgement {
    JUDGED_BY_STATUS,
    JUDGED_EXPECTED,  /* a plugin expected it, whatever its status */
    JUDGED_WITHDRAWN, /* a plugin asks again: it is no result, and counts as a request only */
    JUDGED_COUNT
};

struct request_outcome {
    uint32_t endpoint; /* index into the plan's endpoints */
    enum request_origin origin;
    enum request_judgement judgement;
    enum failure failure;
    int status;          /* 0 with a failure */
    int recorded_status; /* 0: none recorded */
    uint64_t due_us;
    uint64_t lateness_us;
    uint64_t dns_us; /* these three inside `connecting` */
    uint64_t connect_us;
    uint64_t tls_us;
    uint64_t sending_us; /* these three inside `service` */
    uint64_t waiting_us;
    uint64_t receiving_us;
    uint64_t service_us;
    uint64_t response_us;
    uint64_t
        kernel_us; /* last byte sent to last byte received as the kernel saw it; 0: not known */
    uint64_t bytes_sent;
    uint64_t bytes_received;
    /* Of a failure, one line: what was wrong, and behind "; " what to do where that is more than
     * failure_advice(). Borrowed, may be NULL. */
    const char *detail;
};

/* k6's rule with the recording as the expectation: no answer, or an error status that was not
 * recorded as one. */
static inline bool request_has_failed(const struct request_outcome *outcome)
{
    if (outcome->failure != FAILURE_NONE)
        return outcome->failure != FAILURE_CANCELLED && /* the run's end is nobody's fault */
               outcome->judgement != JUDGED_WITHDRAWN;
    if (outcome->judgement != JUDGED_BY_STATUS)
        return false;
    return outcome->status >= 400 && outcome->status != outcome->recorded_status;
}

enum ws_event {
    WS_CONNECTED, /* value: microseconds from start to 101 */
    WS_CONNECT_FAILED,
    WS_MESSAGE_SENT,     /* value: bytes */
    WS_MESSAGE_RECEIVED, /* value: bytes */
    WS_ANSWER_WAIT, /* value: microseconds from the last message sent to the next one received */
    WS_LATENESS,    /* value: microseconds a message went out after it was due */
    WS_MISSING,     /* a recorded server message did not come */
    WS_EXTRA,       /* one came that was not recorded */
    WS_CLOSED,      /* value: microseconds the WebSocket was open */
    WS_EVENT_COUNT
};

struct ws_outcome {
    uint32_t endpoint;
    enum ws_event event;
    uint64_t value;
    enum failure failure; /* with WS_CONNECT_FAILED; with WS_CLOSED when it broke off, or when the
                             session ended first */
    const char *detail;
};

/* What becomes of a request that needs a value which no answer has given (--on-missing). */
enum on_missing {
    MISSING_RECORDED, /* it is sent with the recorded value */
    MISSING_SKIP,     /* it is not sent */
    MISSING_END,      /* it is not sent, and the session fails */
    MISSING_COUNT
};

const char *on_missing_name(enum on_missing way); /* "recorded", "skip", "end" */

enum session_result {
    SESSION_DONE,      /* every step was played */
    SESSION_ENDED,     /* a plugin ended it */
    SESSION_FAILED,    /* a plugin failed it */
    SESSION_CANCELLED, /* the run ended first */
    SESSION_RESULT_COUNT
};

const char *session_result_name(enum session_result result); /* "done", "ended", ... */

struct session_outcome {
    enum session_result result;
    uint64_t duration_us;
    uint64_t steps_not_sent; /* planned and never handed to the transport */
    const char *detail;
};

#endif
