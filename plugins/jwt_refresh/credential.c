/* credential.c - a user's token: taken from an answer or signed, timed, and put into requests. */
#include "credential.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_MARGIN_US INT64_C(200000)
#define MOST_MARGIN_US INT64_C(30000000)

struct moments response_moments(const reprise_call *call, const reprise_response *response)
{
    int64_t due_us = call->unix_us - (int64_t)response->total_us;
    return (struct moments){due_us + (int64_t)response->sent_us,
                            due_us + (int64_t)response->first_byte_us, call->unix_us};
}

bool credential_read(const reprise_call *call, uint32_t number, const reprise_response *response,
                     struct answer_tokens *ret_tokens)
{
    const struct plugin_state *state = call->plugin;
    const struct user *user = call->user;
    reprise_header headers[MAX_HEADERS];
    struct answer answer = {.status = response->status, .headers = headers, .body = response->body};
    const struct answer_hints hints = {state->access_path, state->refresh_path,
                                       state->expires_path};
    while (answer.header_count < MAX_HEADERS &&
           call->host->response_header_at(call, response, answer.header_count,
                                          &headers[answer.header_count].name,
                                          &headers[answer.header_count].value))
        answer.header_count++;
    return answer_read(&answer, &user->session->credentials[number].places, &hints, ret_tokens);
}

static int64_t span_of(const struct span *span, int64_t life_us)
{
    return span->is_share ? (int64_t)(span->share * (double)life_us) : span->us;
}

/* When to renew a token that is good until then. */
static void set_times(const reprise_call *call, struct live *live, int64_t sent_us,
                      int64_t until_us)
{
    struct plugin_state *state = call->plugin;
    int64_t from_us = live->good_from_us > call->unix_us ? live->good_from_us : call->unix_us;
    int64_t life_us = until_us - sent_us;
    int64_t margin_us = span_of(&state->margin_span, life_us);
    if (state->margin_span.is_share && margin_us < LEAST_MARGIN_US)
        margin_us = LEAST_MARGIN_US;
    if (state->margin_span.is_share && margin_us > MOST_MARGIN_US)
        margin_us = MOST_MARGIN_US;
    /* Whatever is taken off, some of it is left to be used. */
    int64_t most_shorter_us = (until_us - from_us) / 2;
    until_us -= live->shorter_us < most_shorter_us ? live->shorter_us : most_shorter_us;
    if (margin_us > (until_us - from_us) / 2)
        margin_us = (until_us - from_us) / 2;
    int64_t latest_us = until_us - margin_us;
    int64_t earliest_us = latest_us - span_of(&state->jitter_span, life_us);
    if (earliest_us < from_us + (latest_us - from_us) / 2)
        earliest_us = from_us + (latest_us - from_us) / 2;
    if (!live->is_in_calendar)
        calendar_join(&state->calendar);
    live->is_in_calendar = true;
    live->good_until_us = until_us;
    live->life_us = life_us;
    live->renew_at_us =
        calendar_book(&state->calendar, earliest_us, latest_us, life_us, call->host->random(call));
}

/* Counted; told once. */
static void tell_odd_token(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    call->host->record(call, METRIC_ODD_TOKENS, 1);
    if (!atomic_exchange(&state->has_warned, 1))
        call->host->log(call, REPRISE_WARNING,
                        "a token whose exp lies in the past, or is no time: it lives as long as "
                        "its answer says, else it is renewed when the target refuses it");
}

/* Whether the target's clock is known and goes. */
static bool hears_clock(const reprise_call *call)
{
    const struct plugin_state *state = call->plugin;
    const struct user *user = call->user;
    return !state->trusts_own_clock && user->clock.is_known;
}

/* What was signed here, by what is known of the target's clock, is not judged. */
static void time_token(const reprise_call *call, struct live *live,
                       const struct answer_tokens *tokens, const struct moments *moments)
{
    const struct plugin_state *state = call->plugin;
    const struct user *user = call->user;
    bool is_heard = hears_clock(call);
    const struct token_clock clock = {
        .sent_us = moments->sent_us,
        .received_us = moments->received_us,
        .is_known = state->trusts_own_clock || is_heard || tokens->is_own,
        .ahead_us = is_heard ? user->clock.most_us : 0,
        .least_us = is_heard ? user->clock.least_us : 0,
    };
    int64_t until_us = 0;
    live->guessed_exp_us = tokens->is_own && !is_heard ? tokens->news.times.exp_us : 0;
    live->renew_at_us = live->good_until_us = 0;
    enum token_life life = token_good_until(&tokens->news, &clock, &until_us, &live->good_from_us);
    if (life == TOKEN_LIFE_KNOWN)
        set_times(call, live, moments->sent_us, until_us);
    if (!tokens->is_own && (life == TOKEN_LIFE_ABSURD || tokens->news.times.has_odd_exp))
        tell_odd_token(call);
}

