/* multipart_test.c - parts of multipart bodies, byte by byte. */
#include "traces/places/multipart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/random.h"
#include "tests/core/guard.h"

/* "name<filename>content;" of each; "-" for what is not there, "none" for no multipart. */
static const char *parts_of(const char *type, const char *body)
{
    static struct guard guard;
    static char text[512];
    struct multipart multipart;
    struct multipart_part part;
    size_t len = 0;
    if (!guard.pages)
        guard_init(&guard, 4096);
    text[0] = '\0';
    if (!multipart_start(&multipart, bytes_of(type), guard_place(&guard, bytes_of(body))))
        return "none";
    while (multipart_next(&multipart, &part))
        len += (size_t)snprintf(
            text + len, sizeof text - len, "%.*s<%.*s>%.*s;",
            part.name.ptr ? (int)part.name.len : 1, part.name.ptr ? part.name.ptr : "-",
            part.filename.ptr ? (int)part.filename.len : 1,
            part.filename.ptr ? part.filename.ptr : "-", BYTES_ARG(part.content));
    return text;
}

static void parts_end_where_the_boundary_stands_alone(void **state)
{
    (void)state;
    static const char head[] = "Content-Disposition: form-data; name=";
    static const struct {
        const char *type, *body, *parts;
    } rows[] = {
        {"multipart/form-data; boundary=B", "--B\r\n%s\"a\"\r\n\r\n1\r\n--B--", "a<->1;"},
        {"multipart/form-data; boundary=\"B C\"", "--B C\r\n%sa\r\n\r\n1\r\n--B C--\r\n", "a<->1;"},
        {"multipart/form-data; boundary=B", "--B\n%sa\n\n1\n--B--\n", "a<->1;"},
        {"multipart/form-data; boundary=B", "pre\r\n--B \t\r\n%sa\r\n\r\n1\r\n--B--post", "a<->1;"},
        /* What only looks like it is content. */
        {"multipart/form-data; boundary=B", "--B\r\n%sa\r\n\r\n1--B\r\n--BC\r\n --B\r\n\r\n--B--",
         "a<->1--B\r\n--BC\r\n --B\r\n;"},
        {"multipart/form-data; boundary=B", "--B\r\n%sa\r\n\r\n\r\n\r\n\r\n--B--", "a<->\r\n\r\n;"},
        {"multipart/form-data; boundary=B", "--B\r\n%sa\r\n\r\n\r\n--B--", "a<->;"},
        {"multipart/form-data; boundary=B", "--B\r\n%sa\r\n\r\n--B--", "a<->;"},
        {"multipart/form-data; boundary=B", "--B\r\n%sa; filename=\"x\\\"y\"\r\n\r\n1\r\n--B--",
         "a<x\\\"y>1;"},
        {"multipart/form-data; boundary=B", "--B\r\n%sa; filename=\"\"\r\n\r\n\r\n--B--", "a<>;"},
        {"multipart/form-data; boundary=B", "--B\r\n\r\nno head\r\n--B\r\n%sa\r\n\r\n1\r\n--B--",
         "-<->no head;a<->1;"},
        {"multipart/form-data; boundary=B", "--B\r\n%sa\r\n\r\ncut", "a<->cut;"},
        {"multipart/form-data; boundary=B", "--B\r\n%sa", "a<->;"},
        {"multipart/form-data", "--X\r\n%sa\r\n\r\n1\r\n--X--", "a<->1;"},
        {"multipart/form-data", "%s", "none"},
        {"multipart/form-data; boundary=B", "--C\r\n%sa\r\n\r\n1\r\n--C--", "none"},
        {"multipart/form-data; boundary=B", "--B--\r\n%s", ""},
        {"multipart/form-data; boundary=", "--\r\n%sa\r\n\r\n1", "none"},
        {"multipart/form-data; boundary=B", "%s", "none"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char body[256];
        const char *format = rows[i].body, *at = strstr(format, "%s");
        snprintf(body, sizeof body, "%.*s%s%s", (int)(at - format), format, head, at + 2);
        const char *parts = parts_of(rows[i].type, body);
        if (strcmp(parts, rows[i].parts) != 0)
            fail_msg("%s: %s", body, parts);
    }
}

static void files_come_out_byte_by_byte(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 1, 0);
    for (int i = 0; i < 300; i++) {
        static const char pieces[] = "\r\n-B \0\xff";
        char file[64], body[256];
        size_t len = (size_t)random_below(&random, sizeof file);
        for (size_t j = 0; j < len; j++)
            file[j] = pieces[random_below(&random, sizeof pieces - 1)];
        int head =
            snprintf(body, sizeof body,
                     "--Bound\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\n");
        memcpy(body + head, file, len);
        memcpy(body + head + len, "\r\n--Bound--\r\n", 13);
        struct multipart multipart;
        struct multipart_part part;
        assert_true(multipart_start(&multipart, bytes_of("a/b; boundary=Bound"),
                                    bytes_make(body, (size_t)head + len + 13)));
        assert_true(multipart_next(&multipart, &part));
        assert_ptr_equal(part.content.ptr, body + head);
        assert_int_equal(part.content.len, len);
        assert_false(multipart_next(&multipart, &part));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_end_where_the_boundary_stands_alone),
        cmocka_unit_test(files_come_out_byte_by_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
