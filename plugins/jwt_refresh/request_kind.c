/*
 * request_kind.c - what a recorded request asks for, by its path and the fields it sends: a login,
 * a new token, the end of a session, or something else.
 */
#include "request_kind.h"

#include <string.h>

enum { KEY_BYTES = 64 };

bool request_fits(const char *written, reprise_bytes method, reprise_bytes url)
{
    reprise_bytes path = text_of(written), wanted = {NULL, 0};
    if (!path.len)
        return false;
    if (path.ptr[0] != '/')
        wanted = text_cut(&path, ':');
    if (wanted.len && !text_equal(wanted, method))
        return false;
    return text_equal(text_url_path(url), path);
}

/* One of the last two parts of the path is this word, whatever its dashes. */
static bool path_says(reprise_bytes url, const char *const *words, size_t count)
{
    reprise_bytes rest = text_url_path(url), last[2] = {{NULL, 0}, {NULL, 0}};
    char key[KEY_BYTES];
    while (rest.len) {
        reprise_bytes part = text_cut(&rest, '/');
        if (!part.len)
            continue;
        last[0] = last[1];
        last[1] = part;
    }
    for (size_t i = 0; i < 2; i++) {
        text_key(last[i], key, sizeof key);
        for (size_t k = 0; k < count; k++) {
            if (strcmp(key, words[k]) == 0)
                return true;
        }
    }
    return false;
}

static bool is_password(const char *key)
{
    static const char *const words[] = {"password", "passwd", "pwd", "passphrase", "passcode"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strstr(key, words[i]))
            return true;
    }
    return strcmp(key, "pass") == 0 || strcmp(key, "otp") == 0 || strcmp(key, "pin") == 0;
}

/* What the fields say: a grant_type is plain, a refresh token is next, then a password. */
static enum request_kind kind_of_fields(const struct fields *fields)
{
    enum request_kind kind = REQUEST_OTHER;
    char key[KEY_BYTES];
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->items[i];
        text_key(field_name(field), key, sizeof key);
        if (strcmp(key, "granttype") == 0)
            return text_is(field_text(field), "refresh_token") ? REQUEST_REFRESH : REQUEST_LOGIN;
        if (strcmp(key, "refreshtoken") == 0 || strcmp(key, "refreshjwt") == 0)
            kind = REQUEST_REFRESH;
        else if (kind == REQUEST_OTHER && (is_password(key) || strcmp(key, "clientsecret") == 0))
            kind = REQUEST_LOGIN;
    }
    return kind;
}

enum request_kind request_kind(reprise_bytes method, reprise_bytes url, const struct fields *fields)
{
    static const char *const ends[] = {"logout", "signout", "logoff", "revoke", "endsession"};
    static const char *const renews[] = {"refresh", "refreshtoken", "tokenrefresh", "renew"};
    static const char *const begins[] = {"login",    "signin",  "authenticate", "logon",
                                         "sessions", "session", "token",        "anonymous"};
    static const char *const sessions[] = {"sessions", "session", "login"};
    bool is_get = text_is(method, "GET") || text_is(method, "HEAD");
    if (path_says(url, ends, sizeof ends / sizeof *ends))
        return REQUEST_LOGOUT;
    if (text_is(method, "DELETE"))
        return path_says(url, sessions, sizeof sessions / sizeof *sessions) ? REQUEST_LOGOUT
                                                                            : REQUEST_OTHER;
    enum request_kind kind = kind_of_fields(fields);
    if (kind != REQUEST_OTHER)
        return kind;
    if (path_says(url, renews, sizeof renews / sizeof *renews))
        return REQUEST_REFRESH;
    return !is_get && path_says(url, begins, sizeof begins / sizeof *begins) ? REQUEST_LOGIN
                                                                             : REQUEST_OTHER;
}
