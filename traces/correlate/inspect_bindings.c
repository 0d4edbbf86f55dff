/* inspect_bindings.c - `inspect T bindings`: what is bound, by rule, with the evidence. */
#include <stdlib.h>

#include "core/grow.h"
#include "core/table.h"
#include "traces/correlate/sites.h"
#include "traces/inspect.h"
#include "traces/inspect_json.h"
#include "traces/printable.h"

enum { MAX_SITES_BYTES = 64 * 1024 * 1024, TEXT_BYTES = 8192, MAX_GROUPS = 1 << 20 };

/* Bindings between the same two places of the same two endpoints, in one state, of one origin. */
struct group {
    uint32_t born, variant;
    uint64_t count, sessions;
    int64_t last_session_id, first_binding_id;
    double score; /* the lowest */
    struct bytes evidence, state, origin;
};

struct groups {
    struct inspect *inspect;
    struct sites sites;
    struct arena texts;
    struct group *list;
    size_t count, capacity;
    struct id_map index;
    uint64_t left_out;
};

/* A row, and what the exchanges that it names are. */
struct ends {
    int64_t session_id, born_endpoint_id, used_endpoint_id;
};

static int find_ends(struct trace_reader *reader, const struct trace_binding *binding,
                     struct ends *ends, struct error *err)
{
    int64_t born_session;
    *ends = (struct ends){0};
    /* People write these rows: an exchange that is not there is none. */
    return trace_reader_get_exchange_ends(reader, binding->born_exchange_id, &born_session,
                                          &ends->born_endpoint_id, err) < 0 ||
                   trace_reader_get_exchange_ends(reader, binding->used_exchange_id,
                                                  &ends->session_id, &ends->used_endpoint_id,
                                                  err) < 0
               ? -1
               : 0;
}

static uint32_t site_of(struct groups *groups, int64_t endpoint_id, struct bytes place)
{
    struct bytes name = bytes_of("?");
    struct error ignored;
    uint32_t numbers[SITES_NUMBERS];
    trace_reader_endpoint_name(groups->inspect->reader, endpoint_id, &name, &ignored);
    uint32_t endpoint = sites_endpoint(&groups->sites, endpoint_id, name);
    return sites_site(&groups->sites, endpoint, sites_place(&groups->sites, place, place, numbers));
}

/* What makes a group: the two ends, how the value is written, state and origin. */
static uint64_t key_of(uint32_t born, uint32_t variant, const struct trace_binding *binding)
{
    bool is_on = bytes_equal(binding->state, bytes_of("on"));
    bool is_found = bytes_equal(binding->origin, bytes_of("found"));
    return id_pair(born, variant) * 4 + (uint64_t)is_on * 2 + is_found;
}

static enum value_form_word form_of(struct bytes word)
{
    for (int form = WORD_RAW; form <= WORD_HEX; form++) {
        if (bytes_equal(word, bytes_of(value_form_word_name((enum value_form_word)form))))
            return (enum value_form_word)form;
    }
    return WORD_RAW;
}

static struct group *find_or_add(struct groups *groups, uint32_t born, uint32_t variant,
                                 const struct trace_binding *binding)
{
    uint32_t *at = id_map_at(&groups->index, key_of(born, variant, binding));
    if (at && *at != ID_MAP_NONE)
        return &groups->list[*at];
    struct group *grown =
        at ? grow_by_one(groups->list, groups->count, &groups->capacity, sizeof *grown, MAX_GROUPS)
           : NULL;
    if (!grown)
        return NULL;
    groups->list = grown;
    *at = (uint32_t)groups->count;
    struct group *group = &groups->list[groups->count++];
    *group = (struct group){.born = born,
                            .variant = variant,
                            .first_binding_id = binding->binding_id,
                            .score = binding->score,
                            .evidence = arena_copy(&groups->texts, binding->evidence),
                            .state = arena_copy(&groups->texts, binding->state),
                            .origin = arena_copy(&groups->texts, binding->origin)};
    return group;
}

