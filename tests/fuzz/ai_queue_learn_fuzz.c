/* ai_queue_learn_fuzz.c - any bytes as the answers of a session, a line each: whatever the learner
 * makes of them, its marks name jobs that are there, and a live answer of the same bytes is read.
 */
#include <assert.h>
#include <stdint.h>

#include "plugins/ai_queue/learn.h"
#include "plugins/ai_queue/readings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct watching {
    const struct job_table *table;
    uint32_t step_count;
};

static int mark(void *owner, uint32_t step, uint32_t value)
{
    const struct watching *watching = owner;
    assert(step < watching->step_count);
    assert(MARK_ROLE(value) >= ROLE_SUBMIT && MARK_ROLE(value) <= ROLE_WATCH);
    assert(watching->table->session_count == 1);
    assert(MARK_JOB(value) < watching->table->sessions[0].count);
    return 0;
}

static struct span no_header(void *owner, const char *name)
{
    (void)name;
    return *(const struct span *)owner;
}

static void read_live(const struct job_recorded *job, struct span line)
{
    struct words words = {0};
    struct reading reading;
    struct answer answer = {.status = 200,
                            .location = line,
                            .retry_after = line,
                            .depth = line,
                            .content_type = line,
                            .body = line};
    read_submit(&words, job, &answer, no_header, &line, &reading);
    assert(memchr(reading.new_id, '\0', sizeof reading.new_id));
    for (answer.status = 200; answer.status < 600; answer.status += 51) {
        read_poll(&words, job, line, span_of(job->id), &answer, &reading);
        assert(memchr(reading.problem, '\0', sizeof reading.problem));
        assert(reading.kind != READ_ENDED || state_is_final(reading.state));
        assert(reading.kind != READ_MOVED || reading.new_id[0]);
    }
}

/* A line is "M STATUS URL BODY" without blanks between M and STATUS: 'P' posts, 'R' is refused, 'G'
 * gets, 'E' is an event stream, 'S' one that answers a POST, anything else a message. */
static void show(struct learn *learn, struct span line, uint32_t step, struct watching *watching)
{
    static const char type[] = "text/event-stream", name[] = "Content-Type", place[] = "Location";
    const char *space = line.len > 2 ? memchr(line.ptr + 2, ' ', line.len - 2) : NULL;
    struct span url = {line.ptr + 2, space ? (size_t)(space - line.ptr) - 2 : 0};
    reprise_bytes body = {NULL, 0};
    if (space)
        body = (reprise_bytes){space + 1, line.len - (size_t)(space + 1 - line.ptr)};
    const reprise_header headers[] = {{{place, 8}, {url.ptr, url.len}},
                                      {{name, 12}, {type, sizeof type - 1}}};
    bool is_stream = line.ptr[0] == 'E' || line.ptr[0] == 'S';
    bool is_message = !is_stream && line.ptr[0] != 'P' && line.ptr[0] != 'G' && line.ptr[0] != 'R';
    const reprise_recorded recorded = {
        .kind = is_message ? REPRISE_RECORDED_MESSAGE_RECEIVED : REPRISE_RECORDED_EXCHANGE,
        .step = step,
        .status = line.len > 1 && line.ptr[1] == '2' ? 202
                  : line.ptr[0] == 'R'               ? 503
                                                     : 200,
        .is_text = 1,
        .began_us = step * 1000,
        .ended_us = step * 1000 + 500,
        .method = line.ptr[0] == 'G' || line.ptr[0] == 'E' ? (reprise_bytes){"GET", 3}
                                                           : (reprise_bytes){"POST", 4},
        .url = {url.ptr, url.len},
        .request_body = body,
        .response_body = body,
        .response_headers = headers,
        .response_header_count = is_stream ? 2 : 1,
    };
    assert(learn_see(learn, 1, &recorded, mark, watching) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct learn_rules rules = {0};
    struct job_table table = {0};
    static struct learn learn; /* large */
    struct watching watching = {.table = &table};
    struct span rest = {(const char *)data, size};
    learn_init(&learn, &rules, &table);
    while (rest.len) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        struct span line = {rest.ptr, end ? (size_t)(end - rest.ptr) : rest.len};
        size_t used = line.len + (end != NULL);
        rest = (struct span){rest.ptr + used, rest.len - used};
        watching.step_count++;
        if (line.len)
            show(&learn, line, watching.step_count - 1, &watching);
        for (size_t i = 0; i < table.count && i < 4; i++)
            read_live(&table.jobs[i], line);
    }
    learn_fini(&learn);
    job_table_fini(&table);
    return 0;
}
