/*
 * session_texts.h - what people read of a session: whose it is, and which program it was.
 */
#ifndef REPRISE_CAPTURE_SESSION_TEXTS_H
#define REPRISE_CAPTURE_SESSION_TEXTS_H

#include "capture/session_keys.h"

enum { SESSION_IDENTITY_BYTES = 96, SESSION_LABEL_BYTES = 160 };

/* "cookie sid 3fa9c1d2": enough of a digest to tell two apart, and nothing of the secret. */
struct bytes session_identity(char text[SESSION_IDENTITY_BYTES], const struct session_key *key);

/* The browser's or the program's name. */
struct bytes session_label(char text[SESSION_LABEL_BYTES], struct bytes user_agent);

/* Behind that name: "curl; sent 3 different PHPSESSID: probably 3 users". `label` is in `text`. */
struct bytes session_label_of_many(char text[SESSION_LABEL_BYTES], struct bytes label,
                                   unsigned users, struct bytes cookie);

#endif
