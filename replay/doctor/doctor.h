/*
 * doctor.h - whether this machine can carry so many users, and what to change: facts read from
 * /proc and /sys, judged by a table of rules.
 *
 * Facts are read below a folder that is given ("" for the machine itself), so that a test can be
 * any machine. What cannot be read is DOCTOR_UNKNOWN and judged by no rule.
 */
#ifndef REPRISE_REPLAY_DOCTOR_H
#define REPRISE_REPLAY_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/error.h"

#define DOCTOR_UNKNOWN UINT64_MAX

enum { DOCTOR_MAX_ADDRESSES = 8, DOCTOR_MAX_FINDINGS = 32 };

/* Where the load is to go. */
struct doctor_target {
    const char *url; /* NULL: not said */
    uint16_t port;
    bool is_here; /* one of its addresses is this machine's */
    uint32_t address_count;
    char addresses[DOCTOR_MAX_ADDRESSES][36]; /* as /proc/net/tcp and tcp6 write them */
};

/* Numbers; DOCTOR_UNKNOWN where they are not told. Texts are empty then. */
struct doctor_facts {
    uint64_t files_soft, files_hard, file_max, nr_open;
    uint64_t port_first, port_last, tw_reuse;
    uint64_t target_open, target_time_wait; /* connections of this machine to the target */
    uint64_t somaxconn, syn_backlog;
    uint64_t cpus_allowed, cpus_online;
    double cpu_quota; /* processors' worth that the control group may use; 0: no limit */
    double steal_percent;
    uint64_t has_turbo; /* 0, 1 */
    uint64_t timer_slack_ns;
    uint64_t memory_available_bytes;
    uint64_t tcp_memory_bytes; /* from here on the kernel saves */
    uint64_t rmem_min_bytes, wmem_min_bytes;
    uint64_t capabilities; /* CapEff */
    uint64_t io_uring_disabled;
    unsigned kernel_major, kernel_minor; /* 0.0: not known */
    char governor[32], clock_source[32];
};

void doctor_read(const char *root, const struct doctor_target *target,
                 struct doctor_facts *ret_facts);

enum doctor_level { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_PROBLEM };

const char *doctor_level_name(enum doctor_level level); /* "ok", "warning", "problem" */

struct doctor_finding {
    enum doctor_level level;
    const char *name;  /* "open files" */
    char found[160];   /* what there is */
    char meaning[240]; /* what it means for so many users; empty where it is enough */
    char command[200]; /* what to type; empty: nothing */
};

struct doctor_report {
    uint64_t users;
    uint32_t count;
    struct doctor_finding findings[DOCTOR_MAX_FINDINGS];
};

/* A problem is what stops so many users; a warning what spoils their times, or comes next. */
void doctor_judge(const struct doctor_facts *facts, const struct doctor_target *target,
                  uint64_t users, struct doctor_report *ret_report);

enum doctor_level doctor_worst(const struct doctor_report *report);

void doctor_print(const struct doctor_report *report, const struct doctor_target *target,
                  bool has_colour, FILE *out);
/* doctor_json.c */
int doctor_print_json(const struct doctor_report *report, const struct doctor_target *target,
                      FILE *out, struct error *err);

#endif
