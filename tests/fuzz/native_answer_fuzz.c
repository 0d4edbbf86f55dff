/*
 * native_answer_fuzz.c - an answer read in one go and in pieces is the same answer, and the short
 * way through a head finds what core/http1 finds.
 *
 * The first byte says what is kept, the second where it is cut (0: after every byte).
 */
#include <assert.h>
#include <stdlib.h>

#include "replay/transport/buffer_pool.h"
#include "replay/transport/native_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEEPS_BODY = 1, KEEPS_HEADERS = 2, TO_HEAD = 4, IS_SEEN = 8, MAX_BODY_BYTES = 512 };

struct outcome {
    enum answer_state state;
    struct native_answer answer;
    struct buf content, headers;
    struct buf seen; /* by the viewer, as it came */
};

static int heads_seen;

static void on_head(void *owner)
{
    struct outcome *outcome = owner;
    assert(outcome->answer.has_head && outcome->answer.head.len && heads_seen++ == 0);
}

static enum answer_state on_body(void *owner, struct bytes piece)
{
    struct outcome *outcome = owner;
    assert(heads_seen == 1 && outcome->answer.was_shown && piece.len);
    buf_append_bytes(&outcome->seen, piece);
    bool is_over = outcome->answer.keeps_body && native_answer_keep(&outcome->answer, piece);
    return is_over ? ANSWER_BROKEN : ANSWER_NEEDS_MORE;
}

static const struct answer_viewer viewer = {.on_head = on_head, .on_body = on_body};

static void keep_result(struct outcome *outcome, const struct answer_scratch *scratch)
{
    if (outcome->state != ANSWER_DONE)
        return;
    if (outcome->answer.was_shown && outcome->answer.keeps_body)
        assert(bytes_equal(buf_bytes(&outcome->seen), outcome->answer.content));
    buf_append_bytes(&outcome->content, outcome->answer.was_shown ? buf_bytes(&outcome->seen)
                                                                  : outcome->answer.content);
    if (outcome->answer.keeps_body || outcome->answer.gathers_body)
        assert(outcome->answer.content.ptr[outcome->answer.content.len] == '\0');
    for (size_t i = 0; i < outcome->answer.facts.header_count; i++) {
        buf_append_bytes(&outcome->headers, scratch->headers[i].name);
        buf_append_char(&outcome->headers, ':');
        buf_append_bytes(&outcome->headers, scratch->headers[i].value);
        buf_append_char(&outcome->headers, '\n');
    }
}

/* `first` bytes, then the rest; 0: one at a time. The block ends where the pool's does. */
static void feed(struct outcome *outcome, struct bytes in, size_t first, int flags,
                 struct answer_scratch *scratch)
{
    char *block = malloc(POOL_BLOCK_BYTES + 1);
    size_t len = 0, at = 0;
    assert(block);
    *outcome = (struct outcome){.state = ANSWER_NEEDS_MORE,
                                .content = BUF_INIT(1 << 20), /* what is only seen has no limit */
                                .headers = BUF_INIT(1 << 20),
                                .seen = BUF_INIT(1 << 20)};
    heads_seen = 0;
    native_answer_init(&outcome->answer, flags & TO_HEAD, flags & KEEPS_BODY, flags & KEEPS_HEADERS,
                       MAX_BODY_BYTES);
    if (flags & IS_SEEN)
        native_answer_view_by(&outcome->answer, &viewer, outcome, in.len % 2);
    while (at < in.len && outcome->state == ANSWER_NEEDS_MORE) {
        size_t piece = first == 0 ? 1 : at == 0 ? first : in.len - at;
        if (piece > in.len - at)
            piece = in.len - at;
        if (piece > POOL_BLOCK_BYTES - len)
            piece = POOL_BLOCK_BYTES - len;
        memcpy(block + len, in.ptr + at, piece);
        at += piece;
        len += piece;
        size_t left;
        outcome->state = native_answer_take(&outcome->answer, block, len, len == POOL_BLOCK_BYTES,
                                            scratch, &left);
        assert(left <= len);
        len = left;
        keep_result(outcome, scratch);
    }
    if (outcome->state == ANSWER_NEEDS_MORE) {
        outcome->state = native_answer_close(&outcome->answer, scratch);
        keep_result(outcome, scratch);
    }
    native_answer_fini(&outcome->answer);
    free(block);
}

static void compare_heads(struct bytes in, int flags, struct answer_scratch *scratch)
{
    static struct http_header headers[HTTP1_MAX_HEADERS];
    struct answer_head fast = {0}, core = {0};
    bool keeps = flags & KEEPS_HEADERS, is_to_head = flags & TO_HEAD;
    ssize_t fast_used = answer_head_parse(in, keeps, is_to_head, &fast, scratch);
    memcpy(headers, scratch->headers, sizeof headers);
    ssize_t core_used = answer_head_parse_core(in, keeps, is_to_head, &core, scratch);
    /* What is wrong in a head may be seen only once it is whole. */
    if (fast_used == HTTP1_NEED_MORE && core_used == HTTP1_BAD)
        return;
    assert(fast_used == core_used);
    if (fast_used < 0)
        return;
    assert(fast.status == core.status);
    assert(fast.is_persistent == core.is_persistent);
    assert(fast.has_coding == core.has_coding);
    assert(fast.body.framing == core.body.framing);
    assert(fast.body.left_bytes == core.body.left_bytes);
    assert(fast.body.is_done == core.body.is_done);
    assert(fast.header_count == core.header_count);
    for (size_t i = 0; i < fast.header_count; i++) {
        assert(bytes_equal(headers[i].name, scratch->headers[i].name));
        assert(bytes_equal(headers[i].value, scratch->headers[i].value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct answer_scratch scratch;
    struct outcome whole, cut;
    if (size < 3)
        return 0;
    char *copy = malloc(size - 2); /* nothing readable behind it */
    assert(copy);
    memcpy(copy, data + 2, size - 2);
    struct bytes in = bytes_make(copy, size - 2);
    int flags = data[0] & 15;
    compare_heads(in, flags, &scratch);
    feed(&whole, in, in.len, flags, &scratch);
    feed(&cut, in, in.len * data[1] / 256, flags, &scratch);
    bool is_early = whole.state == ANSWER_BROKEN && !whole.answer.has_head;
    if (!is_early && !(cut.state == ANSWER_BROKEN && !cut.answer.has_head)) {
        assert(whole.state == cut.state);
        assert(whole.answer.failure == cut.answer.failure);
        assert(whole.answer.facts.status == cut.answer.facts.status);
        assert(whole.answer.body_bytes == cut.answer.body_bytes || whole.state == ANSWER_BROKEN);
        assert(bytes_equal(buf_bytes(&whole.content), buf_bytes(&cut.content)));
        assert(bytes_equal(buf_bytes(&whole.headers), buf_bytes(&cut.headers)));
    } else {
        assert(whole.state == ANSWER_BROKEN && cut.state == ANSWER_BROKEN);
    }
    assert(!buf_failed(&whole.content) && !buf_failed(&cut.content));
    buf_fini(&whole.content);
    buf_fini(&whole.seen);
    buf_fini(&cut.seen);
    buf_fini(&whole.headers);
    buf_fini(&cut.content);
    buf_fini(&cut.headers);
    free(copy);
    return 0;
}
