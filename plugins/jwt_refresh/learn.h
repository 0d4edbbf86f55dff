/*
 * learn.h - one recorded exchange after another: which tokens it gives and which it carries.
 *
 * A token is known from the answer of a login or a refresh, or by its use: a credential header,
 * cookie or parameter whose value stood in an earlier answer of the session (an API key, a token
 * under a name nobody would guess). recording.h holds what is learnt; this is what has to be
 * remembered meanwhile, of one session at a time.
 */
#ifndef JWT_REFRESH_LEARN_H
#define JWT_REFRESH_LEARN_H

#include "recording.h"

struct known_token {
    char *text;
    uint32_t credential;
    bool is_refresh;
};

/* A string of an answer that may turn out to be a token. */
struct leaf {
    uint64_t hash;
    uint32_t step;
    struct token_place place;
};

struct learner {
    const struct recording_hints *hints;
    struct hint_hits hits;                          /* of all sessions */
    struct known_token known[RECORDING_MAX_TOKENS]; /* the oldest first */
    size_t known_count;
    struct leaf *leaves;
    size_t leaf_count, leaf_capacity;
};

/* Forget the last session. */
void learner_clear(struct learner *learner);

/* What the exchange says goes into `session`; ret_marks are the notes it made or changed, at most
 * LEARNER_MAX_MARKS. A refresh with all that is needed to make it again is left in *ret_template
 * (login NULL: it was none). -1: no memory. */
enum { LEARNER_MAX_MARKS = 8 };
struct learner_marks {
    uint32_t steps[LEARNER_MAX_MARKS], marks[LEARNER_MAX_MARKS];
    size_t count;
};
int learn_exchange(struct learner *learner, struct session_note *session,
                   const reprise_recorded *recorded, struct learner_marks *ret_marks,
                   struct refresh_template *ret_template);

/* The same for a message that the client sent. */
int learn_message(struct learner *learner, struct session_note *session,
                  const reprise_recorded *recorded, struct learner_marks *ret_marks);

/* Notes, made and freed. */
struct step_note *session_note_step(struct session_note *session, uint32_t step,
                                    struct learner_marks *marks);
void step_note_fini(struct step_note *note);
void refresh_template_fini(struct refresh_template *refresh);
reprise_header *headers_copy(const reprise_header *headers, size_t count, bool of_request,
                             size_t *ret_count);
void headers_free(reprise_header *headers, size_t count);

#endif
