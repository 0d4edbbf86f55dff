/*
 * reader.h - reads a trace row by row, in recorded order, in memory that does not grow with the
 * trace.
 *
 * Opens read-only; a trace of an older version is brought up to date first (that needs to write), a
 * newer one is refused. A trace that was cut off (crash) opens like any other. One cursor of each
 * kind at a time.
 */
#ifndef REPRISE_TRACES_READER_H
#define REPRISE_TRACES_READER_H

#include "core/buf.h"
#include "core/error.h"
#include "traces/trace.h"

struct trace_reader;

int trace_reader_open(struct trace_reader **ret_reader, const char *path, struct error *err);
void trace_reader_close(struct trace_reader *reader);

const struct trace_facts *trace_reader_facts(const struct trace_reader *reader);
const char *trace_reader_path(const struct trace_reader *reader);

/*
 * Cursors. `start` positions, `next` returns 1 with a row, 0 at the end, -1 with err. A row's views
 * are valid until the next call of the same cursor.
 */
int trace_reader_start_sessions(struct trace_reader *reader,
                                struct error *err); /* by first_us, id */
int trace_reader_next_session(struct trace_reader *reader, struct trace_session *session,
                              struct error *err);

/* The same without an order and without words: a tenth of a second for 500,000 sessions. */
struct trace_span {
    int64_t session_id;
    int64_t first_us, last_us; /* TRACE_NO_MOMENT: nothing happened in it */
    uint64_t exchange_count, message_count;
};
int trace_reader_start_spans(struct trace_reader *reader, struct error *err);
int trace_reader_next_span(struct trace_reader *reader, struct trace_span *span, struct error *err);

/* Of one session, by request_first_us, exchange_id; session_id 0: of all. */
int trace_reader_start_exchanges(struct trace_reader *reader, int64_t session_id,
                                 struct error *err);
int trace_reader_next_exchange(struct trace_reader *reader, struct trace_exchange *exchange,
                               int64_t *ret_endpoint_id, struct error *err);

/* The same of one session, for a replay: filled in are the ids but its session's, when the request
 * began and the answer began and ended, status, method, authority, target, is_websocket, and the
 * request's headers and body. A cursor of its own. */
int trace_reader_start_requests(struct trace_reader *reader, int64_t session_id, struct error *err);
int trace_reader_next_request(struct trace_reader *reader, struct trace_exchange *exchange,
                              int64_t *ret_endpoint_id, struct error *err);

/* Of one upgrade exchange, by first_us, message_id; exchange_id 0: of all. */
int trace_reader_start_messages(struct trace_reader *reader, int64_t exchange_id,
                                struct error *err);
int trace_reader_next_message(struct trace_reader *reader, struct trace_message *message,
                              struct error *err);

/* Of all upgrades of one session, in the same order; trace_reader_next_message() goes on. */
int trace_reader_start_session_messages(struct trace_reader *reader, int64_t session_id,
                                        struct error *err);

int trace_reader_start_connections(struct trace_reader *reader, struct error *err);
int trace_reader_next_connection(struct trace_reader *reader, struct trace_connection *connection,
                                 struct error *err);

int trace_reader_start_ledger(struct trace_reader *reader, struct error *err);
int trace_reader_next_ledger(struct trace_reader *reader, struct trace_ledger_entry *entry,
                             struct error *err);

/* Whose request is of this session, by the exchange of their birth; session_id 0: all, by id. Costs
 * nothing in a trace that had none when it was opened. */
int trace_reader_start_bindings(struct trace_reader *reader, int64_t session_id, struct error *err);
int trace_reader_next_binding(struct trace_reader *reader, struct trace_binding *binding,
                              struct error *err);

/*
 * Bindings that this reader alone has from end_cover() on: the file is not written. Each takes the
 * place of all that the trace has for the same place of the same request, whoever made them
 * (*ret_replaced: how many), whatever its state. Its binding_id is given, below 0. Between
 * cover_bindings() and end_cover() nothing else may be asked; a reader that failed is to be closed.
 */
