/* settings.c - whether the options make sense, said before the run instead of nothing during it. */
#include "settings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../common/duration.h"

#define LEAST_LIFE_US UINT64_C(1000000)
#define SAMPLE_TOKEN "token-of-a-user"

/* "POST:/auth/login", or the path alone. */
static bool is_endpoint(const char *written)
{
    size_t capitals = strspn(written, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    const char *path = capitals && written[capitals] == ':' ? written + capitals + 1 : written;
    return path[0] == '/' && !strpbrk(path, " ?#");
}

const char *settings_token_name(const char *written)
{
    static const char *const words[] = {"header ", "cookie ", "query "};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *name = written + strlen(words[i]);
        if (strncmp(written, words[i], strlen(words[i])) == 0)
            return *name && !strchr(name, ' ') ? name : NULL;
    }
    return NULL;
}

/* With a token in it, read as it will be sent, it has a field that is the token. */
static bool is_refresh_body(const char *written)
{
    size_t len = 0;
    bool has_token = false;
    struct fields fields;
    char *body = text_replace(text_of(written), text_of("{token}"), text_of(SAMPLE_TOKEN), &len);
    const char *type = written[0] == '{' ? "application/json" : "application/x-www-form-urlencoded";
    if (!body)
        return false;
    fields_parse(&fields, text_of(type), text_from(body, len));
    for (size_t i = 0; i < fields.count; i++)
        has_token |= text_has(field_text(&fields.items[i]), SAMPLE_TOKEN);
    fields_free(&fields);
    free(body);
    return has_token;
}

/* What is wrong with how a token is asked for and carried; NULL: nothing. */
static const char *wrong_exchange(const struct plugin_state *state)
{
    if (state->login[0] && !is_endpoint(state->login))
        return "login: it is METHOD:/path, like POST:/auth/login";
    if (state->refresh[0] && !is_endpoint(state->refresh))
        return "refresh: it is METHOD:/path, like POST:/auth/refresh";
    if (!strstr(state->refresh_body, "{token}"))
        return "refresh_body: {token} says where the refresh token goes";
    if (!is_refresh_body(state->refresh_body))
        return "refresh_body: neither JSON nor a form with {token} as a value: "
               "refresh_token={token}";
    if (state->token[0] && !settings_token_name(state->token))
        return "token: it is header NAME, cookie NAME or query NAME";
    if (state->tries == 0)
        return "tries: it is at least 1";
    return NULL;
}

bool settings_check(const reprise_call *call, struct plugin_state *state)
{
    const char *wrong = wrong_exchange(state);
    if (!wrong && state->sub[0] && !state->sign[0])
        wrong = "sub: it is for tokens that are signed here: sign=RS256,key=FILE";
    if (!wrong && strcmp(state->sub, "data:") == 0)
        wrong = "sub: data: needs a column of --data, like data:email";
    if (!wrong && state->life[0] && !state->sign[0])
        wrong = "life: it is for tokens that are signed here: sign=RS256,key=FILE";
    if (!wrong && state->life[0] && !duration_read_us(state->life, &state->life_us))
        wrong = "life: a time longer than 0, like 15m; as recorded without it";
    if (!wrong && state->life[0] && state->life_us < LEAST_LIFE_US)
        wrong = "life: 1s at least, as exp counts whole seconds";
    if (wrong)
        call->host->error(call, "%s", wrong);
    return !wrong;
}

void settings_tell_unmet(const reprise_call *call)
{
    const struct plugin_state *state = call->plugin;
    const struct hint_hits *hits = recording_hits(state->recording);
    const struct {
        const char *name, *written;
        uint64_t hits;
        const char *what;
    } rows[] = {
        {"login", state->login, hits->login, "no exchange of the trace is this one"},
        {"refresh", state->refresh, hits->refresh,
         "no exchange of the trace is this one; it is sent as refresh_body says"},
        {"access", state->access, hits->access,
         "no answer to a login or refresh has a token there"},
        {"refresh_token", state->refresh_token, hits->refresh_token,
         "no answer to a login or refresh has a token there"},
        {"expires", state->expires, hits->expires,
         "no answer to a login or refresh has anything there"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].written[0] && !rows[i].hits)
            call->host->log(call, REPRISE_WARNING, "%s=%s: %s", rows[i].name, rows[i].written,
                            rows[i].what);
    }
}
