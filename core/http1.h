/*
 * http1.h - the syntax of HTTP/1 message heads: start line and header lines (RFC 9112 sections 2 to
 * 5).
 *
 * Nothing is copied: all views point into the caller's bytes. Read as leniently as a recorder must:
 * bare LF ends a line, empty lines before a head are skipped, a target may hold any byte but CR,
 * LF, NUL and the space before the version, a name may have space before its colon. What is no head
 * at all is -1.
 */
#ifndef REPRISE_CORE_HTTP1_H
#define REPRISE_CORE_HTTP1_H

#include <sys/types.h>

#include "core/bytes.h"

#define HTTP1_MAX_HEADERS 256
#define HTTP1_MAX_HEAD_BYTES (256 * 1024) /* callers stop waiting for an end beyond this */

struct http_header {
    struct bytes name;
    struct bytes value; /* trimmed; holds a bare CR and the line ends of obs-fold as received */
};

struct http1_head {
    bool is_response;
    bool has_folded_value;
    bool has_bad_line; /* a line that is no header was left out */
    int minor_version; /* of HTTP/1.x */
    int status;        /* response: 100..999 */
    struct bytes method;
    struct bytes target;
    struct bytes reason;
    struct bytes header_block; /* all header lines, without the empty line that ends them */
    size_t header_count;
    struct http_header headers[HTTP1_MAX_HEADERS];
};

#define HTTP1_NEED_MORE (-2)
#define HTTP1_BAD (-1)

/* Bytes used, including the empty line; HTTP1_NEED_MORE; HTTP1_BAD. */
ssize_t http1_parse_request(struct bytes in, struct http1_head *head);
ssize_t http1_parse_response(struct bytes in, struct http1_head *head);

/*
 * Could these first bytes become a request or response head? Needs no complete line. Stricter than
 * the parser where another protocol would pass for a request: the target must begin like one.
 */
bool http1_looks_like_request(struct bytes in);
bool http1_looks_like_response(struct bytes in);

/* The first header of that name (any case), or one with .ptr NULL. */
struct bytes http1_header(const struct http1_head *head, const char *name);

/* A method, the name of a header: one or more tchar of RFC 9110 5.6.2. */
bool http1_is_token(struct bytes in);

/* Does a comma-separated list header hold this token (any case)? Looks at every header of the name.
 */
bool http1_header_has_token(const struct http1_head *head, const char *name, const char *token);

#endif
