/* settings.c - the texts of options, as what they mean. */
#include "settings.h"

#include <ctype.h>
#include <stdio.h>

static int say(char *problem, const char *option, const char *text, const char *reason)
{
    snprintf(problem, SETTINGS_MAX_PROBLEM_BYTES, "%s: '%.60s': %s", option, text, reason);
    return -1;
}

int settings_submit(const char *text, char **ret_method, char **ret_path,
                    char problem[SETTINGS_MAX_PROBLEM_BYTES])
{
    const char *path = strchr(text, '/');
    size_t len = 0;
    while (isupper((unsigned char)text[len]))
        len++;
    if (!path || (path != text && (len == 0 || text[len] != ':' || path != text + len + 1)))
        return say(problem, "submit", text, "no method and path; write POST:/jobs");
    *ret_method = span_copy(len ? (struct span){text, len} : span_of("POST"));
    *ret_path = span_copy(span_of(path));
    return *ret_method && *ret_path ? 0 : say(problem, "submit", text, "no memory");
}

int settings_pointer(const char *option, const char *text, char **ret,
                     char problem[SETTINGS_MAX_PROBLEM_BYTES])
{
    *ret = NULL;
    if (text[0] == '/') {
        *ret = span_copy(span_of(text));
        return *ret ? 0 : say(problem, option, text, "no memory");
    }
    if (text[0] != '$' || (text[1] != '.' && text[1] != '['))
        return say(problem, option, text, "no place in JSON; write /data/id or $.data.id");
    char *pointer = malloc(strlen(text) * 2 + 1);
    size_t used = 0;
    if (!pointer)
        return say(problem, option, text, "no memory");
    for (const char *c = text + 1; *c; c++) {
        if (*c == '.' || *c == '[') {
            pointer[used++] = '/';
        } else if (*c == '/' || *c == '~') {
            pointer[used++] = '~';
            pointer[used++] = *c == '~' ? '0' : '1';
        } else if (*c != ']' && *c != '\'' && *c != '"') {
            pointer[used++] = *c;
        }
    }
    pointer[used] = '\0';
    *ret = pointer;
    return 0;
}

int settings_poll(const char *text, char problem[SETTINGS_MAX_PROBLEM_BYTES])
{
    if (text[0] != '/')
        return say(problem, "poll", text, "no path; write /jobs/{id}");
    if (strchr(text, '{') && !strstr(text, "{id}"))
        return say(problem, "poll", text, "it does not say where the id is; write /jobs/{id}");
    return 0;
}

/* The next one of a list. False: nothing is left of it. */
static bool next_word(const char **list, struct span *ret)
{
    if (!*list)
        return false;
    *ret = (struct span){*list, strcspn(*list, WORDS_BETWEEN)};
    const char *behind = *list + ret->len + strspn(*list + ret->len, " ");
    if (ret->len && *behind && !strchr(WORDS_BETWEEN, *behind)) { /* "a b" */
        *list = behind;
        return true;
    }
    *list = *behind ? behind + 1 + strspn(behind + 1, " ") : NULL;
    return true;
}

static bool has_word(const char *list, const char *wanted)
{
    struct span word;
    char plain[WORDS_MAX_BYTES + 1];
    while (next_word(&list, &word))
        if (words_plain(word, plain) && strcmp(plain, wanted) == 0)
            return true;
    return false;
}

int settings_words(const struct words *words, char problem[SETTINGS_MAX_PROBLEM_BYTES])
{
    const char *const names[] = {"waiting", "running", "done", "failed"};
    const char *const lists[] = {words->waiting, words->running, words->done, words->failed};
    char plain[WORDS_MAX_BYTES + 1], reason[120];
    for (size_t i = 0; i < 4; i++) {
        const char *left = lists[i] && lists[i][0] ? lists[i] : NULL;
        struct span word;
        while (next_word(&left, &word)) {
            if (!words_plain(word, plain))
                return say(problem, names[i], lists[i],
                           "a word is missing or has no letters and digits; write held|parked");
            for (size_t other = 0; other < i; other++) {
                if (!lists[other] || !lists[other][0] || !has_word(lists[other], plain))
                    continue;
                snprintf(reason, sizeof reason, "%s has '%.40s', too; a word means one of them",
                         names[other], plain);
                return say(problem, names[i], lists[i], reason);
            }
        }
    }
    return 0;
}

int settings_choice(const char *option, const char *text, const char *words,
                    char problem[SETTINGS_MAX_PROBLEM_BYTES])
{
    int number = 0;
    for (const char *word = words; *word; number++) {
        size_t len = strcspn(word, "|");
        if (strlen(text) == len && strncmp(word, text, len) == 0)
            return number;
        word += len + (word[len] == '|');
    }
    char reason[120];
    snprintf(reason, sizeof reason, "it is one of %s", words);
    return say(problem, option, text, reason);
}
