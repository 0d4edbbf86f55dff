/* tokens.c - what a token says of itself: whether it is a JSON Web Token, and its times. */
#include "tokens.h"
#include "../common/base64.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)
#define MAX_SECONDS 1e11 /* the year 5138; a greater number counts milliseconds */
#define MAX_NBF_WAIT_US (30 * SECOND_US)

/* base64url, as a JWT has it: without '='. The caller's; NULL when it is none. */
static char *decode_part(reprise_bytes part, size_t *ret_len)
{
    char *out = malloc(part.len / 4 * 3 + 4);
    uint32_t bits = 0;
    int bit_count = 0;
    size_t len = 0;
    for (size_t i = 0; out && i < part.len; i++) {
        int value = base64_digit(part.ptr[i]);
        if (value < 0) {
            free(out);
            return NULL;
        }
        bits = bits << 6 | (uint32_t)value;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            out[len++] = (char)(bits >> bit_count & 0xff);
        }
    }
    if (out)
        out[len] = '\0';
    *ret_len = len;
    return out;
}

static bool has_three_parts(reprise_bytes text)
{
    size_t dots = 0;
    reprise_bytes rest = text;
    if (text.len < TOKEN_MIN_BYTES || text.len > TOKEN_MAX_BYTES)
        return false;
    for (; rest.len && dots < 3; text_cut(&rest, '.'))
        dots += memchr(rest.ptr, '.', rest.len) != NULL;
    return dots == 2;
}

/* The JSON object in one part; the caller's reference. */
static json_t *read_part(reprise_bytes text, int part)
{
    reprise_bytes rest = text, found = {NULL, 0};
    size_t len = 0;
    if (!has_three_parts(text))
        return NULL;
    for (int i = 0; i <= part; i++)
        found = text_cut(&rest, '.');
    char *decoded = found.len ? decode_part(found, &len) : NULL;
    if (!decoded)
        return NULL;
    json_t *json = json_loadb(decoded, len, JSON_REJECT_DUPLICATES, NULL);
    free(decoded);
    if (!json_is_object(json)) {
        json_decref(json);
        return NULL;
    }
    return json;
}

/* What it claims; the caller's reference. NULL: it is no JWT. */
static json_t *read_payload(reprise_bytes text)
{
    json_t *header = read_part(text, 0);
    bool has_kind = json_object_get(header, "alg") || json_object_get(header, "typ");
    json_decref(header);
    return has_kind ? read_part(text, 1) : NULL;
}

bool token_is_jwt(reprise_bytes text)
{
    json_t *payload = read_payload(text);
    json_decref(payload);
    return payload != NULL;
}

char *token_part(reprise_bytes text, int part)
{
    json_t *json = read_part(text, part);
    char *dumped = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return dumped;
}

static bool read_time(const json_t *payload, const char *name, int64_t *ret_us)
{
    const json_t *value = json_object_get(payload, name);
    double seconds = json_number_value(value);
    int64_t digits;
    if (json_is_string(value)) {
        if (!text_number(text_from(json_string_value(value), json_string_length(value)), &digits))
            return false;
        seconds = (double)digits;
    } else if (!json_is_number(value)) {
        return false;
    }
    if (seconds > MAX_SECONDS)
        seconds /= 1000;
    if (!(seconds >= 0 && seconds <= MAX_SECONDS))
        return false;
    *ret_us = (int64_t)(seconds * 1e6 + 0.5);
    return true;
}

int token_read(reprise_bytes text, struct token_times *ret_times)
{
    struct token_times times = {0};
    json_t *payload = read_payload(text);
    if (!payload)
        return -1;
    const json_t *exp = json_object_get(payload, "exp");
    times.has_exp = read_time(payload, "exp", &times.exp_us);
    times.has_odd_exp = exp && !json_is_null(exp) && !times.has_exp;
    times.has_nbf = read_time(payload, "nbf", &times.nbf_us);
    times.has_iat = read_time(payload, "iat", &times.iat_us);
    json_decref(payload);
    *ret_times = times;
    return 0;
}

/* From when it is surely good, by our clock: by the least that the target's may be ahead. Its own
 * iat is as good a witness of that as a Date, where the two agree. Only a short wait is believed.
 */
static int64_t good_from(const struct token_times *times, const struct token_clock *clock)
{
    int64_t least_us = clock->least_us, by_iat_us = times->iat_us - clock->received_us;
    if (!times->has_nbf || !(clock->is_known || times->has_iat))
        return 0;
    if (times->has_iat &&
        (!clock->is_known || (by_iat_us > least_us && by_iat_us <= clock->ahead_us)))
        least_us = by_iat_us;
    int64_t from_us = times->nbf_us - least_us;
    bool is_believed =
        from_us > clock->received_us && from_us - clock->received_us <= MAX_NBF_WAIT_US;
    return is_believed ? from_us : 0;
}

enum token_life token_good_until(const struct token_news *news, const struct token_clock *clock,
                                 int64_t *ret_until_us, int64_t *ret_from_us)
{
    const struct token_times *times = &news->times;
    int64_t at_us = times->has_exp ? times->exp_us : news->expires_at_us;
    int64_t until_us = 0;
    *ret_from_us = good_from(times, clock);
    if (at_us && clock->is_known) {
        until_us = at_us - clock->ahead_us;
    } else {
        /* Without the target's clock only durations count. Both ends of exp - iat may have been
         * cut to whole seconds. */
        if (news->expires_in_us > 0)
            until_us = clock->sent_us + news->expires_in_us;
        if (times->has_exp && times->has_iat) {
            int64_t by_iat_us = clock->sent_us + times->exp_us - times->iat_us - SECOND_US;
            if (!until_us || by_iat_us < until_us)
                until_us = by_iat_us;
        }
    }
    if (until_us > clock->received_us) {
        *ret_until_us = until_us;
        if (*ret_from_us >= until_us) /* it would never be good */
            *ret_from_us = 0;
        return TOKEN_LIFE_KNOWN;
    }
    if (news->expires_in_us > 0 && clock->sent_us + news->expires_in_us > clock->received_us &&
        !times->has_exp) {
        *ret_until_us = clock->sent_us + news->expires_in_us;
        return TOKEN_LIFE_KNOWN;
    }
    return at_us || news->expires_in_us || times->has_exp ? TOKEN_LIFE_ABSURD : TOKEN_LIFE_UNKNOWN;
}
