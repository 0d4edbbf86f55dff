/* values_test.c - a user's values are kept in their form, or are none. */
#include "replay/values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void every_form_writes_what_its_place_can_hold(void **state)
{
    (void)state;
    static const struct {
        enum value_form form;
        const char *text, *written; /* NULL: refused */
    } rows[] = {
        {VALUE_AS_IS, "a b\"/?", "a b\"/?"},
        {VALUE_AS_IS, "a\rb", NULL},
        {VALUE_AS_IS, "a\nb", NULL},
        {VALUE_IN_TARGET, "a+b/c=?&#%2F x\"\n", "a+b%2Fc=%3F%26%23%2F%20x%22%0A"},
        {VALUE_PERCENT, "aZ09-._~", "aZ09-._~"},
        {VALUE_PERCENT, "a+b/c=%\xc3\xa9", "a%2Bb%2Fc%3D%25%C3%A9"},
        {VALUE_IN_JSON, "a\"b\\c\n/\xc3\xa9", "a\\\"b\\\\c\\u000a/\xc3\xa9"},
        {VALUE_IN_BODY, "a\r\nb", "a\r\nb"},
    };
    struct values values;
    assert_int_equal(values_init(&values, 2), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int result = values_set(&values, 1, rows[i].form, bytes_of(rows[i].text));
        assert_int_equal(result, rows[i].written ? 0 : -1);
        assert_null(values.texts[0].ptr);
        if (!rows[i].written)
            assert_null(values.texts[1].ptr);
        else if (!bytes_equal(values.texts[1], bytes_of(rows[i].written)))
            fail_msg("%s: %.*s", rows[i].text, BYTES_ARG(values.texts[1]));
    }
    values_fini(&values);
}

/* Around the length that needs memory of its own, and the one that is too long. */
static void a_value_may_have_any_length_up_to_its_maximum(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, VALUE_SMALL_BYTES, VALUE_SMALL_BYTES + 1, BIRTH_MAX_BYTES};
    static char text[BIRTH_MAX_BYTES + 1];
    struct values values;
    memset(text, 'v', sizeof text);
    assert_int_equal(values_init(&values, 1), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(values_set(&values, 0, VALUE_AS_IS, bytes_make(text, lengths[i])), 0);
        assert_true(bytes_equal(values.texts[0], bytes_make(text, lengths[i])));
    }
    assert_int_equal(values_set(&values, 0, VALUE_AS_IS, bytes_make(text, sizeof text)), -1);
    assert_null(values.texts[0].ptr);
    text[0] = '/'; /* three bytes in its form */
    assert_int_equal(values_set(&values, 0, VALUE_PERCENT, bytes_make(text, BIRTH_MAX_BYTES)), -1);
    assert_int_equal(values_set(&values, 0, VALUE_AS_IS, bytes_make(text, 100)), 0);
    values_forget(&values, 0);
    assert_null(values.texts[0].ptr);
    values_fini(&values);
}

static void no_values_take_no_memory(void **state)
{
    (void)state;
    struct values values;
    assert_int_equal(values_init(&values, 0), 0);
    assert_null(values.texts);
    values_fini(&values);
}

static void what_an_answer_lacks_is_forgotten(void **state)
{
    (void)state;
    struct birth births[2] = {{.form = VALUE_AS_IS, .value = 0}, {.form = VALUE_AS_IS, .value = 1}};
    struct error err;
    struct values values;
    struct http_response answer = {.body = bytes_of("{\"a\":\"x\\/y\",\"b\":[2]}")};
    assert_int_equal(place_parse(bytes_of("body:/a"), PLACE_IN_ANSWER, &births[0].place, &err), 0);
    assert_int_equal(place_parse(bytes_of("body:/b/0"), PLACE_IN_ANSWER, &births[1].place, &err),
                     0);
    assert_int_equal(values_init(&values, 2), 0);
    assert_int_equal(values_take(&values, births, 2, &answer, NULL), 2);
    assert_true(bytes_equal(values.texts[0], bytes_of("x/y")));
    assert_true(bytes_equal(values.texts[1], bytes_of("2")));
    answer.body = bytes_of("{\"a\":\"\",\"b\":[3]}");
    assert_int_equal(values_take(&values, births, 2, &answer, NULL), 1);
    assert_null(values.texts[0].ptr);
    assert_true(bytes_equal(values.texts[1], bytes_of("3")));
    answer.body = (struct bytes){0};
    assert_int_equal(values_take(&values, births, 2, &answer, NULL), 0);
    assert_null(values.texts[1].ptr);
    values_fini(&values);
}

