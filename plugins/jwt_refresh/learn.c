/* learn.c - one recorded exchange after another: which tokens it gives and which it carries. */
#include "learn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request_kind.h"

enum { MAX_LEAVES = 20000, KEY_BYTES = 64 };

/* The exchange in hand. */
struct lesson {
    struct learner *learner;
    struct session_note *session;
    const reprise_recorded *recorded;
    struct learner_marks *marks;
    struct answer answer;
    const char *spent; /* a refresh token that the request carries */
    uint32_t spent_credential;
    bool is_out_of_memory;
};

void learner_clear(struct learner *learner)
{
    for (size_t i = 0; i < learner->known_count; i++)
        free(learner->known[i].text);
    for (size_t i = 0; i < learner->leaf_count; i++)
        free(learner->leaves[i].place.name);
    free(learner->leaves);
    *learner = (struct learner){.hints = learner->hints, .hits = learner->hits};
}

static uint64_t hash_of(reprise_bytes text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(1099511628211);
    return hash ^ text.len;
}

static const struct known_token *known_find(const struct learner *learner, reprise_bytes text)
{
    for (size_t i = learner->known_count; i-- > 0;) {
        if (text_equal(text_of(learner->known[i].text), text))
            return &learner->known[i];
    }
    return NULL;
}

static void know(struct lesson *lesson, reprise_bytes text, uint32_t credential, bool is_refresh)
{
    struct learner *learner = lesson->learner;
    if (!text.len || known_find(learner, text))
        return;
    char *copy = text_copy(text);
    if (!copy) {
        lesson->is_out_of_memory = true;
        return;
    }
    if (learner->known_count == RECORDING_MAX_TOKENS) {
        free(learner->known[0].text);
        memmove(learner->known, learner->known + 1,
                (RECORDING_MAX_TOKENS - 1) * sizeof *learner->known);
        learner->known_count--;
    }
    learner->known[learner->known_count++] = (struct known_token){copy, credential, is_refresh};
}

static struct step_note *note_of(struct lesson *lesson, uint32_t step)
{
    struct step_note *note = session_note_step(lesson->session, step, lesson->marks);
    lesson->is_out_of_memory |= !note;
    return note;
}

/* Its name and what stands around the token, once. */
static void note_cookie(struct credential_note *credential, const struct token_use *use)
{
    if (credential->cookie_count == RECORDING_MAX_COOKIES || !use->name)
        return;
    for (uint32_t i = 0; i < credential->cookie_count; i++) {
        if (strcmp(credential->cookies[i].name, use->name) == 0)
            return;
    }
    credential->cookies[credential->cookie_count++] =
        (struct token_cookie){use->name, use->prefix, use->suffix};
}

static void add_use(struct lesson *lesson, uint32_t credential, enum use_in in, reprise_bytes name,
                    reprise_bytes value, reprise_bytes token)
{
    struct step_note *note = note_of(lesson, lesson->recorded->step);
    ptrdiff_t at = text_find(value, token);
    if (!note || note->use_count == RECORDING_MAX_USES || at < 0)
        return;
    size_t end = (size_t)at + token.len;
    note->uses[note->use_count++] = (struct token_use){
        .credential = credential,
        .in = in,
        .name = text_copy(name),
        .prefix = text_copy(text_from(value.ptr, (size_t)at)),
        .suffix = text_copy(text_from(value.ptr + end, value.len - end)),
        .recorded = text_copy(token),
    };
    lesson->session->credentials[credential].use_count++;
    if (in == USE_IN_COOKIE)
        note_cookie(&lesson->session->credentials[credential], &note->uses[note->use_count - 1]);
}

/* A new credential; -1 when there are too many. */
static int new_credential(struct session_note *session, uint32_t login_step)
{
    if (session->credential_count == RECORDING_MAX_CREDENTIALS)
        return -1;
    session->credentials[session->credential_count] =
        (struct credential_note){.login_step = login_step, .refresh_step = RECORDING_NO_STEP};
    return (int)session->credential_count++;
}

