/* place_visit_test.c - the values of messages with their places, each found again by its place. */
#include "traces/places/place_visit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/core/guard.h"

enum { MAX_LISTED = 64 * 1024 };

static struct place_scratch *visiting, *finding;

struct visited {
    const struct message_view *message;
    struct buf lines; /* "place = value", one for each */
    size_t count, limit;
};

static int set_up(void **state)
{
    (void)state;
    visiting = place_scratch_new();
    finding = place_scratch_new();
    return visiting && finding ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    place_scratch_free(visiting);
    place_scratch_free(finding);
    return 0;
}

/* A place that has its own value in it would find no other. */
static void check_is_before_its_value(const struct place *place)
{
    struct bytes prefix = place->steps[0].name;
    uint32_t slashes = 0;
    if (place->step_count < 2 || place->steps[0].kind != PLACE_HTML_HREF ||
        place->steps[1].kind != PLACE_PATH)
        return;
    for (size_t i = 0; i < prefix.len; i++)
        slashes += prefix.ptr[i] == '/';
    assert_true(prefix.len && prefix.ptr[prefix.len - 1] == '/');
    assert_true(slashes <= place->steps[1].number);
}

static void check_found(const struct visited *visited, const struct place_value *value,
                        struct bytes line)
{
    struct place place;
    struct error err;
    if (place_parse(line, visited->message->side, &place, &err))
        fail_msg("%.*s: %s", BYTES_ARG(line), err.text);
    assert_true(place_equal(&place, value->place));
    check_is_before_its_value(&place);
    struct bytes found = place_find(&place, visited->message, finding);
    if (!found.ptr || !bytes_equal(found, value->text))
        fail_msg("%.*s: visited '%.*s', found '%.*s'", BYTES_ARG(line), BYTES_ARG(value->text),
                 BYTES_ARG(found));
    if (visited->message->side == PLACE_IN_REQUEST && value->written.ptr) {
        enum place_writing writing;
        struct bytes written = place_locate(&place, visited->message, &writing);
        assert_ptr_equal(written.ptr, value->written.ptr);
        assert_int_equal(written.len, value->written.len);
        assert_int_equal(writing, value->writing);
    }
}

static int note(void *owner, const struct place_value *value)
{
    struct visited *visited = owner;
    struct buf place = BUF_INIT(PLACE_MAX_BYTES);
    place_format(value->place, &place);
    check_found(visited, value, buf_bytes(&place));
    buf_printf(&visited->lines, "%s = %.*s\n", buf_text(&place), BYTES_ARG(value->text));
    buf_fini(&place);
    return ++visited->count == visited->limit ? 7 : 0;
}

/* "GET /a?b" for a request, or "" for an answer; header lines; the body, placed so that one byte
 * too far crashes. */
static struct message_view message_of(const char *target, const char *headers, struct bytes body)
{
    static struct http_header list[64];
    static struct guard guard;
    struct bytes rest = bytes_of(headers), line;
    struct message_view message = {.side = *target ? PLACE_IN_REQUEST : PLACE_IN_ANSWER,
                                   .target = bytes_of(target),
                                   .headers = list};
    if (!guard.pages)
        guard_init(&guard, 1 << 20);
    while (bytes_split(&rest, '\n', &line)) {
        size_t colon = bytes_index_of(line, ':');
        if (colon < line.len)
            list[message.header_count++] = (struct http_header){
                bytes_make(line.ptr, colon), bytes_trim(bytes_from(line, colon + 1))};
    }
    message.body = guard_place(&guard, body);
    return message;
}

static void expect_bytes(const char *target, const char *headers, struct bytes body,
                         const char *wanted)
{
    struct message_view message = message_of(target, headers, body);
    struct visited visited = {.message = &message, .lines = BUF_INIT(1 << 20)};
    assert_int_equal(place_visit(&message, visiting, note, &visited), 0);
    if (strcmp(buf_text(&visited.lines), wanted) != 0)
        fail_msg("wanted:\n%s\nfound:\n%s", wanted, buf_text(&visited.lines));
    buf_fini(&visited.lines);
}

static void expect(const char *target, const char *headers, const char *body, const char *wanted)
{
    expect_bytes(target, headers, bytes_of(body), wanted);
}

