/* table_test.c - columns line up whatever is in them, and nothing in them drives the terminal. */
#include "core/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static char *printed(struct table *table)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    table_print(table, out);
    fclose(out);
    return text;
}

static void assert_prints(struct table *table, const char *expected)
{
    char *text = printed(table);
    assert_string_equal(text, expected);
    free(text);
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
    (void)state;
    struct table table;
    table_init(&table, "name|>count|note", 10000);
    table_row(&table);
    table_cell(&table, "a long name");
    table_cell(&table, "%d", 7);
    table_cell(&table, "x");
    table_row(&table);
    table_cell(&table, "b");
    table_cell(&table, "%d", 1234567);
    table_cell(&table, "longer");
    assert_prints(&table, "name           count  note\n"
                          "a long name        7  x\n"
                          "b            1234567  longer\n");
    table_fini(&table);
}

static void without_rows_there_are_headings(void **state)
{
    (void)state;
    struct table table;
    table_init(&table, "a|>b", 10000);
    assert_prints(&table, "a  b\n");
    table_fini(&table);
}

static void cells_too_many_are_dropped_and_cells_too_few_end_the_line(void **state)
{
    (void)state;
    struct table table;
    table_init(&table, "a|b|c", 10000);
    table_cell(&table, "before any row");
    table_row(&table);
    table_cell(&table, "1");
    table_cell(&table, "2");
    table_row(&table);
    for (int i = 1; i < 6; i++)
        table_cell(&table, "%d", i);
    assert_prints(&table, "a  b  c\n"
                          "1  2\n"
                          "1  2  3\n");
    table_fini(&table);
}

static void a_character_is_one_column_wide_however_many_bytes_it_has(void **state)
{
    (void)state;
    struct table table;
    table_init(&table, "w\xc3\xb6rd|x", 10000);
    static const char *const words[] = {"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4",
                                        "\xe2\x82\xac\xe2\x82\xac", "\xf0\x9f\x98\x80", "abcde"};
    for (size_t i = 0; i < 4; i++) {
        table_row(&table);
        table_cell(&table, "%s", words[i]);
        table_cell(&table, "|");
    }
    assert_prints(&table, "w\xc3\xb6rd   x\n"
                          "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4  |\n"
                          "\xe2\x82\xac\xe2\x82\xac     |\n"
                          "\xf0\x9f\x98\x80      |\n"
                          "abcde  |\n");
    table_fini(&table);
}

static void what_could_drive_a_terminal_is_printed_as_dots(void **state)
{
    (void)state;
    static const struct {
        const char *cell, *printed;
    } rows[] = {
        {"a\x1b[2Jb", "a.[2Jb"},
        {"a\r\nb\tc", "a..b.c"},
        {"\x7f", "."},
        {"\xc2\x9b"
         "2J",
         "..2J"},                         /* U+009B begins an escape sequence by itself */
        {"\xc2\xa0", "\xc2\xa0"},         /* the first character above them */
        {"\x9b", "."},                    /* the same in Latin-1 */
        {"\xc3", "."},                    /* cut off */
        {"\xc3(", ".("},                  /* no continuation */
        {"\xc0\x9b", ".."},               /* overlong ESC */
        {"\xe0\x80\x9b", "..."},          /* overlong U+001B */
        {"\xed\xa0\x80", "..."},          /* a surrogate */
        {"\xf4\x90\x80\x80", "...."},     /* above U+10FFFF */
        {"\xff\xfe", ".."},               /* in no UTF-8 at all */
        {"\xef\xbf\xbd", "\xef\xbf\xbd"}, /* U+FFFD */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct table table;
        char expected[100];
        table_init(&table, "h", 10000);
        table_row(&table);
        table_cell(&table, "%s", rows[i].cell);
        snprintf(expected, sizeof expected, "h\n%s\n", rows[i].printed);
        assert_prints(&table, expected);
        table_fini(&table);
    }
}

static void rows_that_do_not_fit_are_counted_and_harm_no_other(void **state)
{
    (void)state;
    struct table table;
    table_init(&table, "a|b", 2000);
    for (int i = 0; i < 1000; i++) {
        table_row(&table);
        table_cell(&table, "r%d", i);
    }
    char *text = printed(&table);
    int kept = 0;
    for (const char *at = text; *at; at++)
        kept += *at == 'r' && (at == text || at[-1] == '\n');
    assert_in_range(kept, 2, 100);
    char end[100];
    snprintf(end, sizeof end, "\nr%d\n(%d more rows than fit here)\n", kept - 1, 1000 - kept);
    assert_non_null(strstr(text, end));
    free(text);
    table_fini(&table);
}

static void printing_makes_room_for_as_many_rows_again(void **state)
{
    (void)state;
    struct table table;
    table_init(&table, "a", 2000);
    for (int batch = 0; batch < 100; batch++) {
        table_row(&table);
        table_cell(&table, "x");
        assert_prints(&table, "a\nx\n");
    }
    assert_prints(&table, "a\n");
    table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(without_rows_there_are_headings),
        cmocka_unit_test(cells_too_many_are_dropped_and_cells_too_few_end_the_line),
        cmocka_unit_test(a_character_is_one_column_wide_however_many_bytes_it_has),
        cmocka_unit_test(what_could_drive_a_terminal_is_printed_as_dots),
        cmocka_unit_test(rows_that_do_not_fit_are_counted_and_harm_no_other),
        cmocka_unit_test(printing_makes_room_for_as_many_rows_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
