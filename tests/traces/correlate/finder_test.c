/* finder_test.c - small sessions in which it is known what comes from where, and what does not. */
#include "traces/correlate/finder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/random.h"
#include "tests/traces/correlate/story.h"

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

static void a_token_goes_from_the_login_into_every_header(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /auth/login 200 | body:/x=1 -> body:/access_token=eyJh.bGci.OiJIUzI1 "
                "body:/user/id=u_8f3a11c9\n"
                "2 GET /me 200 | header:Authorization=Bearer~eyJh.bGci.OiJIUzI1 -> "
                "body:/id=u_8f3a11c9\n"
                "3 GET /jobs 200 | header:Authorization=Bearer~eyJh.bGci.OiJIUzI1 ->\n",
                "1 body:/access_token -> 2 header:Authorization",
                "1 body:/access_token -> 3 header:Authorization");
}

static void an_id_comes_from_what_made_it_not_from_what_repeats_it(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /jobs 202 | body:/text=hello -> body:/id=job_8f3a11c9 body:/status=queued\n"
                "2 GET /jobs/{id} 200 | path:1=jobs path:2=job_8f3a11c9 -> body:/id=job_8f3a11c9\n"
                "3 GET /jobs/{id} 200 | path:1=jobs path:2=job_8f3a11c9 -> body:/id=job_8f3a11c9\n",
                "1 body:/id -> 2 path:2", "1 body:/id -> 3 path:2");
}

static void a_small_id_is_bound_by_its_name_and_the_resource(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /jobs 202 | body:/text=hello -> body:/id=7\n"
                "2 GET /jobs/{id} 200 | path:1=jobs path:2=7 -> body:/status=done\n",
                "1 body:/id -> 2 path:2");
}

static void what_is_equal_by_accident_is_not_bound(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /jobs 202 | body:/text=hello -> body:/id=2 body:/status=open\n"
                "2 GET /users 200 | query:page=2 query:status=open query:limit=2 -> body:/total=1\n"
                "3 GET /users/{id} 200 | path:1=users path:2=2 -> body:/version=1\n"
                "4 PUT /flags 200 | body:/enabled=1 body:/level=2 ->\n");
}

static void the_value_1_binds_only_where_names_say_so(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /carts 201 | body:/kind=1 -> body:/cart_id=1 body:/count=1 body:/page=1\n"
                "2 GET /items 200 | query:page=1 query:size=1 -> body:/total=1\n"
                "3 POST /orders 201 | body:/cart_id=1 body:/amount=1 ->\n",
                "1 body:/cart_id -> 3 body:/cart_id");
}

static void small_ids_are_bound_when_many_sessions_agree(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(1 << 20);
    struct story_found found;
    for (int i = 1; i <= 9; i++)
        buf_printf(&text,
                   "session %d user%d\n"
                   "%d POST /begin 200 | body:/a=b -> body:/seat=%d body:/row=3\n"
                   "%d POST /confirm 200 | body:/place=%d body:/lane=3 ->\n",
                   i, i, 2 * i - 1, 11 + i * 7, 2 * i, 11 + i * 7);
    story_tell(buf_text(&text), 0.5, &found);
    assert_int_equal(found.count, 9);
    assert_true(story_has(&found, "1 body:/seat -> 2 body:/place"));
    assert_true(story_has(&found, "17 body:/seat -> 18 body:/place"));
    story_found_fini(&found);
    buf_fini(&text);
}

/* Their pages have nothing in common, so no rule is seen twice. */
static void a_name_that_the_server_makes_up_is_known_by_the_other_users_one(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /contents 201 | body:/type=page -> body:/path=Untitled.page\n"
                "2 GET /pages/Untitled.page 200 | path:1=pages path:2=Untitled.page ->\n"
                "session 2 bob\n"
                "3 POST /contents 201 | body:/type=page -> body:/path=Untitled1.page\n"
                "4 GET /pages/Untitled1.page 200 | path:1=pages path:2=Untitled1.page ->\n",
                "1 body:/path -> 2 path:2", "3 body:/path -> 4 path:2");
    check_found("session 1 ann\n"
                "1 POST /contents 201 | body:/type=page -> body:/path=Untitled.page\n"
                "2 GET /pages/Untitled.page 200 | path:1=pages path:2=Untitled.page ->\n");
}

