/*
 * http_message.h - one request and one response as values that can be changed: method, url,
 * headers, body.
 *
 * A request starts as views of a plan that is shared and read-only; whatever is set is copied into
 * the request's arena, so a change never reaches another user. Names ignore case, order and case
 * are kept.
 *
 * A body is whole (`body`), or lies in pieces (the plan's, cut around a user's values), or is made
 * while it is sent (`source`), so that many users' large bodies need not be in memory.
 */
#ifndef REPRISE_CORE_HTTP_MESSAGE_H
#define REPRISE_CORE_HTTP_MESSAGE_H

#include <sys/types.h>

#include "core/arena.h"
#include "core/http1.h"

enum http_change {
    HTTP_CHANGED_METHOD = 1 << 0,
    HTTP_CHANGED_URL = 1 << 1,
    HTTP_CHANGED_HEADERS = 1 << 2,
    HTTP_CHANGED_BODY = 1 << 3,
    HTTP_CHANGED_SOURCE = 1 << 4 /* what was the body may be changed beneath it */
};

#define HTTP_MAX_URL_BYTES (64 * 1024)
#define HTTP_MAX_HEADERS 256

/* A body that is made while it is sent. Whoever makes them puts one into a struct of its own. */
struct http_body_source {
    uint64_t body_bytes;  /* known ahead */
    uint64_t bytes_per_s; /* the pace it is sent at; 0: as fast as the connection takes it */
    /* The bytes from `offset` on, which is before the end: how many, 1 to max; the same whenever
     * they are asked for. -1: it cannot, and `failure` says why. */
    ssize_t (*read)(struct http_body_source *source, uint64_t offset, void *into, size_t max);
    void (*release)(struct http_body_source *source); /* nobody will read any more */
    const char *failure;
};

/* Headers that were set, as http_request_set_header() was told: a request that was written ahead of
 * time takes so few in where it lies. The name is the one that was there before, where there was
 * one: the very bytes of the recording. Values are one line. */
#define HTTP_MAX_EDITS 4

struct http_request {
    struct bytes method;             /* followed by a '\0', as the url */
    struct bytes url;                /* absolute */
    struct bytes body;               /* empty where it lies in pieces */
    const struct bytes *body_pieces; /* in order, borrowed; NULL: the body is whole */
    size_t body_piece_count;
    struct http_body_source *source;   /* owned; sent instead of the body; NULL: that is sent */
    const struct http_header *headers; /* the plan's, or own_headers */
    size_t header_count;
    struct http_header *own_headers; /* in the arena; NULL until a change */
    size_t own_capacity;
    struct arena *arena; /* borrowed; must outlive the request */
    uint32_t changes;    /* enum http_change */
    bool edits_repeated; /* one of them was there more than once */
    uint32_t edit_count; /* more than HTTP_MAX_EDITS: not all of them are in `edits` */
    struct http_header edits[HTTP_MAX_EDITS]; /* each name once; value.ptr NULL: removed */
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

/* The source, taken over also after -1, is what is sent; what was the body stays to be looked at.
 * http_request_set_body() puts an end to it. */
int http_request_set_source(struct http_request *request, struct http_body_source *source);
/* No longer the request's: the caller releases it. NULL: it has none. */
struct http_body_source *http_request_take_source(struct http_request *request);
/* Releases the source. What lies in the arena goes with that. */
void http_request_fini(struct http_request *request);

/* Of what is sent. */
uint64_t http_request_body_bytes(const struct http_request *request);
/* Of that, the bytes from `offset` on, which is before its end: how many, 1 to max, or -1. */
ssize_t http_request_read_body(const struct http_request *request, uint64_t offset, void *into,
                               size_t max);
/* Makes pieces a whole, in the arena. */
int http_request_join_body(struct http_request *request);

/* Replaces the first of that name and removes the others; appends when there is none; value.ptr
 * NULL removes. */
int http_request_set_header(struct http_request *request, struct bytes name, struct bytes value);

/* All headers become those of `like`. -1 without memory, or over a limit. */
int http_request_set_headers(struct http_request *request, const struct http_request *like);

/* All of `like` but its source into an empty request with an arena. -1 without memory, or over a
 * limit. */
int http_request_copy(struct http_request *copy, const struct http_request *like);

/* False for what would end a header's line and begin another: CR, LF, NUL. */
bool http_text_is_one_line(struct bytes text);

/* A header that belongs to one connection (RFC 9110 7.6.1) and is made anew, never replayed. */
bool http_header_is_hop_by_hop(struct bytes name);

#endif
