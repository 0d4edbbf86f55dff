/*
 * settings.h - the texts of options, as what they mean.
 */
#ifndef AI_QUEUE_SETTINGS_H
#define AI_QUEUE_SETTINGS_H

#include "words.h"

enum { SETTINGS_MAX_PROBLEM_BYTES = 200 };

/* "POST:/jobs", or "/jobs" for a POST. Both are the caller's. -1: `problem` says why. */
int settings_submit(const char *text, char **ret_method, char **ret_path,
                    char problem[SETTINGS_MAX_PROBLEM_BYTES]);

/* A JSON pointer: as it is, or "$.a.b[0]" made one; the caller's. -1 as above. */
int settings_pointer(const char *option, const char *text, char **ret,
                     char problem[SETTINGS_MAX_PROBLEM_BYTES]);

/* The path that is asked: with a {name} it is asked for one job, whose place is {id}. -1 as above.
 */
int settings_poll(const char *text, char problem[SETTINGS_MAX_PROBLEM_BYTES]);

/* Whether each list has words and nothing else, and each word one meaning; -1 as above. */
int settings_words(const struct words *words, char problem[SETTINGS_MAX_PROBLEM_BYTES]);

/* Which of the words it is, "a|b|c" in their order; -1 as above. */
int settings_choice(const char *option, const char *text, const char *words,
                    char problem[SETTINGS_MAX_PROBLEM_BYTES]);

#endif
