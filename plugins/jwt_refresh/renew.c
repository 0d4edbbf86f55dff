/* renew.c - a new token is asked for, and its answer judged: refresh first, login behind it. */
#include "renew.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credential.h"

#define HANG_US UINT64_C(5000000) /* who answered nothing for so long is not asked again */
#define BACKOFF_US UINT64_C(200000)
#define MAX_RETRY_AFTER_S 30
#define SURELY_GOOD_US INT64_C(100000) /* the way of a request, and the target's queue */
#define MOST_WAIT_US INT64_C(2000000)  /* for a turn among many: nobody is kept for longer */

/* request->tag: which credential, and what for. */
enum { TAG_REFRESH = 1, TAG_LOGIN = 2, TAG_STEP = 4 };

static const struct step_note *refresh_note(const reprise_call *call, uint32_t credential)
{
    const struct user *user = call->user;
    uint32_t step = user->session->credentials[credential].refresh_step;
    return step == RECORDING_NO_STEP ? NULL : session_step_at(user->session, step);
}

static const struct refresh_template *refresh_like(const reprise_call *call, uint32_t credential)
{
    const struct plugin_state *state = call->plugin;
    const struct user *user = call->user;
    return recording_template(state->recording, user->session->credentials[credential].login);
}

static bool can_refresh(const reprise_call *call, uint32_t credential)
{
    const struct plugin_state *state = call->plugin;
    const struct user *user = call->user;
    const struct credential_note *note = &user->session->credentials[credential];
    if (refresh_note(call, credential) || refresh_like(call, credential))
        return user->live[credential].refresh || !note->has_refresh;
    return state->refresh[0] && user->live[credential].refresh;
}

static bool can_login(const reprise_call *call, uint32_t credential)
{
    const struct user *user = call->user;
    return user->live[credential].login_step != RECORDING_NO_STEP;
}

bool renew_is_possible(const reprise_call *call, uint32_t credential)
{
    return credential_is_signed(call, credential) || can_refresh(call, credential) ||
           can_login(call, credential);
}

void renew_is_needed(const reprise_call *call, uint32_t credential)
{
    struct user *user = call->user;
    struct live *live = &user->live[credential];
    if (live->state == LIVE_GOOD)
        live->state = can_refresh(call, credential) ? LIVE_NEEDS_REFRESH : LIVE_NEEDS_LOGIN;
}

void renew_give_chance(struct live *live)
{
    live->unsaved = live->is_given_up ? MAX_UNSAVED - 1 : 0;
    live->is_given_up = false;
}

static int fill_template(const reprise_call *call, reprise_request *request,
                         const struct refresh_template *like)
{
    const reprise_host *host = call->host;
    reprise_bytes target = text_url_target(text_of(like->url)); /* a path: the run's own host */
    if (host->set_method(call, request, like->method) ||
        host->set_url(call, request, target.len ? target.ptr : "/"))
        return -1;
    for (size_t i = 0; i < like->header_count; i++) {
        if (host->set_header(call, request, like->headers[i].name.ptr, like->headers[i].value.ptr))
            return -1;
    }
    return like->body.len ? host->set_body(call, request, like->body.ptr, like->body.len) : 0;
}

/* refresh=POST:/path and nothing recorded: the body that refresh_body says. */
static int fill_by_option(const reprise_call *call, reprise_request *request, const char *token)
{
    const struct plugin_state *state = call->plugin;
    reprise_bytes path = text_of(state->refresh), method = {"POST", 4};
    bool is_json = state->refresh_body[0] == '{';
    size_t len = 0;
    if (path.ptr[0] != '/')
        method = text_cut(&path, ':');
    char *word = text_copy(method),
         *encoded = is_json ? strdup(token) : text_encode(text_of(token));
    char *body = encoded ? text_replace(text_of(state->refresh_body), text_of("{token}"),
                                        text_of(encoded), &len)
                         : NULL;
    int result = -1;
    if (word && body)
        result = call->host->set_method(call, request, word) ||
                 call->host->set_url(call, request, path.ptr) ||
                 call->host->set_header(call, request, "Content-Type",
                                        is_json ? "application/json"
                                                : "application/x-www-form-urlencoded") ||
                 call->host->set_body(call, request, body, len);
    free(word);
    free(encoded);
    free(body);
    return result ? -1 : 0;
}

