/* correlate_report.c - rules put together by what people would name: from where, into what. */
#include "traces/correlate/correlate_report.h"

#include <stdlib.h>

#include "core/grow.h"
#include "core/map.h"
#include "core/table.h"
#include "core/units.h"
#include "traces/correlate/correlate_near.h"
#include "traces/inspect_json.h"

enum { MAX_TABLE_BYTES = 8 * 1024 * 1024, SHOWN_LINES = 40, TEXT_BYTES = 1024, CELL_BYTES = 120 };

/* Rules from one site into the same place of one or more endpoints, written there in one way. */
struct line {
    uint32_t born, place; /* site; place where it is used */
    uint32_t variant;     /* of the rule with the most uses */
    uint32_t endpoints, sessions, most;
    uint64_t bound;
    float score; /* the lowest */
};

struct lines {
    struct line *list;
    size_t count, capacity;
    struct id_map by_pair;
};

static int compare_lines(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    return x->bound != y->bound ? (x->bound > y->bound ? -1 : 1) : x->born > y->born;
}

/* Of how it is written as well, so that a rule that is in two forms has two lines. */
static uint64_t key_of(const struct rule *rule, const struct site_variant *variant, uint32_t place)
{
    const uint64_t parts[] = {id_pair(rule->born, place), bytes_hash(variant->left),
                              bytes_hash(variant->right), (uint64_t)variant->form};
    return bytes_hash(bytes_make(parts, sizeof parts));
}

static int add_rule(struct lines *lines, const struct sites *sites, const struct rule *rule)
{
    const struct site_variant *variant = &sites->variants[rule->variant];
    uint32_t place = sites->sites[variant->site].place;
    uint32_t *at = id_map_at(&lines->by_pair, key_of(rule, variant, place));
    if (!at)
        return -1;
    struct line *grown =
        grow_by_one(lines->list, lines->count, &lines->capacity, sizeof *grown, SIZE_MAX);
    if (!grown)
        return -1;
    lines->list = grown;
    if (*at == ID_MAP_NONE) {
        *at = (uint32_t)lines->count;
        lines->list[lines->count++] =
            (struct line){.born = rule->born, .place = place, .score = rule->score};
    }
    struct line *line = &lines->list[*at];
    line->endpoints++;
    line->bound += rule->bound;
    line->score = rule->score < line->score ? rule->score : line->score;
    line->sessions = rule->sessions > line->sessions ? rule->sessions : line->sessions;
    if (rule->bound >= line->most) {
        line->most = rule->bound;
        line->variant = rule->variant;
    }
    return 0;
}

static int collect(struct lines *lines, const struct finder *finder, size_t *ret_rules)
{
    size_t count, used = 0;
    const struct rule *rules = rules_list(finder_rules(finder), &count);
    for (size_t i = 0; i < count; i++) {
        if (rules[i].bound && add_rule(lines, finder_sites(finder), &rules[i]))
            return -1;
        used += rules[i].bound > 0;
    }
    if (lines->count)
        qsort(lines->list, lines->count, sizeof *lines->list, compare_lines);
    *ret_rules = used;
    return 0;
}

static struct bytes site_text(const struct sites *sites, uint32_t site, struct buf *out)
{
    buf_clear(out);
    buf_append_bytes(out, sites->endpoints[sites->sites[site].endpoint].name);
    buf_append_char(out, ' ');
    sites_write_place(sites, sites->sites[site].place, NULL, out);
    return buf_bytes(out);
}

static void used_text(const struct sites *sites, const struct line *line, struct buf *out)
{
    const struct site_variant *variant = &sites->variants[line->variant];
    const struct site *site = &sites->sites[variant->site];
    buf_clear(out);
    if (line->endpoints > 1)
        buf_printf(out, "%u endpoints ", line->endpoints);
    else
        buf_printf(out, "%.*s ", BYTES_ARG(sites->endpoints[site->endpoint].name));
    sites_write_place(sites, line->place, NULL, out);
    if (variant->left.len || variant->right.len)
        buf_printf(out, " (%.*s...%.*s)", BYTES_ARG(variant->left), BYTES_ARG(variant->right));
    if (variant->form != WORD_RAW)
        buf_printf(out, " as %s", value_form_word_name((enum value_form_word)variant->form));
}

