/*
 * units.h - durations, sizes and counts as people write and read them.
 */
#ifndef REPRISE_CORE_UNITS_H
#define REPRISE_CORE_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* "250us", "250ms", "2s", "1.5m", "1h30m"; a bare number is seconds. -1 when it is none of these.
 */
int duration_parse_us(const char *text, uint64_t *ret_us);

/* "64", "50KB" (1000), "2MiB" (1024*1024), "1.5GB", "10M" (1000*1000). -1 when it is none of these.
 */
int size_parse_bytes(const char *text, uint64_t *ret_bytes);

/* "1%", "0.5%", or the same without the sign: from 0 to 100. -1 when it is none of these. */
int percent_parse(const char *text, double *ret_percent);

/* Into `out`, returned: "812us", "1.52ms", "3.05s", "2m04s". */
char *duration_format(char *out, size_t out_size, double us);

/* "512 B", "1.4 kB", "2.0 MB". */
char *size_format(char *out, size_t out_size, double bytes);

enum { UNITS_TEXT_BYTES = 32 }; /* enough for any of the above */

#endif
