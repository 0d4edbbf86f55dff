/* script_test.c - scripts as they are loaded: what they can say, what stops them, and those of
 * docs/plugins/script.md as they stand there. */
#include "tests/plugins/module_fixture.h"

#include <errno.h>
#include <sys/stat.h>

#define FILE_NAME TEST_BINARY_DIR "/script_test.lua"

static const char *write_script(const char *text, size_t len)
{
    FILE *file = fopen(FILE_NAME, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    return "script:file=" FILE_NAME;
}

static void start_with(struct module *m, const char *text, const char *more)
{
    char spec[400];
    snprintf(spec, sizeof spec, "%s%s", write_script(text, strlen(text)), more);
    module_start(m, spec);
}

/* The script of that name in the manual, started with `more` behind its file. */
static void load_from_docs(struct module *m, const char *name, const char *more)
{
    static char page[100000];
    char mark[80], spec[400];
    FILE *file = fopen(TEST_SOURCE_DIR "/docs/plugins/script.md", "r");
    assert_non_null(file);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    fclose(file);
    snprintf(mark, sizeof mark, "<!-- %s:", name);
    char *text = strstr(page, mark);
    assert_non_null(text);
    text = strstr(text, "```lua\n") + 7;
    snprintf(spec, sizeof spec, "%s%s",
             write_script(text, (size_t)(strstr(text, "\n```") + 1 - text)), more);
    module_load(m, spec);
}

static enum reprise_verdict ask(struct module *m, struct asked *asked, uint64_t user,
                                const char *line, const char *body, const char *const *headers)
{
    *asked = module_request(m, 3, line, body, headers);
    return module_ask(m, user, 2500000, asked);
}

static void the_manuals_signature_is_right(void **state)
{
    (void)state;
    struct module m;
    struct asked asked;
    load_from_docs(&m, "sign.lua", ",args=key");
    module_begin(&m);
    assert_int_equal(ask(&m, &asked, 0, "POST /a", "body", NULL), REPRISE_CONTINUE);
    assert_string_equal(module_header(&asked, "X-Date"), "1700000002");
    /* printf 'POST\nhttp://target.test/a\n1700000002\n%s' $(printf body | sha256sum | cut -c-64) |
     * openssl dgst -sha256 -hmac key */
    assert_string_equal(module_header(&asked, "X-Signature"),
                        "973bb314cc85dbb3926e3d5a433184ccd523a6a95b503d1ab693d26593c29a7d");
    /* The same of 'GET' and nothing: most requests have no body. */
    asked = module_request(&m, 4, "GET /a", "", NULL);
    asked.request.body = (struct bytes){0};
    assert_int_equal(module_ask(&m, 0, 2500000, &asked), REPRISE_CONTINUE);
    assert_string_equal(module_header(&asked, "X-Signature"),
                        "4a907854f6a4ef8b5694960d6949a20216ed6c09a1affc4d98ff7a739c56ba35");
    module_stop(&m);
}

static void the_manuals_retry_waits_and_gives_up(void **state)
{
    (void)state;
    struct module m;
    struct asked asked;
    static const char *const seven[] = {"retry-after: 7", NULL};
    load_from_docs(&m, "again.lua", "");
    module_begin(&m);
    ask(&m, &asked, 0, "GET /a", "", NULL);
    assert_int_equal(module_answer(&m, 0, 1, &asked, 503, NULL, 1, seven), REPRISE_RETRY);
    assert_in_range(asked.outcome.delay_us, 7000000, 8000000);
    assert_int_equal(module_counted(&m, "again_waits"), 1);
    assert_in_range(module_counted(&m, "again_wait_time"), 7000000, 8000000);
    asked.info.attempt = 5;
    assert_int_equal(module_answer(&m, 0, 1, &asked, 503, NULL, 1, seven), REPRISE_CONTINUE);
    asked.info.attempt = 0;
    assert_int_equal(module_answer(&m, 0, 1, &asked, 200, NULL, 1, NULL), REPRISE_CONTINUE);
    module_stop(&m);
}

static void the_manuals_login_keeps_a_token_for_each_user(void **state)
{
    (void)state;
    struct module m;
    struct error err = {.text = ""};
    static const char *const bearer[] = {"Authorization: Bearer old", NULL};
    load_from_docs(&m, "login.lua", "");
    assert_true(chain_recorded_begin(&m.chain, 7, 20));
    const reprise_recorded login = {.kind = REPRISE_RECORDED_EXCHANGE,
                                    .step = 2,
                                    .method = {"POST", 4},
                                    .url = {"http://target.test/login", 24}};
    assert_int_equal(chain_recorded(&m.chain, &login, &err), 0);
    module_begin(&m);
    for (uint64_t user = 0; user < 2; user++) {
        char body[80];
        struct asked asked = module_request(&m, 2, "POST /login", "{}", NULL);
        assert_int_equal(module_ask(&m, user, 1, &asked), REPRISE_CONTINUE);
        assert_int_not_equal(asked.outcome.keeps_body, 0);
        asked.info.keeps_body = asked.outcome.keeps_body;
        snprintf(body, sizeof body, "{\"access_token\":\"token-%d\"}", (int)user);
        assert_int_equal(module_answer(&m, user, 1, &asked, 200, body, 1, NULL), REPRISE_CONTINUE);
    }
    for (uint64_t user = 0; user < 2; user++) {
        struct asked asked = module_request(&m, 5, "GET /me", "", bearer);
        module_ask(&m, user, 2, &asked);
        assert_string_equal(module_header(&asked, "Authorization"),
                            user ? "Bearer token-1" : "Bearer token-0");
    }
    assert_int_equal(module_counted(&m, "login_tokens"), 2);
    struct asked asked = module_request(&m, 2, "POST /login", "{}", NULL);
    module_ask(&m, 0, 1, &asked);
    asked.info.keeps_body = asked.outcome.keeps_body;
    assert_int_equal(module_answer(&m, 0, 1, &asked, 500, "<html>", 1, NULL), REPRISE_FAIL);
    assert_non_null(strstr(asked.outcome.error, "plugin script: on_response: "));
    assert_non_null(
        strstr(asked.outcome.error, "script_test.lua:28: the login answered 500 without a token"));
    module_stop(&m);
}

static void everything_of_a_request_can_be_seen_and_changed(void **state)
{
    (void)state;
    struct module m;
    struct asked asked;
    static const char *const headers[] = {"A: 1", "B: 2", NULL};
    start_with(
        &m,
        "function on_request(user, request)\n"
        "  local seen = {}\n"
        "  for name, value in pairs(request.headers) do seen[#seen + 1] = name .. value end\n"
        "  request.body = table.concat(seen, ',') .. request.body .. #request.body ..\n"
        "    tostring(request.headers['none']) .. request.step .. user.index .. user.target\n"
        "  request.headers['b'] = nil\n"
        "  request.headers.C = 'three'\n"
        "  request.url = '/other?x=1'\n"
        "  request.method = 'PUT'\n"
        "end\n",
        "");
    assert_int_equal(ask(&m, &asked, 4, "POST /a", "body", headers), REPRISE_CONTINUE);
    assert_string_equal(asked.request.body.ptr, "A1,B2body4nil34http://target.test");
    assert_string_equal(asked.request.url.ptr, "http://target.test/other?x=1");
    assert_memory_equal(asked.request.method.ptr, "PUT", 4);
    assert_string_equal(module_header(&asked, "B"), "(none)");
    assert_string_equal(module_header(&asked, "C"), "three");
    module_stop(&m);
}

static void the_host_can_be_asked_for_everything(void **state)
{
    (void)state;
    struct module m;
    struct asked asked;
    start_with(
        &m,
        "function on_request(user, request)\n"
        "  assert(user:data('email') == 'a@b' and user:data('no') == nil)\n"
        "  assert(user:replace_value('old', 'new') == 2)\n"
        "  user:settle(9, {status = 201, headers = {A = 1, B = 'two'}, body = 'made'})\n"
        "  local x, n = user:random(), user:random(6)\n"
        "  assert(x >= 0 and x < 1 and n >= 1 and n <= 6)\n"
        "  user:send{method = 'POST', url = '/login', headers = {X = 'y'}, body = 'b', tag = 5}\n"
        "  user.count = (user.count or 0) + 1\n"
        "  if user.count == 1 then return 'hold' end\n"
        "  user:delay(0.25)\n"
        "  return 'skip'\n"
        "end\n"
        "function on_response(user, response)\n"
        "  assert(response.total == 0.5 and response.error == nil and response.body == nil)\n"
        "  assert(response.headers['x-a'] == '1')\n"
        "  user:judge('unexpected', 'because ' .. response.status)\n"
        "end\n",
        "");
    m.columns[0][0] = "email";
    m.columns[0][1] = "a@b";
    assert_int_equal(ask(&m, &asked, 0, "GET /a", "", NULL), REPRISE_HOLD);
    assert_string_equal(m.replaced, "old -> new");
    assert_int_equal(m.settled_step, 9);
    assert_int_equal(m.settled_status, 201);
    assert_string_equal(m.settled_body, "made");
    for (int i = 0; i < 2; i++) {
        struct chain_added *added = asked.outcome.added;
        assert_non_null(added);
        assert_string_equal(added->request.url.ptr, "http://target.test/login");
        assert_string_equal(added->request.body.ptr, "b");
        assert_int_equal(added->tag, 5);
        asked.outcome.added = added->next;
        chain_added_free(m.users[0], added);
        if (i == 0)
            assert_int_equal(module_ask(&m, 0, 3, &asked), REPRISE_SKIP);
    }
    assert_int_equal(asked.outcome.delay_us, 250000);
    static const char *const answer[] = {"X-A: 1", NULL};
    module_answer(&m, 0, 4, &asked, 418, "body", 500000, answer);
    assert_int_equal(asked.outcome.judgement, REPRISE_UNEXPECTED);
    assert_string_equal(asked.outcome.judged, "plugin script: because 418");
    module_stop(&m);
}

/* Each fails its user with these words, and the next user goes on. */
static void a_script_that_is_wrong_fails_its_user_alone(void **state)
{
    (void)state;
    static const struct {
        const char *body, *reason, *more;
    } rows[] = {
        {"local x = nil; return x.y", "script_test.lua:3: attempt to index a nil value (local 'x')",
         ""},
        {"error({})", "an error that is no text", ""},
        {"error('plain')", "script_test.lua:3: plain", ""},
        {"return 'perhaps'", "on_request returned perhaps", ""},
        {"return 7", "on_request returned 7", ""},
        {"return 'retry'", "answered 3, which is no verdict of this callback", ""},
        {"return 'fail'", "on_request said so", ""},
        {"while true do end", "script_test.lua:3: more than 20000 instructions", ",limit=20000"},
        {"while true do pcall(function() while true do end end) end",
         "more than 20000 instructions", ",limit=20000"},
        {"local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end", "not enough memory",
         ",memory=1MB"},
        {"return ('x'):rep(1 << 40)", "result", ""},
        {"return request.nothing", "script_test.lua:3: request has no 'nothing'", ""},
        {"request.step = 1", "request.step cannot be set", ""},
        {"request.headers['X'] = 'a\\nb'", "set_header(): ", ""},
        {"user.index = 1", "user.index cannot be set", ""},
        {"user:record('none')", "there is no metric 'none'", ""},
        {"user:delay(-1)", "bad argument #1 to 'delay' (seconds, 0 to 86400)", ""},
        {"setmetatable({}, {__gc = print})", "__gc is not to be had", ""},
        {"io.write('x')", "global 'io'", ""},
        {"os.exit(1)", "global 'os'", ""},
        {"load('x')", "global 'load'", ""},
        {"kept.url = 'x'", "", ""},
        {"json.encode({[1.5] = 1})", "json.encode(): tables with texts as names", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct module m;
        struct asked asked;
        char text[400];
        snprintf(text, sizeof text,
                 "kept = {}\nfunction on_request(user, request) if user.index > 0 then return end\n"
                 "%s\nend\n",
                 rows[i].body);
        start_with(&m, text, rows[i].more);
        enum reprise_verdict verdict = ask(&m, &asked, 0, "GET /a", "", NULL);
        if (rows[i].reason[0] == '\0')
            assert_int_equal(verdict, REPRISE_CONTINUE);
        else if (verdict != REPRISE_FAIL || !strstr(asked.outcome.error, rows[i].reason))
            fail_msg("%s: %d, %s", rows[i].body, (int)verdict, asked.outcome.error);
        assert_int_equal(ask(&m, &asked, 1, "GET /a", "", NULL), REPRISE_CONTINUE);
        module_stop(&m);
    }
}

static void objects_are_of_their_callback_alone(void **state)
{
    (void)state;
    struct module m;
    struct asked asked;
    start_with(&m,
               "function on_request(user, request) kept, who = request, user end\n"
               "function on_response(user, response) response.request.url = 'x' end\n"
               "function on_session_end(user) print(kept.url) end\n",
               "");
    ask(&m, &asked, 0, "GET /a", "", NULL);
    assert_int_equal(module_answer(&m, 0, 1, &asked, 200, NULL, 1, NULL), REPRISE_FAIL);
    assert_non_null(strstr(asked.outcome.error, "request.url: only on_request can change it"));
    module_stop(&m);
}

static void a_field_of_a_table_is_named_when_it_is_wrong(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"user:send{tag = 'x'}", "user:send(): tag is a whole number, not 'x'"},
        {"user:send{step = {}}", "user:send(): step is a whole number, not table: "},
        {"user:send{tag = 1.5}", "user:send(): tag is a whole number, not 1.5"},
        {"user:send{method = true}", "user:send(): method is a text, not true"},
        {"user:send{url = {}}", "user:send(): url is a text, not table: "},
        {"user:send{url = '/a', headers = 'X: y'}", "user:send(): headers is a table, not 'X: y'"},
        {"user:send{url = '/a', headers = {X = {}}}", "user:send(): headers are names with values"},
        {"user:send{url = '/a', headers = {'X: y'}}", "user:send(): headers are names with values"},
        {"user:send{url = '/a', body = false}", "user:send(): body is a text, not false"},
        {"user:settle(3, {status = 'ok'})", "user:settle(): status is a whole number, not 'ok'"},
        {"user:settle(3, {body = {}})", "user:settle(): body is a text, not table: "},
        {"user:settle(3, {headers = 1})", "user:settle(): headers is a table, not 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct module m;
        struct asked asked;
        char text[200];
        snprintf(text, sizeof text, "function on_request(user)\n  %s\nend\n", rows[i][0]);
        start_with(&m, text, "");
        if (ask(&m, &asked, 0, "GET /a", "", NULL) != REPRISE_FAIL ||
            !strstr(asked.outcome.error, rows[i][1]))
            fail_msg("%s: %s", rows[i][0], asked.outcome.error);
        module_stop(&m);
    }
}

/* What was kept is told from what is there now, in calls for the same user and for others. */
static void what_is_kept_is_not_the_next_one(void **state)
{
    (void)state;
    static const char *const uses[] = {"local x = old.url",   "old.method = 'PUT'",
                                       "old:keep_body()",     "local x = headers['A']",
                                       "headers['A'] = '1'",  "for name in pairs(headers) do end",
                                       "local x = who.index", "who:delay(1)",
                                       "who.mine = 1",        "user:send{like = old}"};
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        struct module m;
        struct asked asked;
        char text[400];
        snprintf(text, sizeof text,
                 "function on_request(user, request)\n"
                 "  assert(request.headers == request.headers)\n"
                 "  if old then %s end\n"
                 "  old, who, headers = request, user, request.headers\n"
                 "end\n",
                 uses[i]);
        start_with(&m, text, "");
        assert_int_equal(ask(&m, &asked, 0, "GET /a", "", NULL), REPRISE_CONTINUE);
        for (uint64_t user = 0; user < 2; user++)
            if (ask(&m, &asked, user, "GET /b", "", NULL) != REPRISE_FAIL ||
                !strstr(asked.outcome.error, "only inside its own callback"))
                fail_msg("%s: %s", uses[i], asked.outcome.error);
        module_stop(&m);
    }
}

