/* html.h - pages and forms: text made safe for HTML, fields of a urlencoded body. */
#ifndef VOICELAB_HTML_H
#define VOICELAB_HTML_H

#include <stddef.h>
#include <stdio.h>

void html_escape(FILE *out, const char *text);

/* The decoded value of a field of an application/x-www-form-urlencoded body. -1: not there, not
 * decodable, or longer than the buffer. */
int html_form_field(const char *body, const char *name, char *out, size_t capacity);

#endif
