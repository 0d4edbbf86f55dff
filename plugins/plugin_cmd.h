/*
 * plugin_cmd.h - the verb `reprise plugin`: which plugins there are, and what one of them is.
 */
#ifndef REPRISE_PLUGINS_PLUGIN_CMD_H
#define REPRISE_PLUGINS_PLUGIN_CMD_H

/* argv[0] is "plugin". The exit code. */
int plugin_cmd(int argc, char **argv);

#endif
