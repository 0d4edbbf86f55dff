/* sessions_test.c - small plays: who sends what, and whose session it must be. */
#include "capture/sessions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#define MINUTE (60 * INT64_C(1000000))

/* One exchange. `connection` is a number of the play's own; `session` is what must come out: equal
 * numbers are one session, and a number seen for the first time is a new one. */
struct act {
    int session;
    int connection;
    const char *address;
    int64_t at_us;
    const char *request;  /* header lines, or "" */
    const char *target;   /* NULL: "/" */
    const char *body;     /* of the request, or NULL */
    const char *response; /* header lines, or NULL */
    const char *answer;   /* its body, or NULL */
};

enum { MAX_ACTS = 20, MAX_SESSIONS = 32 };

struct play {
    const char *name;
    const char *session_header;
    struct act acts[MAX_ACTS];
};

struct seen {
    struct trace_session rows[MAX_SESSIONS];
    char identities[MAX_SESSIONS][128];
    char labels[MAX_SESSIONS][160];
};

static void on_row(void *owner, const struct trace_session *row)
{
    struct seen *seen = owner;
    assert_true(row->session_id > 0 && row->session_id < MAX_SESSIONS);
    seen->rows[row->session_id] = *row;
    snprintf(seen->identities[row->session_id], 128, "%.*s", BYTES_ARG(row->identity));
    snprintf(seen->labels[row->session_id], 160, "%.*s", BYTES_ARG(row->label));
}

static struct bytes text_or_none(const char *text)
{
    return text ? bytes_of(text) : (struct bytes){0};
}

static int64_t act_out(struct sessions *sessions, const struct act *act, int64_t last_session_id)
{
    struct session_keys keys = {.count = 0};
    struct session_hint hints[4] = {0};
    if (act->body)
        session_keys_of_body(&keys, bytes_of(act->body));
    for (size_t i = 0; i < keys.count && i < 3; i++)
        hints[i] = (struct session_hint){keys.items[i].hash, keys.items[i].class};
    struct session_sighting sighting = {
        .address = bytes_of(act->address),
        .request_headers = bytes_of(act->request),
        .target = bytes_of(act->target ? act->target : "/"),
        .response_headers = text_or_none(act->response),
        .response_body = text_or_none(act->answer),
        .hints = hints,
        .connection_session_id = last_session_id,
        .first_us = act->at_us,
        .last_us = act->at_us + 1000,
    };
    return sessions_add_exchange(sessions, &sighting);
}

static const struct session_options defaults = {.idle_gap_us = 30 * MINUTE, .max_sessions = 1000};

static void run_play(const struct play *play, struct seen *seen)
{
    struct session_options options = defaults;
    int64_t by_connection[MAX_ACTS] = {0}, ids[MAX_SESSIONS] = {0};
    options.header = play->session_header;
    *seen = (struct seen){0};
    struct sessions *sessions = sessions_new(&options, on_row, seen);
    for (size_t i = 0; i < MAX_ACTS && play->acts[i].address; i++) {
        const struct act *act = &play->acts[i];
        int64_t id = act_out(sessions, act, by_connection[act->connection]);
        by_connection[act->connection] = id;
        if (ids[act->session] && ids[act->session] != id)
            fail_msg("%s: act %zu is in session %d, not in that of the acts before", play->name, i,
                     (int)id);
        for (int other = 1; other < MAX_SESSIONS; other++) {
            if (other != act->session && ids[other] == id)
                fail_msg("%s: act %zu joined another user's session", play->name, i);
        }
        ids[act->session] = id;
    }
    sessions_flush(sessions);
    sessions_free(sessions);
}

#define HERE "10.0.0.7"

#define CURL "User-Agent: curl/7.88.1\n"
#define GIVES(value) "Set-Cookie: PHPSESSID=" value "; path=/\n"
#define SENDS(value) "Cookie: PHPSESSID=" value "\n"

