/*
 * plan_request.c - a recorded request as the target is to get it: its URL, its headers, its cut.
 *
 * The head is written once, in the order of the recorded one; the headers of the step are views of
 * it. A line that HTTP/1.1 cannot carry is left out of the head and kept for whoever looks at it.
 */
#include <assert.h>
#include <stdio.h>

#include "core/http_message.h"
#include "core/url.h"
#include "replay/plan/plan_steps.h"

/* The recorded path and query on the target's origin. */
static struct bytes make_url(struct plan_builder *builder, struct bytes recorded)
{
    struct url url;
    if (recorded.ptr[0] != '/' && url_parse(recorded, &url) == 0)
        recorded = url.target; /* absolute-form: as sent to a proxy */
    struct bytes target = builder->options.target;
    recorded.len = bytes_index_of(recorded, '#');
    char *text = arena_alloc(builder->arena, target.len + recorded.len + 1);
    if (!text)
        return (struct bytes){0};
    memcpy(text, target.ptr, target.len);
    memcpy(text + target.len, recorded.ptr, recorded.len);
    text[target.len + recorded.len] = '\0';
    return bytes_make(text, target.len + recorded.len);
}

/* Named by the Connection header: belongs to that connection (RFC 9110 7.6.1). */
static bool is_connection_option(struct bytes connection, struct bytes name)
{
    struct bytes part;
    while (bytes_split(&connection, ',', &part)) {
        if (bytes_equal_nocase(bytes_trim(part), name))
            return true;
    }
    return false;
}

static bool is_made_anew(struct bytes name, bool is_websocket)
{
#define NAME(text)                                                                                 \
    {                                                                                              \
        text, sizeof text - 1                                                                      \
    }
    static const struct bytes names[] = {NAME("host"), NAME("content-length"), NAME("cookie")};
    static const struct bytes websocket_names[] = {
        NAME("sec-websocket-key"), NAME("sec-websocket-version"), NAME("sec-websocket-extensions")};
#undef NAME
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (bytes_equal_nocase(name, names[i]))
            return true;
    }
    for (size_t i = 0; is_websocket && i < sizeof websocket_names / sizeof websocket_names[0];
         i++) {
        if (bytes_equal_nocase(name, websocket_names[i]))
            return true;
    }
    return http_header_is_hop_by_hop(name);
}

struct header_line {
    struct bytes name, value;
};

static bool next_header(struct bytes *block, struct header_line *ret_line)
{
    struct bytes line;
    while (bytes_split(block, '\n', &line)) {
        size_t colon = bytes_index_of(line, ':');
        if (colon == 0 || colon == line.len)
            continue;
        ret_line->name = bytes_make(line.ptr, colon);
        ret_line->value = bytes_trim(bytes_from(line, colon + 1));
        return true;
    }
    return false;
}

/* Behind the recorded origin, "http://shop.example" with any scheme; .ptr NULL when it is
 * another's. */
static struct bytes behind_origin(struct bytes value, struct bytes authority)
{
    struct bytes rest = bytes_from(value, bytes_index_of(value, ':'));
    if (!authority.len || !bytes_starts_with(rest, bytes_of("://")))
        return (struct bytes){0};
    rest = bytes_from(rest, 3);
    if (!bytes_starts_with_nocase(rest, authority))
        return (struct bytes){0};
    rest = bytes_from(rest, authority.len);
    return rest.len == 0 || rest.ptr[0] == '/' || rest.ptr[0] == '?' ? rest : (struct bytes){0};
}

/* A head while it is written: positions in it, -1 for what it does not hold yet. */
struct head_draft {
    struct buf *out; /* does not move: there is room for all of it */
    struct request_cut cut;
    bool has_host, has_length, has_cookie;
    bool is_clean; /* no header of it holds a CR or a NUL; none a line end anyway */
};

/* There is room: make_head() has seen to it. */
static struct bytes put(struct head_draft *head, struct bytes text)
{
    struct buf *out = head->out;
    assert(text.len <= out->capacity - out->len);
    char *at = out->data + out->len;
    if (text.len)
        memcpy(at, text.ptr, text.len);
    out->len += text.len;
    return bytes_make(at, text.len);
}