int trace_reader_cover_bindings(struct trace_reader *reader, struct error *err);
int trace_reader_lay_binding(struct trace_reader *reader, const struct trace_binding *binding,
                             uint64_t *ret_replaced, struct error *err);
int trace_reader_end_cover(struct trace_reader *reader, struct error *err);

/* Sessions whose requests carry what is the user's own, each place of such a value once:
 * "data:email". */
int trace_reader_start_data_sessions(struct trace_reader *reader, struct error *err);
int trace_reader_next_data_session(struct trace_reader *reader, int64_t *ret_session_id,
                                   struct bytes *ret_born_place, struct error *err);
/* The same by endpoint, each rule once, the oldest first. */
int trace_reader_start_binding_rules(struct trace_reader *reader, struct error *err);
int trace_reader_next_binding_rule(struct trace_reader *reader, struct trace_binding_rule *rule,
                                   struct error *err);

/* "GET /jobs/{id}"; *ret_name is valid until the next call. 1, 0 when there is no such row, -1. */
int trace_reader_endpoint_name(struct trace_reader *reader, int64_t endpoint_id,
                               struct bytes *ret_name, struct error *err);

/* The ids that there are names for, ascending. */
int trace_reader_start_endpoint_ids(struct trace_reader *reader, struct error *err);
int trace_reader_next_endpoint_id(struct trace_reader *reader, int64_t *ret_endpoint_id,
                                  struct error *err);

/* One row by its id: 1, 0, -1. */
int trace_reader_get_session(struct trace_reader *reader, int64_t session_id,
                             struct trace_session *session, struct error *err);
int trace_reader_get_exchange(struct trace_reader *reader, int64_t exchange_id,
                              struct trace_exchange *exchange, int64_t *ret_endpoint_id,
                              struct error *err);

/* Of that row only whose it is and what it asks for: a few microseconds. */
int trace_reader_get_exchange_ends(struct trace_reader *reader, int64_t exchange_id,
                                   int64_t *ret_session_id, int64_t *ret_endpoint_id,
                                   struct error *err);

int trace_reader_get_connection(struct trace_reader *reader, int64_t connection_id,
                                struct trace_connection *connection, struct error *err);
int trace_reader_get_message(struct trace_reader *reader, int64_t message_id,
                             struct trace_message *message, struct error *err);

/* Append the content to `out` (whose maximum bounds it). body_id 0 appends nothing. */
int trace_reader_get_body(struct trace_reader *reader, int64_t body_id, struct buf *out,
                          struct error *err);

/* How many rows there are of each. */
struct trace_counts {
    uint64_t sessions;
    uint64_t connections;
    uint64_t exchanges;
    uint64_t messages;
    uint64_t bodies;
    uint64_t body_bytes;   /* of the contents, each once */
    uint64_t stored_bytes; /* what they take in the file */
};

int trace_reader_count(struct trace_reader *reader, struct trace_counts *counts, struct error *err);

/* What the exchanges of one endpoint add up to. Durations are of whole exchanges, by rank. */
struct trace_endpoint_totals {
    int64_t endpoint_id;
    struct bytes name;
    uint64_t count;
    uint64_t errors; /* status 400 and above, or no answer */
    int64_t p50_us;  /* TRACE_NO_MOMENT: none was timed */
    int64_t p95_us;
    int64_t max_us;
    uint64_t request_bytes; /* of bodies */
    uint64_t response_bytes;
};

/* The busiest first. Sorts all durations: seconds for a trace of millions of exchanges. */
int trace_reader_start_endpoints(struct trace_reader *reader, struct error *err);
int trace_reader_next_endpoint(struct trace_reader *reader, struct trace_endpoint_totals *totals,
                               struct error *err);

#endif