static void a_body_that_is_not_there_is_empty(void **state)
{
    (void)state;
    struct module m;
    struct asked asked;
    start_with(&m,
               "function on_request(user, request)\n"
               "  assert(request.body == '' and request.body_bytes == 0)\n"
               "  if user.index == 0 then request:keep_body() end\n"
               "end\n"
               "function on_response(user, response)\n"
               "  local body = response.body\n"
               "  if response.status == 0 then assert(body == nil)\n"
               "  elseif response.body_bytes == 0 then assert(body == '')\n"
               "  elseif user.index == 0 then assert(body == 'text')\n"
               "  else assert(body == nil) end\n"
               "end\n",
               "");
    for (uint64_t user = 0; user < 2; user++) {
        static const struct {
            int status;
            const char *body;
        } answers[] = {{200, "text"}, {204, NULL}, {0, NULL}};
        for (size_t i = 0; i < 3; i++) {
            asked = module_request(&m, 3, "GET /a", "", NULL);
            asked.request.body = (struct bytes){0};
            if (module_ask(&m, user, 1, &asked) != REPRISE_CONTINUE)
                fail_msg("%s", asked.outcome.error);
            asked.info.keeps_body = asked.outcome.keeps_body;
            if (module_answer(&m, user, 2, &asked, answers[i].status, answers[i].body, 1, NULL) !=
                REPRISE_CONTINUE)
                fail_msg("%s", asked.outcome.error);
        }
    }
    module_stop(&m);
}

