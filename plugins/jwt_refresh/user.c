/* user.c - the plugin's callbacks for one user: what is done before a request and with an answer.
 */
#include "user.h"

#include <inttypes.h>
#include <stdio.h>

#include "credential.h"
#include "renew.h"
#include "settings.h"

#define SHORTER_MAX_US INT64_C(1500000) /* what whole seconds may cost, and a bit */

/* A token that is given up and whose end is not known is taken to end then. */
#define NO_END_CHANCE_US INT64_C(60000000)

void user_tell_found(const reprise_call *call)
{
    const struct plugin_state *state = call->plugin;
    struct recording_summary sum;
    recording_sum_up(state->recording, &sum);
    settings_tell_unmet(call);
    if (!sum.logins && !sum.refreshes && !sum.foreign) {
        call->host->log(call, REPRISE_WARNING,
                        "no exchange of the trace gives a token; login=POST:/path and access=PATH "
                        "say where");
        return;
    }
    call->host->log(call, REPRISE_INFO,
                    "%" PRIu64 " of %" PRIu64 " sessions log in%s%s, %" PRIu64 " refresh%s%s",
                    sum.logins, sum.sessions, sum.login[0] ? " at " : "", sum.login, sum.refreshes,
                    sum.refresh[0] ? " at " : "", sum.refresh);
    if (sum.foreign)
        call->host->log(call, state->signer ? REPRISE_INFO : REPRISE_WARNING,
                        "sessions with a token that no recorded answer gave: %" PRIu64 "; %s",
                        sum.foreign,
                        state->signer ? "it is signed here" : "only sign= and key= renew it");
}

int user_session_start(const reprise_call *call)
{
    const struct plugin_state *state = call->plugin;
    struct user *user = call->user;
    user->session = recording_find(state->recording, call->session_id);
    for (uint32_t i = 0; user->session && i < user->session->credential_count; i++)
        user->live[i].login_step = user->session->credentials[i].login_step;
    return REPRISE_CONTINUE;
}

/* A login or a refresh that need not be sent: answered with the user's own token. */
static bool is_answered_here(const reprise_call *call, const struct step_note *note)
{
    const struct plugin_state *state = call->plugin;
    const struct user *user = call->user;
    const struct live *live = &user->live[note->credential];
    if (!note->status || !live->access || live->state != LIVE_GOOD)
        return false;
    if (note->roles & ROLE_REFRESH)
        return !state->keeps_recorded;
    return note->roles & ROLE_LOGIN && credential_is_signed(call, note->credential);
}

/* Of a login and a refresh their own credential need not be ready: they are what makes it so. A
 * recorded refresh that is to be left out is one more request that wants a good token. */
static int make_ready(const reprise_call *call, const struct step_note *note)
{
    const struct plugin_state *state = call->plugin;
    struct user *user = call->user;
    bool is_dropped = note->roles & ROLE_REFRESH && !state->keeps_recorded && note->status &&
                      user->live[note->credential].access;
    bool is_signed = note->roles & ROLE_LOGIN && credential_is_signed(call, note->credential);
    if (is_signed && user->live[note->credential].state == LIVE_ENDED)
        user->live[note->credential].state = LIVE_NONE;
    if (is_dropped || is_signed) {
        int verdict = renew_ready(call, note->credential);
        if (verdict != REPRISE_CONTINUE)
            return verdict;
    }
    for (uint32_t i = 0; i < note->use_count; i++) {
        uint32_t credential = note->uses[i].credential;
        if (note->roles & (ROLE_LOGIN | ROLE_REFRESH) && credential == note->credential)
            continue;
        int verdict = renew_ready(call, credential);
        if (verdict != REPRISE_CONTINUE)
            return verdict;
    }
    return REPRISE_CONTINUE;
}

