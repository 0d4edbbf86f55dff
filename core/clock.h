/*
 * clock.h - the only file that asks the system what time it is.
 *
 * Everything else is handed `now_us`, so that a test can say what time it is.
 */
#ifndef REPRISE_CORE_CLOCK_H
#define REPRISE_CORE_CLOCK_H

#include <stdint.h>

/* Monotonic, from an arbitrary origin. */
uint64_t clock_now_us(void);
uint64_t clock_now_ns(void);

/* Microseconds since 1970-01-01 UTC. */
int64_t clock_unix_us(void);

/* CPU time used by the calling thread, or by the whole process, user and system together. */
uint64_t clock_thread_cpu_us(void);
uint64_t clock_process_cpu_us(void);

#endif
