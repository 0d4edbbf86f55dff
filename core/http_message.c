/* http_message.c - requests that can be changed without touching what they came from. */
#include "core/http_message.h"

struct bytes http_headers_find(const struct http_header *headers, size_t count, struct bytes name)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal_nocase(headers[i].name, name))
            return headers[i].value;
    }
    return (struct bytes){0};
}

/* Nothing that could end a line: a value must not become a second header (RFC 9110 5.5). */
static bool is_clean(struct bytes in, bool allows_space)
{
    unsigned char lowest = allows_space ? ' ' : ' ' + 1;
    for (size_t i = 0; i < in.len; i++) {
        unsigned char c = (unsigned char)in.ptr[i];
        if ((c < lowest || c == 0x7f) && !(allows_space && c == '\t'))
            return false;
    }
    return true;
}

static int set_copy(struct http_request *request, struct bytes *field, struct bytes value,
                    enum http_change change)
{
    struct bytes copy = arena_copy(request->arena, value);
    if (!copy.ptr)
        return -1;
    *field = copy;
    request->changes |= change;
    return 0;
}

int http_request_set_method(struct http_request *request, struct bytes method)
{
    if (method.len == 0 || method.len > 32 || !is_clean(method, false))
        return -1;
    return set_copy(request, &request->method, method, HTTP_CHANGED_METHOD);
}

int http_request_set_url(struct http_request *request, struct bytes url)
{
    if (url.len == 0 || url.len > HTTP_MAX_URL_BYTES || !is_clean(url, false))
        return -1;
    return set_copy(request, &request->url, url, HTTP_CHANGED_URL);
}

static void release(struct http_body_source *source)
{
    if (source && source->release)
        source->release(source);
}

int http_request_set_body(struct http_request *request, struct bytes body)
{
    if (set_copy(request, &request->body, body, HTTP_CHANGED_BODY))
        return -1;
    request->body_pieces = NULL;
    request->body_piece_count = 0;
    release(http_request_take_source(request));
    return 0;
}

int http_request_set_source(struct http_request *request, struct http_body_source *source)
{
    if (source->body_bytes > INT64_MAX || !source->read) {
        release(source);
        return -1;
    }
    release(http_request_take_source(request));
    request->source = source;
    request->changes |= HTTP_CHANGED_SOURCE;
    return 0;
}

struct http_body_source *http_request_take_source(struct http_request *request)
{
    struct http_body_source *source = request->source;
    request->source = NULL;
    return source;
}

void http_request_fini(struct http_request *request)
{
    release(http_request_take_source(request));
}

static uint64_t pieces_len(const struct http_request *request)
{
    uint64_t len = 0;
    for (size_t i = 0; i < request->body_piece_count; i++)
        len += request->body_pieces[i].len;
    return len;
}

uint64_t http_request_body_bytes(const struct http_request *request)
{
    if (request->source)
        return request->source->body_bytes;
    return request->body_pieces ? pieces_len(request) : request->body.len;
}

ssize_t http_request_read_body(const struct http_request *request, uint64_t offset, void *into,
                               size_t max)
{
    if (request->source)
        return request->source->read(request->source, offset, into, max);
    const struct bytes *pieces = request->body_pieces ? request->body_pieces : &request->body;
    size_t count = request->body_pieces ? request->body_piece_count : 1, len = 0;
    for (size_t i = 0; i < count && len < max; i++) {
        if (offset >= pieces[i].len) {
            offset -= pieces[i].len;
            continue;
        }
        struct bytes left = bytes_from(pieces[i], (size_t)offset);
        size_t part = left.len < max - len ? left.len : max - len;
        memcpy((char *)into + len, left.ptr, part);
        len += part;
        offset = 0;
    }
    return (ssize_t)len;
}

int http_request_join_body(struct http_request *request)
{
    if (!request->body_pieces)
        return 0;
    size_t len = (size_t)pieces_len(request), at = 0;
    char *whole = arena_alloc(request->arena, len + 1);
    if (!whole)
        return -1;
    for (size_t i = 0; i < request->body_piece_count; i++) {
        memcpy(whole + at, request->body_pieces[i].ptr, request->body_pieces[i].len);
        at += request->body_pieces[i].len;
    }
    whole[len] = '\0';
    request->body = bytes_make(whole, len);
    request->body_pieces = NULL;
    request->body_piece_count = 0;
    return 0;
}

static int copy_headers(struct http_request *copy, const struct http_request *like)
{
    struct arena *arena = copy->arena;
    if (like->header_count > HTTP_MAX_HEADERS)
        return -1;
    struct http_header *headers = arena_alloc(arena, (like->header_count + 1) * sizeof *headers);
    if (!headers)
        return -1;
    for (size_t i = 0; i < like->header_count; i++) {
        headers[i].name = arena_copy(arena, like->headers[i].name);
        headers[i].value = arena_copy(arena, like->headers[i].value);
        if (!headers[i].name.ptr || !headers[i].value.ptr)
            return -1;
    }
    copy->headers = copy->own_headers = headers;
    copy->header_count = copy->own_capacity = like->header_count;
    return 0;
}

