/* trace.c - the words of a trace's enumerations. */
#include "traces/trace.h"

#include <assert.h>

static const char *const reason_names[TRACE_REASON_COUNT] = {
    [TRACE_REASON_RETRANSMISSION] = "retransmission",
    [TRACE_REASON_NOT_HTTP] = "not_http",
    [TRACE_REASON_MID_STREAM] = "mid_stream",
    [TRACE_REASON_UNPARSABLE] = "unparsable",
    [TRACE_REASON_AFTER_GAP] = "after_gap",
    [TRACE_REASON_INCOMPLETE] = "incomplete",
    [TRACE_REASON_BODY_LIMIT] = "body_limit",
    [TRACE_REASON_OUT_OF_WINDOW] = "out_of_window",
    [TRACE_REASON_AFTER_CLOSE] = "after_close",
    [TRACE_REASON_OTHER_PORT] = "other_port",
    [TRACE_REASON_FRAGMENT_LOST] = "fragment_lost",
    [TRACE_REASON_BAD_PACKET] = "bad_packet",
    [TRACE_REASON_NOT_TCP] = "not_tcp",
    [TRACE_REASON_UNKNOWN_LINK] = "unknown_link",
    [TRACE_REASON_GAP] = "gap",
    [TRACE_REASON_SNAPLEN] = "snaplen",
    [TRACE_REASON_KERNEL_DROP] = "kernel_drop",
    [TRACE_REASON_INTERFACE_DROP] = "interface_drop",
    [TRACE_REASON_UNREAD_FILE] = "unread_file",
};

static const char *const flaw_names[] = {"gap",         "mid_stream", "truncated",
                                         "no_response", "no_request", "unparsable"};

enum { FLAW_COUNT = sizeof flaw_names / sizeof flaw_names[0] };

_Static_assert(TRACE_FLAW_UNPARSABLE == 1 << (FLAW_COUNT - 1), "every flaw has a name");

const char *trace_reason_name(enum trace_reason reason)
{
    assert((unsigned)reason < TRACE_REASON_COUNT);
    return reason_names[reason];
}

bool trace_reason_was_seen(enum trace_reason reason)
{
    return reason < TRACE_REASON_GAP;
}

const char *trace_identity_name(enum trace_identity_kind kind)
{
    switch (kind) {
    case TRACE_BY_ADDRESS:
        return "address";
    case TRACE_BY_COOKIE:
        return "cookie";
    case TRACE_BY_TOKEN:
        return "token";
    case TRACE_BY_HEADER:
        return "header";
    }
    assert(!"a kind of identity");
    return "";
}

const char *trace_end_name(enum trace_connection_end end)
{
    switch (end) {
    case TRACE_END_OPEN:
        return "open";
    case TRACE_END_FIN:
        return "fin";
    case TRACE_END_RST:
        return "rst";
    case TRACE_END_IDLE:
        return "idle";
    case TRACE_END_EVICTED:
        return "evicted";
    }
    assert(!"an end of a connection");
    return "";
}

const char *trace_sender_name(enum trace_sender sender)
{
    return sender == TRACE_CLIENT ? "client" : "server";
}

char *trace_flaws_format(uint32_t flaws, char out[TRACE_FLAWS_TEXT_BYTES])
{
    char *at = out;
    for (size_t i = 0; i < FLAW_COUNT; i++) {
        if (!(flaws & 1U << i))
            continue;
        size_t len = strlen(flaw_names[i]);
        if (at != out)
            *at++ = ',';
        memcpy(at, flaw_names[i], len);
        at += len;
    }
    *at = '\0';
    return out;
}

bool trace_flaws_parse(struct bytes text, uint32_t *ret_flaws)
{
    uint32_t flaws = 0;
    struct bytes rest = text.len ? text : (struct bytes){0}, word;
    while (bytes_split(&rest, ',', &word)) {
        size_t i = 0;
        while (i < FLAW_COUNT && !bytes_equal(word, bytes_of(flaw_names[i])))
            i++;
        if (i == FLAW_COUNT)
            return false;
        flaws |= 1U << i;
    }
    *ret_flaws = flaws;
    return true;
}
