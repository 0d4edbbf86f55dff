/* quota.c - what answers say about their limits, held against what was declared. */
#include "plugin.h"

#include "headers.h"

#include <inttypes.h>

static struct headers_quota read_quota(const reprise_call *call, const reprise_response *response)
{
    static const char *const remaining[] = {"RateLimit-Remaining", "X-RateLimit-Remaining",
                                            "X-Rate-Limit-Remaining"};
    static const char *const limit[] = {"RateLimit-Limit", "X-RateLimit-Limit",
                                        "X-Rate-Limit-Limit"};
    struct headers_quota quota = {.has_remaining = false};
    reprise_bytes text = call->host->response_header(call, response, "RateLimit");
    if (text.ptr)
        headers_ratelimit(text.ptr, text.len, &quota);
    for (size_t i = 0; i < 3 && !quota.has_remaining; i++) {
        text = call->host->response_header(call, response, remaining[i]);
        quota.has_remaining = text.ptr && headers_number(text.ptr, text.len, &quota.remaining);
    }
    for (size_t i = 0; i < 3 && !quota.has_limit; i++) {
        text = call->host->response_header(call, response, limit[i]);
        quota.has_limit = text.ptr && headers_number(text.ptr, text.len, &quota.limit);
    }
    return quota;
}

void quota_check(const reprise_call *call, const reprise_response *response,
                 const struct sent *sent, const double *most)
{
    struct plugin_state *state = call->plugin;
    struct headers_quota quota = read_quota(call, response);
    bool is_refused = response->status == state->status;
    bool limit_fits = !quota.has_limit, remaining_fits = !quota.has_remaining;
    /* The headers are about one of the limits that the request counts for; which, they do not say.
     */
    for (size_t i = 0; i < sent->key_count; i++) {
        const struct rule *rule = &state->rules.rule[sent->keys[i]->rule];
        double left = (is_refused ? 0 : most[i] - 1) + state->tolerated[sent->keys[i]->rule];
        limit_fits |= quota.limit == rule->count;
        remaining_fits |= (double)quota.remaining <= (left > 0 ? left : 0) + 0.001;
    }
    if (limit_fits && remaining_fits)
        return;
    call->host->record(call, HEADERS_WRONG, 1);
    pthread_mutex_lock(&state->lock);
    bool is_first = !state->has_warned;
    state->has_warned = true;
    pthread_mutex_unlock(&state->lock);
    if (!is_first)
        return;
    const char *rule = state->rules.rule[sent->keys[0]->rule].text;
    if (!limit_fits)
        call->host->log(call, REPRISE_WARNING,
                        "%s: the answer (%u) calls the limit %" PRIu64 "; further ones are counted",
                        rule, response->status, quota.limit);
    else
        call->host->log(call, REPRISE_WARNING,
                        "%s: the answer (%u) says that %" PRIu64
                        " more are granted, which is too many; further ones are counted",
                        rule, response->status, quota.remaining);
}