int http_request_set_headers(struct http_request *request, const struct http_request *like)
{
    if (copy_headers(request, like))
        return -1;
    request->changes |= HTTP_CHANGED_HEADERS;
    request->edit_count = HTTP_MAX_EDITS + 1;
    return 0;
}

int http_request_copy(struct http_request *copy, const struct http_request *like)
{
    if (copy_headers(copy, like))
        return -1;
    if (http_request_set_method(copy, like->method) || http_request_set_url(copy, like->url))
        return -1;
    if (!like->body_pieces)
        return like->body.ptr ? http_request_set_body(copy, like->body) : 0;
    copy->body_pieces = like->body_pieces;
    copy->body_piece_count = like->body_piece_count;
    copy->changes |= HTTP_CHANGED_BODY;
    return http_request_join_body(copy);
}

/* Room for a few more than there are: most requests get one or two. */
enum { SPARE_HEADERS = 8 };

/* The headers as an array of our own, with room for one more. */
static int own_headers(struct http_request *request)
{
    if (request->own_headers && request->header_count < request->own_capacity)
        return 0;
    if (request->header_count > HTTP_MAX_HEADERS)
        return -1;
    size_t capacity = request->header_count + SPARE_HEADERS;
    struct http_header *own = arena_alloc(request->arena, capacity * sizeof *own);
    if (!own)
        return -1;
    if (request->header_count)
        memcpy(own, request->headers, request->header_count * sizeof *own);
    request->headers = request->own_headers = own;
    request->own_capacity = capacity;
    return 0;
}

/* Whether there were any. */
static bool remove_from(struct http_request *request, struct bytes name, size_t start)
{
    size_t kept = start, before = request->header_count;
    for (size_t i = start; i < request->header_count; i++) {
        if (!bytes_equal_nocase(request->own_headers[i].name, name))
            request->own_headers[kept++] = request->own_headers[i];
    }
    request->header_count = kept;
    return kept < before;
}

/* The name it had when it was first set is kept: where that lies says which line it was. */
static void note_edit(struct http_request *request, struct bytes name, struct bytes value,
                      bool was_repeated)
{
    uint32_t at = 0;
    while (at < request->edit_count && at < HTTP_MAX_EDITS &&
           !bytes_equal_nocase(request->edits[at].name, name))
        at++;
    request->edits_repeated |= was_repeated;
    if (at < request->edit_count && at < HTTP_MAX_EDITS)
        request->edits[at].value = value;
    else if (at < HTTP_MAX_EDITS)
        request->edits[at] = (struct http_header){.name = name, .value = value};
    if (at >= request->edit_count)
        request->edit_count = at + 1;
}

int http_request_set_header(struct http_request *request, struct bytes name, struct bytes value)
{
    if (!http1_is_token(name) || !is_clean(value, true) || own_headers(request))
        return -1;
    request->changes |= HTTP_CHANGED_HEADERS;
    size_t at = 0;
    while (at < request->header_count && !bytes_equal_nocase(request->own_headers[at].name, name))
        at++;
    struct bytes own_name = at < request->header_count ? request->own_headers[at].name
                                                       : arena_copy(request->arena, name);
    if (!own_name.ptr)
        return -1;
    if (!value.ptr) {
        size_t before = request->header_count;
        remove_from(request, name, at);
        note_edit(request, own_name, value, before > request->header_count + 1);
        return 0;
    }
    struct bytes copy = arena_copy(request->arena, value);
    if (!copy.ptr || (at == request->header_count && at == HTTP_MAX_HEADERS))
        return -1;
    if (at < request->header_count) {
        request->own_headers[at].value = copy;
        note_edit(request, own_name, copy, remove_from(request, name, at + 1));
        return 0;
    }
    note_edit(request, own_name, copy, false);
    request->own_headers[request->header_count++] =
        (struct http_header){.name = own_name, .value = copy};
    return 0;
}

bool http_text_is_one_line(struct bytes text)
{
    return text.len == 0 ||
           (!memchr(text.ptr, '\r', text.len) && !memchr(text.ptr, '\n', text.len) &&
            !memchr(text.ptr, '\0', text.len));
}

bool http_header_is_hop_by_hop(struct bytes name)
{
    /* With their lengths: for each header of each request that is planned. */
#define NAME(text)                                                                                 \
    {                                                                                              \
        text, sizeof text - 1                                                                      \
    }
    static const struct bytes names[] = {NAME("connection"),
                                         NAME("keep-alive"),
                                         NAME("proxy-connection"),
                                         NAME("proxy-authorization"),
                                         NAME("proxy-authenticate"),
                                         NAME("te"),
                                         NAME("trailer"),
                                         NAME("transfer-encoding"),
                                         NAME("upgrade")};
#undef NAME
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (bytes_equal_nocase(name, names[i]))
            return true;
    }
    return false;
}
