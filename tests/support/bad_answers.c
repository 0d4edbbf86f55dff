/*
 * bad_answers.c - what can be wrong with an answer, one function a misdeed and a row of
 * `bad_answers` each.
 */
#include "tests/support/bad_request.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SEEN = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *seen[MAX_SEEN]; /* targets asked for before */

static bool answer(const struct bad_request *request, int status, const char *headers)
{
    char text[512];
    snprintf(text, sizeof text, "HTTP/1.1 %d Because\r\n%sContent-Length: 2\r\n\r\nok", status,
             headers);
    return bad_send_text(request, text);
}

static bool do_ok(struct bad_request *request)
{
    bad_skip_body(request);
    return answer(request, 200, "");
}

/* A token, another one each time. */
static bool do_login(struct bad_request *request)
{
    static int logins;
    char headers[64];
    bad_skip_body(request);
    pthread_mutex_lock(&lock);
    snprintf(headers, sizeof headers, "X-Token: token-%d\r\n", ++logins);
    pthread_mutex_unlock(&lock);
    return answer(request, 200, headers);
}

/* /first/STATUS/...: that status to the first who asks for this target, 200 from then on. */
static bool do_first(struct bad_request *request)
{
    int status = (int)strtol(request->target + strlen("/first/"), NULL, 10);
    bool is_first = true;
    bad_skip_body(request);
    pthread_mutex_lock(&lock);
    size_t at = 0;
    for (; at < MAX_SEEN - 1 && seen[at]; at++)
        is_first = is_first && strcmp(seen[at], request->target) != 0;
    if (is_first)
        seen[at] = strdup(request->target);
    pthread_mutex_unlock(&lock);
    return answer(request, is_first ? status : 200, "");
}

static bool do_reset(struct bad_request *request)
{
    bad_reset(request);
    return false;
}

static bool do_close(struct bad_request *request)
{
    (void)request;
    return false;
}

static bool do_silent(struct bad_request *request)
{
    bad_wait_for_close(request);
    return false;
}

static bool do_half_body(struct bad_request *request)
{
    bad_send_text(request, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nno more than this");
    return false;
}

static bool do_stuck_body(struct bad_request *request)
{
    do_half_body(request);
    bad_wait_for_close(request);
    return false;
}

static bool do_cut_chunk(struct bad_request *request)
{
    bad_send_text(request, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nno more");
    return false;
}

static bool do_huge_chunk(struct bad_request *request)
{
    bad_send_text(request, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "fffffffffffffffffffffffffffff\r\nsome\r\n");
    bad_wait_for_close(request);
    return false;
}

static bool do_bad_chunk(struct bad_request *request)
{
    bad_send_text(request, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n");
    bad_wait_for_close(request);
    return false;
}

static bool do_endless_body(struct bad_request *request)
{
    static const char block[65536];
    bad_send_text(request, "HTTP/1.1 200 OK\r\n\r\n");
    while (bad_send_bytes(request, block, sizeof block)) {
    }
    return false;
}

static bool do_endless_headers(struct bad_request *request)
{
    bad_send_text(request, "HTTP/1.1 200 OK\r\n");
    while (bad_send_text(request,
                         "X-More: and more and more and more and more and more and more\r\n")) {
    }
    return false;
}

static bool do_garbage(struct bad_request *request)
{
    static const char garbage[] = "\x16\x03\x01\0\xff\xfe this is no HTTP\r\n\r\n";
    bad_send_bytes(request, garbage, sizeof garbage - 1);
    return false;
}

static bool do_other_version(struct bad_request *request)
{
    bad_send_text(request, "HTTP/7.3 200 OK\r\nContent-Length: 2\r\n\r\nok");
    return false;
}

/* Right in everything but its speed. */
static bool do_drip(struct bad_request *request)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for (size_t i = 0; i < sizeof text - 1; i++) {
        if (!bad_send_bytes(request, text + i, 1))
            return false;
    }
    return true;
}

/* The whole answer before the body of the request has come; then that is read. */
static bool do_early(struct bad_request *request)
{
    answer(request, 200, "");
    bad_skip_body(request);
    return true;
}

static bool do_switch(struct bad_request *request)
{
    bad_send_text(request, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\n"
                           "Connection: Upgrade\r\n\r\n");
    return false;
}

const struct bad_deed bad_answers[] = {
    {"/switch", do_switch},
    {"/bad-chunk", do_bad_chunk},
    {"/close", do_close},
    {"/cut-chunk", do_cut_chunk},
    {"/drip", do_drip},
    {"/early", do_early},
    {"/endless-body", do_endless_body},
    {"/endless-headers", do_endless_headers},
    {"/first/", do_first},
    {"/garbage", do_garbage},
    {"/half-body", do_half_body},
    {"/huge-chunk", do_huge_chunk},
    {"/login", do_login},
    {"/other-version", do_other_version},
    {"/reset", do_reset},
    {"/silent", do_silent},
    {"/stuck-body", do_stuck_body},
    {"/", do_ok},
};
