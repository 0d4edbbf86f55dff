/* setting.c - which values are varied and how, as people write it. */
#include "setting.h"

#include "value.h"

#include "../common/endpoint.h"
#include "../common/json_place.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int say(char *problem, const char *text, const char *reason)
{
    snprintf(problem, SETTING_MAX_PROBLEM_BYTES, "set: '%.100s': %s", text, reason);
    return -1;
}

/* Up to the next separator, without escapes and outer spaces. NULL: too long. */
static const char *take_item(const char *text, char item[SETTING_MAX_TEXT_BYTES])
{
    size_t len = 0;
    text += strspn(text, " \t");
    for (; *text && *text != ';' && *text != ','; text++) {
        if (*text == '\\' && text[1])
            text++;
        if (len + 1 == SETTING_MAX_TEXT_BYTES)
            return NULL;
        item[len++] = *text;
    }
    while (len && (item[len - 1] == ' ' || item[len - 1] == '\t'))
        len--;
    item[len] = '\0';
    return *text ? text + 1 : text;
}

/* "METHOD PATH" at the beginning of *text, which goes on behind it. */
static void take_endpoint(const char **text, struct setting *setting)
{
    size_t method = strcspn(*text, " "), skipped = method + strspn(*text + method, " ");
    if (!endpoint_is_method(*text, method) || (*text)[skipped] != '/')
        return;
    const char *path = *text + skipped;
    size_t path_bytes = strcspn(path, " ");
    snprintf(setting->method, sizeof setting->method, "%.*s", (int)method, *text);
    snprintf(setting->path, sizeof setting->path, "%.*s", (int)path_bytes, path);
    *text = path + path_bytes + strspn(path + path_bytes, " ");
}

/* RFC 9110 5.6.2. */
static bool is_token(const char *text)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (const char *at = text; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr(marks, *at))
            return false;
    return *text != '\0';
}

/* A header that people can set; what frames the message or is of the connection is made by whoever
 * sends it. */
static int check_header(const struct setting *setting, char *problem)
{
    static const char *const made[] = {"connection",       "content-length",    "keep-alive",
                                       "proxy-connection", "transfer-encoding", "upgrade"};
    if (!is_token(setting->name))
        return say(problem, setting->text, "no name of a header; write header:X-Request-Id=uuid");
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        if (strcasecmp(setting->name, made[i]) == 0)
            return say(problem, setting->text,
                       "this header belongs to the connection, not to the request: leave it out");
    return 0;
}

static int read_place(const char *text, size_t len, struct setting *setting, char *problem)
{
    static const struct {
        const char *prefix;
        enum setting_place place;
    } kinds[] = {{"form:", SETTING_FORM}, {"query:", SETTING_QUERY}, {"header:", SETTING_HEADER}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t prefix = strlen(kinds[i].prefix);
        if (len <= prefix || strncmp(text, kinds[i].prefix, prefix) != 0)
            continue;
        setting->place = kinds[i].place;
        snprintf(setting->name, sizeof setting->name, "%.*s", (int)(len - prefix), text + prefix);
        return setting->place == SETTING_HEADER ? check_header(setting, problem) : 0;
    }
    setting->place = SETTING_JSON;
    snprintf(setting->name, sizeof setting->name, "%.*s", (int)len, text);
    if (setting->name[0] != '/' || !json_pointer_is_valid(setting->name))
        return say(problem, setting->text,
                   "no place; write /json/pointer, form:NAME, query:NAME or header:NAME");
    return 0;
}

static int read_value(const char *text, struct setting *setting, char *problem)
{
    char reason[VALUE_MAX_PROBLEM_BYTES];
    if (strcmp(text, "email") == 0)
        snprintf(setting->value, sizeof setting->value, "u{n}-{hex8}@{domain}");
    else if (!strchr(text, '{') && value_is_known(text, strlen(text)))
        snprintf(setting->value, sizeof setting->value, "{%.*s}", SETTING_MAX_TEXT_BYTES - 3, text);
    else if (strchr(text, '{'))
        snprintf(setting->value, sizeof setting->value, "%s", text);
    else
        return say(problem, setting->text,
                   "no value; write email, " VALUE_NAMES ", or a text with some of them in braces");
    if (value_check(setting->value, reason))
        return say(problem, setting->text, reason);
    return 0;
}

static int parse_one(const char *item, struct setting *ret, char *problem)
{
    *ret = (struct setting){.place = SETTING_JSON};
    snprintf(ret->text, sizeof ret->text, "%s", item);
    take_endpoint(&item, ret);
    const char *equals = strchr(item, '=');
    if (!equals || !equals[1])
        return say(problem, ret->text, "no PLACE=VALUE; write /user/email=email");
    return read_place(item, (size_t)(equals - item), ret, problem) ||
                   read_value(equals + 1, ret, problem)
               ? -1
               : 0;
}

int settings_parse(const char *text, struct settings *ret, char problem[SETTING_MAX_PROBLEM_BYTES])
{
    char item[SETTING_MAX_TEXT_BYTES];
    ret->count = 0;
    while (*text) {
        const char *rest = take_item(text, item);
        if (!rest)
            return say(problem, text, "longer than 399 bytes");
        text = rest;
        if (!item[0])
            continue;
        if (ret->count == SETTING_MAX)
            return say(problem, item, "more than 32 values are set");
        if (parse_one(item, &ret->setting[ret->count], problem))
            return -1;
        ret->count++;
    }
    return ret->count ? 0 : say(problem, "", "nothing is set; write /user/email=email");
}

int settings_narrow(struct settings *settings, const char *on,
                    char problem[SETTING_MAX_PROBLEM_BYTES])
{
    struct setting endpoint = {.place = SETTING_JSON};
    const char *rest = on;
    take_endpoint(&rest, &endpoint);
    if (rest == on && *on == '/') {
        snprintf(endpoint.path, sizeof endpoint.path, "%s", on);
        rest = on + strlen(on);
    }
    if (*rest || strlen(on) >= SETTING_MAX_TEXT_BYTES || strchr(endpoint.path, ' ')) {
        snprintf(problem, SETTING_MAX_PROBLEM_BYTES,
                 "on: '%.100s' is no endpoint; write POST /orders or /orders/*", on);
        return -1;
    }
    for (size_t i = 0; i < settings->count; i++) {
        struct setting *setting = &settings->setting[i];
        if (setting->path[0])
            continue;
        memcpy(setting->method, endpoint.method, sizeof setting->method);
        memcpy(setting->path, endpoint.path, sizeof setting->path);
    }
    return 0;
}
