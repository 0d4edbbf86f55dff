/* folder.c - makes a temporary folder, and removes it with all that is in it. */
#include "tests/support/folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

char folder_path[FOLDER_MAX_PATH];

int folder_make(void **state)
{
    const char *parent = getenv("TMPDIR");
    (void)state;
    snprintf(folder_path, sizeof folder_path, "%s/reprise-test-XXXXXX",
             parent && *parent ? parent : "/tmp");
    return mkdtemp(folder_path) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

int folder_remove(void **state)
{
    enum { MAX_OPEN = 8 };
    (void)state;
    return nftw(folder_path, remove_one, MAX_OPEN, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

const char *folder_file(const char *name)
{
    static char paths[4][2 * FOLDER_MAX_PATH];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder_path, name);
    return path;
}
