/*
 * replay_cmd.h - `reprise replay TRACE --target URL`: play a trace, keep the run, print its
 * summary.
 */
#ifndef REPRISE_REPLAY_REPLAY_CMD_H
#define REPRISE_REPLAY_REPLAY_CMD_H

/* argv[0] is "replay". Returns the exit code. */
int replay_cmd(int argc, char **argv);

#endif