static void a_constant_of_all_users_is_not_bound(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(1 << 20);
    for (int i = 1; i <= 5; i++)
        buf_printf(&text,
                   "session %d user%d\n"
                   "%d GET /config 200 | -> body:/language=en body:/tenant=acme2 "
                   "body:/media=application/json\n"
                   "%d POST /items 201 | body:/lang=en body:/tenant_name=acme2 "
                   "body:/media_type=application/json ->\n",
                   i, i, 2 * i - 1, 2 * i);
    check_found(buf_text(&text));
    buf_fini(&text);
}

/* Of a catalogue that another target may have under other ids. */
static void an_id_that_all_users_have_is_bound_with_a_lower_score(void **state)
{
    (void)state;
    static const char text[] = "session 1 ann\n"
                               "1 GET /voices 200 | -> body:/items/0/id=vc_a81x99kq\n"
                               "2 GET /voices/{id} 200 | path:1=voices path:2=vc_a81x99kq ->\n"
                               "session 2 bob\n"
                               "3 GET /voices 200 | -> body:/items/0/id=vc_a81x99kq\n"
                               "4 GET /voices/{id} 200 | path:1=voices path:2=vc_a81x99kq ->\n";
    struct story_found found;
    check_found(text, "1 body:/items/0/id -> 2 path:2", "3 body:/items/0/id -> 4 path:2");
    story_tell(text, 0.7, &found);
    assert_int_equal(found.count, 0);
    story_found_fini(&found);
}

static void equal_ids_of_two_users_stay_apart(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /jobs 202 | -> body:/id=job_8f3a11c9\n"
                "2 GET /jobs/{id} 200 | path:2=job_8f3a11c9 ->\n"
                "session 2 bob\n"
                "3 GET /jobs/{id} 200 | path:2=job_8f3a11c9 ->\n"
                "4 POST /jobs 202 | -> body:/id=job_8f3a11c9\n"
                "5 GET /jobs/{id} 200 | path:2=job_8f3a11c9 ->\n",
                "1 body:/id -> 2 path:2");
}

static void an_id_in_an_array_is_found_at_its_index(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET /voices 200 | query:limit=3 -> body:/items/0/id=vc_a81x99kq "
                "body:/items/1/id=vc_bb72kk1m body:/items/2/id=vc_0zz91pq2\n"
                "2 GET /voices/{id} 200 | path:1=voices path:2=vc_bb72kk1m -> "
                "body:/id=vc_bb72kk1m header:ETag=\"abcd1234ef\"\n"
                "3 GET /voices/{id} 304 | path:1=voices path:2=vc_bb72kk1m "
                "header:If-None-Match=\"abcd1234ef\" ->\n",
                "1 body:/items/1/id -> 2 path:2", "1 body:/items/1/id -> 3 path:2",
                "2 header:ETag -> 3 header:If-None-Match");
}

static void a_place_without_an_index_is_preferred(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /uploads 201 | -> body:/id=up_77aa12bc34\n"
                "2 GET /uploads 200 | -> body:/items/0/id=up_77aa12bc34\n"
                "3 GET /uploads/{id} 200 | path:1=uploads path:2=up_77aa12bc34 ->\n",
                "1 body:/id -> 3 path:2");
}

static void the_pages_of_an_application_are_no_values(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET / 200 | -> html:href[/static/js/mainContent.js]~>~path:1=static "
                "html:href[/static/js/mainContent.js]~>~path:3=mainContent.js "
                "html:href[/about]~>~path:1=about\n"
                "2 GET /static/js/mainContent.js 200 | path:1=static path:2=js "
                "path:3=mainContent.js ->\n"
                "3 GET /about 200 | path:1=about ->\n");
}