static void json_base64_and_hex_go_there_and_back(void **state)
{
    (void)state;
    struct module m;
    struct asked asked;
    start_with(
        &m,
        "function on_request(user, request)\n"
        "  local text = "
        "'{\"a\":[],\"b\":[1,2.5,\"x\\\\u0000\\xc3\\xa4\"],\"c\":{},\"d\":null,\"e\":true}'\n"
        "  local value = json.decode(text)\n"
        "  assert(value.d == json.null and value.b[1] == 1 and math.type(value.b[1]) == "
        "'integer')\n"
        "  assert(json.encode(value) == text, json.encode(value))\n"
        "  assert(json.encode(json.array()) == '[]' and json.encode({}) == '{}')\n"
        "  local none, why = json.decode('{')\n"
        "  assert(none == nil and why:find('line 1'))\n"
        "  assert(json.decode(('['):rep(90) .. (']'):rep(90)))\n"
        "  assert(not pcall(json.decode, ('['):rep(200) .. (']'):rep(200)))\n"
        "  local loop = {} loop.loop = loop\n"
        "  assert(not pcall(json.encode, loop))\n"
        "  for n = 0, 20 do\n"
        "    local bytes = ('\\0\\xff\\x80abcdefghijklmnopqr'):sub(1, n)\n"
        "    assert(base64.decode(base64.encode(bytes)) == bytes)\n"
        "    assert(hex.decode(hex.encode(bytes)) == bytes)\n"
        "  end\n"
        "  assert(base64.decode('_-8') == '\\xff\\xef' and base64.decode('a') == nil)\n"
        "  assert(base64.decode('a*bc') == nil and hex.decode('abc') == nil)\n"
        "  assert(hex.encode(sha256('')):sub(1, 8) == 'e3b0c442')\n"
        "end\n",
        "");
    if (ask(&m, &asked, 0, "GET /a", "", NULL) != REPRISE_CONTINUE)
        fail_msg("%s", asked.outcome.error);
    module_stop(&m);
}

