/* exchange.c - puts one exchange together, in memory that is used again. */
#include "capture/exchange.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/url.h"

enum {
    MAX_TEXT_BYTES = 2 * HTTP1_MAX_HEAD_BYTES + 4096, /* a head as stored grows by a space a line */
    KEPT_BYTES = 64 * 1024                            /* larger buffers are given back */
};

void exchange_pool_init(struct exchange_pool *pool, size_t max_body_bytes, size_t max_held_bytes)
{
    *pool =
        (struct exchange_pool){.max_body_bytes = max_body_bytes, .max_held_bytes = max_held_bytes};
}

static void part_fini(struct exchange_part *part)
{
    buf_fini(&part->text);
    buf_fini(&part->trailers);
    buf_fini(&part->body);
}

void exchange_pool_fini(struct exchange_pool *pool)
{
    while (pool->free) {
        struct exchange *exchange = pool->free;
        pool->free = exchange->next;
        part_fini(&exchange->request);
        part_fini(&exchange->response);
        free(exchange);
    }
}

static void buf_reuse(struct buf *buf)
{
    if (buf->capacity > KEPT_BYTES)
        buf_release(buf);
    buf_clear(buf);
}

static void part_reuse(struct exchange_part *part)
{
    buf_reuse(&part->text);
    buf_reuse(&part->trailers);
    buf_reuse(&part->body);
    *part = (struct exchange_part){.text = part->text,
                                   .trailers = part->trailers,
                                   .body = part->body,
                                   .first_us = TRACE_NO_MOMENT,
                                   .last_us = TRACE_NO_MOMENT};
}

static struct exchange *pool_take(struct exchange_pool *pool)
{
    struct exchange *exchange = pool->free;
    if (exchange) {
        pool->free = exchange->next;
        return exchange;
    }
    exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return NULL;
    struct exchange_part *parts[2] = {&exchange->request, &exchange->response};
    for (int i = 0; i < 2; i++) {
        buf_init(&parts[i]->text, MAX_TEXT_BYTES);
        buf_init(&parts[i]->trailers, HTTP1_MAX_HEAD_BYTES);
        buf_init(&parts[i]->body, pool->max_body_bytes);
    }
    return exchange;
}

struct exchange *exchange_new(struct exchange_pool *pool)
{
    struct exchange *exchange = pool_take(pool);
    if (!exchange)
        return NULL;
    struct exchange_part request = exchange->request, response = exchange->response;
    *exchange = (struct exchange){.request = request, .response = response};
    part_reuse(&exchange->request);
    part_reuse(&exchange->response);
    return exchange;
}

void exchange_free(struct exchange_pool *pool, struct exchange *exchange)
{
    exchange_part_drop_body(pool, &exchange->request);
    exchange_part_drop_body(pool, &exchange->response);
    part_reuse(&exchange->request);
    part_reuse(&exchange->response);
    exchange->next = pool->free;
    pool->free = exchange;
}

/* Append to room that was reserved. */
static struct bytes put(char **at, struct bytes in)
{
    struct bytes out = bytes_make(*at, in.len);
    if (in.len)
        memcpy(*at, in.ptr, in.len);
    *at += in.len;
    return out;
}

/* An obs-fold (RFC 9112 5.2) becomes one space. */
static void put_unfolded(char **at, struct bytes in)
{
    bool is_in_fold = false;
    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        if (c == '\r' || c == '\n') {
            is_in_fold = true;
        } else if (!is_in_fold) {
            *(*at)++ = c;
        } else if (c != ' ' && c != '\t') {
            *(*at)++ = ' ';
            *(*at)++ = c;
            is_in_fold = false;
        }
    }
}

static struct bytes put_headers(char **at, const struct http1_head *head)
{
    char *start = *at;
    for (size_t i = 0; i < head->header_count; i++) {
        put(at, head->headers[i].name);
        put(at, bytes_of(": "));
        if (head->has_folded_value)
            put_unfolded(at, head->headers[i].value);
        else
            put(at, head->headers[i].value);
        put(at, bytes_of("\n"));
    }
    return bytes_make(start, (size_t)(*at - start));
}

/* Room for everything a head is stored as, so that the views into it stay good. */
static char *reserve_text(struct exchange_part *part, const struct http1_head *head)
{
    size_t size = head->method.len + head->target.len + head->reason.len + head->header_block.len +
                  3 * head->header_count + 16;
    buf_clear(&part->text);
    return buf_reserve(&part->text, size);
}

static struct bytes authority_of(const struct http1_head *head)
{
    struct url url;
    if (bytes_equal(head->method, bytes_of("CONNECT")))
        return head->target;
    if (head->target.ptr[0] != '/' && !url_parse(head->target, &url))
        return url.authority;
    return http1_header(head, "host");
}

int exchange_set_request(struct exchange *exchange, const struct http1_head *head, int64_t first_us)
{
    struct exchange_part *part = &exchange->request;
    struct bytes authority = authority_of(head);
    char *at = reserve_text(part, head);
    char *start = at;
    if (!at)
        return -1;
    exchange->method = put(&at, head->method);
    exchange->target = put(&at, head->target);
    part->headers = put_headers(&at, head);
    buf_commit(&part->text, (size_t)(at - start));
    /* The authority is a part of the head: find the same bytes in the copy. */
    exchange->authority = (struct bytes){0};
    if (authority.len) {
        const char *found = memmem(start, part->text.len, authority.ptr, authority.len);
        if (found)
            exchange->authority = bytes_make(found, authority.len);
    }
    snprintf(exchange->http_version, sizeof exchange->http_version, "1.%d",
             head->minor_version % 10);
    exchange->flaws |= head->has_bad_line ? TRACE_FLAW_UNPARSABLE : 0;
    part->first_us = first_us;
    part->has_head = true;
    return 0;
}