/* A place deep in JSON is longer than a line: its ends say most. */
static void put_cell(struct table *table, const struct buf *text)
{
    struct bytes all = buf_bytes(text), end;
    size_t half = (CELL_BYTES - 3) / 2;
    if (all.len <= CELL_BYTES) {
        table_cell(table, "%s", buf_text(text));
        return;
    }
    end = bytes_from(all, all.len - half);
    while (end.len && ((unsigned char)end.ptr[0] & 0xc0) == 0x80) /* inside a UTF-8 character */
        end = bytes_from(end, 1);
    while (half && ((unsigned char)all.ptr[half] & 0xc0) == 0x80)
        half--;
    table_cell(table, "%.*s...%.*s", (int)half, all.ptr, BYTES_ARG(end));
}

static void print_lines(FILE *out, const struct finder *finder, const struct lines *lines)
{
    const struct sites *sites = finder_sites(finder);
    struct buf from = BUF_INIT(TEXT_BYTES), to = BUF_INIT(TEXT_BYTES);
    struct table table;
    if (!lines->count)
        return;
    table_init(&table, ">uses|>sessions|>score|given by|carried by", MAX_TABLE_BYTES);
    for (size_t i = 0; i < lines->count && i < SHOWN_LINES; i++) {
        const struct line *line = &lines->list[i];
        site_text(sites, line->born, &from);
        used_text(sites, line, &to);
        table_row(&table);
        table_cell(&table, "%llu", (unsigned long long)line->bound);
        table_cell(&table, "%u", line->sessions);
        table_cell(&table, "%.2f", (double)line->score);
        put_cell(&table, &from);
        put_cell(&table, &to);
    }
    fputc('\n', out);
    table_print(&table, out);
    if (lines->count > SHOWN_LINES)
        fprintf(out, "and %zu more\n", lines->count - SHOWN_LINES);
    table_fini(&table);
    buf_fini(&from);
    buf_fini(&to);
}

static int print_near(FILE *out, const struct finder *finder, double min_score, struct error *err)
{
    const struct sites *sites = finder_sites(finder);
    struct buf from = BUF_INIT(TEXT_BYTES), to = BUF_INIT(TEXT_BYTES);
    struct near_rules near;
    struct table table;
    if (correlate_near(finder, min_score, &near))
        return error_set(err, EXIT_TOOL, "out of memory");
    if (!near.count)
        return 0;
    table_init(&table, "bound with|>uses|>sessions|given by|carried by", MAX_TABLE_BYTES);
    for (size_t i = 0; i < near.count; i++) {
        const struct rule *rule = near.list[i];
        table_row(&table);
        table_cell(&table, "--min-score 0.%02u", near_hundredths(rule));
        table_cell(&table, "%u", rule->uses);
        table_cell(&table, "%u", rule->sessions);
        site_text(sites, rule->born, &from);
        site_text(sites, sites->variants[rule->variant].site, &to);
        put_cell(&table, &from);
        put_cell(&table, &to);
    }
    fputs(
        "\nNearly bound: a lower --min-score takes it, with all above it; one alone 'reprise bind "
        "TRACE add'\n",
        out);
    table_print(&table, out);
    table_fini(&table);
    buf_fini(&from);
    buf_fini(&to);
    return 0;
}

