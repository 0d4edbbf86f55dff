/* events.c - a stream of server-sent events, taken apart as its bytes come. */
#include "events.h"

void events_init(struct events *events)
{
    *events = (struct events){0};
}

void events_fini(struct events *events)
{
    free(events->line);
    free(events->data);
    *events = (struct events){0};
}

/* What does not fit any more is left out, and *is_cut says so. -1: no memory. */
static int append(char **text, size_t *len, size_t *size, struct span more, bool *is_cut)
{
    if (more.len > EVENTS_MAX_BYTES - *len) {
        more.len = EVENTS_MAX_BYTES - *len;
        *is_cut = true;
    }
    if (*len + more.len > *size) {
        size_t grown = *size ? *size : 256;
        while (grown < *len + more.len)
            grown *= 2;
        char *moved = realloc(*text, grown);
        if (!moved)
            return -1;
        *text = moved;
        *size = grown;
    }
    if (more.len)
        memcpy(*text + *len, more.ptr, more.len);
    *len += more.len;
    return 0;
}

static int dispatch(struct events *events, events_fn each, void *owner)
{
    int result = 0;
    if (events->has_data || events->has_name) {
        const struct event event = {.name = {events->name, events->name_len},
                                    .data = {events->data, events->data_len},
                                    .is_cut = events->is_cut};
        result = each(owner, &event);
    }
    events->has_data = events->has_name = events->is_cut = false;
    events->data_len = events->name_len = 0;
    return result;
}

static int take_field(struct events *events, struct span name, struct span value)
{
    if (span_is(name, "event")) {
        size_t len = value.len < EVENTS_MAX_NAME_BYTES ? value.len : EVENTS_MAX_NAME_BYTES;
        if (len)
            memcpy(events->name, value.ptr, len);
        events->name_len = len;
        events->has_name = len > 0;
    } else if (span_is(name, "data")) {
        bool *is_cut = &events->is_cut;
        if (events->has_data && append(&events->data, &events->data_len, &events->data_size,
                                       (struct span){"\n", 1}, is_cut))
            return -1;
        events->has_data = true;
        events->is_cut |= events->is_line_cut;
        return append(&events->data, &events->data_len, &events->data_size, value, is_cut);
    }
    return 0;
}

static int end_line(struct events *events, events_fn each, void *owner)
{
    struct span line = {events->line, events->line_len};
    if (!events->has_begun && line.len >= 3 && memcmp(line.ptr, "\xef\xbb\xbf", 3) == 0)
        line = (struct span){line.ptr + 3, line.len - 3};
    events->has_begun = true;
    int result = 0;
    if (line.len == 0) {
        result = dispatch(events, each, owner);
    } else {
        const char *colon = memchr(line.ptr, ':', line.len);
        struct span name = {line.ptr, colon ? (size_t)(colon - line.ptr) : line.len};
        struct span value = {line.ptr + name.len, line.len - name.len};
        if (colon)
            value = (struct span){value.ptr + 1, value.len - 1};
        if (value.len && value.ptr[0] == ' ')
            value = (struct span){value.ptr + 1, value.len - 1};
        result = take_field(events, name, value);
    }
    events->line_len = 0;
    events->is_line_cut = false;
    return result;
}

int events_feed(struct events *events, struct span bytes, events_fn each, void *owner)
{
    while (bytes.len) {
        bool is_second = events->after_cr && bytes.ptr[0] == '\n';
        events->after_cr = false;
        if (is_second) {
            bytes = (struct span){bytes.ptr + 1, bytes.len - 1};
            continue;
        }
        size_t len = 0;
        while (len < bytes.len && bytes.ptr[len] != '\n' && bytes.ptr[len] != '\r')
            len++;
        if (append(&events->line, &events->line_len, &events->line_size,
                   (struct span){bytes.ptr, len}, &events->is_line_cut))
            return -1;
        if (len == bytes.len)
            return 0;
        events->after_cr = bytes.ptr[len] == '\r';
        bytes = (struct span){bytes.ptr + len + 1, bytes.len - len - 1};
        int result = end_line(events, each, owner);
        if (result)
            return result;
    }
    return 0;
}
