/* multipart_audio_played_test.c - an upload with a checksum as the engine plays it: what it is made
 * of stays while it is held, and a value that is replaced meanwhile is in what is sent. */
#include <openssl/sha.h>

#include "tests/plugins/loaded_play.h"

enum { SAMPLE_BYTES = 600 * 1024, HEX = 64 };

static char samples[SAMPLE_BYTES + 1], script[SAMPLE_BYTES + 4096];

static void hash(const void *bytes, size_t len, char hex[HEX + 1])
{
    unsigned char raw[SHA256_DIGEST_LENGTH];
    SHA256(bytes, len, raw);
    for (size_t i = 0; i < sizeof raw; i++)
        snprintf(hex + 2 * i, 3, "%02x", raw[i]);
}

/* The path of a script for the plugin of that name, as its spec. */
static void write_lua(const char *text, char spec[200])
{
    snprintf(spec, 200, "script:file=%s/multipart_audio_played.lua", TEST_BINARY_DIR);
    FILE *file = fopen(strchr(spec, '=') + 1, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void play_with(const char *lua)
{
    char spec[200];
    write_lua(lua, spec);
    fake_logs_all = true;
    buf_clear(&fake_log);
    loaded_prepare(script, (const char *const[]){spec, "multipart_audio:source=recorded", NULL},
                   &fake_target, 1);
    loaded_run();
    loaded_expect_no_failures();
    remove(strchr(spec, '=') + 1);
}

/* The upload's body, and its checksum is true. */
static const char *expect_true_checksum(size_t *ret_len)
{
    char hex[HEX + 1];
    const char *upload = strstr(buf_text(&fake_log), " POST /up\n");
    assert_non_null(upload);
    const char *header = strstr(upload, "  X-Checksum: "), *body = strstr(upload, "  body ");
    assert_non_null(header);
    assert_non_null(body);
    body += 7;
    *ret_len = strcspn(body, "\n");
    hash(body, *ret_len, hex);
    assert_memory_equal(header + 14, hex, HEX);
    return body;
}

static int set_up(void **state)
{
    (void)state;
    memset(samples, 'a', SAMPLE_BYTES);
    return 0;
}

static void a_body_that_a_plugin_has_changed_stays_while_it_is_read(void **state)
{
    (void)state;
    char hex[HEX + 1];
    size_t len;
    hash(samples, SAMPLE_BYTES, hex);
    snprintf(script, sizeof script,
             "session s\n0 10 POST /up 200 %s\nheader Content-Type: audio/l16\n"
             "header X-Checksum: %s\n",
             samples, hex);
    play_with("function on_request(user, request)\n"
              "  request.body = 'b' .. string.sub(request.body, 2)\n"
              "end\n");
    const char *body = expect_true_checksum(&len);
    assert_int_equal(len, SAMPLE_BYTES);
    assert_memory_equal(body, "baaa", 4);
    assert_memory_equal(body + 1, samples + 1, SAMPLE_BYTES - 1);
    loaded_end();
}

static void a_value_that_is_replaced_while_it_is_read_is_in_what_is_sent(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {
        {"POST /login", 10, 200, 0, NULL, "{\"token\":\"first\"}"},
        {"GET /other", 0.002, 200, 0, NULL, ""}, /* while it is held: a microsecond each time */
        {0}};
    static char body[SAMPLE_BYTES + 1000];
    char hex[HEX + 1];
    size_t len;
    memset(samples, 'a', SAMPLE_BYTES);
    memcpy(samples, "ZkxhQ4AAACIQABAAAAYRAAYRA", 25);
    int body_bytes = snprintf(body, sizeof body, "{\"token\":\"old\",\"note\":\"%s\"}", samples);
    hash(body, (size_t)body_bytes, hex);
    snprintf(script, sizeof script,
             "session s\n0 10 POST /login 200\nanswer {\"token\":\"old\"}\n20 30 GET /other 200\n"
             "20 60 POST /up 200 %s\nheader Content-Type: application/json\n"
             "header X-Checksum: %s\nbind 1 body:/token -> 3 body:/token\n",
             body, hex);
    fake_answers = answers;
    play_with("function on_response(user, response)\n"
              "  if response.request.step == 1 then user:replace_value('first', 'second') end\n"
              "end\n");
    const char *sent = expect_true_checksum(&len);
    assert_memory_equal(sent, "{\"token\":\"second\",", 18);
    loaded_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_body_that_a_plugin_has_changed_stays_while_it_is_read, set_up),
        cmocka_unit_test_setup(a_value_that_is_replaced_while_it_is_read_is_in_what_is_sent,
                               set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
