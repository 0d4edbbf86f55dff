/* error.c - fills, prefixes and prints the one shape of an error. */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES = sizeof(((struct error *)0)->text), LEAST_WHERE_BYTES = 128 };

/* An error is one line whatever a file name or a server's answer put into it. */
static void flatten(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = ' ';
    }
}

/* Keep the first `max_len` bytes; "..." says where something is missing. Not inside a character. */
static void shorten(char *text, size_t max_len)
{
    if (strlen(text) <= max_len)
        return;
    size_t len = max_len - 3;
    while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    memcpy(text + len, "...", 4);
}

int error_set(struct error *err, enum exit_code exit_code, const char *format, ...)
{
    if (!err)
        return -1;
    char text[TEXT_BYTES + 1]; /* an argument may be err->text itself */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    flatten(text);
    shorten(text, TEXT_BYTES - 1);
    memcpy(err->text, text, strlen(text) + 1);
    err->exit_code = exit_code;
    return -1;
}

/* What went wrong is worth more than a long path: where both do not fit, `where` gives way first.
 */
int error_prefix(struct error *err, const char *format, ...)
{
    if (!err)
        return -1;
    char where[TEXT_BYTES + 1], what[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(where, sizeof where, format, args);
    va_end(args);
    memcpy(what, err->text, strlen(err->text) + 1);
    size_t room = TEXT_BYTES - 1 - strlen(": ");
    size_t where_room = strlen(what) < room ? room - strlen(what) : 0;
    shorten(where, where_room > LEAST_WHERE_BYTES ? where_room : LEAST_WHERE_BYTES);
    shorten(what, room - strlen(where));
    size_t where_len = strlen(where);
    memcpy(err->text, where, where_len);
    memcpy(err->text + where_len, ": ", 2);
    memcpy(err->text + where_len + 2, what, strlen(what) + 1);
    flatten(err->text);
    return -1;
}

int error_report(const struct error *err)
{
    fprintf(stderr, "reprise: %s\n", err->text);
    return (int)err->exit_code;
}
