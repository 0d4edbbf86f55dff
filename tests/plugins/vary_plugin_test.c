/* vary_plugin_test.c - the plugin as it is loaded: what requests look like behind it. */
#include "tests/plugins/module_fixture.h"

#include "plugins/vary/value.h"

static const char *body_of(struct module *m, uint64_t user, uint32_t step, const char *line,
                           const char *body)
{
    struct asked asked = module_request(m, step, line, body, NULL);
    assert_int_equal(module_ask(m, user, 1234567, &asked), REPRISE_CONTINUE);
    assert_int_equal(asked.request.body.ptr[asked.request.body.len], '\0');
    return asked.request.body.ptr;
}

static void all_other_bytes_stay(void **state)
{
    (void)state;
    struct module m;
    module_start(&m, "vary:set=/user/email=u{n}@x.org; /tags/*/id={seq}; /at=time_s; /ok={n}x");
    assert_string_equal(
        body_of(&m, 5, 0, "POST /a",
                "{ \"user\":{\"email\" : \"ada\\u0040shop.org\",\"n\":1.50},\r\n\t\"tags\":[ "
                "{\"id\":7}, {\"id\":\"8\"}], \"at\":1e3,\"ok\":true ,\"email\":\"x\"}\n"),
        "{ \"user\":{\"email\" : \"u5@x.org\",\"n\":1.50},\r\n\t\"tags\":[ "
        "{\"id\":2}, {\"id\":\"3\"}], \"at\":1700000001,\"ok\":\"5x\" ,\"email\":\"x\"}\n");
    assert_int_equal(module_counted(&m, "vary_values"), 5);
    assert_string_equal(body_of(&m, 5, 1, "POST /a", "no JSON {\"at\":1}"), "no JSON {\"at\":1}");
    assert_int_equal(module_counted(&m, "vary_missing"), 0);
    module_stop(&m);
}

static void equal_stays_equal_for_a_user(void **state)
{
    (void)state;
    struct module m, again;
    char first[400], second[400];
    const char *body = "{\"id\":\"one\",\"same\":\"one\",\"other\":\"two\"}";
    const char *spec = "vary:set=/id=uuid; /same=uuid; /other=uuid";
    module_start(&m, spec);
    module_start(&again, spec);
    snprintf(first, sizeof first, "%s", body_of(&m, 1, 0, "POST /a", body));
    assert_memory_equal(first + 7, first + 7 + 36 + 10, 36);         /* id and same */
    assert_memory_not_equal(first + 7, first + 7 + 36 * 2 + 21, 36); /* other */
    assert_int_equal(first[7 + 14], '4');
    assert_string_equal(body_of(&m, 1, 1, "POST /b", body), first);
    snprintf(second, sizeof second, "%s", body_of(&m, 2, 0, "POST /a", body));
    assert_string_not_equal(first, second);
    /* The same seed, another order. */
    assert_string_equal(body_of(&again, 2, 0, "POST /a", body), second);
    assert_string_equal(body_of(&again, 1, 0, "POST /a", body), first);
    module_stop(&m);
    module_stop(&again);
    module_start(&m, "vary:set=/id=hex16,scope=request");
    snprintf(first, sizeof first, "%s", body_of(&m, 1, 0, "POST /a", "{\"id\":\"one\"}"));
    assert_string_not_equal(body_of(&m, 1, 0, "POST /a", "{\"id\":\"one\"}"), first);
    module_stop(&m);
}

static void a_request_that_is_sent_again_keeps_its_values(void **state)
{
    (void)state;
    struct module m;
    char first[200];
    static const char *const recorded[] = {"X-Id: old", NULL};
    module_start(&m, "vary:set=/id=hex16; header:X-Id=hex8; query:q=hex8,scope=request");
    struct asked asked = module_request(&m, 0, "POST /a?q=1", "{\"id\":\"one\"}", recorded);
    module_ask(&m, 1, 0, &asked);
    snprintf(first, sizeof first, "%s %s %s", asked.request.url.ptr, module_header(&asked, "X-Id"),
             asked.request.body.ptr);
    assert_null(strstr(first, "old"));
    assert_null(strstr(first, "one"));
    asked.info.attempt = 1;
    module_ask(&m, 1, 1, &asked);
    char second[200];
    snprintf(second, sizeof second, "%s %s %s", asked.request.url.ptr,
             module_header(&asked, "X-Id"), asked.request.body.ptr);
    assert_string_equal(first, second);
    module_stop(&m);
}

static void forms_queries_and_headers(void **state)
{
    (void)state;
    struct module m;
    module_start(&m, "vary:set=form:e-mail=a b+{n}@x.org; query:n+x={n}&; header:X-New={n}-{seq}");
    struct asked asked = module_request(&m, 0, "POST /a?x=1&n%2Bx=old&y=#top",
                                        "a=1&e%2dmail=old%40&e-mail=&b", NULL);
    module_ask(&m, 3, 0, &asked);
    assert_string_equal(asked.request.body.ptr,
                        "a=1&e%2dmail=a%20b%2B3%40x.org&e-mail=a%20b%2B3%40x.org&b");
    assert_string_equal(asked.request.url.ptr, "http://target.test/a?x=1&n%2Bx=3%26&y=#top");
    char first[40];
    snprintf(first, sizeof first, "%s", module_header(&asked, "X-New"));
    asked = module_request(&m, 1, "GET /b", "", NULL);
    module_ask(&m, 3, 0, &asked);
    assert_string_not_equal(module_header(&asked, "X-New"), first); /* it was not recorded */
    module_stop(&m);
}

