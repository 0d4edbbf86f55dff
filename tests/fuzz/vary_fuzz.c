/* vary_fuzz.c - any text as what is to be varied: what is taken can be made into values. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/common/json_place.h"
#include "plugins/vary/setting.h"
#include "plugins/vary/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *column(void *owner, const char *name, size_t *ret_bytes)
{
    (void)owner;
    *ret_bytes = strlen(name);
    return name[0] == 'n' ? NULL : name;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char problem[SETTING_MAX_PROBLEM_BYTES];
    struct settings settings;
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    if (settings_parse(text, &settings, problem)) {
        assert(problem[0]);
        free(text);
        return 0;
    }
    assert(settings.count >= 1 && settings.count <= SETTING_MAX);
    for (size_t i = 0; i < settings.count; i++) {
        struct text made = {.ptr = NULL};
        struct value_source source = {
            .random = size, .recorded = text, .recorded_bytes = size, .column = column};
        const struct setting *setting = &settings.setting[i];
        assert(setting->place != SETTING_JSON || json_pointer_is_valid(setting->name));
        value_make(setting->value, &source, &made);
        assert(!made.has_failed);
        text_fini(&made);
    }
    settings_narrow(&settings, text, problem);
    free(text);
    return 0;
}
