/*
 * live.h - the answers that one user has had in its session so far, kept to be compared.
 */
#ifndef REPRISE_REPLAY_VERIFY_LIVE_H
#define REPRISE_REPLAY_VERIFY_LIVE_H

#include "core/map.h"
#include "replay/transport/transport.h"
#include "replay/verify/ws_kinds.h"

#define LIVE_MAX_MESSAGES 256 /* of one upgrade that are kept whole: the first */

struct live_message {
    struct live_message *before; /* the one that came before it, NULL: it was the first */
    struct bytes payload;
};

struct live_answer {
    int64_t exchange_id; /* of the recording */
    enum failure failure;
    const char *detail; /* of a failure; may be empty */
    struct http_response response;
    bool has_body;          /* it is here, whole */
    struct ws_kinds *kinds; /* of an upgrade, else NULL */
    struct live_message *last_message;
    uint32_t message_count; /* of those kept */
};

struct live_session {
    struct arena arena;
    struct map answers; /* by exchange_id */
};

void live_init(struct live_session *live, size_t max_bytes);
void live_fini(struct live_session *live);
void live_clear(struct live_session *live);

/* A copy; a later one of the same exchange replaces it. A body for which there is no room is left
 * out. -1 without memory. */
int live_put(struct live_session *live, int64_t exchange_id, const struct transport_result *result);

/* Counts a message of the upgrade's WebSocket, and keeps a text. */
void live_put_message(struct live_session *live, int64_t exchange_id, int opcode,
                      struct bytes payload);

/* NULL: not answered. */
const struct live_answer *live_find(const struct live_session *live, int64_t exchange_id);

/* `authority`: of the target. */
void live_facts(const struct live_answer *answer, struct bytes authority, struct facts *facts);

#endif
