/* verify_report_json.c - the divergences for programs: every one of them. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "replay/verify/verify_report.h"

/* What is no UTF-8 is no JSON either: such a byte becomes '?'. */
static json_t *text_of(const char *text)
{
    json_t *value = json_string(text);
    if (value)
        return value;
    char *copy = strdup(text);
    for (char *c = copy; c && *c; c++) {
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    }
    value = json_string(copy ? copy : "");
    free(copy);
    return value;
}

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *suggestion_of(const struct verify_run *run, const struct suggestion *suggestion)
{
    json_t *object = json_object();
    char *command = NULL;
    size_t size;
    json_object_set_new(object, "born_exchange_id", json_integer(suggestion->born_exchange_id));
    json_object_set_new(object, "born_place", text_of(suggestion->born_place));
    json_object_set_new(object, "used_exchange_id", json_integer(suggestion->used_exchange_id));
    json_object_set_new(object, "used_place", text_of(suggestion->used_place));
    FILE *line = open_memstream(&command, &size);
    if (line) {
        verify_report_command(run->options.replay.trace_path, suggestion, line);
        if (fclose(line) == 0)
            json_object_set_new(object, "command", text_of(command));
    }
    free(command);
    return object;
}

static json_t *finding_of(const struct verify_run *run, const struct finding *finding)
{
    json_t *object = json_object(), *suggestions = json_array();
    json_object_set_new(object, "session_id", json_integer(finding->session_id));
    json_object_set_new(object, "exchange_id", json_integer(finding->exchange_id));
    json_object_set_new(object, "endpoint", text_of(finding->endpoint));
    json_object_set_new(object, "kind", text_of(difference_name(finding->kind)));
    json_object_set_new(object, "place", text_of(finding->place));
    json_object_set_new(object, "recorded", text_of(finding->recorded));
    json_object_set_new(object, "live", text_of(finding->live));
    json_object_set_new(object, "recorded_status", json_integer(finding->recorded_status));
    json_object_set_new(object, "status", json_integer(finding->status));
    json_object_set_new(object, "cause", finding->cause ? text_of(finding->cause) : json_null());
    for (size_t i = 0; i < finding->suggestion_count; i++)
        json_array_append_new(suggestions, suggestion_of(run, &finding->suggestions[i]));
    json_object_set_new(object, "suggestions", suggestions);
    return object;
}

static json_t *fixes_of(const struct verify_run *run)
{
    json_t *list = json_array();
    for (size_t i = 0; i < run->fix.count; i++) {
        const struct fix_binding *binding = &run->fix.bindings[i];
        json_t *object = suggestion_of(run, &binding->suggestion);
        json_object_set_new(object, "is_kept", json_boolean(binding->outcome == FIX_KEPT));
        json_object_set_new(object, "is_tried", json_boolean(binding->outcome != FIX_NOT_TRIED));
        json_object_set_new(object, "round", integer(binding->round));
        json_object_set_new(object, "requests", integer(binding->row_count));
        json_array_append_new(list, object);
    }
    return list;
}

int verify_report_json(const struct verify_run *run, FILE *out, struct error *err)
{
    const struct findings *findings = &run->findings;
    json_t *report = json_object(), *sessions = json_object(), *exchanges = json_object();
    json_t *list = json_array();
    json_object_set_new(report, "trace", text_of(run->options.replay.trace_path));
    json_object_set_new(report, "target", text_of(run->options.replay.target));
    json_object_set_new(report, "was_stopped", json_boolean(run->was_stopped));
    json_object_set_new(report, "passes", integer(run->passes));
    json_object_set_new(report, "seed", integer(run->options.replay.settings.seed));
    json_object_set_new(sessions, "recorded", integer(run->recorded_sessions));
    json_object_set_new(sessions, "shapes", integer(run->survey.shape_count));
    json_object_set_new(sessions, "played", integer(run->survey.session_count));
    json_object_set_new(report, "sessions", sessions);
    json_object_set_new(exchanges, "chosen", integer(run->survey.exchange_count));
    json_object_set_new(exchanges, "compared", integer(findings->compared_count));
    json_object_set_new(exchanges, "diverged", integer(findings->diverged));
    json_object_set_new(exchanges, "percent", json_real(findings_percent(findings)));
    json_object_set_new(exchanges, "most_percent", json_real(run->options.most_percent));
    json_object_set_new(exchanges, "noise", integer(findings->noise));
    json_object_set_new(exchanges, "unknown_bodies", integer(findings->unknown_bodies));
    json_object_set_new(report, "exchanges", exchanges);
    for (size_t i = 0; i < findings->count; i++)
        json_array_append_new(list, finding_of(run, &findings->items[i]));
    json_object_set_new(report, "divergences", list);
    if (run->options.fixes)
        json_object_set_new(report, "fixes", fixes_of(run));
    errno = 0;
    int result = json_dumpf(report, out, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
    json_decref(report);
    if (result || fputc('\n', out) == EOF || fflush(out))
        return error_set(err, EXIT_TOOL, "%s", errno ? strerror(errno) : "cannot write JSON");
    return 0;
}
