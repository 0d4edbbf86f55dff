/* learn_messages.c - tokens in what the client sent over WebSockets. */
#include <stdlib.h>
#include <string.h>

#include "learn.h"

static bool is_noted(const struct session_note *session, uint32_t step, const char *token)
{
    for (uint32_t i = 0; i < session->message_count; i++) {
        if (session->messages[i].step == step && strcmp(session->messages[i].recorded, token) == 0)
            return true;
    }
    return false;
}

/* The request that opens the WebSocket is sent with a good token, like one that carries it. */
static int note_use(struct session_note *session, uint32_t step, uint32_t credential,
                    struct learner_marks *marks)
{
    struct step_note *note = session_note_step(session, step, marks);
    if (!note)
        return -1;
    for (uint32_t i = 0; i < note->use_count; i++) {
        if (note->uses[i].credential == credential)
            return 0;
    }
    if (note->use_count < RECORDING_MAX_USES)
        note->uses[note->use_count++] =
            (struct token_use){.credential = credential, .in = USE_IN_MESSAGE};
    return 0;
}

static int note_token(struct session_note *session, uint32_t step, const struct known_token *known)
{
    if (is_noted(session, step, known->text) || session->message_count == RECORDING_MAX_TOKENS)
        return 0;
    if (session->message_count == session->message_capacity) {
        uint32_t wanted = session->message_capacity ? session->message_capacity * 2 : 4;
        struct message_token *grown = realloc(session->messages, wanted * sizeof *grown);
        if (!grown)
            return -1;
        session->messages = grown;
        session->message_capacity = wanted;
    }
    char *copy = strdup(known->text);
    if (!copy)
        return -1;
    session->messages[session->message_count++] =
        (struct message_token){step, known->credential, copy};
    return 0;
}

int learn_message(struct learner *learner, struct session_note *session,
                  const reprise_recorded *recorded, struct learner_marks *ret_marks)
{
    reprise_bytes message = recorded->request_body;
    ret_marks->count = 0;
    if (!recorded->is_text || !message.ptr || message.len > RECORDING_MAX_SEARCHED_BYTES)
        return 0;
    for (size_t i = learner->known_count; i-- > 0;) {
        const struct known_token *known = &learner->known[i];
        if (known->is_refresh || text_find(message, text_of(known->text)) < 0)
            continue;
        if (note_use(session, recorded->step, known->credential, ret_marks) ||
            note_token(session, recorded->step, known))
            return -1;
    }
    return 0;
}
