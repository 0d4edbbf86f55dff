/* jwt_refresh_tokens_fuzz.c - any bytes as a token, a Date and the body of an answer. */
#include <assert.h>
#include <stdlib.h>

#include "plugins/jwt_refresh/answer.h"
#include "plugins/jwt_refresh/target_clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_BYTES = 64 * 1024 };

static void read_token(reprise_bytes text)
{
    struct token_times times;
    bool is_jwt = token_is_jwt(text);
    assert((token_read(text, &times) == 0) == is_jwt);
    char *payload = token_part(text, 1);
    assert(!is_jwt || payload);
    free(payload);
    if (!is_jwt)
        return;
    assert(!times.has_exp || times.exp_us >= 0);
    const struct token_news news = {.times = times};
    const struct token_clock clock = {1000000, 2000000, true, 0, 0};
    int64_t until_us, from_us;
    if (token_good_until(&news, &clock, &until_us, &from_us) == TOKEN_LIFE_KNOWN)
        assert(until_us > clock.received_us);
}

static void read_answer(reprise_bytes type, reprise_bytes body)
{
    const reprise_header headers[] = {
        {text_of("Content-Type"), type}, {text_of("Set-Cookie"), body}, {text_of("X-Token"), body}};
    const struct answer answer = {200, headers, 3, body};
    const struct answer_hints hints = {.access_path = "/t"};
    struct answer_places places;
    struct answer_tokens tokens;
    if (!answer_find(&answer, &hints, &places))
        return;
    /* What was found is there. */
    bool is_read = answer_read(&answer, &places, &hints, &tokens);
    assert(is_read && answer_may_be_token(text_of(tokens.access)));
    answer_tokens_free(&tokens);
    answer_places_free(&places);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reprise_bytes text = {(const char *)data, size};
    int64_t unix_s;
    if (size > MAX_BYTES)
        return 0;
    read_token(text);
    assert(!target_clock_parse(text, &unix_s) || unix_s >= 0);
    read_answer(text_of("application/json"), text);
    read_answer(text_of("application/x-www-form-urlencoded"), text);
    return 0;
}