void credential_time_again(const reprise_call *call)
{
    struct user *user = call->user;
    for (uint32_t i = 0; hears_clock(call) && i < user->session->credential_count; i++) {
        struct live *live = &user->live[i];
        if (live->guessed_exp_us && live->state == LIVE_GOOD) {
            int64_t until_us = live->guessed_exp_us - user->clock.most_us;
            live->renew_at_us = live->good_until_us = call->unix_us;
            if (until_us > call->unix_us)
                set_times(call, live, call->unix_us, until_us);
        }
        live->guessed_exp_us = 0;
    }
}

static void rebind(const reprise_call *call, const char *old, const char *value)
{
    if (old && value && strcmp(old, value) != 0)
        call->host->replace_value(call, text_of(old), text_of(value));
}

void credential_adopt(const reprise_call *call, uint32_t number, struct answer_tokens *tokens,
                      const struct moments *moments, bool is_renewal)
{
    struct user *user = call->user;
    struct live *live = &user->live[number];
    if (is_renewal) {
        rebind(call, live->access, tokens->access);
        rebind(call, live->refresh, tokens->refresh);
    }
    free(live->previous);
    live->previous = live->access;
    live->access = tokens->access;
    if (tokens->refresh) {
        free(live->refresh);
        live->refresh = tokens->refresh;
    }
    tokens->access = tokens->refresh = NULL;
    live->given++;
    live->state = LIVE_GOOD;
    live->login_status = 0;
    time_token(call, live, tokens, moments);
}

bool credential_is_signed(const reprise_call *call, uint32_t number)
{
    const struct plugin_state *state = call->plugin;
    const struct user *user = call->user;
    const char *first = user->session->credentials[number].first;
    return state->signer && first && token_is_jwt(text_of(first));
}

/* "user-{user}", "data:email": who this user is; NULL: as recorded. The caller's. */
static char *subject(const reprise_call *call, bool *ret_failed)
{
    const struct plugin_state *state = call->plugin;
    char number[24];
    size_t len = 0;
    *ret_failed = false;
    if (!state->sub[0])
        return NULL;
    if (strncmp(state->sub, "data:", 5) == 0) {
        reprise_bytes cell = call->host->data(call, state->sub + 5);
        *ret_failed = !cell.ptr;
        if (!cell.ptr)
            call->host->error(call, "sub=%s: --data has no such column", state->sub);
        return cell.ptr ? text_copy(cell) : NULL;
    }
    snprintf(number, sizeof number, "%" PRIu64, call->user_index);
    char *text = text_replace(text_of(state->sub), text_of("{user}"), text_of(number), &len);
    return text ? text : strdup(state->sub);
}

/* How far the cookie reaches, as the recorded login said: "; Path=/; Secure". Not how long it
 * lives: that was of another day, and the token says it. The caller's. */
static char *cookie_attributes(const struct step_note *login, const char *name)
{
    reprise_bytes found, value, rest = {NULL, 0};
    char *out = NULL;
    size_t len = 0;
    for (size_t i = 0; login && i < login->header_count && !out; i++) {
        if (!answer_split_cookie(&login->headers[i], &found, &value, &rest) ||
            !text_equal(found, text_of(name)))
            continue;
        out = calloc(1, 2 * rest.len + 3);
        while (out && rest.len) {
            reprise_bytes word = text_trim(text_cut(&rest, ';'));
            if (!word.len || text_begins(word, "expires=") || text_begins(word, "max-age="))
                continue;
            memcpy(out + len, "; ", 2);
            memcpy(out + len + 2, word.ptr, word.len);
            len += word.len + 2;
        }
    }
    return out ? out : strdup("; Path=/");
}

/* The user's cookies carry the token. */
static bool set_cookies(const reprise_call *call, uint32_t number)
{
    const struct user *user = call->user;
    const struct live *live = &user->live[number];
    const struct credential_note *note = &user->session->credentials[number];
    const struct step_note *login = session_step_at(user->session, live->login_step);
    bool are_set = true;
    for (uint32_t i = 0; are_set && i < note->cookie_count; i++) {
        const struct token_cookie *cookie = &note->cookies[i];
        char *attributes = cookie_attributes(login, cookie->name), *text = NULL;
        if (attributes && asprintf(&text, "%s=%s%s%s%s", cookie->name, cookie->prefix, live->access,
                                   cookie->suffix, attributes) < 0)
            text = NULL;
        are_set = text && call->host->set_cookie(call, live->login_step, text) == 0;
        free(attributes);
        free(text);
    }
    return are_set;
}

