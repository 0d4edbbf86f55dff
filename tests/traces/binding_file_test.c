/* binding_file_test.c - what a bindings file may be, what is said of one that is none, and what a
 * hostile one costs. */
#include "traces/correlate/binding_file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct binding_rules rules;

static int set_up(void **state)
{
    (void)state;
    binding_rules_init(&rules);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    binding_rules_fini(&rules);
    return 0;
}

static void parse(const char *text)
{
    struct error err = {0};
    if (binding_file_parse(bytes_of(text), "shop.yaml", &rules, &err))
        fail_msg("%s", err.text);
}

static void expect_rule(size_t i, const char *wanted, uint32_t line)
{
    const struct binding_rule *rule = &rules.items[i];
    char got[512];
    assert_true(i < rules.count);
    snprintf(got, sizeof got, "%.*s | %.*s | %.*s | %.*s | %.*s %.*s",
             BYTES_ARG(rule->born_endpoint), BYTES_ARG(rule->born_place),
             BYTES_ARG(rule->used_endpoint), BYTES_ARG(rule->used_place), BYTES_ARG(rule->form),
             BYTES_ARG(rule->state));
    assert_string_equal(got, wanted);
    assert_int_equal(rule->line, line);
}

#define LOGIN                                                                                      \
    "- born:\n"                                                                                    \
    "    endpoint: POST /auth/login\n"                                                             \
    "    place: body:/access_token\n"                                                              \
    "  used:\n"                                                                                    \
    "    endpoint: GET /jobs/{id}\n"                                                               \
    "    place: header:Authorization\n"

static void a_file_is_a_list_of_rules(void **state)
{
    (void)state;
    parse("version: 1\n"
          "bindings:\n" LOGIN "  form: raw\n"
          "  state: off\n"
          "# what follows says the same in less room\n"
          "- {used: {place: 'query:q', endpoint: GET /search}, form: percent,\n"
          "   born: {endpoint: GET /words, place: 'body:/a/0'}}\n"
          "- born: {place: 'new:uuid'}\n"
          "  used: {endpoint: POST /orders, place: 'header:Idempotency-Key'}\n");
    assert_int_equal(rules.count, 3);
    expect_rule(0,
                "POST /auth/login | body:/access_token | GET /jobs/{id} | header:Authorization | "
                "raw off",
                3);
    expect_rule(1, "GET /words | body:/a/0 | GET /search | query:q | percent on", 12);
    expect_rule(2, " | new:uuid | POST /orders | header:Idempotency-Key | raw on", 14);
}

static void a_file_without_rules_is_one(void **state)
{
    (void)state;
    parse("version: 1\nbindings: []\n");
    assert_int_equal(rules.count, 0);
}

static void what_is_written_reads_the_same(void **state)
{
    (void)state;
    struct binding_rules again;
    struct buf text = BUF_INIT(1 << 20);
    struct error err = {0};
    size_t left_out = 9;
    const struct binding_rule odd[] = {
        {bytes_of("GET /a: b #c"), bytes_of("text:\"a \\\"quoted\\\": 'x'\" \"\""),
         bytes_of("POST /\xc3\xa4"), bytes_of("form:a"), bytes_of("raw"), bytes_of("on"), 0},
        {bytes_of("GET /bad\xff"), bytes_of("body:/a"), bytes_of("GET /b"), bytes_of("path:1"),
         bytes_of("raw"), bytes_of("on"), 0},
        {bytes_of(""), bytes_of("data:email"), bytes_of("GET /b"), bytes_of("query:e"),
         bytes_of("percent"), bytes_of("off"), 0},
    };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        assert_int_equal(binding_rules_add(&rules, &odd[i], &err), 0);
    assert_int_equal(binding_file_format(&rules, &text, &left_out, &err), 0);
    assert_int_equal(left_out, 1);
    binding_rules_init(&again);
    if (binding_file_parse(buf_bytes(&text), "again", &again, &err))
        fail_msg("%s in:\n%s", err.text, buf_text(&text));
    assert_int_equal(again.count, 2);
    assert_true(bytes_equal(again.items[0].born_place, odd[0].born_place));
    assert_true(bytes_equal(again.items[0].born_endpoint, odd[0].born_endpoint));
    assert_true(bytes_equal(again.items[0].used_endpoint, odd[0].used_endpoint));
    assert_true(bytes_equal(again.items[1].born_place, odd[2].born_place));
    assert_int_equal(again.items[1].born_endpoint.len, 0);
    assert_true(bytes_equal(again.items[1].state, odd[2].state));
    binding_rules_fini(&again);
    buf_fini(&text);
}

#define RULE(born, used, rest)                                                                     \
    "version: 1\nbindings:\n- born: {" born "}\n  used: {" used "}\n" rest
#define BORN "endpoint: GET /a, place: 'body:/a'"
#define USED "endpoint: GET /b, place: 'path:2'"

