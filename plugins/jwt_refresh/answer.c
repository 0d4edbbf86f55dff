/* answer.c - the tokens in an answer: where they are, and what they are. */
#include "answer.h"

#include <stdlib.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)

enum { KEY_BYTES = 64, MIN_EPOCH_S = 1000000000 };

bool answer_may_be_token(reprise_bytes text)
{
    if (text.len < TOKEN_MIN_BYTES || text.len > TOKEN_MAX_BYTES)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\')
            return false;
    }
    return true;
}

/* Names that end in "token" and are no credential. */
static bool is_other_token(const char *key)
{
    static const char *const words[] = {"csrf",   "xsrf",   "page",  "next",         "cursor",
                                        "device", "push",   "reset", "continuation", "invite",
                                        "verif",  "upload", "share", "idempot"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strstr(key, words[i]))
            return true;
    }
    return false;
}

/* How much a name sounds like an access token; 0: not at all. */
static int access_rank(const char *key, bool is_jwt)
{
    static const struct {
        const char *key;
        int rank;
    } names[] = {
        {"accesstoken", 100}, {"accessjwt", 95}, {"authtoken", 90}, {"bearertoken", 88},
        {"sessiontoken", 86}, {"jwttoken", 85},  {"jwt", 84},       {"bearer", 83},
        {"token", 80},        {"idtoken", 60},   {"apikey", 55},
    };
    size_t len = strlen(key);
    if (strstr(key, "refresh") || is_other_token(key))
        return 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(key, names[i].key) == 0)
            return names[i].rank + (is_jwt ? 5 : 0);
    }
    if (len >= 5 && strcmp(key + len - 5, "token") == 0)
        return is_jwt ? 50 : 45;
    return is_jwt ? 40 : 0;
}

static bool is_expiry(const char *key)
{
    static const char *const keys[] = {
        "expiresin",     "expirein", "expiresinseconds", "accesstokenexpiresin", "expiresat",
        "expires",       "expiry",   "expiration",       "accesstokenexpiresat", "tokenexpiresin",
        "tokenexpiresat"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strcmp(key, keys[i]) == 0)
            return true;
    }
    return false;
}

/* Both have the same parent. */
static bool are_siblings(const char *a, const char *b)
{
    const char *end_a = strrchr(a, '/'), *end_b = strrchr(b, '/');
    return end_a && end_b && end_a - a == end_b - b && strncmp(a, b, (size_t)(end_a - a)) == 0;
}

static void set_place(struct token_place *place, enum token_in in, reprise_bytes name)
{
    free(place->name);
    place->name = memchr(name.ptr, '\0', name.len) ? NULL : text_copy(name);
    place->in = place->name ? in : TOKEN_NOWHERE;
}

static void find_in_body(const struct fields *fields, struct answer_places *places)
{
    int best = 0, best_refresh = 0, best_expiry = 0;
    char key[KEY_BYTES];
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->items[i];
        text_key(field_name(field), key, sizeof key);
        if (field->is_number || !answer_may_be_token(field_text(field)))
            continue;
        int rank = access_rank(key, token_is_jwt(field_text(field)));
        if (rank > best) {
            best = rank;
            set_place(&places->access, TOKEN_IN_BODY, text_of(field->path));
        }
        bool is_refresh = strstr(key, "refresh") && !strstr(key, "expir");
        if (is_refresh && !best_refresh) {
            best_refresh = 1;
            set_place(&places->refresh, TOKEN_IN_BODY, text_of(field->path));
        }
    }
    for (size_t i = 0; i < fields->count && places->access.name; i++) {
        const struct field *field = &fields->items[i];
        int64_t number;
        text_key(field_name(field), key, sizeof key);
        if (!is_expiry(key) || !text_number(text_of(field->text), &number))
            continue;
        int rank = are_siblings(field->path, places->access.name) ? 2 : 1;
        if (rank > best_expiry) {
            best_expiry = rank;
            free(places->expires);
            places->expires = strdup(field->path);
        }
    }
}

static reprise_bytes without_scheme(reprise_bytes value)
{
    return text_begins(value, "Bearer ") ? text_trim(text_from(value.ptr + 7, value.len - 7))
                                         : value;
}

static void find_in_headers(const struct answer *answer, struct answer_places *places)
{
    static const char *const names[] = {
        "authorization",   "x-auth-token", "x-access-token", "x-subject-token",
        "x-session-token", "x-token",      "x-jwt"};
    for (size_t i = 0; i < answer->header_count; i++) {
        const reprise_header *header = &answer->headers[i];
        reprise_bytes value = without_scheme(header->value);
        if (text_begins(header->name, "set-cookie") || !answer_may_be_token(value))
            continue;
        bool is_named = false;
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            is_named |= text_is(header->name, names[k]);
        bool is_refresh = text_has(header->name, "refresh");
        if (is_refresh && places->refresh.in == TOKEN_NOWHERE)
            set_place(&places->refresh, TOKEN_IN_HEADER, header->name);
        else if (!is_refresh && (is_named || token_is_jwt(value)) &&
                 places->access.in == TOKEN_NOWHERE)
            set_place(&places->access, TOKEN_IN_HEADER, header->name);
    }
}

bool answer_split_cookie(const reprise_header *header, reprise_bytes *ret_name,
                         reprise_bytes *ret_value, reprise_bytes *ret_attributes)
{
    if (!text_is(header->name, "set-cookie"))
        return false;
    *ret_attributes = header->value;
    reprise_bytes pair = text_cut(ret_attributes, ';');
    *ret_name = text_trim(text_cut(&pair, '='));
    *ret_value = text_trim(pair);
    return ret_name->len > 0;
}

