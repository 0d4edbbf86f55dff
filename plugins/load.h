/*
 * load.h - finds plugins, opens them and refuses those that do not fit, in one line that says why.
 *
 * A name with a '/' is a path. Any other is looked for as NAME.so in, one after the other: the
 * folders of --plugin-path, those of REPRISE_PLUGIN_PATH (':' between them), reprise-plugins beside
 * the executable, and reprise-plugins in ../lib and its folders. The first one found is taken.
 *
 * Loading runs the constructors of the file: whoever can write it can run code as us. So a file or
 * a folder that everybody may write is refused.
 */
#ifndef REPRISE_PLUGINS_LOAD_H
#define REPRISE_PLUGINS_LOAD_H

#include "core/error.h"
#include "plugins/reprise_plugin.h"

/* The folders of --plugin-path, first one first; borrowed. */
struct plugin_search {
    const char *const *folders;
    size_t count;
};

struct plugin {
    reprise_plugin api; /* the plugin's own struct, the fields it is too old for zero */
    char *path;         /* resolved */
    void *library;
};

/* Opens and checks; runs no callback. */
int plugin_load(struct plugin *ret_plugin, const char *name, const struct plugin_search *search,
                struct error *err);
void plugin_unload(struct plugin *plugin);

/*
 * Call `visit` with every file a name could find, in search order; a name found twice is visited
 * once. Stops at -1, which is returned.
 */
typedef int (*plugin_visit_fn)(void *owner, const char *name, const char *path);
int plugin_search_each(const struct plugin_search *search, plugin_visit_fn visit, void *owner);

#endif
