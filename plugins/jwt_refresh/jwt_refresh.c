/*
 * jwt_refresh.c - keeps every replayed user's token alive.
 *
 *     --plugin jwt_refresh
 *     --plugin jwt_refresh:login=POST:/session,access=data.jwt,margin=2s
 *     --plugin jwt_refresh:sign=RS256,key=private.pem,sub=load-{user}
 *
 * Finds in the trace which exchanges give tokens and which requests carry them; at replay renews a
 * token before it ends, and once more when the target refuses it. docs/plugins/jwt_refresh.md says
 * what it recognises and what it cannot.
 */
#include "reprise_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "settings.h"
#include "state.h"
#include "user.h"

enum { MAX_KEY_FILE_BYTES = 64 * 1024, MAX_ERROR_BYTES = 200 };

/* "5%", "250ms", "2s", "1m". */
static bool parse_span(const char *text, struct span *ret_span)
{
    static const struct {
        const char *unit;
        double us;
    } units[] = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"m", 6e7}, {"h", 3.6e9}};
    char *end;
    double number = strtod(text, &end);
    if (end == text || !(number >= 0 && number <= 1e6))
        return false;
    *ret_span = (struct span){.is_share = strcmp(end, "%") == 0, .share = number / 100};
    if (ret_span->is_share)
        return number < 100;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].unit) == 0) {
            ret_span->us = (int64_t)(number * units[i].us);
            return true;
        }
    }
    return false;
}

static int parse_statuses(const reprise_call *call, struct plugin_state *state)
{
    reprise_bytes rest = text_of(state->statuses);
    while (rest.len) {
        reprise_bytes word = text_cut(&rest, ' ');
        int64_t status;
        if (!word.len)
            continue;
        if (!text_number(word, &status) || status < 300 || status > 499 ||
            state->status_count == MAX_STATUSES) {
            call->host->error(call,
                              "statuses: '%.40s': at most %d numbers from 300 to 499, blanks "
                              "between",
                              state->statuses, MAX_STATUSES);
            return -1;
        }
        state->status_list[state->status_count++] = (uint32_t)status;
    }
    return 0;
}

/* What the file holds; the line end that an editor put behind a secret is no part of it. */
static char *read_key(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "rb");
    char *key = file ? malloc(MAX_KEY_FILE_BYTES + 1) : NULL;
    size_t len = key ? fread(key, 1, MAX_KEY_FILE_BYTES + 1, file) : 0;
    if (file)
        fclose(file);
    if (!key || !len || len > MAX_KEY_FILE_BYTES) {
        free(key);
        return NULL;
    }
    len -= key[len - 1] == '\n';
    key[len] = '\0';
    *ret_len = len;
    return key;
}

static int make_signer(const reprise_call *call, struct plugin_state *state)
{
    char error[MAX_ERROR_BYTES] = "no memory for a key";
    size_t len = 0;
    if (!state->sign[0] && !state->key[0])
        return 0;
    if (!state->sign[0] || !state->key[0]) {
        call->host->error(call, "sign= and key= go together: sign=RS256,key=FILE");
        return -1;
    }
    char *key = read_key(state->key, &len);
    if (!key) {
        call->host->error(call, "key: %s: cannot be read, is empty or over %d bytes", state->key,
                          MAX_KEY_FILE_BYTES);
        return -1;
    }
    state->signer = signer_new(state->sign, text_from(key, len), error, sizeof error);
    explicit_bzero(key, len);
    free(key);
    if (!state->signer)
        call->host->error(call, "%s", error);
    return state->signer ? 0 : -1;
}

/* One of two words. */
static int parse_word(const reprise_call *call, const char *name, const char *written,
                      const char *plain, const char *other, bool *ret_is_other)
{
    *ret_is_other = strcmp(written, other) == 0;
    if (*ret_is_other || strcmp(written, plain) == 0)
        return 0;
    call->host->error(call, "%s: '%.40s' is neither %s nor %s", name, written, plain, other);
    return -1;
}

static char *path_or_null(const char *written)
{
    return written[0] ? fields_path_of(written) : NULL;
}

static int start(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    if (!parse_span(state->margin, &state->margin_span) ||
        !parse_span(state->jitter, &state->jitter_span)) {
        call->host->error(call,
                          "margin and jitter: a share of a token's life (5%%) or a time (2s)");
        return REPRISE_FAIL;
    }
    if (parse_statuses(call, state) ||
        parse_word(call, "recorded", state->recorded, "drop", "keep", &state->keeps_recorded) ||
        parse_word(call, "clock", state->clock, "target", "own", &state->trusts_own_clock) ||
        !settings_check(call, state) || make_signer(call, state))
        return REPRISE_FAIL;
    state->access_path = path_or_null(state->access);
    state->refresh_path = path_or_null(state->refresh_token);
    state->expires_path = path_or_null(state->expires);
    const struct recording_hints hints = {
        .login = state->login,
        .refresh = state->refresh,
        .answer = {state->access_path, state->refresh_path, state->expires_path},
        .token_name = settings_token_name(state->token),
        .signs = state->signer != NULL,
    };
    state->recording = recording_new(&hints);
    if (!state->recording)
        call->host->error(call, "no memory");
    return state->recording ? REPRISE_CONTINUE : REPRISE_FAIL;
}

