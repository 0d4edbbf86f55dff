/*
 * failure_reason.h - tells reasons apart: texts that differ in numbers and ids only say the same.
 */
#ifndef REPRISE_REPLAY_FAILURE_REASON_H
#define REPRISE_REPLAY_FAILURE_REASON_H

#include <stdint.h>

/* Of a text once every run of digits, id in hex and quoted text is one mark: equal for "step 0" and
 * "step 17", in every process. Of a long text its beginning: its end may have been cut off. */
uint64_t failure_reason(const char *text);

#endif
