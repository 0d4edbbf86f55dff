/* load.c - the search path, dlopen, and every check a plugin has to pass before it is called. */
#include "plugins/load.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/bytes.h"
#include "plugins/options.h"

enum { MAX_FOLDERS = 64, MAX_NAME_BYTES = 64 };

/* ABI 1.0 ends with on_session_end; a struct that is smaller is of no version that ever was. */
#define SIZE_OF_ABI_1_0                                                                            \
    (offsetof(reprise_plugin, on_session_end) + sizeof(((reprise_plugin *)0)->on_session_end))

#define KNOWN_FLAGS                                                                                \
    (REPRISE_WANT_BODY | REPRISE_MARKED_ONLY | REPRISE_NO_REQUEST_BODY | REPRISE_ASK_LAST)

struct folders {
    size_t count;
    char *paths[MAX_FOLDERS];
};

static void folders_fini(struct folders *folders)
{
    for (size_t i = 0; i < folders->count; i++)
        free(folders->paths[i]);
    folders->count = 0;
}

static void add_folder(struct folders *folders, struct bytes path)
{
    if (folders->count == MAX_FOLDERS || path.len == 0)
        return;
    char *copy = strndup(path.ptr, path.len);
    if (copy)
        folders->paths[folders->count++] = copy;
}

/* Where an installed or a just built reprise has its plugins. */
static void add_own_folders(struct folders *folders)
{
    char exe[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (len <= 0)
        return;
    exe[len] = '\0';
    char *slash = strrchr(exe, '/');
    if (!slash)
        return;
    *slash = '\0';
    static const char *const patterns[] = {"%s/reprise-plugins", "%s/../lib/reprise-plugins",
                                           "%s/../lib/*/reprise-plugins",
                                           "%s/../lib64/reprise-plugins"};
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        struct buf pattern = BUF_INIT(2 * PATH_MAX);
        const char *star = strstr(patterns[i], "%s") + 2;
        buf_append_text(&pattern, exe);
        buf_append_text(&pattern, star);
        glob_t found;
        if (!buf_failed(&pattern) && glob(buf_text(&pattern), GLOB_ONLYDIR, NULL, &found) == 0) {
            for (size_t j = 0; j < found.gl_pathc; j++)
                add_folder(folders, bytes_of(found.gl_pathv[j]));
            globfree(&found);
        }
        buf_fini(&pattern);
    }
}

static void folders_init(struct folders *folders, const struct plugin_search *search)
{
    folders->count = 0;
    for (size_t i = 0; search && i < search->count; i++)
        add_folder(folders, bytes_of(search->folders[i]));
    struct bytes rest = bytes_of(getenv("REPRISE_PLUGIN_PATH"));
    struct bytes part;
    while (bytes_split(&rest, ':', &part))
        add_folder(folders, part);
    add_own_folders(folders);
}

/* A candidate's path, to be freed; NULL without memory. */
static char *join(const char *folder, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s.so", folder, name) < 0 ? NULL : path;
}

static int not_found(const char *name, const struct folders *folders, struct error *err)
{
    char looked_in[320] = "";
    for (size_t i = 0; i < folders->count; i++) {
        size_t used = strlen(looked_in);
        snprintf(looked_in + used, sizeof looked_in - used, "%s%s", i ? ", " : "",
                 folders->paths[i]);
    }
    return error_set(err, EXIT_INPUT,
                     "plugin %s: no %s.so in %s; --plugin-path DIR adds a folder, or give a path "
                     "with a '/'",
                     name, name, *looked_in ? looked_in : "any folder");
}

/* Links in it are left as they are. NULL without memory. */
static char *absolute(const char *path)
{
    char folder[PATH_MAX], *joined = NULL;
    if (path[0] == '/')
        return strdup(path);
    if (!getcwd(folder, sizeof folder) || asprintf(&joined, "%s/%s", folder, path) < 0)
        return NULL;
    return joined;
}

