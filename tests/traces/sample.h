/*
 * sample.h - a folder of the test's own, and a small trace in it that uses every table.
 */
#ifndef REPRISE_TESTS_TRACES_SAMPLE_H
#define REPRISE_TESTS_TRACES_SAMPLE_H

#include "traces/reader.h"
#include "traces/writer.h"

#define SAMPLE_PATH_BYTES 256

/* The call returned 0, or 1; it sees an `err`, whose text is shown when it did not. */
#define assert_done(call)                                                                          \
    do {                                                                                           \
        struct error err = {0};                                                                    \
        if ((call) != 0)                                                                           \
            fail_msg(#call ": %s", err.text);                                                      \
    } while (0)

#define assert_row(call)                                                                           \
    do {                                                                                           \
        struct error err = {0};                                                                    \
        int found = (call);                                                                        \
        if (found != 1)                                                                            \
            fail_msg(#call " is %d: %s", found, err.text);                                         \
    } while (0)

/* A new folder under $TMPDIR or /tmp, removed with all in it by sample_folder_remove(). */
struct sample_folder {
    char path[SAMPLE_PATH_BYTES];
};

void sample_folder_make(struct sample_folder *folder);
void sample_folder_remove(struct sample_folder *folder);
/* Returns `out`, of SAMPLE_PATH_BYTES. */
char *sample_path(const struct sample_folder *folder, const char *name, char *out);

struct trace_facts sample_facts(void);
struct trace_exchange sample_exchange(int64_t exchange_id, const char *method, const char *target);

/* Open a writer on a new file; a failure fails the test. */
struct trace_writer *sample_writer(const char *path);

/*
 * Two sessions: 1 has exchanges 1 to 3 and, on the upgrade 3, four messages; 2 has exchange 4,
 * an answer whose request was not seen. Two connections, two ledger entries, a binding from 1 to 2.
 */
void sample_write(const char *path);

#endif