int exchange_set_response(struct exchange *exchange, const struct http1_head *head,
                          int64_t first_us)
{
    struct exchange_part *part = &exchange->response;
    char *at = reserve_text(part, head);
    char *start = at;
    if (!at)
        return -1;
    exchange->reason = put(&at, head->reason);
    part->headers = put_headers(&at, head);
    buf_commit(&part->text, (size_t)(at - start));
    exchange->flaws |= head->has_bad_line ? TRACE_FLAW_UNPARSABLE : 0;
    exchange->status = head->status;
    if (!exchange->http_version[0])
        snprintf(exchange->http_version, sizeof exchange->http_version, "1.%d",
                 head->minor_version % 10);
    if (part->first_us == TRACE_NO_MOMENT)
        exchange->flaws |= head->has_bad_line ? TRACE_FLAW_UNPARSABLE : 0;
    part->first_us = first_us;
    part->has_head = true;
    return 0;
}

void exchange_add_interim(struct exchange *exchange, int status)
{
    size_t len = strlen(exchange->interim_statuses);
    snprintf(exchange->interim_statuses + len, sizeof exchange->interim_statuses - len, "%s%d",
             len ? "," : "", status % 1000);
}

/* What fits of a body that is collected, under the limit of one and of all. */
static void part_append(struct exchange_pool *pool, struct exchange_part *part, struct bytes piece)
{
    size_t room = pool->max_body_bytes - part->body.len;
    size_t room_of_all =
        pool->max_held_bytes > pool->held_bytes ? pool->max_held_bytes - pool->held_bytes : 0;
    size_t len = piece.len;
    if (len > room)
        len = room;
    if (len > room_of_all || part->cut_bytes) /* never a body with a hole */
        len = part->cut_bytes ? 0 : room_of_all;
    if (len && buf_append(&part->body, piece.ptr, len))
        len = 0;
    pool->held_bytes += len;
    part->cut_bytes += piece.len - len;
}

void exchange_part_keep(struct exchange_pool *pool, struct exchange_part *part)
{
    struct bytes whole = part->whole;
    part->whole = (struct bytes){0};
    if (whole.len)
        part_append(pool, part, whole);
}

void exchange_part_add_body(struct exchange_pool *pool, struct exchange_part *part,
                            struct bytes piece)
{
    bool is_first = part->body_bytes == 0;
    part->body_bytes += piece.len;
    if (is_first && piece.len <= pool->max_body_bytes) {
        part->whole = piece;
        return;
    }
    exchange_part_keep(pool, part);
    part_append(pool, part, piece);
}

void exchange_part_drop_body(struct exchange_pool *pool, struct exchange_part *part)
{
    part->whole = (struct bytes){0};
    pool->held_bytes -= part->body.len;
    buf_reuse(&part->body);
}

void exchange_part_add_trailer(struct exchange_part *part, struct bytes piece)
{
    buf_append_bytes(&part->trailers, piece);
}

struct bytes exchange_part_body(const struct exchange_part *part)
{
    return part->whole.len ? part->whole : buf_bytes(&part->body);
}

/* "Name: value\n" a line, as headers are; a line that is no header is left out. */
static void tidy_trailers(struct buf *trailers)
{
    struct bytes rest = buf_bytes(trailers), line;
    struct buf tidy = BUF_INIT(MAX_TEXT_BYTES);
    if (trailers->len == 0)
        return;
    while (bytes_split(&rest, '\n', &line)) {
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        size_t colon = bytes_index_of(line, ':');
        struct bytes name = bytes_trim(bytes_make(line.ptr, colon));
        if (colon == line.len || name.len == 0)
            continue;
        buf_append_bytes(&tidy, name);
        buf_append_text(&tidy, ": ");
        buf_append_bytes(&tidy, bytes_trim(bytes_from(line, colon + 1)));
        buf_append_char(&tidy, '\n');
    }
    buf_fini(trailers);
    tidy.max_len = trailers->max_len;
    *trailers = tidy;
}

void exchange_part_end(struct exchange_part *part, int64_t at_us)
{
    part->has_ended = true;
    part->last_us = at_us;
    tidy_trailers(&part->trailers);
}

void exchange_row(const struct exchange *exchange, struct trace_exchange *row)
{
    *row = (struct trace_exchange){
        .request_first_us = exchange->request.first_us,
        .request_last_us = exchange->request.last_us,
        .response_first_us = exchange->response.first_us,
        .response_last_us = exchange->response.last_us,
        .method = exchange->method,
        .scheme = bytes_of("http"),
        .authority = exchange->authority,
        .target = exchange->target,
        .http_version = bytes_of(exchange->http_version),
        .status = exchange->status,
        .reason = exchange->reason,
        .interim_statuses = bytes_of(exchange->interim_statuses),
        .request_headers = exchange->request.headers,
        .response_headers = exchange->response.headers,
        .request_trailers = buf_bytes(&exchange->request.trailers),
        .response_trailers = buf_bytes(&exchange->response.trailers),
        .request_body_id = exchange->request.body_id,
        .response_body_id = exchange->response.body_id,
        .request_body_bytes = exchange->request.body_bytes,
        .response_body_bytes = exchange->response.body_bytes,
        .flaws = exchange->flaws,
        .is_websocket = exchange->is_websocket,
    };
}
