/*
 * native_origin.h - where URLs point: scheme, host and port, found again without taking a URL
 * apart.
 *
 * One list per transport. Connections and calls refer to an origin; one that nobody refers to is
 * kept for the next, until there are many.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_NATIVE_ORIGIN_H
#define REPRISE_REPLAY_TRANSPORT_NATIVE_ORIGIN_H

#include "core/url.h"

#define NATIVE_MAX_UNUSED_ORIGINS 64

struct native_origin {
    struct native_origin *next;
    size_t references;
    struct url url;    /* views into `text`, which is a URL with nothing behind its authority */
    bool speaks_http1; /* it has chosen that over HTTP/2 */
    size_t text_len;
    char text[];
};

struct native_origins {
    struct native_origin *first;
    size_t count;
};

/* Is `url` one of it, spelled as the first was? False does not mean that it is not. */
static inline bool native_origin_begins(const struct native_origin *origin, struct bytes url)
{
    size_t len = origin->text_len;
    return url.len > len && (url.ptr[len] == '/' || url.ptr[len] == '?') &&
           memcmp(url.ptr, origin->text, len) == 0;
}

/* -1: it is no URL of http or https. 0 with *ret_origin NULL: no memory. Not referenced yet. */
int native_origin_find(struct native_origins *origins, struct bytes url,
                       struct native_origin **ret_origin);

/* Nobody may refer to any. */
void native_origins_fini(struct native_origins *origins);

#endif
