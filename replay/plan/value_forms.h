/*
 * value_forms.h - how a value is written where a request carries it.
 *
 * A form is where it goes (a header, a target, a JSON string ...), which says what has to be
 * escaped, or-ed with a coding that comes first: base64 in a query is VALUE_PERCENT | VALUE_BASE64.
 * A value is brought into its form once, when it is born.
 */
#ifndef REPRISE_REPLAY_PLAN_VALUE_FORMS_H
#define REPRISE_REPLAY_PLAN_VALUE_FORMS_H

#include <sys/types.h>

#include "core/bytes.h"

enum value_form {
    /* Where it goes. */
    VALUE_AS_IS,       /* in a header: never CR, LF or NUL */
    VALUE_IN_TARGET,   /* as it is, but for what would break a request target or a form */
    VALUE_PERCENT,     /* all but letters, digits and -._~ as %XX */
    VALUE_PLUS,        /* the same, and '+' for a space */
    VALUE_IN_JSON,     /* between the quotes of a JSON string */
    VALUE_IN_BODY,     /* as it is, whatever is in it */
    VALUE_IN_FILENAME, /* between the quotes of a part's file name, as browsers write it */
    VALUE_WHERE = 0x0f,
    /* What comes first. */
    VALUE_HTML = 0x10, /* &amp; &lt; &gt; &quot; &#39; */
    VALUE_BASE64 = 0x20,
    VALUE_BASE64_BARE = 0x30, /* without the '=' at its end */
    VALUE_BASE64URL = 0x40,
    VALUE_BASE64URL_BARE = 0x50,
    VALUE_HEX = 0x60,
    VALUE_HEX_UPPER = 0x70,
    VALUE_CODING = 0xf0
};

/* How long `text` is where the form says, and written so; codings are none of their business. */
size_t value_form_len(enum value_form form, struct bytes text);
void value_form_write(enum value_form form, struct bytes text, char *out);

/* The coding's bytes to `out`. -1: they do not fit. Without a coding it copies. */
ssize_t value_form_code(enum value_form form, struct bytes text, char *out, size_t out_size);

/* Undone: bytes written, never more than text.len. -1: it is none of the coding's. Padding may be
 * there or not; either alphabet of base64 is read. HTML is not for it. */
ssize_t value_form_decode(enum value_form form, struct bytes text, char *out);

#endif