static void the_head_of_a_request_is_visited(void **state)
{
    (void)state;
    expect("/jobs/17/a%20b/?id=1&id=x%2Fy+z&flag&=3",
           "Host: h\nCookie: a=1; b=x=y; a=2\nX-A: q\nx-a: r\nCookie: a=3", "",
           "path:1 = jobs\npath:2 = 17\npath:3 = a b\nquery:id = 1\nquery:id 2 = x/y z\n"
           "header:Host = h\ncookie:a = 1\ncookie:b = x=y\ncookie:a 2 = 2\nheader:X-A = q\n"
           "header:x-a 2 = r\ncookie:a 3 = 3\n");
    expect("http://h:80/p?q=1#f", "", "", "path:1 = p\nquery:q = 1\n");
    expect("*", "", "", "path:1 = *\n");
}

static void json_is_visited_leaf_by_leaf(void **state)
{
    (void)state;
    expect("/", "Content-Type: application/json",
           "{\"jobs\":[{\"id\":17,\"ok\":true,\"none\":null},{\"id\":\"a\\nb\"}],\"a/b\":\"~\","
           "\"\":{},\"e\":\"\"}",
           "header:Content-Type = application/json\nbody:/jobs/0/id = 17\nbody:/jobs/0/ok = true\n"
           "body:/jobs/1/id = a\nb\nbody:/a~1b = ~\n");
    expect("/", "", "\"alone\"", "text:\"\" \"\" = \"alone\"\n");
    expect("/", "Content-Type: text/json", "\"alone\"",
           "header:Content-Type = text/json\nbody: = alone\n");
    /* Of a name that stands twice the first counts, as for place_find(). */
    expect("/", "",
           "{\"id\":\"A\",\"id\":\"B\",\"o\":{\"x\":1},\"o\":{\"x\":2,\"y\":3},\"n\":null,\"n\":4}",
           "body:/id = A\nbody:/o/x = 1\nbody:/o/y = 3\n");
    expect("/", "", "[1,[2,{\"x > y\":3}]]",
           "body:/0 = 1\nbody:/1/0 = 2\nbody:\"/1/1/x > y\" = 3\n");
}

static void forms_are_visited(void **state)
{
    (void)state;
    expect("/", "Content-Type: application/x-www-form-urlencoded",
           "a=1&b=x%26y+z&a=2&&c&user%5Bname%5D=n",
           "header:Content-Type = application/x-www-form-urlencoded\nform:a = 1\nform:b = x&y z\n"
           "form:a 2 = 2\nform:user%5Bname%5D = n\n");
}

static void the_head_of_an_answer_is_visited_and_what_is_in_it(void **state)
{
    (void)state;
    expect("", "Location: /jobs/17?token=a%2Bb\nETag: \"4f\"", "",
           "header:Location = /jobs/17?token=a%2Bb\nheader:Location > path:1 = jobs\n"
           "header:Location > path:2 = 17\nheader:Location > query:token = a+b\n"
           "header:ETag = \"4f\"\n");
    expect("", "Set-Cookie: sid=1; Path=/x; Max-Age=9\nSet-Cookie: t=\nset-cookie: sid=2", "",
           "cookie:sid = 1\ncookie:sid > param:Path = /x\ncookie:sid > param:Path > path:1 = "
           "x\ncookie:sid > param:Max-Age = 9\n"
           "cookie:sid 2 = 2\n");
    expect("", "Link: </a?page=2>; rel=\"next last\", </b>; rel=prev\nLink: </c>; rel=next", "",
           "header:Link = </a?page=2>; rel=\"next last\", </b>; rel=prev\n"
           "header:Link > link:next = /a?page=2\nheader:Link > link:next > path:1 = a\n"
           "header:Link > link:next > query:page = 2\n"
           "header:Link > link:last = /a?page=2\nheader:Link > link:last > path:1 = a\n"
           "header:Link > link:last > query:page = 2\n"
           "header:Link > link:prev = /b\nheader:Link > link:prev > path:1 = b\n"
           "header:Link 2 = </c>; rel=next\nheader:Link 2 > link:next = /c\n"
           "header:Link 2 > link:next > path:1 = c\n");
    expect("", "WWW-Authenticate: Digest realm=\"a \\\"b\\\"\", nonce=4f2, qop=auth", "",
           "header:WWW-Authenticate = Digest realm=\"a \\\"b\\\"\", nonce=4f2, qop=auth\n"
           "header:WWW-Authenticate > param:realm = a \"b\"\n"
           "header:WWW-Authenticate > param:nonce = 4f2\n"
           "header:WWW-Authenticate > param:qop = auth\n");
    expect("", "Content-Disposition: attachment; filename=\"a b.wav\"", "",
           "header:Content-Disposition = attachment; filename=\"a b.wav\"\n"
           "header:Content-Disposition > param:filename = a b.wav\n");
}

