/* ai_queue_text_test.c - the plugin's readers of small texts: words of a state, URLs, delays,
 * dates, options, events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "plugins/ai_queue/backoff.h"
#include "plugins/ai_queue/events.h"
#include "plugins/ai_queue/settings.h"
#include "plugins/ai_queue/urls.h"
#include "plugins/ai_queue/words.h"

static void the_words_of_the_field_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        enum job_state state;
    } rows[] = {
        {"queued", STATE_WAITING},
        {"PENDING", STATE_WAITING},
        {"IN_QUEUE", STATE_WAITING},
        {"notStarted", STATE_WAITING},
        {"accepted", STATE_WAITING},
        {"running", STATE_RUNNING},
        {"In Progress", STATE_RUNNING},
        {"in-progress", STATE_RUNNING},
        {"inProgress", STATE_RUNNING},
        {"processing", STATE_RUNNING},
        {"done", STATE_DONE},
        {"Succeeded", STATE_DONE},
        {"JOB_STATE_SUCCEEDED", STATE_DONE},
        {"RUN_STATUS_IN_PROGRESS", STATE_RUNNING},
        {"completed", STATE_DONE},
        {"ready", STATE_DONE},
        {"failed", STATE_FAILED},
        {"TIMED_OUT", STATE_FAILED},
        {"canceled", STATE_FAILED},
        {"cancelled", STATE_FAILED},
        {"expired", STATE_FAILED},
        {"active", STATE_UNKNOWN},
        {"ok", STATE_UNKNOWN},
        {"", STATE_UNKNOWN},
        {"done!", STATE_UNKNOWN},
        {"the job is done", STATE_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (words_state(NULL, span_of(rows[i].word)) != rows[i].state)
            fail_msg("%s is not %s", rows[i].word, state_name(rows[i].state));
}

static void own_words_win(void **state)
{
    (void)state;
    const struct words words = {.done = "OK|fertig", .failed = "done", .running = "brewing"};
    assert_int_equal(words_state(&words, span_of("ok")), STATE_DONE);
    assert_int_equal(words_state(&words, span_of("Fertig")), STATE_DONE);
    assert_int_equal(words_state(&words, span_of("done")), STATE_FAILED);
    assert_int_equal(words_state(&words, span_of("BREWING")), STATE_RUNNING);
    assert_int_equal(words_state(&words, span_of("queued")), STATE_WAITING);
}

static void names_of_events_end_with_the_word(void **state)
{
    (void)state;
    assert_int_equal(words_event(NULL, span_of("job.completed")), STATE_DONE);
    assert_int_equal(words_event(NULL, span_of("job:failed:v2")), STATE_FAILED);
    assert_int_equal(words_event(NULL, span_of("transcription/in_progress")), STATE_RUNNING);
    assert_int_equal(words_event(NULL, span_of("partial")), STATE_UNKNOWN);
    assert_int_equal(words_event(NULL, span_of("...")), STATE_UNKNOWN);
}

static void fields_are_known_by_name(void **state)
{
    (void)state;
    assert_true(words_field(span_of("status")));
    assert_true(words_field(span_of("jobStatus")));
    assert_true(words_field(span_of("task_state")));
    assert_false(words_field(span_of("name")));
    assert_true(words_flag(span_of("isReady")));
    assert_true(words_flag(span_of("done")));
    assert_false(words_flag(span_of("enabled")));
    assert_true(words_id(span_of("job_id")));
    assert_true(words_id(span_of("taskId")));
    assert_false(words_id(span_of("size")));
    assert_true(words_depth(span_of("queue_position")));
}

static void a_url_is_its_segments_and_query_values(void **state)
{
    (void)state;
    struct url_walk walk;
    struct url_part part;
    char text[200] = "";
    url_walk(&walk, span_of("https://h.test:8/a//b/c?x=1&y&z=#f"));
    while (url_next(&walk, &part)) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%.*s%s%.*s;", (int)part.name.len,
                 part.is_query ? part.name.ptr : "", part.is_query ? "=" : "", (int)part.value.len,
                 part.value.ptr ? part.value.ptr : "");
    }
    assert_string_equal(text, "a;b;c;x=1;y=;z=;");
}

static void the_likely_id_of_a_url(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"/jobs/job_7x", "job_7x"},
        {"https://h/v1/operations/42/", "42"},
        {"/v1/jobs/ab12/status", "ab12"},
        {"/status?id=77", "77"},
        {"/jobs/9?api-version=2024-01-01", "9"},
        {"/jobs/abc", "abc"},
        {"/v2", "v2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct url_part part;
        assert_true(url_pick_id(span_of(rows[i][0]), &part));
        if (!span_is(part.value, rows[i][1]))
            fail_msg("%s: %.*s", rows[i][0], (int)part.value.len, part.value.ptr);
    }
    struct url_part part;
    assert_false(url_pick_id(span_of("https://host"), &part));
}

static void an_id_is_replaced_where_it_is_a_whole_part(void **state)
{
    (void)state;
    char text[64];
    struct span url = span_of("https://h/j1/x/j1?a=j1&b=j12");
    assert_int_equal(url_replace(url, span_of("j1"), span_of("longer"), text, sizeof text), 40);
    assert_string_equal(text, "https://h/longer/x/longer?a=longer&b=j12");
    assert_int_equal(url_replace(url, span_of("zz"), span_of("y"), text, sizeof text), 0);
    assert_int_equal(url_replace(url, span_of("j1"), span_of("longer"), text, 40), 0);
}

static void templates_fit_paths(void **state)
{
    (void)state;
    struct span id = {0};
    assert_true(url_matches("/jobs/{id}", span_of("https://h/jobs/7?x=1"), &id));
    assert_true(span_is(id, "7"));
    assert_true(url_matches("/{tenant}/jobs/{id}/state", span_of("/t1/jobs/8/state"), &id));
    assert_true(span_is(id, "8"));
    assert_true(url_matches("/poll?job={id}", span_of("/poll?a=1&job=9"), &id));
    assert_true(span_is(id, "9"));
    assert_false(url_matches("/jobs/{id}", span_of("/jobs/7/result"), &id));
    assert_false(url_matches("/jobs/{id}", span_of("/jobs"), &id));
    assert_false(url_matches("/poll?job={id}", span_of("/poll?a=1"), &id));
}

static void delays_grow_to_their_longest(void **state)
{
    (void)state;
    struct backoff backoff;
    char problem[BACKOFF_MAX_PROBLEM_BYTES];
    assert_int_equal(backoff_parse("200ms..5s*1.5", &backoff, problem), 0);
    assert_int_equal(backoff.first_us, 200000);
    assert_int_equal(backoff.longest_us, 5000000);
    assert_int_equal(backoff_delay_us(&backoff, 0, 0), 200000);
    assert_int_equal(backoff_delay_us(&backoff, 1, 0), 300000);
    assert_int_equal(backoff_delay_us(&backoff, 2, 0), 450000);
    assert_int_equal(backoff_delay_us(&backoff, UINT32_MAX, 0), 5000000);
    assert_in_range(backoff_delay_us(&backoff, 0, UINT64_MAX), 150000, 150100);
    assert_int_equal(backoff_parse("1.5s", &backoff, problem), 0);
    assert_int_equal(backoff_delay_us(&backoff, 9, 0), 1500000);
    assert_int_equal(backoff_parse("", &backoff, problem), 0);
    assert_int_equal(backoff.first_us, 0);
}

static void delays_that_make_no_sense_are_named(void **state)
{
    (void)state;
    static const char *const rows[] = {"0s",       "fast",   "200",     "5s..200ms", "1s..",
                                       "1s..2s*0", "1s*101", "1s..2s,", "-1s",       "48h"};
    struct backoff backoff;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char problem[BACKOFF_MAX_PROBLEM_BYTES] = "";
        if (backoff_parse(rows[i], &backoff, problem) != -1 || !strstr(problem, rows[i]))
            fail_msg("%s: '%s'", rows[i], problem);
    }
}

static void retry_after_is_seconds_or_a_date(void **state)
{
    (void)state;
    static const struct {
        const char *value, *date;
        bool is_read;
        uint64_t us;
    } rows[] = {
        {"7", NULL, true, 7000000},
        {"0", NULL, true, 0},
        {"99999999999999999999", NULL, true, BACKOFF_MAX_US},
        {"Sun, 06 Nov 1994 08:49:47 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", true, 10000000},
        {"Sunday, 06-Nov-94 08:49:47 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", true, 10000000},
        {"Sun Nov  6 08:49:47 1994", "Sun, 06 Nov 1994 08:49:37 GMT", true, 10000000},
        {"Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:47 GMT", true, 0},
        {"Thu, 01 Jan 1970 00:00:20 GMT", NULL, true, 15000000},
        {"soon", NULL, false, 0},
        {"-1", NULL, false, 0},
        {"1.5", NULL, false, 0},
        {"", NULL, false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t us = 0;
        bool is_read =
            backoff_retry_after(span_of(rows[i].value), span_of(rows[i].date), 5000000, &us);
        if (is_read != rows[i].is_read || (is_read && us != rows[i].us))
            fail_msg("%s: %d %ju", rows[i].value, is_read, (uintmax_t)us);
    }
}

static void options_are_read_or_named(void **state)
{
    (void)state;
    char problem[SETTINGS_MAX_PROBLEM_BYTES], *method = NULL, *path = NULL;
    assert_int_equal(settings_submit("PUT:/v1/jobs/*", &method, &path, problem), 0);
    assert_string_equal(method, "PUT");
    assert_string_equal(path, "/v1/jobs/*");
    free(method);
    free(path);
    assert_int_equal(settings_submit("/jobs", &method, &path, problem), 0);
    assert_string_equal(method, "POST");
    free(method);
    free(path);
    assert_int_equal(settings_submit("POST/jobs", &method, &path, problem), -1);
    assert_int_equal(settings_submit("jobs", &method, &path, problem), -1);
    assert_int_equal(settings_pointer("id", "$.data.job[0].id", &path, problem), 0);
    assert_string_equal(path, "/data/job/0/id");
    free(path);
    assert_int_equal(settings_pointer("id", "data", &path, problem), -1);
    assert_string_equal(problem, "id: 'data': no place in JSON; write /data/id or $.data.id");
    assert_int_equal(settings_choice("on_full", "fail", "wait|fail", problem), 1);
    assert_int_equal(settings_choice("on_full", "wai", "wait|fail", problem), -1);
    assert_string_equal(problem, "on_full: 'wai': it is one of wait|fail");
}

struct list {
    char text[400];
    int stop_at;
};

static int list_event(void *owner, const struct event *event)
{
    struct list *list = owner;
    size_t used = strlen(list->text);
    snprintf(list->text + used, sizeof list->text - used, "[%.*s|%.*s%s]", (int)event->name.len,
             event->name.ptr, (int)(event->data.len > 40 ? 40 : event->data.len),
             event->data.len ? event->data.ptr : "", event->is_cut ? "|cut" : "");
    return list->stop_at && --list->stop_at == 0 ? 7 : 0;
}

static const char stream[] =
    "\xef\xbb\xbf: hello\nretry: 5\nevent: job.done\r\ndata: a\r\ndata:b\r\n\r\n"
    "id: 4\ndata\n\ndata:  c\r\revent:x\n\n\n\ndata: unfinished";
static const char wanted[] = "[job.done|a\nb][|][| c][x|]";

static void events_are_the_same_however_they_are_cut(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < sizeof stream; cut++) {
        struct list list = {.text = ""};
        struct events events;
        events_init(&events);
        assert_int_equal(events_feed(&events, (struct span){stream, cut}, list_event, &list), 0);
        assert_int_equal(events_feed(&events, (struct span){stream + cut, sizeof stream - 1 - cut},
                                     list_event, &list),
                         0);
        assert_string_equal(list.text, wanted);
        events_fini(&events);
    }
}

static void an_event_can_be_the_last(void **state)
{
    (void)state;
    struct list list = {.stop_at = 2};
    struct events events;
    events_init(&events);
    assert_int_equal(events_feed(&events, span_of(stream), list_event, &list), 7);
    assert_string_equal(list.text, "[job.done|a\nb][|]");
    events_fini(&events);
}

static void an_event_without_end_is_bounded(void **state)
{
    (void)state;
    struct list list = {.text = ""};
    struct events events;
    char block[1024];
    memset(block, 'x', sizeof block);
    events_init(&events);
    events_feed(&events, span_of("data: "), list_event, &list);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(
            events_feed(&events, (struct span){block, sizeof block}, list_event, &list), 0);
    assert_true(events.line_size <= EVENTS_MAX_BYTES);
    events_feed(&events, span_of("\n\ndata: next\n\n"), list_event, &list);
    assert_string_equal(list.text, "[|xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|cut][|next]");
    events_fini(&events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_words_of_the_field_are_known),
        cmocka_unit_test(own_words_win),
        cmocka_unit_test(names_of_events_end_with_the_word),
        cmocka_unit_test(fields_are_known_by_name),
        cmocka_unit_test(a_url_is_its_segments_and_query_values),
        cmocka_unit_test(the_likely_id_of_a_url),
        cmocka_unit_test(an_id_is_replaced_where_it_is_a_whole_part),
        cmocka_unit_test(templates_fit_paths),
        cmocka_unit_test(delays_grow_to_their_longest),
        cmocka_unit_test(delays_that_make_no_sense_are_named),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        cmocka_unit_test(options_are_read_or_named),
        cmocka_unit_test(events_are_the_same_however_they_are_cut),
        cmocka_unit_test(an_event_can_be_the_last),
        cmocka_unit_test(an_event_without_end_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
