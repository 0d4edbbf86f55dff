/*
 * state.h - what test_host.h keeps of a plugin, and the small things its parts share.
 */
#ifndef REPRISE_TEST_HOST_STATE_H
#define REPRISE_TEST_HOST_STATE_H

#include "reprise_plugin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast" /* this is C, too */
#endif

#define TEST_HOST_MAX 64 /* of each thing that is kept; more end the test */

struct test_host_header {
    const char *name, *value;
};

struct test_host_request { /* `view` is first: the plugin's pointer is ours */
    reprise_request view;
    struct test_host_header headers[TEST_HOST_MAX];
    size_t header_count;
    reprise_bytes body; /* kept: as it would be sent, unless it has a source */
    int is_sent;        /* kept: send() was called */
    int has_source;
    reprise_body_source source;
};

struct test_host_response {
    reprise_response view;
    struct test_host_header headers[TEST_HOST_MAX];
    size_t header_count;
};

struct test_host_step { /* of settle(), replace_value(), data, new_request_of_step() */
    uint32_t step, status;
    reprise_bytes first, second, third; /* as the function has them, in order */
};

struct test_host_metric {
    uint64_t count, sum, last;
};

struct test_host_list {
    struct test_host_step items[TEST_HOST_MAX];
    size_t count;
};

struct test_host {
    const reprise_plugin *plugin;
    reprise_host table;
    reprise_call call; /* set what the plugin is to see: now_us, unix_us, user_index, ... */
    struct test_host_request request; /* in hand */
    struct test_host_response response;
    reprise_ws_message message;
    struct test_host_list data;     /* test_host_give_data() */
    struct test_host_list recorded; /* test_host_give_step() */
    uint64_t random_state;
    int settle_gives, replace_gives; /* what those functions answer: 0 and 1 */
    int prints_log;                  /* to stderr */

    /* kept: of the last callback */
    uint64_t delay_us;
    char error[512]; /* the first reason; "" when there is none */
    int judgement;   /* 0: none */
    char judged[256];
    int keeps_body, ends_response;
    uint64_t limit_us;         /* of limit_us(): the shortest; 0: none */
    reprise_bytes ws_replaced; /* ptr is NULL: it was not */
    reprise_bytes ws_sent[TEST_HOST_MAX];
    size_t ws_sent_count;

    /* kept: until test_host_forget() */
    struct test_host_request *added[TEST_HOST_MAX]; /* from new_request(); see is_sent */
    size_t added_count;
    struct test_host_list settled, replaced, marked; /* marked: step, and the mark as status */
    struct test_host_list cookies;                   /* of set_cookie() */
    struct test_host_metric metrics[TEST_HOST_MAX];
    size_t metric_count, wakes, log_lines;
    char log[512]; /* the last line */

    int callback; /* which one runs; see the enum */
    void **blocks;
    size_t block_count;
};

enum {
    TEST_HOST_NONE,
    TEST_HOST_START,
    TEST_HOST_RECORDED,
    TEST_HOST_SESSION_START,
    TEST_HOST_REQUEST,
    TEST_HOST_RESPONSE,
    TEST_HOST_DATA,
    TEST_HOST_WS,
    TEST_HOST_END,
    TEST_HOST_RECORDING_END
};

static inline struct test_host *test_host_of(const reprise_call *call)
{
    return (struct test_host *)call->internal;
}

static inline void *test_host_alloc(struct test_host *host, size_t size)
{
    void *block = calloc(1, size ? size : 1);
    void **blocks = (void **)realloc(host->blocks, (host->block_count + 1) * sizeof *blocks);
    if (!block || !blocks)
        abort();
    host->blocks = blocks;
    host->blocks[host->block_count++] = block;
    return block;
}

/* A copy with its '\0', good until test_host_fini(). */
static inline reprise_bytes test_host_keep(struct test_host *host, const void *data, size_t len)
{
    reprise_bytes kept = {NULL, 0};
    if (!data)
        return kept;
    char *copy = (char *)test_host_alloc(host, len + 1);
    memcpy(copy, data, len);
    kept.ptr = copy;
    kept.len = len;
    return kept;
}

static inline reprise_bytes test_host_text(struct test_host *host, const char *text)
{
    return test_host_keep(host, text, text ? strlen(text) : 0);
}

static inline size_t test_host_room(size_t count)
{
    if (count >= TEST_HOST_MAX) {
        fprintf(stderr, "test_host: more than %d of one thing\n", TEST_HOST_MAX);
        abort();
    }
    return count;
}

static inline int test_host_no(struct test_host *host, const char *why)
{
    if (!host->error[0])
        snprintf(host->error, sizeof host->error, "%s", why);
    return -1;
}

static inline struct test_host_step *test_host_add(struct test_host_list *list)
{
    return &list->items[test_host_room(list->count++)];
}

static inline int test_host_same(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        int x = *a >= 'A' && *a <= 'Z' ? *a + 32 : *a, y = *b >= 'A' && *b <= 'Z' ? *b + 32 : *b;
        if (x != y)
            return 0;
    }
    return *a == *b;
}

static inline reprise_bytes test_host_find(const struct test_host_header *headers, size_t count,
                                           const char *name)
{
    reprise_bytes found = {NULL, 0};
    for (size_t i = 0; name && i < count && !found.ptr; i++) {
        if (test_host_same(headers[i].name, name)) {
            found.ptr = headers[i].value;
            found.len = strlen(found.ptr);
        }
    }
    return found;
}

static inline int test_host_put(struct test_host *host, struct test_host_header *headers,
                                size_t *count, const char *name, const char *value)
{
    size_t kept = 0;
    if (!name || !*name || strpbrk(name, " \t\r\n:\"(),/;<=>?@[\\]{}") ||
        (value && strpbrk(value, "\r\n")))
        return test_host_no(host, "set_header(): the name or its value is not valid in a header");
    for (size_t i = 0; i < *count; i++) {
        if (!test_host_same(headers[i].name, name))
            headers[kept++] = headers[i];
    }
    if (value) {
        headers[test_host_room(kept)].name = test_host_text(host, name).ptr;
        headers[kept++].value = test_host_text(host, value).ptr;
    }
    *count = kept;
    return 0;
}

/* The request in hand, or one that was added; NULL when it may not be touched any more. */
static inline struct test_host_request *
test_host_change(struct test_host *host, const reprise_request *view, const char *why)
{
    if (view == &host->request.view && host->callback == TEST_HOST_REQUEST)
        return &host->request;
    for (size_t i = 0; i < host->added_count; i++) {
        if (view == &host->added[i]->view && !host->added[i]->is_sent)
            return host->added[i];
    }
    test_host_no(host, why);
    return NULL;
}

#endif
