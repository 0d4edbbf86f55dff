/* native_answer_head.c - one pass over the lines of a common head, core/http1 for the others. */
#include "replay/transport/native_answer_head.h"

#define HEAD_ODD (-3) /* nothing for the short way */

/* What the lines have said so far. */
struct reading {
    struct answer_head *head;
    struct http_header *headers;
    bool keeps_headers;
    bool has_close, has_keep_alive, has_length, is_chunked;
    uint64_t length;
};

static bool list_has_token(struct bytes list, struct bytes token)
{
    struct bytes part;
    while (bytes_split(&list, ',', &part)) {
        if (bytes_equal_nocase(bytes_trim(part), token))
            return true;
    }
    return false;
}

static bool is_persistent(int minor_version, bool has_close, bool has_keep_alive)
{
    return minor_version >= 1 ? !has_close : has_keep_alive && !has_close;
}

ssize_t answer_head_parse_core(struct bytes in, bool keeps_headers, bool is_to_head,
                               struct answer_head *ret_head, struct answer_scratch *scratch)
{
    struct http1_head *core = &scratch->core;
    core->header_count = 0;
    ssize_t used = http1_parse_response(in, core);
    if (used < 0)
        return used;
    if (core->has_bad_line)
        return ANSWER_HEAD_BAD_LINE;
    struct answer_head head = {.status = core->status};
    bool has_close = http1_header_has_token(core, "connection", "close");
    bool has_keep_alive = http1_header_has_token(core, "connection", "keep-alive");
    head.is_persistent = is_persistent(core->minor_version, has_close, has_keep_alive);
    head.has_coding = http1_header(core, "content-encoding").ptr || http1_has_coded_transfer(core);
    if (http1_response_body(core, bytes_of(is_to_head ? "HEAD" : "GET"), &head.body))
        return ANSWER_HEAD_BAD_LENGTH;
    for (size_t i = 0; i < core->header_count; i++) {
        if (keeps_headers || bytes_equal_nocase(core->headers[i].name, bytes_of("set-cookie")))
            scratch->headers[head.header_count++] = core->headers[i];
    }
    *ret_head = head;
    return used;
}

/*
 * Does the line begin with this name? The two spellings that servers use are compared at once, all
 * others letter by letter. `len` bytes and one more are known to be there.
 */
static inline bool begins_with(const char *line, const char *title, const char *lower, size_t len)
{
    char after = line[len];
    if (after != ':' && after != ' ' && after != '\t')
        return false;
    return memcmp(line, title, len) == 0 || memcmp(line, lower, len) == 0 ||
           bytes_equal_nocase(bytes_make(line, len), bytes_make(lower, len));
}

#define BEGINS_WITH(line, len, title, lower)                                                       \
    ((len) > sizeof(title) - 1 && begins_with(line, title, lower, sizeof(title) - 1))

/* The value behind a name of `name_len` bytes; .ptr NULL: there is space before the colon. */
static struct bytes value_of(const char *line, size_t len, size_t name_len)
{
    if (line[name_len] != ':')
        return (struct bytes){0};
    return bytes_trim(bytes_make(line + name_len + 1, len - name_len - 1));
}

static int read_connection(struct reading *reading, struct bytes value)
{
    if (!value.ptr)
        return HEAD_ODD;
    if (value.len == 10 && memcmp(value.ptr, "keep-alive", 10) == 0) {
        reading->has_keep_alive = true;
        return 0;
    }
    reading->has_close |= list_has_token(value, bytes_of("close"));
    reading->has_keep_alive |= list_has_token(value, bytes_of("keep-alive"));
    return 0;
}

static int read_length(struct reading *reading, struct bytes value)
{
    if (!value.ptr || reading->has_length || !bytes_to_u64(value, &reading->length) ||
        reading->length > INT64_MAX)
        return HEAD_ODD;
    reading->has_length = true;
    return 0;
}

static int read_transfer_encoding(struct reading *reading, struct bytes value)
{
    if (!value.ptr || reading->is_chunked || !bytes_equal_nocase(value, bytes_of("chunked")))
        return HEAD_ODD;
    reading->is_chunked = true;
    return 0;
}

static int read_cookie(struct reading *reading, const char *line, struct bytes value)
{
    reading->headers[reading->head->header_count++] =
        (struct http_header){.name = bytes_make(line, 10), .value = value};
    return value.ptr ? 0 : HEAD_ODD;
}

/* A line that begins with "co". */
static int read_co(struct reading *reading, const char *line, size_t len)
{
    if (BEGINS_WITH(line, len, "Connection", "connection"))
        return read_connection(reading, value_of(line, len, 10));
    if (BEGINS_WITH(line, len, "Content-Length", "content-length"))
        return read_length(reading, value_of(line, len, 14));
    if (BEGINS_WITH(line, len, "Content-Encoding", "content-encoding")) {
        reading->head->has_coding = true;
        return value_of(line, len, 16).ptr ? 0 : HEAD_ODD;
    }
    return 0;
}

