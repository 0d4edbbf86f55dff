/* multipart_audio_held_test.c - an upload that is held for its checksums: the host keeps what it is
 * made of, and a body that becomes another meanwhile, or before a retry, is the one that is sent.
 */
#include <strings.h>

#include "plugins/multipart_audio/digests.h"
#include "plugins/multipart_audio/pcm.h"

enum { SAMPLE_BYTES = 4000, STEP = 3, HEADERS = 3 };

#define HOST_KEEPS                                                                                 \
    char values[HEADERS][200];                                                                     \
    char *body[2]; /* two pieces; like a request's, freed with the source that was made of them */ \
    size_t body_bytes[2];                                                                          \
    reprise_body_source source, given_up;                                                          \
    uint32_t sources_given;
#include "tests/plugins/small_host.h"

static const char *const names[HEADERS] = {"Content-Type", "X-Audio", "X-Body"};
static char recorded_body[8192], recorded_values[HEADERS][200];

static int request_header_at(const reprise_call *call, const reprise_request *request, size_t index,
                             reprise_bytes *ret_name, reprise_bytes *ret_value)
{
    (void)call, (void)request;
    if (index >= HEADERS)
        return 0;
    *ret_name = text_of(names[index]);
    *ret_value = text_of(host.values[index]);
    return 1;
}

static reprise_bytes request_header(const reprise_call *call, const reprise_request *request,
                                    const char *name)
{
    (void)call, (void)request, (void)name;
    return text_of(host.values[0]);
}

static int set_header(const reprise_call *call, reprise_request *request, const char *name,
                      const char *value)
{
    (void)call, (void)request;
    for (size_t i = 0; i < HEADERS; i++)
        if (strcasecmp(names[i], name) == 0)
            snprintf(host.values[i], sizeof host.values[i], "%s", value);
    return 0;
}

static uint64_t draw_random(const reprise_call *call)
{
    return pcm_mix(7, call->user_index);
}

static reprise_bytes request_body_at(const reprise_call *call, const reprise_request *request,
                                     size_t index)
{
    (void)call, (void)request;
    return index < 2 ? (reprise_bytes){host.body[index], host.body_bytes[index]}
                     : (reprise_bytes){NULL, 0};
}

static void release(reprise_body_source *source)
{
    if (source->release)
        source->release(source->state);
    *source = (reprise_body_source){0};
}

static int set_body_source(const reprise_call *call, reprise_request *request,
                           const reprise_body_source *source)
{
    (void)call, (void)request;
    assert_null(host.given_up.release); /* one a callback */
    host.given_up = host.source;
    host.source = *source;
    host.sources_given++;
    return 0;
}

static char *copy_of(const char *bytes, size_t len)
{
    char *copy = malloc(len);
    memcpy(copy, bytes, len);
    return copy;
}

/* The body at hand, in memory of its own. */
static void put_body(const char *token)
{
    char text[400];
    int len = snprintf(text, sizeof text,
                       "--b\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n%s\r\n--b\r\n"
                       "Content-Type: audio/l16\r\n\r\n",
                       token);
    static char rest[SAMPLE_BYTES + 20];
    for (size_t i = 0; i < SAMPLE_BYTES; i++)
        rest[i] = (char)(i * 7);
    memcpy(rest + SAMPLE_BYTES, "\r\n--b--\r\n", 9);
    host.body[0] = copy_of(text, (size_t)len);
    host.body_bytes[0] = (size_t)len;
    host.body[1] = copy_of(rest, SAMPLE_BYTES + 9);
    host.body_bytes[1] = SAMPLE_BYTES + 9;
}

/* What is freed is no more to be read: sanitizers watch, and others find other bytes. */
static void free_body(char *body[2])
{
    for (size_t i = 0; i < 2; i++) {
        memset(body[i], 'X', 60); /* each has more */
        free(body[i]);
        body[i] = NULL;
    }
}

static void md5_of(const void *bytes, size_t len, char into[DIGEST_MAX_TEXT_BYTES + 1])
{
    struct digest_values values;
    struct digests *digests = digests_new(1U << DIGEST_MD5);
    digests_add(digests, bytes, len);
    digests_free(digests, &values);
    digest_text(&values, DIGEST_MD5, DIGEST_HEX, into);
}