#define PUT(head, text) put(head, bytes_make(text, sizeof text - 1))

static void write_host(struct head_draft *head, const struct plan_builder *builder)
{
    if (head->has_host || !builder->host.len)
        return;
    head->has_host = true;
    PUT(head, "Host: ");
    put(head, builder->host);
    PUT(head, "\r\n");
}

/* A length for a body; none where neither the method nor a body asks for one (RFC 9110 8.6). */
static bool wants_length(const struct plan_step *step)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (bytes_equal(step->method, bytes_of(methods[i])))
            return true;
    }
    return step->body.len > 0;
}

static void write_length(struct head_draft *head, const struct plan_step *step)
{
    if (head->has_length || !wants_length(step))
        return;
    head->has_length = true;
    char number[24];
    int len = snprintf(number, sizeof number, "%zu", step->body.len);
    PUT(head, "Content-Length: ");
    head->cut.length_at = (uint32_t)head->out->len;
    put(head, bytes_make(number, (size_t)len));
    head->cut.length_len = (uint32_t)head->out->len - head->cut.length_at;
    PUT(head, "\r\n");
}

static void write_request_line(struct head_draft *head, const struct plan_step *step,
                               struct bytes target)
{
    put(head, step->method);
    put(head, bytes_make(" /", target.ptr[0] == '?' ? 2 : 1));
    head->cut.target_at = (uint32_t)head->out->len;
    put(head, target);
    PUT(head, " HTTP/1.1\r\n");
}

/* What stands where the recorded client's own line of that name did. */
static void write_made_anew(struct head_draft *head, const struct plan_builder *builder,
                            const struct plan_step *step, struct bytes name)
{
    if (bytes_equal_nocase(name, bytes_of("host"))) {
        write_host(head, builder);
    } else if (bytes_equal_nocase(name, bytes_of("content-length"))) {
        write_length(head, step);
    } else if (bytes_equal_nocase(name, bytes_of("cookie")) && !head->has_cookie) {
        head->has_cookie = true;
        head->cut.cookie_at = (uint32_t)head->out->len;
    }
}

/* Origin and Referer of the recorded site name the target now, or its own checks would refuse them:
 * what of the value follows the target's origin then; .ptr NULL when it stays as it is. */
static struct bytes behind_recorded_origin(const struct header_line *line, struct bytes authority)
{
    if (bytes_equal_nocase(line->name, bytes_of("origin")) ||
        bytes_equal_nocase(line->name, bytes_of("referer")))
        return behind_origin(line->value, authority);
    return (struct bytes){0};
}

/* A header that is replayed, as views of the head. One that cannot be a line is left out of it:
 * its views stay those of the trace. */
static struct http_header write_header(struct head_draft *head, const struct plan_builder *builder,
                                       const struct header_line *line, struct bytes authority)
{
    struct http_header header = {.name = line->name, .value = line->value};
    if (!head->is_clean &&
        (!http_text_is_one_line(line->name) || !http_text_is_one_line(line->value)))
        return header;
    struct bytes rest = behind_recorded_origin(line, authority);
    header.name = put(head, line->name);
    PUT(head, ": ");
    header.value = put(head, rest.ptr ? builder->options.target : line->value);
    header.value.len += put(head, rest).len;
    PUT(head, "\r\n");
    return header;
}

static void write_headers(struct head_draft *head, const struct plan_builder *builder,
                          const struct trace_exchange *exchange, struct bytes connection,
                          struct plan_step *step)
{
    struct bytes rest = exchange->request_headers;
    struct header_line line;
    while (next_header(&rest, &line)) {
        if (is_made_anew(line.name, step->kind == STEP_WS_CONNECT) ||
            is_connection_option(connection, line.name)) {
            write_made_anew(head, builder, step, line.name);
            continue;
        }
        if (step->header_count < HTTP_MAX_HEADERS)
            step->headers[step->header_count++] =
                write_header(head, builder, &line, exchange->authority);
    }
    write_length(head, step);
    if (!head->has_cookie)
        head->cut.cookie_at = (uint32_t)head->out->len;
    PUT(head, "\r\n");
    head->cut.head.len = head->out->len;
}

