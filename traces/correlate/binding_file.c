/* binding_file.c - bindings files, read and written by libcyaml. */
#include "traces/correlate/binding_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cyaml/cyaml.h>

#include "traces/correlate/yaml_lines.h"
#include "traces/places/place.h"
#include "traces/printable.h"

enum { MAX_WORDS_BYTES = 64 * 1024 * 1024, MAX_ENDPOINT_BYTES = 1024 };

static const char head[] = "# Where values of answers go in later requests, for reprise.\n"
                           "# 'reprise bind TRACE import FILE' puts them into every session of a "
                           "trace that has both ends.\n";

/* --- rules -------------------------------------------------------------------------------- */

void binding_rules_init(struct binding_rules *rules)
{
    *rules = (struct binding_rules){0};
    arena_init(&rules->arena, MAX_WORDS_BYTES);
}

void binding_rules_fini(struct binding_rules *rules)
{
    arena_fini(&rules->arena);
    *rules = (struct binding_rules){0};
}

int binding_rules_add(struct binding_rules *rules, const struct binding_rule *rule,
                      struct error *err)
{
    if (rules->count == BINDING_FILE_MAX_RULES)
        return error_set(err, EXIT_INPUT, "more than %d bindings: make several files of it",
                         BINDING_FILE_MAX_RULES);
    if (!rules->items)
        rules->items = arena_alloc(&rules->arena, BINDING_FILE_MAX_RULES * sizeof *rules->items);
    if (!rules->items)
        return error_set(err, EXIT_TOOL, "out of memory");
    const struct binding_rule copy = {
        .born_endpoint = arena_copy(&rules->arena, rule->born_endpoint),
        .born_place = arena_copy(&rules->arena, rule->born_place),
        .used_endpoint = arena_copy(&rules->arena, rule->used_endpoint),
        .used_place = arena_copy(&rules->arena, rule->used_place),
        .form = arena_copy(&rules->arena, rule->form),
        .state = arena_copy(&rules->arena, rule->state),
        .line = rule->line,
    };
    if (!copy.born_endpoint.ptr || !copy.born_place.ptr || !copy.used_endpoint.ptr ||
        !copy.used_place.ptr || !copy.form.ptr || !copy.state.ptr)
        return error_set(err, EXIT_INPUT, "bindings of more than %d MB",
                         MAX_WORDS_BYTES / 1024 / 1024);
    rules->items[rules->count++] = copy;
    return 0;
}

bool binding_place_is_made(struct bytes born_place)
{
    return bytes_starts_with(born_place, bytes_of("new:")) ||
           bytes_starts_with(born_place, bytes_of("data:"));
}

/* --- the file's shape --------------------------------------------------------------------- */

struct file_end {
    char *endpoint;
    char *place;
};

struct file_rule {
    struct file_end born, used;
    char *form;
    char *state;
};

struct file {
    unsigned version;
    struct file_rule *bindings;
    unsigned bindings_count;
};

static const cyaml_schema_field_t end_fields[] = {
    CYAML_FIELD_STRING_PTR("endpoint", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct file_end,
                           endpoint, 1, MAX_ENDPOINT_BYTES),
    CYAML_FIELD_STRING_PTR("place", CYAML_FLAG_POINTER, struct file_end, place, 1, PLACE_MAX_BYTES),
    CYAML_FIELD_END};

static const cyaml_schema_field_t rule_fields[] = {
    CYAML_FIELD_MAPPING("born", CYAML_FLAG_DEFAULT, struct file_rule, born, end_fields),
    CYAML_FIELD_MAPPING("used", CYAML_FLAG_DEFAULT, struct file_rule, used, end_fields),
    CYAML_FIELD_STRING_PTR("form", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct file_rule, form,
                           1, 64),
    CYAML_FIELD_STRING_PTR("state", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct file_rule,
                           state, 1, 64),
    CYAML_FIELD_END};

static const cyaml_schema_value_t rule_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_rule, rule_fields)};