static void print_clients(FILE *out, const struct finder *finder)
{
    size_t count;
    const struct client_rule *clients = rules_clients(finder_rules(finder), &count);
    struct buf text = BUF_INIT(TEXT_BYTES), kind = BUF_INIT(TEXT_BYTES);
    struct table table;
    if (!count)
        return;
    table_init(&table, ">uses|>sessions|made by the client|first carried by", MAX_TABLE_BYTES);
    for (size_t i = 0; i < count && i < SHOWN_LINES; i++) {
        buf_clear(&kind);
        client_place_write((enum client_kind)clients[i].kind, 1, &kind);
        table_row(&table);
        table_cell(&table, "%u", clients[i].uses);
        table_cell(&table, "%u", clients[i].sessions);
        table_cell(&table, "%s", buf_text(&kind));
        site_text(finder_sites(finder), clients[i].site, &text);
        put_cell(&table, &text);
    }
    fputc('\n', out);
    table_print(&table, out);
    if (count > SHOWN_LINES)
        fprintf(out, "and %zu more\n", count - SHOWN_LINES);
    table_fini(&table);
    buf_fini(&text);
    buf_fini(&kind);
}

static int compare_unbound(const void *a, const void *b)
{
    const struct unbound *x = a, *y = b;
    return x->sessions != y->sessions ? (x->sessions > y->sessions ? -1 : 1) : x->site > y->site;
}

enum unbound_kind { FROM_BEFORE, BEHIND_GAP, UNEXPLAINED };

static enum unbound_kind kind_of(const struct unbound *unbound)
{
    if (unbound->is_from_before)
        return FROM_BEFORE;
    return unbound->gap_exchange_id ? BEHIND_GAP : UNEXPLAINED;
}

/* Of one kind. Where an answer was not looked at whole, which. */
static void print_unbound(FILE *out, const struct finder *finder, const struct unbound *list,
                          size_t count, enum unbound_kind kind, const char *heading)
{
    struct buf text = BUF_INIT(TEXT_BYTES);
    struct table table;
    size_t shown = 0;
    table_init(&table,
               kind == BEHIND_GAP
                   ? ">uses|>sessions|>exchange|carried by|answer not looked at whole"
                   : ">uses|>sessions|>exchange|carried by",
               MAX_TABLE_BYTES);
    for (size_t i = 0; i < count; i++) {
        if (kind_of(&list[i]) != kind || shown++ >= SHOWN_LINES)
            continue;
        site_text(finder_sites(finder), list[i].site, &text);
        table_row(&table);
        table_cell(&table, "%u", list[i].uses);
        table_cell(&table, "%u", list[i].sessions);
        table_cell(&table, "%lld", (long long)list[i].exchange_id);
        put_cell(&table, &text);
        if (kind == BEHIND_GAP)
            table_cell(&table, "of exchange %lld", (long long)list[i].gap_exchange_id);
    }
    if (shown) {
        fprintf(out, "\n%s\n", heading);
        table_print(&table, out);
    }
    if (shown > SHOWN_LINES)
        fprintf(out, "and %zu more\n", shown - SHOWN_LINES);
    table_fini(&table);
    buf_fini(&text);
}

static int print_left(FILE *out, const struct finder *finder, struct error *err)
{
    size_t count;
    const struct unbound *list = rules_unbound(finder_rules(finder), &count);
    struct unbound *sorted = malloc((count + 1) * sizeof *sorted);
    if (!sorted)
        return error_set(err, EXIT_TOOL, "out of memory");
    if (count) {
        memcpy(sorted, list, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, compare_unbound);
    }
    print_unbound(out, finder, sorted, count, FROM_BEFORE,
                  "Carried from before the recording: fresh users need their own");
    print_unbound(out, finder, sorted, count, BEHIND_GAP,
                  "Given by nothing that was looked at; an earlier answer was not looked at whole: "
                  "it may be from there");
    print_unbound(
        out, finder, sorted, count, UNEXPLAINED,
        "Left as recorded, though nobody has such a value by accident and no answer gave it");
    free(sorted);
    return 0;
}

static void print_totals(FILE *out, const struct correlate_totals *totals, size_t rules)
{
    char cpu[UNITS_TEXT_BYTES];
    const struct walk_counts *walk = &totals->walk;
    fprintf(out, "%llu sessions, %llu exchanges, %llu messages: %s of CPU\n",
            (unsigned long long)walk->sessions, (unsigned long long)walk->exchanges,
            (unsigned long long)walk->messages,
            duration_format(cpu, sizeof cpu, (double)totals->cpu_us));
    fprintf(out, "%llu bindings %s, by %zu rules", (unsigned long long)totals->bindings,
            totals->is_dry_run ? "found; the trace is as it was" : "stored", rules);
    if (totals->removed)
        fprintf(out, "; %llu of an earlier correlation removed",
                (unsigned long long)totals->removed);
    if (totals->kept_away)
        fprintf(out, "; %llu left out for edited ones", (unsigned long long)totals->kept_away);
    fputc('\n', out);
}

