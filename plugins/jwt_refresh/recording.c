/* recording.c - what the trace says about tokens, kept by session and found again. */
#include "recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn.h"

enum { MAX_SESSIONS = 16 * 1024 * 1024 };

/* Sessions that say something about tokens, and a table of hashes over them. */
struct recording {
    struct recording_hints hints;
    struct learner learner;
    struct session_note **sessions;
    size_t count, capacity;
    uint32_t *table; /* place in `sessions` + 1; 0: free */
    size_t table_size;
    struct session_note *current; /* not among them before it has a note */
    uint64_t seen;                /* sessions */
    struct refresh_template templates[RECORDING_MAX_TEMPLATES];
    size_t template_count;
};

struct recording *recording_new(const struct recording_hints *hints)
{
    struct recording *recording = calloc(1, sizeof *recording);
    if (!recording)
        return NULL;
    recording->hints = *hints;
    recording->learner.hints = &recording->hints;
    return recording;
}

static void session_free(struct session_note *session)
{
    if (!session)
        return;
    for (uint32_t i = 0; i < session->step_count; i++)
        step_note_fini(&session->steps[i]);
    for (uint32_t i = 0; i < session->credential_count; i++) {
        answer_places_free(&session->credentials[i].places);
        free(session->credentials[i].login);
        free(session->credentials[i].first);
    }
    for (uint32_t i = 0; i < session->message_count; i++)
        free(session->messages[i].recorded);
    free(session->messages);
    free(session->steps);
    free(session);
}

static bool is_stored(const struct recording *recording)
{
    return recording->count && recording->sessions[recording->count - 1] == recording->current;
}

void recording_free(struct recording *recording)
{
    if (!recording)
        return;
    learner_clear(&recording->learner);
    if (!is_stored(recording))
        session_free(recording->current);
    for (size_t i = 0; i < recording->count; i++)
        session_free(recording->sessions[i]);
    for (size_t i = 0; i < recording->template_count; i++)
        refresh_template_fini(&recording->templates[i]);
    free(recording->sessions);
    free(recording->table);
    free(recording);
}

static size_t slot_of(const struct recording *recording, uint64_t session_id)
{
    size_t at = (size_t)(session_id * UINT64_C(0x9e3779b97f4a7c15) >> 20) % recording->table_size;
    while (recording->table[at] &&
           recording->sessions[recording->table[at] - 1]->session_id != session_id)
        at = (at + 1) % recording->table_size;
    return at;
}

static int grow_table(struct recording *recording)
{
    size_t size = recording->table_size ? recording->table_size * 2 : 64;
    uint32_t *table = calloc(size, sizeof *table);
    if (!table)
        return -1;
    free(recording->table);
    recording->table = table;
    recording->table_size = size;
    for (size_t i = 0; i < recording->count; i++)
        table[slot_of(recording, recording->sessions[i]->session_id)] = (uint32_t)i + 1;
    return 0;
}

/* The session in hand gets its place, with its first note. */
static int store_current(struct recording *recording)
{
    if (is_stored(recording))
        return 0;
    if (recording->count == recording->capacity) {
        size_t wanted = recording->capacity ? recording->capacity * 2 : 32;
        struct session_note **grown = realloc(recording->sessions, wanted * sizeof *grown);
        if (!grown || wanted > MAX_SESSIONS)
            return -1;
        recording->sessions = grown;
        recording->capacity = wanted;
    }
    if (recording->count * 2 >= recording->table_size && grow_table(recording))
        return -1;
    recording->sessions[recording->count] = recording->current;
    recording->table[slot_of(recording, recording->current->session_id)] =
        (uint32_t)recording->count + 1;
    recording->count++;
    return 0;
}

static int begin_session(struct recording *recording, uint64_t session_id)
{
    if (recording->current && recording->current->session_id == session_id)
        return 0;
    learner_clear(&recording->learner);
    if (!is_stored(recording))
        session_free(recording->current);
    recording->current = calloc(1, sizeof *recording->current);
    if (!recording->current)
        return -1;
    recording->current->session_id = session_id;
    recording->seen++;
    return 0;
}

static void take_template(struct recording *recording, struct refresh_template *refresh)
{
    if (!refresh->login)
        return;
    if (recording->template_count == RECORDING_MAX_TEMPLATES ||
        recording_template(recording, refresh->login)) {
        refresh_template_fini(refresh);
        return;
    }
    recording->templates[recording->template_count++] = *refresh;
}

int recording_add(struct recording *recording, uint64_t session_id,
                  const reprise_recorded *recorded, recording_noted_fn noted, void *owner)
{
    struct learner_marks marks;
    struct refresh_template refresh = {0};
    int result;
    if (recorded->kind == REPRISE_RECORDED_MESSAGE_RECEIVED)
        return 0;
    if (begin_session(recording, session_id))
        return -1;
    if (recorded->kind == REPRISE_RECORDED_MESSAGE_SENT)
        result = learn_message(&recording->learner, recording->current, recorded, &marks);
    else
        result =
            learn_exchange(&recording->learner, recording->current, recorded, &marks, &refresh);
    take_template(recording, &refresh);
    if (recording->current->step_count && store_current(recording))
        return -1;
    for (size_t i = 0; i < marks.count; i++)
        noted(owner, marks.steps[i], marks.marks[i]);
    return result;
}

const struct session_note *recording_find(const struct recording *recording, uint64_t session_id)
{
    if (!recording->table_size)
        return NULL;
    uint32_t place = recording->table[slot_of(recording, session_id)];
    return place ? recording->sessions[place - 1] : NULL;
}

const struct refresh_template *recording_template(const struct recording *recording,
                                                  const char *login)
{
    for (size_t i = 0; login && i < recording->template_count; i++) {
        if (strcmp(recording->templates[i].login, login) == 0)
            return &recording->templates[i];
    }
    return NULL;
}

const struct hint_hits *recording_hits(const struct recording *recording)
{
    return &recording->learner.hits;
}

void recording_sum_up(const struct recording *recording, struct recording_summary *ret_summary)
{
    struct recording_summary *sum = ret_summary;
    memset(sum, 0, sizeof *sum);
    sum->sessions = recording->seen;
    for (size_t i = 0; i < recording->count; i++) {
        const struct session_note *session = recording->sessions[i];
        bool logs_in = false, refreshes = false, is_foreign = false;
        for (uint32_t k = 0; k < session->credential_count; k++) {
            const struct credential_note *credential = &session->credentials[k];
            logs_in |= credential->login != NULL;
            refreshes |= credential->refresh_step != RECORDING_NO_STEP;
            is_foreign |= credential->login_step == RECORDING_NO_STEP;
            if (credential->login && !sum->login[0])
                snprintf(sum->login, sizeof sum->login, "%s", credential->login);
        }
        sum->logins += logs_in;
        sum->refreshes += refreshes;
        sum->foreign += is_foreign;
    }
    if (recording->template_count) {
        const struct refresh_template *first = &recording->templates[0];
        reprise_bytes path = text_url_path(text_of(first->url));
        snprintf(sum->refresh, sizeof sum->refresh, "%s %.*s", first->method, (int)path.len,
                 path.ptr);
    }
}