static void begin(void)
{
    reprise_header headers[HEADERS];
    host_prepare(&(reprise_host){.request_header = request_header,
                                 .request_header_at = request_header_at,
                                 .set_header = set_header,
                                 .random = draw_random,
                                 .request_body_at = request_body_at,
                                 .set_body_source = set_body_source});
    assert_int_equal(host_start((const char *const[]){"sizes", "3MB", NULL}), REPRISE_CONTINUE);
    put_body("recorded");
    size_t len = host.body_bytes[0] + host.body_bytes[1];
    memcpy(recorded_body, host.body[0], host.body_bytes[0]);
    memcpy(recorded_body + host.body_bytes[0], host.body[1], host.body_bytes[1]);
    snprintf(recorded_values[0], 200, "multipart/form-data; boundary=b");
    md5_of(host.body[1], SAMPLE_BYTES, recorded_values[1]);
    md5_of(recorded_body, len, recorded_values[2]);
    for (size_t i = 0; i < HEADERS; i++)
        headers[i] = (reprise_header){text_of(names[i]), text_of(recorded_values[i])};
    const reprise_recorded recorded = {.kind = REPRISE_RECORDED_EXCHANGE,
                                       .step = STEP,
                                       .request_body = {recorded_body, len},
                                       .request_headers = headers,
                                       .request_header_count = HEADERS};
    assert_int_equal(plugin->on_recorded(&host.call, &recorded), REPRISE_CONTINUE);
    assert_int_not_equal(host.marks[STEP], 0);
    assert_int_equal(plugin->on_session_start(&host.call), REPRISE_CONTINUE);
    memcpy(host.values, recorded_values, sizeof host.values);
}

static void end(void)
{
    plugin->on_session_end(&host.call);
    release(&host.source);
    free_body(host.body);
    host_stop();
}

static int ask(void)
{
    reprise_request request = {.step = STEP, .mark = host.marks[STEP]};
    int verdict = plugin->on_request(&host.call, &request);
    release(&host.given_up);
    return verdict;
}

static uint32_t ask_until_sent(void)
{
    uint32_t holds = 0;
    int verdict;
    while ((verdict = ask()) == REPRISE_HOLD)
        holds++;
    assert_int_equal(verdict, REPRISE_CONTINUE);
    return holds;
}

/* The body that is sent has the token, and its checksums are true. */
static void expect_sent(const char *token)
{
    size_t len = (size_t)host.source.body_bytes;
    char *sent = malloc(len), expected[400], md5[DIGEST_MAX_TEXT_BYTES + 1];
    for (size_t at = 0; at < len;) {
        int64_t got = host.source.read(host.source.state, at, sent + at, len - at);
        assert_true(got > 0);
        at += (size_t)got;
    }
    int head =
        snprintf(expected, sizeof expected,
                 "--b\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n%s\r\n", token);
    assert_memory_equal(sent, expected, (size_t)head);
    md5_of(sent, len, md5);
    assert_string_equal(host.values[2], md5);
    md5_of(sent + len - 9 - 3000000, 3000000, md5);
    assert_string_equal(host.values[1], md5);
    free(sent);
}

static void the_host_has_it_from_the_first_hold_on(void **state)
{
    (void)state;
    begin();
    assert_int_equal(ask(), REPRISE_HOLD);
    assert_int_equal(host.sources_given, 1);
    assert_in_range(ask_until_sent(), 30, 60);
    assert_int_equal(host.sources_given, 1);
    expect_sent("recorded");
    end();
}

static void a_body_that_becomes_another_while_it_is_held_is_what_is_sent(void **state)
{
    (void)state;
    begin();
    static const char *const tokens[] = {"of another length", "renewed", "Renewed"};
    for (uint32_t i = 0; i < 3; i++) {
        for (uint32_t k = 0; k < 10 * i + 1; k++)
            assert_int_equal(ask(), REPRISE_HOLD);
        assert_int_equal(host.sources_given, i + 1);
        char *before[2] = {host.body[0], host.body[1]};
        put_body(tokens[i]);
        assert_int_equal(ask(), REPRISE_HOLD); /* with this the other one is released */
        free_body(before);
    }
    ask_until_sent();
    expect_sent("Renewed");
    end();
}

static void one_that_lies_elsewhere_is_not_read_again(void **state)
{
    (void)state;
    begin();
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(ask(), REPRISE_HOLD);
    char *before[2] = {host.body[0], host.body[1]};
    put_body("recorded");
    assert_in_range(ask_until_sent(), 10, 40);
    assert_int_equal(host.sources_given, 1);
    expect_sent("recorded");
    free_body(before);
    end();
}

static void a_retry_sends_the_same_or_what_the_body_is_by_then(void **state)
{
    (void)state;
    begin();
    ask_until_sent();
    expect_sent("recorded");
    assert_int_equal(ask_until_sent(), 0);
    expect_sent("recorded");
    char *before[2] = {host.body[0], host.body[1]};
    put_body("renewed");
    assert_int_equal(ask(), REPRISE_HOLD);
    free_body(before);
    char *again[2] = {host.body[0], host.body[1]};
    put_body("twice");
    ask_until_sent();
    free_body(again);
    expect_sent("twice");  /* also in the headers, which had other checksums by then */
    release(&host.source); /* as when somebody gives it a body of his own */
    ask_until_sent();
    expect_sent("twice");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_host_has_it_from_the_first_hold_on),
        cmocka_unit_test(a_body_that_becomes_another_while_it_is_held_is_what_is_sent),
        cmocka_unit_test(one_that_lies_elsewhere_is_not_read_again),
        cmocka_unit_test(a_retry_sends_the_same_or_what_the_body_is_by_then),
    };
    return RUN_LOADED("multipart_audio", tests);
}
