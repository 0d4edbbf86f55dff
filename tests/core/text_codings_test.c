/* text_codings_test.c - base64, hexadecimal and percent encoding against the standards' vectors. */
#include "core/text_codings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static char room[256];

static void check_text(const char *what, ssize_t len, const char *expected)
{
    struct bytes text = bytes_make(room, len < 0 ? 0 : (size_t)len);
    if (len < 0 || !bytes_equal(text, bytes_of(expected)))
        fail_msg("'%s': %zd '%.*s' instead of '%s'", what, len, BYTES_ARG(text), expected);
}

/* The last two rows are where the alphabets differ. */
static const struct {
    const char *data, *padded;
    enum base64_alphabet alphabet;
} base64_rows[] = {
    {"", "", BASE64_STANDARD}, /* RFC 4648 10 */
    {"f", "Zg==", BASE64_STANDARD},
    {"fo", "Zm8=", BASE64_STANDARD},
    {"foo", "Zm9v", BASE64_STANDARD},
    {"foob", "Zm9vYg==", BASE64_STANDARD},
    {"fooba", "Zm9vYmE=", BASE64_URL},
    {"foobar", "Zm9vYmFy", BASE64_URL},
    {"\xfb\xff", "+/8=", BASE64_STANDARD},
    {"\xfb\xff", "-_8=", BASE64_URL},
};

static void base64_is_written_with_padding_and_without(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(base64_rows); i++) {
        struct bytes data = bytes_of(base64_rows[i].data);
        struct bytes padded = bytes_of(base64_rows[i].padded);
        struct bytes digits = base64_without_padding(padded);
        char bare[16];
        snprintf(bare, sizeof bare, "%.*s", BYTES_ARG(digits));
        check_text(base64_rows[i].data,
                   base64_write(data, base64_rows[i].alphabet, true, room, padded.len),
                   base64_rows[i].padded);
        check_text(base64_rows[i].data,
                   base64_write(data, base64_rows[i].alphabet, false, room, digits.len), bare);
        if (!data.len)
            continue;
        assert_int_equal(base64_write(data, base64_rows[i].alphabet, true, room, padded.len - 1),
                         -1);
        assert_int_equal(base64_write(data, base64_rows[i].alphabet, false, room, digits.len - 1),
                         -1);
    }
}

static void base64_is_read_in_its_alphabet_and_in_either(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(base64_rows); i++) {
        struct bytes digits = base64_without_padding(bytes_of(base64_rows[i].padded));
        size_t len = strlen(base64_rows[i].data);
        check_text(base64_rows[i].padded, base64_read(digits, base64_rows[i].alphabet, room, len),
                   base64_rows[i].data);
        check_text(base64_rows[i].padded, base64_read(digits, BASE64_EITHER, room, len),
                   base64_rows[i].data);
        if (len)
            assert_int_equal(base64_read(digits, BASE64_EITHER, room, len - 1), -1);
    }
    assert_int_equal(base64_read(bytes_of("+/8"), BASE64_URL, room, sizeof room), -1);
    assert_int_equal(base64_read(bytes_of("-_8"), BASE64_STANDARD, room, sizeof room), -1);
    check_text("+_8", base64_read(bytes_of("+_8"), BASE64_EITHER, room, sizeof room), "\xfb\xff");
}

static void what_is_no_base64_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {"Z",     "Zm9vY", "Zg==",       "Zm8=", "Zm 9",
                                       "Zm9\n", "Z.9v",  "Zg\xc3\xa4", "=Zm9"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (base64_read(bytes_of(rows[i]), BASE64_EITHER, room, sizeof room) != -1)
            fail_msg("'%s' was read", rows[i]);
    }
    /* Bits that no byte needs are left alone. */
    check_text("Zh", base64_read(bytes_of("Zh"), BASE64_STANDARD, room, sizeof room), "f");
    assert_int_equal(base64_without_padding(bytes_of("Z=g===")).len, 3);
    assert_int_equal(base64_without_padding(bytes_of("==")).len, 0);
}