static void what_is_inside_a_value_is_visited(void **state)
{
    (void)state;
    /* {"alg":"HS256"} . {"sub":"u-17","adm":false} . signature */
    expect("", "", "{\"token\":\"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1LTE3IiwiYWRtIjpmYWxzZX0.c2ln\"}",
           "body:/token = eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1LTE3IiwiYWRtIjpmYWxzZX0.c2ln\n"
           "body:/token > jwt:/sub = u-17\nbody:/token > jwt:/adm = false\n");
    expect("", "", "{\"p\":\"{\\\"id\\\":\\\"a\\\\tb\\\"}\"}",
           "body:/p = {\"id\":\"a\\tb\"}\nbody:/p > body:/id = a\tb\n");
    expect("", "", "{\"b\":\"eyJpZCI6ImEgYiBjIn0=\"}",
           "body:/b = eyJpZCI6ImEgYiBjIn0=\nbody:/b > base64: = {\"id\":\"a b c\"}\n"
           "body:/b > base64: > body:/id = a b c\n");
    expect("", "Set-Cookie: XSRF-TOKEN=eyJ%3D", "",
           "cookie:XSRF-TOKEN = eyJ%3D\ncookie:XSRF-TOKEN > percent: = eyJ=\n");
    expect("", "", "{\"next\":\"http://h/a/%32?c=x+y&c=2\"}",
           "body:/next = http://h/a/%32?c=x+y&c=2\nbody:/next > path:1 = a\n"
           "body:/next > path:2 = 2\nbody:/next > query:c = x y\nbody:/next > query:c 2 = 2\n");
}

static void html_is_visited(void **state)
{
    (void)state;
    expect("", "Content-Type: text/html",
           "<!doctype html><meta name=csrf-token content='a&amp;b'><meta property=og:id content=7>"
           "<!-- <input name=no value=1> --><form action=\"/jobs/17?x=1&amp;y=2\">"
           "<input type=hidden name=\"user[id]\" value=u&#x31;><INPUT NAME=q VALUE=''>"
           "<select name=s><option value=1>one<option selected>two</select>"
           "<textarea name=t>\nx &lt; y</textarea><div data-job-id=9 data-x></div>"
           "<a href=/jobs/18>x</a><a href=/jobs/17>x</a><a href=/new>x</a>",
           "header:Content-Type = text/html\nhtml:meta[csrf-token] = a&b\nhtml:meta[og:id] = 7\n"
           "html:href[/jobs/] = /jobs/17?x=1&y=2\nhtml:href[/] > path:1 = jobs\n"
           "html:href[/jobs/] > path:2 = 17\nhtml:href[/jobs/] > query:x = 1\n"
           "html:href[/jobs/] > query:y = 2\nhtml:input[user[id]] = u1\nhtml:input[s] = two\n"
           "html:input[t] = x < y\nhtml:data[job-id] = 9\nhtml:href[/jobs/] 2 = /jobs/18\n"
           "html:href[/] 2 > path:1 = jobs\nhtml:href[/jobs/] 2 > path:2 = 18\n"
           "html:href[/jobs/] 3 = /jobs/17\nhtml:href[/] 3 > path:1 = jobs\n"
           "html:href[/jobs/] 3 > path:2 = 17\nhtml:href[/new] = /new\n"
           "html:href[/] 4 > path:1 = new\n");
    expect(
        "", "",
        "<html><script>var csrf = 'tok1', n = 5;</script>"
        "<script id=state type=application/json>{\"csrf\":\"a<b\"}</script>"
        "<script>window[\"x\"] = {\"id\": 3}; f({a: 1}); y = [{\"id\":4}]</script>",
        "html:script[1] > text:\"csrf = '\" \"'\" = tok1\nhtml:script[state] > body:/csrf = a<b\n"
        "html:script[3] > body:/id = 3\nhtml:script[3] 2 > body:/0/id = 4\n");
}

