/* yaml_lines.c - the shape of a bindings file, event by event. */
#include "traces/correlate/yaml_lines.h"

#include <stdlib.h>

#include <yaml.h>

#include "core/grow.h"

/* The file's mapping, its list, a rule, an end of it: 4 deep. What is deeper is an unknown key's,
 * and libcyaml names that key. */
enum { MAX_DEPTH = 8, MAX_KEY_BYTES = 16 };

/* What is open at a depth. */
struct level {
    bool is_mapping;
    bool has_key; /* a key was read, its value comes */
    char key[MAX_KEY_BYTES];
};

struct walk {
    struct level levels[MAX_DEPTH + 1]; /* [0] is the document */
    size_t depth;
    uint32_t documents;
    size_t max_rules, capacity;
    struct yaml_lines *lines;
};

static const struct word {
    const char *outer, *inner;
    enum yaml_word word;
} words[] = {
    {"born", "endpoint", YAML_BORN_ENDPOINT},
    {"born", "place", YAML_BORN_PLACE},
    {"used", "endpoint", YAML_USED_ENDPOINT},
    {"used", "place", YAML_USED_PLACE},
    {"form", NULL, YAML_FORM},
    {"state", NULL, YAML_STATE},
};

static bool is_key(const struct level *level, const char *key)
{
    return level->is_mapping && level->has_key && strcmp(level->key, key) == 0;
}

/* The list below the key `bindings` of the file's mapping is depth 2; its rules are depth 3. */
static bool is_in_rules(const struct walk *walk)
{
    return walk->depth >= 2 && is_key(&walk->levels[1], "bindings") && !walk->levels[2].is_mapping;
}

static int add_rule(struct walk *walk, uint32_t line, struct error *err)
{
    struct yaml_lines *lines = walk->lines;
    if (lines->rule_count == walk->max_rules)
        return error_set(err, EXIT_INPUT, "more than %zu bindings: make several files of it",
                         walk->max_rules);
    void *grown = grow_by_one(lines->rules, lines->rule_count, &walk->capacity,
                              sizeof *lines->rules, walk->max_rules);
    if (!grown)
        return error_set(err, EXIT_TOOL, "out of memory");
    lines->rules = grown;
    memset(lines->rules[lines->rule_count], 0, sizeof *lines->rules);
    lines->rules[lines->rule_count++][YAML_RULE] = line;
    return 0;
}

static void note_word(struct walk *walk, uint32_t line)
{
    const struct level *rule = &walk->levels[3];
    struct yaml_lines *lines = walk->lines;
    if (!is_in_rules(walk) || walk->depth < 3 || walk->depth > 4 || !lines->rule_count)
        return;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        bool is_it = walk->depth == 3 ? !words[i].inner && is_key(rule, words[i].outer)
                                      : words[i].inner && is_key(rule, words[i].outer) &&
                                            is_key(&walk->levels[4], words[i].inner);
        if (is_it)
            lines->rules[lines->rule_count - 1][words[i].word] = line;
    }
}

/* The keys of the mapping at this depth; NULL: libcyaml says that there should be none. */
static const char *const *keys_of(const struct walk *walk, const char **ret_list)
{
    static const char *const of_file[] = {"version", "bindings", NULL};
    static const char *const of_rule[] = {"born", "used", "form", "state", NULL};
    static const char *const of_end[] = {"endpoint", "place", NULL};
    if (walk->depth == 1) {
        *ret_list = "the file has version and bindings";
        return of_file;
    }
    if (!is_in_rules(walk) || walk->depth < 3)
        return NULL;
    if (walk->depth == 3) {
        *ret_list = "a binding has born, used, form and state";
        return of_rule;
    }
    *ret_list = "born and used have endpoint and place";
    return walk->depth == 4 ? of_end : NULL;
}