/* A credential that a header, cookie or parameter carries and no login gave: from an earlier
 * answer, or foreign. */
static void learn_by_use(struct lesson *lesson, enum use_in in, reprise_bytes name,
                         reprise_bytes value, reprise_bytes token)
{
    struct learner *learner = lesson->learner;
    uint64_t hash = hash_of(token);
    const struct leaf *leaf = NULL;
    for (size_t i = learner->leaf_count; i-- > 0 && !leaf;) {
        if (learner->leaves[i].hash == hash)
            leaf = &learner->leaves[i];
    }
    bool is_wanted = leaf ||
                     ((in != USE_IN_COOKIE || learner->hints->signs) && token_is_jwt(token)) ||
                     text_is(name, learner->hints->token_name ? learner->hints->token_name : "");
    if (!is_wanted)
        return;
    int number = new_credential(lesson->session, leaf ? leaf->step : RECORDING_NO_STEP);
    if (number < 0)
        return;
    struct credential_note *credential = &lesson->session->credentials[number];
    credential->first = text_copy(token);
    if (leaf) {
        credential->places.access.in = leaf->place.in;
        credential->places.access.name = strdup(leaf->place.name);
        struct step_note *birth = note_of(lesson, leaf->step);
        if (birth && !(birth->roles & (ROLE_LOGIN | ROLE_REFRESH))) {
            birth->roles |= ROLE_LOGIN;
            birth->credential = (uint32_t)number;
            birth->access = text_copy(token);
        }
    }
    know(lesson, token, (uint32_t)number, false);
    add_use(lesson, (uint32_t)number, in, name, value, token);
}

static bool carries_credentials(const struct learner *learner, enum use_in in, reprise_bytes name)
{
    char key[KEY_BYTES];
    text_key(name, key, sizeof key);
    if (in == USE_IN_COOKIE && learner->hints->signs && answer_is_session_cookie(name))
        return true;
    if (learner->hints->token_name && text_is(name, learner->hints->token_name))
        return true;
    if (strstr(key, "csrf") || strstr(key, "xsrf") || strstr(key, "idempot"))
        return false;
    return strcmp(key, "authorization") == 0 || strstr(key, "apikey") || strstr(key, "token") ||
           strstr(key, "session") || strstr(key, "jwt");
}

/* A value at a place that may carry a token: a known one, or one to be learnt. */
static void look_at(struct lesson *lesson, enum use_in in, reprise_bytes name, reprise_bytes value)
{
    reprise_bytes token = value, rest = value;
    if (in == USE_IN_HEADER) { /* "Bearer x": what follows the scheme */
        reprise_bytes scheme = text_cut(&rest, ' ');
        if (rest.len && (text_is(scheme, "Basic") || text_is(scheme, "Digest")))
            return;
        token = rest.len ? text_trim(rest) : value;
    }
    for (size_t i = lesson->learner->known_count; i-- > 0;) {
        const struct known_token *known = &lesson->learner->known[i];
        if (text_find(value, text_of(known->text)) < 0)
            continue;
        if (known->is_refresh) {
            lesson->spent = known->text;
            lesson->spent_credential = known->credential;
        } else {
            add_use(lesson, known->credential, in, name, value, text_of(known->text));
        }
        return;
    }
    if (answer_may_be_token(token) && carries_credentials(lesson->learner, in, name))
        learn_by_use(lesson, in, name, value, token);
}

static void look_at_pairs(struct lesson *lesson, enum use_in in, reprise_bytes pairs, char between)
{
    while (pairs.len) {
        reprise_bytes value = text_cut(&pairs, between);
        reprise_bytes name = text_trim(text_cut(&value, '='));
        char *decoded = text_copy(text_trim(value));
        if (!decoded)
            return;
        size_t len = text_trim(value).len;
        if (in == USE_IN_QUERY)
            len = text_decode(decoded, len);
        look_at(lesson, in, name, text_from(decoded, len));
        free(decoded);
    }
}

