/*
 * value_names.h - what the name of a place says of the value that is there.
 *
 * Names are compared by their words: contextId, context_id and Context-Id are the same. All of it
 * is a table of words; a name that has none of them says nothing.
 */
#ifndef REPRISE_TRACES_CORRELATE_VALUE_NAMES_H
#define REPRISE_TRACES_CORRELATE_VALUE_NAMES_H

#include "core/bytes.h"

enum name_class {
    NAME_SAYS_NOTHING,
    NAME_IS_ID,         /* id, uuid, key, ref, handle, slug */
    NAME_IS_CREDENTIAL, /* token, session, sid, authorization, ticket, csrf, nonce, code */
    NAME_IS_CURSOR,     /* cursor, next, after, offset token, etag */
    NAME_IS_NO_ID       /* page, limit, language, status, title: what people choose */
};

enum name_class name_class_of(struct bytes name);
const char *name_class_word(enum name_class class); /* for people: "an id" */

/* Would a client make such a value up: request_id, nonce, idempotency-key, x-correlation-id? */
bool name_is_made_by_client(struct bytes name);
/* Moments that are not now: expires, birthday, from, until. */
bool name_is_other_time(struct bytes name);

/* Do two names mean the same? csrf and X-CSRF-Token, ETag and If-None-Match, next and cursor. */
bool names_agree(struct bytes born, struct bytes used);
/* upload_id is the id of a resource "uploads"; `resource` may have several words. */
bool name_is_of_resource(struct bytes name, struct bytes resource);
/* "id" and nothing more: of what it is an id only its surroundings say. */
bool name_is_bare(struct bytes name);

/* The fields of a login or a signup. */
enum name_identity {
    IDENTITY_NONE,
    IDENTITY_EMAIL,
    IDENTITY_USERNAME,
    IDENTITY_NAME, /* a username where there is nothing better */
    IDENTITY_PASSWORD
};
enum name_identity name_identity_of(struct bytes name);

/* A path that says what is done there. */
bool path_is_signup(struct bytes path);
bool path_is_login(struct bytes path);

#endif
