/*
 * capture_run.h - one capture from its source to a closed trace: packets -> segments -> recorder.
 */
#ifndef REPRISE_CAPTURE_CAPTURE_RUN_H
#define REPRISE_CAPTURE_CAPTURE_RUN_H

#include "capture/recorder.h"

#define CAPTURE_MAX_PORTS 64

struct capture_options {
    const char *interface; /* or files */
    const char *const *files;
    size_t file_count;
    const char *out;
    const char *filter; /* BPF, or NULL */
    uint16_t ports[CAPTURE_MAX_PORTS];
    size_t port_count;       /* 0: every port */
    uint64_t duration_us;    /* 0: until stopped */
    uint64_t max_file_bytes; /* of the trace; 0: no limit */
    uint64_t buffer_bytes;   /* the kernel's; 0: the source's own choice */
    uint64_t max_body_bytes;
    const char *session_header;
    uint64_t session_gap_us;
    bool replaces_existing;
    bool is_quiet;
};

enum capture_end { CAPTURE_AT_END, CAPTURE_STOPPED, CAPTURE_TIME_IS_UP, CAPTURE_IS_FULL };

struct capture_result {
    struct recorder_totals totals;
    enum capture_end end;
    int64_t origin_unix_us;
    uint64_t drops;
    bool has_trace; /* the file was created: `totals` say what is in it */
};

/* 0, or -1 with err; in both cases *result says what was recorded. Nothing is created when the
 * source cannot be opened. */
int capture_run(const struct capture_options *options, struct capture_result *result,
                struct error *err);

#endif
