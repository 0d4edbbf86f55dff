/* thresholds_fuzz.c - any text as a threshold: understood or refused, judged without harm. */
#include <stdlib.h>

#include "replay/results/thresholds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"GET /jobs/{id}", "POST /jobs"};
    static const struct run_plugin_metric plugin_metrics[] = {{"voice", "job_wait", "us", true}};
    static const struct run_facts facts = {.endpoint_count = 2,
                                           .endpoint_names = names,
                                           .plugin_metric_count = 1,
                                           .plugin_metrics = plugin_metrics};
    static struct run_threshold results[THRESHOLDS_MAX];
    char *text = malloc(size + 1);
    struct thresholds *thresholds = malloc(sizeof *thresholds);
    struct metrics *totals = metrics_new(2);
    struct error err = {0};
    size_t failed;
    if (!text || !thresholds || !totals)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    thresholds_init(thresholds);
    int result = thresholds_parse(thresholds, text, &facts, &err);
    if (result ? !err.text[0] || thresholds->count : !thresholds->count)
        abort();
    if (thresholds_judge(thresholds, totals, 1000000, results, &failed) ||
        failed > thresholds->count)
        abort();
    thresholds_fini(thresholds);
    metrics_free(totals);
    free(thresholds);
    free(text);
    return 0;
}
