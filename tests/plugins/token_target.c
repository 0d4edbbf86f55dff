/* token_target.c - a target that gives tokens and means them, as a transport on the test's clock.
 */
#include "tests/plugins/token_target.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/http1.h"
#include "core/url.h"
#include "tests/plugins/jwt_text.h"
#include "tests/support/fake_target.h"

enum { MAX_TOKENS = 200000, HANG_US = 6000000, MAX_FIELD = 1200 };

struct token_target token_target;

/* A token's number is in its text. */
static struct given {
    int64_t exp_us; /* since 1970, of the target's clock */
    int64_t nbf_us; /* likewise; 0: at once */
    uint64_t given_at_us;
    bool is_refresh_used;
    uint64_t hash; /* of the access token */
} given[MAX_TOKENS];
static uint32_t given_count;

struct transport {
    struct loop *loop;
};

struct transport_user {
    struct transport *transport;
    struct transport_call *calls;
};

struct transport_call {
    struct transport_call *next;
    struct transport_user *user;
    struct timer timer;
    struct transport_request request;
    int status;
    enum failure failure;
    const char *type;
    char date[64], cookie[MAX_FIELD];
    struct buf body;
};

void token_target_reset(void)
{
    memset(&token_target, 0, sizeof token_target);
    token_target.ttl_us = 5000000;
    token_target.delay_us = 10000;
    token_target.fault_count = -1;
    given_count = 0;
}

static int64_t target_now_us(void)
{
    return TOKEN_TARGET_UNIX_S * 1000000 + (int64_t)fake_now_us + token_target.skew_us;
}

static int64_t nbf_us(void)
{
    return token_target.nbf_us
               ? (target_now_us() + (int64_t)token_target.nbf_us) / 1000000 * 1000000
               : 0;
}

static char *access_text(uint32_t number, int64_t exp_us)
{
    char payload[200], *text;
    static const char *const forms[] = {"\"exp\":%lld", "\"exp\":%lld", "\"exp\":%lld",
                                        "\"exp\":\"%lld\"", "\"exp\":\"soon%lld\""};
    long long exp_s = token_target.exp == EXP_PAST   ? exp_us / 1000000 - 3600
                      : token_target.exp == EXP_1970 ? 7
                                                     : exp_us / 1000000;
    if (token_target.exp == EXP_NO_JWT) {
        text = malloc(64);
        snprintf(text, 64, "opaque-access-%u-token", number);
        return text;
    }
    size_t len = (size_t)snprintf(payload, sizeof payload, "{\"jti\":\"%u\",", number);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    len += (size_t)snprintf(payload + len, sizeof payload - len, forms[token_target.exp], exp_s);
#pragma GCC diagnostic pop
    if (token_target.nbf_us)
        len += (size_t)snprintf(payload + len, sizeof payload - len, ",\"nbf\":%lld",
                                (long long)(nbf_us() / 1000000));
    snprintf(payload + len, sizeof payload - len, "}");
    text = jwt_text("{\"alg\":\"HS256\"}", payload);
    return text;
}

static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash;
}

/* A new token that ends then; the caller's. */
static char *give(int64_t exp_us)
{
    assert(given_count < MAX_TOKENS);
    char *text = access_text(given_count, exp_us);
    given[given_count++] = (struct given){exp_us, nbf_us(), fake_now_us, false, hash_of(text)};
    return text;
}

static void write_pair(struct transport_call *call)
{
    uint32_t number = given_count;
    int64_t exp_us = (target_now_us() + (int64_t)token_target.ttl_us + 999999) / 1000000 * 1000000;
    char *access = give(exp_us);
    buf_printf(&call->body, "{\"access_token\":\"%s\"", access);
    if (!token_target.gives_no_refresh)
        buf_printf(&call->body, ",\"refresh_token\":\"refresh-%u-token\"", number);
    if (!token_target.has_no_expires_in)
        buf_printf(&call->body, ",\"expires_in\":%d", (int)(token_target.ttl_us / 1000000));
    buf_append_text(&call->body, "}");
    snprintf(call->cookie, sizeof call->cookie, "sid=%s; Path=/", access);
    call->status = 200;
    free(access);
}

