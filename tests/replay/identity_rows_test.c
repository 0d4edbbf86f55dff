/* identity_rows_test.c - files of users: what is read, and what is refused by its line. */
#include "replay/identities/identity_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/folder.h"

/* All cells as "a|b;c|d;", names first. */
static const char *read_all(struct bytes content)
{
    static char text[1024];
    struct identity_rows rows;
    struct error err = {0};
    size_t len = 0;
    text[0] = '\0';
    if (identity_rows_parse(&rows, content, &err))
        snprintf(text, sizeof text, "%s", err.text);
    for (uint32_t i = 0; !err.text[0] && i < rows.column_count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s", i ? "|" : "",
                                BYTES_ARG(rows.columns[i]));
    for (size_t row = 0; !err.text[0] && row < rows.count; row++) {
        for (uint32_t i = 0; i < rows.column_count; i++)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s", i ? "|" : ";",
                                    BYTES_ARG(identity_rows_cell(&rows, row, i)));
    }
    identity_rows_fini(&rows);
    return text;
}

static void each_file_is_read_or_refused_by_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *content, *wanted;
    } rows[] = {
        /* RFC 4180 2: 1 to 7 */
        {"email,password\r\na@x,1\r\nb@x,2\r\n", "email|password;a@x|1;b@x|2"},
        {"email,password\na@x,1\nb@x,2", "email|password;a@x|1;b@x|2"},
        {"a,b\n x , y\n", "a|b; x | y"},
        {" a ,b\n1,2\n", "a|b;1|2"},
        {"a,b\n\"x\",\"y\"\n", "a|b;x|y"},
        {"a,b\n\"x\r\ny\",\"p,q\"\n", "a|b;x\r\ny|p,q"},
        {"a,b\n\"x\"\"y\",\"\"\"\"\n", "a|b;x\"y|\""},
        {"a,b\n,\n\"\",1\n", "a|b;|;|1"},
        {"a\n1\n\n2\n\n", "a;1;2"},
        {"a\n\"\"\n", "a;"},
        {"\xef\xbb\xbf"
         "a,b\n1,2\n",
         "a|b;1|2"},
        {"na\xc3\xafve\n\xff\n", "na\xc3\xafve;\xff"},
        /* what is wrong with it */
        {"", "it is empty: a header row and a row for each user are wanted"},
        {"\r\n \n", "it is empty: a header row and a row for each user are wanted"},
        {"a,b\n", "there are no rows behind its header"},
        {"a,b", "there are no rows behind its header"},
        {"a,b\n1,2\n3\n", "line 3 has 1 fields, the header has 2 columns"},
        {"a,b\n1,2,3\n", "line 2 has 3 fields, the header has 2 columns"},
        {"a,b\n\"x\ny\",2\n3\n", "line 4 has 1 fields, the header has 2 columns"},
        {"a,,b\n1,2,3\n", "line 1: column 2 has no name"},
        {"a,b,a\n1,2,3\n", "line 1: two columns are named 'a'"},
        {"a,b\n1,\"2\n", "line 2: a quote that is never closed"},
        {"a,b\n1,\"2\"3\n",
         "line 2: text behind a closing quote; a quote inside a field is written twice"},
        {"a,b\n1,2\"3\n", "line 2: a quote inside a field that does not begin with one"},
        {"a,b\r1,2\r", "line 1: a carriage return that ends no line"},
        {"\xff\xfe"
         "a\n",
         "it is UTF-16; save it as UTF-8"},
        /* JSON lines */
        {"{\"email\":\"a@x\",\"n\":1}\n{\"n\":2.5,\"email\":\"b\\\"\\u00e9\"}\n",
         "email|n;a@x|1;b\"\xc3\xa9|2.5"},
        {"\n  {\"a\":true}\r\n\n{\"a\":false}", "a;true;false"},
        {"{\"a\":1}\n{\"b\":1}\n", "line 2 has no 'a', which the first line has"},
        {"{\"a\":1}\n{\"a\":1,\"b\":1}\n", "line 2 has 2 names, the first line has 1"},
        {"{\"a\":1}\n{\"a\":null}\n", "line 2: 'a' is no text, number, true or false"},
        {"{\"a\":{}}\n", "line 1: 'a' is no text, number, true or false"},
        {"{}\n", "line 1: an object without names"},
        {"{\"a\":1}\n[1]\n", "line 2 is no JSON object"},
        {"{\"a\":1,\"a\":2}\n",
         "line 1: duplicate object key near '\"a\"'; JSON lines have one object a line"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *read = read_all(bytes_of(rows[i].content));
        if (strcmp(read, rows[i].wanted) != 0)
            fail_msg("%s: '%s'", rows[i].content, read);
    }
    assert_string_equal(read_all(bytes_make("a\n1\0\n", 5)),
                        "it is no text: there is a NUL byte in it; CSV or JSON lines are read");
}

