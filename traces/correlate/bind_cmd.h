/*
 * bind_cmd.h - `reprise bind TRACE ...`: bindings listed, added, changed, dropped, carried from
 * trace to trace.
 */
#ifndef REPRISE_TRACES_CORRELATE_BIND_CMD_H
#define REPRISE_TRACES_CORRELATE_BIND_CMD_H

/* argv[0] is the verb. Returns the exit code. */
int bind_cmd(int argc, char **argv);

#endif