/* The request that asks for a new token with the refresh token; NULL with the host's reason. */
static reprise_request *refresh_request(const reprise_call *call, uint32_t credential)
{
    const struct user *user = call->user;
    const struct live *live = &user->live[credential];
    const struct step_note *note = refresh_note(call, credential);
    const struct refresh_template *like = note ? NULL : refresh_like(call, credential);
    uint32_t tag = TAG_REFRESH + credential * TAG_STEP;
    reprise_request *request = note ? call->host->new_request_of_step(call, note->step, tag)
                                    : call->host->new_request(call, NULL, tag);
    if (!request)
        return NULL;
    const char *spent = note ? note->spent : like ? like->spent : NULL;
    const char *access = like ? like->access : NULL;
    if (note && note->use_count)
        access = note->uses[0].recorded;
    if (like && fill_template(call, request, like))
        return NULL;
    if (!note && !like && fill_by_option(call, request, live->refresh))
        return NULL;
    if (request_substitute(call, request, spent, live->refresh) ||
        request_substitute(call, request, access, live->access))
        return NULL;
    return request;
}

/* Of the recorded login; what it carries itself (an API key is asked for with a token) is the
 * user's. */
static reprise_request *login_request(const reprise_call *call, uint32_t credential)
{
    const struct user *user = call->user;
    uint32_t step = user->live[credential].login_step;
    const struct step_note *note = session_step_at(user->session, step);
    reprise_request *request =
        call->host->new_request_of_step(call, step, TAG_LOGIN + credential * TAG_STEP);
    for (uint32_t i = 0; request && note && i < note->use_count; i++) {
        if (note->uses[i].credential != credential && credential_put(call, request, &note->uses[i]))
            return NULL;
    }
    return request;
}

bool renew_count_lost(const reprise_call *call)
{
    struct user *user = call->user;
    if (user->is_lost)
        return false;
    call->host->record(call, METRIC_USERS_LOST, 1);
    user->is_lost = true;
    return true;
}

/* Nothing is left to try. */
static int lose_user(const reprise_call *call, uint32_t credential, const char *why)
{
    const struct user *user = call->user;
    const char *before = user->live[credential].why;
    renew_count_lost(call);
    call->host->error(call, "%s%s%s", before, before[0] ? ", and " : "", why);
    return REPRISE_FAIL;
}

static int ask_for_login(const reprise_call *call, uint32_t credential)
{
    struct user *user = call->user;
    struct live *live = &user->live[credential];
    const struct step_note *note = session_step_at(user->session, live->login_step);
    if (!can_login(call, credential))
        return lose_user(call, credential,
                         "no login of this session was recorded: sign= makes "
                         "tokens here");
    for (uint32_t i = 0; note && i < note->use_count; i++) {
        uint32_t other = note->uses[i].credential;
        int verdict = other < credential ? renew_ready(call, other) : REPRISE_CONTINUE;
        if (verdict != REPRISE_CONTINUE)
            return verdict;
    }
    reprise_request *request = login_request(call, credential);
    if (!request || call->host->send(call, request))
        return REPRISE_FAIL;
    live->state = LIVE_LOGGING_IN;
    return REPRISE_HOLD;
}

static int ask(const reprise_call *call, uint32_t credential)
{
    struct plugin_state *state = call->plugin;
    struct user *user = call->user;
    struct live *live = &user->live[credential];
    if (credential_is_signed(call, credential))
        return credential_sign(call, credential) ? REPRISE_CONTINUE : REPRISE_FAIL;
    int64_t most_wait_us = live->life_us / 2;
    if (most_wait_us > MOST_WAIT_US)
        most_wait_us = MOST_WAIT_US;
    if (!live->slot_at_us)
        live->slot_at_us = call->unix_us + calendar_admit(&state->calendar, call->unix_us,
                                                          most_wait_us, call->host->random(call));
    if (live->slot_at_us > call->unix_us) {
        call->host->delay_us(call, (uint64_t)(live->slot_at_us - call->unix_us));
        return REPRISE_HOLD;
    }
    live->slot_at_us = 0;
    if (live->state == LIVE_NEEDS_LOGIN)
        return ask_for_login(call, credential);
    reprise_request *request = refresh_request(call, credential);
    if (!request || call->host->send(call, request))
        return REPRISE_FAIL;
    live->state = LIVE_REFRESHING;
    return REPRISE_HOLD;
}