static void a_broken_json_line_is_named(void **state)
{
    (void)state;
    const char *read = read_all(bytes_of("{\"a\":1}\n{\"a\":\n"));
    assert_non_null(strstr(read, "line 2: "));
    assert_non_null(strstr(read, "JSON lines have one object a line"));
}

static void limits_are_said(void **state)
{
    (void)state;
    struct buf content = BUF_INIT(1 << 20);
    for (int i = 0; i <= IDENTITY_MAX_COLUMNS; i++)
        buf_printf(&content, "%sc%d", i ? "," : "", i);
    assert_string_equal(read_all(buf_bytes(&content)), "line 1: more than 64 columns");
    buf_clear(&content);
    buf_append_text(&content, "a,b\n1,");
    for (unsigned i = 0; i <= IDENTITY_MAX_CELL_BYTES; i++)
        buf_append_char(&content, 'x');
    assert_string_equal(read_all(buf_bytes(&content)), "line 2: 'b' is longer than 65536 bytes");
    buf_fini(&content);
}

static void a_column_is_found_by_its_name(void **state)
{
    (void)state;
    struct identity_rows rows;
    struct error err;
    uint32_t column;
    assert_int_equal(identity_rows_parse(&rows, bytes_of("Email,user,USER\n1,2,3\n"), &err), 0);
    assert_true(identity_rows_find_column(&rows, bytes_of("email"), &column) && column == 0);
    assert_true(identity_rows_find_column(&rows, bytes_of("USER"), &column) && column == 2);
    assert_true(identity_rows_find_column(&rows, bytes_of("User"), &column) && column == 1);
    assert_false(identity_rows_find_column(&rows, bytes_of("name"), &column));
    identity_rows_fini(&rows);
}

static void expect_open(const char *path, const char *wanted)
{
    struct identity_rows rows;
    struct error err;
    char text[512];
    snprintf(text, sizeof text, "--data %s: %s", path, wanted);
    assert_int_equal(identity_rows_open(&rows, path, &err), -1);
    assert_string_equal(err.text, text);
    assert_int_equal(err.exit_code, EXIT_INPUT);
    identity_rows_fini(&rows);
}

static void a_file_that_is_no_table_is_refused_by_its_name(void **state)
{
    (void)state;
    expect_open(folder_file("none"), "No such file or directory");
    /* A gigabyte that takes no room. */
    const char *path = folder_file("large");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), (off_t)1 << 30), 0);
    fclose(file);
    expect_open(path, "it is larger than 256 MB; cut it to the rows that are needed");
    path = folder_file("ragged");
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("a,b\n1,2\n3\n", file);
    fclose(file);
    expect_open(path, "line 3 has 1 fields, the header has 2 columns");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_file_is_read_or_refused_by_its_line),
        cmocka_unit_test(a_broken_json_line_is_named),
        cmocka_unit_test(limits_are_said),
        cmocka_unit_test(a_column_is_found_by_its_name),
        cmocka_unit_test(a_file_that_is_no_table_is_refused_by_its_name),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
