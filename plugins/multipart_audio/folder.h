/*
 * folder.h - the audio files of a folder, read where they lie and shared by all users.
 */
#ifndef MULTIPART_AUDIO_FOLDER_H
#define MULTIPART_AUDIO_FOLDER_H

#include "files.h"
#include "unique.h"

enum { FOLDER_MAX_FILES = 10000, FOLDER_MAX_PROBLEM_BYTES = 300 };

struct audio_file {
    struct shared_file file;
    enum audio_format format;
    struct unique_plan unique;
    const char *not_unique; /* why there is no such plan, or NULL */
};

struct folder {
    size_t count;
    size_t passed_over;       /* files that are no audio */
    char *example;            /* one of them, or NULL */
    size_t cut_short;         /* files of audio whose end is missing: left out, too */
    char *cut_example;        /* one of them, or NULL */
    struct audio_file *files; /* by name */
    struct files *open;
};

/* Files of the folder itself whose name does not begin with a dot. -1: `problem` says why, also
 * when there is no audio in it. folder_close() either way. */
int folder_open(const char *path, struct folder *ret, char problem[FOLDER_MAX_PROBLEM_BYTES]);
void folder_close(struct folder *folder);

size_t folder_count(const struct folder *folder, enum audio_format format);

#endif