static void where_a_post_sends_the_client_is_followed(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /contents 201 | -> header:Location~>~path:2=Untitled.ipynb\n"
                "2 GET /contents/Untitled.ipynb 200 | path:1=contents path:2=Untitled.ipynb ->\n",
                "1 header:Location > path:2 -> 2 path:2");
}

static void of_two_lists_the_later_one_was_looked_at(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET /voices 200 | -> body:/items/0/id=vc_a81x99kq body:/items/1/id=vc_bb72kk1m\n"
                "2 GET /voices/{id} 200 | path:2=vc_a81x99kq ->\n"
                "3 GET /voices/{id} 200 | path:2=vc_a81x99kq ->\n"
                "4 GET /search 200 | query:q=tea -> body:/items/0/id=vc_bb72kk1m\n"
                "5 GET /voices/{id} 200 | path:2=vc_bb72kk1m ->\n",
                "1 body:/items/0/id -> 2 path:2", "1 body:/items/0/id -> 3 path:2",
                "4 body:/items/0/id -> 5 path:2");
}

static void a_version_is_one_of_the_same_page(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET /a.css 200 | -> header:Last-Modified=Sat,~21~Nov~2026~17:51:54~GMT\n"
                "2 GET /b.css 200 | -> header:Last-Modified=Sat,~21~Nov~2026~17:51:54~GMT\n"
                "3 GET /b.css 304 | header:If-Modified-Since=Sat,~21~Nov~2026~17:51:54~GMT ->\n"
                "4 GET /c.css 304 | header:If-Modified-Since=Sat,~21~Nov~2026~17:51:54~GMT ->\n",
                "2 header:Last-Modified -> 3 header:If-Modified-Since");
}

static void among_small_ids_in_an_array_nothing_is_guessed(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(1 << 20);
    buf_append_text(&text, "session 1 ann\n1 GET /rows 200 | -> ");
    for (int i = 0; i < 50; i++)
        buf_printf(&text, "body:/items/%d/id=%d ", i, i + 1);
    buf_append_text(&text, "\n2 GET /report 200 | query:days=30 query:width=12 ->\n");
    check_found(buf_text(&text));
    buf_fini(&text);
}

static void a_token_renewed_in_mid_session_is_the_latest_one(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /auth/login 200 | -> body:/access_token=tokA81xxPq93kd body:/refresh_token="
                "refA77bb12ccdd\n"
                "2 GET /me 200 | header:Authorization=Bearer~tokA81xxPq93kd ->\n"
                "3 POST /auth/refresh 200 | body:/refresh_token=refA77bb12ccdd -> "
                "body:/access_token=tokB11yyQr04le body:/refresh_token=refB22cc99aabb\n"
                "4 GET /me 200 | header:Authorization=Bearer~tokB11yyQr04le ->\n"
                "5 POST /auth/refresh 200 | body:/refresh_token=refB22cc99aabb -> "
                "body:/access_token=tokC93zzRs15mf\n"
                "6 GET /me 200 | header:Authorization=Bearer~tokC93zzRs15mf ->\n",
                "1 body:/access_token -> 2 header:Authorization",
                "1 body:/refresh_token -> 3 body:/refresh_token",
                "3 body:/access_token -> 4 header:Authorization",
                "3 body:/refresh_token -> 5 body:/refresh_token",
                "5 body:/access_token -> 6 header:Authorization");
}

static void an_answer_that_has_not_ended_gives_nothing(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /jobs 202 | -> @2 body:/id=job_8f3a11c9\n"
                "2 GET /jobs/{id} 200 | path:2=job_8f3a11c9 ->\n"
                "3 GET /jobs/{id} 200 | path:2=job_8f3a11c9 ->\n"
                "session 2 bob\n"
                "4 POST /jobs 202 | -> @1 body:/id=job_1234abcd\n"
                "5 GET /health 200 | ->\n"
                "6 GET /jobs/{id} 200 | path:2=job_1234abcd ->\n",
                "4 body:/id -> 6 path:2");
}