static void a_link_is_known_by_what_comes_before_its_value(void **state)
{
    (void)state;
    expect("", "Content-Type: text/html",
           "<a href='/dl/TuANnuikSmHC?e=1&amp;k=x'><a href=/a/GgOaiWbe?t=2><a href=/p/fine-words>"
           "<a href='//h/x?y=1'><a href=edit?z=1><a href=/verify?t=3>",
           "header:Content-Type = text/html\n"
           "html:href[/dl/] = /dl/TuANnuikSmHC?e=1&k=x\nhtml:href[/] > path:1 = dl\n"
           "html:href[/dl/] > path:2 = TuANnuikSmHC\nhtml:href[/dl/] > query:e = 1\n"
           "html:href[/dl/] > query:k = x\nhtml:href[/a/] = /a/GgOaiWbe?t=2\n"
           "html:href[/] 2 > path:1 = a\nhtml:href[/a/] > path:2 = GgOaiWbe\n"
           "html:href[/a/] > query:t = 2\nhtml:href[/p/fine-words] = /p/fine-words\n"
           "html:href[/] 3 > path:1 = p\nhtml:href[/p/] > path:2 = fine-words\n"
           "html:href[/p/] = /p/fine-words\n"
           "html:href[//h/x?] = //h/x?y=1\nhtml:href[//] > path:2 = h\n"
           "html:href[//h/] > path:3 = x\nhtml:href[//h/x?] > query:y = 1\n"
           "html:href[//h/] > query:y = 1\nhtml:href[//h/] = //h/x?y=1\n"
           "html:href[edit?] = edit?z=1\nhtml:href[edit?] > query:z = 1\n"
           "html:href[/verify?] = /verify?t=3\nhtml:href[/] 5 > path:1 = verify\n"
           "html:href[/verify?] > query:t = 3\n");
}

struct other_page {
    struct message_view message;
    size_t equal, different;
};

static int find_in_other(void *owner, const struct place_value *value)
{
    struct other_page *other = owner;
    if (value->place->steps[0].kind != PLACE_HTML_HREF || value->place->step_count < 2)
        return 0;
    struct bytes found = place_find(value->place, &other->message, finding);
    assert_non_null(found.ptr);
    *(bytes_equal(found, value->text) ? &other->equal : &other->different) += 1;
    return 0;
}

/* Ids without a digit, and a word: another user's are found where this user's were. */
static void a_link_leads_to_another_users_value(void **state)
{
    (void)state;
    static const char *const pages[][2] = {
        {"<a href='/dl/TuANnuikSmHC?e=1&k=abc'>", "<a href='/dl/ylaKHcKrPKab?e=1&k=xyz'>"},
        {"<a href='/dl/GgOaiWbe?e=1&k=abc'>", "<a href='/dl/4711?e=1&k=xyz'>"},
        {"<a href='/dl/4711?e=1&k=abc'>", "<a href='/dl/GgOaiWbe?e=1&k=xyz'>"},
    };
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        const struct message_view message = {.side = PLACE_IN_ANSWER,
                                             .body = bytes_of(pages[i][0])};
        struct other_page other = {.message = message};
        other.message.body = bytes_of(pages[i][1]);
        assert_int_equal(place_visit(&message, visiting, find_in_other, &other), 0);
        assert_int_equal(other.equal, 2); /* dl, e */
        assert_int_equal(other.different, 2);
    }
}