/* The file that `name` means, resolved, and where it was found before that; both to be freed. */
static int find(char **ret_path, char **ret_given, const char *name,
                const struct plugin_search *search, struct error *err)
{
    if (strchr(name, '/')) {
        *ret_path = realpath(name, NULL);
        if (!*ret_path)
            return error_set(err, EXIT_INPUT, "plugin %s: %s; check the path", name,
                             strerror(errno));
        *ret_given = absolute(name);
        return 0;
    }
    if (!plugin_name_is_valid(name))
        return error_set(err, EXIT_INPUT,
                         "plugin '%s': a name is made of a-z, 0-9 and '_'; give a path with a '/' "
                         "for any other file",
                         name);
    struct folders folders;
    folders_init(&folders, search);
    char *resolved = NULL;
    for (size_t i = 0; i < folders.count && !resolved; i++) {
        char *path = join(folders.paths[i], name);
        resolved = path ? realpath(path, NULL) : NULL;
        if (resolved)
            *ret_given = absolute(path);
        free(path);
    }
    int result = resolved ? 0 : not_found(name, &folders, err);
    folders_fini(&folders);
    if (resolved)
        *ret_path = resolved;
    return result;
}

/* Whoever can put another file in its place could run code as us: by writing its folder, or by
 * renaming one above it, which a sticky folder like /tmp forbids. */
static int check_folders(const char *path, struct error *err)
{
    struct stat folder;
    char *parent = strdup(path);
    bool is_own = true;
    int result = parent ? 0 : error_set(err, EXIT_TOOL, "no memory");
    for (char *slash; result == 0 && (slash = strrchr(parent, '/')); is_own = false) {
        slash[slash == parent] = '\0'; /* of the last one the root stays */
        if (stat(parent, &folder))
            result = error_set(err, EXIT_INPUT, "%s", strerror(errno));
        else if (folder.st_mode & S_IWOTH && is_own)
            result = error_set(err, EXIT_INPUT,
                               "everybody may write its folder; move it to a folder of your own");
        else if (folder.st_mode & S_IWOTH && !(folder.st_mode & S_ISVTX))
            result = error_set(err, EXIT_INPUT,
                               "everybody may write %s, and rename what is in it; 'chmod o-w' it, "
                               "or move the plugin",
                               parent);
        if (slash == parent)
            break;
    }
    free(parent);
    return result;
}

/* Of a link, both it and what it means. */
static int check_permissions(const char *path, struct error *err)
{
    struct stat file;
    if (stat(path, &file))
        return error_set(err, EXIT_INPUT, "%s", strerror(errno));
    if (!S_ISREG(file.st_mode))
        return error_set(err, EXIT_INPUT, "it is not a file; name the .so in it");
    if (file.st_mode & S_IWOTH)
        return error_set(err, EXIT_INPUT, "everybody may write it; 'chmod o-w' if you trust it");
    return check_folders(path, err);
}

/* What the struct says about itself, before anything else in it is believed. */
static int check_version(const reprise_plugin *theirs, struct error *err)
{
    const char *wrong = NULL;
    if (theirs->size == 0)
        wrong = "says its size is 0: did you start it with REPRISE_PLUGIN_HEADER?";
    else if (theirs->size < SIZE_OF_ABI_1_0)
        wrong = "is smaller than any version";
    else if (theirs->abi_major != REPRISE_ABI_MAJOR)
        wrong = "is of another major version";
    else if (theirs->abi_minor > REPRISE_ABI_MINOR)
        wrong = "is newer than this reprise";
    else if (theirs->size > sizeof *theirs)
        wrong = "is larger than its version";
    if (!wrong)
        return 0;
    return error_set(err, EXIT_INPUT,
                     "built for ABI %u.%u (%u bytes), this reprise has ABI %d.%d (%zu bytes): it "
                     "%s; build it again with this reprise's reprise_plugin.h",
                     theirs->abi_major, theirs->abi_minor, theirs->size, REPRISE_ABI_MAJOR,
                     REPRISE_ABI_MINOR, sizeof *theirs, wrong);
}

