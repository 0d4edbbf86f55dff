/*
 * url.h - the parts of an absolute http, https, ws or wss URL (RFC 3986 section 3).
 */
#ifndef REPRISE_CORE_URL_H
#define REPRISE_CORE_URL_H

#include "core/bytes.h"

struct url {
    struct bytes scheme;    /* as written */
    struct bytes authority; /* host[:port], without user information */
    struct bytes host;      /* without the brackets of an IPv6 literal */
    struct bytes target;    /* path and query, without fragment; "/" for none; may start with '?' */
    uint16_t port;          /* the scheme's default when not written */
    bool is_secure;         /* https or wss */
};

/* False for what may not stand in a URL or a request line: controls and spaces. Other bytes that
 * RFC 3986 does not allow are sent by browsers as they are. */
bool url_text_is_whole(struct bytes text);

/* Views into `text`. -1: no such URL, user information in it, port out of range. */
int url_parse(struct bytes text, struct url *ret_url);

#endif
