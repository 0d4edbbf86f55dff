/*
 * files.h - files that many users read, some KB at a time, with a bounded number of descriptors.
 *
 * A file is opened when it is read and stays open while it is among those read last. What a file
 * was like at the start is kept: of one that is another by now nothing is read, and one that is cut
 * short is an error of who reads it. (Of one that is mapped it would be the end of the process.)
 */
#ifndef MULTIPART_AUDIO_FILES_H
#define MULTIPART_AUDIO_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum { FILES_MAX_OPEN = 64, FILES_MAX_PROBLEM_BYTES = 300 };

struct files; /* of one folder; any thread may read */

/* Takes the descriptor of the folder. NULL: no memory, it is closed. */
struct files *files_new(int folder_fd);
void files_free(struct files *files); /* may be NULL */

struct shared_file {
    struct files *among;
    char *name; /* in the folder */
    uint64_t bytes;
    struct stat begun; /* at the start */
};

/* All of the `len` bytes from `at` on, which are within the file: 0, or -1 and what went wrong. */
int files_read(const struct shared_file *file, uint64_t at, void *into, size_t len,
               char problem[FILES_MAX_PROBLEM_BYTES]);

#endif
