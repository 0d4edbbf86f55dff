/* drawn_test.c - ids that clients drew, and all the others that look like it and are left alone. */
#include "traces/correlate/drawn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/traces/correlate/story.h"
#include "traces/correlate/mentions.h"
#include "traces/correlate/value_shape.h"

/* Exactly these lines are found, in any order. NULL ends them. */
static void check(const char *text, const char *const *wanted)
{
    struct story_found found;
    size_t count = 0;
    story_tell(text, 0.5, &found);
    for (; *wanted; wanted++, count++) {
        if (!story_has(&found, *wanted))
            fail_msg("not found: %s\nfound are:\n%s", *wanted, buf_text(&found.lines));
    }
    if (found.count != count)
        fail_msg("%zu found, wanted %zu:\n%s", found.count, count, buf_text(&found.lines));
    story_found_fini(&found);
}

#define check_found(text, ...) check(text, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

/* The second editor is given the first one's nodes, sends them back, and adds its own. A node is
 * named by another one before it comes itself. */
static void nodes_of_an_editor_are_new_for_each_user(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET /flows 200 | -> body:/rev=r1\n"
                "2 POST /flows 200 | body:/flows/0/id=a488a5f0507dc7a9 "
                "body:/flows/0/wires/0/0=f985e20bc090a7d7 body:/flows/1/id=f985e20bc090a7d7 "
                "body:/flows/1/z=a488a5f0507dc7a9 -> body:/rev=r2\n"
                "3 POST /inject/{id} 200 | path:1=inject path:2=f985e20bc090a7d7 ->\n"
                "4 POST /flows 200 | body:/flows/0/id=a488a5f0507dc7a9 "
                "body:/flows/1/id=f985e20bc090a7d7 ->\n"
                "session 2 bob\n"
                "5 GET /flows 200 | -> body:/flows/0/id=a488a5f0507dc7a9 "
                "body:/flows/1/id=f985e20bc090a7d7\n"
                "6 POST /flows 200 | body:/flows/0/id=a488a5f0507dc7a9 "
                "body:/flows/1/id=f985e20bc090a7d7 body:/flows/2/id=7216f5bcc95934f4 ->\n",
                "2 new:hex -> 2 body:/flows/0/id", "2 new:hex -> 2 body:/flows/0/wires/0/0",
                "2 new:hex -> 2 body:/flows/1/id", "2 new:hex -> 2 body:/flows/1/z",
                "2 new:hex -> 3 path:2", "2 new:hex -> 4 body:/flows/0/id",
                "2 new:hex -> 4 body:/flows/1/id", "5 body:/flows/0/id -> 6 body:/flows/0/id",
                "5 body:/flows/1/id -> 6 body:/flows/1/id", "6 new:hex -> 6 body:/flows/2/id");
}

/* --- two users, each with a note of their own ----------------------------------------------- */

#define ANNS "3f2b8c1e-90ab-4cde-8f01-23456789abcd"
#define BOBS "77778c1e-1122-4aaa-9bbb-00112233dd55"

struct notes {
    const char *before; /* ann's exchange before hers */
    const char *sends;  /* hers, with %s for the note's id */
    const char *hers, *his;
    const char *after; /* what bob does behind his */
    bool is_drawn;
};

static void check_notes(const struct notes *notes)
{
    struct buf text = BUF_INIT(1 << 16);
    struct story_found found;
    buf_printf(&text, "session 1 ann\n1 %s\n2 ",
               notes->before ? notes->before : "GET /notes 200 | -> body:/count=0");
    const char *sends =
        notes->sends ? notes->sends : "POST /notes 200 | body:/id=%s body:/text=hello ->";
    const char *place = strstr(sends, "%s");
    assert_non_null(place);
    buf_append(&text, sends, (size_t)(place - sends));
    buf_append_text(&text, notes->hers ? notes->hers : ANNS);
    buf_append_text(&text, place + 2);
    buf_printf(&text,
               "\nsession 2 bob\n3 GET /notes 200 | -> body:/count=0\n"
               "4 POST /notes 200 | body:/id=%s body:/text=hello ->\n%s\n",
               notes->his ? notes->his : BOBS, notes->after ? notes->after : "");
    story_tell(buf_text(&text), 0.5, &found);
    bool has_hers = story_has(&found, "2 new:uuid -> 2 body:/id") ||
                    story_has(&found, "2 new:hex -> 2 body:/id");
    if (has_hers != notes->is_drawn || (!notes->is_drawn && found.count))
        fail_msg("%s:\n%s\nin:\n%s", notes->is_drawn ? "not found" : "found",
                 buf_text(&found.lines), buf_text(&text));
    story_found_fini(&found);
    buf_fini(&text);
}

