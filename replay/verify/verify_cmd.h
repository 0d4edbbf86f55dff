/*
 * verify_cmd.h - the verb `verify`: does the target answer as it did when this was recorded?
 */
#ifndef REPRISE_REPLAY_VERIFY_VERIFY_CMD_H
#define REPRISE_REPLAY_VERIFY_VERIFY_CMD_H

/* Returns the exit code. */
int verify_cmd(int argc, char **argv);

#endif
