/* folder.c - the audio files of a folder, mapped into memory once. */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int say(char *problem, const char *path, const char *reason)
{
    snprintf(problem, FOLDER_MAX_PROBLEM_BYTES, "%.200s: %s", path, reason);
    return -1;
}

/* ptr is NULL for what is no file with bytes in it. -1: it cannot be read. */
static int map_file(int folder_fd, const char *name, struct span *ret)
{
    struct stat status;
    *ret = (struct span){NULL, 0};
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    int result = fstat(fd, &status);
    if (result == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
        void *mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
        result = mapped == MAP_FAILED ? -1 : 0;
        if (result == 0)
            *ret = (struct span){mapped, (size_t)status.st_size};
    }
    close(fd);
    return result;
}

static int pass_over(struct folder *folder, const char *name)
{
    folder->passed_over++;
    if (!folder->example)
        folder->example = strdup(name);
    return folder->example ? 0 : -1;
}

static int add_file(struct folder *folder, const char *name, struct span bytes)
{
    static const struct span no_type = {NULL, 0};
    struct audio audio;
    if (!audio_is_container(bytes) || audio_recognise(bytes, no_type, &audio)) {
        munmap((void *)(uintptr_t)bytes.ptr, bytes.len);
        return pass_over(folder, name);
    }
    struct audio_file *file = &folder->files[folder->count++];
    *file = (struct audio_file){.name = strdup(name), .bytes = bytes, .format = audio.format};
    file->not_unique = unique_plan_make(bytes, audio.format, &file->unique);
    return file->name ? 0 : -1;
}

static int open_entries(const char *path, int folder_fd, struct dirent **entries, size_t count,
                        struct folder *folder, char *problem)
{
    folder->files = calloc(count ? count : 1, sizeof *folder->files);
    if (!folder->files)
        return say(problem, path, "no memory");
    for (size_t i = 0; i < count; i++) {
        struct span bytes;
        const char *name = entries[i]->d_name;
        if (name[0] == '.')
            continue;
        if (folder->count == FOLDER_MAX_FILES)
            return say(problem, path, "more than 10000 files of audio");
        if (map_file(folder_fd, name, &bytes)) {
            snprintf(problem, FOLDER_MAX_PROBLEM_BYTES, "%.150s/%.100s: %s", path, name,
                     strerror(errno));
            return -1;
        }
        if (bytes.ptr ? add_file(folder, name, bytes) : pass_over(folder, name))
            return say(problem, path, "no memory");
    }
    if (folder->count)
        return 0;
    return say(problem, path,
               folder->passed_over ? "none of its files is WAV, FLAC, MP3, Ogg, WebM or MP4"
                                   : "the folder is empty");
}

int folder_open(const char *path, struct folder *ret, char problem[FOLDER_MAX_PROBLEM_BYTES])
{
    struct dirent **entries = NULL;
    *ret = (struct folder){0};
    int count = scandir(path, &entries, NULL, alphasort);
    int folder_fd = count < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = folder_fd < 0
                     ? say(problem, path, strerror(errno))
                     : open_entries(path, folder_fd, entries, (size_t)count, ret, problem);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    if (folder_fd >= 0)
        close(folder_fd);
    return result;
}

void folder_close(struct folder *folder)
{
    for (size_t i = 0; i < folder->count; i++) {
        struct audio_file *file = &folder->files[i];
        munmap((void *)(uintptr_t)file->bytes.ptr, file->bytes.len);
        unique_fini(&file->unique);
        free(file->name);
    }
    free(folder->files);
    free(folder->example);
    *folder = (struct folder){0};
}