static void values_with_the_characters_of_regular_expressions_are_values(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET /form 200 | -> html:input[csrf]=a(b+c)*[d]$^x81q9.?\n"
                "2 POST /form 303 | form:csrf%=a(b+c)*[d]$^x81q9.? ->\n",
                "1 html:input[csrf] -> 2 form:csrf as percent");
}

static void a_value_inside_a_longer_one_is_found(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /clips 201 | -> body:/id=f81xk29qpa body:/owner=u_5519aacc\n"
                "2 GET /files/{id}.wav 200 | path:1=files path:2=f81xk29qpa.wav ->\n"
                "3 POST /events 204 | body:/topic=user:u_5519aacc/clip:f81xk29qpa ->\n",
                "1 body:/id -> 2 path:2", "1 body:/id -> 3 body:/topic",
                "1 body:/owner -> 3 body:/topic");
}

static void other_forms_of_a_value_are_found(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET /start 200 | -> body:/token=ab/cd=ef81x9+q cookie:XSRF=k91%2Fzz81xpq \n"
                "2 GET /next 200 | header:X-Token=ab%2Fcd%3Def81x9%2Bq "
                "query:t=YWIvY2Q9ZWY4MXg5K3E= query:u=61622f63643d6566383178392b71 ->\n",
                "1 body:/token -> 2 header:X-Token as percent",
                "1 body:/token -> 2 query:t as base64", "1 body:/token -> 2 query:u as hex");
}

static void a_cookie_that_the_target_set_is_the_jars(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET /login 200 | -> cookie:_xsrf=2|81aa|99bb1c\n"
                "2 POST /login 302 | cookie:_xsrf=2|81aa|99bb1c form:_xsrf=2|81aa|99bb1c ->\n",
                "1 cookie:_xsrf -> 2 form:_xsrf");
}

static void what_a_client_made_is_fresh_and_equal_where_it_was_equal(void **state)
{
    (void)state;
    check_found(
        "session 1 ann\n"
        "1 POST /orders 201 | header:X-Request-Id=3f2b8c1e-90ab-4cde-8f01-23456789abcd "
        "body:/idempotency_key=8c1e3f2b90ab4cde8f0123456789abcd -> "
        "body:/request_id=3f2b8c1e-90ab-4cde-8f01-23456789abcd\n"
        "2 POST /trace 204 | body:/parent=3f2b8c1e-90ab-4cde-8f01-23456789abcd "
        "body:/client_time=1700000002 query:_=1700000002123 "
        "body:/at=2023-11-14T22:13:22Z body:/expires=1700000102 ->\n"
        "session 2 bob\n"
        "3 POST /orders 201 | header:X-Request-Id=11112222-90ab-4cde-8f01-23456789abcd ->\n",
        "1 new:uuid -> 1 header:X-Request-Id", "1 new:hex -> 1 body:/idempotency_key",
        "1 new:uuid -> 2 body:/parent", "2 new:time_s -> 2 body:/client_time",
        "2 new:time_ms -> 2 query:_", "2 new:time_iso -> 2 body:/at",
        "3 new:uuid -> 3 header:X-Request-Id");
}

/* An id in a body is the client's where something was created by it; else it may be of a page that
 * was not recorded. */
static void an_id_that_nothing_gave_is_new_only_where_it_is_created(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /notes 201 | body:/id=3f2b8c1e-90ab-4cde-8f01-23456789abcd ->\n"
                "2 POST /carts 200 | body:/id=77778c1e-90ab-4cde-8f01-23456789abcd ->\n"
                "3 GET /notes/{id} 200 | path:2=3f2b8c1e-90ab-4cde-8f01-23456789abcd ->\n",
                "1 new:uuid -> 1 body:/id", "1 new:uuid -> 3 path:2");
}