int renew_ready(const reprise_call *call, uint32_t credential)
{
    struct plugin_state *state = call->plugin;
    struct user *user = call->user;
    struct live *live = &user->live[credential];
    switch (live->state) {
    case LIVE_NONE:
        return credential_is_signed(call, credential) ? ask(call, credential) : REPRISE_CONTINUE;
    case LIVE_ENDED:
        return REPRISE_CONTINUE;
    case LIVE_REFRESHING:
    case LIVE_LOGGING_IN:
        call->host->record(call, METRIC_HELD, 1);
        return REPRISE_HOLD;
    case LIVE_NEEDS_REFRESH:
    case LIVE_NEEDS_LOGIN:
        return ask(call, credential);
    case LIVE_GOOD:
        break;
    }
    if (live->good_from_us > call->unix_us) {
        call->host->delay_us(call, (uint64_t)(live->good_from_us - call->unix_us));
        return REPRISE_HOLD;
    }
    if (!live->renew_at_us || call->unix_us < live->renew_at_us ||
        !renew_is_possible(call, credential))
        return REPRISE_CONTINUE;
    /* Many others are renewed just now: this token will do once more, if that is sure. */
    bool is_good_still = live->good_until_us - call->unix_us > SURELY_GOOD_US;
    if (is_good_still && !credential_is_signed(call, credential)) {
        if (!calendar_has_room(&state->calendar, call->unix_us))
            return REPRISE_CONTINUE;
        live->slot_at_us = call->unix_us;
    }
    renew_give_chance(live);
    renew_is_needed(call, credential);
    return ask(call, credential);
}

/* "500 at /auth/refresh", "200 at /auth/refresh with text/html and no token": what came of it. */
static void describe(const reprise_call *call, const reprise_response *response, char *out,
                     size_t out_bytes)
{
    reprise_bytes path = text_url_path(response->request->url);
    reprise_bytes type = call->host->response_header(call, response, "Content-Type");
    if (response->status == 0)
        snprintf(out, out_bytes, "no answer at %.*s", (int)path.len, path.ptr);
    else if (response->status < 400)
        snprintf(out, out_bytes, "%u at %.*s with %.*s and no token", response->status,
                 (int)path.len, path.ptr, type.ptr ? (int)type.len : 7,
                 type.ptr ? type.ptr : "nothing");
    else
        snprintf(out, out_bytes, "%u at %.*s", response->status, (int)path.len, path.ptr);
}

/* What may pass by itself: the target is busy or broken, and was not so for long. */
static bool may_pass(const reprise_response *response)
{
    uint32_t status = response->status;
    if (status == 0)
        return response->total_us < HANG_US;
    return status >= 500 || status == 429 || status == 408 || status == 425;
}

static int try_again(const reprise_call *call, const reprise_response *response)
{
    reprise_bytes after = call->host->response_header(call, response, "Retry-After");
    uint32_t attempt = response->request->attempt;
    uint64_t wait_us =
        (BACKOFF_US << (attempt < 6 ? attempt : 6)) + call->host->random(call) % BACKOFF_US;
    int64_t seconds;
    if (after.ptr && text_number(after, &seconds) && seconds <= MAX_RETRY_AFTER_S &&
        (uint64_t)seconds * 1000000 > wait_us)
        wait_us = (uint64_t)seconds * 1000000;
    call->host->delay_us(call, wait_us);
    return REPRISE_RETRY;
}

static int succeeded(const reprise_call *call, const reprise_response *response,
                     uint32_t credential, bool is_login, struct answer_tokens *tokens)
{
    struct user *user = call->user;
    const struct moments moments = response_moments(call, response);
    credential_adopt(call, credential, tokens, &moments, true);
    answer_tokens_free(tokens);
    user->live[credential].why[0] = '\0';
    user->live[credential].has_blamed_others = false;
    call->host->record(call, is_login ? METRIC_LOGINS : METRIC_REFRESHES, 1);
    if (!is_login)
        call->host->record(call, METRIC_REFRESH_DURATION, response->total_us);
    return REPRISE_CONTINUE;
}

/* What was asked for with another token (an API key) may be refused because of that one: it is
 * renewed, once. */
static bool blames_others(const reprise_call *call, uint32_t credential)
{
    struct user *user = call->user;
    struct live *live = &user->live[credential];
    const struct step_note *note = session_step_at(user->session, live->login_step);
    bool has_blamed = live->has_blamed_others;
    for (uint32_t i = 0; note && !has_blamed && i < note->use_count; i++) {
        uint32_t other = note->uses[i].credential;
        if (other >= credential || !renew_is_possible(call, other))
            continue;
        renew_is_needed(call, other);
        live->has_blamed_others = true;
    }
    return !has_blamed && live->has_blamed_others;
}

