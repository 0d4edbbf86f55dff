/*
 * folder.h - a folder of the test's own: made before its first case and removed, with all that is
 * in it, behind its last.
 *
 *     return cmocka_run_group_tests(tests, folder_make, folder_remove);
 */
#ifndef REPRISE_TESTS_SUPPORT_FOLDER_H
#define REPRISE_TESTS_SUPPORT_FOLDER_H

enum { FOLDER_MAX_PATH = 256 };

extern char folder_path[FOLDER_MAX_PATH];

/* For cmocka; below $TMPDIR, or /tmp. */
int folder_make(void **state);
int folder_remove(void **state);

/* Of what is, or is to be, in it; good for the next three calls. */
const char *folder_file(const char *name);

#endif
