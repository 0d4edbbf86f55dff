/*
 * doctor_cmd.h - `reprise doctor`: what of this machine would stop or spoil a replay.
 */
#ifndef REPRISE_REPLAY_DOCTOR_CMD_H
#define REPRISE_REPLAY_DOCTOR_CMD_H

/* argv[0] is "doctor". Returns an exit code: EXIT_TOOL when a problem was found. */
int doctor_cmd(int argc, char **argv);

#endif
