/*
 * native_data.h - of a call whose answer is looked at as it comes: its codings undone piece by
 * piece, its owner asked whether it wants the rest.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_NATIVE_DATA_H
#define REPRISE_REPLAY_TRANSPORT_NATIVE_DATA_H

#include "core/bytes.h"

struct transport_call;
struct transport_result;

/* Makes the call ready for an answer, looked at or not. -1 without memory. */
int native_data_begin(struct transport_call *call);
void native_data_free(struct transport_call *call);

/* How the answer stands behind this piece of its body, as it came; the views of all its headers
 * stand in the transport's scratch. `owner` is the call. An answer_on_data_fn. */
int native_data_take(void *owner, struct bytes data);

/* The body, if it is kept, into the result; or that it is not what its coding says. */
void native_data_result(struct transport_call *call, struct transport_result *result);

#endif
