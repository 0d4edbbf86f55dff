/* rate_limit_fuzz.c - any text as declared limits and as headers about limits; what is taken is
 * sane, and its path can be matched with any other text. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/rate_limit/headers.h"
#include "plugins/rate_limit/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char problem[RULE_MAX_PROBLEM_BYTES], period[40];
    struct headers_quota quota = {.has_remaining = false};
    struct rules rules;
    uint64_t us = 0;
    bool is_share;
    double tolerance;
    const char *bytes = (const char *)data;
    headers_ratelimit(bytes, size, &quota);
    if (headers_retry_after(bytes, size, 0, &us))
        assert(us <= 1000000000000000000U);
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    if (rules_parse(text, &rules, problem)) {
        assert(strlen(problem) > 0);
    } else {
        assert(rules.count >= 1 && rules.count <= RULE_MAX);
        for (size_t i = 0; i < rules.count; i++) {
            const struct rule *rule = &rules.rule[i];
            assert(rule->count >= 1 && rule->count <= RULE_MAX_COUNT);
            assert(rule->period_us >= 1000 && rule->period_us <= RULE_MAX_PERIOD_US);
            assert(strlen(rule_period_text(rule->period_us, period)) > 0);
            rule_matches(rule, "POST", 4, bytes, size);
            if (rule->path[0] && !strchr(rule->path, '*') && !strpbrk(rule->path, "?#") &&
                !strstr(rule->path, "://"))
                assert(rule_matches(rule, rule->method, strlen(rule->method), rule->path,
                                    strlen(rule->path)));
        }
    }
    if (rule_tolerance(text, &is_share, &tolerance, problem) == 0)
        assert(tolerance >= 0 && tolerance <= 1e9);
    free(text);
    return 0;
}
