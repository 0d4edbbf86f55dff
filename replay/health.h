/*
 * health.h - what the generator itself uses: CPU, memory, file descriptors.
 *
 * A load generator that does not look at itself mistakes its own limit for the target's.
 */
#ifndef REPRISE_REPLAY_HEALTH_H
#define REPRISE_REPLAY_HEALTH_H

#include <stdint.h>

/* What was read last; zeroed before the first read. */
struct health_meter {
    uint64_t cpu_us;
};

struct health {
    uint64_t cpu_us; /* of the whole process, user and system, since the meter's last read */
    uint64_t rss_bytes;
    uint64_t open_files;
    uint64_t time_wait; /* TCP connections of this machine whose ports are not free yet */
};

/* What cannot be read (no /proc) is 0. */
void health_read(struct health_meter *meter, struct health *ret_health);

/* One thread's own account of the time it wanted a processor and did not have one; -1: the kernel
 * keeps none. To be called by that thread; the caller closes the descriptor. */
int health_open_thread(void);
/* Microseconds since the thread began; 0 when it cannot be read. */
uint64_t health_thread_wait_us(int fd);

/* Processors this process may run on; at least 1. */
uint32_t health_cpu_count(void);

/* Ports that connections closed in the last minute may still hold; zeroed at first. */
enum { TIME_WAIT_SECONDS = 60 };

struct port_meter {
    uint64_t made;                      /* connections, in all */
    uint64_t closed[TIME_WAIT_SECONDS]; /* in all, as of each of the last seconds */
    uint32_t second;
};

/*
 * At most so many source ports does this process keep from being used again; call once a second.
 * Of the connections it closed it may be the target's side that waits, and of this machine's
 * TIME_WAIT others may have a share: the lesser of the two is nearest.
 */
uint64_t health_ports_in_use(struct port_meter *meter, uint64_t made, uint64_t open,
                             uint64_t time_wait);

/* Source ports that the kernel gives out by itself, for each pair of addresses; 0: not known. */
uint64_t health_port_count(void);

/* The limit on open files (RLIMIT_NOFILE, soft). */
uint64_t health_max_files(void);

#endif