bool credential_sign(const reprise_call *call, uint32_t number)
{
    const struct plugin_state *state = call->plugin;
    struct user *user = call->user;
    struct live *live = &user->live[number];
    bool failed = false, is_heard = hears_clock(call);
    char *sub = subject(call, &failed);
    if (failed)
        return false;
    const struct sign_request request = {
        .like = text_of(user->session->credentials[number].first),
        .unix_us = call->unix_us + (is_heard ? user->clock.least_us : 0),
        .latest_us = call->unix_us + (is_heard ? user->clock.most_us : 0),
        .life_us = (int64_t)state->life_us,
        .sub = sub,
        .chance = {call->host->random(call), call->host->random(call)},
    };
    struct answer_tokens tokens = {.access = signer_sign(state->signer, &request), .is_own = true};
    free(sub);
    if (!tokens.access) {
        call->host->error(call, "a token could not be signed");
        return false;
    }
    tokens.is_jwt = token_read(text_of(tokens.access), &tokens.news.times) == 0;
    const struct moments now = {call->unix_us, call->unix_us, call->unix_us};
    bool is_renewal = live->access != NULL;
    credential_adopt(call, number, &tokens, &now, is_renewal);
    call->host->record(call, METRIC_SIGNED, 1);
    return set_cookies(call, number);
}

static bool eat(reprise_bytes *rest, const char *word)
{
    size_t len = strlen(word);
    if (rest->len < len || memcmp(rest->ptr, word, len) != 0)
        return false;
    rest->ptr += len;
    rest->len -= len;
    return true;
}

/* What header_value() would make, without making it: nearly always it is there already. */
static bool is_header_value(reprise_bytes value, const struct token_use *use, const char *access)
{
    return value.ptr && eat(&value, use->prefix) && eat(&value, access) &&
           eat(&value, use->suffix) && value.len == 0;
}

/* prefix, the token, suffix: as the recorded header has them. The caller's. */
static char *header_value(const struct token_use *use, const char *access)
{
    size_t len = strlen(use->prefix) + strlen(access) + strlen(use->suffix) + 1;
    char *value = malloc(len);
    if (value)
        snprintf(value, len, "%s%s%s", use->prefix, access, use->suffix);
    return value;
}

static int put_header(const reprise_call *call, reprise_request *request,
                      const struct token_use *use, const char *access)
{
    if (is_header_value(call->host->request_header(call, request, use->name), use, access))
        return 0;
    char *value = header_value(use, access);
    int result = value ? call->host->set_header(call, request, use->name, value) : 0;
    free(value);
    return result;
}

/* Where the value of a parameter stands in a URL. */
static reprise_bytes parameter_in(reprise_bytes url, const char *name)
{
    reprise_bytes query = text_url_target(url);
    text_cut(&query, '?');
    while (query.len) {
        reprise_bytes value = text_cut(&query, '&');
        if (text_equal(text_cut(&value, '='), text_of(name)))
            return value;
    }
    return (reprise_bytes){NULL, 0};
}

static int put_query(const reprise_call *call, reprise_request *request,
                     const struct token_use *use, const char *access)
{
    reprise_bytes there = parameter_in(request->url, use->name);
    if (!there.ptr || text_equal(there, text_of(access)))
        return 0;
    char *encoded = text_encode(text_of(access));
    int result = 0;
    if (encoded && !text_equal(there, text_of(encoded))) {
        size_t before = (size_t)(there.ptr - request->url.ptr);
        size_t behind = request->url.len - before - there.len;
        size_t len = before + strlen(encoded) + behind + 1;
        char *url = malloc(len);
        if (url) {
            snprintf(url, len, "%.*s%s%.*s", (int)before, request->url.ptr, encoded, (int)behind,
                     there.ptr + there.len);
            result = call->host->set_url(call, request, url);
        }
        free(url);
    }
    free(encoded);
    return result;
}

static int put_body(const reprise_call *call, reprise_request *request, const char *old,
                    const char *value)
{
    size_t len = 0;
    char *body = old && value && request->body.len
                     ? text_replace(request->body, text_of(old), text_of(value), &len)
                     : NULL;
    int result = body ? call->host->set_body(call, request, body, len) : 0;
    free(body);
    return result;
}

