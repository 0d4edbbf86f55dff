/* native_answer.c - reads heads and bodies in the caller's block, gathers what spans several. */
#include "replay/transport/native_answer.h"

#include "replay/transport/buffer_pool.h"

/* A first guess at a body's size, so that it is not grown step by step: no more is believed. */
enum { MAX_FIRST_BYTES = 256 * 1024 };

void native_answer_init(struct native_answer *answer, bool is_to_head, bool keeps_body,
                        bool keeps_headers, size_t max_body_bytes)
{
    *answer = (struct native_answer){
        .is_to_head = is_to_head,
        .keeps_body = keeps_body,
        .gathers_body = keeps_body,
        .keeps_headers = keeps_headers,
        .max_body_bytes = max_body_bytes,
        .gathered_head = {.max_len = HTTP1_MAX_HEAD_BYTES + POOL_BLOCK_BYTES},
        .gathered_body = {.max_len = max_body_bytes},
    };
}

void native_answer_view_by(struct native_answer *answer, const struct answer_viewer *viewer,
                           void *owner, bool views_head)
{
    answer->viewer = viewer;
    answer->viewer_owner = owner;
    answer->views_head = views_head;
    answer->gathers_body = true;
}

void native_answer_fini(struct native_answer *answer)
{
    if (answer->gathered_head.data)
        buf_fini(&answer->gathered_head);
    if (answer->gathered_body.data)
        buf_fini(&answer->gathered_body);
}

static enum answer_state broken(struct native_answer *answer, enum failure failure,
                                const char *detail)
{
    answer->failure = failure;
    answer->detail = detail;
    return ANSWER_BROKEN;
}

static enum answer_state body_too_large(struct native_answer *answer)
{
    return broken(answer, FAILURE_BODY_TOO_LARGE, "the answer's body is over the limit");
}

static enum answer_state head_too_large(struct native_answer *answer)
{
    return broken(answer, FAILURE_HEAD_TOO_LARGE, "the answer's headers are over 256 KiB");
}

/* What is wanted of the head must outlive the block. */
static int gather_head(struct native_answer *answer)
{
    bool is_wanted =
        answer->facts.header_count || (answer->gathers_body && answer->facts.has_coding);
    struct buf *gathered = &answer->gathered_head;
    if (gathered->len) { /* it is there, with what came behind it */
        buf_consume(gathered, (size_t)(answer->head.ptr - gathered->data));
        gathered->len = answer->head.len;
    } else if (is_wanted && buf_append_bytes(gathered, answer->head)) {
        return -1;
    }
    return 0;
}

static int gather_body(struct native_answer *answer, struct bytes content)
{
    struct buf *gathered = &answer->gathered_body;
    const struct http1_body *body = &answer->facts.body;
    if (!gathered->data && body->framing == HTTP1_LENGTH) {
        uint64_t expected = content.len + body->left_bytes;
        uint64_t most =
            answer->max_body_bytes < MAX_FIRST_BYTES ? answer->max_body_bytes : MAX_FIRST_BYTES;
        if (!buf_reserve(gathered, expected < most ? expected : most))
            return -1;
    }
    return buf_append_bytes(gathered, content);
}

enum answer_state native_answer_show(struct native_answer *answer, struct bytes content)
{
    answer->was_shown = true;
    answer->gathers_body = false;
    answer->viewer->on_head(answer->viewer_owner);
    return content.len ? answer->viewer->on_body(answer->viewer_owner, content) : ANSWER_NEEDS_MORE;
}

int native_answer_keep(struct native_answer *answer, struct bytes piece)
{
    if (piece.len > answer->max_body_bytes - answer->gathered_body.len)
        body_too_large(answer);
    else if (gather_body(answer, piece))
        broken(answer, FAILURE_NO_FILES, "no memory for the answer's body");
    else
        return 0;
    return -1;
}

