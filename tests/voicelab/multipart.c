/* multipart.c - a strict multipart/form-data parser that is fed pieces and keeps none of them. */
#include "tests/voicelab/multipart.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static int bad(struct multipart *parser, const char *error)
{
    parser->state = MULTIPART_BAD;
    parser->error = error;
    return -1;
}

/* The value of `name=` in a header such as «form-data; name="file"; filename="a.wav"», unquoted.
 * -1: not there or longer than the buffer. */
static int parameter(const char *header, const char *name, char *out, size_t capacity)
{
    size_t name_len = strlen(name);

    for (const char *p = strchr(header, ';'); p; p = strchr(p, ';')) {
        p += 1 + strspn(p + 1, " \t");
        if (strncasecmp(p, name, name_len) != 0 || p[name_len] != '=')
            continue;
        p += name_len + 1;
        bool is_quoted = *p == '"';
        p += is_quoted;
        size_t len = strcspn(p, is_quoted ? "\"" : "; \t");
        if (len >= capacity || (is_quoted && p[len] != '"'))
            return -1;
        memcpy(out, p, len);
        out[len] = '\0';
        return 0;
    }
    return -1;
}

int multipart_init(struct multipart *parser, const char *content_type,
                   const struct multipart_events *events, void *context)
{
    static const char boundary_chars[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        "'()+_,-./:=? ";
    char boundary[71];

    memset(parser, 0, sizeof *parser);
    parser->events = events;
    parser->context = context;
    if (!content_type || strncasecmp(content_type, "multipart/form-data", 19) != 0)
        return bad(parser, "Content-Type must be multipart/form-data");
    if (parameter(content_type, "boundary", boundary, sizeof boundary) || boundary[0] == '\0' ||
        boundary[strspn(boundary, boundary_chars)] != '\0')
        return bad(parser, "Content-Type has no usable boundary");
    parser->delimiter_len =
        (size_t)snprintf(parser->delimiter, sizeof parser->delimiter, "\r\n--%s", boundary);
    parser->matched = 2; /* the first delimiter has no line before it: its CRLF counts as read */
    return 0;
}

static int take_header(struct multipart *parser, const char *line)
{
    struct multipart_part *part = &parser->part;

    if (strncasecmp(line, "Content-Disposition:", 20) == 0) {
        if (parameter(line, "name", part->name, sizeof part->name))
            return bad(parser, "a part's Content-Disposition has no usable name");
        part->has_filename = !parameter(line, "filename", part->filename, sizeof part->filename);
    } else if (strncasecmp(line, "Content-Type:", 13) == 0) {
        const char *value = line + 13 + strspn(line + 13, " \t");
        snprintf(part->content_type, sizeof part->content_type, "%s", value);
    }
    return 0;
}

/* The header block is whole: `headers` ends with an empty line. */
static int begin_part(struct multipart *parser)
{
    char *line = parser->headers;

    memset(&parser->part, 0, sizeof parser->part);
    if (memchr(line, '\0', parser->headers_len))
        return bad(parser, "a NUL in a part's headers");
    parser->headers[parser->headers_len - 2] = '\0';
    while (*line) {
        char *end = strstr(line, "\r\n");
        *end = '\0';
        if (take_header(parser, line))
            return -1;
        line = end + 2;
    }
    if (parser->part.name[0] == '\0')
        return bad(parser, "a part has no Content-Disposition with a name");
    if (!parser->events->part_begin(parser->context, &parser->part))
        return bad(parser, "refused");
    parser->state = MULTIPART_BODY;
    /* A part may be empty: the CRLF that ended its headers is then the delimiter's own. */
    parser->matched = 0;
    return 0;
}

static int feed_headers(struct multipart *parser, char c)
{
    if (parser->headers_len + 1 >= sizeof parser->headers)
        return bad(parser, "a part's headers are too long");
    parser->headers[parser->headers_len++] = c;
    if (parser->headers_len == 2 && memcmp(parser->headers, "\r\n", 2) == 0)
        return bad(parser, "a part has no headers");
    if (parser->headers_len >= 4 &&
        memcmp(parser->headers + parser->headers_len - 4, "\r\n\r\n", 4) == 0)
        return begin_part(parser);
    return 0;
}

static int emit(struct multipart *parser, const char *bytes, size_t len)
{
    if (len > 0 && !parser->events->part_bytes(parser->context, bytes, len))
        return bad(parser, "refused");
    return 0;
}

/* Content up to what may be a delimiter. The delimiter's first byte, CR, is in it only once
 * (boundaries hold none), so a match that fails can only begin again at the byte in hand. */
static int feed_body(struct multipart *parser, const char *bytes, size_t len, size_t *ret_used)
{
    if (parser->matched == 0) {
        const char *cr = memchr(bytes, '\r', len);
        size_t plain = cr ? (size_t)(cr - bytes) : len;
        if (emit(parser, bytes, plain))
            return -1;
        parser->matched = cr != NULL;
        *ret_used = plain + (cr != NULL);
        return 0;
    }
    if (*bytes != parser->delimiter[parser->matched]) {
        size_t matched = parser->matched;
        parser->matched = 0;
        *ret_used = 0; /* the byte in hand is looked at again */
        return emit(parser, parser->delimiter, matched);
    }
    *ret_used = 1;
    if (++parser->matched < parser->delimiter_len)
        return 0;
    parser->matched = 0;
    parser->state = MULTIPART_AFTER_DELIMITER;
    return parser->events->part_end(parser->context) ? 0 : bad(parser, "refused");
}

static int feed_start(struct multipart *parser, char c)
{
    if (c != parser->delimiter[parser->matched])
        return bad(parser, "the body does not begin with the boundary of the Content-Type");
    if (++parser->matched == parser->delimiter_len) {
        parser->matched = 0;
        parser->state = MULTIPART_AFTER_DELIMITER;
    }
    return 0;
}

static int feed_after_delimiter(struct multipart *parser, char c)
{
    parser->tail[parser->matched++] = c;
    if (parser->matched < 2)
        return 0;
    parser->matched = 0;
    if (memcmp(parser->tail, "--", 2) == 0) {
        parser->state = MULTIPART_END;
    } else if (memcmp(parser->tail, "\r\n", 2) == 0) {
        parser->headers_len = 0;
        parser->state = MULTIPART_HEADERS;
    } else {
        return bad(parser, "a boundary is followed by neither a line end nor --");
    }
    return 0;
}

static int feed_end(struct multipart *parser, char c)
{
    if (parser->matched >= 2 || c != "\r\n"[parser->matched])
        return bad(parser, "bytes behind the last boundary");
    parser->matched++;
    return 0;
}

int multipart_feed(struct multipart *parser, const char *bytes, size_t len)
{
    int result = 0;

    for (size_t used; len > 0 && result == 0; bytes += used, len -= used) {
        used = 1;
        switch (parser->state) {
        case MULTIPART_START:
            result = feed_start(parser, *bytes);
            break;
        case MULTIPART_AFTER_DELIMITER:
            result = feed_after_delimiter(parser, *bytes);
            break;
        case MULTIPART_HEADERS:
            result = feed_headers(parser, *bytes);
            break;
        case MULTIPART_BODY:
            result = feed_body(parser, bytes, len, &used);
            break;
        case MULTIPART_END:
            result = feed_end(parser, *bytes);
            break;
        case MULTIPART_BAD:
            return -1;
        }
    }
    return result;
}

int multipart_finish(struct multipart *parser)
{
    if (parser->state == MULTIPART_BAD)
        return -1;
    if (parser->state != MULTIPART_END)
        return bad(parser, "the body ends before its last boundary");
    return 0;
}