/* Two letters tell most lines apart from those that matter. */
static inline int read_known(struct reading *reading, const char *line, size_t len)
{
    switch (line[0] | 0x20) {
    case 'c':
        return (line[1] | 0x20) == 'o' ? read_co(reading, line, len) : 0;
    case 't':
        if (!BEGINS_WITH(line, len, "Transfer-Encoding", "transfer-encoding"))
            return 0;
        return read_transfer_encoding(reading, value_of(line, len, 17));
    case 's':
        if (reading->keeps_headers || !BEGINS_WITH(line, len, "Set-Cookie", "set-cookie"))
            return 0;
        return read_cookie(reading, line, value_of(line, len, 10));
    default:
        return 0;
    }
}

static int keep_line(struct reading *reading, const char *line, size_t len, const char *colon)
{
    if (colon[-1] == ' ' || colon[-1] == '\t')
        return HEAD_ODD;
    size_t name_len = (size_t)(colon - line);
    reading->headers[reading->head->header_count++] = (struct http_header){
        .name = bytes_make(line, name_len), .value = value_of(line, len, name_len)};
    return 0;
}

/* "HTTP/1.x NNN" and the end of the word. */
static bool is_common_status_line(const char *at, size_t len)
{
    return len > 13 && memcmp(at, "HTTP/1.", 7) == 0 && ascii_is_digit(at[7]) && at[8] == ' ' &&
           at[9] >= '1' && at[9] <= '9' && ascii_is_digit(at[10]) && ascii_is_digit(at[11]) &&
           (at[12] == ' ' || at[12] == '\n' || (at[12] == '\r' && at[13] == '\n'));
}

/* What is no header line: empty, of control bytes, or begun with a space. */
static int end_of_lines(const char *line, const char *end, const char **ret_end)
{
    if (*line == '\n') {
        *ret_end = line + 1;
        return 0;
    }
    if (*line == '\r' && end - line < 2)
        return HTTP1_NEED_MORE;
    if (*line != '\r' || line[1] != '\n')
        return HEAD_ODD;
    *ret_end = line + 2;
    return 0;
}

/* All header lines from `line` on; *ret_end is behind the empty line. */
static int read_lines(struct reading *reading, const char *line, const char *end,
                      const char **ret_end)
{
    for (size_t count = 0; count < HTTP1_MAX_HEADERS; count++) {
        if (line == end)
            return HTTP1_NEED_MORE;
        if (*line <= ' ' && *line >= 0) /* the end of the head, or a folded line */
            return end_of_lines(line, end, ret_end);
        const char *line_feed = memchr(line, '\n', (size_t)(end - line));
        if (!line_feed)
            return HTTP1_NEED_MORE;
        size_t len = (size_t)(line_feed - line) - (line_feed[-1] == '\r');
        const char *colon = memchr(line, ':', len);
        if (!colon || colon == line)
            return HEAD_ODD;
        if (read_known(reading, line, len))
            return HEAD_ODD;
        if (reading->keeps_headers && keep_line(reading, line, len, colon))
            return HEAD_ODD;
        line = line_feed + 1;
    }
    return HEAD_ODD;
}

static void set_body(struct http1_body *body, enum http1_framing framing, uint64_t length)
{
    *body = (struct http1_body){.framing = framing, .left_bytes = length};
    body->is_done = framing == HTTP1_NO_BODY || (framing == HTTP1_LENGTH && length == 0);
}

/* RFC 9112 6.3, as http1_response_body() has it. */
static void frame(const struct reading *reading, bool is_to_head)
{
    struct answer_head *head = reading->head;
    int status = head->status;
    if (status == 101)
        set_body(&head->body, HTTP1_TUNNEL, 0);
    else if (is_to_head || status < 200 || status == 204 || status == 304)
        set_body(&head->body, HTTP1_NO_BODY, 0);
    else if (reading->is_chunked)
        set_body(&head->body, HTTP1_CHUNKED, 0);
    else if (reading->has_length)
        set_body(&head->body, HTTP1_LENGTH, reading->length);
    else
        set_body(&head->body, HTTP1_UNTIL_CLOSE, 0);
}

ssize_t answer_head_parse(struct bytes in, bool keeps_headers, bool is_to_head,
                          struct answer_head *ret_head, struct answer_scratch *scratch)
{
    const char *at = in.ptr, *end = in.ptr + in.len, *head_end = NULL;
    struct answer_head head = {0};
    struct reading reading = {
        .head = &head, .headers = scratch->headers, .keeps_headers = keeps_headers};
    int outcome = HEAD_ODD;
    if (is_common_status_line(at, in.len)) {
        const char *line_feed = memchr(at + 12, '\n', in.len - 12);
        outcome = line_feed ? read_lines(&reading, line_feed + 1, end, &head_end) : HTTP1_NEED_MORE;
    }
    if (outcome == HTTP1_NEED_MORE)
        return HTTP1_NEED_MORE;
    if (outcome == HEAD_ODD || memchr(at, '\0', (size_t)(head_end - at)))
        return answer_head_parse_core(in, keeps_headers, is_to_head, ret_head, scratch);
    head.status = (at[9] - '0') * 100 + (at[10] - '0') * 10 + (at[11] - '0');
    head.is_persistent = is_persistent(at[7] - '0', reading.has_close, reading.has_keep_alive);
    frame(&reading, is_to_head);
    *ret_head = head;
    return head_end - at;
}