static void look_at_body(struct lesson *lesson)
{
    reprise_bytes body = lesson->recorded->request_body;
    if (!body.ptr || body.len > RECORDING_MAX_SEARCHED_BYTES)
        return;
    for (size_t i = lesson->learner->known_count; i-- > 0;) {
        const struct known_token *known = &lesson->learner->known[i];
        char *encoded = text_encode(text_of(known->text));
        bool is_there = text_find(body, text_of(known->text)) >= 0 ||
                        (encoded && text_find(body, text_of(encoded)) >= 0);
        free(encoded);
        if (!is_there)
            continue;
        if (known->is_refresh) {
            lesson->spent = known->text;
            lesson->spent_credential = known->credential;
        } else {
            add_use(lesson, known->credential, USE_IN_BODY, (reprise_bytes){"", 0},
                    text_of(known->text), text_of(known->text));
        }
    }
}

static void look_at_request(struct lesson *lesson)
{
    const reprise_recorded *recorded = lesson->recorded;
    for (size_t i = 0; i < recorded->request_header_count; i++) {
        const reprise_header *header = &recorded->request_headers[i];
        if (text_is(header->name, "cookie"))
            look_at_pairs(lesson, USE_IN_COOKIE, header->value, ';');
        else
            look_at(lesson, USE_IN_HEADER, header->name, header->value);
    }
    reprise_bytes query = text_url_target(recorded->url);
    text_cut(&query, '?');
    look_at_pairs(lesson, USE_IN_QUERY, query, '&');
    look_at_body(lesson);
}

/* Its strings may turn out to be tokens. */
static void remember_leaves(struct lesson *lesson)
{
    struct learner *learner = lesson->learner;
    struct fields fields;
    fields_parse(&fields,
                 text_header(lesson->answer.headers, lesson->answer.header_count, "content-type"),
                 lesson->answer.body);
    for (size_t i = 0; i < fields.count && learner->leaf_count < MAX_LEAVES; i++) {
        reprise_bytes text = field_text(&fields.items[i]);
        if (fields.items[i].is_number || text.len < 12 || !answer_may_be_token(text) ||
            known_find(learner, text))
            continue;
        if (learner->leaf_count == learner->leaf_capacity) {
            size_t wanted = learner->leaf_capacity ? learner->leaf_capacity * 2 : 64;
            struct leaf *grown = realloc(learner->leaves, wanted * sizeof *grown);
            if (!grown)
                break;
            learner->leaves = grown;
            learner->leaf_capacity = wanted;
        }
        char *path = strdup(fields.items[i].path);
        if (!path)
            break;
        learner->leaves[learner->leaf_count++] =
            (struct leaf){hash_of(text), lesson->recorded->step, {TOKEN_IN_BODY, path}};
    }
    fields_free(&fields);
}

static char *endpoint_of(const reprise_recorded *recorded)
{
    reprise_bytes path = text_url_path(recorded->url);
    size_t len = recorded->method.len + path.len + 2;
    char *endpoint = malloc(len);
    if (endpoint)
        snprintf(endpoint, len, "%.*s %.*s", (int)recorded->method.len, recorded->method.ptr,
                 (int)path.len, path.ptr);
    return endpoint;
}

/* The recorded answer and its tokens, for a step that may not be sent. */
static void keep_answer(struct lesson *lesson, struct step_note *note,
                        const struct answer_tokens *tokens)
{
    free(note->access);
    free(note->refresh);
    note->access = strdup(tokens->access);
    note->refresh = tokens->refresh ? strdup(tokens->refresh) : NULL;
    if (note->status || lesson->answer.body.len > RECORDING_MAX_KEPT_BYTES)
        return;
    char *body = text_copy(lesson->answer.body);
    note->headers = headers_copy(lesson->answer.headers, lesson->answer.header_count, false,
                                 &note->header_count);
    note->body = text_from(body, lesson->answer.body.len);
    note->status = body && note->headers ? lesson->answer.status : 0;
}

