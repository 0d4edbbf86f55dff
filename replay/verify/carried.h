/*
 * carried.h - the values that a recorded request carried as they were recorded, and which answer
 * gave each; used by cause.c only.
 */
#ifndef REPRISE_REPLAY_VERIFY_CARRIED_H
#define REPRISE_REPLAY_VERIFY_CARRIED_H

#include "replay/verify/cause.h"

#define CARRIED_MAX 64 /* of one request that are looked for */

struct carried {
    struct bytes place, name, text; /* in the request */
    enum place_kind kind;
    enum place_writing writing;
    bool is_weak;      /* a word like any other: it tells only by an answer with another one */
    bool is_literal;   /* its endpoint is named by it */
    bool is_settled;   /* found: the same today, or as below */
    bool has_producer; /* an answer gave it, and today's has another one there or none */
    bool is_stale;     /* it has another one */
    int64_t born_exchange_id;
    struct bytes born_place;
    int live_status, recorded_status; /* of that answer; live 0: there is none */
    int score;
};

struct carried_list {
    struct arena arena;
    struct carried items[CARRIED_MAX];
    size_t count;
};

/* What no binding and no cookie jar replaced. -1 with err. The caller ends list->arena. */
int carried_read(struct cause_search *search, const struct plan_step *step,
                 struct carried_list *list, struct error *err);

/* Look for each in the answers that had come when the request was sent, the latest first. */
int carried_find_producers(struct cause_search *search, const struct plan_step *step,
                           struct carried_list *list, struct error *err);

/* Both of a WebSocket: of the client's messages the first that carried something which today's
 * server, in its messages or in an answer before the upgrade, has another one for. */
int carried_read_messages(struct cause_search *search, const struct plan_step *connect,
                          struct carried_list *list, struct error *err);

#endif