static int add_binding(struct groups *groups, const struct trace_binding *binding,
                       struct error *err)
{
    struct ends ends;
    struct bytes nothing = {0};
    if (find_ends(groups->inspect->reader, binding, &ends, err))
        return -1;
    uint32_t born = site_of(groups, ends.born_endpoint_id, binding->born_place);
    uint32_t used = site_of(groups, ends.used_endpoint_id, binding->used_place);
    struct group *group = NULL;
    if (born != SITES_NONE && used != SITES_NONE) {
        uint32_t variant =
            sites_variant(&groups->sites, used, form_of(binding->form), nothing, nothing);
        group = find_or_add(groups, born, variant, binding);
    }
    if (!group) {
        groups->left_out++;
        return 0;
    }
    group->count++;
    group->score = binding->score < group->score ? binding->score : group->score;
    if (group->last_session_id != ends.session_id) {
        group->last_session_id = ends.session_id;
        group->sessions++;
    }
    return 0;
}

static int compare_groups(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return x->first_binding_id > y->first_binding_id;
}

/* "POST /jobs body:/id"; new: and data: are of no answer, so of no endpoint. */
static struct bytes side_text(const struct sites *sites, uint32_t site, struct buf *out)
{
    struct bytes place = sites->places[sites->sites[site].place].text;
    buf_clear(out);
    if (!bytes_starts_with(place, bytes_of("new:")) && !bytes_starts_with(place, bytes_of("data:")))
        buf_printf(out, "%.*s ", BYTES_ARG(sites->endpoints[sites->sites[site].endpoint].name));
    sites_write_place(sites, sites->sites[site].place, NULL, out);
    return buf_bytes(out);
}

static int print_group_json(struct groups *groups, const struct group *group, struct error *err)
{
    const struct sites *sites = &groups->sites;
    const struct site_variant *variant = &sites->variants[group->variant];
    const uint32_t ends[2] = {group->born, variant->site};
    static const char *const names[2][2] = {{"born_endpoint", "born_place"},
                                            {"used_endpoint", "used_place"}};
    struct json_line line;
    json_line_start(&line);
    for (int i = 0; i < 2; i++) {
        struct buf text = BUF_INIT(TEXT_BYTES);
        const struct site *site = &sites->sites[ends[i]];
        sites_write_place(sites, site->place, NULL, &text);
        json_line_text(&line, names[i][0], sites->endpoints[site->endpoint].name);
        json_line_text(&line, names[i][1], buf_bytes(&text));
        buf_fini(&text);
    }
    json_line_text(&line, "form",
                   bytes_of(value_form_word_name((enum value_form_word)variant->form)));
    json_line_text(&line, "state", group->state);
    json_line_text(&line, "origin", group->origin);
    json_line_count(&line, "bindings", group->count);
    json_line_count(&line, "sessions", group->sessions);
    json_line_count(&line, "score_thousandths", (uint64_t)(group->score * 1000 + 0.5));
    json_line_text(&line, "evidence", group->evidence);
    json_line_id(&line, "first_binding_id", group->first_binding_id);
    return json_line_end(&line, groups->inspect->out, err);
}

/* What was recorded is printed so that it cannot drive a terminal. */
static void print_side(FILE *out, const char *label, struct bytes text)
{
    fprintf(out, "  %-5s", label);
    print_lines(out, "", text);
}

static void print_group(struct groups *groups, const struct group *group)
{
    FILE *out = groups->inspect->out;
    struct buf text = BUF_INIT(TEXT_BYTES);
    const struct site_variant *variant = &groups->sites.variants[group->variant];
    fprintf(out, "%llu in %llu session%s, score %.3f, %s, %s, the first is binding %lld\n",
            (unsigned long long)group->count, (unsigned long long)group->sessions,
            group->sessions == 1 ? "" : "s", group->score,
            bytes_equal(group->state, bytes_of("on")) ? "on" : "off",
            bytes_equal(group->origin, bytes_of("found")) ? "found" : "edited",
            (long long)group->first_binding_id);
    print_side(out, "from", side_text(&groups->sites, group->born, &text));
    side_text(&groups->sites, variant->site, &text);
    if (variant->form != WORD_RAW)
        buf_printf(&text, " as %s", value_form_word_name((enum value_form_word)variant->form));
    print_side(out, "to", buf_bytes(&text));
    if (group->evidence.len)
        print_side(out, "why", group->evidence);
    buf_fini(&text);
}

