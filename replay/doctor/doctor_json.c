/* doctor_json.c - the findings for a program. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "replay/doctor/doctor.h"

static void set_text(json_t *object, const char *key, const char *text)
{
    if (*text)
        json_object_set_new(object, key, json_string(text));
}

int doctor_print_json(const struct doctor_report *report, const struct doctor_target *target,
                      FILE *out, struct error *err)
{
    json_t *document = json_object(), *list = json_array();
    json_object_set_new(document, "users", json_integer((json_int_t)report->users));
    set_text(document, "target", target->url ? target->url : "");
    json_object_set_new(document, "worst", json_string(doctor_level_name(doctor_worst(report))));
    for (uint32_t i = 0; i < report->count; i++) {
        const struct doctor_finding *finding = &report->findings[i];
        json_t *item = json_object();
        set_text(item, "name", finding->name);
        set_text(item, "level", doctor_level_name(finding->level));
        set_text(item, "found", finding->found);
        set_text(item, "meaning", finding->meaning);
        set_text(item, "command", finding->command);
        json_array_append_new(list, item);
    }
    json_object_set_new(document, "findings", list);
    errno = 0;
    int result = json_dumpf(document, out, JSON_INDENT(2));
    json_decref(document);
    if (result || fputc('\n', out) == EOF || fflush(out))
        return error_set(err, EXIT_TOOL, "stdout: %s",
                         errno ? strerror(errno) : "cannot write JSON");
    return 0;
}
