/* endpoint_folds_test.c - ids that look like words, told to the finder under the template that a
 * capture gives them. */
#include "traces/correlate/endpoint_folds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/random.h"
#include "tests/traces/correlate/story.h"
#include "traces/correlate/value_shape.h"
#include "traces/endpoint.h"

enum { TRACES = 40, SESSIONS = 12, VOICES = 120, MAX_ID_BYTES = 32 };

static const char base62[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static void random_id(struct random *random, const char *kind, size_t len, char out[MAX_ID_BYTES])
{
    size_t used = (size_t)snprintf(out, MAX_ID_BYTES, "%s", kind);
    for (size_t i = 0; i < len; i++)
        out[used++] = base62[random_below(random, sizeof base62 - 1)];
    out[used] = '\0';
}

static bool is_taken_for_a_word(const char *id)
{
    char target[64], out[ENDPOINT_TEMPLATE_BYTES];
    snprintf(target, sizeof target, "/voices/%s", id);
    return bytes_equal(endpoint_template(bytes_of(target), out), bytes_of(target));
}

/* By the template, and by all else that looks at it: words of mixed case, or one word. */
static void unlucky_id(struct random *random, bool is_one_word, char out[MAX_ID_BYTES])
{
    static const char consonants[] = "bdfghjklmnprstvwz", vowels[] = "aeiou";
    do {
        random_id(random, "vc_", 10, out);
        for (size_t i = 3; is_one_word && i < 13; i++)
            out[i] = i % 2 ? consonants[random_below(random, sizeof consonants - 1)]
                           : vowels[random_below(random, sizeof vowels - 1)];
    } while (!is_taken_for_a_word(out) || !shape_is_wordlike(bytes_of(out)));
}

static void tell_get(struct buf *text, int exchange_id, const char *path_before, const char *id,
                     const char *path_behind)
{
    char target[128], out[ENDPOINT_TEMPLATE_BYTES];
    snprintf(target, sizeof target, "%s%s%s", path_before, id, path_behind);
    buf_printf(text, "%d GET %s 200 | path:1=voices path:2=%s ->\n", exchange_id,
               endpoint_template(bytes_of(target), out).ptr, id);
}

/* Each user takes one of the voices of a list; one user's has the id. */
static void tell_voices(struct buf *text, struct random *random, const char *unlucky)
{
    char ids[VOICES][MAX_ID_BYTES];
    for (int i = 0; i < VOICES; i++)
        random_id(random, "vc_", 10, ids[i]);
    snprintf(ids[4], MAX_ID_BYTES, "%s", unlucky);
    buf_clear(text);
    for (int i = 0; i < SESSIONS; i++) {
        buf_printf(text, "session %d user%d\n%d GET /voices 200 | path:1=voices ->", i + 1, i,
                   i * 3 + 1);
        for (int k = 0; k < VOICES; k++)
            buf_printf(text, " body:/items/%d/id=%s", k, ids[k]);
        buf_append_text(text, "\n");
        tell_get(text, i * 3 + 2, "/voices/", ids[i], "");
        tell_get(text, i * 3 + 3, "/voices/", ids[i], "/play");
    }
}

static void an_id_that_looks_like_a_word_is_bound_as_the_others_are(void **state)
{
    (void)state;
    struct random random;
    struct buf text = BUF_INIT(1 << 20);
    random_init(&random, 4711, 0);
    for (int i = 0; i < TRACES; i++) {
        struct story_found found;
        char id[MAX_ID_BYTES];
        unlucky_id(&random, i % 2, id);
        tell_voices(&text, &random, id);
        story_tell(buf_text(&text), 0.5, &found);
        if (!story_has(&found, "13 body:/items/4/id -> 14 path:2") ||
            !story_has(&found, "13 body:/items/4/id -> 15 path:2"))
            fail_msg("%s is not bound:\n%s", id, buf_text(&found.lines));
        if (found.count != 2 * SESSIONS)
            fail_msg("%zu bindings:\n%s", found.count, buf_text(&found.lines));
        if (memmem(found.report.data, found.report.len, id, strlen(id)))
            fail_msg("%s is an endpoint's own:\n%s", id, buf_text(&found.report));
        story_found_fini(&found);
    }
    buf_fini(&text);
}

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

/* No other voice was asked for: the name where it was given, and how it is made. */
static void an_id_of_a_long_list_is_bound_in_one_session(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET /voices 200 | path:1=voices -> body:/items/0/id=vc_TonalDrEaM "
                "body:/items/1/id=vc_BeNoToKine body:/items/2/id=vc_CoonieAnfo\n"
                "2 GET /voices/vc_CoonieAnfo 200 | path:1=voices path:2=vc_CoonieAnfo ->\n",
                "1 body:/items/2/id -> 2 path:2");
}

