/* notes.c - the notes of a recording: made, copied, freed. */
#include <stdlib.h>
#include <string.h>

#include "learn.h"

struct step_note *session_note_step(struct session_note *session, uint32_t step,
                                    struct learner_marks *marks)
{
    for (uint32_t i = session->step_count; i-- > 0;) {
        if (session->steps[i].step == step)
            return &session->steps[i];
    }
    if (session->step_count == session->step_capacity) {
        uint32_t wanted = session->step_capacity ? session->step_capacity * 2 : 8;
        struct step_note *grown = realloc(session->steps, wanted * sizeof *grown);
        if (!grown)
            return NULL;
        session->steps = grown;
        session->step_capacity = wanted;
    }
    session->steps[session->step_count] = (struct step_note){.step = step};
    if (marks->count < LEARNER_MAX_MARKS) {
        marks->steps[marks->count] = step;
        marks->marks[marks->count++] = session->step_count + 1;
    }
    return &session->steps[session->step_count++];
}

const struct step_note *session_step(const struct session_note *session, uint32_t mark)
{
    return session && mark && mark <= session->step_count ? &session->steps[mark - 1] : NULL;
}

const struct step_note *session_step_at(const struct session_note *session, uint32_t step)
{
    for (uint32_t i = session->step_count; i-- > 0;) {
        if (session->steps[i].step == step)
            return &session->steps[i];
    }
    return NULL;
}

void headers_free(reprise_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free((char *)headers[i].name.ptr);
        free((char *)headers[i].value.ptr);
    }
    free(headers);
}

/* What belongs to a connection or is made anew for each message. */
static bool is_left_out(reprise_bytes name, bool of_request)
{
    static const char *const always[] = {"content-length",
                                         "transfer-encoding",
                                         "connection",
                                         "content-encoding",
                                         "keep-alive",
                                         "date",
                                         "host"};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
        if (text_is(name, always[i]))
            return true;
    }
    return of_request && (text_is(name, "cookie") || (name.len && name.ptr[0] == ':'));
}

reprise_header *headers_copy(const reprise_header *headers, size_t count, bool of_request,
                             size_t *ret_count)
{
    reprise_header *copy = calloc(count + 1, sizeof *copy);
    size_t copied = 0;
    for (size_t i = 0; copy && i < count; i++) {
        if (is_left_out(headers[i].name, of_request))
            continue;
        char *name = text_copy(headers[i].name), *value = text_copy(headers[i].value);
        if (!name || !value) {
            free(name);
            free(value);
            break;
        }
        copy[copied].name = text_from(name, headers[i].name.len);
        copy[copied++].value = text_from(value, headers[i].value.len);
    }
    *ret_count = copied;
    return copy;
}

void step_note_fini(struct step_note *note)
{
    for (uint32_t i = 0; i < note->use_count; i++) {
        free(note->uses[i].name);
        free(note->uses[i].prefix);
        free(note->uses[i].suffix);
        free(note->uses[i].recorded);
    }
    free(note->access);
    free(note->refresh);
    free(note->spent);
    free((char *)note->body.ptr);
    headers_free(note->headers, note->header_count);
}

void refresh_template_fini(struct refresh_template *refresh)
{
    free(refresh->login);
    free(refresh->method);
    free(refresh->url);
    free(refresh->spent);
    free(refresh->access);
    free((char *)refresh->body.ptr);
    headers_free(refresh->headers, refresh->header_count);
    memset(refresh, 0, sizeof *refresh);
}
