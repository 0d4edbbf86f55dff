/*
 * plan_binder.h - the bindings of one session while its plan is made; used by plan_bindings.c and
 * plan_slots.c only.
 */
#ifndef REPRISE_REPLAY_PLAN_PLAN_BINDER_H
#define REPRISE_REPLAY_PLAN_PLAN_BINDER_H

#include "replay/plan/plan_bindings.h"
#include "replay/plan/plan_steps.h"
#include "traces/content_coding.h"

/* A place in a request that is to be filled. */
struct use {
    uint32_t step;
    bool is_in_cookies; /* in the step's recorded_cookies, not in its cut */
    uint32_t producer;
    int64_t binding_id;
    struct request_slot slot;
};

struct born {
    uint32_t step;
    struct birth birth;
};

struct numbered_step {
    int64_t exchange_id;
    uint32_t step;
};

struct binder {
    struct plan_builder *builder;
    struct plan_session *session;
    struct numbered_step *numbers; /* by exchange_id */
    struct born *births;           /* the index is the value's */
    size_t birth_count, birth_capacity;
    struct use *uses;
    size_t use_count, use_capacity;
    /* The recorded answer that was read last. */
    int64_t answer_id;
    bool has_answer, is_undecoded;
    struct http_header headers[HTTP1_MAX_HEADERS];
    struct http_response answer;
    struct content_decoder *decoder; /* NULL until an answer has a coding */
    struct buf header_text;
    char room[BIRTH_MAX_BYTES];
};

/* Counts it; the first one is told. */
void plan_lose_binding(struct plan_builder *builder, int64_t binding_id, const char *why);

/* plan_slots.c: gives the steps what has been found for them. -1 without memory. */
int plan_make_slots(struct binder *binder);

#endif