static void what_is_wrong_is_said_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"", "shop.yaml: empty; "},
        {"hello", "shop.yaml:1: "},
        {"[]", "shop.yaml:1: "},
        {"bindings: []\n", "lacks the key version; 'reprise bind --help' shows such a file"},
        {"version: 1\n", "lacks the key bindings"},
        {"version: 2\nbindings: []\n", "shop.yaml: a bindings file of version 2, this reprise "
                                       "reads 1: use the reprise that wrote it"},
        {"version: one\nbindings: []\n", "a number is wanted here, not 'one'"},
        {"version: 1\nbindings:\n- hello\n", "shop.yaml:3: a binding is a mapping with born and"},
        {"version: 1\nbindings:\n  born: x\n", "shop.yaml:3: a list is wanted here"},
        {RULE(BORN, USED, "  color: red\n"),
         "shop.yaml:5: no such key: 'color'; a binding has born, used, form and state"},
        {RULE("plase: x", USED, ""),
         "shop.yaml:3: no such key: 'plase'; born and used have endpoint and place"},
        {RULE(BORN, "endpoint: GET /a", ""), "shop.yaml:4: lacks the key place"},
        {RULE("place: 'body:/a'", USED, ""),
         "shop.yaml:3: born: endpoint '' is no method and path template like 'GET /jobs/{id}'"},
        {RULE("endpoint: /a, place: 'body:/a'", USED, ""), "shop.yaml:3: born: endpoint '/a' is"},
        {RULE(BORN, "endpoint: /b, place: 'path:2'", ""), "shop.yaml:4: used: endpoint '/b' is no"},
        {RULE("endpoint: GET /a, place: 'new:uuid'", USED, ""),
         "shop.yaml:3: born: 'new:uuid' is no answer's: it has no endpoint; take that out"},
        {RULE("endpoint: GET /a, place: 'bdy:/a'", USED, ""),
         "shop.yaml:3: born: place 'bdy:/a': this reprise knows no such kind of place"},
        {RULE(BORN, "endpoint: GET /b,\n  place: 'path:0'", ""),
         "shop.yaml:5: used: place 'path:0'"},
        {RULE(BORN, USED, "  form: rot13\n"),
         "shop.yaml:5: form 'rot13' is none of raw, percent, plus, html, base64, base64url, hex"},
        {RULE(BORN, USED, "  form: raw\n  state: maybe\n"),
         "shop.yaml:6: state 'maybe' is neither on nor off"},
        {RULE(BORN, USED, "  state: on\n  state: off\n"), "has the key twice: state"},
        {"version: 1\nbindings: []\n---\nversion: 1\n", "shop.yaml:3: a second document"},
        {"version: 1\nbindings: &a []\nb: *a\n",
         "shop.yaml:3: no such key: 'b'; the file has version and bindings"},
        {"version: 1\nbindings: [\n", "shop.yaml:3: not YAML: did not find expected"},
        {"version: 1\n\tbindings: []\n", "shop.yaml:2: not YAML: "},
        {"version: 1\nbindings: \"\xff\"\n", "not YAML: "},
        {"version: 1\n? [a, b]\n: c\n", "shop.yaml:2: a key is a word, not a list"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error err = {0};
        assert_int_equal(binding_file_parse(bytes_of(rows[i].text), "shop.yaml", &rules, &err), -1);
        if (!strstr(err.text, rows[i].wanted))
            fail_msg("row %zu: '%s' does not say '%s'", i, err.text, rows[i].wanted);
        if (strchr(err.text, '\n'))
            fail_msg("row %zu: more than a line: %s", i, err.text);
        assert_int_equal(err.exit_code, EXIT_INPUT);
    }
}

/* Text repeated, with a head before it. */
static struct buf many(const char *head, const char *text, size_t count)
{
    struct buf all = BUF_INIT(256u * 1024 * 1024);
    buf_append_text(&all, head);
    for (size_t i = 0; i < count; i++)
        buf_append_text(&all, text);
    assert_false(buf_failed(&all));
    return all;
}

static void expect_refused(struct buf text, const char *wanted)
{
    struct error err = {0};
    assert_int_equal(binding_file_parse(buf_bytes(&text), "bad.yaml", &rules, &err), -1);
    if (!strstr(err.text, wanted))
        fail_msg("'%s' does not say '%s'", err.text, wanted);
    buf_fini(&text);
}

static void a_hostile_file_ends_early(void **state)
{
    (void)state;
    expect_refused(many("version: 1\nbindings: ", "[", 1000000), "nested more than 8 deep");
    expect_refused(many("version: 1\nbindings: ", "{a: ", 1000000), "nested more than 8 deep");
    expect_refused(many("", "- ", 1000000), "nested more than 8 deep");
    expect_refused(many("version: 1\nbindings:\n", "- {}\n", 20000), "more than 10000 bindings");
    expect_refused(many("version: 1\nbindings:\n- x: ", "a", 4000000), "no such key: 'x'");
    expect_refused(many("", "a: 1\n", 1000000), "no such key: 'a'");
    /* Ten of ten of ten ...: without aliases there is no such thing. */
    expect_refused(many("version: 1\nbindings:\n- &a {}\n", "- *a\n", 9), "bad.yaml:4: an alias");
}

static void a_file_of_100_mb_is_not_read(void **state)
{
    (void)state;
    char path[] = "/tmp/reprise-binding-file-XXXXXX";
    struct error err = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 100 * 1024 * 1024), 0);
    close(fd);
    assert_int_equal(binding_file_read(path, &rules, &err), -1);
    assert_non_null(strstr(err.text, "larger than 8 MB"));
    assert_ptr_equal(strstr(err.text, path), err.text);
    unlink(path);
    assert_int_equal(binding_file_read(path, &rules, &err), -1);
    assert_non_null(strstr(err.text, "check the path"));
    assert_int_equal(binding_file_read("/tmp", &rules, &err), -1);
    assert_non_null(strstr(err.text, "cannot be read"));
}

#define on_rules(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_rules(a_file_is_a_list_of_rules),      on_rules(a_file_without_rules_is_one),
        on_rules(what_is_written_reads_the_same), on_rules(what_is_wrong_is_said_with_its_line),
        on_rules(a_hostile_file_ends_early),      on_rules(a_file_of_100_mb_is_not_read),
    };
    return cmocka_run_group_tests_name("binding_file", tests, NULL, NULL);
}
