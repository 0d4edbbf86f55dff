/* options.c - checks a plugin's option table and writes values into the fields it names. */
#include "plugins/options.h"

#include <stdalign.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/cli.h"
#include "core/units.h"

enum { MAX_NAME_BYTES = 48 };

/* What each type looks like in *plugin and on the command line. */
static const struct option_kind {
    const char *name;
    uint32_t size_bytes;
    const char *expected;
} kinds[] = {
    [REPRISE_STRING] = {"text", sizeof(const char *), "text"},
    [REPRISE_NUMBER] = {"number", sizeof(uint64_t), "a whole number"},
    [REPRISE_REAL] = {"real", sizeof(double), "a number, like 0.5"},
    [REPRISE_DURATION] = {"duration", sizeof(uint64_t), "a duration, like 250ms, 30s or 5m"},
    [REPRISE_SIZE] = {"size", sizeof(uint64_t), "a size, like 50KB or 2MiB"},
    [REPRISE_SWITCH] = {"switch", sizeof(uint32_t), "on or off"},
};

#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

bool plugin_name_is_valid(const char *name)
{
    size_t len = strnlen(name, MAX_NAME_BYTES + 1);
    if (len > MAX_NAME_BYTES || name[0] < 'a' || name[0] > 'z')
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

const char *option_type_name(uint32_t type)
{
    return type < KIND_COUNT ? kinds[type].name : "unknown";
}

static int write_number(uint32_t type, const char *text, uint64_t *ret_value)
{
    if (type == REPRISE_DURATION)
        return duration_parse_us(text, ret_value);
    if (type == REPRISE_SIZE)
        return size_parse_bytes(text, ret_value);
    return bytes_to_u64(bytes_of(text), ret_value) ? 0 : -1;
}

static int parse_real(const char *text, double *ret_value)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= 0 && value <= 1e15))
        return -1;
    *ret_value = value;
    return 0;
}

static int parse_switch(const char *text, uint32_t *ret_value)
{
    static const char *const words[] = {"off", "on", "no", "yes", "false", "true", "0", "1"};
    for (uint32_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *ret_value = i & 1;
            return 0;
        }
    }
    return -1;
}

/* -1 when `text` is no value of that type. `text` must stay for as long as the field. */
static int write_field(const reprise_option *option, const char *text, void *instance)
{
    uint64_t number;
    double real;
    uint32_t is_on;
    char *field = (char *)instance + option->offset;
    switch (option->type) {
    case REPRISE_STRING:
        memcpy(field, &text, sizeof text);
        return 0;
    case REPRISE_REAL:
        if (parse_real(text, &real))
            return -1;
        memcpy(field, &real, sizeof real);
        return 0;
    case REPRISE_SWITCH:
        if (parse_switch(text, &is_on))
            return -1;
        memcpy(field, &is_on, sizeof is_on);
        return 0;
    default:
        if (write_number(option->type, text, &number))
            return -1;
        memcpy(field, &number, sizeof number);
        return 0;
    }
}

static int check_option(const reprise_plugin *api, const reprise_option *option, struct error *err)
{
    if (!plugin_name_is_valid(option->name))
        return error_set(err, EXIT_INPUT, "option '%s': not a name of a-z, 0-9 and '_'",
                         option->name);
    if (option->type >= KIND_COUNT)
        return error_set(err, EXIT_INPUT, "option %s: type %u is none", option->name, option->type);
    uint32_t size_bytes = kinds[option->type].size_bytes;
    if (option->size_bytes != size_bytes)
        return error_set(err, EXIT_INPUT,
                         "option %s: its field has %u bytes, a %s needs one of %u; see enum "
                         "reprise_option_type",
                         option->name, option->size_bytes, kinds[option->type].name, size_bytes);
    if (option->offset > api->plugin_size || size_bytes > api->plugin_size - option->offset)
        return error_set(
            err, EXIT_INPUT,
            "option %s: its field lies outside plugin_size (%zu bytes); is plugin_size "
            "set?",
            option->name, api->plugin_size);
    alignas(8) char scratch[8];
    reprise_option at_start = *option;
    at_start.offset = 0;
    if (option->fallback && write_field(&at_start, option->fallback, scratch))
        return error_set(err, EXIT_INPUT, "option %s: fallback '%s' is not %s", option->name,
                         option->fallback, kinds[option->type].expected);
    return 0;
}

static int check_metrics(const reprise_plugin *api, struct error *err)
{
    for (const reprise_metric *metric = api->metrics; metric && metric->name; metric++) {
        if (metric - api->metrics >= PLUGIN_MAX_OPTIONS)
            return error_set(err, EXIT_INPUT, "its metrics have no end; add REPRISE_METRICS_END");
        if (!plugin_name_is_valid(metric->name))
            return error_set(err, EXIT_INPUT, "metric '%s': not a name of a-z, 0-9 and '_'",
                             metric->name);
        if (metric->kind > REPRISE_HISTOGRAM)
            return error_set(err, EXIT_INPUT, "metric %s: kind %u is none", metric->name,
                             metric->kind);
    }
    return 0;
}

