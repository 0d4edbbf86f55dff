/*
 * http_message.h - one request and one response as values that can be changed: method, url,
 * headers, body.
 *
 * A request starts as views of a plan that is shared and read-only; whatever is set is copied into
 * the request's arena, so a change never reaches another user. Names ignore case, order and case
 * are kept.
 */
#ifndef REPRISE_CORE_HTTP_MESSAGE_H
#define REPRISE_CORE_HTTP_MESSAGE_H

#include "core/arena.h"
#include "core/http1.h"

enum http_change {
    HTTP_CHANGED_METHOD = 1 << 0,
    HTTP_CHANGED_URL = 1 << 1,
    HTTP_CHANGED_HEADERS = 1 << 2,
    HTTP_CHANGED_BODY = 1 << 3
};

#define HTTP_MAX_URL_BYTES (64 * 1024)
#define HTTP_MAX_HEADERS 256

struct http_request {
    struct bytes method;
    struct bytes url; /* absolute */
    struct bytes body;
    const struct http_header *headers; /* the plan's, or own_headers */
    size_t header_count;
    struct http_header *own_headers; /* in the arena; NULL until a change */
    size_t own_capacity;
    struct arena *arena; /* borrowed; must outlive the request */
    uint32_t changes;    /* enum http_change */
};

struct http_response {
    int status; /* 0: there was none */
    const struct http_header *headers;
    size_t header_count;
    struct bytes body; /* .ptr NULL when it was not kept */
};

/* The first header of that name, or one with .ptr NULL. */
struct bytes http_headers_find(const struct http_header *headers, size_t count, struct bytes name);

/* All of these: 0, or -1 when the value is not valid there (control bytes, too long) or memory ran
 * out. */
int http_request_set_method(struct http_request *request, struct bytes method);
int http_request_set_url(struct http_request *request, struct bytes url);
int http_request_set_body(struct http_request *request, struct bytes body);

/* Replaces the first of that name and removes the others; appends when there is none; value.ptr
 * NULL removes. */
int http_request_set_header(struct http_request *request, struct bytes name, struct bytes value);

/* All of `like` into an empty request with an arena. -1 without memory, or over a limit. */
int http_request_copy(struct http_request *copy, const struct http_request *like);

/* False for what would end a header's line and begin another: CR, LF, NUL. */
bool http_text_is_one_line(struct bytes text);

/* A header that belongs to one connection (RFC 9110 7.6.1) and is made anew, never replayed. */
bool http_header_is_hop_by_hop(struct bytes name);

#endif
