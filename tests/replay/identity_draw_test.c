/* identity_draw_test.c - drawn values look like the recorded ones and are none of them. */
#include "replay/identities/identity_draw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static char room[1024];

static const char *draw(enum own_kind kind, const char *recorded, uint64_t stream)
{
    static char text[1024];
    struct random random;
    random_init(&random, 7, stream);
    struct bytes drawn = identity_draw(kind, bytes_of(recorded), &random, room);
    snprintf(text, sizeof text, "%.*s", BYTES_ARG(drawn));
    return text;
}

/* 'a' for a small letter, 'A', '9', all else itself. */
static const char *shape_of(const char *text)
{
    static char shape[1024];
    size_t len = 0;
    for (; text[len]; len++)
        shape[len] = text[len] >= 'a' && text[len] <= 'z' ? 'a'
                     : ascii_is_alpha(text[len])          ? 'A'
                     : ascii_is_digit(text[len])          ? '9'
                                                          : text[len];
    shape[len] = '\0';
    return shape;
}

static void what_is_drawn_has_the_recorded_shape(void **state)
{
    (void)state;
    static const struct {
        enum own_kind kind;
        const char *recorded;
    } rows[] = {
        {OWN_TEXT, "Ab-12_zz.Q"},
        {OWN_TEXT, "\xc3\xa9t\xc3\xa9 9"},
        {OWN_DIGITS, "4711"},
        {OWN_DIGITS, "17-042"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char wanted[64];
        snprintf(wanted, sizeof wanted, "%s", shape_of(rows[i].recorded));
        for (uint64_t stream = 0; stream < 50; stream++)
            assert_string_equal(shape_of(draw(rows[i].kind, rows[i].recorded, stream)), wanted);
    }
    for (uint64_t stream = 0; stream < 200; stream++) {
        assert_true(draw(OWN_DIGITS, "4711", stream)[0] != '0');
        const char *hex = draw(OWN_HEX, "0fA9", stream);
        assert_true(strlen(hex) == 4 && strspn(hex, "0123456789ABCDEF") == 4);
        hex = draw(OWN_HEX, "00ff", stream);
        assert_true(strlen(hex) == 4 && strspn(hex, "0123456789abcdef") == 4);
    }
}

static void a_uuid_keeps_its_version_and_a_variant(void **state)
{
    (void)state;
    static const char *const recorded[] = {"6ba7b810-9dad-41d1-80b4-00c04fd430c8",
                                           "6BA7B810-9DAD-71D1-80B4-00C04FD430C8",
                                           "6ba7b8109dad41d180b400c04fd430c8"};
    for (size_t i = 0; i < 3; i++) {
        bool has_dashes = i < 2;
        for (uint64_t stream = 0; stream < 100; stream++) {
            const char *uuid = draw(OWN_UUID, recorded[i], stream);
            assert_int_equal(strlen(uuid), strlen(recorded[i]));
            assert_true(bytes_equal(identity_find(OWN_UUID, bytes_of(uuid)), bytes_of(uuid)));
            assert_int_equal(uuid[has_dashes ? 14 : 12], recorded[i][has_dashes ? 14 : 12]);
            assert_non_null(strchr(i == 1 ? "89AB" : "89ab", uuid[has_dashes ? 19 : 16]));
            assert_string_not_equal(uuid, recorded[i]);
        }
    }
}

static void a_mail_address_is_nobody_elses_at_the_same_domain(void **state)
{
    (void)state;
    static const struct {
        const char *recorded, *begin, *end;
    } rows[] = {{"alice42@shop.example", "alice.", "@shop.example"},
                {"7@x.org", "u.", "@x.org"},
                {"bob+shop@x.org", "bob+", "@x.org"},
                {"a-name-that-is-very-very-very-very-very-long@x", "a.", "@x"}};
    char seen[100][64];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t stream = 0; stream < 100; stream++) {
            struct bytes mail = bytes_of(draw(OWN_EMAIL, rows[i].recorded, stream));
            size_t end = strlen(rows[i].end);
            assert_true(bytes_starts_with(mail, bytes_of(rows[i].begin)));
            assert_string_equal(mail.ptr + mail.len - end, rows[i].end);
            assert_true(mail.len <= strlen(rows[i].recorded) + IDENTITY_MORE_BYTES);
            assert_true(bytes_equal(identity_find(OWN_EMAIL, mail), mail));
            snprintf(seen[stream], sizeof seen[stream], "%s", mail.ptr);
            for (size_t j = 0; j < stream; j++)
                assert_string_not_equal(seen[j], seen[stream]);
        }
    }
}