static void names_that_differ_between_users_are_bound(void **state)
{
    (void)state;
    check_found("session 1 u1\n"
                "1 POST /login 200 | -> body:/profile=ann\n"
                "2 GET /people/ann 200 | path:1=people path:2=ann ->\n"
                "session 2 u2\n"
                "3 POST /login 200 | -> body:/profile=bob\n"
                "4 GET /people/bob 200 | path:1=people path:2=bob ->\n"
                "session 3 u3\n"
                "5 POST /login 200 | -> body:/profile=eve\n"
                "6 GET /people/eve 200 | path:1=people path:2=eve ->\n",
                "1 body:/profile -> 2 path:2", "3 body:/profile -> 4 path:2",
                "5 body:/profile -> 6 path:2");
}

/* Of a menu, of links, and what the client knew before. */
static void words_of_the_application_stay(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET /menu 200 | path:1=menu -> body:/0/page=settings body:/1/page=profile "
                "body:/2/page=billing\n"
                "2 GET /app/settings 200 | path:1=app path:2=settings ->\n"
                "3 GET /app/profile 200 | path:1=app path:2=profile ->\n"
                "session 2 bob\n"
                "4 GET /menu 200 | path:1=menu -> body:/0/page=settings body:/1/page=profile "
                "body:/2/page=billing\n"
                "5 GET /app/settings 200 | path:1=app path:2=settings ->\n"
                "6 GET /app/billing 200 | path:1=app path:2=billing ->\n");
    check_found("session 1 ann\n"
                "1 GET /jobs 200 | path:1=jobs -> html:href[/jobs/]~1~>~path:2=new "
                "html:href[/jobs/]~2~>~path:2=8123\n"
                "2 GET /jobs/{id} 200 | path:1=jobs path:2=8123 ->\n"
                "3 GET /jobs/new 200 | path:1=jobs path:2=new ->\n",
                "1 html:href[/jobs/] 2 > path:2 -> 2 path:2");
}

static void an_id_below_an_id_is_bound_too(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /rooms 201 | path:1=rooms -> body:/room_id=rm_CoonieAnfo\n"
                "2 POST /rooms/rm_CoonieAnfo/seats 201 | path:1=rooms path:2=rm_CoonieAnfo "
                "path:3=seats -> body:/seat_id=st_BeNoToKine\n"
                "3 GET /rooms/rm_CoonieAnfo/seats/st_BeNoToKine 200 | path:1=rooms "
                "path:2=rm_CoonieAnfo path:3=seats path:4=st_BeNoToKine ->\n"
                "session 2 bob\n"
                "4 POST /rooms 201 | path:1=rooms -> body:/room_id=rm_7Xk2PqWz9a\n"
                "5 POST /rooms/{id}/seats 201 | path:1=rooms path:2=rm_7Xk2PqWz9a path:3=seats -> "
                "body:/seat_id=st_9aXk2PqWz7\n"
                "6 GET /rooms/{id}/seats/{id} 200 | path:1=rooms path:2=rm_7Xk2PqWz9a path:3=seats "
                "path:4=st_9aXk2PqWz7 ->\n",
                "1 body:/room_id -> 2 path:2", "1 body:/room_id -> 3 path:2",
                "2 body:/seat_id -> 3 path:4", "4 body:/room_id -> 5 path:2",
                "4 body:/room_id -> 6 path:2", "5 body:/seat_id -> 6 path:4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_that_looks_like_a_word_is_bound_as_the_others_are),
        cmocka_unit_test(an_id_of_a_long_list_is_bound_in_one_session),
        cmocka_unit_test(names_that_differ_between_users_are_bound),
        cmocka_unit_test(words_of_the_application_stay),
        cmocka_unit_test(an_id_below_an_id_is_bound_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