/* What was not looked at is said, with its number. */
static void print_gaps(FILE *out, const struct finder *finder,
                       const struct correlate_totals *totals)
{
    const struct walk_counts *walk = &totals->walk;
    uint64_t left_out = finder_counts(finder).left_out + walk->left_out;
    if (walk->undecoded)
        fprintf(out, "%llu bodies were not looked at: their Content-Encoding cannot be undone\n",
                (unsigned long long)walk->undecoded);
    if (walk->too_large)
        fprintf(out, "%llu bodies were not looked at: they are over 32 MiB\n",
                (unsigned long long)walk->too_large);
    if (left_out)
        fprintf(out,
                "%llu values were not kept: their places are objects by id, or they are "
                "too deep, too long or too many\n",
                (unsigned long long)left_out);
}

int correlate_print(FILE *out, const struct finder *finder, const struct correlate_totals *totals,
                    struct error *err)
{
    struct lines lines = {0};
    size_t rules = 0;
    int result = collect(&lines, finder, &rules) ? error_set(err, EXIT_TOOL, "out of memory") : 0;
    if (result == 0) {
        print_totals(out, totals, rules);
        print_gaps(out, finder, totals);
        print_lines(out, finder, &lines);
        print_clients(out, finder);
        result = print_near(out, finder, totals->min_score, err) || print_left(out, finder, err)
                     ? -1
                     : 0;
    }
    if (result == 0 && totals->bindings && !totals->is_dry_run)
        fprintf(out, "\n'reprise inspect %s bindings' has the evidence for each\n", totals->path);
    free(lines.list);
    id_map_fini(&lines.by_pair);
    return result;
}

/* --- JSON --------------------------------------------------------------------------------- */

static void json_site(struct json_line *line, const struct sites *sites, uint32_t site,
                      const char *endpoint, const char *place)
{
    struct buf text = BUF_INIT(TEXT_BYTES);
    sites_write_place(sites, sites->sites[site].place, NULL, &text);
    json_line_text(line, endpoint, sites->endpoints[sites->sites[site].endpoint].name);
    json_line_text(line, place, buf_bytes(&text));
    buf_fini(&text);
}

/* Scores are thousandths: a JSON line has whole numbers. */
static int json_rule(FILE *out, const struct finder *finder, const char *kind,
                     const struct rule *rule, struct error *err)
{
    const struct sites *sites = finder_sites(finder);
    const struct site_variant *variant = &sites->variants[rule->variant];
    struct buf text = BUF_INIT(TEXT_BYTES);
    struct json_line line;
    json_line_start(&line);
    json_line_text(&line, "kind", bytes_of(kind));
    json_site(&line, sites, rule->born, "born_endpoint", "born_place");
    json_site(&line, sites, variant->site, "used_endpoint", "used_place");
    json_line_text(&line, "form",
                   bytes_of(value_form_word_name((enum value_form_word)variant->form)));
    json_line_count(&line, "bound", rule->bound);
    json_line_count(&line, "uses", rule->uses);
    json_line_count(&line, "sessions", rule->sessions);
    json_line_count(&line, "misses", rule->misses);
    json_line_count(&line, "score_thousandths", (uint64_t)((double)rule->score * 1000 + 0.5));
    if (!rule->bound)
        json_line_count(&line, "min_score_hundredths", near_hundredths(rule));
    rule_evidence(finder_rules(finder), rule, &text);
    json_line_text(&line, "evidence", buf_bytes(&text));
    buf_fini(&text);
    return json_line_end(&line, out, err);
}