static const struct play plays[] = {
    {"an application's texts are no tokens",
     NULL,
     {{1, 1, HERE, 0, "", "/locales/en", NULL, NULL,
       "{\"session\":\"Session\",\"cleansession\":\"Use clean session\"}"},
      {1, 1, HERE, MINUTE, "", "/auth/token", NULL, NULL, "{\"access_token\":\"8f3a11c9e0\"}"},
      {1, 2, HERE, 2 * MINUTE, "", "/comms", NULL, NULL, NULL}}},
    {"one address, nothing else",
     NULL,
     {{1, 1, HERE, 0, "", NULL, NULL, NULL, NULL},
      {1, 2, HERE, MINUTE, "", NULL, NULL, NULL, NULL},
      {2, 3, "10.0.0.8", MINUTE, "", NULL, NULL, NULL, NULL}}},
    {"an idle gap ends it",
     NULL,
     {{1, 1, HERE, 0, "", NULL, NULL, NULL, NULL},
      {1, 1, HERE, 29 * MINUTE, "", NULL, NULL, NULL, NULL},
      {2, 1, HERE, 60 * MINUTE, "", NULL, NULL, NULL, NULL}}},
    {"an idle gap ends a cookie's session too",
     NULL,
     {{1, 1, HERE, 0, "Cookie: sid=abcdef0123\n", NULL, NULL, NULL, NULL},
      {2, 2, HERE, 40 * MINUTE, "Cookie: sid=abcdef0123\n", NULL, NULL, NULL, NULL}}},
    {"two cookies from one address",
     NULL,
     {{1, 1, HERE, 0, "Cookie: theme=dark; sid=user-one-0001\n", NULL, NULL, NULL, NULL},
      {2, 2, HERE, 1, "Cookie: sid=user-two-0002; theme=dark\n", NULL, NULL, NULL, NULL},
      {1, 3, HERE, 2, "Cookie: sid=user-one-0001\n", NULL, NULL, NULL, NULL}}},
    {"one cookie from two addresses",
     NULL,
     {{1, 1, HERE, 0, "Cookie: PHPSESSID=abcdef0123\n", NULL, NULL, NULL, NULL},
      {1, 2, "10.9.9.9", 1, "Cookie: PHPSESSID=abcdef0123\n", NULL, NULL, NULL, NULL}}},
    {"a cookie is born in an anonymous session",
     NULL,
     {{1, 1, HERE, 0, "", NULL, NULL, "Set-Cookie: connect.sid=s%3Aabcdef; Path=/\n", NULL},
      {1, 2, HERE, 1, "Cookie: connect.sid=s%3Aabcdef\n", NULL, NULL, NULL, NULL}}},
    {"an unknown cookie takes over the anonymous session of its address",
     NULL,
     {{1, 1, HERE, 0, "", NULL, NULL, NULL, NULL},
      {1, 2, HERE, 1, "Cookie: sid=abcdef0123\n", NULL, NULL, NULL, NULL},
      {1, 3, HERE, 2, "", NULL, NULL, NULL, NULL}}},
    {"signup, login, token, refreshed token: one user each, many at one address",
     NULL,
     {{1, 1, HERE, 0, "", "/signup", "{\"email\":\"a@x\"}", NULL, "{\"id\":1}"},
      {1, 1, HERE, 1, "", "/login", NULL, NULL,
       "{\"access_token\": \"aaaaaaaaaaaaaaaaaaaa1\",\"refresh_token\":\"rrrrrrrrrrrrrrrrrrrr1\"}"},
      {2, 2, HERE, 2, "", "/signup", "{\"email\":\"b@x\"}", NULL, "{\"id\":2}"},
      {2, 2, HERE, 3, "", "/login", NULL, NULL,
       "{\"access_token\": \"aaaaaaaaaaaaaaaaaaaa2\",\"refresh_token\":\"rrrrrrrrrrrrrrrrrrrr2\"}"},
      {1, 3, HERE, 4, "Authorization: Bearer aaaaaaaaaaaaaaaaaaaa1\n", "/jobs", NULL, NULL, NULL},
      {2, 4, HERE, 5, "Authorization: Bearer aaaaaaaaaaaaaaaaaaaa2\n", "/jobs", NULL, NULL, NULL},
      {1, 5, HERE, 6, "", "/refresh", "{\"refresh_token\":\"rrrrrrrrrrrrrrrrrrrr1\"}", NULL,
       "{\"access_token\":\"aaaaaaaaaaaaaaaaaaaa3\"}"},
      {1, 6, HERE, 7, "Authorization: Bearer aaaaaaaaaaaaaaaaaaaa3\n", "/jobs", NULL, NULL, NULL},
      {2, 7, HERE, 8, "Authorization: Bearer aaaaaaaaaaaaaaaaaaaa2\n", "/jobs", NULL, NULL, NULL}}},
    {"users who sign up at the same time from one address, each request on a new connection",
     NULL,
     {{1, 1, HERE, 0, "", "/signup", "{\"email\":\"ann@x.org\"}", NULL, "{\"id\":1}"},
      {2, 2, HERE, 1, "", "/signup", "{\"email\":\"bob@x.org\"}", NULL, "{\"id\":2}"},
      {2, 3, HERE, 2, "", "/login", "{\"email\":\"bob@x.org\"}", NULL,
       "{\"access_token\":\"aaaaaaaaaaaaaaaaaaaa2\"}"},
      {1, 4, HERE, 3, "", "/login", "{\"email\":\"ann@x.org\"}", NULL,
       "{\"access_token\":\"aaaaaaaaaaaaaaaaaaaa1\"}"},
      {1, 5, HERE, 4, "Authorization: Bearer aaaaaaaaaaaaaaaaaaaa1\n", NULL, NULL, NULL, NULL},
      {2, 6, HERE, 5, "Authorization: Bearer aaaaaaaaaaaaaaaaaaaa2\n", NULL, NULL, NULL, NULL}}},
    {"an administrator who makes users does not become them",
     NULL,
     {{1, 1, HERE, 0, "Authorization: Bearer aaaaaaaaaaaaaaaaadmin\n", "/users",
       "{\"email\":\"ann@x.org\"}", NULL, NULL},
      {2, 2, HERE, 1, "", "/login", "email=ann%40x.org&password=x", NULL,
       "{\"token\":\"aaaaaaaaaaaaaaaaaaaa1\"}"}}},
    {"who logs in again is the same user",
     NULL,
     {{1, 1, HERE, 0, "", "/login", "{\"username\":\"ann\"}", NULL,
       "{\"token\":\"aaaaaaaaaaaaaaaaaaaa1\"}"},
      {1, 2, HERE, 1, "", "/login", "{\"username\":\"ann\"}", NULL,
       "{\"token\":\"aaaaaaaaaaaaaaaaaaaa2\"}"},
      {1, 3, HERE, 2, "Authorization: Bearer aaaaaaaaaaaaaaaaaaaa2\n", NULL, NULL, NULL, NULL}}},
    {"a second login on a connection of its own is another user",
     NULL,
     {{1, 1, HERE, 0, "", "/health", NULL, NULL, NULL},
      {1, 2, HERE, 1, "", "/health", NULL, NULL, NULL},
      {1, 1, HERE, 2, "", "/login", NULL, NULL, "{\"token\":\"aaaaaaaaaaaaaaaaaaaa1\"}"},
      {2, 2, HERE, 3, "", "/login", NULL, NULL, "{\"token\":\"aaaaaaaaaaaaaaaaaaaa2\"}"},
      {1, 3, HERE, 4, "Authorization: Bearer aaaaaaaaaaaaaaaaaaaa1\n", NULL, NULL, NULL, NULL},
      {2, 4, HERE, 5, "Authorization: Bearer aaaaaaaaaaaaaaaaaaaa2\n", NULL, NULL, NULL, NULL}}},
    {"a token of the answer comes back as a query parameter",
     NULL,
     {{1, 1, HERE, 0, "", "/login", NULL, NULL, "{\"access_token\":\"aaaaaaaaaaaaaaaaaaaa1\"}"},
      {1, 2, HERE, 1, "", "/ws?token=aaaaaaaaaaaaaaaaaaaa1&x=1", NULL, NULL, NULL}}},
    {"a token of the answer comes back as a cookie of any name",
     NULL,
     {{1, 1, HERE, 0, "", "/admin/login", NULL, NULL,
       "{\"admin_token\":\"aaaaaaaaaaaaaaaaaaaa1\"}"},
      {1, 2, HERE, 1, "", "/", NULL, NULL, NULL},
      {1, 3, "10.0.0.9", 2, "Cookie: theme=aaaaaaaaaaaaaaaaaaaa0; boss=aaaaaaaaaaaaaaaaaaaa1\n",
       NULL, NULL, NULL, NULL}}},
    {"a cookie that scripts may not read is a session's, whatever its name",
     NULL,
     {{1, 1, HERE, 0, "", NULL, NULL, "Set-Cookie: x=aaaaaaaaaaaaaaaaaaaa1; HttpOnly\n", NULL},
      {1, 2, HERE, 1, "", "/", NULL, NULL, NULL},
      {1, 3, "10.0.0.9", 2, "Cookie: x=aaaaaaaaaaaaaaaaaaaa1\n", NULL, NULL, NULL, NULL}}},
    {"a token of the answer comes back in a header of its own",
     NULL,
     {{1, 1, HERE, 0, "", "/admin/login", NULL, NULL,
       "{\"admin_token\":\"aaaaaaaaaaaaaaaaaaaa1\"}"},
      {1, 2, "10.0.0.9", 1, "X-Admin-Token: aaaaaaaaaaaaaaaaaaaa1\n", NULL, NULL, NULL, NULL},
      {2, 3, "10.0.0.9", 2, "X-Page-Token: aaaaaaaaaaaaaaaaaaaa1\n", NULL, NULL, NULL, NULL}}},
    {"an API key belongs to who made it",
     NULL,
     {{1, 1, HERE, 0, "Authorization: Bearer aaaaaaaaaaaaaaaaaaaa1\n", "/api-keys", NULL, NULL,
       "{\"id\":\"key_1\",\"key\":\"kkkkkkkkkkkkkkkkkkkk1\"}"},
      {1, 2, HERE, 1, "X-API-Key: kkkkkkkkkkkkkkkkkkkk1\n", "/v1/batches", NULL, NULL, NULL},
      {2, 3, HERE, 2, "X-API-Key: kkkkkkkkkkkkkkkkkkkk2\n", "/v1/batches", NULL, NULL, NULL}}},
    {"no key on a connection that had one",
     NULL,
     {{1, 1, HERE, 0, "Cookie: sid=abcdef0123\n", NULL, NULL, NULL, NULL},
      {1, 1, HERE, 1, "", "/logo.png", NULL, NULL, NULL}}},
    {"the named header is stronger than all",
     "X-User",
     {{1, 1, HERE, 0, "X-User: 7\nCookie: sid=abcdef0123\n", NULL, NULL, NULL, NULL},
      {2, 1, HERE, 1, "X-User: 8\n", NULL, NULL, NULL, NULL},
      {1, 2, HERE, 2, "x-user: 7\n", NULL, NULL, NULL, NULL}}},
    {"what is no session cookie tells nobody apart",
     NULL,
     {{1, 1, HERE, 0, "Cookie: csrftoken=aaaaaaaaaaaaaaaaaaaa1\n", NULL, NULL, NULL, NULL},
      {1, 2, HERE, 1, "Cookie: csrftoken=aaaaaaaaaaaaaaaaaaaa2\n", NULL, NULL, NULL, NULL}}},
    {"digest answers change with every request",
     NULL,
     {{1, 1, HERE, 0, "Authorization: Digest response=1\n", NULL, NULL, NULL, NULL},
      {1, 2, HERE, 1, "Authorization: Digest response=2\n", NULL, NULL, NULL, NULL}}},
    {"users who have nothing but a token in the query, through one connection of a proxy",
     NULL,
     {{1, 1, HERE, 0, "", "/jobs?access_token=Zk3vQ81mXw0pLr7T", NULL, NULL, NULL},
      {2, 1, HERE, 1, "", "/jobs?access_token=9dVbN52cYt6uHs4E", NULL, NULL, NULL},
      {1, 1, HERE, 2, "", "/jobs/1?x=1&access_token=Zk3vQ81mXw0pLr7T", NULL, NULL, NULL},
      {3, 2, HERE, 3, "", "/jobs?auth=Q7wL2kP0sN8xJ4zB", NULL, NULL, NULL},
      {2, 2, HERE, 4, "", "/me?access_token=9dVbN52cYt6uHs4E", NULL, NULL, NULL}}},
    {"what has a token's name in the query and no token's looks tells nobody apart",
     NULL,
     {{1, 1, HERE, 0, "", "/talk?session=12", NULL, NULL, NULL},
      {1, 1, HERE, 1, "", "/talk?session=13&token=yes-please-do-so", NULL, NULL, NULL},
      {1, 1, HERE, 2, "", "/list?nextToken=Zk3vQ81mXw0pLr7T", NULL, NULL, NULL},
      {1, 1, HERE, 3, "", "/list?nextToken=9dVbN52cYt6uHs4E", NULL, NULL, NULL}}},
    {"a token in the query is the one of the header, whatever it is escaped like",
     NULL,
     {{1, 1, HERE, 0, "", "/login", "{\"email\":\"ann@x.org\"}", NULL,
       "{\"token\":\"Zk3vQ81m/w0pLr7T==\"}"},
      {2, 1, HERE, 1, "", "/login", "{\"email\":\"bob@x.org\"}", NULL,
       "{\"token\":\"9dVbN52c/t6uHs4E==\"}"},
      {1, 2, HERE, 2, "Authorization: Bearer Zk3vQ81m/w0pLr7T==\n", "/", NULL, NULL, NULL},
      {2, 3, HERE, 3, "", "/ws?authorization=Bearer%209dVbN52c%2Ft6uHs4E%3D%3D", NULL, NULL, NULL},
      {1, 3, HERE, 4, "", "/ws?token=Zk3vQ81m%2fw0pLr7T%3d%3d", NULL, NULL, NULL}}},
    {"the answer to a login gives the token in a header",
     NULL,
     {{1, 1, HERE, 0, "", "/login", NULL, "Authorization: Bearer Zk3vQ81mXw0pLr7T\n", NULL},
      {2, 1, HERE, 1, "", "/login", NULL, "Authorization: Bearer 9dVbN52cYt6uHs4E\n", NULL},
      {1, 2, HERE, 2, "Authorization: Bearer Zk3vQ81mXw0pLr7T\n", NULL, NULL, NULL, NULL},
      {2, 2, HERE, 3, "Authorization: Bearer 9dVbN52cYt6uHs4E\n", NULL, NULL, NULL, NULL}}},
    {"the answer to a login leads on to a place with the token in it",
     NULL,
     {{1, 1, HERE, 0, "", "/login", NULL, "Location: /app?x=1#access_token=Zk3vQ81mXw0pLr7T\n",
       NULL},
      {2, 2, HERE, 1, "Authorization: Bearer 9dVbN52cYt6uHs4E\n", "/app", NULL, NULL, NULL},
      {1, 2, HERE, 2, "Authorization: Bearer Zk3vQ81mXw0pLr7T\n", "/app", NULL, NULL, NULL}}},
    {"a ticket in a link belongs to whom the link was given",
     NULL,
     {{1, 1, HERE, 0, "Authorization: Bearer Zk3vQ81mXw0pLr7T\n", "/files", NULL, NULL,
       "{\"url\":\"http://files/7?ticket=T5yR8eW1qA3sD6fG\"}"},
      {2, 2, HERE, 1, "Authorization: Bearer 9dVbN52cYt6uHs4E\n", "/files", NULL, NULL,
       "{\"url\":\"http://files/8?ticket=M2nB7vC4xZ9lK0jH\"}"},
      {1, 2, HERE, 2, "", "/files/7?ticket=T5yR8eW1qA3sD6fG", NULL, NULL, NULL},
      {2, 1, HERE, 3, "", "/files/8?ticket=M2nB7vC4xZ9lK0jH", NULL, NULL, NULL}}},
    {"a socket's number is beside the token that a login gives later",
     NULL,
     {{1, 1, HERE, 0, "", "/socket.io/?EIO=4", NULL, NULL, "0{\"sid\":\"T5yR8eW1qA3sD6fG\"}"},
      {1, 1, HERE, 1, "", "/login", NULL, NULL, "{\"token\":\"Zk3vQ81mXw0pLr7T\"}"},
      {1, 2, HERE, 2, "", "/socket.io/?EIO=4&sid=T5yR8eW1qA3sD6fG", NULL, NULL, NULL},
      {1, 3, HERE, 3, "Authorization: Bearer Zk3vQ81mXw0pLr7T\n", NULL, NULL, NULL, NULL}}},
    {"an API key that all users send beside their tokens is the application's",
     NULL,
     {{1, 1, HERE, 0, "X-API-Key: app-key-000001\n", "/config", NULL, NULL, NULL},
      {1, 1, HERE, 1, "X-API-Key: app-key-000001\n", "/login", "{\"email\":\"ann@x.org\"}", NULL,
       "{\"token\":\"Zk3vQ81mXw0pLr7T\"}"},
      {2, 1, HERE, 2, "X-API-Key: app-key-000001\n", "/login", "{\"email\":\"bob@x.org\"}", NULL,
       "{\"token\":\"9dVbN52cYt6uHs4E\"}"},
      {1, 1, HERE, 3, "X-API-Key: app-key-000001\nAuthorization: Bearer Zk3vQ81mXw0pLr7T\n", NULL,
       NULL, NULL, NULL},
      {2, 2, HERE, 4, "X-API-Key: app-key-000001\nAuthorization: Bearer 9dVbN52cYt6uHs4E\n", NULL,
       NULL, NULL, NULL},
      {3, 2, HERE, 5, "X-API-Key: app-key-000001\nAuthorization: Bearer Q7wL2kP0sN8xJ4zB\n", NULL,
       NULL, NULL, NULL},
      {2, 2, HERE, 6, "", "/me?api_key=app-key-000001&token=9dVbN52cYt6uHs4E", NULL, NULL, NULL}}},
    {"a program's credentials, with which it asks for its users' tokens, are not theirs",
     NULL,
     {{1, 1, HERE, 0, "Authorization: Basic YXBwOnNlY3JldA==\n", "/oauth/token",
       "grant_type=password&username=ann", NULL, "{\"access_token\":\"Zk3vQ81mXw0pLr7T\"}"},
      {2, 1, HERE, 1, "Authorization: Basic YXBwOnNlY3JldA==\n", "/oauth/token",
       "grant_type=password&username=bob", NULL, "{\"access_token\":\"9dVbN52cYt6uHs4E\"}"},
      {1, 1, HERE, 2, "Authorization: Bearer Zk3vQ81mXw0pLr7T\n", NULL, NULL, NULL, NULL},
      {2, 1, HERE, 3, "Authorization: Bearer 9dVbN52cYt6uHs4E\n", NULL, NULL, NULL, NULL}}},
    {"users of Basic authentication, and users of API keys, through one connection",
     NULL,
     {{1, 1, HERE, 0, "Authorization: Basic YW5uOjE=\n", NULL, NULL, NULL, NULL},
      {2, 1, HERE, 1, "Authorization: Basic Ym9iOjI=\n", NULL, NULL, NULL, NULL},
      {3, 1, HERE, 2, "X-API-Key: key-0001\n", NULL, NULL, NULL,
       "{\"key\":\"key-0001-the-second\"}"},
      {4, 1, HERE, 3, "X-API-Key: key-0002\n", NULL, NULL, NULL, NULL},
      {3, 1, HERE, 4, "X-API-Key: key-0001\n", NULL, NULL, NULL,
       "{\"key\":\"key-0001-the-third\"}"},
      {1, 1, HERE, 5, "Authorization: Basic YW5uOjE=\n", NULL, NULL, NULL, NULL},
      {3, 2, HERE, 6, "X-API-Key: key-0001-the-second\n", NULL, NULL, NULL, NULL}}},
    {"an application's key in the body of every login",
     NULL,
     {{1, 1, HERE, 0, "", "/login", "api_key=app-key-000001&username=ann", NULL, "{}"},
      {2, 1, HERE, 1, "", "/login", "api_key=app-key-000001&username=bob", NULL, "{}"},
      {1, 2, HERE, 2, "", "/login", "api_key=app-key-000001&username=ann", NULL,
       "{\"token\":\"Zk3vQ81mXw0pLr7T\"}"},
      {1, 2, HERE, 3, "", "/jobs?token=Zk3vQ81mXw0pLr7T", NULL, NULL, NULL}}},
    {"a proxy says for whom it asks",
     NULL,
     {{1, 1, HERE, 0, "X-Forwarded-For: 192.0.2.1, 10.1.1.1\n", NULL, NULL, NULL, NULL},
      {2, 1, HERE, 1, "Forwarded: proto=http;for=\"[2001:db8::2]:81\"\n", NULL, NULL, NULL, NULL},
      {1, 2, HERE, 2, "X-Real-IP: 192.0.2.1\n", NULL, NULL, NULL, NULL},
      {2, 2, HERE, 3, "X-Forwarded-For: 2001:db8::2\n", NULL, NULL, NULL, NULL},
      {3, 3, HERE, 4, "X-Forwarded-For: unknown\n", NULL, NULL, NULL, NULL},
      {1, 2, HERE, 5, "X-Forwarded-For: 192.0.2.1:4711\n", NULL, NULL, NULL, NULL}}},
    {"three users without cookies behind one proxy, which has two connections for all",
     NULL,
     {{1, 1, HERE, 0, "", "/login", "{\"username\":\"ann\"}", NULL,
       "{\"access_token\":\"Zk3vQ81mXw0pLr7T\"}"},
      {2, 2, HERE, 1, "", "/login", "{\"username\":\"bob\"}", NULL,
       "{\"access_token\":\"9dVbN52cYt6uHs4E\"}"},
      {3, 1, HERE, 2, "", "/login", "{\"username\":\"cyd\"}", NULL,
       "{\"access_token\":\"Q7wL2kP0sN8xJ4zB\"}"},
      {1, 1, HERE, 3, "Authorization: Bearer Zk3vQ81mXw0pLr7T\n", "/me", NULL, NULL,
       "{\"api_key\":\"key-of-ann-000000001\"}"},
      {2, 1, HERE, 4, "", "/me?access_token=9dVbN52cYt6uHs4E", NULL, NULL, NULL},
      {3, 2, HERE, 5, "", "/me?token=Q7wL2kP0sN8xJ4zB", NULL, NULL, NULL},
      {1, 2, HERE, 6, "X-API-Key: key-of-ann-000000001\n", "/jobs", NULL, NULL, NULL},
      {2, 1, HERE, 7, "", "/refresh?access_token=9dVbN52cYt6uHs4E", NULL, NULL,
       "{\"access_token\":\"T5yR8eW1qA3sD6fG\"}"},
      {3, 1, HERE, 8, "Authorization: Bearer Q7wL2kP0sN8xJ4zB\n", "/jobs", NULL, NULL, NULL},
      {2, 2, HERE, 9, "Authorization: Bearer T5yR8eW1qA3sD6fG\n", "/jobs", NULL, NULL, NULL}}},
    {"users in turn at one address, whose login page begins an anonymous session",
     NULL,
     {{1, 1, HERE, 0, CURL, "/login", NULL, GIVES("ann-before-00001"), NULL},
      {1, 2, HERE, 10000, CURL SENDS("ann-before-00001"), "/login", "_token=x&email=a%40x.org",
       GIVES("ann-logged-in-01"), NULL},
      {1, 3, HERE, 20000, CURL SENDS("ann-logged-in-01"), "/", NULL, NULL, NULL},
      {2, 4, HERE, 30000, CURL, "/login", NULL, GIVES("bob-before-00002"), NULL},
      {2, 5, HERE, 40000, CURL SENDS("bob-before-00002"), "/login", "_token=y&email=b%40x.org",
       GIVES("bob-logged-in-02"), NULL},
      {3, 6, HERE, 50000, CURL, "/login", NULL, GIVES("cyd-before-00003"), NULL},
      {2, 7, HERE, 60000, CURL SENDS("bob-logged-in-02"), "/", NULL, NULL, NULL},
      {1, 8, HERE, 70000, CURL SENDS("ann-logged-in-01"), "/", NULL, NULL, NULL},
      {3, 9, HERE, 80000, CURL SENDS("cyd-before-00003"), "/", NULL, NULL, NULL}}},
    {"users who all are at the login page before the first logs in, some at the same time",
     NULL,
     {{1, 1, HERE, 0, CURL, "/login", NULL, GIVES("ann-before-00001"), NULL},
      {2, 2, HERE, 500, CURL, "/login", NULL, GIVES("bob-before-00002"), NULL},
      {3, 3, HERE, 30000, CURL, "/login", NULL, GIVES("cyd-before-00003"), NULL},
      {2, 4, HERE, 40000, CURL SENDS("bob-before-00002"), "/", NULL, NULL, NULL},
      {1, 5, HERE, 50000, CURL SENDS("ann-before-00001"), "/", NULL, NULL, NULL},
      {3, 6, HERE, 60000, CURL SENDS("cyd-before-00003"), "/", NULL, NULL, NULL}}},
    {"a user on the connection of the one before, whose client keeps cookies",
     NULL,
     {{1, 1, HERE, 0, CURL, "/login", NULL, GIVES("ann-before-00001"), NULL},
      {1, 1, HERE, 10000, CURL SENDS("ann-before-00001"), "/", NULL, NULL, NULL},
      {2, 1, HERE, 20000, CURL, "/login", NULL, GIVES("bob-before-00002"), NULL},
      {2, 1, HERE, 30000, CURL SENDS("bob-before-00002"), "/", NULL, NULL, NULL}}},
    {"a client that keeps no cookies, on its connection",
     NULL,
     {{1, 1, HERE, 0, CURL, "/a", NULL, GIVES("value-0000000001"), NULL},
      {1, 1, HERE, 10000, CURL, "/b", NULL, GIVES("value-0000000002"), NULL},
      {1, 1, HERE, 20000, CURL, "/c", NULL, GIVES("value-0000000003"), NULL}}},
    {"a browser's first requests side by side",
     NULL,
     {{1, 1, HERE, 0, CURL, "/app.js", NULL, GIVES("value-0000000001"), NULL},
      {1, 2, HERE, 500, CURL, "/app.css", NULL, GIVES("value-0000000002"), NULL},
      {1, 3, HERE, 900, CURL, "/api/me", NULL, GIVES("value-0000000003"), NULL},
      {1, 4, HERE, 20000, CURL SENDS("value-0000000003"), "/", NULL, NULL, NULL}}},
    {"another browser beside them",
     NULL,
     {{1, 1, HERE, 0, CURL, "/app.js", NULL, GIVES("value-0000000001"), NULL},
      {2, 2, HERE, 500, "User-Agent: x/2\n", "/app.css", NULL, GIVES("value-0000000002"), NULL}}},
    {"a cookie that was taken back, or has expired, is given anew",
     NULL,
     {{1, 1, HERE, 0, CURL, "/login", NULL, GIVES("value-0000000001"), NULL},
      {1, 2, HERE, 10000, CURL SENDS("value-0000000001"), "/logout", NULL,
       "Set-Cookie: PHPSESSID=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT; path=/\n", NULL},
      {1, 3, HERE, 20000, CURL, "/login", NULL,
       "Set-Cookie: PHPSESSID=value-0000000002; path=/; Max-Age=60\n", NULL},
      {1, 4, HERE, 30000, CURL SENDS("value-0000000002"), "/", NULL, NULL, NULL},
      {1, 5, HERE, 2 * MINUTE, CURL, "/login", NULL, GIVES("value-0000000003"), NULL},
      {2, 6, HERE, 3 * MINUTE, CURL, "/login", NULL, GIVES("value-0000000004"), NULL}}},
    {"a server that gives a new value at each login, with the old one sent",
     NULL,
     {{1, 1, HERE, 0, CURL, "/", NULL, GIVES("value-0000000001"), NULL},
      {1, 2, HERE, 10000, CURL SENDS("value-0000000001"), "/login", NULL, GIVES("value-0000000002"),
       NULL},
      {1, 3, HERE, 20000, CURL SENDS("value-0000000002"), "/login", NULL, GIVES("value-0000000003"),
       NULL},
      {1, 4, HERE, 30000, CURL SENDS("value-0000000003"), "/", NULL, NULL, NULL}}},
    {"where a cookie does not go: another host, another path, what asks without it",
     NULL,
     {{1, 1, HERE, 0, CURL "Host: a.test:80\n", "/", NULL, GIVES("value-0000000001"), NULL},
      {1, 2, HERE, 10000, CURL "Host: A.test\n" SENDS("value-0000000001"), "/", NULL, NULL, NULL},
      {1, 3, HERE, 20000, CURL "Host: b.test\n", "/", NULL, GIVES("value-0000000002"), NULL},
      {1, 4, HERE, 30000, CURL "Host: a.test\n", "/x", NULL,
       "Set-Cookie: PHPSESSID=value-0000000003; path=/admin\n", NULL},
      {1, 5, HERE, 40000, CURL "Host: a.test\n", "/x/y", NULL,
       "Set-Cookie: PHPSESSID=value-0000000004; path=/admin\n", NULL},
      {1, 6, HERE, 50000, CURL "Host: a.test\nAccess-Control-Request-Method: PUT\n", "/", NULL,
       GIVES("value-0000000005"), NULL},
      {1, 7, HERE, 60000, CURL "Host: a.test\n", "/site.webmanifest", NULL,
       GIVES("value-0000000006"), NULL},
      {1, 8, HERE, 70000, CURL "Host: a.test\nOrigin: http://pay.test\n", "/paid", NULL,
       GIVES("value-0000000007"), NULL},
      {2, 9, HERE, 80000, CURL "Host: a.test\nOrigin: http://a.test\n", "/", NULL,
       GIVES("value-0000000008"), NULL}}},
    {"a cookie that is not sent in clear text, and users whose proxy ends TLS",
     NULL,
     {{1, 1, HERE, 0, CURL, "/a", NULL, "Set-Cookie: sid=value-0000000001; Secure\n", NULL},
      {1, 2, HERE, 10000, CURL, "/b", NULL, "Set-Cookie: sid=value-0000000002; Secure\n", NULL},
      {2, 3, HERE, 20000, CURL "X-Forwarded-Proto: https\n", "/a", NULL,
       "Set-Cookie: sid=value-0000000003; Secure\n", NULL}}},
    {"who sent an old value has a jar, and what dies in 1970 is taken out of it",
     NULL,
     {{1, 1, HERE, 0, CURL, "/", NULL, "Set-Cookie: x=Zk3vQ81mXw0pLr7TA; HttpOnly\n", NULL},
      {1, 2, HERE, 10000, CURL "Cookie: x=M2nB7vC4xZ9lK0jHB\n", "/", NULL,
       "Set-Cookie: x=9dVbN52cYt6uHs4EB; HttpOnly\n", NULL},
      {1, 3, HERE, 20000, CURL "Cookie: x=9dVbN52cYt6uHs4EB\n", "/out", NULL,
       "Set-Cookie: x=9dVbN52cYt6uHs4EB; HttpOnly; path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT\n",
       NULL},
      {1, 4, HERE, 30000, CURL, "/", NULL, "Set-Cookie: x=Q7wL2kP0sN8xJ4zBA; HttpOnly\n", NULL}}},
    {"Django's users: first a cookie for forms, then at the login one of the session",
     NULL,
     {{1, 1, HERE, 0, CURL, "/login/", NULL, "Set-Cookie: csrftoken=Zk3vQ81mXw0pLr7TA; Path=/\n",
       NULL},
      {2, 2, HERE, 10000, CURL, "/login/", NULL,
       "Set-Cookie: csrftoken=9dVbN52cYt6uHs4EB; Path=/\n", NULL},
      {1, 3, HERE, 20000, CURL "Cookie: csrftoken=Zk3vQ81mXw0pLr7TA\n", "/login/", "who=ann",
       "Set-Cookie: sessionid=ann-0000000000001; HttpOnly; Path=/\n", NULL},
      {2, 4, HERE, 30000, CURL "Cookie: csrftoken=9dVbN52cYt6uHs4EB\n", "/login/", "who=bob",
       "Set-Cookie: sessionid=bob-0000000000002; HttpOnly; Path=/\n", NULL},
      {1, 5, HERE, 40000, CURL "Cookie: sessionid=ann-0000000000001\n", "/", NULL, NULL, NULL},
      {2, 6, HERE, 50000, CURL "Cookie: sessionid=bob-0000000000002\n", "/", NULL, NULL, NULL}}},
    {"a value that everybody is handed is nobody's",
     NULL,
     {{1, 1, HERE, 0, "", "/", NULL, "Set-Cookie: build=Zk3vQ81mXw0pLr7T; HttpOnly\n", NULL},
      {2, 2, "10.0.0.8", 1, "", "/", NULL, "Set-Cookie: build=Zk3vQ81mXw0pLr7T; HttpOnly\n", NULL},
      {2, 3, "10.0.0.8", 2, "Cookie: build=Zk3vQ81mXw0pLr7T\n", "/", NULL, NULL, NULL},
      {1, 4, HERE, 3, "Cookie: build=Zk3vQ81mXw0pLr7T\n", "/", NULL, NULL, NULL}}},
    {"login names in forms whose first field is one against forged requests",
     NULL,
     {{1, 1, HERE, 0, "", "/login", "_token=Zk3vQ81mXw0pLr7T&email=ann%40x.org", NULL, NULL},
      {2, 2, HERE, 1, "", "/login", "_csrf=9dVbN52cYt6uHs4E&email=bob%40x.org", NULL, NULL},
      {3, 3, HERE, 2, "", "/login", "_username=cyd&_password=x", NULL, NULL},
      {4, 4, HERE, 3, "", "/login", "__RequestVerificationToken=Q7wL2kP0sN8x&username=dan", NULL,
       NULL},
      {3, 5, HERE, 4, "", "/login", "_csrf=T5yR8eW1qA3sD6fG&username=cyd", NULL, NULL},
      {1, 6, HERE, 5, "", "/login", "_token=M2nB7vC4xZ9lK0jH&email=ann%40x.org", NULL, NULL}}},
};

