/* thresholds.c - parses threshold expressions and judges totals by them. */
#include "replay/results/thresholds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/cli.h"
#include "core/units.h"

enum { MAX_EXPRESSION_BYTES = 4096, MAX_TEXT_BYTES = 4 << 20 };

void thresholds_init(struct thresholds *thresholds)
{
    *thresholds = (struct thresholds){0};
    arena_init(&thresholds->arena, MAX_TEXT_BYTES);
}

void thresholds_fini(struct thresholds *thresholds)
{
    arena_fini(&thresholds->arena);
}

/* --- the metric's name and tags --- */

static int unknown_metric(const char *name, const struct run_facts *facts, struct error *err)
{
    const char *names[64 + METRICS_MAX_CUSTOM];
    size_t built_in, count = 0;
    const struct metric_entry *entries = metric_catalog(&built_in);
    for (size_t i = 0; i < built_in && count < 64; i++)
        names[count++] = entries[i].name;
    for (uint32_t i = 0; i < facts->plugin_metric_count; i++)
        names[count++] = facts->plugin_metrics[i].name;
    const char *nearest = cli_nearest(name, names, count);
    if (nearest)
        return error_set(err, EXIT_INPUT, "unknown metric '%s'; did you mean %s?", name, nearest);
    return error_set(err, EXIT_INPUT,
                     "unknown metric '%s'; known are http_req_duration, http_req_response, "
                     "http_req_failed, http_reqs and others: docs/summary.md lists them",
                     name);
}

static int select_endpoint(const char *value, const struct run_facts *facts,
                           struct metric_selector *selector, struct error *err)
{
    for (uint32_t i = 0; i < facts->endpoint_count; i++) {
        if (strcmp(facts->endpoint_names[i], value) == 0) {
            selector->has_endpoint = true;
            selector->endpoint = i;
            return 0;
        }
    }
    const char *nearest = cli_nearest(value, facts->endpoint_names, facts->endpoint_count);
    if (nearest)
        return error_set(err, EXIT_INPUT, "no endpoint '%s' in the plan; did you mean '%s'?", value,
                         nearest);
    return error_set(err, EXIT_INPUT,
                     "no endpoint '%s' in the plan; 'reprise inspect TRACE endpoints' lists them",
                     value);
}

/* The place of `value` in names(0..count-1), or -1. */
static int index_of(const char *value, const char *(*name_of)(int), int count)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(value, name_of(i)) == 0)
            return i;
    }
    return -1;
}

