/* event_stream_test.c - events of a stream as the standard reads them. */
#include "traces/places/event_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/core/guard.h"

/* "type(id)=data;" of each. */
static const char *events_of(const char *stream)
{
    static struct guard guard;
    static char text[512], space[64];
    struct stream_event event;
    size_t len = 0;
    if (!guard.pages)
        guard_init(&guard, 4096);
    struct bytes rest = event_stream_start(guard_place(&guard, bytes_of(stream)));
    text[0] = '\0';
    while (stream_event_next(&rest, &event)) {
        struct bytes data = stream_event_data(&event, (struct room){space, sizeof space});
        len += (size_t)snprintf(text + len, sizeof text - len, "%.*s(%.*s)=%.*s;",
                                BYTES_ARG(event.type), BYTES_ARG(event.id), BYTES_ARG(data));
    }
    return text;
}

static void events_are_read_as_the_standard_says(void **state)
{
    (void)state;
    static const struct {
        const char *stream, *events;
    } rows[] = {
        {"data: a\n\n", "message()=a;"},
        {"data: YHOO\ndata: +2\ndata: 10\n\n", "message()=YHOO\n+2\n10;"},
        {": test\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n",
         "message(1)=first;message()=second;message()= third;"},
        {"data\n\ndata\ndata\n\ndata:", "message()=;message()=\n;"},
        {"event: a\ndata: 1\r\n\r\nevent: b\rdata: 2\r\r", "a()=1;b()=2;"},
        {"event: a\n\ndata: 1\n\n", "message()=1;"}, /* without data it is none, and forgotten */
        {"event: a\nevent: b\ndata: 1\n\n", "b()=1;"},
        {"event:\ndata: 1\n\n", "message()=1;"},
        {"data: cut\n", ""},
        {"data: cut", ""},
        {"\xef\xbb\xbf"
         "data: a\n\n",
         "message()=a;"},
        {"retry: 5\nDATA: x\n data: y\ndata : z\n\n", ""},
        {"\r\n\r\n\n\r", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *events = events_of(rows[i].stream);
        if (strcmp(events, rows[i].events) != 0)
            fail_msg("%s: %s", rows[i].stream, events);
    }
}

static void lines_that_do_not_fit_together_are_nothing(void **state)
{
    (void)state;
    char space[5];
    struct stream_event event;
    struct bytes rest = bytes_of("data: ab\ndata: cd\n\n");
    assert_true(stream_event_next(&rest, &event));
    assert_int_equal(event.data_lines, 2);
    assert_null(stream_event_data(&event, (struct room){space, 4}).ptr);
    assert_int_equal(stream_event_data(&event, (struct room){space, 5}).len, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_read_as_the_standard_says),
        cmocka_unit_test(lines_that_do_not_fit_together_are_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