static bool read_cookie(const reprise_header *header, reprise_bytes *ret_name,
                        reprise_bytes *ret_value)
{
    reprise_bytes attributes;
    return answer_split_cookie(header, ret_name, ret_value, &attributes);
}

bool answer_is_session_cookie(reprise_bytes name)
{
    static const char *const words[] = {"sess", "sid",    "auth",    "token",
                                        "jwt",  "access", "remember"};
    char key[KEY_BYTES];
    text_key(name, key, sizeof key);
    if (is_other_token(key))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strstr(key, words[i]))
            return true;
    }
    return false;
}

static void find_in_cookies(const struct answer *answer, struct answer_places *places)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        reprise_bytes name, value;
        if (!read_cookie(&answer->headers[i], &name, &value) || !answer_may_be_token(value))
            continue;
        if (text_has(name, "refresh")) {
            if (places->refresh.in == TOKEN_NOWHERE)
                set_place(&places->refresh, TOKEN_IN_COOKIE, name);
        } else if (places->access.in == TOKEN_NOWHERE &&
                   (token_is_jwt(value) || answer_is_session_cookie(name))) {
            set_place(&places->access, TOKEN_IN_COOKIE, name);
        }
    }
}

static void parse_body(const struct answer *answer, struct fields *ret_fields)
{
    fields_parse(ret_fields, text_header(answer->headers, answer->header_count, "content-type"),
                 answer->body);
}

static bool is_token_at(const struct fields *fields, const char *path)
{
    const struct field *field = fields_find(fields, path);
    return field && answer_may_be_token(field_text(field));
}

static void find_places(const struct answer *answer, const struct fields *fields,
                        const struct answer_hints *hints, struct answer_places *places)
{
    memset(places, 0, sizeof *places);
    find_in_body(fields, places);
    if (is_token_at(fields, hints->access_path))
        set_place(&places->access, TOKEN_IN_BODY, text_of(hints->access_path));
    if (is_token_at(fields, hints->refresh_path))
        set_place(&places->refresh, TOKEN_IN_BODY, text_of(hints->refresh_path));
    if (fields_find(fields, hints->expires_path)) {
        free(places->expires);
        places->expires = strdup(hints->expires_path);
    }
    find_in_headers(answer, places);
    find_in_cookies(answer, places);
}

bool answer_find(const struct answer *answer, const struct answer_hints *hints,
                 struct answer_places *ret_places)
{
    struct fields fields;
    parse_body(answer, &fields);
    find_places(answer, &fields, hints, ret_places);
    fields_free(&fields);
    if (ret_places->access.in != TOKEN_NOWHERE)
        return true;
    answer_places_free(ret_places);
    return false;
}

/* A copy of what is at a place; NULL: nothing that may be a token. */
static char *read_place(const struct answer *answer, const struct fields *fields,
                        const struct token_place *place)
{
    reprise_bytes found = {NULL, 0}, name, value;
    if (place->in == TOKEN_IN_BODY) {
        const struct field *field = fields_find(fields, place->name);
        found = field ? field_text(field) : found;
    } else if (place->in == TOKEN_IN_HEADER) {
        found = without_scheme(text_header(answer->headers, answer->header_count, place->name));
    } else if (place->in == TOKEN_IN_COOKIE) {
        for (size_t i = 0; i < answer->header_count; i++) {
            if (read_cookie(&answer->headers[i], &name, &value) &&
                text_equal(name, text_of(place->name)))
                found = value; /* the last one counts, as in the jar */
        }
    }
    return answer_may_be_token(found) ? text_copy(found) : NULL;
}

static void read_expiry(const struct fields *fields, const char *path, struct token_news *news)
{
    const struct field *field = fields_find(fields, path);
    reprise_bytes text = field ? field_text(field) : (reprise_bytes){NULL, 0};
    int64_t number;
    if (!text_number(text_cut(&text, '.'), &number) || number <= 0)
        return;
    if (number < MIN_EPOCH_S)
        news->expires_in_us = number * SECOND_US;
    else
        news->expires_at_us =
            number < MIN_EPOCH_S * INT64_C(100) ? number * SECOND_US : number * 1000;
}

bool answer_read(const struct answer *answer, const struct answer_places *places,
                 const struct answer_hints *hints, struct answer_tokens *ret_tokens)
{
    struct fields fields;
    struct answer_places found = {0};
    struct answer_tokens tokens = {0};
    parse_body(answer, &fields);
    tokens.access = read_place(answer, &fields, &places->access);
    if (!tokens.access) {
        find_places(answer, &fields, hints, &found);
        places = &found;
        tokens.access = read_place(answer, &fields, &places->access);
    }
    if (tokens.access) {
        tokens.refresh = read_place(answer, &fields, &places->refresh);
        tokens.is_jwt = token_read(text_of(tokens.access), &tokens.news.times) == 0;
        read_expiry(&fields, places->expires, &tokens.news);
    }
    answer_places_free(&found);
    fields_free(&fields);
    if (!tokens.access)
        return false;
    *ret_tokens = tokens;
    return true;
}

void answer_places_free(struct answer_places *places)
{
    free(places->access.name);
    free(places->refresh.name);
    free(places->expires);
    memset(places, 0, sizeof *places);
}

void answer_tokens_free(struct answer_tokens *tokens)
{
    free(tokens->access);
    free(tokens->refresh);
    memset(tokens, 0, sizeof *tokens);
}
