/*
 * renew.h - a new token is asked for, and its answer judged: refresh first, login behind it.
 */
#ifndef JWT_REFRESH_RENEW_H
#define JWT_REFRESH_RENEW_H

#include "state.h"

/* Before a request that carries this credential: CONTINUE when it may go, HOLD while a new token is
 * on its way (asked for just now, or by another request of this user), FAIL. */
int renew_ready(const reprise_call *call, uint32_t credential);

/* The answer to what renew_ready() sent; request->tag is not 0. */
int renew_answered(const reprise_call *call, const reprise_response *response);

/* The answer to a recorded login or refresh that was sent as the trace has it. FAIL: a login that
 * succeeds and gives no token. */
int renew_recorded_answer(const reprise_call *call, const struct step_note *note,
                          const reprise_response *response);

/* Whether anything but the token in hand is to be had for this credential. */
bool renew_is_possible(const reprise_call *call, uint32_t credential);
/* The token was refused: the next request that carries it asks for a new one. */
void renew_is_needed(const reprise_call *call, uint32_t credential);

/* A token has come that no 401 has asked for: whether new tokens help is to be seen again. Who was
 * given up has one try; everybody else all of them. */
void renew_give_chance(struct live *live);

/* No new token is to be had for this user: counted, once. False: it was before. */
bool renew_count_lost(const reprise_call *call);

#endif