/* Behind the head: what it could not hold. */
static void write_left_out(struct head_draft *head, struct plan_step *step)
{
    const char *begin = head->out->data, *end = begin + head->out->capacity;
    for (size_t i = 0; i < step->header_count; i++) {
        struct http_header *header = &step->headers[i];
        if (header->name.ptr >= begin && header->name.ptr < end)
            continue;
        header->name = put(head, header->name);
        header->value = put(head, header->value);
    }
}

/* From the builder's buffer to the session's memory, views and all. */
static int keep_head(struct head_draft *head, struct arena *arena, struct plan_step *step)
{
    struct bytes kept = arena_copy(arena, buf_bytes(head->out));
    if (!kept.ptr)
        return -1;
    for (size_t i = 0; i < step->header_count; i++) {
        struct http_header *header = &step->headers[i];
        header->name.ptr = kept.ptr + (header->name.ptr - head->out->data);
        header->value.ptr = kept.ptr + (header->value.ptr - head->out->data);
    }
    head->cut.head.ptr = kept.ptr;
    return 0;
}

/* Could HTTP/1.1 write it? As strict as url_parse() is with what it does not send. The target is
 * what of its URL is behind the origin: url_parse() would find it there too. */
static bool is_writable(const struct plan_builder *builder, const struct plan_step *step,
                        struct bytes *ret_target)
{
    struct bytes target = bytes_from(step->url, builder->options.target.len);
    if (!builder->host.len)
        return false;
    if (!url_text_is_whole(target))
        return false;
    *ret_target = target;
    return step->kind == STEP_REQUEST && http1_is_token(step->method);
}

static int make_head(struct plan_builder *builder, const struct trace_exchange *exchange,
                     struct plan_step *step)
{
    struct bytes connection = {0}, rest = exchange->request_headers;
    struct head_draft head = {
        .out = &builder->head,
        .is_clean =
            !rest.len || (!memchr(rest.ptr, '\r', rest.len) && !memchr(rest.ptr, 0, rest.len)),
    };
    struct header_line line;
    struct bytes target = bytes_of("/");
    bool has_host = false, is_cut = is_writable(builder, step, &target);
    size_t count = 0;
    for (; next_header(&rest, &line); count++) {
        if (bytes_equal_nocase(line.name, bytes_of("connection")))
            connection = line.value;
        if (bytes_equal_nocase(line.name, bytes_of("cookie")))
            step->recorded_cookies = arena_copy(builder->arena, line.value);
        has_host = has_host || bytes_equal_nocase(line.name, bytes_of("host"));
    }
    step->headers = arena_alloc(builder->arena, (count + 1) * sizeof *step->headers);
    buf_clear(head.out);
    size_t most = 2 * exchange->request_headers.len + step->method.len + target.len + 256 +
                  (count + 1) * (builder->options.target.len + 16);
    if (!step->headers || !buf_reserve(head.out, most))
        return -1;
    write_request_line(&head, step, target);
    if (!has_host)
        write_host(&head, builder);
    write_headers(&head, builder, exchange, connection, step);
    write_left_out(&head, step);
    if (buf_failed(head.out) || keep_head(&head, builder->arena, step))
        return -1;
    head.cut.body = step->body;
    builder->cut = head.cut;
    if (!is_cut)
        return 0;
    struct request_cut *cut = arena_alloc(builder->arena, sizeof *cut);
    if (!cut)
        return -1;
    *cut = head.cut;
    step->cut = cut;
    return 0;
}

int plan_make_request(struct plan_builder *builder, const struct trace_exchange *exchange,
                      struct plan_step *step)
{
    step->method = arena_copy(builder->arena, exchange->method);
    step->url = make_url(builder, exchange->target);
    return step->method.ptr && step->url.ptr ? make_head(builder, exchange, step) : -1;
}
