/*
 * plan_binder.h - the bindings of one session while its plan is made; used by plan_bindings.c,
 * plan_uses.c, plan_messages.c, plan_events.c, plan_owns.c, plan_data.c and plan_slots.c only.
 */
#ifndef REPRISE_REPLAY_PLAN_PLAN_BINDER_H
#define REPRISE_REPLAY_PLAN_PLAN_BINDER_H

#include "replay/plan/own_values.h"
#include "replay/plan/plan_bindings.h"
#include "replay/plan/plan_steps.h"
#include "traces/content_coding.h"

#define NO_PRODUCER UINT32_MAX

/* A place in a request that is to be filled. */
struct use {
    uint32_t step;
    bool is_in_cookies; /* in the step's recorded_cookies, not in its cut */
    bool is_asked_for;  /* by --data: goes before a binding that fills the same bytes */
    bool is_by_name;    /* by a column's name alone: not before one whose value an answer gives */
    uint32_t producer;  /* NO_PRODUCER: an own value */
    uint32_t messages;  /* of the producer's WebSocket that have had the value by then; 0: it is in
                           the answer */
    uint32_t events;    /* as producer_wait has it */
    uint32_t own;       /* in binder->owns, or OWN_NONE */
    int64_t binding_id; /* 0: of --data */
    struct request_slot slot;
};

struct born {
    uint32_t step;
    struct birth birth;
};

/* A step by what the trace calls it: a message by its upgrade and its number, from 1. */
struct numbered_step {
    int64_t exchange_id;
    uint32_t message;
    uint32_t step;
};

/* An own value while its targets are counted. */
struct own_draft {
    struct own_value own;
    size_t capacity; /* of own.targets */
    uint32_t step;   /* OWN_JOINED: of this step alone */
};

/* One row on its way to a birth and a use. */
struct row {
    int64_t binding_id; /* 0: made of --data */
    int64_t born_exchange_id;
    struct bytes form_word;
    uint32_t producer, consumer;
    struct place born, used;
    struct bytes value; /* recorded */
    enum value_form form;
    bool is_by_name; /* made of --data, for the name of a field */
    struct use use;
};

/* What an own value was in the first request that had it: later ones may have it inside others. */
struct known_text {
    int64_t exchange_id;
    enum own_kind kind;
    uint32_t column;
    struct bytes text;
};

struct data_place; /* plan_data.c */

struct binder {
    struct plan_builder *builder;
    struct plan_session *session;
    struct numbered_step *numbers; /* by exchange_id and message */
    struct born *births;
    size_t birth_count, birth_capacity;
    struct use *uses;
    size_t use_count, use_capacity;
    struct own_draft *owns;
    size_t own_count, own_capacity;
    struct map own_index; /* by kind and recorded text, to 1 and the number of the own value */
    struct known_text *known;
    size_t known_count, known_capacity;
    struct data_place *data_places;
    size_t data_place_count, data_place_capacity;
    struct arena data_arena;
    struct message_values *messages; /* of the WebSocket in hand; plan_messages.c */
    int64_t messages_id;             /* its upgrade */
    bool asks_for_data;              /* a row's born_place is data: */
    bool has_data;                   /* and a column of --data goes somewhere */
    uint32_t value_count;
    /* The recorded answer that was read last. */
    int64_t answer_id;
    bool has_answer, is_undecoded;
    int64_t answer_begun_us; /* TRACE_NO_MOMENT: it never was */
    struct http_header headers[HTTP1_MAX_HEADERS];
    struct http_response answer;
    struct content_decoder *decoder; /* NULL until an answer has a coding */
    struct buf header_text;
    struct place_scratch *scratch;
    struct births_reader reader;
    struct http_header request_headers[HTTP_MAX_HEADERS + 1]; /* of the request in hand */
};

#define BINDER_MAX_ITEMS UINT32_MAX /* of each list: the plan numbers them with 32 bits */

enum { NOT_USED = 1 }; /* a row's result, besides 0 and -1 (no memory) */

/* Counts it; the first one is told. Returns NOT_USED. */
int plan_lose_binding(struct plan_builder *builder, int64_t binding_id, const char *why);
int plan_lose_row(struct binder *binder, const struct row *row, const char *why);

/* --- plan_uses.c: the recorded request --- */

/* The request of the row's consumer as places are looked for in it. */
struct message_view plan_request_view(struct binder *binder, uint32_t step);

/* What stands at the row's used_place, decoded as its form says, into the arena's memory. Also sets
 * row->form. 0, NOT_USED, -1. */
int plan_read_used(struct binder *binder, struct row *row, struct bytes *ret_text);

/* Where row->value is in the request: row->form and row->use but for its slot's value. The first
 * says why not, the second counts it. */
int plan_try_use(struct binder *binder, struct row *row, const char **ret_why);
int plan_find_use(struct binder *binder, struct row *row);

/* --- plan_owns.c: values that no answer gives --- */

/* A row whose born_place is new: or data:. */
int plan_add_own(struct binder *binder, struct row *row);
/* Where row->value stands goes an own value like this one. */
int plan_use_own(struct binder *binder, struct row *row, const struct own_value *wanted);
/* "Basic dXNlcjpwdw==" to its two parts in `room`, which has header.len. */
bool plan_split_basic(struct bytes header, char *room, struct bytes parts[2],
                      struct bytes *ret_token);
/* The same for one part of the Basic credentials at row->used. */
int plan_join_basic(struct binder *binder, struct row *row, const struct own_value *wanted,
                    int part);
/* Into the session. -1 without memory. */
int plan_give_owns(struct binder *binder);
void plan_owns_free(struct binder *binder);

/* --- plan_data.c: what --data replaces --- */

/* Before any row: what of this session's requests is a column's. */
int plan_find_data(struct binder *binder);
/* The column that a recorded text is of, OWN_NONE: of none. */
uint32_t plan_data_column(const struct binder *binder, struct bytes text);
/* After all rows. */
int plan_place_data(struct binder *binder);
void plan_data_free(struct binder *binder);

/* --- plan_messages.c: values that a WebSocket's messages give --- */

/* The latest message of that upgrade that has the row's value, before its consumer. 0 with
 * row->use; NOT_USED; -1 (err is set where it is not memory). */
int plan_find_in_messages(struct binder *binder, struct row *row, int64_t exchange_id,
                          struct error *err);
void plan_messages_free(struct binder *binder);

/* --- plan_events.c: values that server-sent events give --- */

/* The event of the recorded answer in hand that gives the row's value: the last that has one; or,
 * when the answer `is_open` while the request begins, the latest whose value the request carries.
 * 0 with row->use, NOT_USED, -1. */
int plan_find_in_events(struct binder *binder, struct row *row, bool is_open);

/* --- plan_bindings.c --- */
int plan_add_use(struct binder *binder, const struct row *row, uint32_t value);

/* --- plan_slots.c --- */

/* Gives the steps what has been found for them. -1 without memory. */
int plan_make_slots(struct binder *binder);

#endif