static int print_groups(struct groups *groups, struct error *err)
{
    FILE *out = groups->inspect->out;
    if (groups->count)
        qsort(groups->list, groups->count, sizeof *groups->list, compare_groups);
    for (size_t i = 0; i < groups->count; i++) {
        if (!groups->inspect->is_json)
            print_group(groups, &groups->list[i]);
        else if (print_group_json(groups, &groups->list[i], err))
            return -1;
    }
    if (groups->inspect->is_json)
        return 0;
    if (groups->left_out)
        fprintf(out, "and %llu whose places cannot be put together\n",
                (unsigned long long)groups->left_out);
    if (!groups->count && !groups->left_out)
        fprintf(out, "no bindings; 'reprise correlate %s' finds them\n",
                trace_reader_path(groups->inspect->reader));
    return 0;
}

/* --- one by one --------------------------------------------------------------------------- */

static int print_binding_json(FILE *out, const struct trace_binding *binding, struct error *err)
{
    struct json_line line;
    json_line_start(&line);
    json_line_id(&line, "binding_id", binding->binding_id);
    json_line_int(&line, "born_exchange_id", binding->born_exchange_id);
    json_line_text(&line, "born_place", binding->born_place);
    json_line_int(&line, "used_exchange_id", binding->used_exchange_id);
    json_line_text(&line, "used_place", binding->used_place);
    json_line_count(&line, "score_thousandths", (uint64_t)(binding->score * 1000 + 0.5));
    json_line_text(&line, "evidence", binding->evidence);
    json_line_text(&line, "state", binding->state);
    json_line_text(&line, "form", binding->form);
    json_line_text(&line, "origin", binding->origin);
    return json_line_end(&line, out, err);
}

static void add_row(struct table *table, const struct trace_binding *binding)
{
    table_row(table);
    table_cell(table, "%lld", (long long)binding->binding_id);
    table_cell(table, "%lld %.*s", (long long)binding->born_exchange_id,
               BYTES_ARG(binding->born_place));
    table_cell(table, "%lld %.*s", (long long)binding->used_exchange_id,
               BYTES_ARG(binding->used_place));
    table_cell(table, "%.*s", BYTES_ARG(binding->form));
    table_cell(table, "%.3f", binding->score);
    table_cell(table, "%.*s", BYTES_ARG(binding->state));
    table_cell(table, "%.*s", BYTES_ARG(binding->origin));
}

static int show_session(struct inspect *inspect, int64_t session_id, struct error *err)
{
    struct trace_binding binding;
    struct trace_session session;
    struct table table;
    int result = 0;
    int found = trace_reader_get_session(inspect->reader, session_id, &session, err);
    if (found == 0)
        return error_set(err, EXIT_INPUT,
                         "%s: no session %lld; 'reprise inspect %s sessions' lists them",
                         trace_reader_path(inspect->reader), (long long)session_id,
                         trace_reader_path(inspect->reader));
    if (found < 0 || trace_reader_start_bindings(inspect->reader, session_id, err))
        return -1;
    table_init(&table, ">binding|given by|carried by|form|>score|state|origin",
               INSPECT_MAX_TABLE_BYTES);
    while ((found = trace_reader_next_binding(inspect->reader, &binding, err)) == 1) {
        if (!inspect->is_json)
            add_row(&table, &binding);
        else if ((result = print_binding_json(inspect->out, &binding, err)) != 0)
            break;
    }
    if (!inspect->is_json)
        table_print(&table, inspect->out);
    table_fini(&table);
    return found < 0 ? -1 : result;
}

int inspect_bindings(struct inspect *inspect, int64_t session_id, struct error *err)
{
    struct groups groups = {.inspect = inspect};
    struct trace_binding binding;
    int found = 0;
    if (session_id)
        return show_session(inspect, session_id, err);
    sites_init(&groups.sites, MAX_SITES_BYTES);
    arena_init(&groups.texts, MAX_SITES_BYTES);
    if (trace_reader_start_bindings(inspect->reader, 0, err))
        found = -1;
    while (found >= 0 && (found = trace_reader_next_binding(inspect->reader, &binding, err)) == 1) {
        if (add_binding(&groups, &binding, err))
            found = -1;
    }
    int result = found < 0 ? -1 : print_groups(&groups, err);
    sites_fini(&groups.sites);
    arena_fini(&groups.texts);
    id_map_fini(&groups.index);
    free(groups.list);
    return result;
}
