/*
 * inspect_cmd.h - `reprise inspect TRACE ...`: what a trace holds, and what it lost.
 */
#ifndef REPRISE_TRACES_INSPECT_CMD_H
#define REPRISE_TRACES_INSPECT_CMD_H

/* argv[0] is the verb. Returns the exit code. */
int inspect_cmd(int argc, char **argv);

#endif