int credential_put(const reprise_call *call, reprise_request *request, const struct token_use *use)
{
    const struct user *user = call->user;
    const struct live *live = &user->live[use->credential];
    if (!live->access || live->state == LIVE_ENDED)
        return 0;
    switch (use->in) {
    case USE_IN_HEADER:
        return put_header(call, request, use, live->access);
    case USE_IN_QUERY:
        return put_query(call, request, use, live->access);
    case USE_IN_BODY:
        if (live->previous && put_body(call, request, live->previous, live->access))
            return -1;
        return put_body(call, request, use->recorded, live->access);
    case USE_IN_COOKIE: /* the jar has it */
    case USE_IN_MESSAGE:
        return 0;
    }
    return 0;
}

int credential_put_in_message(const reprise_call *call, const reprise_ws_message *message,
                              const struct message_token *token)
{
    const struct user *user = call->user;
    const struct live *live = &user->live[token->credential];
    size_t len = 0;
    if (!live->access || live->state == LIVE_ENDED || !message->data.ptr ||
        message->data.len > RECORDING_MAX_SEARCHED_BYTES)
        return 0;
    char *changed =
        text_replace(message->data, text_of(token->recorded), text_of(live->access), &len);
    int result = changed ? call->host->ws_replace(call, changed, len) : 0;
    free(changed);
    return result;
}

bool credential_was_sent(const reprise_call *call, const reprise_request *request,
                         const struct token_use *use)
{
    const struct user *user = call->user;
    const struct live *live = &user->live[use->credential];
    bool was_sent = true;
    if (!live->access)
        return true;
    char *encoded = text_encode(text_of(live->access));
    if (use->in == USE_IN_HEADER) {
        reprise_bytes value = call->host->request_header(call, request, use->name);
        was_sent = text_find(value, text_of(live->access)) >= 0;
    } else if (use->in == USE_IN_QUERY) {
        was_sent = text_find(request->url, text_of(live->access)) >= 0 ||
                   (encoded && text_find(request->url, text_of(encoded)) >= 0);
    }
    free(encoded);
    return was_sent;
}

int request_substitute(const reprise_call *call, reprise_request *request, const char *old,
                       const char *value)
{
    reprise_bytes name, there;
    size_t len = 0;
    if (!old || !value || strcmp(old, value) == 0)
        return 0;
    char *url = text_replace(request->url, text_of(old), text_of(value), &len);
    int result = url ? call->host->set_url(call, request, url) : 0;
    free(url);
    for (size_t i = 0; result == 0 && i < MAX_HEADERS; i++) {
        if (!call->host->request_header_at(call, request, i, &name, &there))
            break;
        char *changed = text_replace(there, text_of(old), text_of(value), &len);
        char *header = changed ? text_copy(name) : NULL;
        if (header)
            result = call->host->set_header(call, request, header, changed);
        free(header);
        free(changed);
    }
    return result ? result : put_body(call, request, old, value);
}

/* `text` with the recorded tokens of the step exchanged for the user's; the caller's. */
static char *with_own_tokens(const struct step_note *note, const struct live *live,
                             reprise_bytes text, size_t *ret_len)
{
    char *first = NULL, *second = NULL;
    if (note->access && live->access)
        first = text_replace(text, text_of(note->access), text_of(live->access), ret_len);
    reprise_bytes so_far = first ? text_from(first, *ret_len) : text;
    if (note->refresh && live->refresh)
        second = text_replace(so_far, text_of(note->refresh), text_of(live->refresh), ret_len);
    if (second) {
        free(first);
        return second;
    }
    if (!first)
        *ret_len = text.len;
    return first ? first : text_copy(text);
}

int credential_settle(const reprise_call *call, const struct step_note *note)
{
    const struct user *user = call->user;
    const struct live *live = &user->live[note->credential];
    reprise_header headers[MAX_HEADERS];
    size_t count = 0, len = 0;
    char *body = with_own_tokens(note, live, note->body, &len);
    for (; count < note->header_count && count < MAX_HEADERS; count++) {
        size_t value_len = 0;
        char *value = with_own_tokens(note, live, note->headers[count].value, &value_len);
        if (!value)
            break;
        headers[count] = (reprise_header){note->headers[count].name, text_from(value, value_len)};
    }
    const reprise_answer answer = {
        .size = sizeof answer,
        .status = note->status,
        .headers = headers,
        .header_count = count,
        .body = text_from(body, body ? len : 0),
    };
    int result = call->host->settle(call, note->step, &answer);
    for (size_t i = 0; i < count; i++)
        free((char *)headers[i].value.ptr);
    free(body);
    return result;
}

void credential_fini(const reprise_call *call, struct live *live)
{
    struct plugin_state *state = call->plugin;
    if (live->is_in_calendar)
        calendar_leave(&state->calendar);
    free(live->access);
    free(live->refresh);
    free(live->previous);
    memset(live, 0, sizeof *live);
}