static int json_client(FILE *out, const struct finder *finder, const struct client_rule *rule,
                       struct error *err)
{
    struct buf text = BUF_INIT(TEXT_BYTES);
    struct json_line line;
    json_line_start(&line);
    json_line_text(&line, "kind", bytes_of("client"));
    client_place_write((enum client_kind)rule->kind, 1, &text);
    json_line_text(&line, "born_place", buf_bytes(&text));
    json_site(&line, finder_sites(finder), rule->site, "used_endpoint", "used_place");
    json_line_count(&line, "values", rule->values);
    json_line_count(&line, "uses", rule->uses);
    json_line_count(&line, "sessions", rule->sessions);
    buf_fini(&text);
    return json_line_end(&line, out, err);
}

static int json_unbound(FILE *out, const struct finder *finder, const struct unbound *unbound,
                        struct error *err)
{
    struct json_line line;
    json_line_start(&line);
    json_line_text(&line, "kind", bytes_of("unbound"));
    json_site(&line, finder_sites(finder), unbound->site, "used_endpoint", "used_place");
    json_line_bool(&line, "is_from_before", unbound->is_from_before);
    if (kind_of(unbound) == BEHIND_GAP)
        json_line_int(&line, "partly_read_exchange_id", unbound->gap_exchange_id);
    json_line_count(&line, "uses", unbound->uses);
    json_line_count(&line, "sessions", unbound->sessions);
    json_line_int(&line, "exchange_id", unbound->exchange_id);
    return json_line_end(&line, out, err);
}

static int json_totals(FILE *out, const struct finder *finder,
                       const struct correlate_totals *totals, struct error *err)
{
    struct finder_counts counts = finder_counts(finder);
    struct json_line line;
    json_line_start(&line);
    json_line_text(&line, "kind", bytes_of("totals"));
    json_line_bool(&line, "is_dry_run", totals->is_dry_run);
    json_line_count(&line, "bindings", totals->bindings);
    json_line_count(&line, "removed", totals->removed);
    json_line_count(&line, "kept_away", totals->kept_away);
    json_line_count(&line, "sessions", totals->walk.sessions);
    json_line_count(&line, "exchanges", totals->walk.exchanges);
    json_line_count(&line, "messages", totals->walk.messages);
    json_line_count(&line, "values_given", counts.values_given);
    json_line_count(&line, "values_carried", counts.values_carried);
    json_line_count(&line, "values_left_out", counts.left_out + totals->walk.left_out);
    json_line_count(&line, "bodies_read", totals->walk.bodies_read);
    json_line_count(&line, "bodies_again", totals->walk.bodies_again);
    json_line_count(&line, "bodies_undecoded", totals->walk.undecoded);
    json_line_count(&line, "bodies_too_large", totals->walk.too_large);
    json_line_count(&line, "spool_bytes", counts.spool_bytes);
    json_line_count(&line, "cpu_us", totals->cpu_us);
    return json_line_end(&line, out, err);
}

int correlate_print_json(FILE *out, const struct finder *finder,
                         const struct correlate_totals *totals, struct error *err)
{
    size_t count;
    const struct rule *rules = rules_list(finder_rules(finder), &count);
    for (size_t i = 0; i < count; i++) {
        if (rules[i].bound && json_rule(out, finder, "rule", &rules[i], err))
            return -1;
    }
    struct near_rules near;
    if (correlate_near(finder, totals->min_score, &near))
        return error_set(err, EXIT_TOOL, "out of memory");
    for (size_t i = 0; i < near.count; i++) {
        if (json_rule(out, finder, "near", near.list[i], err))
            return -1;
    }
    const struct client_rule *clients = rules_clients(finder_rules(finder), &count);
    for (size_t i = 0; i < count; i++) {
        if (json_client(out, finder, &clients[i], err))
            return -1;
    }
    const struct unbound *unbound = rules_unbound(finder_rules(finder), &count);
    for (size_t i = 0; i < count; i++) {
        if (json_unbound(out, finder, &unbound[i], err))
            return -1;
    }
    return json_totals(out, finder, totals, err);
}
