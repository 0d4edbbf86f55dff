/* spool.c - entries as they lie in memory, in a temporary file that is gone when it is closed. */
#include "traces/correlate/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct spool {
    FILE *file;
    uint64_t bytes;
    int failure; /* errno of the first one */
};

enum { PATH_BYTES = 4096, BUFFER_BYTES = 256 * 1024 };

int spool_open(struct spool **ret_spool, struct error *err)
{
    const char *folder = getenv("TMPDIR");
    char path[PATH_BYTES];
    folder = folder && *folder ? folder : "/tmp";
    snprintf(path, sizeof path, "%s/reprise-XXXXXX", folder);
    struct spool *spool = calloc(1, sizeof *spool);
    int fd = spool ? mkstemp(path) : -1;
    if (fd >= 0)
        unlink(path);
    if (fd < 0 || !(spool->file = fdopen(fd, "w+b"))) {
        if (fd >= 0)
            close(fd);
        free(spool);
        return error_set(err, EXIT_TOOL,
                         "cannot make a temporary file in %s: %s; set TMPDIR to another folder",
                         folder, strerror(errno));
    }
    setvbuf(spool->file, NULL, _IOFBF, BUFFER_BYTES);
    *ret_spool = spool;
    return 0;
}

void spool_close(struct spool *spool)
{
    if (!spool)
        return;
    fclose(spool->file);
    free(spool);
}

uint64_t spool_bytes(const struct spool *spool)
{
    return spool->bytes;
}

static void put(struct spool *spool, const void *data, size_t len)
{
    if (spool->failure || !len)
        return;
    errno = 0;
    if (fwrite(data, len, 1, spool->file) != 1)
        spool->failure = errno ? errno : EIO;
    spool->bytes += len;
}

void spool_write(struct spool *spool, const struct spool_entry *entry)
{
    unsigned char kind = (unsigned char)entry->kind;
    put(spool, &kind, 1);
    if (entry->kind == SPOOL_SESSION)
        put(spool, &entry->session, sizeof entry->session);
    else if (entry->kind == SPOOL_ANSWERED)
        put(spool, &entry->endpoint, sizeof entry->endpoint);
    else if (entry->kind == SPOOL_USE) {
        put(spool, &entry->use, sizeof entry->use);
        put(spool, entry->candidates, entry->use.candidate_count * sizeof entry->candidates[0]);
    }
}

int spool_rewind(struct spool *spool, struct error *err)
{
    errno = 0;
    if (!spool->failure && (fflush(spool->file) != 0 || fseek(spool->file, 0, SEEK_SET) != 0))
        spool->failure = errno ? errno : EIO;
    if (spool->failure)
        return error_set(err, EXIT_TOOL,
                         "the temporary file cannot be written: %s; set TMPDIR to another folder",
                         strerror(spool->failure));
    return 0;
}

static int get(struct spool *spool, void *data, size_t len, struct error *err)
{
    if (!len || fread(data, len, 1, spool->file) == 1)
        return 0;
    return error_set(err, EXIT_TOOL, "the temporary file cannot be read again");
}

int spool_read(struct spool *spool, struct spool_entry *entry, struct error *err)
{
    int kind = getc_unlocked(spool->file);
    if (kind == EOF) {
        if (ferror(spool->file))
            return error_set(err, EXIT_TOOL, "the temporary file cannot be read again");
        entry->kind = SPOOL_END;
        return 0;
    }
    entry->kind = (enum spool_kind)kind;
    switch (entry->kind) {
    case SPOOL_SESSION:
        return get(spool, &entry->session, sizeof entry->session, err) ? -1 : 1;
    case SPOOL_ANSWERED:
        return get(spool, &entry->endpoint, sizeof entry->endpoint, err) ? -1 : 1;
    default:
        break;
    }
    if (get(spool, &entry->use, sizeof entry->use, err))
        return -1;
    return get(spool, entry->candidates, entry->use.candidate_count * sizeof entry->candidates[0],
               err)
               ? -1
               : 1;
}
