/* multipart.c - takes a multipart/form-data body apart. */
#include "traces/places/multipart.h"

#include "traces/places/header_params.h"

/* The line that begins with "--BOUNDARY" in `text`, which begins a line. */
struct delimiter {
    const char *at;      /* where the line before it ends: its line end is the delimiter's */
    struct bytes behind; /* .ptr NULL behind the last */
};

/* Behind a line end at the start of `text`; .ptr NULL: there is none. */
static struct bytes skip_line_end(struct bytes text)
{
    if (text.len && text.ptr[0] == '\n')
        return bytes_from(text, 1);
    return bytes_starts_with(text, bytes_of("\r\n")) ? bytes_from(text, 2) : (struct bytes){0};
}

/* What follows the boundary: "--", or spaces and the line's end. */
static bool ends_line(struct bytes text, struct bytes *ret_behind)
{
    *ret_behind = (struct bytes){0};
    if (bytes_starts_with(text, bytes_of("--")))
        return true;
    while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = bytes_from(text, 1);
    *ret_behind = skip_line_end(text);
    return ret_behind->ptr != NULL;
}

static bool find_delimiter(struct bytes text, struct bytes boundary, struct delimiter *ret)
{
    char wanted[2 + MULTIPART_MAX_BOUNDARY_BYTES] = "--";
    struct bytes rest = text;
    memcpy(wanted + 2, boundary.ptr, boundary.len);
    while (rest.len) {
        const char *found = memmem(rest.ptr, rest.len, wanted, boundary.len + 2);
        if (!found)
            return false;
        rest = bytes_from(text, (size_t)(found - text.ptr) + boundary.len + 2);
        bool is_at_line = found == text.ptr || found[-1] == '\n';
        if (!is_at_line || !ends_line(rest, &ret->behind))
            continue;
        ret->at = found;
        if (ret->at > text.ptr)
            ret->at--;
        if (ret->at > text.ptr && ret->at[-1] == '\r' && ret->at[0] == '\n')
            ret->at--;
        return true;
    }
    return false;
}

static bool find_boundary(struct bytes content_type, struct bytes body, struct bytes *ret_boundary)
{
    struct header_param param;
    if (header_param_find(content_type, false, bytes_of("boundary"), 1, &param)) {
        *ret_boundary = param.value;
    } else {
        struct bytes line = bytes_make(body.ptr, bytes_index_of(body, '\n'));
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (!bytes_starts_with(line, bytes_of("--")))
            return false;
        *ret_boundary = bytes_trim(bytes_from(line, 2));
    }
    return ret_boundary->len && ret_boundary->len <= MULTIPART_MAX_BOUNDARY_BYTES;
}

bool multipart_start(struct multipart *multipart, struct bytes content_type, struct bytes body)
{
    struct delimiter first;
    if (!find_boundary(content_type, body, &multipart->boundary) ||
        !find_delimiter(body, multipart->boundary, &first))
        return false;
    multipart->rest = first.behind;
    return true;
}

static void see_header(struct multipart_part *part, struct bytes line)
{
    struct header_param param;
    size_t colon = bytes_index_of(line, ':');
    struct bytes value = bytes_from(line, colon + 1);
    if (!bytes_equal_nocase(bytes_trim(bytes_make(line.ptr, colon)),
                            bytes_of("content-disposition")))
        return;
    if (header_param_find(value, true, bytes_of("name"), 1, &param))
        part->name = param.value;
    if (header_param_find(value, true, bytes_of("filename"), 1, &param))
        part->filename = param.value;
}

bool multipart_next(struct multipart *multipart, struct multipart_part *ret_part)
{
    struct delimiter end;
    struct bytes rest = multipart->rest;
    *ret_part = (struct multipart_part){0};
    if (!rest.ptr)
        return false;
    bool is_closed = find_delimiter(rest, multipart->boundary, &end);
    struct bytes part = is_closed ? bytes_make(rest.ptr, (size_t)(end.at - rest.ptr)) : rest;
    multipart->rest = is_closed ? end.behind : (struct bytes){0};
    for (;;) {
        size_t line_end = bytes_index_of(part, '\n');
        struct bytes line = bytes_make(part.ptr, line_end);
        part = bytes_from(part, line_end + 1);
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (!line.len)
            break;
        see_header(ret_part, line);
    }
    ret_part->content = part;
    return true;
}
