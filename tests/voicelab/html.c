/* html.c - pages and forms: text made safe for HTML, fields of a urlencoded body. */
#include "tests/voicelab/html.h"

#include <stdbool.h>
#include <string.h>

void html_escape(FILE *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int decode(const char *text, size_t len, char *out, size_t capacity)
{
    size_t used = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0 || (high == 0 && low == 0))
                return -1;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (used + 1 >= capacity)
            return -1;
        out[used++] = c;
    }
    out[used] = '\0';
    return 0;
}

int html_form_field(const char *body, const char *name, char *out, size_t capacity)
{
    size_t name_len = strlen(name);

    while (body) {
        const char *end = strchr(body, '&');
        size_t len = end ? (size_t)(end - body) : strlen(body);
        if (len > name_len && strncmp(body, name, name_len) == 0 && body[name_len] == '=')
            return decode(body + name_len + 1, len - name_len - 1, out, capacity);
        body = end ? end + 1 : NULL;
    }
    return -1;
}