static void two_values_of_a_kind_in_one_request_are_both_new(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /batch 200 | body:/a/nonce=3f2b8c1e-90ab-4cde-8f01-23456789abcd "
                "body:/b/nonce=77778c1e-90ab-4cde-8f01-23456789abcd ->\n",
                "1 new:uuid -> 1 body:/a/nonce", "1 new:uuid -> 1 body:/b/nonce");
}

/* All of its ends that fit into a line; the binding has the whole place. */
static void a_place_deep_in_json_is_shortened_in_the_report(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(1 << 20), place = BUF_INIT(1 << 20);
    struct story_found found;
    for (int i = 0; i < 60; i++)
        buf_append_text(&place, i % 2 ? "/t\xc3\xa4ler" : "/deep");
    buf_printf(&text,
               "session 1 ann\n1 POST /jobs 202 | body:/a=b -> body:%s/id=job_8f3a11c9\n"
               "2 GET /jobs/{id} 200 | path:1=jobs path:2=job_8f3a11c9 ->\n",
               buf_text(&place));
    story_tell(buf_text(&text), 0.5, &found);
    assert_int_equal(found.count, 1);
    assert_non_null(strstr(buf_text(&found.lines), buf_text(&place)));
    struct bytes rest = buf_bytes(&found.report), line;
    bool is_there = false;
    while (bytes_split(&rest, '\n', &line)) {
        assert_true(line.len < 200);
        is_there |= memmem(line.ptr, line.len, "POST /jobs body:/deep/t\xc3\xa4ler/", 29) &&
                    memmem(line.ptr, line.len, "...", 3) && memmem(line.ptr, line.len, "/id ", 4);
    }
    assert_true(is_there);
    story_found_fini(&found);
    buf_fini(&place);
    buf_fini(&text);
}

static void a_message_is_told_by_what_its_sender_made(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET /ws/live 101 | ws:1~>~body:/ref=3f2504e0-4f89-41d3-9a0c-0305e82c3301 ->\n"
                "2 POST /pay 200 | body:/ref=7d444840-9dc0-41d1-b245-5ffdce74fad2 ->\n",
                "1 new:uuid -> 1 ws:1 > body:/ref");
}

static void a_uuid_that_all_users_have_is_a_constant(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET /a 200 | query:client_id=3f2b8c1e-90ab-4cde-8f01-23456789abcd ->\n"
                "session 2 bob\n"
                "2 GET /a 200 | query:client_id=3f2b8c1e-90ab-4cde-8f01-23456789abcd ->\n");
}

static void a_signup_has_a_new_address_and_its_login_the_same(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /auth/signup 201 | body:/email=ann@shop.test body:/password=longenough "
                "body:/name=Ann -> body:/email=ann@shop.test body:/id=u_8812aabb\n"
                "2 POST /auth/login 200 | body:/email=ann@shop.test body:/password=longenough -> "
                "body:/user/email=ann@shop.test\n",
                "1 new:email -> 1 body:/email", "1 new:email -> 2 body:/email");
}

static void a_login_without_a_signup_is_a_row_of_data(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /login 200 | form:username=ann81 form:password=s3cret_of_ann -> "
                "body:/user=ann81\n"
                "2 GET /users/{id}/mail 200 | path:2=ann81 ->\n"
                "session 2 bob\n"
                "3 POST /login 200 | form:email=bob@shop.test form:password=s3cret_of_bob ->\n",
                "1 data:username -> 1 form:username", "1 data:password -> 1 form:password",
                "1 data:username -> 2 path:2", "3 data:email -> 3 form:email",
                "3 data:password -> 3 form:password");
}

static void basic_authentication_is_two_columns(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET /a 200 | header:Authorization=Basic~YW5uODE6czNjcmV0 ->\n"
                "2 GET /b 200 | header:Authorization=Basic~YW5uODE6czNjcmV0 ->\n",
                "1 data:username -> 1 header:Authorization as base64",
                "1 data:password -> 1 header:Authorization as base64",
                "1 data:username -> 2 header:Authorization as base64",
                "1 data:password -> 2 header:Authorization as base64");
}

