/*
 * json_lex.h - the tokens of JSON text (RFC 8259): strings with their escapes, numbers, words.
 *
 * Views of the text and no memory. Bytes above 0x7f stay as they are, UTF-8 or not.
 */
#ifndef REPRISE_CORE_JSON_LEX_H
#define REPRISE_CORE_JSON_LEX_H

#include <sys/types.h>

#include "core/bytes.h"

#define JSON_MAX_PREFIX_BYTES 64 /* what guards JSON may stand before its first bracket */
#define JSON_MAX_DEPTH 200       /* arrays and objects around a value; deeper ones are not found */

enum json_kind {
    JSON_SCAN_STRING,
    JSON_SCAN_NUMBER,
    JSON_SCAN_TRUE,
    JSON_SCAN_FALSE,
    JSON_SCAN_NULL
};

/* What is left of a text. */
struct json_text {
    const char *at, *end;
};

/* Behind a byte order mark, if it has one. */
struct json_text json_text_of(struct bytes text);

static inline void json_skip_space(struct json_text *text)
{
    while (text->at < text->end &&
           (*text->at == ' ' || *text->at == '\n' || *text->at == '\t' || *text->at == '\r'))
        text->at++;
}

/* Standing on a quote: the string's content as written, and behind its other quote. */
bool json_take_string(struct json_text *text, struct bytes *ret_content);

/* Standing on what is no bracket: a string's content, a number or a word. False: it is none. */
bool json_take_scalar(struct json_text *text, struct bytes *ret_written, enum json_kind *ret_kind);

/* Standing on an opening bracket: behind the one that closes it, by brackets and quotes alone. */
bool json_skip_container(struct json_text *text);

/* The escape at the start of `text`, as UTF-8 into `out`: bytes of text used, or 0: it is none. */
size_t json_take_escape(struct bytes text, char out[4], size_t *ret_len);

/*
 * A string as it stands between its quotes, its escapes undone: bytes written to `out`, never more
 * than written.len. -1: it does not fit, or an escape is none (half of a surrogate pair included).
 */
ssize_t json_unescape(struct bytes written, char *out, size_t out_size);

/* The bytes that json_escape() writes for one byte of text: 1, 2 or 6. */
#define JSON_MAX_ESCAPE_BYTES 6

/* As it stands between quotes. -1: it does not fit. Bytes above 0x7f stay as they are. */
ssize_t json_escape(struct bytes text, char *out, size_t out_size);

#endif
