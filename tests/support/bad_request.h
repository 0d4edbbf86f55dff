/* bad_request.h - one request to the misbehaving server: what it says, and the connection that a
 * deed may do anything to. */
#ifndef REPRISE_TESTS_BAD_REQUEST_H
#define REPRISE_TESTS_BAD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

enum { BAD_MAX_HEAD_BYTES = 64 * 1024 };

struct bad_request {
    int fd;
    char head[BAD_MAX_HEAD_BYTES];
    size_t head_len;  /* with the empty line */
    size_t body_read; /* of the body, what came with the head */
    char method[16], target[512];
};

/* What is done to those whose path begins with `path`; true when the connection stays in use. */
struct bad_deed {
    const char *path;
    bool (*act)(struct bad_request *request);
};

/* The rows of each table; the first that fits counts, a row without a path ends it. */
extern const struct bad_deed bad_websockets[];
extern const struct bad_deed bad_answers[]; /* its last row fits every path */

bool bad_read_head(struct bad_request *request);

/* The value of a header, or "-", until the next call on this thread. */
const char *bad_header(const struct bad_request *request, const char *name);
void bad_skip_body(struct bad_request *request);
bool bad_recv_exactly(const struct bad_request *request, void *bytes, size_t len);

bool bad_send_bytes(const struct bad_request *request, const void *bytes, size_t len);
bool bad_send_text(const struct bad_request *request, const char *text);

/* Until the client has closed. */
void bad_wait_for_close(const struct bad_request *request);
/* What closes the connection now tells the client so with a reset. */
void bad_reset(const struct bad_request *request);

#endif