static void a_second_account_is_another_column(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 POST /login 200 | body:/email=ann@a.test body:/password=s3cret_of_ann ->\n"
                "2 POST /login 200 | body:/email=bob@a.test body:/password=s3cret_of_bob ->\n",
                "1 data:email -> 1 body:/email", "1 data:password -> 1 body:/password",
                "2 data:email_2 -> 2 body:/email", "2 data:password_2 -> 2 body:/password");
}

static void a_name_that_is_all_there_is_names_the_user(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 PUT /-/user/{id} 201 | path:3=org.couchdb.user:ann81 body:/name=ann81 "
                "body:/password=longenough -> body:/token=npm_81xkq9021\n"
                "2 GET /whoami 200 | header:Authorization=Bearer~npm_81xkq9021 ->\n",
                "1 new:text -> 1 body:/name", "1 new:text -> 1 path:3",
                "1 body:/token -> 2 header:Authorization");
}

static void credentials_from_before_the_recording_are_left_and_said(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET /me 200 | header:Authorization=Bearer~old.tok81xkq90xx "
                "cookie:sid=81aabb2399ccdd -> body:/name=ann\n");
}

static void words_of_a_text_come_from_nowhere(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET /search 200 | query:q=coffee -> body:/items/0/title=meeting "
                "body:/items/1/title=Good~morning body:/items/0/kind=voice\n"
                "2 POST /turns 200 | body:/text=What~is~the~meeting~about? body:/kind=voice -> "
                "body:/reply=What~is~next?\n"
                "3 GET /search 200 | query:q=meeting -> \n");
}

static void a_websocket_message_gives_and_takes(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET /ws/live 101 | query:token=abc -> ws:/type=ready~>~body:/session="
                "s_99aa81xk\n"
                "1 GET /ws/live 101 | ws:1~>~body:/session=s_99aa81xk ws:1~>~body:/type=start ->\n",
                "1 ws:/type=ready > body:/session -> 1 ws:1 > body:/session");
}

/* Ten sessions; the tenth has nothing of its own to go by. */
static void a_rule_of_nine_sessions_holds_in_the_tenth(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(1 << 20);
    struct story_found found;
    for (int i = 1; i <= 10; i++)
        buf_printf(&text,
                   "session %d user%d\n"
                   "%d POST /open 200 | -> body:/window=%d body:/left=%d\n"
                   "%d POST /draw 200 | body:/target=%d ->\n",
                   i, i, 2 * i - 1, i == 10 ? 12 : 4000 + i * 37, i == 10 ? 12 : 800 + i * 11,
                   2 * i, i == 10 ? 12 : 4000 + i * 37);
    story_tell(buf_text(&text), 0.5, &found);
    assert_true(story_has(&found, "19 body:/window -> 20 body:/target"));
    assert_int_equal(found.count, 10);
    story_found_fini(&found);
    buf_fini(&text);
}

/* --- planted ------------------------------------------------------------------------------ */

static void put_random(struct random *random, struct buf *out, int len)
{
    static const char digits[] = "abcdefghijkmnpqrstuvwxyz23456789";
    for (int i = 0; i < len; i++)
        buf_append_char(out, digits[random_below(random, 32)]);
}

/* Each session: a few answers with a planted value of ten characters and noise of small numbers
 * and words, then requests that carry some of the planted values, and noise from the same words. */
