/* request.h - one request on its way through the server, and the answer it will get.
 *
 *   ARRIVED --headers--> READING --body--> READY --handler--> ANSWERED
 *                           |                ^
 *                           +--> DELAYED ----+     (--latency, --jitter)
 *
 * Anything may answer early (a wrong token, a full queue): the body is then read and let go, and
 * the handler is not asked. */
#ifndef VOICELAB_REQUEST_H
#define VOICELAB_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/voicelab/sessions.h"
#include "tests/voicelab/tokens.h"

#define JSON_BODY_MAX (256u * 1024u) /* requests with JSON or a form; audio has --max-upload */
#define REPLY_HEADERS_MAX 8

enum request_phase {
    REQUEST_ARRIVED,
    REQUEST_READING,
    REQUEST_DELAYED,
    REQUEST_ANSWERED,
};

struct MHD_Connection;
struct MHD_Response;
struct app;
struct route;
struct upload;

struct reply {
    int status; /* 0: none yet */
    const char *content_type;
    char *body; /* malloc'ed */
    size_t body_bytes;
    struct MHD_Response *upgrade; /* instead of a body, with status 101 */
    size_t header_count;
    struct {
        const char *name; /* a literal */
        char value[200];
    } headers[REPLY_HEADERS_MAX];
};

struct request {
    struct app *app;
    struct MHD_Connection *connection;
    enum request_phase phase;
    char *target; /* as sent, query included */
    char method[12];
    char address[48];
    unsigned port;
    uint64_t arrived_us;       /* unix time */
    uint64_t arrived_clock_us; /* the same moment on the monotonic clock */

    const struct route *route; /* NULL: no such route */
    size_t route_index;
    size_t method_slot;
    char param[ID_CAP]; /* what {id} in the route's path stood for */
    struct identity identity;

    char *body; /* of JSON and forms: '\0' behind it */
    size_t body_bytes;
    size_t received_bytes; /* of any body, kept or not */
    struct upload *upload; /* of multipart audio */
    struct reply reply;
};

struct request *request_new(struct app *app, struct MHD_Connection *connection, const char *target);
void request_free(struct request *rq);

/* Keeps a piece of a JSON or form body; answers 413 when it grows too large. */
void request_append(struct request *rq, const char *bytes, size_t len);

/* Borrowed; NULL when there is none. */
const char *request_header(const struct request *rq, const char *name);
const char *request_query(const struct request *rq, const char *name);
const char *request_cookie(const struct request *rq, const char *name);

/* The body as an object (the caller's), or NULL after answering 400 or 415. */
json_t *request_json(struct request *rq);

/* A string member of 1 to `max` characters (borrowed), or NULL after answering 422. */
const char *request_text(struct request *rq, json_t *object, const char *name, size_t max);

/* `limit` of the query, 1 to 100, 20 when not given. -1 after answering 422. */
int request_limit(struct request *rq);

/* The answer; the first one given counts. reply_json takes the object over. */
void reply_json(struct request *rq, int status, json_t *object);
void reply_text(struct request *rq, int status, const char *content_type, char *body, size_t len);
void reply_empty(struct request *rq, int status);
void reply_header(struct request *rq, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* {"error":{"code":...,"message":...}} */
void reply_error(struct request *rq, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

bool request_is_answered(const struct request *rq);

#endif