/* All is there: let content and the headers' views stand. */
static enum answer_state finish(struct native_answer *answer, bool is_head_in_hand,
                                struct bytes content, struct answer_scratch *scratch)
{
    if (answer->was_shown && answer->keeps_body) {
        answer->content = buf_bytes(&answer->gathered_body);
    } else if (answer->gathers_body) {
        answer->content = content;
        if (answer->gathered_body.len) {
            if (buf_append_bytes(&answer->gathered_body, content))
                return broken(answer, FAILURE_NO_FILES, "no memory for the answer's body");
            answer->content = buf_bytes(&answer->gathered_body);
        }
    }
    if (is_head_in_hand)
        return ANSWER_DONE;
    answer->head = buf_bytes(&answer->gathered_head);
    if (!answer->head.len) {
        answer->facts.header_count = 0;
        return ANSWER_DONE;
    }
    struct answer_head again;
    answer_head_parse(answer->head, answer->keeps_headers, answer->is_to_head, &again, scratch);
    answer->facts.header_count = again.header_count;
    return ANSWER_DONE;
}

/* The head's views are good again, for whoever sees the body behind it. */
static void show_head(struct native_answer *answer, struct answer_scratch *scratch)
{
    struct answer_head again;
    answer->facts.header_count = 0;
    if (!answer->gathered_head.len)
        return;
    answer_head_parse(buf_bytes(&answer->gathered_head), answer->keeps_headers, answer->is_to_head,
                      &again, scratch);
    answer->facts.header_count = again.header_count;
}

/* What is gathered of the bytes in hand: moved together where they lie. */
struct joined {
    const char *start;
    char *end;
};

static enum answer_state take_piece(struct native_answer *answer, struct bytes piece,
                                    struct joined *joined)
{
    answer->body_bytes += piece.len;
    if (answer->was_shown)
        return answer->viewer->on_body(answer->viewer_owner, piece);
    if (!answer->gathers_body)
        return ANSWER_NEEDS_MORE;
    if (answer->keeps_body && answer->body_bytes > answer->max_body_bytes)
        return body_too_large(answer);
    if (joined->end == joined->start) /* the first stays where it is */
        joined->start = joined->end = (char *)(uintptr_t)piece.ptr;
    else if (joined->end != piece.ptr)
        memmove(joined->end, piece.ptr, piece.len);
    joined->end += piece.len;
    return ANSWER_NEEDS_MORE;
}

/* All that is there of the body; *ret_is_over: its end is, or nobody wants more. */
static enum answer_state take_pieces(struct native_answer *answer, struct bytes in,
                                     struct joined *joined, bool *ret_is_over)
{
    struct http1_body *body = &answer->facts.body;
    enum answer_state state = ANSWER_NEEDS_MORE;
    while (in.len && !body->is_done && state == ANSWER_NEEDS_MORE) {
        struct http1_piece piece;
        ssize_t used = http1_body_next(body, in, &piece);
        if (used < 0)
            return broken(answer, FAILURE_PROTOCOL, "the answer's chunks are broken");
        in = bytes_from(in, (size_t)used);
        if (piece.kind == HTTP1_PIECE_DATA)
            state = take_piece(answer, piece.bytes, joined);
    }
    *ret_is_over = body->is_done || state == ANSWER_DONE;
    /* Nobody asked for what is left, or wants what is to come. */
    answer->ends_connection |= *ret_is_over && (in.len > 0 || !body->is_done);
    return state;
}

/*
 * Body bytes. `is_head_in_hand`: its views are good still.
 */
