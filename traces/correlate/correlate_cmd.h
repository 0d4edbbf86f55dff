/*
 * correlate_cmd.h - `reprise correlate TRACE`.
 */
#ifndef REPRISE_TRACES_CORRELATE_CORRELATE_CMD_H
#define REPRISE_TRACES_CORRELATE_CORRELATE_CMD_H

int correlate_cmd(int argc, char **argv);

#endif
