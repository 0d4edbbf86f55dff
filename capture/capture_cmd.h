/*
 * capture_cmd.h - `reprise capture`: records HTTP and WebSocket from an interface or from files.
 */
#ifndef REPRISE_CAPTURE_CAPTURE_CMD_H
#define REPRISE_CAPTURE_CAPTURE_CMD_H

/* argv[0] is "capture". Returns the exit code: 0 also when ^C or --duration ended it. */
int capture_cmd(int argc, char **argv);

#endif
