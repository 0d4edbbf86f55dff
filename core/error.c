/* error.c - fills, prefixes and prints the one shape of an error. */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* An error is one line whatever a file name or a server's answer put into it. */
static void flatten(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20)
            *text = ' ';
    }
}

int error_set(struct error *err, enum exit_code exit_code, const char *format, ...)
{
    if (!err)
        return -1;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    flatten(err->text);
    err->exit_code = exit_code;
    return -1;
}

int error_prefix(struct error *err, const char *format, ...)
{
    if (!err)
        return -1;
    char where[sizeof err->text];
    va_list args;
    va_start(args, format);
    vsnprintf(where, sizeof where, format, args);
    va_end(args);
    char joined[2 * sizeof err->text + 2];
    snprintf(joined, sizeof joined, "%s: %s", where, err->text);
    joined[sizeof err->text - 1] = '\0';
    memcpy(err->text, joined, sizeof err->text);
    flatten(err->text);
    return -1;
}

int error_report(const struct error *err)
{
    fprintf(stderr, "reprise: %s\n", err->text);
    return (int)err->exit_code;
}
