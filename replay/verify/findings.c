/* findings.c - the list, and what a second pass takes out of it. */
#include "replay/verify/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/grow.h"

enum {
    MAX_TEXT_BYTES = 256 << 20,
    LONGEST_TEXT = 2048,
    MAX_ITEMS = 1 << 26 /* of each list */
};

void findings_init(struct findings *findings)
{
    *findings = (struct findings){0};
    arena_init(&findings->arena, MAX_TEXT_BYTES);
}

void findings_fini(struct findings *findings)
{
    arena_fini(&findings->arena);
    free(findings->items);
    free(findings->compared);
    *findings = (struct findings){0};
}

int findings_begin(struct findings *findings, int64_t exchange_id, bool has_content)
{
    struct compared *grown = grow_by_one(findings->compared, findings->compared_count,
                                         &findings->compared_capacity, sizeof *grown, MAX_ITEMS);
    if (!grown)
        return -1;
    findings->compared = grown;
    grown[findings->compared_count++] =
        (struct compared){.exchange_id = exchange_id, .has_content = has_content};
    return 0;
}

/* How many of the exchange in hand are listed. */
static size_t count_of_exchange(const struct findings *findings, int64_t exchange_id)
{
    size_t count = 0;
    while (count < findings->count &&
           findings->items[findings->count - 1 - count].exchange_id == exchange_id)
        count++;
    return count;
}

struct finding *findings_add(struct findings *findings, const struct finding *finding)
{
    struct compared *compared = &findings->compared[findings->compared_count - 1];
    findings->diverged += !compared->has_diverged;
    compared->has_diverged = true;
    if (count_of_exchange(findings, finding->exchange_id) >= FINDINGS_OF_EXCHANGE)
        return NULL;
    struct finding *grown = grow_by_one(findings->items, findings->count, &findings->capacity,
                                        sizeof *grown, MAX_ITEMS);
    if (!grown)
        return NULL;
    findings->items = grown;
    grown[findings->count] = *finding;
    return &grown[findings->count++];
}

const char *findings_text(struct findings *findings, const char *format, ...)
{
    char text[LONGEST_TEXT];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t taken = len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    struct bytes copy = arena_copy(&findings->arena, bytes_make(text, taken));
    return copy.ptr ? copy.ptr : "";
}

/* --- two passes ------------------------------------------------------------------------------ */

static int compare_compared(const void *a, const void *b)
{
    const struct compared *x = a, *y = b;
    return (x->exchange_id > y->exchange_id) - (x->exchange_id < y->exchange_id);
}

static int compare_items(const void *a, const void *b)
{
    const struct finding *x = *(const struct finding *const *)a;
    const struct finding *y = *(const struct finding *const *)b;
    if (x->exchange_id != y->exchange_id)
        return x->exchange_id > y->exchange_id ? 1 : -1;
    return strcmp(x->place, y->place);
}

struct second_pass {
    struct compared *compared; /* by exchange_id */
    size_t compared_count;
    const struct finding **items; /* by exchange_id and place */
    size_t count;
};

static bool is_unsteady(const struct second_pass *second, const struct finding *finding)
{
    if (finding->kind == DIFFERS_FAILURE || finding->kind == DIFFERS_STATUS ||
        finding->kind == DIFFERS_NOT_SENT)
        return false;
    const struct compared wanted = {.exchange_id = finding->exchange_id};
    const struct compared *compared =
        bsearch(&wanted, second->compared, second->compared_count, sizeof wanted, compare_compared);
    if (!compared || !compared->has_content)
        return false;
    const struct finding *const *same =
        bsearch(&finding, second->items, second->count, sizeof finding, compare_items);
    return !same || (*same)->live_hash != finding->live_hash || (*same)->kind != finding->kind;
}

static void recount(struct findings *findings)
{
    size_t at = 0;
    findings->diverged = 0;
    for (size_t i = 0; i < findings->compared_count; i++) {
        struct compared *compared = &findings->compared[i];
        compared->has_diverged = false;
        while (at < findings->count && findings->items[at].exchange_id == compared->exchange_id) {
            compared->has_diverged = true;
            at++;
        }
        findings->diverged += compared->has_diverged;
    }
}

void findings_drop_unsteady(struct findings *findings, const struct findings *second)
{
    struct second_pass index = {.count = second->count, .compared_count = second->compared_count};
    index.items = malloc((second->count + 1) * sizeof *index.items);
    index.compared = malloc((second->compared_count + 1) * sizeof *index.compared);
    if (!index.items || !index.compared)
        goto out; /* then all of it stays */
    for (size_t i = 0; i < second->count; i++)
        index.items[i] = &second->items[i];
    qsort(index.items, index.count, sizeof *index.items, compare_items);
    if (second->compared_count)
        memcpy(index.compared, second->compared, second->compared_count * sizeof *index.compared);
    qsort(index.compared, index.compared_count, sizeof *index.compared, compare_compared);
    size_t kept = 0;
    for (size_t i = 0; i < findings->count; i++) {
        if (is_unsteady(&index, &findings->items[i]))
            findings->noise++;
        else
            findings->items[kept++] = findings->items[i];
    }
    findings->count = kept;
    recount(findings);
out:
    free(index.items);
    free(index.compared);
}

double findings_percent(const struct findings *findings)
{
    if (!findings->compared_count)
        return 0;
    return 100.0 * (double)findings->diverged / (double)findings->compared_count;
}