static const char *status_name_at(int i)
{
    static const char *const names[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
    return names[i];
}

static const char *origin_name_at(int i)
{
    return request_origin_name((enum request_origin)i);
}

static const char *failure_name_at(int i)
{
    return failure_name((enum failure)i);
}

static const struct slice_tag {
    const char *tag;
    enum metric_slice slice;
    const char *(*name_of)(int);
    int count;
} slice_tags[] = {{"status", SLICE_STATUS, status_name_at, 6},
                  {"origin", SLICE_ORIGIN, origin_name_at, ORIGIN_COUNT},
                  {"error", SLICE_ERROR, failure_name_at, FAILURE_COUNT}};

static int select_slice(const struct slice_tag *tag, const char *value,
                        const struct metric_entry *entry, struct metric_selector *selector,
                        struct error *err)
{
    if (entry->source != METRIC_FROM_REQUESTS)
        return error_set(err, EXIT_INPUT, "%s is not kept by %s; only http_reqs is", entry->name,
                         tag->tag);
    if (selector->slice != SLICE_NONE)
        return error_set(err, EXIT_INPUT,
                         "only one of status, origin and error can be asked for at once");
    int index = index_of(value, tag->name_of, tag->count);
    if (index >= 0) {
        selector->slice = tag->slice;
        selector->slice_index = (uint32_t)index;
        return 0;
    }
    char known[256] = "";
    size_t len = 0;
    for (int i = 0; i < tag->count && len < sizeof known; i++)
        len +=
            (size_t)snprintf(known + len, sizeof known - len, i ? ", %s" : "%s", tag->name_of(i));
    return error_set(err, EXIT_INPUT, "unknown %s '%s'; known are %s", tag->tag, value, known);
}

static int apply_tag(const char *tag, const char *value, const struct metric_entry *entry,
                     const struct run_facts *facts, struct metric_selector *selector,
                     struct error *err)
{
    if (strcmp(tag, "endpoint") == 0 || strcmp(tag, "name") == 0) {
        if (!metric_has_endpoints(entry))
            return error_set(err, EXIT_INPUT, "%s is not kept by endpoint", entry->name);
        return select_endpoint(value, facts, selector, err);
    }
    for (size_t i = 0; i < sizeof slice_tags / sizeof *slice_tags; i++) {
        if (strcmp(slice_tags[i].tag, tag) == 0)
            return select_slice(&slice_tags[i], value, entry, selector, err);
    }
    return error_set(err, EXIT_INPUT,
                     "unknown tag '%s'; known are endpoint, status, origin and error", tag);
}

static bool starts_tag(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
    return len && text[len] == ':';
}

/* Where the tag that begins at `text` ends: before a comma that another tag follows. */
static size_t tag_length(const char *text)
{
    int depth = 0;
    for (size_t i = 0; text[i]; i++) {
        depth += text[i] == '{';
        depth -= text[i] == '}';
        if (text[i] == ',' && depth <= 0 && starts_tag(text + i + 1 + strspn(text + i + 1, " ")))
            return i;
    }
    return strlen(text);
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t len = strlen(text);
    while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        text[--len] = '\0';
    return text;
}

static int parse_tags(char *text, const struct metric_entry *entry, const struct run_facts *facts,
                      struct metric_selector *selector, struct error *err)
{
    for (text = trim(text); *text;) {
        size_t len = tag_length(text);
        char *rest = text + len + (text[len] == ',');
        text[len] = '\0';
        char *colon = strchr(text, ':');
        if (!colon)
            return error_set(err, EXIT_INPUT, "tag '%s': expected TAG:VALUE, as endpoint:GET /",
                             text);
        *colon = '\0';
        if (apply_tag(trim(text), trim(colon + 1), entry, facts, selector, err))
            return -1;
        text = trim(rest);
    }
    return 0;
}

/* --- the conditions --- */

static const struct {
    const char *name;
    enum threshold_aggregate aggregate;
    unsigned kinds; /* one bit for each enum metric_kind it is for */
} aggregates[] = {
    {"avg", THRESHOLD_AVG, 1 << METRIC_TREND},
    {"min", THRESHOLD_MIN, 1 << METRIC_TREND},
    {"med", THRESHOLD_MED, 1 << METRIC_TREND},
    {"max", THRESHOLD_MAX, 1 << METRIC_TREND},
    {"count", THRESHOLD_COUNT, 1 << METRIC_COUNTER},
    {"rate", THRESHOLD_RATE, 1 << METRIC_RATE | 1 << METRIC_COUNTER},
};

static const char *aggregates_of(enum metric_kind kind)
{
    static const char *const names[] = {[METRIC_TREND] = "avg, min, med, max, p(N)",
                                        [METRIC_RATE] = "rate",
                                        [METRIC_COUNTER] = "count, rate"};
    return names[kind];
}

static int parse_percent(const char *text, double *ret_percent)
{
    char *end;
    if (text[0] != 'p' || text[1] != '(' || !ascii_is_digit(text[2]))
        return -1;
    double percent = strtod(text + 2, &end);
    if (strcmp(end, ")") != 0 || !(percent >= 0 && percent <= 100))
        return -1;
    *ret_percent = percent;
    return 0;
}

static int parse_aggregate(const char *text, struct threshold *threshold, struct error *err)
{
    enum metric_kind kind = threshold->entry.kind;
    if (kind == METRIC_TREND && parse_percent(text, &threshold->percent) == 0) {
        threshold->aggregate = THRESHOLD_PERCENTILE;
        return 0;
    }
    for (size_t i = 0; i < sizeof aggregates / sizeof *aggregates; i++) {
        if (strcmp(aggregates[i].name, text) == 0 && aggregates[i].kinds & 1u << kind) {
            threshold->aggregate = aggregates[i].aggregate;
            return 0;
        }
    }
    return error_set(err, EXIT_INPUT, "'%s' is not kept of %s; it has %s", text,
                     threshold->entry.name, aggregates_of(kind));
}

static int parse_number(const char *text, double *ret_value, const char **ret_unit)
{
    char *end;
    if (!ascii_is_digit(text[0]) && text[0] != '.')
        return -1;
    double value = strtod(text, &end);
    if (end == text || !isfinite(value))
        return -1;
    *ret_value = value;
    *ret_unit = end;
    return 0;
}

static int parse_limit(const char *text, struct threshold *threshold)
{
    const char *unit;
    uint64_t whole;
    bool is_value = threshold->aggregate != THRESHOLD_RATE;
    if (parse_number(text, &threshold->limit, &unit))
        return -1;
    if (threshold->entry.kind == METRIC_RATE) {
        threshold->limit /= strcmp(unit, "%") == 0 ? 100 : 1;
        /* Whoever writes rate<5 means 5%, and would have a limit that always holds. */
        return (!*unit || strcmp(unit, "%") == 0) && threshold->limit <= 1 ? 0 : -1;
    }
    if (!*unit)
        return 0;
    if (threshold->entry.unit == METRIC_TIME && is_value && duration_parse_us(text, &whole) == 0) {
        threshold->limit = (double)whole / 1e3;
        return 0;
    }
    if (threshold->entry.unit == METRIC_BYTES && size_parse_bytes(text, &whole) == 0) {
        threshold->limit = (double)whole;
        return 0;
    }
    return -1;
}

/* Longest first: "<=" is not "<" with "=5" behind it. */
static const struct {
    const char *text;
    enum threshold_comparison comparison;
} comparisons[] = {{"===", THRESHOLD_EQUAL},        {"<=", THRESHOLD_LESS_EQUAL},
                   {">=", THRESHOLD_GREATER_EQUAL}, {"==", THRESHOLD_EQUAL},
                   {"!=", THRESHOLD_NOT_EQUAL},     {"<", THRESHOLD_LESS},
                   {">", THRESHOLD_GREATER}};

static const char *limit_wanted(const struct threshold *threshold)
{
    if (threshold->entry.kind == METRIC_RATE)
        return "a rate from 0 to 1, like 0.01 or 1%";
    if (threshold->entry.unit == METRIC_TIME)
        return "milliseconds or a duration, like 500 or 2s";
    return "a number";
}

static int parse_condition(const char *condition, struct threshold *threshold, struct error *err)
{
    size_t len = strcspn(condition, "<>=!");
    char aggregate[32];
    if (len == 0 || !condition[len] || len >= sizeof aggregate)
        return error_set(err, EXIT_INPUT,
                         "condition '%s': expected something like p(95)<500, rate<0.01, count>100",
                         condition);
    memcpy(aggregate, condition, len);
    aggregate[len] = '\0';
    if (parse_aggregate(aggregate, threshold, err))
        return -1;
    for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++) {
        size_t symbol_len = strlen(comparisons[i].text);
        if (strncmp(condition + len, comparisons[i].text, symbol_len) != 0)
            continue;
        threshold->comparison = comparisons[i].comparison;
        if (parse_limit(condition + len + symbol_len, threshold) == 0)
            return 0;
        return error_set(err, EXIT_INPUT, "condition '%s': expected %s after %s", condition,
                         limit_wanted(threshold), comparisons[i].text);
    }
    return error_set(err, EXIT_INPUT, "condition '%s': expected one of < <= > >= == !=", condition);
}