static void columns_come_from_data(void **state)
{
    (void)state;
    struct module m;
    module_start(&m, "vary:set=POST /a /email=data:email; POST /a /name=data:nick");
    m.columns[0][0] = "email";
    m.columns[0][1] = "\"ada\"@x.org";
    assert_string_equal(body_of(&m, 0, 0, "POST /a", "{\"email\":1,\"name\":\"bob\"}"),
                        "{\"email\":\"\\\"ada\\\"@x.org\",\"name\":\"bob\"}");
    assert_int_equal(module_counted(&m, "vary_missing"), 1);
    module_stop(&m);
}

static void what_is_not_there_is_counted_at_its_endpoint(void **state)
{
    (void)state;
    static const struct {
        const char *line, *body;
        uint64_t missing;
    } rows[] = {
        {"POST /orders", "{\"id\":1}", 0},
        {"POST /orders", "{\"no\":1}", 1},
        {"POST /orders", "not JSON", 1},
        {"POST /orders", "", 1},
        {"POST /orders", "{\"id\":{\"a\":1}}", 1},
        {"POST /other", "{\"no\":1}", 0},
        {"GET /orders", "", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct module m;
        module_start(&m, "vary:set=/id=uuid,on=POST /orders");
        const char *body = body_of(&m, 0, 0, rows[i].line, rows[i].body);
        if (module_counted(&m, "vary_missing") != rows[i].missing)
            fail_msg("%s %s", rows[i].line, rows[i].body);
        if (i)
            assert_string_equal(body, rows[i].body);
        module_stop(&m);
    }
}

static void emails_keep_their_domain(void **state)
{
    (void)state;
    struct module m;
    module_start(&m, "vary:set=/a=email; /b=email");
    const char *body = body_of(&m, 4, 0, "POST /", "{\"a\":\"ada@shop.test\",\"b\":\"bob\"}");
    assert_non_null(strstr(body, "@shop.test\""));
    assert_non_null(strstr(body, "@example.org\""));
    assert_memory_equal(body, "{\"a\":\"u4-", 9);
    module_stop(&m);
}

static void settings_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"vary", "option set is missing"},
        {"vary:set=;", "nothing is set"},
        {"vary:set=/a", "no PLACE=VALUE"},
        {"vary:set=a=uuid", "no place"},
        {"vary:set=/~=uuid", "no place"},
        {"vary:set=form:=uuid", "no place"},
        {"vary:set=header:A B=uuid", "'header:A B=uuid': no name of a header"},
        {"vary:set=header:A:=uuid", "no name of a header"},
        {"vary:set=header:Caf\xc3\xa9=uuid", "no name of a header"},
        {"vary:set=header:content-Length={seq}", "belongs to the connection"},
        {"vary:set=POST /a header:Transfer-Encoding=uuid", "belongs to the connection"},
        {"vary:set=header:Connection=uuid", "belongs to the connection"},
        {"vary:set=/a=uid", "no value; write email"},
        {"vary:set=/a={uid}", "{uid} is none of n, seq"},
        {"vary:set=/a={n", "a '{' is not closed"},
        {"vary:set=/a=hex999", "no value"},
        {"vary:set=/a=hex0", "no value"},
        {"vary:set=/a=uuid,on=orders", "is no endpoint"},
        {"vary:set=/a=uuid,scope=all", "user or request"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        module_refuses(rows[i][0], rows[i][1]);
}

static void times_are_of_the_calendar(void **state)
{
    (void)state;
    static const struct {
        int64_t unix_s;
        const char *text;
    } rows[] = {{0, "1970-01-01T00:00:00.000Z"},
                {951782400, "2000-02-29T00:00:00.000Z"},
                {1700000000, "2023-11-14T22:13:20.000Z"},
                {4107542399, "2100-02-28T23:59:59.000Z"},
                {4107542400, "2100-03-01T00:00:00.000Z"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct value_source source = {.unix_us = rows[i].unix_s * 1000000};
        struct text text = {.ptr = NULL};
        assert_int_equal(value_make("{time_iso}", &source, &text), 0);
        assert_string_equal(text.ptr, rows[i].text);
        text_fini(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_other_bytes_stay),
        cmocka_unit_test(equal_stays_equal_for_a_user),
        cmocka_unit_test(a_request_that_is_sent_again_keeps_its_values),
        cmocka_unit_test(forms_queries_and_headers),
        cmocka_unit_test(columns_come_from_data),
        cmocka_unit_test(what_is_not_there_is_counted_at_its_endpoint),
        cmocka_unit_test(emails_keep_their_domain),
        cmocka_unit_test(settings_that_do_not_fit_are_refused),
        cmocka_unit_test(times_are_of_the_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
