/* request.c - one request on its way through the server, and the answer it will get. */
#include "tests/voicelab/request.h"

#include <arpa/inet.h>
#include <assert.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/voicelab/app.h"
#include "tests/voicelab/clock.h"
#include "tests/voicelab/upload.h"

static void note_client(struct request *rq)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(rq->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;

    if (address && address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        inet_ntop(AF_INET, &v4->sin_addr, rq->address, sizeof rq->address);
        rq->port = ntohs(v4->sin_port);
    } else if (address && address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
        inet_ntop(AF_INET6, &v6->sin6_addr, rq->address, sizeof rq->address);
        rq->port = ntohs(v6->sin6_port);
    }
}

struct request *request_new(struct app *app, struct MHD_Connection *connection, const char *target)
{
    struct request *rq = calloc(1, sizeof *rq);

    if (!rq)
        return NULL;
    rq->app = app;
    rq->connection = connection;
    rq->arrived_us = clock_unix_us();
    rq->arrived_clock_us = clock_monotonic_us();
    rq->target = strdup(target);
    if (!rq->target) {
        free(rq);
        return NULL;
    }
    snprintf(rq->method, sizeof rq->method, "-");
    note_client(rq);
    return rq;
}

void request_free(struct request *rq)
{
    upload_free(rq->upload);
    free(rq->target);
    free(rq->body);
    free(rq->reply.body);
    if (rq->reply.upgrade)
        MHD_destroy_response(rq->reply.upgrade);
    free(rq);
}

void request_append(struct request *rq, const char *bytes, size_t len)
{
    if (rq->body_bytes + len > JSON_BODY_MAX) {
        reply_error(rq, 413, "too_large", "a body of this kind may have %u bytes", JSON_BODY_MAX);
        return;
    }
    char *grown = realloc(rq->body, rq->body_bytes + len + 1);
    if (!grown) {
        reply_error(rq, 500, "no_memory", "out of memory");
        return;
    }
    rq->body = grown;
    memcpy(rq->body + rq->body_bytes, bytes, len);
    rq->body_bytes += len;
    rq->body[rq->body_bytes] = '\0';
}

const char *request_header(const struct request *rq, const char *name)
{
    return MHD_lookup_connection_value(rq->connection, MHD_HEADER_KIND, name);
}

const char *request_query(const struct request *rq, const char *name)
{
    return MHD_lookup_connection_value(rq->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *request_cookie(const struct request *rq, const char *name)
{
    return MHD_lookup_connection_value(rq->connection, MHD_COOKIE_KIND, name);
}

json_t *request_json(struct request *rq)
{
    const char *type = request_header(rq, "Content-Type");
    json_error_t why;

    if (!type || strncasecmp(type, "application/json", 16) != 0) {
        reply_error(rq, 415, "not_json", "Content-Type must be application/json");
        return NULL;
    }
    json_t *object =
        json_loadb(rq->body ? rq->body : "", rq->body_bytes, JSON_REJECT_DUPLICATES, &why);
    if (!object) {
        reply_error(rq, 400, "bad_json", "line %d, column %d: %s", why.line, why.column, why.text);
        return NULL;
    }
    if (!json_is_object(object)) {
        json_decref(object);
        reply_error(rq, 400, "bad_json", "the body must be an object");
        return NULL;
    }
    return object;
}

const char *request_text(struct request *rq, json_t *object, const char *name, size_t max)
{
    json_t *value = json_object_get(object, name);

    if (!json_is_string(value) || json_string_length(value) == 0 ||
        json_string_length(value) > max) {
        reply_error(rq, 422, "bad_field", "%s must be a string of 1 to %zu characters", name, max);
        return NULL;
    }
    return json_string_value(value);
}

int request_limit(struct request *rq)
{
    const char *text = request_query(rq, "limit");
    char *end;

    if (!text)
        return 20;
    long limit = strtol(text, &end, 10);
    if (end == text || *end || limit < 1 || limit > 100) {
        reply_error(rq, 422, "bad_field", "limit must be 1 to 100");
        return -1;
    }
    return (int)limit;
}

bool request_is_answered(const struct request *rq)
{
    return rq->reply.status != 0;
}

void reply_text(struct request *rq, int status, const char *content_type, char *body, size_t len)
{
    if (request_is_answered(rq)) {
        free(body);
        return;
    }
    rq->reply.status = status;
    rq->reply.content_type = content_type;
    rq->reply.body = body;
    rq->reply.body_bytes = body ? len : 0;
}

void reply_json(struct request *rq, int status, json_t *object)
{
    char *body = json_dumps(object, JSON_COMPACT);

    json_decref(object);
    reply_text(rq, status, "application/json", body, body ? strlen(body) : 0);
}

void reply_empty(struct request *rq, int status)
{
    reply_text(rq, status, NULL, NULL, 0);
}

void reply_header(struct request *rq, const char *name, const char *format, ...)
{
    struct reply *reply = &rq->reply;
    va_list values;

    assert(reply->header_count < REPLY_HEADERS_MAX);
    reply->headers[reply->header_count].name = name;
    va_start(values, format);
    int len = vsnprintf(reply->headers[reply->header_count].value, sizeof reply->headers[0].value,
                        format, values);
    va_end(values);
    assert(len >= 0 && (size_t)len < sizeof reply->headers[0].value);
    reply->header_count++;
}

void reply_error(struct request *rq, int status, const char *code, const char *format, ...)
{
    char message[300];
    va_list values;

    va_start(values, format);
    vsnprintf(message, sizeof message, format, values);
    va_end(values);
    /* It may quote what the client sent: keep it printable, and so valid JSON. */
    for (char *c = message; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    reply_json(rq, status, json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message));
}
