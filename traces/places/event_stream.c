/* event_stream.c - takes a stream of server-sent events apart. */
#include "traces/places/event_stream.h"

struct bytes event_stream_start(struct bytes stream)
{
    return bytes_starts_with(stream, bytes_of("\xef\xbb\xbf")) ? bytes_from(stream, 3) : stream;
}

/* A line with its end. False: no end has come. */
static bool take_line(struct bytes *rest, struct bytes *ret_line)
{
    size_t end = 0;
    while (end < rest->len && rest->ptr[end] != '\r' && rest->ptr[end] != '\n')
        end++;
    if (end == rest->len)
        return false;
    *ret_line = bytes_make(rest->ptr, end);
    bool is_both = rest->ptr[end] == '\r' && end + 1 < rest->len && rest->ptr[end + 1] == '\n';
    *rest = bytes_from(*rest, end + (is_both ? 2 : 1));
    return true;
}

/* "name: value"; a comment has an empty name. */
static struct bytes split_field(struct bytes line, struct bytes *ret_value)
{
    size_t colon = bytes_index_of(line, ':');
    *ret_value = bytes_from(line, colon + 1);
    if (ret_value->len && ret_value->ptr[0] == ' ')
        *ret_value = bytes_from(*ret_value, 1);
    return bytes_make(line.ptr, colon);
}

static void see_field(struct stream_event *event, struct bytes line)
{
    struct bytes value, name = split_field(line, &value);
    if (bytes_equal(name, bytes_of("data"))) {
        if (event->data_lines++ == 0)
            event->first_data = value;
    } else if (bytes_equal(name, bytes_of("event"))) {
        event->type = value;
    } else if (bytes_equal(name, bytes_of("id"))) {
        event->id = value;
    }
}

bool stream_event_next(struct bytes *rest, struct stream_event *ret_event)
{
    struct stream_event event = {0};
    struct bytes line, start = *rest;
    while (take_line(rest, &line)) {
        if (line.len) {
            see_field(&event, line);
            continue;
        }
        if (event.data_lines) {
            event.lines = bytes_make(start.ptr, start.len - rest->len);
            if (!event.type.len)
                event.type = bytes_of("message");
            *ret_event = event;
            return true;
        }
        event = (struct stream_event){0};
        start = *rest;
    }
    return false;
}

struct bytes stream_event_data(const struct stream_event *event, struct room room)
{
    struct bytes rest = event->lines, line, value;
    size_t len = 0;
    if (event->data_lines == 1)
        return event->first_data;
    for (uint32_t number = 0; take_line(&rest, &line);) {
        if (!bytes_equal(split_field(line, &value), bytes_of("data")))
            continue;
        if (value.len + (number > 0) > room.len - len)
            return (struct bytes){0};
        if (number++)
            room.ptr[len++] = '\n';
        if (value.len)
            memcpy(room.ptr + len, value.ptr, value.len);
        len += value.len;
    }
    return bytes_make(room.ptr, len);
}