static void what_is_drawn_shows_in_what_all_users_do(void **state)
{
    static const struct notes all[] = {
        {.is_drawn = true},
        {.sends = "PUT /notes 204 | body:/id=%s ->"}, /* of PUT there is one user */
        {.sends = "POST /notes 400 | body:/id=%s ->"},
        {.sends = "POST /notes 200 | body:/voice_id=%s ->"}, /* of something else */
        {.his = ANNS},                                       /* a constant */
        {.after = "5 POST /other 200 | body:/id=" ANNS " ->"},
        {.after = "5 GET /notes/{id} 200 | path:1=notes path:2=" ANNS " ->"},
        /* Nobody has looked at what is there already. */
        {.before = "GET /else 200 | ->"},
        {.before = "GET /notes 304 | ->"},
        {.before = "GET /notes 404 | ->"},
        {.before = "GET /notes 200 | -> @3 body:/count=0"},
        {.before = "GET /notes 200 | ->\n9 GET /app 304 | ->"}, /* is it in that page? */
        {.before = "GET /app 200 | ->\n8 GET /notes 200 | ->\n9 GET /app 304 | ->",
         .is_drawn = true},
        /* An answer had it: as another value, as a name, in capitals, without dashes, in a text. */
        {.before = "GET /notes 200 | -> body:/byId/" ANNS "/text=hello"},
        {.before = "GET /notes 200 | -> body:/last=3F2B8C1E-90AB-4CDE-8F01-23456789ABCD"},
        {.before = "GET /notes 200 | -> body:/last=3f2b8c1e90ab4cde8f0123456789abcd"},
        {.before = "GET /notes 200 | -> html:script[0]=note" ANNS ";"},
        {.before = "GET /notes 200 | -> header:X-Page=%22" ANNS "%22"},
        /* The client had it before: it is addressed, or in a cookie, or on its page. */
        {.sends = "POST /notes 200 | query:of=" ANNS " body:/id=%s ->"},
        {.sends = "POST /notes 200 | cookie:draft=" ANNS " body:/id=%s ->"},
        {.sends = "POST /notes 200 | header:X-Page=/notes/" ANNS "/edit body:/id=%s ->"},
        /* Computed, not drawn. */
        {.hers = "3f2b8c1e-90ab-5cde-8f01-23456789abcd"},
        {.hers = "00000000-0000-0000-0000-000000000000"},
        {.hers = "d41d8cd98f00b204e9800998ecf8427e"},
        {.hers = "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {.hers = "00000000000000a1"},
        {.hers = "5b9edb9b2fffa975", .his = "7216f5bcc95934f4", .is_drawn = true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        check_notes(&all[i]);
}

/* One that another user was given before it was sent has been there before; also when that one was
 * given it again later. */
static void what_another_user_was_given_before_is_not_drawn(void **state)
{
    (void)state;
    check_found("session 1 bob\n"
                "1 GET /notes 200 | -> body:/last/id=" ANNS "\n"
                "2 POST /notes 200 | body:/id=" ANNS " ->\n"
                "3 POST /notes 200 | body:/id=" BOBS " ->\n"
                "session 2 ann\n"
                "4 GET /notes 200 | -> body:/count=0\n"
                "5 POST /notes 200 | body:/id=" ANNS " ->\n",
                "1 body:/last/id -> 2 body:/id");
}

/* What is taken away has been there. */
static void what_is_deleted_is_not_drawn(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET /notes 200 | ->\n"
                "2 DELETE /notes 200 | body:/id=" ANNS " ->\n"
                "session 2 bob\n"
                "3 GET /notes 200 | ->\n"
                "4 DELETE /notes 200 | body:/id=" BOBS " ->\n");
}

/* What is named like what clients make, and addressed as well, may be there already. */
static void what_is_addressed_in_its_request_stays(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /clients/{id}/events 200 | path:1=clients path:2=" ANNS
                " body:/client_id=" ANNS " ->\n"
                "session 2 bob\n"
                "2 POST /clients/{id}/events 200 | path:1=clients path:2=" BOBS
                " body:/client_id=" BOBS " ->\n");
}

#define PAGES                                                                                      \
    "session 1 ann\n"                                                                              \
    "1 GET /pages/{id} 200 | path:1=pages path:2=%s ->\n"                                          \
    "2 POST /pages/{id} 200 | path:1=pages path:2=31 body:/id=5b9edb9b2fffa975 ->\n"               \
    "session 2 bob\n"                                                                              \
    "3 GET /pages/{id} 200 | path:1=pages path:2=47 ->\n"                                          \
    "4 POST /pages/{id} 200 | path:1=pages path:2=47 body:/id=7216f5bcc95934f4 ->\n"

/* Who has looked at one page knows nothing of what another one holds. */
static void a_page_is_read_under_its_own_id(void **state)
{
    (void)state;
    struct buf script = BUF_INIT(1 << 16);
    buf_printf(&script, PAGES, "31");
    check_found(buf_text(&script), "2 new:hex -> 2 body:/id", "4 new:hex -> 4 body:/id");
    buf_clear(&script);
    buf_printf(&script, PAGES, "32");
    check_found(buf_text(&script));
    buf_fini(&script);
}

static void two_sessions_of_one_user_are_not_enough(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET /notes 200 | ->\n"
                "2 POST /notes 200 | body:/id=" ANNS " ->\n"
                "session 2 ann\n"
                "3 GET /notes 200 | ->\n"
                "4 POST /notes 200 | body:/id=" BOBS " ->\n");
}

