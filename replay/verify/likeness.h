/*
 * likeness.h - what two texts have in common beside their bytes: the same with another id, time or
 * count in it; and what must not be shown whole.
 *
 * Pure functions over views. They judge by form alone, so they are wrong now and then; what they
 * call alike is not reported as a divergence, what they call different may still be noise
 * (noise.h).
 */
#ifndef REPRISE_REPLAY_LIKENESS_H
#define REPRISE_REPLAY_LIKENESS_H

#include "core/buf.h"

/*
 * Do they differ only in ids, times and counts? "job_8f3a11c9 is queued" and "job_0b77e2d4 is
 * queued" are alike, "queued" and "failed" are not.
 */
bool texts_are_alike(struct bytes a, struct bytes b);

/* The same of JSON strings: a word whose name is that of an id may be any other word. */
bool strings_are_alike(struct bytes name, struct bytes a, struct bytes b);

/* The same of JSON numbers, whose name tells an id or a time from an amount. */
bool numbers_are_alike(struct bytes name, struct bytes a, struct bytes b);

/* Lengths of one order: a quarter to four times, or both small. */
bool sizes_are_alike(uint64_t a, uint64_t b);

/* A word that no person chose: a uuid, hex, digits, a token. */
bool text_is_id(struct bytes text);

/* A name that goes with ids and times: id, job_id, createdAt, exp. */
bool name_is_volatile(struct bytes name);

/* A name that goes with what lets somebody in: csrf_token, Authorization, password, sid. */
bool name_is_credential(struct bytes name);

/* A name of a credential that an answer gives: access_token, refresh. A password is none. */
bool name_is_token(struct bytes name);

/* A name that says who somebody is: email, username, login. */
bool name_is_account(struct bytes name);

/* "header.payload.signature" in base64url whose header is a JSON object. */
bool text_is_jwt(struct bytes text);

/* The `exp` of such a token, in seconds since 1970. False: it has none. */
bool jwt_expiry(struct bytes token, uint64_t *ret_unix_s);

#define SHOWN_MAX_BYTES 120

/* One line for people, at most SHOWN_MAX_BYTES - 1 bytes: cut, control bytes as '.', and of what
 * may be a secret the first four bytes and its length. Into `out`, returned. */
char *show_value(char out[SHOWN_MAX_BYTES], struct bytes name, struct bytes text);

#endif
