/* plugin_new.h - `reprise plugin new NAME`: a folder with a plugin that builds at once. */
#ifndef REPRISE_PLUGINS_PLUGIN_NEW_H
#define REPRISE_PLUGINS_PLUGIN_NEW_H

#include <stdbool.h>
#include <stddef.h>

#include "core/error.h"

/* One file of the folder. In both texts @NAME@ is the plugin's name; @LANGUAGE@ (as cmake calls
 * it),
 * @EXT@ and @COMPILER@ are those of C or of C++. */
struct plugin_new_file {
    const char *path;
    const char *text;
    bool is_c, is_cxx; /* for which of the two it is there */
};

extern const struct plugin_new_file plugin_new_files[];
extern const size_t plugin_new_file_count;

/* Makes `folder`/NAME, which must not be there, and says on stdout what to do next. */
int plugin_new(const char *name, const char *folder, bool is_cxx, struct error *err);

#endif