/* A form that cannot hold the new text: the others keep the old one, too. */
static void a_replacement_that_cannot_be_made_changes_nothing(void **state)
{
    (void)state;
    static const unsigned char forms[] = {VALUE_IN_JSON, VALUE_AS_IS, VALUE_PERCENT};
    const struct bytes old = bytes_of("a b"), broken = bytes_of("c\r\nd"), fresh = bytes_of("c/d");
    struct values values;
    assert_int_equal(values_init(&values, 3), 0);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(values_set(&values, i, (enum value_form)forms[i], old), 0);
    for (int is_in_use = 0; is_in_use < 2; is_in_use++) {
        uint64_t in_use_since = is_in_use ? 0 : VALUES_NOT_IN_USE;
        assert_int_equal(values_replace(&values, forms, old, broken, in_use_since), -1);
        assert_true(bytes_equal(values.texts[0], old));
        assert_true(bytes_equal(values.texts[1], old));
        assert_true(bytes_equal(values.texts[2], bytes_of("a%20b")));
    }
    assert_int_equal(values_replace(&values, forms, old, fresh, VALUES_NOT_IN_USE), 3);
    assert_true(bytes_equal(values.texts[0], fresh));
    assert_true(bytes_equal(values.texts[2], bytes_of("c%2Fd")));
    values_fini(&values);
}

/* A request that was sent before reads what it was sent with, however often that is replaced; so
 * does one that was sent between two replacements. */
static void who_reads_the_texts_goes_on_with_those_it_has(void **state)
{
    (void)state;
    static const unsigned char forms[] = {VALUE_AS_IS, VALUE_AS_IS};
    const struct bytes other = bytes_of("other"), names[] = {bytes_of("one"), bytes_of("two"),
                                                             bytes_of("three"), bytes_of("four")};
    struct values values;
    assert_int_equal(values_init(&values, 2), 0);
    assert_int_equal(values_set(&values, 0, VALUE_AS_IS, names[0]), 0);
    assert_int_equal(values_set(&values, 1, VALUE_AS_IS, other), 0);
    const struct bytes *sent[4] = {values.texts};
    for (int i = 1; i < 4; i++) {
        assert_int_equal(values_replace(&values, forms, names[i - 1], names[i], 0), 1);
        sent[i] = values.texts;
    }
    for (int i = 0; i < 4; i++) {
        assert_true(bytes_equal(sent[i][0], names[i]));
        assert_true(bytes_equal(sent[i][1], other));
    }
    /* The first two are answered: nobody reads what only they had. */
    assert_int_equal(values_replace(&values, forms, names[3], names[0], 2), 1);
    assert_true(bytes_equal(sent[2][0], names[2]));
    assert_true(bytes_equal(sent[3][0], names[3]));
    assert_int_equal(values_replace(&values, forms, names[0], names[1], VALUES_NOT_IN_USE), 1);
    assert_true(bytes_equal(values.texts[0], names[1]));
    assert_true(bytes_equal(values.texts[1], other));
    values_fini(&values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_replacement_that_cannot_be_made_changes_nothing),
        cmocka_unit_test(who_reads_the_texts_goes_on_with_those_it_has),
        cmocka_unit_test(every_form_writes_what_its_place_can_hold),
        cmocka_unit_test(a_value_may_have_any_length_up_to_its_maximum),
        cmocka_unit_test(no_values_take_no_memory),
        cmocka_unit_test(what_an_answer_lacks_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
