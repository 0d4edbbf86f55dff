/*
 * duration.h - a time as options say it, for plugins that must tell 0 from nothing: "250ms", "30s",
 * "1m30s", and a bare number of seconds.
 */
#ifndef PLUGINS_COMMON_DURATION_H
#define PLUGINS_COMMON_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* False, and *ret_us stays: it is none, 0, or longer than 30,000 years. */
bool duration_read_us(const char *text, uint64_t *ret_us);

#endif
