/*
 * json_stream.h - the same values as json_scan.h finds, in text that comes in pieces: each is told
 * as soon as its last byte is there, and the text is not kept.
 *
 * What stands before the JSON is passed over as json_part() in traces/places does it: a byte order
 * mark, space, and what guards it. Held is the name or the value in hand, at most `max_bytes`.
 */
#ifndef REPRISE_CORE_JSON_STREAM_H
#define REPRISE_CORE_JSON_STREAM_H

#include "core/buf.h"
#include "core/json_way.h"

enum json_stream_state {
    JSON_STREAM_PREFIX, /* before the first bracket or quote */
    JSON_STREAM_VALUE,
    JSON_STREAM_FIRST, /* behind an opening bracket */
    JSON_STREAM_NAME,
    JSON_STREAM_IN_NAME,
    JSON_STREAM_COLON,
    JSON_STREAM_STRING,
    JSON_STREAM_WORD, /* a number, or true, false, null */
    JSON_STREAM_SKIP, /* in a container in which nothing is wanted */
    JSON_STREAM_SKIP_STRING,
    JSON_STREAM_BEHIND, /* a value */
    JSON_STREAM_ENDED
};

/* `text` as it is written, a string's without its quotes, until the call returns; .ptr NULL: it is
 * longer than max_bytes. `wanted` is the index of the pointer. */
typedef void (*json_stream_fn)(void *owner, size_t wanted, struct bytes text, enum json_kind kind);

struct json_stream {
    enum json_stream_state state;
    struct json_way way;
    json_stream_fn found;
    void *owner;
    struct buf text;   /* the name, string or word in hand */
    size_t open;       /* brackets, in JSON_STREAM_SKIP */
    bool is_wanted;    /* the value in hand may lead to one */
    bool is_kept;      /* the string in hand is one, or a name */
    bool is_escaped;   /* behind a backslash */
    bool is_too_long;  /* the string in hand */
    uint32_t bom_len;  /* of a byte order mark that may be one */
    size_t prefix_len; /* at most JSON_MAX_PREFIX_BYTES */
    char prefix[JSON_MAX_PREFIX_BYTES];
};

/* The pointers of `wanted` are borrowed, and its own members are the stream's. */
void json_stream_init(struct json_stream *stream, struct json_wanted *wanted, size_t count,
                      size_t max_bytes, json_stream_fn found, void *owner);
void json_stream_fini(struct json_stream *stream);

void json_stream_feed(struct json_stream *stream, struct bytes piece);
/* Nothing follows: a number may have ended with the text. */
void json_stream_end(struct json_stream *stream);

/* All is found, or nothing more will be. */
static inline bool json_stream_has_ended(const struct json_stream *stream)
{
    return stream->state == JSON_STREAM_ENDED;
}

#endif