static void every_character_is_a_digit_of_its_alphabets_only(void **state)
{
    (void)state;
    int counts[3] = {0};
    for (int c = 0; c < 256; c++) {
        int standard = base64_value((char)c, BASE64_STANDARD);
        int url = base64_value((char)c, BASE64_URL);
        int either = base64_value((char)c, BASE64_EITHER);
        assert_int_equal(either, standard >= 0 ? standard : url);
        assert_true(standard < 0 || url < 0 || standard == url);
        counts[0] += standard >= 0;
        counts[1] += url >= 0;
        counts[2] += either >= 0;
    }
    assert_int_equal(counts[0], 64);
    assert_int_equal(counts[1], 64);
    assert_int_equal(counts[2], 66);
}

static void hexadecimal_has_both_cases(void **state)
{
    (void)state;
    struct bytes data = bytes_of("k\xff\x0a");
    check_text("lower", hex_write(data, false, room, 6), "6bff0a");
    check_text("upper", hex_write(data, true, room, 6), "6BFF0A");
    assert_int_equal(hex_write(data, false, room, 5), -1);
    check_text("6bFf0A", hex_read(bytes_of("6bFf0A"), room, 3), "k\xff\x0a");
    check_text("", hex_read(bytes_of(""), room, 0), "");
    assert_int_equal(hex_read(bytes_of("6bFf0A"), room, 2), -1);
    assert_int_equal(hex_read(bytes_of("6bf"), room, sizeof room), -1);
    assert_int_equal(hex_read(bytes_of("6g"), room, sizeof room), -1);
    assert_int_equal(hex_read(bytes_of("g6"), room, sizeof room), -1);
    assert_int_equal(hex_read(bytes_of("0x"), room, sizeof room), -1);
}

static void percent_escapes_are_undone_and_what_is_none_stays(void **state)
{
    (void)state;
    static const struct {
        const char *text, *plain, *form; /* `form`: where '+' is a space */
    } rows[] = {
        {"", "", ""},
        {"a%20b+c", "a b+c", "a b c"},
        {"%2b%2B", "++", "++"},
        {"%c3%A4", "\xc3\xa4", "\xc3\xa4"},
        {"100%", "100%", "100%"},
        {"%4", "%4", "%4"},
        {"%g1%1g%", "%g1%1g%", "%g1%1g%"},
        {"%%41", "%A", "%A"},
        {"%zz%41", "%zzA", "%zzA"},
        {"%2541", "%41", "%41"},
        {"%+1", "%+1", "% 1"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bytes text = bytes_of(rows[i].text);
        size_t len = strlen(rows[i].plain);
        check_text(rows[i].text, percent_read(text, false, room, len), rows[i].plain);
        check_text(rows[i].text, percent_read(text, true, room, len), rows[i].form);
        if (len)
            assert_int_equal(percent_read(text, false, room, len - 1), -1);
    }
}

static void one_byte_is_escaped_with_capitals_and_read_again(void **state)
{
    (void)state;
    char escape[4] = "";
    for (int c = 0; c < 256; c++) {
        percent_write_byte((unsigned char)c, escape);
        assert_int_equal(percent_value(bytes_make(escape, 3)), c);
    }
    assert_string_equal(escape, "%FF");
    assert_int_equal(percent_value(bytes_of("%7e~")), '~');
    assert_int_equal(percent_value(bytes_of("~%7e")), -1);
    assert_int_equal(percent_value(bytes_make("%7e", 2)), -1);
    assert_int_equal(percent_value((struct bytes){0}), -1);
}

static struct bytes put_in_room(const char *text)
{
    size_t len = strlen(text);
    memcpy(room, text, len);
    return bytes_make(room, len);
}

static void a_text_may_be_read_over_itself(void **state)
{
    (void)state;
    struct bytes text = put_in_room("Zm9vYmFy");
    check_text("base64", base64_read(text, BASE64_EITHER, room, text.len), "foobar");
    text = put_in_room("666f6F");
    check_text("hex", hex_read(text, room, text.len), "foo");
    text = put_in_room("%66o+%6F");
    check_text("percent", percent_read(text, true, room, text.len), "fo o");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_is_written_with_padding_and_without),
        cmocka_unit_test(base64_is_read_in_its_alphabet_and_in_either),
        cmocka_unit_test(what_is_no_base64_is_refused),
        cmocka_unit_test(every_character_is_a_digit_of_its_alphabets_only),
        cmocka_unit_test(hexadecimal_has_both_cases),
        cmocka_unit_test(percent_escapes_are_undone_and_what_is_none_stays),
        cmocka_unit_test(one_byte_is_escaped_with_capitals_and_read_again),
        cmocka_unit_test(a_text_may_be_read_over_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