static int check_key(const struct walk *walk, struct bytes key, struct error *err)
{
    const char *list = NULL;
    const char *const *known = keys_of(walk, &list);
    char shown[41];
    size_t len = key.len < sizeof shown ? key.len : sizeof shown - 1;
    if (!known)
        return 0;
    for (; *known; known++) {
        if (bytes_equal(key, bytes_of(*known)))
            return 0;
    }
    for (size_t i = 0; i < len; i++)
        shown[i] = key.ptr[i] >= ' ' && key.ptr[i] < 0x7f ? key.ptr[i] : '?';
    shown[len] = '\0';
    return error_set(err, EXIT_INPUT, "no such key: '%s'; %s", shown, list);
}

/* A value has come: in a mapping the next scalar is a key again. */
static void end_value(struct walk *walk)
{
    walk->levels[walk->depth].has_key = false;
}

static int take_scalar(struct walk *walk, const yaml_event_t *event, uint32_t line,
                       struct error *err)
{
    struct level *level = &walk->levels[walk->depth];
    struct bytes text = bytes_make(event->data.scalar.value, event->data.scalar.length);
    if (walk->depth == 2 && is_in_rules(walk))
        return error_set(err, EXIT_INPUT, "a binding is a mapping with born and used");
    if (!level->is_mapping || level->has_key) {
        note_word(walk, line);
        end_value(walk);
        return 0;
    }
    if (check_key(walk, text, err))
        return -1;
    level->has_key = true;
    level->key[0] = '\0';
    if (text.len < MAX_KEY_BYTES) {
        memcpy(level->key, text.ptr, text.len);
        level->key[text.len] = '\0';
    }
    return 0;
}

static int open_level(struct walk *walk, bool is_mapping, uint32_t line, struct error *err)
{
    const struct level *level = &walk->levels[walk->depth];
    if (level->is_mapping && !level->has_key)
        return error_set(err, EXIT_INPUT, "a key is a word, not a list or a mapping");
    if (walk->depth == MAX_DEPTH)
        return error_set(err, EXIT_INPUT, "nested more than %d deep: no bindings file is",
                         MAX_DEPTH);
    if (walk->depth == 2 && is_in_rules(walk) && add_rule(walk, line, err))
        return -1;
    walk->levels[++walk->depth] = (struct level){.is_mapping = is_mapping};
    return 0;
}

static int take(struct walk *walk, const yaml_event_t *event, struct error *err)
{
    uint32_t line = (uint32_t)event->start_mark.line + 1;
    walk->lines->error_line = line;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return error_set(err, EXIT_INPUT, "an alias (*name): write out what it stands for");
    case YAML_SCALAR_EVENT:
        return take_scalar(walk, event, line, err);
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        return open_level(walk, event->type == YAML_MAPPING_START_EVENT, line, err);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        walk->depth--;
        end_value(walk);
        return 0;
    case YAML_DOCUMENT_START_EVENT:
        if (++walk->documents > 1)
            return error_set(err, EXIT_INPUT, "a second document (---): a file has one");
        return 0;
    default:
        return 0;
    }
}

static int fail_to_parse(const yaml_parser_t *parser, struct yaml_lines *lines, struct error *err)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return error_set(err, EXIT_TOOL, "out of memory");
    lines->error_line = (uint32_t)parser->problem_mark.line + 1;
    return error_set(err, EXIT_INPUT, "not YAML: %s",
                     parser->problem ? parser->problem : "unreadable");
}

int yaml_lines_find(struct bytes text, size_t max_rules, struct yaml_lines *ret_lines,
                    struct error *err)
{
    struct walk walk = {.max_rules = max_rules, .lines = ret_lines};
    yaml_parser_t parser;
    yaml_event_t event;
    bool is_over = false;
    int result = 0;
    *ret_lines = (struct yaml_lines){.error_line = 1};
    if (!yaml_parser_initialize(&parser))
        return error_set(err, EXIT_TOOL, "out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.ptr, text.len);
    while (!is_over && result == 0) {
        if (!yaml_parser_parse(&parser, &event)) {
            result = fail_to_parse(&parser, ret_lines, err);
            break;
        }
        is_over = event.type == YAML_STREAM_END_EVENT;
        result = take(&walk, &event, err);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return result;
}

void yaml_lines_free(struct yaml_lines *lines)
{
    free(lines->rules);
    *lines = (struct yaml_lines){0};
}
