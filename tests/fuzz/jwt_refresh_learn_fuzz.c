/* jwt_refresh_learn_fuzz.c - lines of "METHOD target|headers|body|status|headers|answer" as the
 * exchanges of a session, ';' between headers. */
#include <assert.h>
#include <stdlib.h>

#include "plugins/jwt_refresh/recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_BYTES = 64 * 1024, MAX_HEADERS = 8, MAX_STEPS = 64 };

struct marks {
    uint32_t steps, highest;
};

static void noted(void *owner, uint32_t step, uint32_t mark)
{
    struct marks *marks = owner;
    assert(step < marks->steps && mark);
    marks->highest = mark > marks->highest ? mark : marks->highest;
}

static size_t split_headers(reprise_bytes text, reprise_header *headers)
{
    size_t count = 0;
    while (text.len && count < MAX_HEADERS) {
        reprise_bytes value = text_cut(&text, ';');
        reprise_bytes name = text_cut(&value, ':');
        headers[count++] = (reprise_header){name, text_trim(value)};
    }
    return count;
}

static void check_session(const struct session_note *session, uint32_t steps)
{
    assert(session->credential_count <= RECORDING_MAX_CREDENTIALS);
    for (uint32_t i = 0; i < session->step_count; i++) {
        const struct step_note *note = &session->steps[i];
        assert(note->step < steps && note->use_count <= RECORDING_MAX_USES);
        assert(!note->roles || note->credential < session->credential_count);
        for (uint32_t k = 0; k < note->use_count; k++)
            assert(note->uses[k].credential < session->credential_count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reprise_bytes text = {(const char *)data, size};
    const struct recording_hints hints = {
        .login = "PUT:/in", .token_name = "X-Pass", .signs = true};
    struct marks marks = {0};
    if (size > MAX_BYTES)
        return 0;
    struct recording *recording = recording_new(&hints);
    while (text.len && marks.steps < MAX_STEPS) {
        reprise_header request[MAX_HEADERS], response[MAX_HEADERS];
        reprise_bytes line = text_cut(&text, '\n'), first = text_cut(&line, '|');
        struct reprise_recorded recorded = {.step = marks.steps++};
        int64_t status = 0;
        recorded.method = text_cut(&first, ' ');
        recorded.url = first;
        recorded.request_headers = request;
        recorded.request_header_count = split_headers(text_cut(&line, '|'), request);
        recorded.request_body = text_cut(&line, '|');
        text_number(text_cut(&line, '|'), &status);
        recorded.status = (uint32_t)status;
        recorded.response_headers = response;
        recorded.response_header_count = split_headers(text_cut(&line, '|'), response);
        recorded.response_body = line;
        recording_add(recording, 1, &recorded, noted, &marks);
    }
    const struct session_note *session = recording_find(recording, 1);
    assert((session != NULL) == (marks.highest > 0));
    if (session) {
        assert(marks.highest <= session->step_count);
        check_session(session, marks.steps);
    }
    recording_free(recording);
    return 0;
}
