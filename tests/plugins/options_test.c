/* options_test.c - a plugin's options: the text of --plugin written into the plugin's own struct.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/bytes.h"
#include "plugins/options.h"

struct settings {
    const char *header;
    uint64_t count;
    double share;
    uint64_t wait;
    uint64_t limit;
    uint32_t on_full;
    const char *sizes;
};

static const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_STRING, struct settings, header, NULL, "a header"),
    REPRISE_OPTION(REPRISE_NUMBER, struct settings, count, "3", "how many"),
    REPRISE_OPTION(REPRISE_REAL, struct settings, share, "0.5", "which part"),
    REPRISE_OPTION(REPRISE_DURATION, struct settings, wait, "250ms", "how long"),
    REPRISE_OPTION(REPRISE_SIZE, struct settings, limit, "2KB", "how large"),
    REPRISE_OPTION(REPRISE_SWITCH, struct settings, on_full, "off", "whether"),
    REPRISE_OPTION(REPRISE_STRING, struct settings, sizes, "", "a list"),
    REPRISE_OPTIONS_END,
};

static const reprise_plugin plugin = {
    REPRISE_PLUGIN_HEADER,
    .name = "test",
    .plugin_size = sizeof(struct settings),
    .options = options,
};

static int write_options(const char *text, struct settings *settings, struct arena *strings,
                         struct error *err)
{
    arena_init(strings, PLUGIN_MAX_OPTIONS_BYTES);
    memset(settings, 0, sizeof *settings);
    return options_write(&plugin, text, settings, strings, err);
}

static void fallbacks_fill_what_is_not_given(void **state)
{
    (void)state;
    struct settings settings;
    struct arena strings;
    struct error err;
    assert_int_equal(write_options("header=X-A", &settings, &strings, &err), 0);
    assert_string_equal(settings.header, "X-A");
    assert_int_equal(settings.count, 3);
    assert_true(settings.share > 0.49 && settings.share < 0.51);
    assert_int_equal(settings.wait, 250000);
    assert_int_equal(settings.limit, 2000);
    assert_int_equal(settings.on_full, 0);
    assert_string_equal(settings.sizes, "");
    arena_fini(&strings);
}

static void every_type_is_written_to_its_field(void **state)
{
    (void)state;
    struct settings settings;
    struct arena strings;
    struct error err;
    assert_int_equal(
        write_options("header=,count=18446744073709551615,share=2,wait=5m,limit=1MiB,on-full,",
                      &settings, &strings, &err),
        0);
    assert_string_equal(settings.header, "");
    assert_true(settings.count == UINT64_MAX);
    assert_true(settings.share > 1.99 && settings.share < 2.01);
    assert_int_equal(settings.wait, 300000000);
    assert_int_equal(settings.limit, 1048576);
    assert_int_equal(settings.on_full, 1);
    arena_fini(&strings);
}

static void commas_and_equals_signs_belong_to_values_as_documented(void **state)
{
    (void)state;
    static const struct {
        const char *text, *header, *sizes;
    } rows[] = {
        {"header=a\\,b", "a,b", ""},
        {"header=a\\\\,sizes=b", "a\\", "b"},
        {"header=a\\b", "a\\b", ""},
        {"header=a\\", "a\\", ""},
        {"header=a=b=c", "a=b=c", ""},
        {"header=http://x/y?z=1", "http://x/y?z=1", ""},
        {"sizes=50KB=26,200KB=53,2MB=5,header=x", "x", "50KB=26,200KB=53,2MB=5"},
        {"sizes=1,,2,header=x", "x", "1,,2"},
        {"header=x\\,sizes=1", "x,sizes=1", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct settings settings;
        struct arena strings;
        struct error err = {.text = ""};
        if (write_options(rows[i].text, &settings, &strings, &err))
            fail_msg("%s: %s", rows[i].text, err.text);
        assert_string_equal(settings.header, rows[i].header);
        assert_string_equal(settings.sizes, rows[i].sizes);
        arena_fini(&strings);
    }
}

static void what_is_wrong_is_named_with_what_the_plugin_takes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } rows[] = {
        {NULL, "plugin test: option header is missing; it takes header=text (required), "
               "count=number (3), share=real (0.5), wait=duration (250ms), limit=size (2KB), "
               "on_full=switch (off), sizes=text"},
        {"header=x,coumt=1", "plugin test: no option 'coumt', did you mean count?; it takes "
                             "header=text (required), count=number (3)"},
        {"=x", "plugin test: no option ''; it takes header=text"},
        {"Header=x", "plugin test: no option 'Header', did you mean header?; it takes "},
        {"header", "plugin test: option header needs a value: header=text"},
        {"header=a,header=b", "plugin test: option header is given twice"},
        {"header=a,count=-1", "plugin test: count=-1: expected a whole number"},
        {"header=a,count=1x", "plugin test: count=1x: expected a whole number"},
        {"header=a,share=nan", "plugin test: share=nan: expected a number, like 0.5"},
        {"header=a,wait=soon", "plugin test: wait=soon: expected a duration, like 250ms"},
        {"header=a,limit=2XB", "plugin test: limit=2XB: expected a size, like 50KB"},
        {"header=a,on_full=maybe", "plugin test: on_full=maybe: expected on or off"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct settings settings;
        struct arena strings;
        struct error err = {.text = ""};
        assert_int_equal(write_options(rows[i].text, &settings, &strings, &err), -1);
        assert_int_equal(err.exit_code, EXIT_INPUT);
        if (strncmp(err.text, rows[i].error, strlen(rows[i].error)) != 0)
            fail_msg("%s: '%s' does not start with '%s'", rows[i].text ? rows[i].text : "(none)",
                     err.text, rows[i].error);
        arena_fini(&strings);
    }
}

static void a_plugin_without_options_says_so(void **state)
{
    (void)state;
    const reprise_plugin bare = {REPRISE_PLUGIN_HEADER, .name = "bare"};
    struct arena strings;
    struct error err;
    arena_init(&strings, 1024);
    assert_int_equal(options_write(&bare, NULL, NULL, &strings, &err), 0);
    assert_int_equal(options_write(&bare, "a=1", NULL, &strings, &err), -1);
    assert_string_equal(err.text, "plugin bare: no option 'a'; it takes no options");
    arena_fini(&strings);
}

static void text_over_the_limit_is_refused(void **state)
{
    (void)state;
    struct settings settings;
    struct arena strings;
    struct error err;
    char *text = malloc(PLUGIN_MAX_OPTIONS_BYTES + 1);
    memset(text, 'a', PLUGIN_MAX_OPTIONS_BYTES);
    text[PLUGIN_MAX_OPTIONS_BYTES] = '\0';
    assert_int_equal(write_options(text, &settings, &strings, &err), -1);
    assert_non_null(strstr(err.text, "its options are longer than 262144 bytes"));
    arena_fini(&strings);
    free(text);
}

static void tables_that_name_an_option_twice_or_never_end_are_refused(void **state)
{
    (void)state;
    static reprise_option endless[PLUGIN_MAX_OPTIONS + 1];
    static char names[PLUGIN_MAX_OPTIONS + 1][8];
    struct error err;
    const reprise_option twice[] = {options[1], options[1], REPRISE_OPTIONS_END};
    reprise_plugin changed = plugin;
    changed.options = twice;
    assert_int_equal(options_check(&plugin, &err), 0);
    assert_int_equal(options_check(&changed, &err), -1);
    assert_string_equal(err.text, "option count: twice in the table");
    for (int i = 0; i <= PLUGIN_MAX_OPTIONS; i++) {
        endless[i] = options[1];
        names[i][0] = 'o';
        names[i][1] = (char)('a' + i / 16);
        names[i][2] = (char)('a' + i % 16);
        endless[i].name = names[i];
    }
    changed.options = endless;
    assert_int_equal(options_check(&changed, &err), -1);
    assert_string_equal(err.text, "its options have no end; add REPRISE_OPTIONS_END");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fallbacks_fill_what_is_not_given),
        cmocka_unit_test(every_type_is_written_to_its_field),
        cmocka_unit_test(commas_and_equals_signs_belong_to_values_as_documented),
        cmocka_unit_test(what_is_wrong_is_named_with_what_the_plugin_takes),
        cmocka_unit_test(a_plugin_without_options_says_so),
        cmocka_unit_test(text_over_the_limit_is_refused),
        cmocka_unit_test(tables_that_name_an_option_twice_or_never_end_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