static void plant(struct random *random, int session, int64_t *next_id, struct buf *text,
                  struct buf *wanted)
{
    static const char *const words[] = {"en", "open", "1",    "2",    "7",
                                        "10", "20",   "true", "home", "list"};
    char planted[4][16];
    int64_t born[4];
    buf_printf(text, "session %d user%d\n", session, session);
    for (int i = 0; i < 4; i++) {
        struct buf value = BUF_INIT(64);
        put_random(random, &value, 10);
        snprintf(planted[i], sizeof planted[i], "%s", buf_text(&value));
        buf_fini(&value);
        born[i] = (*next_id)++;
        buf_printf(text,
                   "%lld POST /step%d 200 | body:/mode=%s -> body:/handle%d=%s body:/size=%s "
                   "body:/list/0/n=%s\n",
                   (long long)born[i], i, words[random_below(random, 10)], i, planted[i],
                   words[random_below(random, 10)], words[random_below(random, 10)]);
    }
    for (int i = 0; i < 6; i++) {
        uint64_t which = random_below(random, 4);
        int64_t id = (*next_id)++;
        buf_printf(text, "%lld POST /use%d 200 | body:/ref=%s body:/page=%s query:view=%s ->\n",
                   (long long)id, (int)random_below(random, 3), planted[which],
                   words[random_below(random, 10)], words[random_below(random, 10)]);
        buf_printf(wanted, "%lld body:/handle%d -> %lld body:/ref\n", (long long)born[which],
                   (int)which, (long long)id);
    }
}

static void what_was_planted_is_found_and_nothing_else(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct random random;
        struct buf text = BUF_INIT(1 << 20), wanted = BUF_INIT(1 << 20);
        struct story_found found;
        int64_t next_id = 1;
        random_init(&random, seed, 0);
        for (int session = 1; session <= 1 + (int)(seed % 12); session++)
            plant(&random, session, &next_id, &text, &wanted);
        story_tell(buf_text(&text), 0.5, &found);
        struct bytes rest = buf_bytes(&wanted), line;
        size_t count = 0;
        while (bytes_split(&rest, '\n', &line)) {
            char one[128];
            snprintf(one, sizeof one, "%.*s", BYTES_ARG(line));
            if (line.len && !story_has(&found, one))
                fail_msg("seed %llu: not found: %s; found are:\n%s\nof:\n%s",
                         (unsigned long long)seed, one, buf_text(&found.lines), buf_text(&text));
            count += line.len > 0;
        }
        if (found.count != count)
            fail_msg("seed %llu: %zu found, %zu planted:\n%s", (unsigned long long)seed,
                     found.count, count, buf_text(&found.lines));
        story_found_fini(&found);
        buf_fini(&text);
        buf_fini(&wanted);
    }
}

