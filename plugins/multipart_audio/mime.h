/*
 * mime.h - the head of a part and the parameters of its headers, read where they lie.
 *
 * What is found are views into the text that was given, so that who changes a file name knows which
 * bytes it is, and every other byte stays. Names ignore case; folded lines belong to their header.
 */
#ifndef MULTIPART_AUDIO_MIME_H
#define MULTIPART_AUDIO_MIME_H

#include "pieces.h"

enum { MIME_MAX_NAME_BYTES = 256 };

/* The first header of that name in a head of CRLF lines, trimmed; ptr NULL: there is none. */
struct span mime_header(struct span head, const char *name);

/* The value of `; name=value` without its quotes, as it lies; ptr NULL: there is none. */
struct span mime_param(struct span value, const char *name);

/* The same with \" and \\ undone (no other: browsers escape nothing else that way). Cut to fit. */
size_t mime_unquote(struct span raw, char *into, size_t size);

/* What stands before the first ';', trimmed: "audio/wav". */
struct span mime_type(struct span value);

bool mime_is(struct span text, const char *word);       /* without case */
bool mime_begins(struct span text, const char *prefix); /* without case */

/* Of the two parameters a file may be named by: the raw text in quotes, and the percent-encoded
 * text of filename*=charset'language'text (RFC 5987). ptr NULL: not there. */
struct mime_file_name {
    struct span plain;
    struct span extended;
};
struct mime_file_name mime_file_name(struct span disposition);

/* Where a unique mark goes in a name: before its last dot, or at its end. */
size_t mime_stem_bytes(struct span name);

#endif
