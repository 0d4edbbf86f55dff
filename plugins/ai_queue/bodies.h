/*
 * bodies.h - what the JSON body of a request says of jobs: their identifiers, and whether it asks
 * for something or changes it. GraphQL and JSON-RPC are read as what they are.
 */
#ifndef AI_QUEUE_BODIES_H
#define AI_QUEUE_BODIES_H

#include <jansson.h>
#include <stdint.h>

#include "text.h"

/* Every text that may be an identifier; of a GraphQL query every word of it with a digit,
 * or a long one. */
typedef void (*body_id_fn)(void *owner, struct span id);
void body_each_id(const json_t *root, body_id_fn each, void *owner);

/* ASKS: a GraphQL query, or its JSON-RPC method or its path has a word such as get, status, poll.
 * CHANGES: a GraphQL mutation. */
enum body_intent { BODY_UNSAID, BODY_ASKS, BODY_CHANGES };
enum body_intent body_intent(struct span url, const json_t *root);

/* The number of a JSON-RPC call stands at "/id", and is none of a job's. */
bool body_is_rpc(const json_t *root);

/* The same for two requests that are alike but for numbers and the like. */
uint64_t body_hash(struct span url, const json_t *root);

/* `old` becomes `value` wherever it stands as a whole; the caller's. NULL: nowhere, or no memory.
 */
char *body_replace(struct span body, struct span old, struct span value, size_t *ret_len);

#endif
