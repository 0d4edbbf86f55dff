/*
 * report_cmd.h - `reprise report RUN`: the summary of a run that is over, or that was cut off.
 */
#ifndef REPRISE_REPLAY_REPORT_CMD_H
#define REPRISE_REPLAY_REPORT_CMD_H

/* argv[0] is "report". Returns the exit code. */
int report_cmd(int argc, char **argv);

#endif
