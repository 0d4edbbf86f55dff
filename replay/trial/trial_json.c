/* trial_json.c - what the plugins did, for programs. */
#include <jansson.h>

#include "replay/trial/trial.h"

static json_t *text(struct bytes bytes)
{
    json_t *value = json_stringn(bytes.ptr, bytes.len);
    return value ? value : json_null(); /* what is not UTF-8 cannot be told in JSON */
}

static json_t *lines_json(const char *lines)
{
    json_t *array = json_array();
    struct bytes rest = bytes_of(lines), line;
    while (rest.len && bytes_split(&rest, '\n', &line)) {
        if (line.len)
            json_array_append_new(array, text(line));
    }
    return array;
}

static json_t *events_json(const struct trial *trial)
{
    json_t *array = json_array();
    for (size_t i = 0; i < trial->event_count; i++) {
        const struct trial_event *event = &trial->events[i];
        json_t *row = json_object();
        json_object_set_new(row, "at_us", json_integer((json_int_t)event->at_us));
        json_object_set_new(row, "plugin", text(bytes_of(event->plugin)));
        json_object_set_new(row, "callback", text(bytes_of(event->callback)));
        json_object_set_new(row, "subject", text(bytes_of(event->subject)));
        json_object_set_new(row, "verdict", text(bytes_of(event->verdict)));
        json_object_set_new(row, "did", lines_json(event->lines));
        json_array_append_new(array, row);
    }
    return array;
}

static json_t *calls_json(const struct trial *trial)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < trial->chain.count; i++) {
        for (int j = 0; j < CHAIN_CALLBACK_COUNT; j++) {
            const struct chain_calls *calls = &trial->calls.calls[i][j];
            if (!calls->count)
                continue;
            json_t *row = json_object();
            json_object_set_new(row, "plugin", text(bytes_of(chain_plugin_name(&trial->chain, i))));
            json_object_set_new(row, "callback",
                                text(bytes_of(chain_callback_name((enum chain_callback)j))));
            json_object_set_new(row, "calls", json_integer((json_int_t)calls->count));
            json_object_set_new(row, "total_ns", json_integer((json_int_t)calls->total_ns));
            json_object_set_new(row, "max_ns", json_integer((json_int_t)calls->max_ns));
            json_array_append_new(array, row);
        }
    }
    return array;
}

static json_t *metrics_json(const struct trial *trial)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < trial->chain.metric_count; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "count", json_integer((json_int_t)trial->metrics[i].count));
        json_object_set_new(row, "sum", json_integer((json_int_t)trial->metrics[i].sum));
        json_object_set_new(row, "last", json_integer((json_int_t)trial->metrics[i].last));
        json_object_set_new(object, trial->chain.metrics[i].name, row);
    }
    return object;
}

void trial_print_json(const struct trial *trial, FILE *out)
{
    json_t *json = json_object();
    const char *result = trial->is_stuck ? "stuck" : session_result_name(trial->result);
    json_object_set_new(json, "session", json_integer((json_int_t)trial->session_id));
    json_object_set_new(json, "steps", json_integer((json_int_t)trial->step_count));
    json_object_set_new(json, "result", text(bytes_of(result)));
    json_object_set_new(json, "detail", text(bytes_of(trial->detail)));
    json_object_set_new(json, "sent", json_integer((json_int_t)trial->requests_sent));
    json_object_set_new(json, "added", json_integer((json_int_t)trial->added_sent));
    json_object_set_new(json, "messages", json_integer((json_int_t)trial->messages_sent));
    json_object_set_new(json, "unlike_the_trace",
                        json_integer((json_int_t)trial->answered_by_nothing));
    json_object_set_new(json, "duration_us", json_integer((json_int_t)trial->duration_us));
    json_object_set_new(json, "events", events_json(trial));
    json_object_set_new(json, "calls", calls_json(trial));
    json_object_set_new(json, "metrics", metrics_json(trial));
    json_dumpf(json, out, JSON_INDENT(2));
    fputc('\n', out);
    json_decref(json);
}
