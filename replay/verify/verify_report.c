/* verify_report.c - the divergences for people: one entry for all of a kind, with its cause. */
#include "replay/verify/verify_report.h"

#include <stdlib.h>
#include <string.h>

#include "replay/verify/likeness.h"

enum { MAX_ENTRIES = 60 };

/* In double quotes for a shell. */
static void put_quoted(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (strchr("\"\\$`", c))
            fputc('\\', out);
        fputc(c < ' ' || c == 0x7f ? '?' : c, out);
    }
    fputc('"', out);
}

static void put_clean(const char *text, FILE *out)
{
    for (; *text; text++)
        fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
}

void verify_report_command(const char *trace_path, const struct suggestion *suggestion, FILE *out)
{
    char place[1024];
    bool is_plain = trace_path[strcspn(trace_path, " '\"\\$`(){}<>|&;*?")] == '\0';
    fputs("reprise bind ", out);
    if (is_plain)
        fputs(trace_path, out);
    else
        put_quoted(trace_path, out);
    fputs(" add --born ", out);
    snprintf(place, sizeof place, "%lld %s", (long long)suggestion->born_exchange_id,
             suggestion->born_place);
    put_quoted(place, out);
    fputs(" --used ", out);
    snprintf(place, sizeof place, "%lld %s", (long long)suggestion->used_exchange_id,
             suggestion->used_place);
    put_quoted(place, out);
}

/* --- one entry for what is the same ---------------------------------------------------------- */

static int compare_kinds(const void *a, const void *b)
{
    const struct finding *x = *(const struct finding *const *)a;
    const struct finding *y = *(const struct finding *const *)b;
    int order = (int)x->kind - (int)y->kind;
    order = order ? order : strcmp(x->endpoint, y->endpoint);
    order = order ? order : strcmp(x->place, y->place);
    if (!order && x->kind == DIFFERS_STATUS)
        order = strcmp(x->live, y->live);
    if (!order)
        order = (x->exchange_id > y->exchange_id) - (x->exchange_id < y->exchange_id);
    return order;
}

static bool are_of_one_kind(const struct finding *a, const struct finding *b)
{
    return a->kind == b->kind && strcmp(a->endpoint, b->endpoint) == 0 &&
           strcmp(a->place, b->place) == 0 &&
           (a->kind != DIFFERS_STATUS || strcmp(a->live, b->live) == 0);
}

/* The same story, of other exchanges. */
static bool have_one_cause(const struct finding *a, const struct finding *b)
{
    if (!a->cause || !b->cause)
        return a->cause == b->cause;
    return texts_are_alike(bytes_of(a->cause), bytes_of(b->cause));
}

static void print_difference(const struct finding *finding, FILE *out)
{
    switch (finding->kind) {
    case DIFFERS_STATUS:
        fprintf(out, "%s at ", finding->live);
        put_clean(finding->endpoint, out);
        fprintf(out, ", recorded %s", finding->recorded);
        return;
    case DIFFERS_FAILURE:
        fputs("no answer at ", out);
        put_clean(finding->endpoint, out);
        fprintf(out, " (%s), recorded %s", finding->live, finding->recorded);
        return;
    case DIFFERS_NOT_SENT:
        fputs("not sent: ", out);
        put_clean(finding->endpoint, out);
        fprintf(out, ", recorded %s", finding->recorded);
        return;
    default:
        break;
    }
    put_clean(finding->endpoint, out);
    fputs(": ", out);
    put_clean(finding->place, out);
    if (finding->kind == DIFFERS_MISSING)
        fprintf(out, " is missing; recorded %s", finding->recorded);
    else if (finding->kind == DIFFERS_EXTRA)
        fprintf(out, " was not recorded; now %s", finding->live);
    else
        fprintf(out, " is %s, recorded %s", finding->live, finding->recorded);
}

static void print_entry(const struct verify_run *run, const struct finding *finding, size_t count,
                        FILE *out)
{
    fputs("  ", out);
    print_difference(finding, out);
    fprintf(out, "\n      session %lld, exchange %lld", (long long)finding->session_id,
            (long long)finding->exchange_id);
    if (count > 1)
        fprintf(out, ", and %zu more", count - 1);
    fputc('\n', out);
    if (finding->cause) {
        fputs("      ", out);
        put_clean(finding->cause, out);
        fputc('\n', out);
    }
    for (size_t i = 0; i < finding->suggestion_count; i++) {
        fputs(i ? "      or:  " : "      try: ", out);
        verify_report_command(run->options.replay.trace_path, &finding->suggestions[i], out);
        fputc('\n', out);
    }
}

struct entry {
    const struct finding *finding; /* the first one */
    size_t count;
};

