/* access_log.c - one line a request, written when its answer has been sent. */
#include "tests/voicelab/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/voicelab/request.h"

struct access_log {
    int fd; /* opened to append: one write is one whole line, from any thread */
};

struct access_log *access_log_open(const char *path)
{
    struct access_log *log = calloc(1, sizeof *log);

    if (!log)
        return NULL;
    log->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    if (log->fd < 0) {
        fprintf(stderr, "voicelab: --access-log: %s: %s\n", path, strerror(errno));
        free(log);
        return NULL;
    }
    return log;
}

void access_log_close(struct access_log *log)
{
    if (!log)
        return;
    close(log->fd);
    free(log);
}

void access_log_write(struct access_log *log, const struct request *rq, int status,
                      uint64_t taken_us)
{
    char line[2300]; /* a target may have 2,000 characters, the rest at most 200 */

    int len = snprintf(line, sizeof line, "%ju %ju %s:%u %s %.2000s %d %zu\n",
                       (uintmax_t)rq->arrived_us, (uintmax_t)taken_us, rq->address, rq->port,
                       rq->method, rq->target, status, status == 499 ? 0 : rq->reply.body_bytes);
    if (write(log->fd, line, (size_t)len) != len) {
        /* A full disk must not stop the server under test; the missing lines show. */
    }
}
