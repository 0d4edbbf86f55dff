/*
 * session_names.h - what a name says of its value, and the looks of a value that tells a user.
 *
 * Names are compared without case, most of them by a word anywhere in them ("user_access_token").
 */
#ifndef REPRISE_CAPTURE_SESSION_NAMES_H
#define REPRISE_CAPTURE_SESSION_NAMES_H

#include "core/bytes.h"

enum { SESSION_LONG_VALUE_BYTES = 16 }; /* long enough to be one user's wherever it is carried */

bool session_text_contains_nocase(struct bytes in, const char *word);

/* Looks like a secret and is none: it changes from page to page. */
bool session_name_is_passing(struct bytes name);

/* Against forged requests: a user's own for a while, and sent back in forms. */
bool session_name_is_of_forms(struct bytes name);

bool session_name_is_cookie(struct bytes name); /* of a session */
bool session_name_is_token(struct bytes name);
bool session_name_is_query_token(struct bytes name); /* a query has short names for it, too */
bool session_name_is_lent(struct bytes name);        /* SESSION_CLASS_LENT */
bool session_name_is_key(struct bytes name); /* what an answer that makes an API key calls it */
bool session_name_is_login(struct bytes name);

/* "true", "none": says something about the user, not who it is. */
bool session_value_is_flag(struct bytes value);

/* What a page shows under such a name: "session": "Session", "token": "Your token". */
bool session_value_is_wording(struct bytes value);

/* Drawn at random, as far as its looks go: "12" and "next-week" are no user's token. */
bool session_value_is_random(struct bytes value);

#endif