/* By the whole path, and by less and less of it: the nearest last. */
static void a_link_of_words_is_known_by_less_of_its_path_too(void **state)
{
    (void)state;
    expect("", "Content-Type: text/html",
           "<a href=/u/x.js?v=1><a href=/a/b/new><a href=/a/b/c/?t=1><a href=/z?t=2>",
           "header:Content-Type = text/html\n"
           "html:href[/u/x.js?] = /u/x.js?v=1\nhtml:href[/] > path:1 = u\n"
           "html:href[/u/] > path:2 = x.js\nhtml:href[/u/x.js?] > query:v = 1\n"
           "html:href[/u/] > query:v = 1\n"
           "html:href[/a/b/new] = /a/b/new\nhtml:href[/] 2 > path:1 = a\n"
           "html:href[/a/] > path:2 = b\nhtml:href[/a/b/] > path:3 = new\n"
           "html:href[/a/b/] = /a/b/new\n"
           "html:href[/a/b/c/?] = /a/b/c/?t=1\nhtml:href[/] 3 > path:1 = a\n"
           "html:href[/a/] 2 > path:2 = b\nhtml:href[/a/b/] 2 > path:3 = c\n"
           "html:href[/a/b/c/?] > query:t = 1\nhtml:href[/a/] 2 > query:t = 1\n"
           "html:href[/a/b/] 2 > query:t = 1\nhtml:href[/a/b/] 2 = /a/b/c/?t=1\n"
           "html:href[/z?] = /z?t=2\nhtml:href[/] 4 > path:1 = z\n"
           "html:href[/z?] > query:t = 2\n");
}

static int find_other_token(void *owner, const struct place_value *value)
{
    struct other_page *other = owner;
    bool is_token = bytes_equal(value->text, bytes_of("abc"));
    bool is_whole = value->place->step_count == 1 && value->text.ptr[0] == '/';
    struct bytes found = place_find(value->place, &other->message, finding);
    if (!found.ptr || (!is_token && !is_whole))
        return 0;
    assert_true(is_whole ? found.ptr[0] == '/' : bytes_equal(found, bytes_of("xyz")));
    *(is_whole ? &other->equal : &other->different) += 1;
    return 0;
}

static void a_word_in_a_links_path_may_be_another_users(void **state)
{
    (void)state;
    static const char *const pages[][2] = {
        {"<a href=/verify/ann?t=abc>", "<a href=/verify/bob?t=xyz>"},
        {"<a href=/verify/fine-words?t=abc>", "<a href=/verify/4711?t=xyz>"},
        {"<a href=/my/ann/verify?t=abc>", "<a href=/my/bob/verify?t=xyz>"},
    };
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        const struct message_view message = {.side = PLACE_IN_ANSWER,
                                             .body = bytes_of(pages[i][0])};
        struct other_page other = {.message = message};
        other.message.body = bytes_of(pages[i][1]);
        assert_int_equal(place_visit(&message, visiting, find_other_token, &other), 0);
        assert_int_equal(other.different, 1);
        assert_int_equal(other.equal, i < 2); /* of the last one only the token */
    }
}

static void xml_is_visited(void **state)
{
    (void)state;
    expect("", "",
           "<?xml version=\"1.0\"?><!DOCTYPE o [<!ENTITY x \"y\">]><s:o xmlns:s='u'><item "
           "id=\"1\"> a &amp;"
           " b </item><item id='2'><![CDATA[<c>]]></item><d>x<![CDATA[ y]]></d><e>t<f/></e></s:o>",
           "xml:/s:o/@xmlns:s = u\nxml:/s:o/item/@id = 1\nxml:/s:o/item = a & b\n"
           "xml:/s:o/item[2]/@id = 2\nxml:/s:o/item[2] = <c>\nxml:/s:o/d = x y\n");
    expect("/", "Content-Type: text/xml", "<a><b>1</b><b>2</b></a>",
           "header:Content-Type = text/xml\nxml:/a/b = 1\nxml:/a/b[2] = 2\n");
}

static void events_are_visited_from_the_last_on(void **state)
{
    (void)state;
    expect(
        "", "Content-Type: text/event-stream",
        "data: {\"id\":1,\"t\":\"a\"}\n\n: comment\nevent: done\r\ndata: {\"id\":\rdata: 2}\r\n\r\n"
        "data: {\"id\":3}\n\ndata: plain\n\nevent: cut\ndata: 5\n",
        "header:Content-Type = text/event-stream\nsse:message = plain\n"
        "sse:message > body:/id = 3\nsse:done > body:/id = 2\nsse:message 1 > body:/id = 1\n"
        "sse:message > body:/t = a\n");
}