/* Without its blanks, in the list's memory; NULL without. */
static const char *squeeze(struct arena *arena, const char *text, size_t len)
{
    char *out = arena_alloc(arena, len + 1);
    size_t used = 0;
    if (!out)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        if (text[i] != ' ' && text[i] != '\t')
            out[used++] = text[i];
    }
    out[used] = '\0';
    return out;
}

static int parse_conditions(struct thresholds *thresholds, const char *text,
                            const struct threshold *pattern, struct error *err)
{
    size_t start = thresholds->count;
    for (;;) {
        size_t len = strcspn(text, ",");
        struct threshold threshold = *pattern;
        threshold.condition = squeeze(&thresholds->arena, text, len);
        if (!threshold.condition)
            return error_set(err, EXIT_TOOL, "no memory for thresholds");
        if (start == THRESHOLDS_MAX || thresholds->count == THRESHOLDS_MAX)
            return error_set(err, EXIT_INPUT, "more than %d conditions", THRESHOLDS_MAX);
        if (parse_condition(threshold.condition, &threshold, err)) {
            thresholds->count = start;
            return -1;
        }
        thresholds->items[thresholds->count++] = threshold;
        if (!text[len])
            return 0;
        text += len + 1;
    }
}

static int parse_expression(struct thresholds *thresholds, const char *expression,
                            const struct run_facts *facts, struct error *err)
{
    struct threshold pattern = {.expression = expression};
    /* No condition holds a '}', so the last one ends the tags. */
    const char *brace = strchr(expression, '{');
    const char *closing = brace ? strrchr(expression, '}') : NULL;
    const char *colon = strchr(closing ? closing : expression, ':');
    if (!colon || (brace && (!closing || brace > colon)) ||
        (closing && closing + 1 + strspn(closing + 1, " \t") != colon))
        return error_set(err, EXIT_INPUT,
                         "expected METRIC: CONDITION, like 'http_req_response: p(95)<500'");
    size_t len = (size_t)(colon - expression);
    char *text = arena_alloc(&thresholds->arena, len + 1);
    char *tags = arena_zalloc(&thresholds->arena, len + 1);
    if (!text || !tags)
        return error_set(err, EXIT_TOOL, "no memory for thresholds");
    memcpy(text, expression, len);
    text[len] = '\0';
    pattern.metric = trim(text);

    char name[128];
    size_t name_len = strcspn(pattern.metric, "{");
    snprintf(name, sizeof name, "%.*s", (int)name_len, pattern.metric);
    if (!metric_find(trim(name), facts, &pattern.entry))
        return unknown_metric(trim(name), facts, err);
    if (closing) {
        memcpy(tags, brace + 1, (size_t)(closing - brace - 1));
        if (parse_tags(tags, &pattern.entry, facts, &pattern.selector, err))
            return -1;
    }
    return parse_conditions(thresholds, colon + 1, &pattern, err);
}