static const cyaml_schema_field_t file_fields[] = {
    CYAML_FIELD_UINT("version", CYAML_FLAG_DEFAULT, struct file, version),
    CYAML_FIELD_SEQUENCE("bindings", CYAML_FLAG_POINTER, struct file, bindings, &rule_schema, 0,
                         BINDING_FILE_MAX_RULES),
    CYAML_FIELD_END};

static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct file, file_fields)};

/* --- reading ------------------------------------------------------------------------------ */

/* What libcyaml says first of an error, and the innermost line that it names behind it. */
struct complaint {
    char text[200];
    uint32_t line;
};

/* libcyaml speaks of C types and events where people have words. */
static const struct {
    const char *said, *meant;
} wordings[] = {
    {"Invalid uint64_t value", "a number is wanted here, not"},
    {"Expecting SEQUENCE", "a list is wanted here (lines that begin with '- ')"},
    {"Expecting MAPPING", "a mapping is wanted here (key: value)"},
    {"Expecting STRING", "a word is wanted here"},
    {"Expecting UINT", "a number is wanted here"},
    {"Missing required mapping field", "lacks the key"},
    {"Mapping field already seen", "has the key twice:"},
};

static void keep_text(struct complaint *complaint, const char *said)
{
    const char *rest = strchr(said, ':');
    for (size_t i = 0; i < sizeof wordings / sizeof wordings[0]; i++) {
        if (strncmp(said, wordings[i].said, strlen(wordings[i].said)) != 0)
            continue;
        bool is_event = strncmp(said, "Expecting", 9) == 0;
        snprintf(complaint->text, sizeof complaint->text, "%s%s", wordings[i].meant,
                 rest && !is_event ? rest + 1 : "");
        return;
    }
    snprintf(complaint->text, sizeof complaint->text, "%c%s", ascii_lower(said[0]),
             said[0] ? said + 1 : "");
}

__attribute__((format(printf, 3, 0))) static void hear(cyaml_log_t level, void *context,
                                                       const char *format, va_list args)
{
    struct complaint *complaint = context;
    char text[sizeof complaint->text];
    if (level != CYAML_LOG_ERROR)
        return;
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    const char *said = strncmp(text, "Load: ", 6) == 0 ? text + 6 : text;
    const char *line = strstr(said, "(line: ");
    if (line && complaint->line == 0)
        complaint->line = (uint32_t)strtoul(line + 7, NULL, 10);
    else if (!line && !complaint->text[0])
        keep_text(complaint, said);
    for (char *c = complaint->text; *c; c++)
        *c = *c >= ' ' && *c != 0x7f ? *c : '?';
}

static cyaml_config_t config_with(struct complaint *complaint)
{
    return (cyaml_config_t){.log_fn = hear,
                            .log_ctx = complaint,
                            .log_level = CYAML_LOG_ERROR,
                            .mem_fn = cyaml_mem,
                            .flags = CYAML_CFG_NO_ALIAS | CYAML_CFG_STYLE_BLOCK};
}

static struct bytes word_of(const char *text, const char *otherwise)
{
    return bytes_of(text ? text : otherwise);
}

static const char *const forms[] = {"raw", "percent", "plus", "html", "base64", "base64url", "hex"};

static int check_form(struct bytes form, struct error *err)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (bytes_equal(form, bytes_of(forms[i])))
            return 0;
    }
    return error_set(err, EXIT_INPUT,
                     "form '%.60s' is none of raw, percent, plus, html, base64, base64url, hex",
                     form.ptr);
}

/* "GET /jobs/{id}". */
static int check_endpoint(struct bytes endpoint, const char *end, struct error *err)
{
    size_t space = bytes_index_of(endpoint, ' ');
    if (space > 0 && space + 1 < endpoint.len)
        return 0;
    return error_set(err, EXIT_INPUT,
                     "%s: endpoint '%.60s' is no method and path template like 'GET /jobs/{id}'; "
                     "'reprise inspect TRACE endpoints' lists them",
                     end, endpoint.ptr);
}