static void parts_of_multipart_are_visited(void **state)
{
    (void)state;
    expect("/", "Content-Type: multipart/form-data; boundary=\"b b\"",
           "preamble\r\n--b b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\na\r\n--b\r\n"
           "--b b\r\ncontent-disposition: form-data; name=f; filename=\"x y.wav\"\r\n"
           "Content-Type: audio/wav\r\n\r\nRIFF\r\n--b b\r\n"
           "Content-Disposition: form-data; name=title\r\n\r\n\r\n2\r\n--b b--\r\nepilogue",
           "header:Content-Type = multipart/form-data; boundary=\"b b\"\n"
           "multipart:title = a\r\n--b\nmultipart:f > filename: = x y.wav\n"
           "multipart:title 2 = \r\n2\n");
}

static void plain_text_is_visited(void **state)
{
    (void)state;
    expect("", "Content-Type: text/plain", "tok-4f2a\n",
           "header:Content-Type = text/plain\ntext:\"\" \"\" = tok-4f2a\n");
    expect("", "", "id=7\r\ntoken: abc\nid=8\nnothing here\n",
           "text:\"id=\" \"\" = 7\ntext:\"token: \" \"\" = abc\ntext:\"id=\" \"\" 2 = 8\n");
    expect("", "Content-Type: text/javascript", "g.csrf=\"x\"; h(\"no\\n\"); var o={\"k\": 'v'};",
           "header:Content-Type = text/javascript\ntext:\"g.csrf=\\\"\" \"\\\"\" = x\n"
           "text:\"\\\"k\\\": '\" \"'\" = v\n");
}

static void an_answer_need_not_be_what_its_type_says(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body, *wanted;
    } rows[] = {
        {"text/html", "{\"id\":1}", "body:/id = 1\n"},
        {"application/x-www-form-urlencoded", "{\"id\":1}", "body:/id = 1\n"},
        {"application/json", "<html><input name=a value=1>", "html:input[a] = 1\n"},
        {"application/json", "<?xml version='1.0'?><a>1</a>", "xml:/a = 1\n"},
        {"image/png", " [\"x\"]", "body:/0 = x\n"},
        {"application/json", ")]}',\n{\"id\":1}", "body:/id = 1\n"},
        {"application/json", "not JSON", ""},
        {"application/json", "", ""},
        {"image/png", "\x89PNG\r\n\x1a\n", ""},
        {"text/xml", "<html><input name=a value=1>", "html:input[a] = 1\n"},
        {"application/json", "{\"a\":1,\"b\":[2,", "body:/a = 1\nbody:/b/0 = 2\n"},
        {"multipart/form-data", "--x\r\n", ""},
        {"text/event-stream", "{\"id\":1}", "body:/id = 1\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char header[128], wanted[256];
        snprintf(header, sizeof header, "Content-Type: %s", rows[i].type);
        snprintf(wanted, sizeof wanted, "header:Content-Type = %s\n%s", rows[i].type,
                 rows[i].wanted);
        expect("", header, rows[i].body, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_head_of_a_request_is_visited),
        cmocka_unit_test(json_is_visited_leaf_by_leaf),
        cmocka_unit_test(forms_are_visited),
        cmocka_unit_test(the_head_of_an_answer_is_visited_and_what_is_in_it),
        cmocka_unit_test(what_is_inside_a_value_is_visited),
        cmocka_unit_test(html_is_visited),
        cmocka_unit_test(a_link_is_known_by_what_comes_before_its_value),
        cmocka_unit_test(a_link_leads_to_another_users_value),
        cmocka_unit_test(a_link_of_words_is_known_by_less_of_its_path_too),
        cmocka_unit_test(a_word_in_a_links_path_may_be_another_users),
        cmocka_unit_test(xml_is_visited),
        cmocka_unit_test(events_are_visited_from_the_last_on),
        cmocka_unit_test(parts_of_multipart_are_visited),
        cmocka_unit_test(plain_text_is_visited),
        cmocka_unit_test(an_answer_need_not_be_what_its_type_says),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