int thresholds_parse(struct thresholds *thresholds, const char *expression,
                     const struct run_facts *facts, struct error *err)
{
    if (strlen(expression) > MAX_EXPRESSION_BYTES)
        return error_set(err, EXIT_INPUT, "threshold: longer than %d bytes", MAX_EXPRESSION_BYTES);
    const char *copy = arena_printf(&thresholds->arena, "%s", expression);
    if (!copy)
        return error_set(err, EXIT_TOOL, "no memory for thresholds");
    if (parse_expression(thresholds, copy, facts, err))
        return error_prefix(err, "threshold '%.200s'", expression);
    return 0;
}

/* --- judging --- */

static double value_of(const struct threshold *threshold, const struct metric_reading *reading,
                       uint64_t duration_us)
{
    double scale = metric_scale(&threshold->entry);
    switch (threshold->aggregate) {
    case THRESHOLD_AVG:
        return scale * histogram_mean(reading->histogram);
    case THRESHOLD_MIN:
        return scale * (double)histogram_min(reading->histogram);
    case THRESHOLD_MED:
        return scale * (double)histogram_percentile(reading->histogram, 50);
    case THRESHOLD_MAX:
        return scale * (double)reading->histogram->max;
    case THRESHOLD_PERCENTILE:
        return scale * (double)histogram_percentile(reading->histogram, threshold->percent);
    case THRESHOLD_COUNT:
        return (double)reading->count;
    case THRESHOLD_RATE:
        break;
    }
    if (threshold->entry.kind == METRIC_RATE)
        return reading->total ? (double)reading->count / (double)reading->total : 0;
    return duration_us ? (double)reading->count * 1e6 / (double)duration_us : 0;
}

static bool holds(const struct threshold *threshold, double value)
{
    switch (threshold->comparison) {
    case THRESHOLD_LESS:
        return value < threshold->limit;
    case THRESHOLD_LESS_EQUAL:
        return value <= threshold->limit;
    case THRESHOLD_GREATER:
        return value > threshold->limit;
    case THRESHOLD_GREATER_EQUAL:
        return value >= threshold->limit;
    case THRESHOLD_EQUAL:
        return !(value < threshold->limit || value > threshold->limit);
    case THRESHOLD_NOT_EQUAL:
        break;
    }
    return value < threshold->limit || value > threshold->limit;
}

int thresholds_judge(const struct thresholds *thresholds, const struct metrics *totals,
                     uint64_t duration_us, struct run_threshold *results, size_t *ret_failed)
{
    struct endpoint_metrics all;
    size_t failed = 0;
    if (metrics_sum_endpoints(totals, &all))
        return -1;
    for (size_t i = 0; i < thresholds->count; i++) {
        const struct threshold *threshold = &thresholds->items[i];
        struct metric_reading reading =
            metric_read(&threshold->entry, &threshold->selector, totals, &all);
        double value = reading.has_samples ? value_of(threshold, &reading, duration_us) : 0;
        results[i] =
            (struct run_threshold){.expression = threshold->expression,
                                   .metric = threshold->metric,
                                   .condition = threshold->condition,
                                   .value = value,
                                   .has_samples = reading.has_samples,
                                   .has_passed = reading.has_samples && holds(threshold, value)};
        failed += !results[i].has_passed;
    }
    endpoint_metrics_fini(&all);
    *ret_failed = failed;
    return 0;
}
