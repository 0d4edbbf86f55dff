/* multipart.h - a strict multipart/form-data parser that is fed pieces and keeps none of them.
 *
 *            +---------------------------------------------------+
 *            v                                                   |
 *   START --delimiter--> AFTER_DELIMITER --CRLF--> HEADERS --> BODY
 *                              |
 *                              +--"--"--> END
 *
 * Strict: no preamble, every part has a Content-Disposition with a name, the last delimiter must
 * come, and behind it at most one CRLF. A client that sends less has a bug to find. */
#ifndef VOICELAB_MULTIPART_H
#define VOICELAB_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#define MULTIPART_NAME_CAP 128

struct multipart_part {
    char name[MULTIPART_NAME_CAP];
    char filename[MULTIPART_NAME_CAP]; /* "" when there is none */
    char content_type[MULTIPART_NAME_CAP];
    bool has_filename;
};

/* The three that tell what was found. False stops the parser: its error says "refused". */
struct multipart_events {
    bool (*part_begin)(void *context, const struct multipart_part *part);
    bool (*part_bytes)(void *context, const char *bytes, size_t len);
    bool (*part_end)(void *context);
};

enum multipart_state {
    MULTIPART_START,
    MULTIPART_AFTER_DELIMITER,
    MULTIPART_HEADERS,
    MULTIPART_BODY,
    MULTIPART_END,
    MULTIPART_BAD,
};

struct multipart {
    enum multipart_state state;
    const struct multipart_events *events;
    void *context;
    const char *error;  /* in MULTIPART_BAD: why */
    char delimiter[80]; /* CRLF, "--", and a boundary of 1 to 70 characters (RFC 2046, 5.1.1) */
    size_t delimiter_len;
    size_t matched; /* of the delimiter; in AFTER_DELIMITER and END: bytes of `tail` */
    char tail[2];
    char headers[2048]; /* of the part in hand: larger ones are refused */
    size_t headers_len;
    struct multipart_part part;
};

/* `content_type` is the request's. -1: no usable boundary in it. */
int multipart_init(struct multipart *parser, const char *content_type,
                   const struct multipart_events *events, void *context);

/* -1: not multipart as the Content-Type says; `error` tells. Every later call says so too. */
int multipart_feed(struct multipart *parser, const char *bytes, size_t len);

/* With all bytes fed: -1 unless the last delimiter was there. */
int multipart_finish(struct multipart *parser);

#endif