static void messages_can_be_changed_and_added(void **state)
{
    (void)state;
    struct module m;
    struct chain_outcome outcome;
    start_with(&m,
               "function on_ws_message(user, message)\n"
               "  if not message.is_outgoing then return 'skip' end\n"
               "  message.data = message.data:upper() .. message.index\n"
               "  message:send('more')\n"
               "  message:send('\\0', false)\n"
               "end\n",
               "");
    struct chain_message message = {.step = 2,
                                    .index = 7,
                                    .is_outgoing = true,
                                    .is_text = true,
                                    .data = {"hello", 5},
                                    .arena = &m.arena};
    chain_ws_message(module_user(&m, 0, NULL), 1, &message, &outcome);
    assert_int_equal(outcome.verdict, REPRISE_CONTINUE);
    assert_int_equal(message.data.len, 6);
    assert_memory_equal(message.data.ptr, "HELLO7", 6);
    assert_true(outcome.sends->is_text && !outcome.sends->next->is_text);
    while (outcome.sends) {
        struct chain_ws_send *send = outcome.sends;
        outcome.sends = send->next;
        chain_ws_send_free(send);
    }
    message.is_outgoing = false;
    chain_ws_message(module_user(&m, 0, NULL), 1, &message, &outcome);
    assert_int_equal(outcome.verdict, REPRISE_SKIP);
    module_stop(&m);
}

