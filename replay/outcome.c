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

const char *failure_advice(enum failure failure)
{
    static const char *const advice[FAILURE_COUNT] = {
        [FAILURE_NONE] = "",
        [FAILURE_DNS] = "is the name right? 'getent ahosts NAME' shows what this machine makes of "
                        "it",
        [FAILURE_CONNECT_REFUSED] = "does the target run, and listen at that port?",
        [FAILURE_CONNECT_TIMEOUT] = "look for a firewall on the way, or a target too busy to "
                                    "accept; --timeout waits longer",
        [FAILURE_CONNECT] = "'ip route get ADDRESS' shows whether there is a way there",
        [FAILURE_TLS] = "does the target speak TLS at this port? 'openssl s_client' shows what it "
                        "offers",
        [FAILURE_CERTIFICATE] = "--cacert FILE or --insecure",
        [FAILURE_TIMEOUT] = "look at what the target waits for; --timeout waits longer",
        [FAILURE_RESET] = "look into the log of the target, and of what stands before it",
        [FAILURE_CLOSED] = "look into the target's log for why it gave no answer",
        [FAILURE_TRUNCATED] = "look into the target's log for what ended its answer",
        [FAILURE_UNASKED] = "is it an HTTP server that listens at this port?",
        [FAILURE_PROTOCOL] = "does the target speak this at this port? --http chooses the version",
        [FAILURE_HEAD_TOO_LARGE] = "look at the cookies and headers that the target sets",
        [FAILURE_BODY_TOO_LARGE] = "64 MiB is the most that a plugin or a binding may read; is it "
                                   "meant to be that long?",
        [FAILURE_CODING] = "look at what compresses, the target or a proxy before it",
        [FAILURE_NO_PORTS] = "add --bind addresses or widen net.ipv4.ip_local_port_range",
        [FAILURE_NO_FILES] = "raise 'ulimit -n' or use fewer users",
        [FAILURE_PLUGIN] = "",
        [FAILURE_CANCELLED] = "",
    };
    assert((unsigned)failure < FAILURE_COUNT);
    return advice[failure];
}

const char *request_origin_name(enum request_origin origin)
{
    static const char *const names[ORIGIN_COUNT] = {
        [ORIGIN_RECORDED] = "recorded", [ORIGIN_ADDED] = "added", [ORIGIN_RETRIED] = "retried"};
    assert((unsigned)origin < ORIGIN_COUNT);
    return names[origin];
}

const char *on_missing_name(enum on_missing way)
{
    static const char *const names[MISSING_COUNT] = {
        [MISSING_RECORDED] = "recorded", [MISSING_SKIP] = "skip", [MISSING_END] = "end"};
    assert((unsigned)way < MISSING_COUNT);
    return names[way];
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
