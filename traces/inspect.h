/*
 * inspect.h - the parts of `reprise inspect`: each shows one thing of a trace, as aligned text or
 * as JSON, one object a line.
 *
 * Recorded bytes are shown so that they cannot drive a terminal. All return 0, or -1 with err.
 */
#ifndef REPRISE_TRACES_INSPECT_H
#define REPRISE_TRACES_INSPECT_H

#include <stdio.h>

#include "traces/reader.h"

/* Rows beyond this are counted, not shown, as text; JSON has no such limit. */
#define INSPECT_MAX_TABLE_BYTES (32 * 1024 * 1024)
/* No content is larger: SQLite's limit of a value. */
#define INSPECT_MAX_BODY_BYTES 1000000000

struct inspect {
    struct trace_reader *reader;
    FILE *out;
    bool is_json;
    size_t max_bytes; /* of a body, shown as text */
};

enum inspect_part { INSPECT_REQUEST, INSPECT_RESPONSE, INSPECT_MESSAGE };

int inspect_overview(struct inspect *inspect, struct error *err);
int inspect_sessions(struct inspect *inspect, struct error *err);
int inspect_session(struct inspect *inspect, int64_t session_id, struct error *err);
int inspect_exchange(struct inspect *inspect, int64_t exchange_id, struct error *err);
int inspect_message(struct inspect *inspect, int64_t message_id, struct error *err);
/* At most `most` of them, as text with the whole of each name; 0: all. */
int inspect_endpoints(struct inspect *inspect, size_t most, struct error *err);
int inspect_ledger(struct inspect *inspect, struct error *err);
/* Put together by rule; of one session (0: of all) each by itself. */
int inspect_bindings(struct inspect *inspect, int64_t session_id, struct error *err);

/* The bytes of one body as recorded, to `out`. */
int inspect_raw(struct inspect *inspect, enum inspect_part part, int64_t id, struct error *err);

/* What the ledger adds up to. */
struct ledger_sums {
    struct {
        uint64_t entries;
        uint64_t packets;
        uint64_t payload_bytes;
        uint64_t missing_bytes;
    } of[TRACE_REASON_COUNT];
    uint64_t payload_bytes; /* of the reasons that count bytes that were seen */
    uint64_t missing_bytes;
};

int ledger_sum(struct trace_reader *reader, struct ledger_sums *ret_sums, struct error *err);
/* "5000 payload bytes = 4400 stored + 600 in the ledger", or by how much it does not. */
void ledger_print_balance(FILE *out, const struct trace_facts *facts,
                          const struct ledger_sums *sums);
bool ledger_balances(const struct trace_facts *facts, const struct ledger_sums *sums);

/* "+1.234567" seconds since t=0, "-" for none; into `out`, returned. */
#define INSPECT_MOMENT_BYTES 32
char *inspect_moment(int64_t us, char out[INSPECT_MOMENT_BYTES]);
/* "1.52ms" from one moment to another, "-" when one of them is none. */
char *inspect_span(int64_t from_us, int64_t to_us, char out[INSPECT_MOMENT_BYTES]);
const char *inspect_opcode_name(int opcode);

#endif
