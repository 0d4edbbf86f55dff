/*
 * ws_kinds.h - the messages that a WebSocket brought, counted by kind.
 *
 * A kind is what the message calls itself, {"type":"progress"} or {"event":...}, else its opcode:
 * "ws:/type=progress", "ws:text".
 */
#ifndef REPRISE_REPLAY_VERIFY_WS_KINDS_H
#define REPRISE_REPLAY_VERIFY_WS_KINDS_H

#include "replay/verify/facts.h"

#define WS_KINDS_MAX 64 /* others count as one kind more */
#define WS_KIND_BYTES 64

struct ws_kinds {
    uint32_t count;
    struct {
        char name[WS_KIND_BYTES];
        uint64_t messages;
    } items[WS_KINDS_MAX + 1];
};

/* What a text calls itself: "/type" and "progress", a view of it. False: nothing that is known. */
bool ws_kind_of(struct bytes payload, const char **ret_pointer, struct bytes *ret_kind);

void ws_kinds_add(struct ws_kinds *kinds, int opcode, struct bytes payload);

/* One fact for each kind: how many there were. */
void ws_kinds_facts(const struct ws_kinds *kinds, struct facts *facts);

#endif