static void exchanges_come_to_their_users(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++) {
        struct seen seen;
        run_play(&plays[i], &seen);
    }
}

/* The identity tells users apart and holds nothing of their secrets. */
static void the_identity_does_not_show_the_secret(void **state)
{
    (void)state;
    static const struct play play = {
        "identities",
        "X-User",
        {{1, 1, HERE, 0, "Cookie: sid=hunter2hunter2\n", NULL, NULL, NULL, NULL},
         {2, 2, "10.0.0.8", 0, "Authorization: Bearer hunter3hunter3\n", NULL, NULL, NULL, NULL},
         {3, 3, "10.0.0.9", 0, "X-User: hunter4\n", NULL, NULL, NULL, NULL},
         {4, 4, "10.0.0.10", 0, "", NULL, NULL, NULL, NULL}}};
    struct seen seen;
    run_play(&play, &seen);
    /* printf hunter2hunter2 | sha256sum | cut -c1-8 */
    assert_string_equal(seen.identities[1], "cookie sid 76880d60");
    assert_string_equal(seen.identities[2], "token d2c47f66");
    assert_string_equal(seen.identities[3], "header X-User 18183dd9");
    assert_string_equal(seen.identities[4], "10.0.0.10");
    assert_int_equal(seen.rows[1].identity_kind, TRACE_BY_COOKIE);
    assert_int_equal(seen.rows[4].identity_kind, TRACE_BY_ADDRESS);
}

