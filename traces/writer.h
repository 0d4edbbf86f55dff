/*
 * writer.h - writes a trace: batched transactions, bodies stored once per content.
 *
 * What was added is on disk at the latest after the next trace_writer_tick() a second later; kill
 * -9 loses at most that. The file is created with mode 0600: it holds what the recorded users sent.
 */
#ifndef REPRISE_TRACES_WRITER_H
#define REPRISE_TRACES_WRITER_H

#include "core/error.h"
#include "traces/trace.h"

struct trace_writer;

struct trace_writer_options {
    /* An older trace that nobody has open, or an empty file; else any existing file is refused. */
    bool replaces_existing;
    uint64_t max_file_bytes; /* 0: no limit; reaching it is *ret_is_full in trace_writer_tick() */
};

/* Creates the file. `facts` gives origin, source, tool version and redaction. */
int trace_writer_open(struct trace_writer **ret_writer, const char *path,
                      const struct trace_writer_options *options, const struct trace_facts *facts,
                      struct error *err);

/*
 * Add or replace a row by its id, which the caller gives out (from 1, in each table apart).
 * All return 0, or -1 with err (disk full: EXIT_TOOL, the file keeps what was committed).
 */
int trace_writer_put_session(struct trace_writer *writer, const struct trace_session *session,
                             struct error *err);
int trace_writer_put_connection(struct trace_writer *writer,
                                const struct trace_connection *connection, struct error *err);

/* Add a row. exchange_id is the caller's; the endpoint row is found or made from method and target.
 */
int trace_writer_add_exchange(struct trace_writer *writer, const struct trace_exchange *exchange,
                              struct error *err);
/* message_id is given out by the writer, in order of adding. */
int trace_writer_add_message(struct trace_writer *writer, const struct trace_message *message,
                             struct error *err);
/* Its binding_id is given out by the file. */
int trace_writer_add_binding(struct trace_writer *writer, const struct trace_binding *binding,
                             struct error *err);
int trace_writer_add_ledger(struct trace_writer *writer, const struct trace_ledger_entry *entry,
                            struct error *err);

/* Store a content, or find it: *ret_body_id. An empty one gives 0. */
int trace_writer_put_body(struct trace_writer *writer, struct bytes content, int64_t *ret_body_id,
                          struct error *err);

/* Call often; commits when a second (or a batch) has passed. now_us is any monotonic clock. */
int trace_writer_tick(struct trace_writer *writer, uint64_t now_us, bool *ret_is_full,
                      struct error *err);

/* Writes the final facts, marks the trace complete, leaves one file; frees the writer even on
 * failure. */
int trace_writer_close(struct trace_writer *writer, const struct trace_facts *facts,
                       struct error *err);

/* Frees the writer without marking the trace complete (after an error). What was committed stays.
 */
void trace_writer_abandon(struct trace_writer *writer);

#endif
