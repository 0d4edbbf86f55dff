/*
 * ws_inflate.h - permessage-deflate of one direction (RFC 7692 section 7.2.2), by zlib.
 */
#ifndef REPRISE_CAPTURE_WS_INFLATE_H
#define REPRISE_CAPTURE_WS_INFLATE_H

#include "core/buf.h"

struct ws_inflate;

/* keeps_context: a message may refer to bytes of the ones before it. NULL without memory. */
struct ws_inflate *ws_inflate_new(bool keeps_context);
void ws_inflate_free(struct ws_inflate *inflate); /* NULL is allowed */

enum ws_inflate_result {
    WS_INFLATE_DONE,
    WS_INFLATE_TRUNCATED, /* `out` was full: it holds the first part, *ret_bytes says the whole */
    WS_INFLATE_FAILED     /* no deflate data, or over every bound; a kept context is lost */
};

/* Inflate a whole message; appends to `out` up to its maximum. */
enum ws_inflate_result ws_inflate_message(struct ws_inflate *inflate, struct bytes message,
                                          struct buf *out, uint64_t *ret_bytes);

#endif
