/* load_test.c - loading: the search path, and one clear line for each plugin that does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "tests/plugins/chain_fixture.h"
#include "tests/support/folder.h"

#define MODULES TEST_BINARY_DIR "/test-plugins"

static int make_folder(void **state)
{
    unsetenv("REPRISE_PLUGIN_PATH");
    return folder_make(state);
}

static void copy_file(const char *from, const char *to)
{
    char bytes[4096];
    size_t len;
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    assert_non_null(in);
    assert_non_null(out);
    while ((len = fread(bytes, 1, sizeof bytes, in)) > 0)
        assert_int_equal(fwrite(bytes, 1, len, out), len);
    fclose(in);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(to, 0755), 0);
}

static void each_plugin_that_does_not_fit_is_refused_with_its_own_line(void **state)
{
    (void)state;
    static const struct {
        const char *file, *error;
    } rows[] = {
        {"entry_missing.so", ": it has no reprise_plugin_entry; does it end with "
                             "REPRISE_REGISTER(plugin);?"},
        {"entry_null.so", ": reprise_plugin_entry() gave NULL"},
        {"size_zero.so", ": built for ABI 1.1 (0 bytes), this reprise has ABI 1.1 ("},
        {"size_zero.so", "its size is 0: did you start it with REPRISE_PLUGIN_HEADER?; build"},
        {"size_small.so", "built for ABI 1.1 (16 bytes), this reprise has ABI 1.1 ("},
        {"size_small.so", "it is smaller than any version"},
        {"size_large.so", "it is larger than its version"},
        {"major_other.so", ": built for ABI 7.1 ("},
        {"major_other.so", "it is of another major version; build it again with this reprise's "
                           "reprise_plugin.h"},
        {"minor_newer.so", ": built for ABI 1.9 ("},
        {"minor_newer.so", "it is newer than this reprise"},
        {"name_missing.so", ": it has no name; set .name to one of a-z, 0-9 and '_'"},
        {"threads_bad.so", ": its threads is 9, which is no enum reprise_threads"},
        {"field_too_small.so", "option narrow: its field has 4 bytes, a duration needs one of 8"},
        {"option_outside.so", "option wide: its field lies outside plugin_size (16 bytes)"},
        {"option_type_bad.so", "option wide: type 77 is none"},
        {"fallback_bad.so", "option wide: fallback 'soon' is not a duration"},
        {"metric_bad.so", "metric 'Not A Name': not a name of a-z, 0-9 and '_'"},
        {"absent.so", "No such file or directory; check the path"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct plugin plugin;
        struct error err = {.text = ""};
        char path[512];
        snprintf(path, sizeof path, MODULES "/%s", rows[i].file);
        assert_int_equal(plugin_load(&plugin, path, NULL, &err), -1);
        assert_int_equal(err.exit_code, EXIT_INPUT);
        if (!strstr(err.text, rows[i].error) || !strstr(err.text, rows[i].file) ||
            strchr(err.text, '\n'))
            fail_msg("%s: '%s' does not say '%s'", rows[i].file, err.text, rows[i].error);
    }
}

static void a_start_that_fails_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *error;
    } rows[] = {
        {MODULES "/start_fails.so", "plugin broken: start: the weights add up to 90%, not 100%"},
        {MODULES "/start_verdict.so",
         "plugin broken: start: answered 1, which is no verdict of this callback"},
    };
    for (size_t i = 0; i < 2; i++) {
        struct plugin_chain chain;
        struct error err = {.text = ""};
        assert_int_equal(chain_open(&chain, &rows[i].spec, 1, NULL, &err), 0);
        assert_int_equal(chain_start(&chain, &(struct chain_options){.seed = 1}, &err), -1);
        assert_string_equal(err.text, rows[i].error);
        chain_close(&chain);
    }
}

static void what_is_no_shared_object_is_refused(void **state)
{
    (void)state;
    struct plugin plugin;
    struct error err;
    FILE *file = fopen(folder_file("text.so"), "w");
    assert_non_null(file);
    fputs("this is not a plugin\n", file);
    fclose(file);
    assert_int_equal(plugin_load(&plugin, folder_file("text.so"), NULL, &err), -1);
    assert_non_null(strstr(err.text, "cannot load it: "));
    assert_non_null(strstr(err.text, "text.so"));
    assert_int_equal(mkdir(folder_file("folder.so"), 0755), 0);
    assert_int_equal(plugin_load(&plugin, folder_file("folder.so"), NULL, &err), -1);
    assert_non_null(strstr(err.text, "it is not a file; name the .so in it"));
}

static void a_file_or_a_folder_that_everybody_may_write_is_refused(void **state)
{
    (void)state;
    struct plugin plugin;
    struct error err;
    copy_file(MODULES "/everything.so", folder_file("open.so"));
    assert_int_equal(plugin_load(&plugin, folder_file("open.so"), NULL, &err), 0);
    plugin_unload(&plugin);
    assert_int_equal(chmod(folder_file("open.so"), 0757), 0);
    assert_int_equal(plugin_load(&plugin, folder_file("open.so"), NULL, &err), -1);
    assert_non_null(
        strstr(err.text, "open.so: everybody may write it; 'chmod o-w' if you trust it"));
    assert_int_equal(chmod(folder_file("open.so"), 0755), 0);
    assert_int_equal(chmod(folder_path, 0777), 0);
    assert_int_equal(plugin_load(&plugin, folder_file("open.so"), NULL, &err), -1);
    assert_non_null(strstr(err.text, "everybody may write its folder"));
    assert_int_equal(chmod(folder_path, 01777), 0); /* sticky or not: others may add files there */
    assert_int_equal(plugin_load(&plugin, folder_file("open.so"), NULL, &err), -1);
    assert_int_equal(chmod(folder_path, 0755), 0);
}