static int check_place(struct bytes text, enum place_side side, const char *end, struct error *err)
{
    struct place place;
    struct error why = {0};
    if (place_parse(text, side, &place, &why) == 0)
        return 0;
    return error_set(err, EXIT_INPUT, "%s: place '%.100s': %.200s", end, text.ptr, why.text);
}

/* Which word of it is wrong, and how. */
static int check_rule(const struct binding_rule *rule, enum yaml_word *ret_word, struct error *err)
{
    bool is_made = binding_place_is_made(rule->born_place);
    *ret_word = YAML_BORN_PLACE;
    if (check_place(rule->born_place, PLACE_IN_ANSWER, "born", err))
        return -1;
    *ret_word = YAML_BORN_ENDPOINT;
    if (is_made && rule->born_endpoint.len)
        return error_set(err, EXIT_INPUT,
                         "born: '%.60s' is no answer's: it has no endpoint; take that out",
                         rule->born_place.ptr);
    if (!is_made && check_endpoint(rule->born_endpoint, "born", err))
        return -1;
    *ret_word = YAML_USED_ENDPOINT;
    if (check_endpoint(rule->used_endpoint, "used", err))
        return -1;
    *ret_word = YAML_USED_PLACE;
    if (check_place(rule->used_place, PLACE_IN_REQUEST, "used", err))
        return -1;
    *ret_word = YAML_FORM;
    if (check_form(rule->form, err))
        return -1;
    *ret_word = YAML_STATE;
    if (bytes_equal(rule->state, bytes_of("on")) || bytes_equal(rule->state, bytes_of("off")))
        return 0;
    return error_set(err, EXIT_INPUT, "state '%.60s' is neither on nor off", rule->state.ptr);
}

static int take_rules(const struct file *file, const struct yaml_lines *lines, const char *name,
                      struct binding_rules *rules, struct error *err)
{
    if (file->version != BINDING_FILE_VERSION)
        return error_set(err, EXIT_INPUT,
                         "%s: a bindings file of version %u, this reprise reads %d: use the "
                         "reprise that wrote it",
                         name, file->version, BINDING_FILE_VERSION);
    for (unsigned i = 0; i < file->bindings_count; i++) {
        const struct file_rule *from = &file->bindings[i];
        const struct binding_rule rule = {
            .born_endpoint = word_of(from->born.endpoint, ""),
            .born_place = bytes_of(from->born.place),
            .used_endpoint = word_of(from->used.endpoint, ""),
            .used_place = bytes_of(from->used.place),
            .form = word_of(from->form, "raw"),
            .state = word_of(from->state, "on"),
            .line = i < lines->rule_count ? lines->rules[i][YAML_RULE] : 0,
        };
        enum yaml_word word = YAML_RULE;
        if (check_rule(&rule, &word, err)) {
            uint32_t line = i < lines->rule_count ? lines->rules[i][word] : 0;
            return error_prefix(err, "%s:%u", name, line ? line : rule.line);
        }
        if (binding_rules_add(rules, &rule, err))
            return error_prefix(err, "%s", name);
    }
    return 0;
}

int binding_file_parse(struct bytes text, const char *name, struct binding_rules *rules,
                       struct error *err)
{
    struct complaint complaint = {0};
    const cyaml_config_t config = config_with(&complaint);
    struct yaml_lines lines;
    struct file *file = NULL;
    int result = yaml_lines_find(text, BINDING_FILE_MAX_RULES, &lines, err);
    if (result) {
        error_prefix(err, "%s:%u", name, lines.error_line);
        goto out;
    }
    cyaml_err_t code = cyaml_load_data((const uint8_t *)text.ptr, text.len, &config, &file_schema,
                                       (cyaml_data_t **)&file, NULL);
    if (code == CYAML_ERR_OOM)
        result = error_set(err, EXIT_TOOL, "%s: out of memory", name);
    else if (code != CYAML_OK)
        result = error_set(err, EXIT_INPUT, "%s:%u: %s; 'reprise bind --help' shows such a file",
                           name, complaint.line ? complaint.line : 1,
                           complaint.text[0] ? complaint.text : cyaml_strerror(code));
    else if (!file)
        result = error_set(err, EXIT_INPUT,
                           "%s: empty; 'reprise bind --help' shows a bindings file", name);
    else
        result = take_rules(file, &lines, name, rules, err);
out:
    if (file)
        cyaml_free(&config, &file_schema, file, 0);
    yaml_lines_free(&lines);
    return result;
}