int user_request(const reprise_call *call, reprise_request *request)
{
    const struct user *user = call->user;
    const struct step_note *note = session_step(user->session, request->mark);
    if (request->step == REPRISE_ADDED || (note && note->roles & (ROLE_LOGIN | ROLE_REFRESH)))
        call->host->keep_body(call); /* the one kind of answer that is read */
    if (request->step == REPRISE_ADDED || !note)
        return REPRISE_CONTINUE;
    int verdict = make_ready(call, note);
    if (verdict != REPRISE_CONTINUE)
        return verdict;
    if (is_answered_here(call, note)) {
        if (credential_settle(call, note))
            return REPRISE_FAIL;
        call->host->record(call, METRIC_DROPPED, 1);
        return REPRISE_SKIP;
    }
    for (uint32_t i = 0; i < note->use_count; i++) {
        if (credential_put(call, request, &note->uses[i]))
            return REPRISE_FAIL;
    }
    const struct live *live = &user->live[note->credential];
    if (note->roles & (ROLE_REFRESH | ROLE_LOGOUT) && live->refresh &&
        request_substitute(call, request, note->spent, live->refresh))
        return REPRISE_FAIL;
    return REPRISE_CONTINUE;
}

/* What gives a token is always heard: by that clock its end is read. */
static void hear_clock(const reprise_call *call, const reprise_response *response,
                       bool gives_tokens)
{
    struct user *user = call->user;
    const struct moments moments = response_moments(call, response);
    int64_t unix_s;
    if (!gives_tokens &&
        !target_clock_may_learn(&user->clock, moments.sent_us, moments.first_byte_us))
        return;
    reprise_bytes date = call->host->response_header(call, response, "Date");
    if (!date.ptr || !response->status || !target_clock_parse(date, &unix_s))
        return;
    /* An answer out of a cache has the Date of when it was made. */
    reprise_bytes age = call->host->response_header(call, response, "Age");
    if (age.ptr && !text_is(age, "0"))
        return;
    target_clock_hear(&user->clock, unix_s, moments.sent_us, moments.first_byte_us);
}

/* The place of a step that was sent again, retried_count: it was not. */
static size_t retried_place(const struct user *user, uint32_t step)
{
    size_t place = 0;
    while (place < user->retried_count && user->retried[place].step != step)
        place++;
    return place;
}

static void retried_forget(struct user *user, size_t place)
{
    user->retried[place] = user->retried[--user->retried_count];
}

static bool is_refusal(const reprise_call *call, uint32_t status)
{
    const struct plugin_state *state = call->plugin;
    for (size_t i = 0; i < state->status_count; i++) {
        if (state->status_list[i] == status)
            return true;
    }
    return false;
}

/* The token of the request that could have been the reason, and can be renewed; or NULL. */
static const struct token_use *renewable_use(const reprise_call *call, const struct step_note *note)
{
    struct user *user = call->user;
    for (uint32_t i = 0; i < note->use_count; i++) {
        uint32_t credential = note->uses[i].credential;
        struct live *live = &user->live[credential];
        if (live->is_given_up && !live->renew_at_us && call->unix_us >= live->chance_at_us)
            renew_give_chance(live);
        if (live->state != LIVE_NONE && live->state != LIVE_ENDED && !live->is_given_up &&
            renew_is_possible(call, credential))
            return &note->uses[i];
    }
    return NULL;
}

/* Tokens of this target die a little before they are said to. */
static void learn_shorter(const reprise_call *call, struct live *live)
{
    int64_t early_us = live->good_until_us - call->unix_us;
    if (live->good_until_us && early_us > 0 && live->shorter_us + early_us <= SHORTER_MAX_US)
        live->shorter_us += early_us;
}

/* The first users have a line each, the others are counted for the end. */
static bool may_tell_lost(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    return atomic_fetch_add(&state->lost, 1) < MAX_LOST_LINES;
}

/* A new token did not help, and the answer is a result. Requests that were sent with the same one
 * say no more of it than the first of them. `use`: NULL, nothing was tried. */
static int leave_refusal(const reprise_call *call, const reprise_request *request,
                         const struct token_use *use)
{
    struct user *user = call->user;
    struct live *live = use ? &user->live[use->credential] : NULL;
    call->host->record(call, METRIC_401_LEFT, 1);
    if (!live || live->unsaved_at == live->given || !credential_was_sent(call, request, use))
        return REPRISE_CONTINUE;
    live->unsaved_at = live->given;
    if (++live->unsaved < MAX_UNSAVED)
        return REPRISE_CONTINUE;
    live->is_given_up = true;
    live->chance_at_us = call->unix_us + NO_END_CHANCE_US;
    if (renew_count_lost(call) && may_tell_lost(call))
        call->host->log(call, REPRISE_WARNING,
                        "user %" PRIu64
                        ": %d new tokens in a row are refused too: its 401s are left as they are "
                        "until its token ends and is renewed",
                        call->user_index, MAX_UNSAVED);
    return REPRISE_CONTINUE;
}

