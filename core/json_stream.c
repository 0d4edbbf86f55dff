/* json_stream.c - json_find() as a state machine: a byte may be the last of its piece anywhere.
 *
 * Wherever json_find() gives up at a byte this one ends, so that both find the same in text that is
 * broken: tests/fuzz/json_stream_fuzz.c holds them together.
 */
#include "core/json_stream.h"

static const char byte_order_mark[] = "\xef\xbb\xbf";

void json_stream_init(struct json_stream *stream, struct json_wanted *wanted, size_t count,
                      size_t max_bytes, json_stream_fn found, void *owner)
{
    json_way_start(&stream->way, wanted, count);
    stream->state = count ? JSON_STREAM_PREFIX : JSON_STREAM_ENDED;
    stream->found = found;
    stream->owner = owner;
    buf_init(&stream->text, max_bytes);
    stream->open = 0;
    stream->is_wanted = true;
    stream->is_kept = stream->is_escaped = stream->is_too_long = false;
    stream->bom_len = 0;
    stream->prefix_len = 0;
}

void json_stream_fini(struct json_stream *stream)
{
    buf_fini(&stream->text);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* --- values ------------------------------------------------------------------------------- */

/* Behind a value: out of it, unless it was the whole text. */
static void value_ended(struct json_stream *stream)
{
    if (stream->way.depth == 0 || stream->way.found == stream->way.count) {
        stream->state = JSON_STREAM_ENDED;
        return;
    }
    json_way_step_out(&stream->way);
    stream->state = JSON_STREAM_BEHIND;
}

/* The scalar in hand, to all that want it. */
static void tell(struct json_stream *stream, enum json_kind kind)
{
    static const struct bytes too_long = {0};
    struct bytes text = bytes_make(stream->text.len ? stream->text.data : "", stream->text.len);
    for (size_t i = 0; i < stream->way.count; i++) {
        if (json_way_wants(&stream->way, i))
            stream->found(stream->owner, i, stream->is_too_long ? too_long : text, kind);
    }
    json_way_keep(&stream->way, bytes_of(""), kind); /* no views of a piece that goes */
}

static void begin_text(struct json_stream *stream, enum json_stream_state state, bool is_kept)
{
    buf_clear(&stream->text);
    stream->is_kept = is_kept;
    stream->is_escaped = stream->is_too_long = false;
    stream->state = state;
}

static void keep(struct json_stream *stream, const char *from, const char *to)
{
    if (!stream->is_kept || stream->is_too_long || from == to)
        return;
    stream->is_too_long = buf_append(&stream->text, from, (size_t)(to - from)) != 0;
}

/* Inside a string: behind its quote, or at the end of the piece. True: it has ended. */
static bool take_string(struct json_stream *stream, const char **at, const char *end)
{
    const char *from = *at, *here = from, *quote = NULL;
    bool may_end = true; /* a quote may be left in the piece */
    while (here < end) {
        if (stream->is_escaped) {
            stream->is_escaped = false;
            here++;
            continue;
        }
        /* A quote stays the next one until an escape has gone past it. */
        if (may_end && (!quote || quote < here)) {
            quote = memchr(here, '"', (size_t)(end - here));
            may_end = quote != NULL;
        }
        const char *stop = may_end ? quote : end;
        const char *escape = memchr(here, '\\', (size_t)(stop - here));
        if (!escape) {
            keep(stream, from, stop);
            *at = may_end ? quote + 1 : end;
            return may_end;
        }
        stream->is_escaped = true;
        here = escape + 1;
    }
    keep(stream, from, end);
    *at = end;
    return false;
}

static bool is_word_byte(char c)
{
    return ascii_is_digit(c) || ascii_is_alpha(c) || c == '-' || c == '+' || c == '.';
}

/* It has ended: by what follows, or with the text. */
static void end_word(struct json_stream *stream)
{
    struct json_text rest = {stream->text.data, stream->text.data + stream->text.len};
    struct bytes word;
    enum json_kind kind;
    if (stream->is_too_long || !stream->text.len || !json_take_scalar(&rest, &word, &kind)) {
        stream->state = JSON_STREAM_ENDED;
        return;
    }
    if (stream->is_wanted)
        tell(stream, kind);
    value_ended(stream);
}

static void take_word(struct json_stream *stream, const char **at, const char *end)
{
    const char *from = *at;
    while (*at < end && is_word_byte(**at))
        (*at)++;
    keep(stream, from, *at);
    if (*at < end)
        end_word(stream);
}

/* Inside a container in which nothing is wanted. */
static void skip(struct json_stream *stream, const char **at, const char *end)
{
    while (*at < end) {
        char c = *(*at)++;
        if (c == '"') {
            begin_text(stream, JSON_STREAM_SKIP_STRING, false);
            return;
        }
        if (c == '{' || c == '[') {
            stream->open++;
        } else if ((c == '}' || c == ']') && --stream->open == 0) {
            value_ended(stream);
            return;
        }
    }
}

/* --- one byte that says what follows ------------------------------------------------------ */

static void begin_value(struct json_stream *stream, const char **at)
{
    char c = **at;
    if (c == '{' || c == '[') {
        (*at)++;
        stream->open = 1;
        stream->state = JSON_STREAM_SKIP;
        if (stream->is_wanted && json_way_leads_on(&stream->way)) {
            json_way_open(&stream->way, c == '[');
            stream->state = JSON_STREAM_FIRST;
        }
    } else if (c == '"') {
        (*at)++;
        begin_text(stream, JSON_STREAM_STRING,
                   stream->is_wanted && json_way_is_wanted(&stream->way));
    } else if (is_word_byte(c)) {
        begin_text(stream, JSON_STREAM_WORD, true);
    } else {
        stream->state = JSON_STREAM_ENDED;
    }
}

/* The next member of the container in hand. */
static void next_member(struct json_stream *stream)
{
    stream->state = JSON_STREAM_NAME;
    if (!stream->way.is_array[stream->way.depth - 1])
        return;
    stream->is_wanted = json_way_step_in(&stream->way, (struct bytes){0});
    stream->state = JSON_STREAM_VALUE;
}

static void behind_value(struct json_stream *stream, char c)
{
    uint32_t level = stream->way.depth - 1;
    if (c == ',') {
        stream->way.index[level]++;
        next_member(stream);
    } else if (c == (stream->way.is_array[level] ? ']' : '}')) {
        stream->way.depth--;
        value_ended(stream);
    } else {
        stream->state = JSON_STREAM_ENDED;
    }
}

static void end_name(struct json_stream *stream)
{
    /* One that is longer than can be held is none that is wanted: a token of a place's pointer has
     * 4096 bytes at most, and an escape no more than six for one of them. */
    struct bytes name = stream->is_too_long ? bytes_of("\\") : buf_bytes(&stream->text);
    stream->is_wanted = json_way_step_in(&stream->way, name);
    stream->state = JSON_STREAM_VALUE;
}

/* Not in a string or a word, and not on space. */
static void take_mark(struct json_stream *stream, const char **at)
{
    char c = **at;
    switch (stream->state) {
    case JSON_STREAM_VALUE:
        begin_value(stream, at);
        return;
    case JSON_STREAM_FIRST:
        if (c == ']' || c == '}') {
            (*at)++;
            stream->way.depth--;
            value_ended(stream);
        } else {
            next_member(stream);
        }
        return;
    case JSON_STREAM_NAME:
        begin_text(stream, c == '"' ? JSON_STREAM_IN_NAME : JSON_STREAM_ENDED, true);
        break;
    case JSON_STREAM_COLON:
        if (c == ':')
            end_name(stream);
        else
            stream->state = JSON_STREAM_ENDED;
        break;
    default:
        behind_value(stream, c);
        break;
    }
    (*at)++;
}

static void feed(struct json_stream *stream, const char *at, const char *end)
{
    while (at < end) {
        switch (stream->state) {
        case JSON_STREAM_IN_NAME:
            if (take_string(stream, &at, end))
                stream->state = JSON_STREAM_COLON;
            break;
        case JSON_STREAM_STRING:
            if (!take_string(stream, &at, end))
                break;
            if (stream->is_kept)
                tell(stream, JSON_SCAN_STRING);
            value_ended(stream);
            break;
        case JSON_STREAM_SKIP_STRING:
            if (take_string(stream, &at, end))
                stream->state = JSON_STREAM_SKIP;
            break;
        case JSON_STREAM_WORD:
            take_word(stream, &at, end);
            break;
        case JSON_STREAM_SKIP:
            skip(stream, &at, end);
            break;
        case JSON_STREAM_PREFIX:
        case JSON_STREAM_ENDED:
            return;
        default:
            if (is_space(*at))
                at++;
            else
                take_mark(stream, &at);
            break;
        }
    }
}

/* --- what stands before it ---------------------------------------------------------------- */

/* No bracket has come: what was held is the text. */
static void replay_prefix(struct json_stream *stream)
{
    size_t at = stream->prefix_len >= 3 && memcmp(stream->prefix, byte_order_mark, 3) == 0 ? 3 : 0;
    stream->state = JSON_STREAM_VALUE;
    feed(stream, stream->prefix + at, stream->prefix + stream->prefix_len);
}

static void begin(struct json_stream *stream, char c)
{
    stream->state = JSON_STREAM_VALUE;
    feed(stream, &c, &c + 1);
}

static void hold(struct json_stream *stream, char c)
{
    bool is_first = stream->prefix_len == 0;
    if (is_first && is_space(c))
        return;
    if (c == '{' || c == '[' || (is_first && (c == '"' || c == '\0'))) {
        begin(stream, c);
        return;
    }
    stream->prefix[stream->prefix_len++] = c;
    if (stream->prefix_len == JSON_MAX_PREFIX_BYTES)
        replay_prefix(stream);
}

static void hold_mark(struct json_stream *stream)
{
    uint32_t len = stream->bom_len;
    stream->bom_len = 3; /* it is none */
    for (uint32_t i = 0; i < len && len < 3; i++)
        hold(stream, byte_order_mark[i]);
}

static void take_prefix(struct json_stream *stream, char c)
{
    if (stream->bom_len < 3 && c == byte_order_mark[stream->bom_len]) {
        stream->bom_len++;
        return;
    }
    hold_mark(stream);
    hold(stream, c);
}

/* --- verbs -------------------------------------------------------------------------------- */

void json_stream_feed(struct json_stream *stream, struct bytes piece)
{
    const char *at = piece.ptr, *end = at + piece.len;
    while (at < end && stream->state == JSON_STREAM_PREFIX)
        take_prefix(stream, *at++);
    if (at < end && stream->state != JSON_STREAM_ENDED)
        feed(stream, at, end);
}

void json_stream_end(struct json_stream *stream)
{
    if (stream->state == JSON_STREAM_PREFIX) {
        hold_mark(stream);
        if (stream->state == JSON_STREAM_PREFIX)
            replay_prefix(stream);
    }
    if (stream->state == JSON_STREAM_WORD)
        end_word(stream);
    stream->state = JSON_STREAM_ENDED;
}
