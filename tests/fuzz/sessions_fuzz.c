/*
 * sessions_fuzz.c - any exchanges, whatever their headers say: each gets a session, all sessions
 * have their rows, and no memory stays behind.
 *
 * An exchange is some lines and an empty one: `>` begins a request's header, `<` an answer's, `@`
 * the target, `=` the request's body, `!` the answer's; `+` lets a second go by.
 */
#include <assert.h>
#include <stdint.h>

#include "capture/sessions.h"
#include "core/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
    struct buf request_headers, response_headers;
    struct bytes target, body, answer;
    int64_t at_us, session_id, row_count;
};

static void on_row(void *owner, const struct trace_session *row)
{
    struct told *told = owner;
    assert(row->session_id > 0 && row->exchange_count > 0);
    assert(row->identity.len > 0 && row->label.len < 200 && row->first_us <= row->last_us);
    told->row_count++;
}

static void tell(struct sessions *sessions, struct told *told)
{
    struct session_keys keys = {.count = 0};
    struct session_hint hints[4] = {0};
    session_keys_of_body(&keys, told->body);
    for (size_t i = 0; i < keys.count && i < 3; i++)
        hints[i] = (struct session_hint){keys.items[i].hash, keys.items[i].class};
    struct session_sighting sighting = {
        .address = bytes_of("10.0.0.7"),
        .request_headers = buf_bytes(&told->request_headers),
        .target = told->target,
        .response_headers = buf_bytes(&told->response_headers),
        .response_body = told->answer,
        .hints = hints,
        .connection_session_id = told->session_id,
        .first_us = told->at_us,
        .last_us = told->at_us + 1000,
    };
    int64_t id = sessions_add_exchange(sessions, &sighting);
    assert(id > 0 && id <= (int64_t)sessions_count(sessions));
    told->session_id = told->at_us & 1 ? id : 0; /* now on the connection, now on a new one */
    told->at_us += 501;
    buf_clear(&told->request_headers);
    buf_clear(&told->response_headers);
    told->target = told->body = told->answer = (struct bytes){0};
}

static int add_line(struct buf *headers, struct bytes line)
{
    return buf_append_bytes(headers, line) || buf_append_char(headers, '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct session_options options = {.idle_gap_us = 60 * INT64_C(1000000), .max_sessions = 8};
    struct told told = {0};
    struct bytes in = bytes_make(data, size), line;
    struct sessions *sessions = sessions_new(&options, on_row, &told);
    buf_init(&told.request_headers, 256 * 1024);
    buf_init(&told.response_headers, 256 * 1024);
    while (sessions && bytes_split(&in, '\n', &line)) {
        struct bytes rest = bytes_from(line, 1);
        char what = line.len ? line.ptr[0] : 0;
        if (what == 0)
            tell(sessions, &told);
        else if (what == '>' && add_line(&told.request_headers, rest))
            break;
        else if (what == '<' && add_line(&told.response_headers, rest))
            break;
        else if (what == '@')
            told.target = rest;
        else if (what == '=')
            told.body = rest;
        else if (what == '!')
            told.answer = rest;
        else if (what == '+')
            told.at_us += 1000000;
    }
    if (sessions) {
        sessions_flush(sessions);
        assert(told.row_count >= (int64_t)sessions_count(sessions));
        assert(sessions_mixed_count(sessions) <= sessions_count(sessions));
    }
    sessions_free(sessions);
    buf_fini(&told.request_headers);
    buf_fini(&told.response_headers);
    return 0;
}
