/* user.h - the plugin's callbacks for one user: what is done before a request and with an answer.
 */
#ifndef JWT_REFRESH_USER_H
#define JWT_REFRESH_USER_H

#include "reprise_plugin.h"

/* What the trace has about tokens, in a line or two. */
void user_tell_found(const reprise_call *call);

/* At the end: how many lost users had no line of their own. */
void user_tell_lost(const reprise_call *call);

int user_session_start(const reprise_call *call);
int user_request(const reprise_call *call, reprise_request *request);
int user_response(const reprise_call *call, const reprise_response *response);
int user_message(const reprise_call *call, const reprise_ws_message *message);
void user_session_end(const reprise_call *call);

#endif