static enum answer_state take_body(struct native_answer *answer, char *data, size_t len,
                                   bool is_head_in_hand, struct answer_scratch *scratch)
{
    struct joined joined = {.start = data, .end = data};
    bool is_over = false;
    if (answer->views_head && !is_head_in_hand)
        show_head(answer, scratch);
    if (take_pieces(answer, bytes_make(data, len), &joined, &is_over) == ANSWER_BROKEN)
        return ANSWER_BROKEN;
    struct bytes content = bytes_make(joined.start, (size_t)(joined.end - joined.start));
    if (is_over) {
        if (answer->gathers_body)
            *joined.end = '\0'; /* whoever looks at it may read up to that */
        return finish(answer, is_head_in_hand, content, scratch);
    }
    if (is_head_in_hand && answer->viewer) {
        enum answer_state state = native_answer_show(answer, content);
        answer->ends_connection |= state == ANSWER_DONE;
        if (state != ANSWER_NEEDS_MORE)
            return state == ANSWER_DONE ? finish(answer, true, content, scratch) : state;
        content.len = 0;
    }
    /* The body first: of a long head, both lie in what gather_head() moves. */
    if ((content.len && gather_body(answer, content)) || (is_head_in_hand && gather_head(answer)))
        return broken(answer, FAILURE_NO_FILES, "no memory for the answer");
    return ANSWER_NEEDS_MORE;
}

/* The short way, which most answers take: head and body, by its length, in one piece. */
static enum answer_state take_whole(struct native_answer *answer, char *data, size_t len,
                                    struct answer_scratch *scratch)
{
    struct http1_body *body = &answer->facts.body;
    size_t body_len = (size_t)body->left_bytes;
    body->left_bytes = 0;
    body->is_done = true;
    answer->body_bytes = body_len;
    answer->ends_connection |= body_len < len; /* nobody asked for what is behind it */
    if (answer->gathers_body)
        data[body_len] = '\0';
    return finish(answer, true, bytes_make(data, body_len), scratch);
}

/* The final head is there; the body begins at `data`. */
static enum answer_state begin_body(struct native_answer *answer, char *data, size_t len,
                                    struct answer_scratch *scratch)
{
    const struct http1_body *body = &answer->facts.body;
    answer->has_head = true;
    answer->ends_connection = !answer->facts.is_persistent || body->framing == HTTP1_UNTIL_CLOSE;
    if (body->framing == HTTP1_TUNNEL)
        return broken(answer, FAILURE_PROTOCOL, "101 to a request that asked for no upgrade");
    if (answer->keeps_body && body->framing == HTTP1_LENGTH &&
        body->left_bytes > answer->max_body_bytes)
        return body_too_large(answer);
    if (body->framing == HTTP1_LENGTH && body->left_bytes <= len)
        return take_whole(answer, data, len, scratch);
    return take_body(answer, data, len, true, scratch);
}

/* Is there an empty line behind what was looked at before? Keeps a head that drips in from being
 * read from its start for every byte. */
static bool has_head_end(const struct native_answer *answer, struct bytes in)
{
    size_t at = answer->scanned_bytes > 3 ? answer->scanned_bytes - 3 : 0;
    struct bytes rest = bytes_from(in, at);
    for (;;) {
        size_t line_feed = bytes_index_of(rest, '\n');
        rest = bytes_from(rest, line_feed + 1);
        if (rest.len == 0)
            return false;
        if (rest.ptr[0] == '\n' || (rest.ptr[0] == '\r' && rest.len > 1 && rest.ptr[1] == '\n'))
            return true;
    }
}

/* What answer_head_parse() says. A server may skip an empty line before a request, a client none
 * before an answer (RFC 9112 2.2). */
static ssize_t next_head(struct native_answer *answer, struct bytes in,
                         struct answer_scratch *scratch)
{
    ssize_t used = HTTP1_NEED_MORE;
    scratch->core.header_count = 0;
    if (in.ptr[0] == '\r' || in.ptr[0] == '\n')
        return HTTP1_BAD;
    if (!answer->scanned_bytes || has_head_end(answer, in))
        used = answer_head_parse(in, answer->keeps_headers, answer->is_to_head, &answer->facts,
                                 scratch);
    if (used == HTTP1_NEED_MORE) {
        answer->scanned_bytes = in.len;
        return http1_looks_like_response(in) ? HTTP1_NEED_MORE : HTTP1_BAD;
    }
    answer->scanned_bytes = 0;
    return used;
}

