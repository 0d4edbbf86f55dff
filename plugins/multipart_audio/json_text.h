/*
 * json_text.h - the strings, numbers and words of a JSON text in order, to the byte, wherever the
 * text is cut; and base64 in its strings.
 *
 * Whether the text is JSON is not asked: quotes and backslashes alone say where a string ends.
 */
#ifndef MULTIPART_AUDIO_JSON_TEXT_H
#define MULTIPART_AUDIO_JSON_TEXT_H

#include "pieces.h"

struct json_token {
    uint32_t number; /* from 0 */
    bool is_string;
    bool is_key;
    uint64_t at, bytes; /* without its quotes; escapes as they are */
};

struct json_reader {
    const struct pieces *pieces;
    uint64_t at;
    uint32_t count; /* tokens so far */
    struct span run;
    uint64_t run_at;
};

void json_begin(struct json_reader *reader, const struct pieces *pieces);

/* False behind the last one, and where a string does not end. */
bool json_next(struct json_reader *reader, struct json_token *ret);

/* How base64 is written: "data:audio/wav;base64,UklGR..." */
struct json_base64 {
    uint32_t prefix_bytes; /* in front of it */
    bool is_url;           /* '-' and '_' for '+' and '/' */
    bool is_padded;
};

/* The bytes that a string's text stands for, on the heap; \/ is undone. ptr NULL: it is no base64,
 * or of nothing, or there is no memory. At most `max` of them. */
struct span json_decode_base64(struct span text, size_t max, struct json_base64 *ret_form);

/* How many digits for so many bytes; the digits of bytes, which are a multiple of three but at the
 * end. `into` has room for one more. */
uint64_t json_base64_bytes(const struct json_base64 *form, uint64_t bytes);
size_t json_write_base64(const struct json_base64 *form, const void *bytes, size_t len, char *into);

#endif
