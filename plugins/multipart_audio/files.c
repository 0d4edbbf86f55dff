/* files.c - files that many users read, with a bounded number of descriptors. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct slot {
    const struct shared_file *file; /* NULL: free */
    int fd;
    uint32_t readers; /* at this moment */
    uint64_t last;    /* in the order of reading */
};

struct files {
    pthread_mutex_t lock; /* of what follows; not held while a file is opened or read */
    uint64_t reads;
    struct slot slots[FILES_MAX_OPEN];
    int folder_fd;
};

struct files *files_new(int folder_fd)
{
    struct files *files = calloc(1, sizeof *files);
    if (!files) {
        close(folder_fd);
        return NULL;
    }
    pthread_mutex_init(&files->lock, NULL);
    files->folder_fd = folder_fd;
    return files;
}

void files_free(struct files *files)
{
    if (!files)
        return;
    for (size_t i = 0; i < FILES_MAX_OPEN; i++)
        if (files->slots[i].file)
            close(files->slots[i].fd);
    close(files->folder_fd);
    pthread_mutex_destroy(&files->lock);
    free(files);
}

static struct slot *use(struct files *files, struct slot *slot)
{
    slot->readers++;
    slot->last = ++files->reads;
    return slot;
}

static struct slot *find(struct files *files, const struct shared_file *file)
{
    struct slot *found = NULL;
    pthread_mutex_lock(&files->lock);
    for (size_t i = 0; i < FILES_MAX_OPEN && !found; i++)
        if (files->slots[i].file == file)
            found = use(files, &files->slots[i]);
    pthread_mutex_unlock(&files->lock);
    return found;
}

/* In place of the one that nobody has read for longest. NULL: all are being read. */
static struct slot *keep(struct files *files, const struct shared_file *file, int fd)
{
    struct slot *oldest = NULL;
    int closed_fd = -1;
    pthread_mutex_lock(&files->lock);
    for (size_t i = 0; i < FILES_MAX_OPEN; i++) {
        struct slot *slot = &files->slots[i];
        if (!slot->readers && (!oldest || slot->last < oldest->last))
            oldest = slot;
    }
    if (oldest) {
        closed_fd = oldest->file ? oldest->fd : -1;
        *oldest = (struct slot){.file = file, .fd = fd};
        use(files, oldest);
    }
    pthread_mutex_unlock(&files->lock);
    if (closed_fd >= 0)
        close(closed_fd);
    return oldest;
}

static void give_back(struct files *files, struct slot *slot)
{
    pthread_mutex_lock(&files->lock);
    slot->readers--;
    pthread_mutex_unlock(&files->lock);
}

static int say(const struct shared_file *file, const char *what, char *problem)
{
    snprintf(problem, FILES_MAX_PROBLEM_BYTES, "%.200s %s", file->name, what);
    return -1;
}

static int say_errno(const struct shared_file *file, char *problem)
{
    snprintf(problem, FILES_MAX_PROBLEM_BYTES, "%.200s can no longer be read: %s", file->name,
             strerror(errno));
    return -1;
}

static int is_as_it_was(const struct shared_file *file, int fd, char *problem)
{
    const struct stat *then = &file->begun;
    struct stat now;
    if (fstat(fd, &now))
        return say_errno(file, problem);
    if (now.st_size < then->st_size)
        return say(file, "was cut short during the run", problem);
    if (now.st_dev != then->st_dev || now.st_ino != then->st_ino || now.st_size != then->st_size ||
        now.st_mtim.tv_sec != then->st_mtim.tv_sec || now.st_mtim.tv_nsec != then->st_mtim.tv_nsec)
        return say(file, "was changed during the run", problem);
    return 0;
}

static int read_all(const struct shared_file *file, int fd, uint64_t at, char *into, size_t len,
                    char *problem)
{
    if (is_as_it_was(file, fd, problem))
        return -1;
    while (len) {
        ssize_t got = pread(fd, into, len, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return say_errno(file, problem);
        if (got == 0)
            return say(file, "was cut short during the run", problem);
        into += got;
        at += (uint64_t)got;
        len -= (size_t)got;
    }
    return 0;
}

int files_read(const struct shared_file *file, uint64_t at, void *into, size_t len,
               char problem[FILES_MAX_PROBLEM_BYTES])
{
    struct files *files = file->among;
    struct slot *slot = find(files, file);
    int fd = slot ? slot->fd : -1;
    if (!slot) {
        fd = openat(files->folder_fd, file->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
            return say_errno(file, problem);
        slot = keep(files, file, fd);
    }
    int result = read_all(file, fd, at, into, len, problem);
    if (slot)
        give_back(files, slot);
    else
        close(fd);
    return result;
}
