/* plugin_new.c - makes the folder, fills in the name, and says how to go on. */
#include "plugins/plugin_new.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/bytes.h"
#include "plugins/options.h"

enum { MAX_FILE_BYTES = 64 * 1024, MAX_NAME_BYTES = 40 };

/* What stands for what in the texts. */
struct mark {
    const char *mark, *value;
};

enum { MARK_COUNT = 4 };

static void name_marks(struct mark marks[MARK_COUNT], const char *name, bool is_cxx)
{
    marks[0] = (struct mark){"@NAME@", name};
    marks[1] = (struct mark){"@LANGUAGE@", is_cxx ? "CXX" : "C"};
    marks[2] = (struct mark){"@EXT@", is_cxx ? "cpp" : "c"};
    marks[3] = (struct mark){"@COMPILER@", is_cxx ? "c++ -std=c++11" : "cc -std=gnu11"};
}

static void fill_in(struct buf *out, const char *text, const struct mark marks[MARK_COUNT])
{
    while (*text) {
        size_t plain = strcspn(text, "@"), at = 0;
        buf_append_bytes(out, bytes_make(text, plain));
        text += plain;
        while (at < MARK_COUNT && strncmp(text, marks[at].mark, strlen(marks[at].mark)) != 0)
            at++;
        if (at < MARK_COUNT) {
            buf_append_text(out, marks[at].value);
            text += strlen(marks[at].mark);
        } else if (*text) {
            buf_append_bytes(out, bytes_make(text++, 1));
        }
    }
}

static int write_file(const struct plugin_new_file *file, const char *folder,
                      const struct mark marks[MARK_COUNT], struct error *err)
{
    struct buf path = BUF_INIT(2 * PATH_MAX), text = BUF_INIT(MAX_FILE_BYTES);
    int result = -1;
    buf_printf(&path, "%s/", folder);
    fill_in(&path, file->path, marks);
    fill_in(&text, file->text, marks);
    FILE *out = buf_failed(&path) || buf_failed(&text) ? NULL : fopen(buf_text(&path), "wx");
    if (out) {
        result = fwrite(buf_bytes(&text).ptr, 1, buf_bytes(&text).len, out) == buf_bytes(&text).len
                     ? 0
                     : -1;
        result |= fclose(out);
    }
    if (result)
        error_set(err, EXIT_TOOL, "plugin new: %s: %s", buf_text(&path), strerror(errno));
    buf_fini(&path);
    buf_fini(&text);
    return result;
}

/* Beside this program: where it was built, or where it is installed. Empty: in neither. */
static void find_kit(char *out, size_t out_size)
{
    static const char *const patterns[] = {"plugin-kit", "../lib/cmake/ReprisePlugin",
                                           "../lib/*/cmake/ReprisePlugin",
                                           "../lib64/cmake/ReprisePlugin"};
    char exe[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);
    *out = '\0';
    if (len <= 0)
        return;
    exe[len] = '\0';
    *strrchr(exe, '/') = '\0';
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0] && !*out; i++) {
        char pattern[PATH_MAX + 64];
        glob_t found;
        snprintf(pattern, sizeof pattern, "%s/%s", exe, patterns[i]);
        if (glob(pattern, GLOB_ONLYDIR, NULL, &found))
            continue;
        char *kit = realpath(found.gl_pathv[0], NULL);
        if (kit)
            snprintf(out, out_size, "%s", kit);
        free(kit);
        globfree(&found);
    }
}

static void say_what_is_next(const char *path, const char *name)
{
    char kit[PATH_MAX];
    find_kit(kit, sizeof kit);
    printf("%s is written. Build it, run its test, look at it:\n\n", path);
    printf("  cmake -S %s -B %s/build%s%s\n", path, path, *kit ? " -DReprisePlugin_DIR=" : "", kit);
    printf("  cmake --build %s/build\n", path);
    printf("  ctest --test-dir %s/build\n", path);
    printf("  reprise plugin describe %s/build/%s.so\n", path, name);
}

static int check_name(const char *name, struct error *err)
{
    if (!plugin_name_is_valid(name) || strlen(name) > MAX_NAME_BYTES)
        return error_set(err, EXIT_INPUT,
                         "plugin new: '%.60s': a name is made of a-z, 0-9 and '_', a letter "
                         "first, and has at most %d",
                         name, MAX_NAME_BYTES);
    return 0;
}

int plugin_new(const char *name, const char *folder, bool is_cxx, struct error *err)
{
    char path[PATH_MAX];
    struct mark marks[MARK_COUNT];
    if (check_name(name, err))
        return -1;
    name_marks(marks, name, is_cxx);
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return error_set(err, EXIT_INPUT, "plugin new: --dir: the path is too long");
    if (mkdir(path, 0755))
        return error_set(err, EXIT_INPUT, "plugin new: %s: %s%s", path, strerror(errno),
                         errno == EEXIST ? "; nothing is written over, take another name or --dir"
                                         : "; --dir names a folder that is there");
    for (size_t i = 0; i < plugin_new_file_count; i++) {
        const struct plugin_new_file *file = &plugin_new_files[i];
        if ((is_cxx ? file->is_cxx : file->is_c) && write_file(file, path, marks, err))
            return -1;
    }
    say_what_is_next(path, name);
    return 0;
}
