/* rule.c - declared limits as people write them. */
#include "rule.h"

#include "../common/endpoint.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FORM "write POST /signup 3/h per address, 100/m per user or 5/s in all"

/* One limit, cut into words; none is longer than the limit. */
struct words {
    size_t count, at;
    char word[8][RULE_MAX_TEXT_BYTES];
};

static int say(char *problem, const char *text, const char *reason)
{
    snprintf(problem, RULE_MAX_PROBLEM_BYTES, "limit: '%.100s': %s", text, reason);
    return -1;
}

static bool is_end(char c)
{
    return c == '\0' || c == ';' || c == ',';
}

/* 0, or -1: more words than any limit has. */
static int cut_words(const char *text, struct words *ret)
{
    ret->count = ret->at = 0;
    while (*text) {
        size_t len = strcspn(text, " \t");
        if (len && ret->count == sizeof ret->word / sizeof ret->word[0])
            return -1;
        if (len)
            snprintf(ret->word[ret->count++], RULE_MAX_TEXT_BYTES, "%.*s", (int)len, text);
        text += len + (text[len] != '\0');
    }
    return 0;
}

static const char *next_word(struct words *words)
{
    return words->at < words->count ? words->word[words->at] : "";
}

static bool take_word(struct words *words, const char *word)
{
    if (strcasecmp(next_word(words), word) != 0)
        return false;
    words->at++;
    return true;
}

/* Digits only, 1 to `most`; what follows them in *ret_end. */
static bool read_count(const char *text, uint64_t most, const char **ret_end, uint64_t *ret)
{
    uint64_t value = 0;
    const char *at = text;
    for (; isdigit((unsigned char)*at); at++) {
        value = value * 10 + (uint64_t)(*at - '0');
        if (value > most)
            return false;
    }
    *ret_end = at;
    *ret = value;
    return at > text && value > 0;
}

static bool read_period(const char *text, uint64_t *ret_us)
{
    static const struct {
        const char *name;
        uint64_t us;
    } units[] = {{"ms", 1000},        {"s", 1000000},       {"sec", 1000000},
                 {"second", 1000000}, {"seconds", 1000000}, {"m", 60000000},
                 {"min", 60000000},   {"minute", 60000000}, {"minutes", 60000000},
                 {"h", 3600000000},   {"hour", 3600000000}, {"hours", 3600000000},
                 {"d", 86400000000},  {"day", 86400000000}, {"days", 86400000000}};
    uint64_t times = 1;
    if (isdigit((unsigned char)*text) && !read_count(text, 1000000, &text, &times))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcasecmp(text, units[i].name) == 0 && units[i].us <= RULE_MAX_PERIOD_US / times) {
            *ret_us = units[i].us * times;
            return true;
        }
    return false;
}

static int read_key(struct words *words, struct rule *rule, char *problem)
{
    if (words->at == words->count)
        return 0;
    if (take_word(words, "in"))
        return take_word(words, "all") ? 0 : say(problem, rule->text, "'in' what? " FORM);
    if (!take_word(words, "per"))
        return say(problem, rule->text, "what follows COUNT/PERIOD is 'per ...' or 'in all'");
    if (take_word(words, "address"))
        return 0;
    if (take_word(words, "user")) {
        rule->key = RULE_PER_USER;
        return 0;
    }
    const char *word = next_word(words);
    const char *name = strchr(word, ':');
    size_t kind_bytes = name ? (size_t)(name - word) : 0;
    bool is_header = kind_bytes == 6 && strncasecmp(word, "header", 6) == 0;
    bool is_data = kind_bytes == 4 && strncasecmp(word, "data", 4) == 0;
    if (!is_header && !is_data)
        return say(problem, rule->text,
                   "'per' what? address, user, header:NAME or data:COLUMN, or 'in all'");
    if (!name[1] || strlen(name + 1) >= RULE_MAX_NAME_BYTES)
        return say(problem, rule->text, "a name of 1 to 63 bytes follows the ':'");
    rule->key = is_header ? RULE_PER_HEADER : RULE_PER_DATA;
    snprintf(rule->name, sizeof rule->name, "%s", name + 1);
    words->at++;
    return 0;
}