static void links_and_folders_further_up_do_not_get_around_that(void **state)
{
    (void)state;
    struct plugin plugin;
    struct error err;
    assert_int_equal(mkdir(folder_file("own"), 0755), 0);
    assert_int_equal(mkdir(folder_file("all"), 0755), 0);
    assert_int_equal(mkdir(folder_file("all/deep"), 0755), 0);
    copy_file(MODULES "/everything.so", folder_file("own/good.so"));
    copy_file(MODULES "/everything.so", folder_file("all/deep/good.so"));
    assert_int_equal(symlink(folder_file("own/good.so"), folder_file("all/link.so")), 0);
    assert_int_equal(plugin_load(&plugin, folder_file("all/link.so"), NULL, &err), 0);
    plugin_unload(&plugin);
    assert_int_equal(chmod(folder_file("all"), 0777), 0);
    assert_int_equal(plugin_load(&plugin, folder_file("all/link.so"), NULL, &err), -1);
    assert_non_null(strstr(err.text, "everybody may write its folder"));
    assert_int_equal(plugin_load(&plugin, folder_file("all/deep/good.so"), NULL, &err), -1);
    assert_non_null(strstr(err.text, "/all, and rename what is in it"));
    assert_int_equal(chmod(folder_file("all"), 01777), 0); /* sticky: others cannot rename it */
    assert_int_equal(plugin_load(&plugin, folder_file("all/deep/good.so"), NULL, &err), 0);
    plugin_unload(&plugin);
    assert_int_equal(chmod(folder_file("own"), 0775), 0); /* a group is people one has chosen */
    assert_int_equal(plugin_load(&plugin, folder_file("own/good.so"), NULL, &err), 0);
    plugin_unload(&plugin);
}

static void folders_are_searched_in_the_order_given_and_the_environment_after_them(void **state)
{
    (void)state;
    struct plugin plugin;
    struct error err;
    const char *folders[] = {folder_file("one"), folder_file("two")};
    assert_int_equal(mkdir(folders[0], 0755), 0);
    assert_int_equal(mkdir(folders[1], 0755), 0);
    copy_file(MODULES "/everything.so", folder_file("one/mine.so"));
    copy_file(MODULES "/everything.so", folder_file("two/mine.so"));
    struct plugin_search search = {folders, 2};
    assert_int_equal(plugin_load(&plugin, "mine", &search, &err), 0);
    assert_non_null(strstr(plugin.path, "/one/mine.so"));
    plugin_unload(&plugin);
    search = (struct plugin_search){folders + 1, 1};
    setenv("REPRISE_PLUGIN_PATH", folders[0], 1);
    assert_int_equal(plugin_load(&plugin, "mine", &search, &err), 0);
    assert_non_null(strstr(plugin.path, "/two/mine.so"));
    plugin_unload(&plugin);
    assert_int_equal(plugin_load(&plugin, "mine", NULL, &err), 0);
    assert_non_null(strstr(plugin.path, "/one/mine.so"));
    plugin_unload(&plugin);
    unsetenv("REPRISE_PLUGIN_PATH");
    assert_int_equal(plugin_load(&plugin, "mine", NULL, &err), -1);
}

