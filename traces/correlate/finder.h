/*
 * finder.h - finds which values of requests come from where: fed with values, asked for bindings.
 *
 *     begin_session { request { carries }* send, answer* }* end_session ... decide -> bindings
 *
 * Knows nothing of trace files and messages: places come as text, values decoded. Requests of a
 * session come in the order of their begin, an answer right behind its request, with the moment of
 * its end; it counts from then on. Nothing is matched across sessions. docs/correlation.md says how
 * it is decided.
 */
#ifndef REPRISE_TRACES_CORRELATE_FINDER_H
#define REPRISE_TRACES_CORRELATE_FINDER_H

#include "core/error.h"
#include "traces/correlate/rules.h"
#include "traces/correlate/session_index.h"

struct finder;

int finder_new(struct finder **ret_finder, struct error *err);
void finder_free(struct finder *finder);

/* `user`: equal for sessions of the same user, as far as is known. */
void finder_begin_session(struct finder *finder, int64_t session_id, uint64_t user);
void finder_end_session(struct finder *finder);

struct finder_request {
    int64_t exchange_id;
    int64_t endpoint_id;
    struct bytes endpoint; /* "GET /jobs/{id}" */
    int64_t at_us;         /* since t=0; a WebSocket message's own */
    int64_t at_unix_us;
    int status; /* of its answer */
};
void finder_request(struct finder *finder, const struct finder_request *request);

/* A value that it carries; all views are copied. `written_as`: WORD_PERCENT where the text had to
 * be decoded, else WORD_RAW. Too many and too long ones are left out. */
void finder_carries(struct finder *finder, struct bytes place, struct bytes name, struct bytes text,
                    enum value_form_word written_as);
/* Text that it has besides: who reads that may know what is in it. */
void finder_mentioned(struct finder *finder, struct bytes text);
/* That was all of it: values are looked up. */
void finder_send(struct finder *finder);

/* One value of an answer, to be kept with others and handed on by finder_answer(), again and again
 * where the same body comes again. False: it is none that is kept. */
bool finder_given(struct finder *finder, struct bytes place, struct bytes name, struct bytes text,
                  struct given *ret_given);

struct finder_answer {
    int64_t exchange_id;
    int64_t endpoint_id;
    struct bytes endpoint;
    int64_t ended_us;
    int status;
    bool is_partial; /* not all of it was looked at */
};
void finder_answer(struct finder *finder, const struct finder_answer *answer,
                   const struct given *items, size_t count);

/* Call once, when all sessions have been told. */
int finder_decide(struct finder *finder, const struct rules_options *options,
                  const struct rules_sink *sink, struct error *err);

/* For the summary; valid behind finder_decide(). */
const struct sites *finder_sites(const struct finder *finder);
const struct rules *finder_rules(const struct finder *finder);

struct finder_counts {
    uint64_t sessions, requests, values_given, values_carried;
    uint64_t left_out; /* values for which there was no room, or a limit */
    uint64_t spool_bytes;
};
struct finder_counts finder_counts(const struct finder *finder);

#endif
