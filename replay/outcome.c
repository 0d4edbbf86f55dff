/* outcome.c - the words for what became of a request, a WebSocket and a session. */
#include "replay/outcome.h"

#include <assert.h>

const char *failure_name(enum failure failure)
{
    static const char *const names[FAILURE_COUNT] = {
        [FAILURE_NONE] = "none",
        [FAILURE_DNS] = "dns",
        [FAILURE_CONNECT_REFUSED] = "connect_refused",
        [FAILURE_CONNECT_TIMEOUT] = "connect_timeout",
        [FAILURE_CONNECT] = "connect",
        [FAILURE_TLS] = "tls",
        [FAILURE_CERTIFICATE] = "certificate",
        [FAILURE_TIMEOUT] = "timeout",
        [FAILURE_RESET] = "reset",
        [FAILURE_CLOSED] = "closed",
        [FAILURE_TRUNCATED] = "truncated",
        [FAILURE_UNASKED] = "unasked",
        [FAILURE_PROTOCOL] = "protocol",
        [FAILURE_HEAD_TOO_LARGE] = "head_too_large",
        [FAILURE_BODY_TOO_LARGE] = "body_too_large",
        [FAILURE_CODING] = "coding",
        [FAILURE_NO_PORTS] = "no_ports",
        [FAILURE_NO_FILES] = "no_files",
        [FAILURE_PLUGIN] = "plugin",
        [FAILURE_CANCELLED] = "cancelled",
    };
    assert((unsigned)failure < FAILURE_COUNT);
    return names[failure];
}

const char *request_origin_name(enum request_origin origin)
{
    static const char *const names[ORIGIN_COUNT] = {
        [ORIGIN_RECORDED] = "recorded", [ORIGIN_ADDED] = "added", [ORIGIN_RETRIED] = "retried"};
    assert((unsigned)origin < ORIGIN_COUNT);
    return names[origin];
}

const char *session_result_name(enum session_result result)
{
    static const char *const names[SESSION_RESULT_COUNT] = {[SESSION_DONE] = "done",
                                                            [SESSION_ENDED] = "ended",
                                                            [SESSION_FAILED] = "failed",
                                                            [SESSION_CANCELLED] = "cancelled"};
    assert((unsigned)result < SESSION_RESULT_COUNT);
    return names[result];
}
