/* plugin_test_cmd.h - the verb `reprise plugin test`. argv[0] is "test". */
#ifndef REPRISE_REPLAY_TRIAL_PLUGIN_TEST_CMD_H
#define REPRISE_REPLAY_TRIAL_PLUGIN_TEST_CMD_H

int plugin_test_cmd(int argc, char **argv);

#endif
