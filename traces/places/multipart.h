/*
 * multipart.h - takes a multipart/form-data body apart (RFC 7578, RFC 2046 5.1): byte by byte, as
 * files are kept.
 *
 * Views of the body and no memory. A bare LF ends a line as well; the last part may be cut.
 */
#ifndef REPRISE_TRACES_PLACES_MULTIPART_H
#define REPRISE_TRACES_PLACES_MULTIPART_H

#include "core/bytes.h"

#define MULTIPART_MAX_BOUNDARY_BYTES 200 /* RFC 2046 allows 70 */

struct multipart_part {
    struct bytes name;     /* as written between its quotes; .ptr NULL: it has none */
    struct bytes filename; /* the same; .ptr NULL: it is no file */
    struct bytes content;  /* without the line end before the next boundary */
};

struct multipart {
    struct bytes rest; /* behind a boundary's line; .ptr NULL: behind the last */
    struct bytes boundary;
};

/* `content_type` says the boundary; where it does not, the body's first line does. False: there is
 * none in the body. */
bool multipart_start(struct multipart *multipart, struct bytes content_type, struct bytes body);
bool multipart_next(struct multipart *multipart, struct multipart_part *ret_part);

#endif