int renew_answered(const reprise_call *call, const reprise_response *response)
{
    const struct plugin_state *state = call->plugin;
    struct user *user = call->user;
    uint32_t credential = response->request->tag / TAG_STEP;
    bool is_login = response->request->tag % TAG_STEP == TAG_LOGIN;
    struct answer_tokens tokens;
    char what[MAX_WHY_BYTES - 32];
    if (credential >= user->session->credential_count)
        return REPRISE_CONTINUE;
    struct live *live = &user->live[credential];
    if (response->status >= 200 && response->status < 400 &&
        credential_read(call, credential, response, &tokens))
        return succeeded(call, response, credential, is_login, &tokens);
    if (may_pass(response) && response->request->attempt + 1 < state->tries)
        return try_again(call, response);
    describe(call, response, what, sizeof what);
    call->host->record(call, is_login ? METRIC_LOGINS_FAILED : METRIC_REFRESHES_FAILED, 1);
    if (is_login && response->status == 401 && blames_others(call, credential)) {
        call->host->judge(call, REPRISE_EXPECTED, "the token it was asked with is renewed first");
        live->state = LIVE_NEEDS_LOGIN;
        return REPRISE_CONTINUE;
    }
    if (is_login) {
        char why[MAX_WHY_BYTES];
        snprintf(why, sizeof why, "the login failed: %s", what);
        return lose_user(call, credential, why);
    }
    /* That a refresh token is refused is what the login is for. */
    if (response->status >= 400 && can_login(call, credential))
        call->host->judge(call, REPRISE_EXPECTED, "refresh refused: a login follows");
    snprintf(live->why, sizeof live->why, "the refresh failed: %s", what);
    live->state = LIVE_NEEDS_LOGIN;
    return REPRISE_CONTINUE;
}

/* A recorded login that succeeds and gives no token: a form again, or an error page. */
static int login_gave_nothing(const reprise_call *call, uint32_t credential,
                              const reprise_response *response)
{
    char what[MAX_WHY_BYTES - 32], why[MAX_WHY_BYTES];
    describe(call, response, what, sizeof what);
    snprintf(why, sizeof why, "the login failed: %s", what);
    return lose_user(call, credential, why);
}

/* The answer is a result. Whether the user is lost is known at its end: the login may be repeated,
 * by the recording or by another plugin. */
static void login_refused(const reprise_call *call, uint32_t credential,
                          const reprise_response *response)
{
    struct user *user = call->user;
    struct live *live = &user->live[credential];
    bool is_without = live->state == LIVE_NONE || live->state == LIVE_ENDED;
    if (response->status && is_without && user->session->credentials[credential].login)
        live->login_status = response->status;
}

int renew_recorded_answer(const reprise_call *call, const struct step_note *note,
                          const reprise_response *response)
{
    struct user *user = call->user;
    const struct session_note *session = user->session;
    const struct moments moments = response_moments(call, response);
    bool is_login = note->roles & ROLE_LOGIN, is_done = false;
    bool is_answered = response->status >= 200 && response->status < 400;
    for (uint32_t i = 0; is_answered && i < session->credential_count; i++) {
        struct answer_tokens tokens;
        bool is_born_here = is_login && session->credentials[i].login_step == note->step;
        if ((i != note->credential && !is_born_here) ||
            !credential_read(call, i, response, &tokens))
            continue;
        is_done |= i == note->credential;
        credential_adopt(call, i, &tokens, &moments, !is_login);
        answer_tokens_free(&tokens);
        renew_give_chance(&user->live[i]);
        if (is_login)
            user->live[i].login_step = note->step;
    }
    if (is_done)
        return REPRISE_CONTINUE;
    if (is_login && is_answered && session->credentials[note->credential].login)
        return login_gave_nothing(call, note->credential, response);
    if (is_login && !is_answered)
        login_refused(call, note->credential, response);
    if (note->roles & ROLE_REFRESH && user->live[note->credential].state == LIVE_GOOD &&
        can_login(call, note->credential))
        user->live[note->credential].state = LIVE_NEEDS_LOGIN;
    return REPRISE_CONTINUE;
}
