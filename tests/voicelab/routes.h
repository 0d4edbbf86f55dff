/* routes.h - the table of what the server answers. */
#ifndef VOICELAB_ROUTES_H
#define VOICELAB_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/voicelab/secret.h"

struct request;

enum auth { AUTH_NONE, AUTH_USER, AUTH_API_KEY, AUTH_ADMIN };
enum body_kind { BODY_NONE, BODY_TEXT, BODY_MULTIPART };

struct route {
    const char *method; /* GET stands for HEAD too */
    const char *path;   /* at most one {id} */
    enum auth auth;
    enum body_kind body;
    bool is_exempt; /* from limits and misbehaviour */
    void (*handle)(struct request *rq);
};

size_t routes_count(void);

/* Finds the route and its index, and what {id} stood for. When there is none the index is
 * routes_count() and *ret_allow the methods that this path has, or "". */
const struct route *routes_find(const char *method, const char *path, char ret_param[ID_CAP],
                                size_t *ret_index, char ret_allow[64]);

/* Slot 0 is the route's own method, slot 1 HEAD on a GET route. Index routes_count(): no route. */
const char *routes_template(size_t index);
const char *routes_method(size_t index, size_t slot);

#endif
