/*
 * credential.h - a user's token: taken from an answer or signed, timed, and put into requests.
 */
#ifndef JWT_REFRESH_CREDENTIAL_H
#define JWT_REFRESH_CREDENTIAL_H

#include "state.h"

enum { MAX_HEADERS = 128 };

/* When the request was sent and its answer came, since 1970. */
struct moments {
    int64_t sent_us, first_byte_us, received_us;
};
struct moments response_moments(const reprise_call *call, const reprise_response *response);

/* The tokens of an answer; false: there are none. */
bool credential_read(const reprise_call *call, uint32_t number, const reprise_response *response,
                     struct answer_tokens *ret_tokens);

/* From now on these are the user's. They are taken over. is_renewal: what the trace binds to the
 * old ones is bound to these. */
void credential_adopt(const reprise_call *call, uint32_t number, struct answer_tokens *tokens,
                      const struct moments *moments, bool is_renewal);

/* The target's clock is known now: the end of what was signed before is read by it. */
void credential_time_again(const reprise_call *call);

/* Sign one. False, with the host's reason: it could not be made. */
bool credential_sign(const reprise_call *call, uint32_t number);
bool credential_is_signed(const reprise_call *call, uint32_t number);

/* The user's token where the recorded request had its own. -1: a host function said no. */
int credential_put(const reprise_call *call, reprise_request *request, const struct token_use *use);
/* Likewise in a message. */
int credential_put_in_message(const reprise_call *call, const reprise_ws_message *message,
                              const struct message_token *token);
/* Whether the request was sent with the token that is the user's now. */
bool credential_was_sent(const reprise_call *call, const reprise_request *request,
                         const struct token_use *use);

/* Wherever `old` stands in the request (url, headers, body), `value`. -1 likewise. */
int request_substitute(const reprise_call *call, reprise_request *request, const char *old,
                       const char *value);

/* Answer a step that is not sent as the trace does, with the user's tokens. -1 likewise. */
int credential_settle(const reprise_call *call, const struct step_note *note);

void credential_fini(const reprise_call *call, struct live *live);

#endif
