/*
 * request_kind.h - what a recorded request asks for, by its path and the fields it sends: a login,
 * a new token, the end of a session, or something else.
 */
#ifndef JWT_REFRESH_REQUEST_KIND_H
#define JWT_REFRESH_REQUEST_KIND_H

#include "fields.h"

enum request_kind { REQUEST_OTHER, REQUEST_LOGIN, REQUEST_REFRESH, REQUEST_LOGOUT };

/* "POST:/auth/login", "/auth/login" (any method); written NULL or empty: fits nothing. */
bool request_fits(const char *written, reprise_bytes method, reprise_bytes url);

/* fields: of the request's body. Whether it succeeded is another question. */
enum request_kind request_kind(reprise_bytes method, reprise_bytes url,
                               const struct fields *fields);

#endif