static void the_label_names_the_browser(void **state)
{
    (void)state;
    static const struct {
        const char *user_agent;
        const char *label;
    } rows[] = {
        {"User-Agent: curl/7.88.1\n", "curl"},
        {"User-Agent: Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/120.0 Safari/537.36\n", "Chrome"},
        {"User-Agent: Mozilla/5.0 (X11; rv:128.0) Gecko/20100101 Firefox/128.0\n", "Firefox"},
        {"User-Agent: Go-http-client/1.1\n", "Go-http-client"},
        {"Accept: */*\n", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct play play = {"labels", NULL, {{1, 1, HERE, 0, NULL, NULL, NULL, NULL, NULL}}};
        struct seen seen;
        play.acts[0].request = rows[i].user_agent;
        run_play(&play, &seen);
        assert_string_equal(seen.labels[1], rows[i].label);
    }
}

static void live_sessions_are_bounded(void **state)
{
    (void)state;
    struct session_options options = defaults;
    struct seen seen = {0};
    options.max_sessions = 3;
    struct sessions *sessions = sessions_new(&options, on_row, &seen);
    for (int i = 0; i < 20; i++) {
        char address[20];
        snprintf(address, sizeof address, "10.0.0.%d", i);
        struct act act = {1, 1, address, i, "", NULL, NULL, NULL, NULL};
        assert_int_equal(act_out(sessions, &act, 0), i + 1);
    }
    /* The last three live on, the first has ended: its address begins anew. */
    struct act again = {1, 1, "10.0.0.19", 30, "", NULL, NULL, NULL, NULL};
    assert_int_equal(act_out(sessions, &again, 0), 20);
    again.address = "10.0.0.0";
    assert_int_equal(act_out(sessions, &again, 0), 21);
    sessions_flush(sessions);
    sessions_free(sessions);
    for (int id = 1; id <= 21; id++)
        assert_int_equal(seen.rows[id].exchange_count, id == 20 ? 2 : 1);
}

static void messages_belong_to_the_session_of_their_upgrade(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct sessions *sessions = sessions_new(&defaults, on_row, &seen);
    struct act act = {1, 1, HERE, 5, "", NULL, NULL, NULL, NULL};
    int64_t id = act_out(sessions, &act, 0);
    sessions_add_message(sessions, id, 90 * MINUTE, TRACE_FLAW_GAP);
    sessions_flush(sessions);
    sessions_free(sessions);
    assert_int_equal(seen.rows[id].message_count, 1);
    assert_int_equal(seen.rows[id].last_us, 90 * MINUTE);
    assert_int_equal(seen.rows[id].flaws, TRACE_FLAW_GAP);
}

static void a_new_session_has_its_row_before_its_id_is_given_out(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct session_options options = {.idle_gap_us = 30 * MINUTE, .max_sessions = 100};
    struct sessions *sessions = sessions_new(&options, on_row, &seen);
    const struct act ann = {.address = "10.0.0.1", .request = "Cookie: sid=ann-0001\n"};
    const struct act bob = {.address = "10.0.0.1", .request = "Cookie: sid=bob-0002\n"};
    int64_t id = act_out(sessions, &ann, 0);
    assert_int_equal(seen.rows[id].session_id, id);
    assert_int_equal(seen.rows[id].exchange_count, 1);
    assert_int_equal(seen.rows[id].identity_kind, TRACE_BY_COOKIE);
    assert_int_equal(act_out(sessions, &ann, id), id);
    assert_int_equal(seen.rows[id].exchange_count, 1); /* what only changed waits for the flush */
    int64_t other = act_out(sessions, &bob, 0);
    assert_int_equal(seen.rows[other].session_id, other);
    sessions_flush(sessions);
    assert_int_equal(seen.rows[id].exchange_count, 2);
    sessions_free(sessions);
}

/* As Laravel does: the cookie is encrypted anew each time. */
static void a_new_value_with_each_answer_stays_one_session(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct sessions *sessions = sessions_new(&defaults, on_row, &seen);
    char sent[120] = "", given[240];
    for (int i = 0; i < 200; i++) {
        struct act act = {1, 1, HERE, i * 10000, sent, "/", NULL, given, NULL};
        snprintf(given, sizeof given,
                 "Set-Cookie: XSRF-TOKEN=Zk3vQ81mXw0pLr%07d; path=/\n"
                 "Set-Cookie: laravel_session=9dVbN52cYt6u%07d; path=/; HttpOnly\n",
                 i, i);
        assert_int_equal(act_out(sessions, &act, 0), 1);
        snprintf(sent, sizeof sent,
                 "Cookie: XSRF-TOKEN=Zk3vQ81mXw0pLr%07d; laravel_session=9dVbN52cYt6u%07d\n", i, i);
    }
    assert_int_equal(sessions_count(sessions), 1);
    sessions_free(sessions);
}

/* The client goes on with the value that it has. */
static void new_values_that_nobody_takes_do_not_push_out_the_one_in_use(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct sessions *sessions = sessions_new(&defaults, on_row, &seen);
    for (int i = 0; i < 200; i++) {
        char given[80];
        snprintf(given, sizeof given, GIVES("9dVbN52cYt6u%07d"), i);
        /* All at the same time, as over many connections. */
        struct act act = {1, 1, HERE, 0, SENDS("Zk3vQ81mXw0pLr7T"), "/", NULL, given, NULL};
        assert_int_equal(act_out(sessions, &act, 0), 1);
    }
    sessions_free(sessions);
}

/* Side by side, and to different pages: nothing tells two users' first requests from a browser's.
 * What they send afterwards does. */
static void users_who_could_not_be_told_apart_are_counted(void **state)
{
    (void)state;
    static const struct act browser[] = {
        {1, 1, HERE, 0, CURL, "/a", NULL, GIVES("value-0000000001"), NULL},
        {1, 2, HERE, 500, CURL, "/b", NULL, GIVES("value-0000000002"), NULL},
        {1, 3, HERE, 20000, CURL SENDS("value-0000000001"), "/", NULL, NULL, NULL},
        {1, 3, HERE, 20100, CURL SENDS("value-0000000002"), "/", NULL, NULL, NULL},
        {1, 3, HERE, 30000, CURL SENDS("value-0000000002"), "/", NULL, NULL, NULL},
    };
    struct act again = {1, 3, HERE, 40000, CURL SENDS("value-0000000001"), "/", NULL, NULL, NULL};
    struct seen seen = {0};
    struct sessions *sessions = sessions_new(&defaults, on_row, &seen);
    for (size_t i = 0; i < sizeof browser / sizeof *browser; i++)
        assert_int_equal(act_out(sessions, &browser[i], 0), 1);
    assert_int_equal(sessions_mixed_count(sessions), 0);
    sessions_flush(sessions);
    assert_string_equal(seen.labels[1], "curl");
    for (int i = 0; i < 2; i++) {
        again.request = i ? browser[3].request : browser[2].request;
        assert_int_equal(act_out(sessions, &again, 0), 1);
    }
    assert_int_equal(sessions_mixed_count(sessions), 1);
    sessions_flush(sessions);
    assert_string_equal(seen.labels[1],
                        "curl; sent 2 different PHPSESSID in turn: probably 2 users");
    sessions_free(sessions);
}

/* {"token":"Zk3vQ81mXw0pLr7T"}, as gzip writes it. */
static void a_token_in_a_compressed_answer_is_seen(void **state)
{
    (void)state;
    static const unsigned char coded[] = {
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56,
        0x2a, 0xc9, 0xcf, 0x4e, 0xcd, 0x53, 0xb2, 0x52, 0x8a, 0xca, 0x36, 0x2e,
        0x0b, 0xb4, 0x30, 0xcc, 0x8d, 0x28, 0x37, 0x28, 0xf0, 0x29, 0x32, 0x0f,
        0x51, 0xaa, 0x05, 0x00, 0x98, 0x1f, 0xf4, 0x2b, 0x1c, 0x00, 0x00, 0x00};
    struct seen seen = {0};
    struct sessions *sessions = sessions_new(&defaults, on_row, &seen);
    struct session_sighting login = {
        .address = bytes_of(HERE),
        .target = bytes_of("/login"),
        .response_headers = bytes_of("Content-Type: application/json\nContent-Encoding: gzip\n"),
        .response_body = bytes_make(coded, sizeof coded),
    };
    int64_t id = sessions_add_exchange(sessions, &login);
    struct act use = {.address = "10.0.0.9", .request = "X-Auth-Token: Zk3vQ81mXw0pLr7T\n"};
    assert_int_equal(act_out(sessions, &use, 0), id);
    /* What is cut off says nothing, and is no harm. */
    login.address = bytes_of("10.0.0.10");
    login.response_body.len = sizeof coded / 2;
    assert_int_not_equal(sessions_add_exchange(sessions, &login), id);
    sessions_free(sessions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchanges_come_to_their_users),
        cmocka_unit_test(the_identity_does_not_show_the_secret),
        cmocka_unit_test(the_label_names_the_browser),
        cmocka_unit_test(live_sessions_are_bounded),
        cmocka_unit_test(messages_belong_to_the_session_of_their_upgrade),
        cmocka_unit_test(a_token_in_a_compressed_answer_is_seen),
        cmocka_unit_test(a_new_value_with_each_answer_stays_one_session),
        cmocka_unit_test(new_values_that_nobody_takes_do_not_push_out_the_one_in_use),
        cmocka_unit_test(users_who_could_not_be_told_apart_are_counted),
        cmocka_unit_test(a_new_session_has_its_row_before_its_id_is_given_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