static void files_that_cannot_be_scripts_are_refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"function on_request(", "script_test.lua:1: <name> or"},
        {"error('at once')", "script_test.lua:1: at once"},
        {"while true do end", "more than 10000000 instructions"},
        {"on_request = 7", "on_request is no function"},
        {"metric('Bad Name')", "metric"},
        {"\x1bLua", "binary"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        module_refuses(write_script(rows[i][0], strlen(rows[i][0])), rows[i][1]);
    module_refuses("script", "option file is missing");
    module_refuses("script:file=/no/such.lua", "/no/such.lua: no such file");
    module_refuses("script:file=/", "no such file, or it cannot be read");
    module_refuses("script:file=" FILE_NAME ",memory=10KB", "memory at least 100KB");
    write_script("", 0);
    assert_int_equal(chmod(FILE_NAME, 0666), 0);
    module_refuses("script:file=" FILE_NAME, "everybody may write it");
    assert_int_equal(chmod(FILE_NAME, 0644), 0);
    const char *folder = TEST_BINARY_DIR "/script_test_open";
    assert_true(mkdir(folder, 0700) == 0 || errno == EEXIST);
    FILE *file = fopen(TEST_BINARY_DIR "/script_test_open/a.lua", "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(folder, 01777), 0);
    module_refuses("script:file=" TEST_BINARY_DIR "/script_test_open/a.lua",
                   "everybody may write its folder");
    assert_int_equal(chmod(folder, 0755), 0);
    struct module m;
    module_start(&m, "script:file=" TEST_BINARY_DIR "/script_test_open/a.lua");
    module_stop(&m);
}

static void unsafe_gives_everything_back(void **state)
{
    (void)state;
    struct module m;
    struct asked asked;
    start_with(&m, "function on_request(user, request) request.url = '/' .. type(os.time()) end",
               ",unsafe=on");
    assert_int_equal(ask(&m, &asked, 0, "GET /a", "", NULL), REPRISE_CONTINUE);
    assert_string_equal(asked.request.url.ptr, "http://target.test/number");
    module_stop(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manuals_signature_is_right),
        cmocka_unit_test(the_manuals_retry_waits_and_gives_up),
        cmocka_unit_test(the_manuals_login_keeps_a_token_for_each_user),
        cmocka_unit_test(everything_of_a_request_can_be_seen_and_changed),
        cmocka_unit_test(the_host_can_be_asked_for_everything),
        cmocka_unit_test(a_script_that_is_wrong_fails_its_user_alone),
        cmocka_unit_test(objects_are_of_their_callback_alone),
        cmocka_unit_test(a_field_of_a_table_is_named_when_it_is_wrong),
        cmocka_unit_test(what_is_kept_is_not_the_next_one),
        cmocka_unit_test(a_body_that_is_not_there_is_empty),
        cmocka_unit_test(json_base64_and_hex_go_there_and_back),
        cmocka_unit_test(messages_can_be_changed_and_added),
        cmocka_unit_test(files_that_cannot_be_scripts_are_refused),
        cmocka_unit_test(unsafe_gives_everything_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