static void learn_tokens(struct lesson *lesson, struct step_note *note, uint32_t number,
                         struct answer_places *places, const struct answer_tokens *tokens)
{
    struct credential_note *credential = &lesson->session->credentials[number];
    bool is_first = !credential->first;
    note->credential = number;
    know(lesson, text_of(tokens->access), number, false);
    if (tokens->refresh)
        know(lesson, text_of(tokens->refresh), number, true);
    credential->has_refresh |= tokens->refresh != NULL;
    if (is_first) {
        credential->first = strdup(tokens->access);
        credential->is_cookie = places->access.in == TOKEN_IN_COOKIE;
        credential->places = *places;
        memset(places, 0, sizeof *places);
    }
}

static void learn_login(struct lesson *lesson, struct answer_places *places,
                        const struct answer_tokens *tokens)
{
    struct session_note *session = lesson->session;
    char *login = endpoint_of(lesson->recorded);
    int number = -1;
    for (uint32_t i = 0; login && i < session->credential_count; i++) {
        if (session->credentials[i].login && strcmp(session->credentials[i].login, login) == 0)
            number = (int)i;
    }
    if (number < 0)
        number = new_credential(session, lesson->recorded->step);
    struct step_note *note = number < 0 ? NULL : note_of(lesson, lesson->recorded->step);
    if (!note) {
        free(login);
        return;
    }
    if (session->credentials[number].login)
        free(login);
    else
        session->credentials[number].login = login;
    note->roles |= ROLE_LOGIN;
    if (lesson->learner->hints->signs)
        keep_answer(lesson, note, tokens);
    learn_tokens(lesson, note, (uint32_t)number, places, tokens);
}

/* Which credential a refresh renews: that of what it spends or carries, else the latest. */
static int renewed_credential(struct lesson *lesson)
{
    const struct session_note *session = lesson->session;
    const struct step_note *note = session_step_at(session, lesson->recorded->step);
    if (lesson->spent)
        return (int)lesson->spent_credential;
    if (note && note->use_count)
        return (int)note->uses[0].credential;
    return session->credential_count ? (int)session->credential_count - 1
                                     : new_credential(lesson->session, RECORDING_NO_STEP);
}

static void make_template(struct lesson *lesson, const char *login, const struct step_note *note,
                          struct refresh_template *ret_template)
{
    const reprise_recorded *recorded = lesson->recorded;
    if (!login || recorded->request_body.len > RECORDING_MAX_KEPT_BYTES)
        return;
    *ret_template = (struct refresh_template){
        .login = strdup(login),
        .method = text_copy(recorded->method),
        .url = text_copy(recorded->url),
        .body = text_from(text_copy(recorded->request_body), recorded->request_body.len),
        .spent = note->spent ? strdup(note->spent) : NULL,
        .access = note->use_count ? strdup(note->uses[0].recorded) : NULL,
    };
    ret_template->headers = headers_copy(recorded->request_headers, recorded->request_header_count,
                                         true, &ret_template->header_count);
}

static void learn_refresh(struct lesson *lesson, struct answer_places *places,
                          const struct answer_tokens *tokens, struct refresh_template *ret_template)
{
    int number = renewed_credential(lesson);
    struct step_note *note = number < 0 ? NULL : note_of(lesson, lesson->recorded->step);
    if (!note)
        return;
    struct credential_note *credential = &lesson->session->credentials[number];
    note->roles |= ROLE_REFRESH;
    if (lesson->spent && !note->spent)
        note->spent = strdup(lesson->spent);
    keep_answer(lesson, note, tokens);
    if (credential->refresh_step == RECORDING_NO_STEP)
        credential->refresh_step = lesson->recorded->step;
    make_template(lesson, credential->login, note, ret_template);
    learn_tokens(lesson, note, (uint32_t)number, places, tokens);
}