int options_check(const reprise_plugin *api, struct error *err)
{
    for (const reprise_option *option = api->options; option && option->name; option++) {
        if (option - api->options >= PLUGIN_MAX_OPTIONS)
            return error_set(err, EXIT_INPUT, "its options have no end; add REPRISE_OPTIONS_END");
        if (check_option(api, option, err))
            return -1;
        for (const reprise_option *other = api->options; other < option; other++) {
            if (strcmp(other->name, option->name) == 0)
                return error_set(err, EXIT_INPUT, "option %s: twice in the table", option->name);
        }
    }
    return check_metrics(api, err);
}

/* " it takes header=text, users=number (10)": the plugin's own help on one line. */
static int append_help(const reprise_plugin *api, struct error *err)
{
    struct buf help = BUF_INIT(sizeof err->text);
    if (!err)
        return -1;
    for (const reprise_option *option = api->options; option && option->name; option++) {
        buf_printf(&help, "%s%s=%s", option == api->options ? "" : ", ", option->name,
                   kinds[option->type].name);
        if (!option->fallback)
            buf_append_text(&help, " (required)");
        else if (*option->fallback)
            buf_printf(&help, " (%s)", option->fallback);
    }
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, "; it takes %s%s",
             help.len ? buf_text(&help) : "no options", buf_failed(&help) ? ", ..." : "");
    buf_fini(&help);
    return -1;
}

static const reprise_option *find_option(const reprise_plugin *api, char *name)
{
    for (char *c = name; *c; c++)
        *c = *c == '-' ? '_' : *c;
    for (const reprise_option *option = api->options; option && option->name; option++) {
        if (strcmp(option->name, name) == 0)
            return option;
    }
    return NULL;
}

static int unknown_option(const reprise_plugin *api, const char *name, struct error *err)
{
    const char *names[PLUGIN_MAX_OPTIONS];
    size_t count = 0;
    for (const reprise_option *option = api->options; option && option->name; option++)
        names[count++] = option->name;
    const char *nearest = count ? cli_nearest(name, names, count) : NULL;
    error_set(err, EXIT_INPUT, "plugin %s: no option '%.80s'%s%s%s", api->name, name,
              nearest ? ", did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
    return append_help(api, err);
}

/* Cut one "key=value" off *rest and undo its escapes, in place. */
static char *take_item(char **rest)
{
    char *item = *rest, *out = item, *in = item;
    for (; *in; in++) {
        if (*in == '\\' && (in[1] == ',' || in[1] == '\\'))
            *out++ = *++in;
        else if (*in == ',' && (ascii_is_alpha(in[1]) || in[1] == '\0'))
            break;
        else
            *out++ = *in;
    }
    *rest = *in ? in + 1 : in;
    *out = '\0';
    return item;
}

static int write_item(const reprise_plugin *api, char *item, void *instance, bool *is_given,
                      struct error *err)
{
    char *value = strchr(item, '=');
    if (value)
        *value++ = '\0';
    const reprise_option *option = find_option(api, item);
    if (!option)
        return unknown_option(api, item, err);
    if (!value && option->type == REPRISE_SWITCH)
        value = (char *)"on";
    if (!value)
        return error_set(err, EXIT_INPUT, "plugin %s: option %s needs a value: %s=%s", api->name,
                         item, item, kinds[option->type].name);
    size_t at = (size_t)(option - api->options);
    if (is_given[at])
        return error_set(err, EXIT_INPUT, "plugin %s: option %s is given twice", api->name, item);
    is_given[at] = true;
    if (write_field(option, value, instance))
        return error_set(err, EXIT_INPUT, "plugin %s: %s=%.80s: expected %s", api->name, item,
                         value, kinds[option->type].expected);
    return 0;
}

int options_write(const reprise_plugin *api, const char *text, void *instance,
                  struct arena *strings, struct error *err)
{
    bool is_given[PLUGIN_MAX_OPTIONS] = {false};
    char *rest = (char *)arena_copy(strings, bytes_of(text ? text : "")).ptr;
    if (!rest)
        return error_set(err, EXIT_INPUT, "plugin %s: its options are longer than %d bytes",
                         api->name, PLUGIN_MAX_OPTIONS_BYTES);
    while (*rest) {
        if (write_item(api, take_item(&rest), instance, is_given, err))
            return -1;
    }
    for (const reprise_option *option = api->options; option && option->name; option++) {
        if (is_given[option - api->options])
            continue;
        if (!option->fallback) {
            error_set(err, EXIT_INPUT, "plugin %s: option %s is missing", api->name, option->name);
            return append_help(api, err);
        }
        write_field(option, option->fallback, instance); /* checked when the plugin was loaded */
    }
    return 0;
}