/* One kind, an entry for each cause; those that are in one are NULL then. Returns how many entries
 * there are: no more than are told of all kinds together. */
static size_t collect_kind(const struct finding **list, size_t count, struct entry *entries)
{
    size_t entry_count = 0;
    for (size_t i = 0; i < count && entry_count < MAX_ENTRIES; i++) {
        struct entry entry = {.finding = list[i], .count = 1};
        if (!list[i])
            continue;
        for (size_t j = i + 1; j < count; j++) {
            if (!list[j] || !have_one_cause(list[i], list[j]))
                continue;
            list[j] = NULL;
            entry.count++;
        }
        entries[entry_count++] = entry;
    }
    return entry_count;
}

/* As the sessions went: what failed first stands first, what follows from it behind it. */
static int compare_firsts(const void *a, const void *b)
{
    const struct finding *x = ((const struct entry *)a)->finding;
    const struct finding *y = ((const struct entry *)b)->finding;
    if (x->exchange_id != y->exchange_id)
        return x->exchange_id > y->exchange_id ? 1 : -1;
    return (x > y) - (x < y); /* of one list */
}

static void print_entries(const struct verify_run *run, FILE *out)
{
    const struct findings *findings = &run->findings;
    const struct finding **order = malloc((findings->count + 1) * sizeof *order);
    struct entry *entries = malloc((findings->count + 1) * sizeof *entries);
    size_t entry_count = 0, next;
    if (!order || !entries)
        goto out;
    for (size_t i = 0; i < findings->count; i++)
        order[i] = &findings->items[i];
    qsort(order, findings->count, sizeof *order, compare_kinds);
    for (size_t i = 0; i < findings->count; i = next) {
        for (next = i + 1; next < findings->count && are_of_one_kind(order[i], order[next]);)
            next++;
        entry_count += collect_kind(&order[i], next - i, &entries[entry_count]);
    }
    qsort(entries, entry_count, sizeof *entries, compare_firsts);
    for (size_t i = 0; i < entry_count && i < MAX_ENTRIES; i++)
        print_entry(run, entries[i].finding, entries[i].count, out);
    if (entry_count > MAX_ENTRIES)
        fputs("  ... --json has all\n", out);
out:
    free(order);
    free(entries);
}

static void print_fixes(const struct verify_run *run, enum fix_outcome outcome, const char *what,
                        FILE *out)
{
    for (size_t i = 0; i < run->fix.count; i++) {
        const struct fix_binding *binding = &run->fix.bindings[i];
        if (binding->outcome != outcome)
            continue;
        fprintf(out, "  %s ", what);
        put_clean(binding->suggestion.born_place, out);
        fprintf(out, " of exchange %lld -> ", (long long)binding->suggestion.born_exchange_id);
        put_clean(binding->suggestion.used_place, out);
        fprintf(out, " of exchange %lld, %zu requests\n",
                (long long)binding->suggestion.used_exchange_id, binding->row_count);
    }
}

void verify_report_text(const struct verify_run *run, FILE *out)
{
    const struct findings *findings = &run->findings;
    fputs("\n  ", out);
    put_clean(run->options.replay.trace_path, out);
    fprintf(out, " against %s\n\n", run->options.replay.target);
    if (run->was_stopped)
        fputs("  this was stopped before its end: what is here was compared up to then\n\n", out);
    print_entries(run, out);
    if (findings->count)
        fputc('\n', out);
    print_fixes(run, FIX_KEPT, "bound     ", out);
    print_fixes(run, FIX_TAKEN_BACK, "no help   ", out);
    print_fixes(run, FIX_NOT_TRIED, "not tried ", out);
    if (run->fix.count)
        fputc('\n', out);
    fprintf(out, "  sessions   %u of %zu played, %zu shapes\n", run->survey.session_count,
            run->recorded_sessions, run->survey.shape_count);
    fprintf(out, "  exchanges  %zu ", findings->compared_count);
    if (run->was_stopped)
        fprintf(out, "of %llu ", (unsigned long long)run->survey.exchange_count);
    fprintf(out, "compared, %llu diverged (%.2f%%, limit %.2f%%)\n",
            (unsigned long long)findings->diverged, findings_percent(findings),
            run->options.most_percent);
    fprintf(out, "  seed       %llu%s\n", (unsigned long long)run->options.replay.settings.seed,
            run->options.has_own_seed ? ", drawn for this run" : "");
    if (findings->noise)
        fprintf(out, "  noise      %llu differences that are none: other each time\n",
                (unsigned long long)findings->noise);
    if (findings->unknown_bodies)
        fprintf(out, "  bodies     %llu not compared: too large, or not whole in the trace\n",
                (unsigned long long)findings->unknown_bodies);
    fputc('\n', out);
}
