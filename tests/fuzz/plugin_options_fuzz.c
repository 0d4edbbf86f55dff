/*
 * plugin_options_fuzz.c - any text as a plugin's options; accepted or refused in one line, and what
 * is written is within its fields.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/options.h"

struct settings {
    uint64_t before;
    const char *text;
    uint64_t count;
    double share;
    uint64_t wait;
    uint64_t limit;
    uint32_t is_on;
    uint32_t between;
    const char *list;
    uint64_t after;
};

static const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_STRING, struct settings, text, "", "text"),
    REPRISE_OPTION(REPRISE_NUMBER, struct settings, count, "3", "a number"),
    REPRISE_OPTION(REPRISE_REAL, struct settings, share, "0.5", "a real number"),
    REPRISE_OPTION(REPRISE_DURATION, struct settings, wait, "250ms", "a duration"),
    REPRISE_OPTION(REPRISE_SIZE, struct settings, limit, "2KB", "a size"),
    REPRISE_OPTION(REPRISE_SWITCH, struct settings, is_on, "off", "a switch"),
    REPRISE_OPTION(REPRISE_STRING, struct settings, list, "", "text with commas"),
    REPRISE_OPTIONS_END,
};

static const reprise_plugin plugin = {
    REPRISE_PLUGIN_HEADER,
    .name = "fuzz",
    .plugin_size = sizeof(struct settings),
    .options = options,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct settings settings = {0};
    struct arena strings;
    struct error err = {.text = ""};
    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    arena_init(&strings, PLUGIN_MAX_OPTIONS_BYTES);
    if (options_write(&plugin, text, &settings, &strings, &err)) {
        assert(err.text[0] && strlen(err.text) < sizeof err.text);
    } else {
        assert(settings.is_on <= 1 && settings.share >= 0);
        assert(strlen(settings.text) + strlen(settings.list) <= size);
    }
    assert(settings.before == 0 && settings.between == 0 && settings.after == 0);
    arena_fini(&strings);
    free(text);
    return 0;
}
