/* bad_request.c - what the misbehaving server reads of a request, and how it writes. */
#include "tests/support/bad_request.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

bool bad_send_bytes(const struct bad_request *request, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len) {
        ssize_t sent = send(request->fd, at, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        len -= (size_t)sent;
    }
    return true;
}

bool bad_send_text(const struct bad_request *request, const char *text)
{
    return bad_send_bytes(request, text, strlen(text));
}

/* Until the client has closed. */
void bad_wait_for_close(const struct bad_request *request)
{
    char ignored[16384];
    while (recv(request->fd, ignored, sizeof ignored, 0) > 0) {
    }
}

void bad_reset(const struct bad_request *request)
{
    const struct linger now = {.l_onoff = 1};
    setsockopt(request->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

bool bad_recv_exactly(const struct bad_request *request, void *bytes, size_t len)
{
    return len == 0 || recv(request->fd, bytes, len, MSG_WAITALL) == (ssize_t)len;
}

/* The value of a header, or "-", until the next call on this thread. */
const char *bad_header(const struct bad_request *request, const char *name)
{
    static _Thread_local char value[1024];
    for (const char *line = strchr(request->head, '\n'); line; line = strchr(line, '\n')) {
        line++;
        size_t len = strlen(name);
        if (strncasecmp(line, name, len) || line[len] != ':')
            continue;
        line += len + 1 + strspn(line + len + 1, " ");
        snprintf(value, sizeof value, "%.*s", (int)strcspn(line, "\r\n"), line);
        return value;
    }
    return "-";
}

void bad_skip_body(struct bad_request *request)
{
    char ignored[16384];
    const char *length = bad_header(request, "Content-Length");
    size_t left = strtoull(length, NULL, 10);
    left -= request->body_read < left ? request->body_read : left;
    while (left) {
        ssize_t got = recv(request->fd, ignored, left < sizeof ignored ? left : sizeof ignored, 0);
        if (got <= 0)
            return;
        left -= (size_t)got;
    }
}

bool bad_read_head(struct bad_request *request)
{
    size_t used = 0;
    for (;;) {
        ssize_t got = recv(request->fd, request->head + used, BAD_MAX_HEAD_BYTES - 1 - used, 0);
        if (got <= 0)
            return false;
        used += (size_t)got;
        request->head[used] = '\0';
        const char *end = strstr(request->head, "\r\n\r\n");
        if (!end)
            continue;
        request->head_len = (size_t)(end + 4 - request->head);
        request->body_read = used - request->head_len;
        return sscanf(request->head, "%15s %511s", request->method, request->target) == 2;
    }
}
