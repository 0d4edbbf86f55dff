/*
 * http_sync.h - where in a stream of bytes an HTTP/1 message may begin, when the place is not
 * known: behind missing bytes, after a start in the middle, behind bytes that are not HTTP.
 *
 * Stricter than parsing is, because here a wrong guess invents a message: a start line must be
 * whole or begin with a known method.
 */
#ifndef REPRISE_CAPTURE_HTTP_SYNC_H
#define REPRISE_CAPTURE_HTTP_SYNC_H

#include "core/bytes.h"

enum http_sync_places {
    HTTP_SYNC_AT_START,    /* of the bytes: a segment usually begins a message */
    HTTP_SYNC_AFTER_BLANK, /* and behind an empty line, where a message without body ends */
    HTTP_SYNC_ANYWHERE     /* for answers: bodies end anywhere */
};

bool http_sync_is_request(struct bytes in);
bool http_sync_is_response(struct bytes in);

/* The first place in `in` where a message begins, or in.len. */
size_t http_sync_find(struct bytes in, bool is_response, enum http_sync_places places);

/* Bytes to skip of what proxies and tunnels send ahead of HTTP (PROXY protocol, SOCKS): the whole
 * view when more of it follows in later segments, 0 when it is none of these. */
bool http_sync_is_socks(struct bytes in);
size_t http_sync_proxy_line(struct bytes in);

#endif