static int read_all(int fd, struct buf *out, struct error *err)
{
    enum { AT_ONCE = 64 * 1024 };
    for (;;) {
        char *room = buf_reserve(out, AT_ONCE);
        if (!room)
            return error_set(err, EXIT_INPUT,
                             "larger than %u MB: no bindings file is; 'reprise bind TRACE export' "
                             "writes one",
                             BINDING_FILE_MAX_BYTES / 1024 / 1024);
        ssize_t len = read(fd, room, AT_ONCE);
        if (len < 0)
            return error_set(err, EXIT_INPUT, "cannot be read: %s", strerror(errno));
        if (len == 0)
            return 0;
        buf_commit(out, (size_t)len);
    }
}

int binding_file_read(const char *path, struct binding_rules *rules, struct error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "standard input" : path;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, EXIT_INPUT, "%s: %s: check the path", path, strerror(errno));
    struct buf text = BUF_INIT(BINDING_FILE_MAX_BYTES + 64 * 1024);
    int result = read_all(fd, &text, err) ? error_prefix(err, "%s", name)
                                          : binding_file_parse(buf_bytes(&text), name, rules, err);
    if (!is_stdin)
        close(fd);
    buf_fini(&text);
    return result;
}

/* --- writing ------------------------------------------------------------------------------ */

static bool can_be_written(const struct binding_rule *rule)
{
    const struct bytes all[] = {rule->born_endpoint, rule->born_place, rule->used_endpoint,
                                rule->used_place,    rule->form,       rule->state};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (!is_utf8(all[i]) || memchr(all[i].ptr, '\0', all[i].len))
            return false;
    }
    return true;
}

/* arena_copy() has put a '\0' behind each. */
static char *text_of(struct bytes word)
{
    return word.len ? (char *)word.ptr : NULL;
}

int binding_file_format(const struct binding_rules *rules, struct buf *out, size_t *ret_left_out,
                        struct error *err)
{
    struct complaint complaint = {0};
    const cyaml_config_t config = config_with(&complaint);
    struct file file = {.version = BINDING_FILE_VERSION};
    char *text = NULL;
    size_t len = 0;
    file.bindings = calloc(rules->count + 1, sizeof *file.bindings);
    if (!file.bindings)
        return error_set(err, EXIT_TOOL, "out of memory");
    for (size_t i = 0; i < rules->count; i++) {
        const struct binding_rule *rule = &rules->items[i];
        if (can_be_written(rule))
            file.bindings[file.bindings_count++] = (struct file_rule){
                .born = {text_of(rule->born_endpoint), text_of(rule->born_place)},
                .used = {text_of(rule->used_endpoint), text_of(rule->used_place)},
                .form = text_of(rule->form),
                .state = text_of(rule->state),
            };
    }
    *ret_left_out = rules->count - file.bindings_count;
    cyaml_err_t code = cyaml_save_data(&text, &len, &config, &file_schema, &file, 0);
    free(file.bindings);
    if (code != CYAML_OK)
        return error_set(err, EXIT_TOOL, "cannot be written as YAML: %s",
                         complaint.text[0] ? complaint.text : cyaml_strerror(code));
    buf_append_text(out, head);
    buf_append(out, text, len);
    cyaml_mem(NULL, text, 0);
    return buf_failed(out) ? error_set(err, EXIT_INPUT, "more than %zu MB of bindings",
                                       out->max_len / 1024 / 1024)
                           : 0;
}