static int refused(const reprise_call *call, const struct step_note *note,
                   const reprise_response *response)
{
    struct user *user = call->user;
    size_t place = retried_place(user, note->step);
    const struct token_use *use = renewable_use(call, note);
    call->host->record(call, METRIC_401_SEEN, 1);
    if (!use && place < user->retried_count)
        retried_forget(user, place);
    if (!use || place == MAX_RETRIED)
        return leave_refusal(call, response->request, NULL);
    struct live *live = &user->live[use->credential];
    uint32_t attempt = response->request->attempt;
    /* Of an attempt in between another plugin has taken the answer back: that was no refusal. */
    if (place < user->retried_count && user->retried[place].attempt + 1 == attempt) {
        retried_forget(user, place);
        return leave_refusal(call, response->request, use);
    }
    user->retried_count += place == user->retried_count;
    user->retried[place] = (struct retried){note->step, attempt};
    if (live->state == LIVE_GOOD && credential_was_sent(call, response->request, use)) {
        learn_shorter(call, live);
        renew_is_needed(call, use->credential);
    }
    return REPRISE_RETRY;
}

int user_response(const reprise_call *call, const reprise_response *response)
{
    struct user *user = call->user;
    if (!user->session)
        return REPRISE_CONTINUE;
    bool is_added = response->request->step == REPRISE_ADDED;
    const struct step_note *note = session_step(user->session, response->request->mark);
    bool was_known = user->clock.is_known;
    hear_clock(call, response, is_added || (note && note->roles & (ROLE_LOGIN | ROLE_REFRESH)));
    if (!was_known && user->clock.is_known)
        credential_time_again(call);
    if (is_added)
        return response->request->tag ? renew_answered(call, response) : REPRISE_CONTINUE;
    if (!note)
        return REPRISE_CONTINUE;
    if (note->roles & (ROLE_LOGIN | ROLE_REFRESH)) {
        int verdict = renew_recorded_answer(call, note, response);
        if (verdict != REPRISE_CONTINUE)
            return verdict;
    }
    if (note->roles & ROLE_LOGOUT && response->status >= 200 && response->status < 400)
        user->live[note->credential].state = LIVE_ENDED;
    if (is_refusal(call, response->status) && response->status != response->recorded_status)
        return note->use_count ? refused(call, note, response) : REPRISE_CONTINUE;
    size_t place = retried_place(user, note->step);
    if (place < user->retried_count) {
        retried_forget(user, place);
        call->host->record(call, METRIC_401_SAVED, 1);
        for (uint32_t i = 0; i < note->use_count; i++)
            user->live[note->uses[i].credential].unsaved = 0;
    }
    return REPRISE_CONTINUE;
}

/* What no binding knows: the recorded token, in a message that the trace sends. */
int user_message(const reprise_call *call, const reprise_ws_message *message)
{
    const struct user *user = call->user;
    const struct session_note *session = user->session;
    if (!session || !message->is_outgoing || !message->is_text)
        return REPRISE_CONTINUE;
    for (uint32_t i = 0; i < session->message_count; i++) {
        const struct message_token *token = &session->messages[i];
        if (token->step == message->step && credential_put_in_message(call, message, token))
            return REPRISE_FAIL;
    }
    return REPRISE_CONTINUE;
}

/* Its login was refused, and nothing has given it a token since. */
static void tell_without_token(const reprise_call *call, uint32_t status)
{
    if (renew_count_lost(call) && may_tell_lost(call))
        call->host->log(call, REPRISE_WARNING,
                        "user %" PRIu64 ": its recorded login is answered %u: it has no token",
                        call->user_index, status);
}

void user_tell_lost(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    uint64_t lost = atomic_load(&state->lost);
    if (lost > MAX_LOST_LINES)
        call->host->log(call, REPRISE_WARNING,
                        "%" PRIu64 " more users have no token that the target takes",
                        lost - MAX_LOST_LINES);
}

void user_session_end(const reprise_call *call)
{
    struct user *user = call->user;
    for (uint32_t i = 0; i < RECORDING_MAX_CREDENTIALS; i++) {
        if (user->live[i].login_status)
            tell_without_token(call, user->live[i].login_status);
    }
    for (uint32_t i = 0; i < RECORDING_MAX_CREDENTIALS; i++)
        credential_fini(call, &user->live[i]);
}
