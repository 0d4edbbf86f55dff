/* clock.h - the one place that asks the system for the time. */
#ifndef VOICELAB_CLOCK_H
#define VOICELAB_CLOCK_H

#include <stdint.h>

uint64_t clock_unix_us(void);      /* microseconds since 1970 */
uint64_t clock_monotonic_us(void); /* microseconds since some moment; never steps */

#endif
