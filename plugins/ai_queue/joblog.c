/* joblog.c - a line for each job, to be laid beside the target's own log. */
#include "joblog.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

enum { BUFFER_BYTES = 1 << 20 };

int joblog_open(struct joblog *log, const char *path)
{
    *log = (struct joblog){0};
    pthread_mutex_init(&log->lock, NULL);
    if (!*path)
        return 0;
    log->file = fopen(path, "we");
    if (!log->file)
        return -1;
    log->buffer = malloc(BUFFER_BYTES);
    if (log->buffer)
        setvbuf(log->file, log->buffer, _IOFBF, BUFFER_BYTES);
    return 0;
}

/* An id is the target's: nothing in it may end the field or the line. */
static void put_word(FILE *file, const char *text)
{
    if (!*text)
        putc('-', file);
    for (; *text; text++)
        putc(isgraph((unsigned char)*text) ? *text : '_', file);
}

void joblog_add(struct joblog *log, const struct joblog_line *line)
{
    if (!log->file)
        return;
    pthread_mutex_lock(&log->lock);
    put_word(log->file, line->id);
    putc(' ', log->file);
    put_word(log->file, line->state);
    fprintf(log->file, " %" PRId64 " %" PRIu64 " %" PRIu32 " %" PRIu64 "\n",
            line->submitted_unix_us, line->duration_us, line->polls, line->last_gap_us);
    pthread_mutex_unlock(&log->lock);
}

int joblog_close(struct joblog *log)
{
    int failed = 0;
    if (log->file) {
        failed = ferror(log->file);
        failed |= fclose(log->file);
    }
    free(log->buffer);
    pthread_mutex_destroy(&log->lock);
    *log = (struct joblog){0};
    return failed ? -1 : 0;
}