static bool is_spoilt(struct transport_call *call, enum token_fault fault)
{
    if (fault == FAULT_NONE || token_target.fault_count == 0)
        return false;
    if (token_target.fault_count > 0)
        token_target.fault_count--;
    call->status = fault == FAULT_500 ? 500 : fault == FAULT_REFUSED ? 401 : 200;
    if (fault == FAULT_HANG) {
        call->status = 0;
        call->failure = FAILURE_TIMEOUT;
    }
    call->type = "text/html";
    buf_append_text(&call->body, "<html><body>Sorry</body></html>");
    return true;
}

static void on_refresh(struct transport_call *call, struct bytes body)
{
    const char *at = strstr(body.ptr, "refresh-");
    unsigned number = at ? (unsigned)strtoul(at + 8, NULL, 10) : MAX_TOKENS;
    token_target.refresh_attempts++;
    if (is_spoilt(call, token_target.refresh_fault))
        return;
    if (number >= given_count || given[number].is_refresh_used) {
        call->status = 400;
        buf_append_text(&call->body, "{\"error\":\"invalid_grant\"}");
        return;
    }
    given[number].is_refresh_used = true;
    token_target.refreshed_at_us[token_target.refreshes++] = fake_now_us;
    write_pair(call);
}

static bool is_good(const char *token)
{
    uint64_t hash = hash_of(token);
    uint32_t i = given_count;
    if (token_target.takes_any_token)
        return true;
    if (token_target.judges)
        return token_target.judges(token, target_now_us());
    while (i > 0 && given[i - 1].hash != hash)
        i--;
    if (i == 0)
        return false;
    const struct given *found = &given[i - 1];
    if (i == 2 && fake_now_us - found->given_at_us < token_target.lag_us)
        return false;
    return target_now_us() < found->exp_us && target_now_us() >= found->nbf_us &&
           (!token_target.revoke_at_us || fake_now_us < token_target.revoke_at_us ||
            found->given_at_us > token_target.revoke_at_us);
}

static void copy_until(char *out, struct bytes from, const char *marks)
{
    size_t len = 0;
    while (len < from.len && len + 1 < MAX_FIELD && !strchr(marks, from.ptr[len]))
        len++;
    memcpy(out, from.ptr, len);
    out[len] = '\0';
}

/* What the request carries, wherever. */
static void find_token(const struct http1_head *head, struct bytes cookies, char *out)
{
    const char *query = memmem(head->target.ptr, head->target.len, "token=", 6);
    const char *cookie = memmem(cookies.ptr ? cookies.ptr : "", cookies.len, "sid=", 4);
    out[0] = '\0';
    if (query)
        copy_until(out, bytes_from(head->target, (size_t)(query + 6 - head->target.ptr)), "&");
    if (cookie)
        copy_until(out, bytes_from(cookies, (size_t)(cookie + 4 - cookies.ptr)), ";");
    for (size_t i = 0; i < head->header_count; i++) {
        if (bytes_equal_nocase(head->headers[i].name, bytes_of("X-API-Key")))
            copy_until(out, head->headers[i].value, " ");
        if (bytes_equal_nocase(head->headers[i].name, bytes_of("Authorization")) &&
            head->headers[i].value.len > 7)
            copy_until(out, bytes_from(head->headers[i].value, 7), " ");
    }
}

static void serve(struct transport_call *call, struct bytes target)
{
    if (!token_target.served++)
        token_target.first_served_at_us = fake_now_us;
    call->status = 200;
    if (bytes_equal(target, bytes_of("/keys"))) {
        char *key = give(INT64_MAX);
        token_target.keys++;
        buf_printf(&call->body, "{\"key\":\"%s\"}", key);
        free(key);
    } else if (bytes_equal(target, bytes_of("/jobs"))) {
        call->status = 202;
        token_target.job_began_us = fake_now_us;
        buf_printf(&call->body, "{\"id\":\"live-%u\"}", ++token_target.jobs);
    } else if (bytes_starts_with(target, bytes_of("/jobs/live-")) &&
               !memmem(target.ptr, target.len, "/text", 5)) {
        bool is_done = fake_now_us - token_target.job_began_us >= token_target.job_us;
        token_target.polls++;
        buf_printf(&call->body, "{\"status\":\"%s\"}", is_done ? "done" : "running");
    } else {
        buf_append_text(&call->body, "{}");
    }
}