/* By its whole path, and by what comes before the word that is another in each session. */
static void a_links_parameter_is_bound_by_what_all_sessions_paths_have(void **state)
{
    (void)state;
    check_found("session 1 ann\n"
                "1 GET /mail 200 | -> html:href[/verify/ann?]~>~query:t=T1a2b3c4d5e6 "
                "html:href[/verify/]~>~query:t=T1a2b3c4d5e6\n"
                "2 POST /confirm 200 | body:/t=T1a2b3c4d5e6 ->\n"
                "session 2 bob\n"
                "3 GET /mail 200 | -> html:href[/verify/bob?]~>~query:t=T9z8y7x6w5v4 "
                "html:href[/verify/]~>~query:t=T9z8y7x6w5v4\n"
                "4 POST /confirm 200 | body:/t=T9z8y7x6w5v4 ->\n",
                "1 html:href[/verify/] > query:t -> 2 body:/t",
                "3 html:href[/verify/] > query:t -> 4 body:/t");
    /* The same path in all: it is the name that does not count other links. */
    check_found("session 1 ann\n"
                "1 GET /jobs 200 | -> html:href[/my/jobs?]~>~query:next=T1a2b3c4d5e6 "
                "html:href[/my/]~7~>~query:next=T1a2b3c4d5e6\n"
                "2 GET /my/jobs 200 | query:next=T1a2b3c4d5e6 ->\n"
                "session 2 bob\n"
                "3 GET /jobs 200 | -> html:href[/my/jobs?]~>~query:next=T9z8y7x6w5v4 "
                "html:href[/my/]~7~>~query:next=T9z8y7x6w5v4\n"
                "4 GET /my/jobs 200 | query:next=T9z8y7x6w5v4 ->\n",
                "1 html:href[/my/jobs?] > query:next -> 2 query:next",
                "3 html:href[/my/jobs?] > query:next -> 4 query:next");
    check_found("session 1 ann\n"
                "1 GET /mail 200 | -> html:href[/verify/ann?]~>~query:t=T1a2b3c4d5e6 "
                "html:href[/verify/]~>~query:t=T1a2b3c4d5e6\n"
                "2 POST /confirm 200 | body:/t=T1a2b3c4d5e6 ->\n",
                "1 html:href[/verify/] > query:t -> 2 body:/t");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_deep_in_json_is_shortened_in_the_report),
        cmocka_unit_test(a_message_is_told_by_what_its_sender_made),
        cmocka_unit_test(a_token_goes_from_the_login_into_every_header),
        cmocka_unit_test(an_id_comes_from_what_made_it_not_from_what_repeats_it),
        cmocka_unit_test(a_small_id_is_bound_by_its_name_and_the_resource),
        cmocka_unit_test(what_is_equal_by_accident_is_not_bound),
        cmocka_unit_test(the_value_1_binds_only_where_names_say_so),
        cmocka_unit_test(small_ids_are_bound_when_many_sessions_agree),
        cmocka_unit_test(a_name_that_the_server_makes_up_is_known_by_the_other_users_one),
        cmocka_unit_test(a_constant_of_all_users_is_not_bound),
        cmocka_unit_test(an_id_that_all_users_have_is_bound_with_a_lower_score),
        cmocka_unit_test(equal_ids_of_two_users_stay_apart),
        cmocka_unit_test(an_id_in_an_array_is_found_at_its_index),
        cmocka_unit_test(a_place_without_an_index_is_preferred),
        cmocka_unit_test(the_pages_of_an_application_are_no_values),
        cmocka_unit_test(where_a_post_sends_the_client_is_followed),
        cmocka_unit_test(of_two_lists_the_later_one_was_looked_at),
        cmocka_unit_test(a_version_is_one_of_the_same_page),
        cmocka_unit_test(among_small_ids_in_an_array_nothing_is_guessed),
        cmocka_unit_test(a_token_renewed_in_mid_session_is_the_latest_one),
        cmocka_unit_test(an_answer_that_has_not_ended_gives_nothing),
        cmocka_unit_test(values_with_the_characters_of_regular_expressions_are_values),
        cmocka_unit_test(a_value_inside_a_longer_one_is_found),
        cmocka_unit_test(other_forms_of_a_value_are_found),
        cmocka_unit_test(a_cookie_that_the_target_set_is_the_jars),
        cmocka_unit_test(what_a_client_made_is_fresh_and_equal_where_it_was_equal),
        cmocka_unit_test(an_id_that_nothing_gave_is_new_only_where_it_is_created),
        cmocka_unit_test(two_values_of_a_kind_in_one_request_are_both_new),
        cmocka_unit_test(a_uuid_that_all_users_have_is_a_constant),
        cmocka_unit_test(a_signup_has_a_new_address_and_its_login_the_same),
        cmocka_unit_test(a_login_without_a_signup_is_a_row_of_data),
        cmocka_unit_test(a_name_that_is_all_there_is_names_the_user),
        cmocka_unit_test(basic_authentication_is_two_columns),
        cmocka_unit_test(a_second_account_is_another_column),
        cmocka_unit_test(credentials_from_before_the_recording_are_left_and_said),
        cmocka_unit_test(words_of_a_text_come_from_nowhere),
        cmocka_unit_test(a_websocket_message_gives_and_takes),
        cmocka_unit_test(a_rule_of_nine_sessions_holds_in_the_tenth),
        cmocka_unit_test(what_was_planted_is_found_and_nothing_else),
        cmocka_unit_test(a_links_parameter_is_bound_by_what_all_sessions_paths_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
