/* folder.c - the audio files of a folder. */
#include "folder.h"

#include "glance.h"
#include "whole.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int say(char *problem, const char *path, const char *reason)
{
    snprintf(problem, FOLDER_MAX_PROBLEM_BYTES, "%.200s: %s", path, reason);
    return -1;
}

/* What is no file with bytes in it gives an empty glance. -1: it cannot be read. */
static int look_at(int folder_fd, const char *name, struct stat *ret_begun, struct span *ret)
{
    *ret = (struct span){NULL, 0};
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    int result = fstat(fd, ret_begun);
    if (result == 0 && S_ISREG(ret_begun->st_mode) && ret_begun->st_size > 0)
        result = glance_at(fd, (uint64_t)ret_begun->st_size, ret);
    int reason = errno;
    close(fd);
    errno = reason;
    return result;
}

static int leave_out(size_t *count, char **example, const char *name)
{
    ++*count;
    if (!*example)
        *example = strdup(name);
    return *example ? 0 : -1;
}

static int add_file(struct folder *folder, const char *name, const struct stat *begun,
                    struct span glance)
{
    static const struct span no_type = {NULL, 0};
    struct audio audio;
    if (!glance.ptr || !audio_is_container(glance) || audio_recognise(glance, no_type, &audio))
        return leave_out(&folder->passed_over, &folder->example, name);
    if (whole_is_cut_short(glance, &audio))
        return leave_out(&folder->cut_short, &folder->cut_example, name);
    struct audio_file *file = &folder->files[folder->count++];
    *file = (struct audio_file){
        .file = {.among = folder->open, .name = strdup(name), .bytes = glance.len, .begun = *begun},
        .format = audio.format};
    file->not_unique = unique_plan_make(glance, audio.format, &file->unique);
    return file->file.name ? 0 : -1;
}

static int open_entries(const char *path, int folder_fd, struct dirent **entries, size_t count,
                        struct folder *folder, char *problem)
{
    folder->files = calloc(count ? count : 1, sizeof *folder->files);
    if (!folder->files)
        return say(problem, path, "no memory");
    for (size_t i = 0; i < count; i++) {
        struct span glance;
        struct stat begun;
        const char *name = entries[i]->d_name;
        if (name[0] == '.')
            continue;
        if (folder->count == FOLDER_MAX_FILES)
            return say(problem, path, "more than 10000 files of audio");
        if (look_at(folder_fd, name, &begun, &glance)) {
            snprintf(problem, FOLDER_MAX_PROBLEM_BYTES, "%.150s/%.100s: %s", path, name,
                     strerror(errno));
            return -1;
        }
        int result = add_file(folder, name, &begun, glance);
        if (glance.ptr)
            glance_free(glance);
        if (result)
            return say(problem, path, "no memory");
    }
    if (folder->count)
        return 0;
    if (folder->cut_short) {
        snprintf(problem, FOLDER_MAX_PROBLEM_BYTES,
                 "%.150s: its files of audio are cut short, as %.60s: none is left", path,
                 folder->cut_example);
        return -1;
    }
    return say(problem, path,
               folder->passed_over ? "none of its files is WAV, FLAC, MP3, Ogg, WebM or MP4"
                                   : "the folder is empty");
}

int folder_open(const char *path, struct folder *ret, char problem[FOLDER_MAX_PROBLEM_BYTES])
{
    struct dirent **entries = NULL;
    int result;
    *ret = (struct folder){0};
    int count = scandir(path, &entries, NULL, alphasort);
    int folder_fd = count < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0)
        result = say(problem, path, strerror(errno));
    else if (!(ret->open = files_new(folder_fd)))
        result = say(problem, path, "no memory");
    else
        result = open_entries(path, folder_fd, entries, (size_t)count, ret, problem);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    return result;
}

void folder_close(struct folder *folder)
{
    for (size_t i = 0; i < folder->count; i++) {
        unique_fini(&folder->files[i].unique);
        free(folder->files[i].file.name);
    }
    files_free(folder->open);
    free(folder->files);
    free(folder->example);
    free(folder->cut_example);
    *folder = (struct folder){0};
}

size_t folder_count(const struct folder *folder, enum audio_format format)
{
    size_t count = 0;
    for (size_t i = 0; i < folder->count; i++)
        count += folder->files[i].format == format;
    return count;
}
