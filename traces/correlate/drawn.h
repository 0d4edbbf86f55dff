/*
 * drawn.h - ids that the client drew itself, told from those that it had: by what all sessions say.
 *
 * A session alone only shows that no answer before had the id (client_values.c). An id is taken for
 * drawn where sessions of two users sent different ones at the same place, and no value of that
 * place was sent by two sessions without an answer that gave it. What a session was given is no
 * sign that clients send a constant; that it was given before the other one sent it, is.
 */
#ifndef REPRISE_TRACES_CORRELATE_DRAWN_H
#define REPRISE_TRACES_CORRELATE_DRAWN_H

#include "traces/correlate/spool.h"

struct rules;

/* Did an answer before give all of the value? */
bool use_is_given(const struct spool_use *use, const struct spool_candidate *candidates);

/* The first reading. -1 without memory. */
int drawn_note(struct rules *rules, const struct spool_use *use, struct error *err);
/* The second one: what speaks against. */
void drawn_doubt(struct rules *rules, const struct spool_entry *entry);
/* Behind it. */
void drawn_settle(struct rules *rules);

bool drawn_is_made(const struct rules *rules, const struct spool_use *use);

#endif
