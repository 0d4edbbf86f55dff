/* joblog.c - a line for each job, to be laid beside the target's own log. */
#include "joblog.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 20 };

/* Could a file of this name be made? */
static int check_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int result = folder ? access(folder, W_OK | X_OK) : -1;
    free(folder);
    return result;
}

int joblog_init(struct joblog *log, const char *path)
{
    struct stat found;
    *log = (struct joblog){.path = path};
    pthread_mutex_init(&log->lock, NULL);
    if (!*path)
        return 0;
    if (stat(path, &found))
        return errno == ENOENT ? check_folder(path) : -1;
    if (S_ISDIR(found.st_mode)) {
        errno = EISDIR;
        return -1;
    }
    return access(path, W_OK);
}

static int open_file(struct joblog *log)
{
    log->file = fopen(log->path, "we");
    if (!log->file)
        return -1;
    log->buffer = malloc(BUFFER_BYTES);
    if (log->buffer)
        setvbuf(log->file, log->buffer, _IOFBF, BUFFER_BYTES);
    return 0;
}

int joblog_begin(struct joblog *log)
{
    int result = 0;
    if (!*log->path)
        return 0;
    pthread_mutex_lock(&log->lock);
    if (!log->file)
        result = open_file(log);
    pthread_mutex_unlock(&log->lock);
    return result;
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
