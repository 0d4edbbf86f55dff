/* routes.c - the table of what the server answers. */
#include "tests/voicelab/routes.h"

#include <stdio.h>
#include <string.h>

#include "tests/voicelab/handlers.h"

static const struct route routes[] = {
    {"GET", "/health", AUTH_NONE, BODY_NONE, true, health_get},
    {"GET", "/metrics", AUTH_NONE, BODY_NONE, true, metrics_page},
    {"GET", "/metrics/sessions", AUTH_NONE, BODY_NONE, true, metrics_sessions},

    {"POST", "/auth/signup", AUTH_NONE, BODY_TEXT, false, accounts_signup},
    {"POST", "/auth/login", AUTH_NONE, BODY_TEXT, false, accounts_login},
    {"POST", "/auth/refresh", AUTH_NONE, BODY_TEXT, false, accounts_refresh},
    {"POST", "/auth/logout", AUTH_USER, BODY_TEXT, false, accounts_logout},
    {"GET", "/me", AUTH_USER, BODY_NONE, false, accounts_me},
    {"POST", "/api-keys", AUTH_USER, BODY_TEXT, false, accounts_make_api_key},

    {"POST", "/uploads", AUTH_USER, BODY_MULTIPART, false, uploads_create},
    {"GET", "/uploads", AUTH_USER, BODY_NONE, false, uploads_list},
    {"GET", "/uploads/{id}", AUTH_USER, BODY_NONE, false, uploads_get},

    {"POST", "/jobs", AUTH_USER, BODY_TEXT, false, jobs_submit},
    {"GET", "/jobs", AUTH_USER, BODY_NONE, false, jobs_list},
    {"GET", "/jobs/{id}", AUTH_USER, BODY_NONE, false, jobs_get},

    {"POST", "/conversations", AUTH_USER, BODY_TEXT, false, conversations_create},
    {"GET", "/conversations", AUTH_USER, BODY_NONE, false, conversations_list},
    {"GET", "/conversations/{id}", AUTH_USER, BODY_NONE, false, conversations_get},
    {"POST", "/conversations/{id}/turns", AUTH_USER, BODY_TEXT, false, conversations_turn},

    {"GET", "/voices", AUTH_USER, BODY_NONE, false, voices_list},
    {"GET", "/voices/{id}", AUTH_USER, BODY_NONE, false, voices_get},
    {"GET", "/search", AUTH_USER, BODY_NONE, false, search_get},

    {"POST", "/v1/uploads", AUTH_API_KEY, BODY_MULTIPART, false, uploads_create},
    {"POST", "/v1/batches", AUTH_API_KEY, BODY_TEXT, false, batches_submit},
    {"GET", "/v1/batches/{id}", AUTH_API_KEY, BODY_NONE, false, batches_get},

    {"GET", "/feedback", AUTH_NONE, BODY_NONE, false, feedback_form},
    {"POST", "/feedback", AUTH_NONE, BODY_TEXT, false, feedback_post},
    {"GET", "/feedback/{id}", AUTH_NONE, BODY_NONE, false, feedback_get},

    {"POST", "/admin/login", AUTH_NONE, BODY_TEXT, false, admin_login},
    {"GET", "/admin", AUTH_ADMIN, BODY_NONE, false, admin_dashboard},
    {"GET", "/admin/stats", AUTH_ADMIN, BODY_NONE, false, admin_stats},

    {"GET", "/ws/transcribe", AUTH_USER, BODY_NONE, false, ws_transcribe},
};

#define ROUTES (sizeof routes / sizeof routes[0])

size_t routes_count(void)
{
    return ROUTES;
}

/* Whether `path` has the shape of `template`. {id} stands for 1 to ID_CAP-1 letters, digits, - _ .
 */
static bool matches(const char *template, const char *path, char param[ID_CAP])
{
    static const char id_chars[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    const char *brace = strchr(template, '{');

    param[0] = '\0';
    if (!brace)
        return strcmp(template, path) == 0;
    size_t before = (size_t)(brace - template);
    if (strncmp(template, path, before) != 0)
        return false;
    size_t len = strspn(path + before, id_chars);
    if (len == 0 || len >= ID_CAP || strcmp(path + before + len, strchr(brace, '}') + 1) != 0)
        return false;
    memcpy(param, path + before, len);
    param[len] = '\0';
    return true;
}

const struct route *routes_find(const char *method, const char *path, char ret_param[ID_CAP],
                                size_t *ret_index, char ret_allow[64])
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    size_t used = 0;

    ret_allow[0] = '\0';
    for (size_t i = 0; i < ROUTES; i++) {
        if (!matches(routes[i].path, path, ret_param))
            continue;
        if (strcmp(routes[i].method, wanted) == 0) {
            *ret_index = i;
            return &routes[i];
        }
        used += (size_t)snprintf(ret_allow + used, 64 - used, "%s%s", used ? ", " : "",
                                 routes[i].method);
    }
    ret_param[0] = '\0';
    *ret_index = ROUTES;
    return NULL;
}

const char *routes_template(size_t index)
{
    return index < ROUTES ? routes[index].path : "other";
}

const char *routes_method(size_t index, size_t slot)
{
    if (index == ROUTES)
        return "any";
    return slot == 0 ? routes[index].method : "HEAD";
}