/* Where it is created (201), its session is enough; that another one was given it is no constant.
 */
static void a_value_that_was_given_to_others_is_no_constant(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /notes 201 | body:/id=" ANNS " ->\n"
                "session 2 bob\n"
                "2 GET /notes 200 | -> body:/last/id=" ANNS "\n"
                "3 POST /notes 201 | body:/id=" ANNS " ->\n",
                "1 new:uuid -> 1 body:/id", "2 body:/last/id -> 3 body:/id");
}

/* --- digits anywhere ------------------------------------------------------------------------ */

struct seen {
    uint64_t wanted;
    bool is_there;
};

static void look(void *owner, uint64_t digits)
{
    struct seen *seen = owner;
    seen->is_there = seen->is_there || seen->wanted == digits;
}

static bool is_mentioned(const char *text, const char *value)
{
    struct seen seen = {0};
    assert_true(mention_of(bytes_of(value), &seen.wanted));
    mentions_scan(bytes_of(text), look, &seen);
    return seen.is_there;
}

static void digits_are_found_whatever_is_around_them(void **state)
{
    static const char *const has[] = {
        "5b9edb9b2fffa975",         "\"5b9edb9b2fffa975\"",   "x 5B9EDB9B2FFFA975 y",
        "node5b9edb9b2fffa975",     "bed-5b9edb9b2fffa975",   "%225b9edb9b2fffa975%22",
        "\\u00225b9edb9b2fffa975",  "5b9edb9b-2fff-a975-00",  "zz5b9edb9b2fffa9751122",
        "5b9edb9b2fffa975ffffffff", "{\"5b9edb9b2fffa975\":", "_5b9edb9b2fffa975_"};
    static const char *const has_not[] = {"", "5b9edb9b2fffa97", "5b9edb9b 2fffa975",
                                          "5b9edb9b2fffa976", "6b9edb9b2fffa975"};
    uint64_t digits;
    (void)state;
    for (size_t i = 0; i < sizeof has / sizeof has[0]; i++) {
        if (!is_mentioned(has[i], "5b9edb9b2fffa975"))
            fail_msg("not found in %s", has[i]);
    }
    for (size_t i = 0; i < sizeof has_not / sizeof has_not[0]; i++) {
        if (is_mentioned(has_not[i], "5b9edb9b2fffa975"))
            fail_msg("found in %s", has_not[i]);
    }
    assert_false(mention_of(bytes_of("5b9edb9b2fffa97"), &digits));
    assert_true(is_mentioned("at 3f2b8c1e90ab4cde8f0123456789abcd", ANNS));
}

static void what_is_computed_does_not_look_drawn(void **state)
{
    (void)state;
    assert_true(shape_is_drawn(bytes_of("5b9edb9b2fffa975")));
    assert_true(shape_is_drawn(bytes_of("507f1f77bcf86cd799439011")));
    assert_true(shape_is_drawn(bytes_of("018f8c1e-90ab-7cde-8f01-23456789abcd")));
    assert_false(shape_is_drawn(bytes_of("018f8c1e-90ab-3cde-8f01-23456789abcd")));
    assert_false(shape_is_drawn(bytes_of("018f8c1e-90ab-4cde-0f01-23456789abcd")));
    assert_false(shape_is_drawn(bytes_of("aaaaaaaaaaaaaaa1")));
    assert_false(shape_is_drawn(bytes_of("2026112122093300")));
    assert_false(shape_is_drawn(bytes_of("d41d8cd98f00b204e9800998ecf8427e")));
    assert_false(shape_is_drawn(bytes_of("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_of_an_editor_are_new_for_each_user),
        cmocka_unit_test(what_is_drawn_shows_in_what_all_users_do),
        cmocka_unit_test(what_another_user_was_given_before_is_not_drawn),
        cmocka_unit_test(what_is_deleted_is_not_drawn),
        cmocka_unit_test(what_is_addressed_in_its_request_stays),
        cmocka_unit_test(a_page_is_read_under_its_own_id),
        cmocka_unit_test(two_sessions_of_one_user_are_not_enough),
        cmocka_unit_test(a_value_that_was_given_to_others_is_no_constant),
        cmocka_unit_test(digits_are_found_whatever_is_around_them),
        cmocka_unit_test(what_is_computed_does_not_look_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