static void a_name_that_is_not_found_says_where_it_was_looked_for(void **state)
{
    (void)state;
    struct plugin plugin;
    struct error err;
    const char *folders[] = {folder_path};
    const struct plugin_search search = {folders, 1};
    assert_int_equal(plugin_load(&plugin, "nowhere", &search, &err), -1);
    assert_non_null(strstr(err.text, "plugin nowhere: no nowhere.so in /"));
    assert_non_null(strstr(err.text, "--plugin-path DIR adds a folder"));
    assert_int_equal(plugin_load(&plugin, "..", &search, &err), -1);
    assert_non_null(strstr(err.text, "a name is made of a-z, 0-9 and '_'"));
    assert_int_equal(plugin_load(&plugin, "", &search, &err), -1);
}

static void the_same_plugin_twice_is_refused(void **state)
{
    (void)state;
    struct plugin_chain chain;
    struct error err;
    const char *specs[] = {MODULES "/everything.so", MODULES "/everything.so:announce"};
    assert_int_equal(chain_open(&chain, specs, 2, NULL, &err), -1);
    assert_non_null(strstr(err.text, "plugin everything: given twice"));
}

static void two_plugins_cannot_share_a_metrics_name(void **state)
{
    (void)state;
    struct plugin_chain chain;
    struct error err;
    static const reprise_metric metrics[] = {{"logins", "", "", REPRISE_COUNTER, 0},
                                             REPRISE_METRICS_END};
    const struct plugin first = {.api = {REPRISE_PLUGIN_HEADER, .name = "a", .metrics = metrics},
                                 .path = strdup("here")};
    const struct plugin second = {.api = {REPRISE_PLUGIN_HEADER, .name = "b", .metrics = metrics},
                                  .path = strdup("there")};
    assert_int_equal(chain_reserve(&chain, 2, &err), 0);
    assert_int_equal(chain_adopt(&chain, &first, NULL, &err), 0);
    assert_int_equal(chain_adopt(&chain, &second, NULL, &err), -1);
    assert_string_equal(err.text, "plugin b: metric logins: plugin a has one of that name");
    chain_close(&chain);
}

static void bad_options_stop_the_run_before_it_starts(void **state)
{
    (void)state;
    struct plugin_chain chain;
    struct error err;
    const char *spec = MODULES "/everything.so:backoff=later";
    assert_int_equal(chain_open(&chain, &spec, 1, NULL, &err), -1);
    assert_string_equal(err.text, "plugin everything: backoff=later: expected a duration, like "
                                  "250ms, 30s or 5m");
}

static int remember_name(void *owner, const char *name, const char *path)
{
    (void)path;
    return buf_printf(owner, "%s ", name);
}

static void what_a_name_could_find_is_visited_once(void **state)
{
    (void)state;
    struct buf names = BUF_INIT(1024);
    const char *folders[] = {folder_file("one"), folder_file("two")};
    const struct plugin_search search = {folders, 2};
    assert_int_equal(plugin_search_each(&search, remember_name, &names), 0);
    assert_ptr_equal(strstr(buf_text(&names), "mine "), buf_text(&names));
    assert_null(strstr(buf_text(&names) + 1, "mine "));
    buf_fini(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_plugin_that_does_not_fit_is_refused_with_its_own_line),
        cmocka_unit_test(a_start_that_fails_says_why),
        cmocka_unit_test(what_is_no_shared_object_is_refused),
        cmocka_unit_test(a_file_or_a_folder_that_everybody_may_write_is_refused),
        cmocka_unit_test(links_and_folders_further_up_do_not_get_around_that),
        cmocka_unit_test(folders_are_searched_in_the_order_given_and_the_environment_after_them),
        cmocka_unit_test(a_name_that_is_not_found_says_where_it_was_looked_for),
        cmocka_unit_test(the_same_plugin_twice_is_refused),
        cmocka_unit_test(two_plugins_cannot_share_a_metrics_name),
        cmocka_unit_test(bad_options_stop_the_run_before_it_starts),
        cmocka_unit_test(what_a_name_could_find_is_visited_once),
    };
    return cmocka_run_group_tests(tests, make_folder, folder_remove);
}