static int check_fields(const reprise_plugin *api, struct error *err)
{
    if (!api->name)
        return error_set(err, EXIT_INPUT, "it has no name; set .name to one of a-z, 0-9 and '_'");
    if (!plugin_name_is_valid(api->name))
        return error_set(err, EXIT_INPUT,
                         "its name '%.60s' is not made of a-z, 0-9 and '_', a letter first",
                         api->name);
    if (api->threads > REPRISE_PARALLEL)
        return error_set(err, EXIT_INPUT, "its threads is %u, which is no enum reprise_threads",
                         api->threads);
    if (api->flags & ~(uint32_t)KNOWN_FLAGS)
        return error_set(err, EXIT_INPUT, "its flags 0x%x have bits that ABI %d.%d lacks",
                         api->flags, REPRISE_ABI_MAJOR, REPRISE_ABI_MINOR);
    if (api->plugin_size > PLUGIN_MAX_STATE_BYTES || api->user_size > PLUGIN_MAX_STATE_BYTES)
        return error_set(err, EXIT_INPUT,
                         "its plugin_size is %zu and its user_size %zu, at most %d bytes fit",
                         api->plugin_size, api->user_size, PLUGIN_MAX_STATE_BYTES);
    return options_check(api, err);
}

static int load_api(struct plugin *plugin, struct error *err)
{
    dlerror();
    plugin->library = dlopen(plugin->path, RTLD_NOW | RTLD_LOCAL);
    if (!plugin->library) {
        const char *why = dlerror();
        return error_set(err, EXIT_INPUT, "cannot load it: %s", why ? why : "no reason given");
    }
    const reprise_plugin *(*entry)(void);
    void *symbol = dlsym(plugin->library, "reprise_plugin_entry");
    if (!symbol)
        return error_set(err, EXIT_INPUT,
                         "it has no reprise_plugin_entry; does it end with "
                         "REPRISE_REGISTER(plugin);?");
    memcpy(&entry, &symbol, sizeof entry); /* POSIX promises that this works, C does not */
    const reprise_plugin *theirs = entry();
    if (!theirs)
        return error_set(err, EXIT_INPUT, "reprise_plugin_entry() gave NULL");
    if (check_version(theirs, err))
        return -1;
    memcpy(&plugin->api, theirs, theirs->size);
    return check_fields(&plugin->api, err);
}

int plugin_load(struct plugin *ret_plugin, const char *name, const struct plugin_search *search,
                struct error *err)
{
    struct plugin plugin = {0};
    char *given = NULL;
    if (find(&plugin.path, &given, name, search, err))
        return -1;
    int denied = given ? check_folders(given, err) : error_set(err, EXIT_TOOL, "no memory");
    free(given);
    if (denied || check_permissions(plugin.path, err) || load_api(&plugin, err)) {
        if (strchr(name, '/'))
            error_prefix(err, "plugin %s", plugin.path);
        else
            error_prefix(err, "plugin %s (%s)", name, plugin.path);
        plugin_unload(&plugin);
        return -1;
    }
    *ret_plugin = plugin;
    return 0;
}

void plugin_unload(struct plugin *plugin)
{
    if (plugin->library)
        dlclose(plugin->library);
    free(plugin->path);
    *plugin = (struct plugin){0};
}

static bool found_before(const struct folders *folders, size_t before, const char *name)
{
    for (size_t i = 0; i < before; i++) {
        char *path = join(folders->paths[i], name);
        bool is_there = path && access(path, F_OK) == 0;
        free(path);
        if (is_there)
            return true;
    }
    return false;
}

static int visit_folder(const struct folders *folders, size_t at, plugin_visit_fn visit,
                        void *owner)
{
    struct dirent **entries;
    int count = scandir(folders->paths[at], &entries, NULL, alphasort);
    int result = 0;
    for (int i = 0; i < count; i++) {
        const char *file = entries[i]->d_name;
        size_t len = strlen(file);
        char name[MAX_NAME_BYTES];
        char *path = NULL;
        bool is_so = len > 3 && len - 3 < sizeof name && strcmp(file + len - 3, ".so") == 0;
        if (is_so && result == 0) {
            snprintf(name, sizeof name, "%.*s", (int)(len - 3), file);
            path = join(folders->paths[at], name);
            if (path && plugin_name_is_valid(name) && !found_before(folders, at, name))
                result = visit(owner, name, path);
        }
        free(path);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return result;
}

int plugin_search_each(const struct plugin_search *search, plugin_visit_fn visit, void *owner)
{
    struct folders folders;
    folders_init(&folders, search);
    int result = 0;
    for (size_t i = 0; i < folders.count && result == 0; i++)
        result = visit_folder(&folders, i, visit, owner);
    folders_fini(&folders);
    return result;
}