static void answer(struct transport_call *call, const struct http1_head *head, struct bytes body)
{
    static char token[MAX_FIELD];
    find_token(head, call->request.cookies, token);
    call->type = "application/json";
    if (bytes_equal(head->target, bytes_of("/auth/login"))) {
        if (is_spoilt(call, token_target.login_fault))
            return;
        token_target.logins++;
        write_pair(call);
    } else if (bytes_equal(head->target, bytes_of("/auth/refresh"))) {
        on_refresh(call, body);
    } else if (bytes_starts_with(head->target, bytes_of("/never")) || !is_good(token)) {
        token_target.refused++;
        call->status = 401;
        snprintf(token_target.last_refused, sizeof token_target.last_refused, "%g %.*s",
                 (double)fake_now_us / 1000, BYTES_ARG(head->target));
    } else {
        snprintf(token_target.last_token, sizeof token_target.last_token, "%s", token);
        serve(call, head->target);
    }
}

static void write_date(struct transport_call *call)
{
    time_t now_s = (time_t)(target_now_us() / 1000000);
    struct tm tm;
    gmtime_r(&now_s, &tm);
    strftime(call->date, sizeof call->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

static void unlink_call(struct transport_call *call)
{
    struct transport_call **at = &call->user->calls;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
}

static void free_call(struct transport_call *call)
{
    buf_fini(&call->body);
    free(call);
}

static void on_answer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct transport_call *call = owner;
    struct http_header headers[3] = {{bytes_of("Content-Type"), bytes_of(call->type)}};
    size_t count = 1;
    (void)timer;
    (void)now_us;
    if (!token_target.has_no_date)
        headers[count++] = (struct http_header){bytes_of("Date"), bytes_of(call->date)};
    if (call->cookie[0])
        headers[count++] = (struct http_header){bytes_of("Set-Cookie"), bytes_of(call->cookie)};
    const struct transport_result result = {
        .failure = call->failure,
        .detail = call->failure ? "no answer in time" : NULL,
        .waiting_us = token_target.delay_us,
        .response = {.status = call->status,
                     .headers = headers,
                     .header_count = call->status ? count : 0,
                     .body = call->request.keeps_body ? buf_bytes(&call->body) : (struct bytes){0}},
    };
    unlink_call(call);
    call->request.done(call->request.owner, &result);
    free_call(call);
}

static struct transport_call *target_send(struct transport_user *user,
                                          const struct transport_request *request,
                                          enum failure *ret_failure)
{
    struct transport_call *call = calloc(1, sizeof *call);
    struct buf wire = BUF_INIT(1 << 20);
    struct url url = {0};
    struct http1_head head;
    (void)ret_failure;
    url_parse(request->http->url, &url);
    fake_wire(request, url.target, &wire);
    ssize_t head_len = http1_parse_request(buf_bytes(&wire), &head);
    if (!call || head_len < 0)
        abort();
    *call = (struct transport_call){.next = user->calls, .user = user, .request = *request};
    buf_init(&call->body, 1 << 16);
    buf_append_text(&call->body, "");
    user->calls = call;
    write_date(call);
    answer(call, &head, bytes_from(buf_bytes(&wire), (size_t)head_len));
    buf_fini(&wire);
    timer_init(&call->timer, on_answer, call);
    timers_set(&user->transport->loop->timers, &call->timer,
               fake_now_us + (call->failure ? HANG_US : token_target.delay_us));
    return call;
}

static void target_cancel(struct transport_call *call)
{
    timers_cancel(&call->user->transport->loop->timers, &call->timer);
    unlink_call(call);
    free_call(call);
}

static int target_open(struct transport **ret_transport, struct loop *loop,
                       const struct transport_options *options, struct error *err)
{
    (void)options;
    (void)err;
    *ret_transport = calloc(1, sizeof **ret_transport);
    (*ret_transport)->loop = loop;
    return 0;
}

static void target_close(struct transport *transport)
{
    free(transport);
}

static struct transport_user *target_user_open(struct transport *transport)
{
    struct transport_user *user = calloc(1, sizeof *user);
    user->transport = transport;
    return user;
}

static void target_user_close(struct transport_user *user)
{
    while (user->calls)
        target_cancel(user->calls);
    free(user);
}

static size_t most_connections(struct transport *transport)
{
    (void)transport;
    return 0;
}

const struct transport_ops token_transport = {
    .name = "tokens",
    .open = target_open,
    .close = target_close,
    .user_open = target_user_open,
    .user_close = target_user_close,
    .send = target_send,
    .cancel = target_cancel,
    .most_connections = most_connections,
};