static void stop(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    user_tell_lost(call);
    recording_free(state->recording);
    signer_free(state->signer);
    free(state->access_path);
    free(state->refresh_path);
    free(state->expires_path);
}

static void noted(void *owner, uint32_t step, uint32_t mark)
{
    const reprise_call *call = owner;
    call->host->mark(call, step, mark);
}

static int on_recorded(const reprise_call *call, const reprise_recorded *recorded)
{
    struct plugin_state *state = call->plugin;
    if (recording_add(state->recording, call->session_id, recorded, noted, (void *)call) == 0)
        return REPRISE_CONTINUE;
    call->host->error(call, "no memory for what the trace says about tokens");
    return REPRISE_FAIL;
}

static int on_recording_end(const reprise_call *call)
{
    user_tell_found(call);
    return REPRISE_CONTINUE;
}

static const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, login, "",
                   "METHOD:/path that gives a token, where it is not found by itself"),
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, refresh, "",
                   "METHOD:/path that renews it; asked even when no session of the trace did"),
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, refresh_body,
                   "{\"refresh_token\":\"{token}\"}",
                   "its body where none was recorded: JSON, or a form"),
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, access, "",
                   "the access token in an answer: data.token or /data/token"),
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, refresh_token, "",
                   "the refresh token likewise"),
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, expires, "",
                   "seconds it lives, or when it ends, likewise"),
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, token, "",
                   "what carries it in requests: header NAME, cookie NAME, query NAME"),
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, margin, "5%",
                   "renew this long before the end: a time, or a share (200 ms to 30 s)"),
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, jitter, "50%",
                   "and up to this much earlier, where others are renewed then"),
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, recorded, "drop",
                   "recorded refreshes: drop (answered here with the user's tokens) or keep"),
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, clock, "target",
                   "exp is read by the target's clock (Date header) or by our own: target or own"),
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, statuses, "401",
                   "answers that refuse a token, blanks between: 401 419"),
    REPRISE_OPTION(REPRISE_NUMBER, struct plugin_state, tries, "3",
                   "how often a refresh or a login is sent while the target is broken"),
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, sign, "",
                   "make tokens here: HS256, RS256 or ES256; logins are then not sent"),
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, key, "",
                   "the file of its key: the secret, or a private key in PEM"),
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, sub, "",
                   "whose they are: load-{user}, data:COLUMN; as recorded without it"),
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, life, "",
                   "how long they live: 15m; as long as the recorded one without it"),
    REPRISE_OPTIONS_END,
};

static const reprise_metric metrics[] = {
    [METRIC_REFRESHES] = {"jwt_refreshes", "", "tokens renewed by a refresh", REPRISE_COUNTER, 0},
    [METRIC_REFRESH_DURATION] = {"jwt_refresh_duration", "us",
                                 "how long each took, from when it was due", REPRISE_HISTOGRAM, 0},
    [METRIC_REFRESHES_FAILED] = {"jwt_refreshes_failed", "",
                                 "refreshes that gave no token: refused, broken or silent",
                                 REPRISE_COUNTER, 0},
    [METRIC_LOGINS] = {"jwt_logins", "", "logins made because nothing else helped", REPRISE_COUNTER,
                       0},
    [METRIC_LOGINS_FAILED] = {"jwt_logins_failed", "", "of these, the ones that gave no token",
                              REPRISE_COUNTER, 0},
    [METRIC_SIGNED] = {"jwt_signed", "", "tokens signed here", REPRISE_COUNTER, 0},
    [METRIC_401_SEEN] = {"jwt_401_seen", "", "answers that refused a token", REPRISE_COUNTER, 0},
    [METRIC_401_SAVED] = {"jwt_401_saved", "", "of these, made good by a new token",
                          REPRISE_COUNTER, 0},
    [METRIC_401_LEFT] = {"jwt_401_left", "", "of these, left in the results", REPRISE_COUNTER, 0},
    [METRIC_DROPPED] = {"jwt_recorded_dropped", "",
                        "recorded refreshes and logins that were not needed", REPRISE_COUNTER, 0},
    [METRIC_HELD] = {"jwt_requests_held", "", "requests that waited for another's new token",
                     REPRISE_COUNTER, 0},
    [METRIC_ODD_TOKENS] = {"jwt_odd_tokens", "", "tokens whose exp is not to be believed",
                           REPRISE_COUNTER, 0},
    [METRIC_USERS_LOST] = {"jwt_users_lost", "",
                           "users for whom no token was to be had: refused with new "
                           "ones too, or refused at their login",
                           REPRISE_COUNTER, 0},
    REPRISE_METRICS_END,
};

static const reprise_plugin plugin = {
    REPRISE_PLUGIN_HEADER,
    .name = "jwt_refresh",
    .version = "1.0",
    .summary = "keeps every replayed user's token alive",
    .flags = REPRISE_MARKED_ONLY | REPRISE_ASK_LAST,
    .threads = REPRISE_PARALLEL,
    .max_holds = 1000,
    .max_retries = 100,
    .plugin_size = sizeof(struct plugin_state),
    .user_size = sizeof(struct user),
    .options = options,
    .metrics = metrics,
    .start = start,
    .stop = stop,
    .on_recorded = on_recorded,
    .on_recording_end = on_recording_end,
    .on_session_start = user_session_start,
    .on_request = user_request,
    .on_response = user_response,
    .on_ws_message = user_message,
    .on_session_end = user_session_end,
};

REPRISE_REGISTER(plugin);