static enum answer_state bad_head(struct native_answer *answer, ssize_t used,
                                  const struct answer_scratch *scratch)
{
    if (used == ANSWER_HEAD_BAD_LENGTH)
        return broken(answer, FAILURE_PROTOCOL,
                      "the answer's Content-Length is no length, or not one");
    if (used == ANSWER_HEAD_BAD_LINE)
        return broken(answer, FAILURE_PROTOCOL, "a line of the answer's head is no header");
    if (scratch->core.header_count == HTTP1_MAX_HEADERS)
        return broken(answer, FAILURE_HEAD_TOO_LARGE, "the answer has more than 256 headers");
    return broken(answer, FAILURE_PROTOCOL, "the answer is not HTTP/1");
}

/* Heads, the interim ones as well, up to where the body begins or more is needed. */
static enum answer_state take_heads(struct native_answer *answer, char *data, size_t len,
                                    struct answer_scratch *scratch, size_t *ret_left)
{
    size_t at = 0;
    while (at < len) {
        ssize_t used = next_head(answer, bytes_make(data + at, len - at), scratch);
        if (used < 0 && used != HTTP1_NEED_MORE)
            return bad_head(answer, used, scratch);
        size_t seen = used > 0 ? (size_t)used : len - at;
        if (answer->head_bytes + seen > HTTP1_MAX_HEAD_BYTES)
            return head_too_large(answer);
        if (used == HTTP1_NEED_MORE) {
            memmove(data, data + at, len - at);
            *ret_left = len - at;
            return ANSWER_NEEDS_MORE;
        }
        answer->head_bytes += seen;
        answer->head = bytes_make(data + at, seen);
        at += seen;
        int status = answer->facts.status;
        if (status >= 200 || status == 101)
            return begin_body(answer, data + at, len - at, scratch);
        answer->was_continued |= status == 100;
    }
    return ANSWER_NEEDS_MORE;
}

/* A head that is longer than a block goes on in a buffer of its own. */
static enum answer_state take_long_head(struct native_answer *answer, const char *data, size_t len,
                                        struct answer_scratch *scratch)
{
    struct buf *gathered = &answer->gathered_head;
    size_t left = 0;
    if (buf_append(gathered, data, len))
        return head_too_large(answer);
    enum answer_state state = take_heads(answer, gathered->data, gathered->len, scratch, &left);
    if (state == ANSWER_NEEDS_MORE && !answer->has_head)
        gathered->len = left;
    return state;
}

enum answer_state native_answer_take(struct native_answer *answer, char *data, size_t len,
                                     bool is_full, struct answer_scratch *scratch, size_t *ret_left)
{
    *ret_left = 0;
    if (answer->has_head)
        return take_body(answer, data, len, false, scratch);
    if (answer->gathered_head.len)
        return take_long_head(answer, data, len, scratch);
    enum answer_state state = take_heads(answer, data, len, scratch, ret_left);
    if (state == ANSWER_NEEDS_MORE && *ret_left && is_full) {
        if (buf_append(&answer->gathered_head, data, *ret_left))
            return broken(answer, FAILURE_NO_FILES, "no memory for the answer's head");
        *ret_left = 0;
    }
    return state;
}

enum answer_state native_answer_close(struct native_answer *answer, struct answer_scratch *scratch)
{
    answer->ends_connection = true;
    if (answer->has_head && http1_body_close(&answer->facts.body))
        return finish(answer, false, bytes_make("", 0), scratch);
    bool has_begun = answer->has_head || answer->scanned_bytes || answer->head_bytes;
    return has_begun ? broken(answer, FAILURE_TRUNCATED, "closed inside the answer")
                     : broken(answer, FAILURE_CLOSED, "closed without an answer");
}
