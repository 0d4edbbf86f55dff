/*
 * setting.h - which values are varied and how, as people write it: "POST /orders /order/id=uuid".
 *
 *     [METHOD PATH] PLACE=VALUE      several are separated by ';' or ','; '\' takes the next byte
 *                                    as it is
 *
 * PLACE   /json/pointer   form:NAME   query:NAME   header:NAME
 * VALUE   email uuid time_iso time_s time_ms hexN digitsN data:COLUMN, or a text with some of them
 *         in braces: user-{n}-{seq}@example.org
 */
#ifndef VARY_SETTING_H
#define VARY_SETTING_H

#include <stdbool.h>
#include <stddef.h>

enum {
    SETTING_MAX = 32,
    SETTING_MAX_TEXT_BYTES = 400,
    SETTING_MAX_METHOD_BYTES = 16,
    SETTING_MAX_PROBLEM_BYTES = 400
};

enum setting_place { SETTING_JSON, SETTING_FORM, SETTING_QUERY, SETTING_HEADER };

struct setting {
    char text[SETTING_MAX_TEXT_BYTES];
    char method[SETTING_MAX_METHOD_BYTES]; /* "": any */
    char path[SETTING_MAX_TEXT_BYTES];     /* "": any */
    enum setting_place place;
    char name[SETTING_MAX_TEXT_BYTES];  /* the pointer, or what follows the ':' */
    char value[SETTING_MAX_TEXT_BYTES]; /* always in braces: email is u{n}-{hex8}@{domain} */
};

struct settings {
    size_t count;
    struct setting setting[SETTING_MAX];
};

/* 0, or -1 and what is wrong with which one. */
int settings_parse(const char *text, struct settings *ret, char problem[SETTING_MAX_PROBLEM_BYTES]);

/* "POST /orders", "/orders" or "": into `setting`s that have no endpoint of their own. */
int settings_narrow(struct settings *settings, const char *on,
                    char problem[SETTING_MAX_PROBLEM_BYTES]);

#endif