static void the_part_that_has_the_shape_is_found(void **state)
{
    (void)state;
    static const struct {
        enum own_kind kind;
        const char *text, *found; /* NULL: nothing */
    } rows[] = {
        {OWN_UUID, "id=6ba7b810-9dad-41d1-80b4-00c04fd430c8;",
         "6ba7b810-9dad-41d1-80b4-00c04fd430c8"},
        {OWN_UUID, "x6ba7b810-9dad-41d1-80b4-00c04fd430c8", NULL},
        {OWN_UUID, "6ba7b810-9dad-41d1-80b4", NULL},
        {OWN_EMAIL, "<a.b+c@x.org>, d", "a.b+c@x.org"},
        {OWN_EMAIL, "@x y@", NULL},
        {OWN_EMAIL, "mail a@x.", "a@x"},
        {OWN_TIME_S, "t1700000000", NULL},
        {OWN_TIME_S, "t=1700000000.25,1", "1700000000.25"},
        {OWN_TIME_S, "1700000000000", NULL},
        {OWN_TIME_MS, "{1700000000000}", "1700000000000"},
        {OWN_TIME_ISO, "at 2026-11-21T17:51:22.123Z.", "2026-11-21T17:51:22.123Z"},
        {OWN_TIME_ISO, "2026-11-21 17:51", "2026-11-21 17:51"},
        {OWN_TIME_ISO, "2026-11-21T17:51:22+01:00x", "2026-11-21T17:51:22+01:00"},
        {OWN_TIME_ISO, "2026-11-21", "2026-11-21"},
        {OWN_TIME_ISO, "2026-11-2", NULL},
        {OWN_TEXT, "all of it", "all of it"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes found = identity_find(rows[i].kind, bytes_of(rows[i].text));
        if (!bytes_equal(found, bytes_of(rows[i].found)) || !found.ptr != !rows[i].found)
            fail_msg("%s: '%.*s'", rows[i].text, BYTES_ARG(found));
    }
}

/* Read, and another written in its place. */
static void moments_are_written_as_they_were(void **state)
{
    (void)state;
    static const struct {
        enum own_kind kind;
        const char *recorded;
        int64_t unix_us; /* -1: it is no moment */
        const char *later;
    } rows[] = {
        {OWN_TIME_S, "1700000000", 1700000000000000, "1700003661"},
        {OWN_TIME_S, "1700000000.25", 1700000000250000, "1700003661.51"},
        {OWN_TIME_MS, "1700000000123", 1700000000123000, "1700003661387"},
        {OWN_TIME_ISO, "2023-11-14T22:13:20Z", 1700000000000000, "2023-11-14T23:14:21Z"},
        {OWN_TIME_ISO, "2023-11-14T22:13:20.5Z", 1700000000500000, "2023-11-14T23:14:21.7Z"},
        {OWN_TIME_ISO, "2023-11-14T23:13:20.000000001+01:00", 1700000000000000,
         "2023-11-15T00:14:21.264000000+01:00"},
        {OWN_TIME_ISO, "2023-11-14 17:13-05:00", 1699999980000000, "2023-11-14 18:14-05:00"},
        {OWN_TIME_ISO, "2023-11-14", 1699920000000000, "2023-11-14"},
        {OWN_TIME_ISO, "2023-13-14", -1, NULL},
        {OWN_TIME_S, "170000000", -1, NULL},
        {OWN_TIME_S, " 1700000000", -1, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t unix_us = -1;
        struct bytes recorded = bytes_of(rows[i].recorded);
        bool is_moment = identity_read_moment(rows[i].kind, recorded, &unix_us);
        if (is_moment != (rows[i].unix_us >= 0) || unix_us != rows[i].unix_us)
            fail_msg("%s: %lld", rows[i].recorded, (long long)unix_us);
        if (!is_moment)
            continue;
        struct bytes later =
            identity_write_moment(rows[i].kind, recorded, unix_us + 3661264000, room);
        if (!bytes_equal(later, bytes_of(rows[i].later)))
            fail_msg("%s: '%.*s'", rows[i].recorded, BYTES_ARG(later));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_drawn_has_the_recorded_shape),
        cmocka_unit_test(a_uuid_keeps_its_version_and_a_variant),
        cmocka_unit_test(a_mail_address_is_nobody_elses_at_the_same_domain),
        cmocka_unit_test(the_part_that_has_the_shape_is_found),
        cmocka_unit_test(moments_are_written_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