static int parse_one(const char *text, size_t len, struct rule *ret, char *problem)
{
    struct words words;
    const char *period;
    *ret = (struct rule){.key = RULE_IN_ALL};
    snprintf(ret->text, sizeof ret->text, "%.*s", (int)(len < 199 ? len : 199), text);
    if (len >= RULE_MAX_TEXT_BYTES)
        return say(problem, ret->text, "longer than 199 bytes");
    if (cut_words(ret->text, &words))
        return say(problem, ret->text, "too many words; " FORM);
    if (endpoint_is_method(next_word(&words), strlen(next_word(&words))))
        snprintf(ret->method, sizeof ret->method, "%s", words.word[words.at++]);
    if (next_word(&words)[0] == '/')
        snprintf(ret->path, sizeof ret->path, "%s", words.word[words.at++]);
    if (ret->method[0] && !ret->path[0])
        return say(problem, ret->text, "a method needs its path, as in POST /** 3/h");
    if (words.at == words.count)
        return say(problem, ret->text, "no COUNT/PERIOD; " FORM);
    if (!read_count(next_word(&words), RULE_MAX_COUNT, &period, &ret->count))
        return say(problem, ret->text, "its count is no whole number of 1 to 1000000000; " FORM);
    if (*period++ != '/' || !read_period(period, &ret->period_us))
        return say(problem, ret->text, "no period; write 3/h, 100/m, 5/s or 10/30s");
    words.at++;
    if (read_key(&words, ret, problem))
        return -1;
    return words.at == words.count ? 0 : say(problem, ret->text, "something follows it; " FORM);
}

int rules_parse(const char *text, struct rules *ret, char problem[RULE_MAX_PROBLEM_BYTES])
{
    ret->count = 0;
    for (;;) {
        size_t len = 0;
        text += strspn(text, " \t");
        while (!is_end(text[len]))
            len++;
        size_t item = len;
        while (item > 0 && isspace((unsigned char)text[item - 1]))
            item--;
        if (item > 0 && ret->count == RULE_MAX)
            return say(problem, text, "more than 16 limits");
        if (item > 0 && parse_one(text, item, &ret->rule[ret->count], problem))
            return -1;
        ret->count += item > 0;
        if (!text[len])
            break;
        text += len + 1;
    }
    return ret->count ? 0 : say(problem, "", "none is given; " FORM);
}

bool rule_matches(const struct rule *rule, const char *method, size_t method_bytes, const char *url,
                  size_t url_bytes)
{
    return endpoint_matches(rule->method, rule->path, method, method_bytes, url, url_bytes);
}

const char *rule_period_text(uint64_t period_us, char text[40])
{
    static const struct {
        uint64_t us;
        const char *one, *many;
    } units[] = {{86400000000, "a day", "days"},
                 {3600000000, "an hour", "hours"},
                 {60000000, "a minute", "minutes"},
                 {1000000, "a second", "seconds"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (period_us == units[i].us)
            return units[i].one;
        if (period_us % units[i].us == 0) {
            snprintf(text, 40, "%" PRIu64 " %s", period_us / units[i].us, units[i].many);
            return text;
        }
    }
    snprintf(text, 40, "%" PRIu64 " ms", period_us / 1000);
    return text;
}

int rule_tolerance(const char *text, bool *ret_is_share, double *ret,
                   char problem[RULE_MAX_PROBLEM_BYTES])
{
    char *end = NULL;
    double value = isdigit((unsigned char)text[0]) ? strtod(text, &end) : -1;
    *ret_is_share = end && strcmp(end, "%") == 0;
    if (!end || (*end && !*ret_is_share) || !(value >= 0 && value <= 1e9)) {
        snprintf(problem, RULE_MAX_PROBLEM_BYTES,
                 "tolerance: '%.60s' is no number and no share; write 2 or 10%%", text);
        return -1;
    }
    *ret = *ret_is_share ? value / 100 : value;
    return 0;
}
