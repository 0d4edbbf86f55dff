/*
 * open_files.h - room for the descriptors of all users, made before the first one starts.
 *
 * Every connection is a descriptor. The soft limit of most machines (1,024) is far below what they
 * allow, and the kernel's table of a process grows while it runs: with more than one thread every
 * growth (at 64, 256, 512... descriptors) stops the thread that hit it for about 10 ms, which the
 * measured target has not done.
 */
#ifndef REPRISE_REPLAY_OPEN_FILES_H
#define REPRISE_REPLAY_OPEN_FILES_H

#include <stdint.h>

/* Raise the soft limit to the hard one and let the table grow for as many, at most 65,536 (512 KiB
 * of the kernel's memory; more are possible, at the cost above). To be called while there is one
 * thread. Returns the limit that holds now; what could not be had shows when it is missing. */
uint64_t open_files_prepare(void);

#endif
