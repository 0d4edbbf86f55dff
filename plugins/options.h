/*
 * options.h - a plugin's options: NAME[:key=value,...] written into the plugin's own struct.
 *
 * A ',' inside a value is written '\,' and a '\' is written '\\'. After a ',' that is followed by
 * anything but a letter the value goes on, so that sizes=50KB=26,200KB=53 needs no '\'.
 */
#ifndef REPRISE_PLUGINS_OPTIONS_H
#define REPRISE_PLUGINS_OPTIONS_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/error.h"
#include "plugins/reprise_plugin.h"

#define PLUGIN_MAX_STATE_BYTES (16 * 1024 * 1024)
#define PLUGIN_MAX_OPTIONS 128
#define PLUGIN_MAX_OPTIONS_BYTES (256 * 1024) /* of text given for one plugin */

/* a-z first, then a-z 0-9 _; at most 48 bytes. Holds for plugins, options and metrics. */
bool plugin_name_is_valid(const char *name);

/* The option and metric tables: names, types, fields inside plugin_size, fallbacks that parse. */
int options_check(const reprise_plugin *api, struct error *err);

/*
 * Write fallbacks, then what `text` (may be NULL) gives, into `instance` (plugin_size bytes,
 * zeroed). Strings are kept in `strings`. The error names the option and what the plugin takes.
 */
int options_write(const reprise_plugin *api, const char *text, void *instance,
                  struct arena *strings, struct error *err);

/* "text", "number", ... */
const char *option_type_name(uint32_t type);

#endif