static void learn_logout(struct lesson *lesson)
{
    const struct step_note *seen = session_step_at(lesson->session, lesson->recorded->step);
    if (!seen && !lesson->spent)
        return;
    uint32_t number = seen && seen->use_count ? seen->uses[0].credential : lesson->spent_credential;
    struct step_note *note = note_of(lesson, lesson->recorded->step);
    if (!note)
        return;
    note->roles |= ROLE_LOGOUT;
    note->credential = number;
    if (lesson->spent && !note->spent)
        note->spent = strdup(lesson->spent);
}

static enum request_kind kind_of(const struct lesson *lesson)
{
    const reprise_recorded *recorded = lesson->recorded;
    const struct recording_hints *hints = lesson->learner->hints;
    struct fields fields;
    if (request_fits(hints->login, recorded->method, recorded->url)) {
        lesson->learner->hits.login++;
        return REQUEST_LOGIN;
    }
    if (request_fits(hints->refresh, recorded->method, recorded->url)) {
        lesson->learner->hits.refresh++;
        return REQUEST_REFRESH;
    }
    fields_parse(
        &fields,
        text_header(recorded->request_headers, recorded->request_header_count, "content-type"),
        recorded->request_body);
    enum request_kind kind = request_kind(recorded->method, recorded->url, &fields);
    fields_free(&fields);
    return kind == REQUEST_OTHER && lesson->spent ? REQUEST_REFRESH : kind;
}

/* Which of the places that the user named the answer has. */
static void count_hits(struct learner *learner, const struct answer_places *places)
{
    const struct answer_hints *hints = &learner->hints->answer;
    struct hint_hits *hits = &learner->hits;
    hits->access += hints->access_path && places->access.in == TOKEN_IN_BODY &&
                    strcmp(places->access.name, hints->access_path) == 0;
    hits->refresh_token += hints->refresh_path && places->refresh.in == TOKEN_IN_BODY &&
                           strcmp(places->refresh.name, hints->refresh_path) == 0;
    hits->expires +=
        hints->expires_path && places->expires && strcmp(places->expires, hints->expires_path) == 0;
}

int learn_exchange(struct learner *learner, struct session_note *session,
                   const reprise_recorded *recorded, struct learner_marks *ret_marks,
                   struct refresh_template *ret_template)
{
    struct lesson lesson = {
        .learner = learner,
        .session = session,
        .recorded = recorded,
        .marks = ret_marks,
        .answer = {recorded->status, recorded->response_headers, recorded->response_header_count,
                   recorded->response_body},
    };
    struct answer_places places;
    struct answer_tokens tokens;
    bool is_done = recorded->status >= 200 && recorded->status < 400;
    memset(ret_template, 0, sizeof *ret_template);
    ret_marks->count = 0;
    look_at_request(&lesson);
    enum request_kind kind = kind_of(&lesson);
    if (kind == REQUEST_LOGOUT && is_done)
        learn_logout(&lesson);
    bool gives = is_done && (kind == REQUEST_LOGIN || kind == REQUEST_REFRESH) &&
                 answer_find(&lesson.answer, &learner->hints->answer, &places);
    if (gives) {
        count_hits(learner, &places);
        if (answer_read(&lesson.answer, &places, &learner->hints->answer, &tokens)) {
            if (kind == REQUEST_LOGIN)
                learn_login(&lesson, &places, &tokens);
            else
                learn_refresh(&lesson, &places, &tokens, ret_template);
            answer_tokens_free(&tokens);
        }
        answer_places_free(&places);
    }
    if (is_done)
        remember_leaves(&lesson);
    return lesson.is_out_of_memory ? -1 : 0;
}
