/*
 * trace.h - what a trace is made of, as values: sessions, connections, exchanges, messages, the
 * ledger.
 *
 * These structs are rows on their way to or from the SQLite file that FORMAT.md describes. Views in
 * them (struct bytes) are borrowed: from the caller when writing, from the reader until its next
 * step when reading. Every moment is in microseconds since the trace's t=0
 * (trace_facts.origin_unix_us) and may be negative when a capture file is not in order. An absent
 * moment is TRACE_NO_MOMENT. Ids start at 1; 0 means none.
 */
#ifndef REPRISE_TRACES_TRACE_H
#define REPRISE_TRACES_TRACE_H

#include "core/bytes.h"

#define TRACE_NO_MOMENT INT64_MIN

/* How the user behind a session was recognised. */
enum trace_identity_kind {
    TRACE_BY_ADDRESS, /* nothing better than the client's address */
    TRACE_BY_COOKIE,
    TRACE_BY_TOKEN, /* Authorization header */
    TRACE_BY_HEADER /* the header named by --session-header */
};

/* Why a connection, a session or an exchange is not whole; a set of bits, 0: complete. */
enum trace_flaw {
    TRACE_FLAW_GAP = 1 << 0,         /* bytes are missing in the middle */
    TRACE_FLAW_MID_STREAM = 1 << 1,  /* the capture began after it did */
    TRACE_FLAW_TRUNCATED = 1 << 2,   /* cut: snapshot length, body limit, end of capture */
    TRACE_FLAW_NO_RESPONSE = 1 << 3, /* a request without its answer */
    TRACE_FLAW_NO_REQUEST = 1 << 4,  /* an answer whose request was not seen */
    TRACE_FLAW_UNPARSABLE = 1 << 5   /* bytes that are not the protocol they should be */
};

enum trace_connection_end {
    TRACE_END_OPEN, /* still open when the capture ended */
    TRACE_END_FIN,
    TRACE_END_RST,
    TRACE_END_IDLE,   /* silent for too long: forgotten */
    TRACE_END_EVICTED /* forgotten to stay within memory */
};

/* Why payload bytes (or whole packets) are not in the trace. FORMAT.md explains each;
 * trace_reason_name() names it. */
enum trace_reason {
    TRACE_REASON_RETRANSMISSION, /* bytes seen before: kept once */
    TRACE_REASON_NOT_HTTP,   /* streams of another protocol, CONNECT and Upgrade tunnels included */
    TRACE_REASON_MID_STREAM, /* before the first message start that could be recognised */
    TRACE_REASON_UNPARSABLE, /* a stream that stopped being HTTP or WebSocket */
    TRACE_REASON_AFTER_GAP,  /* behind missing bytes, up to the next message start */
    TRACE_REASON_INCOMPLETE, /* a message whose head never ended */
    TRACE_REASON_BODY_LIMIT, /* body bytes over --max-body */
    TRACE_REASON_OUT_OF_WINDOW, /* sequence numbers that cannot belong to the stream */
    TRACE_REASON_AFTER_CLOSE,   /* data behind FIN or RST */
    TRACE_REASON_OTHER_PORT,    /* TCP payload outside --port */
    TRACE_REASON_FRAGMENT_LOST, /* IP fragments whose datagram never became whole */
    TRACE_REASON_BAD_PACKET,    /* headers that contradict themselves or the packet's length */
    TRACE_REASON_NOT_TCP,       /* packets only */
    TRACE_REASON_UNKNOWN_LINK,  /* packets only: a link or network layer that is not decoded */
    /* What was never seen: counted in missing_bytes or packets, not in payload_bytes. */
    TRACE_REASON_GAP,            /* bytes the peer acknowledged and the capture does not hold */
    TRACE_REASON_SNAPLEN,        /* cut off by the capture's snapshot length */
    TRACE_REASON_KERNEL_DROP,    /* packets the kernel dropped for want of buffer */
    TRACE_REASON_INTERFACE_DROP, /* packets the interface dropped */
    TRACE_REASON_UNREAD_FILE, /* packet files whose rest could not be read: `packets` counts files
                               */
    TRACE_REASON_COUNT
};

/* The words of these enumerations in the file: "cookie", "fin", "retransmission". */
const char *trace_identity_name(enum trace_identity_kind kind);
const char *trace_end_name(enum trace_connection_end end);
const char *trace_reason_name(enum trace_reason reason);

/* "gap,truncated"; "" for none. Into `out`, returned. */
#define TRACE_FLAWS_TEXT_BYTES 80
char *trace_flaws_format(uint32_t flaws, char out[TRACE_FLAWS_TEXT_BYTES]);
/* False when a word is none of a flaw's. */
bool trace_flaws_parse(struct bytes text, uint32_t *ret_flaws);

/* True when bytes under this reason are part of trace_facts.payload_bytes. */
bool trace_reason_was_seen(enum trace_reason reason);

/* One row of facts. payload_bytes = stored_bytes + the ledger's payload_bytes, always. */
struct trace_facts {
    int64_t origin_unix_us; /* unix time of t=0 */
    struct bytes source;    /* "interface lo", "file a.pcap", "har x.har" */
    struct bytes tool_version;
    struct bytes redaction; /* the policy's name; "none" */
    bool is_complete;       /* closed in order: false while recording and after a crash */
    int64_t last_us;        /* the last packet */
    uint64_t packets;
    uint64_t payload_bytes; /* TCP payload seen, duplicates included */
    uint64_t stored_bytes;  /* of it: heads, framing and bodies of what is in the trace */
};

struct trace_session {
    int64_t session_id;
    enum trace_identity_kind identity_kind;
    struct bytes
        identity;       /* printable, never the secret itself: "cookie sid 3fa9c1d2", "10.0.0.7" */
    struct bytes label; /* for people; may be empty */
    int64_t first_us;
    int64_t last_us;
    uint32_t flaws;
    uint64_t exchange_count;
    uint64_t message_count;
};

struct trace_connection {
    int64_t connection_id;
    struct bytes client_address; /* "127.0.0.1", "::1" */
    uint16_t client_port;
    struct bytes server_address;
    uint16_t server_port;
    bool is_tls;
    struct bytes protocol; /* "http/1.1", "websocket", "unknown" */
    int64_t opened_us;
    int64_t closed_us; /* TRACE_NO_MOMENT while open */
    enum trace_connection_end end;
    uint32_t flaws;
};

struct trace_exchange {
    int64_t exchange_id;
    int64_t session_id;
    int64_t connection_id;
    int64_t request_first_us; /* first byte; an answer without request has TRACE_NO_MOMENT */
    int64_t request_last_us;
    int64_t response_first_us;
    int64_t response_last_us;      /* TRACE_NO_MOMENT: the answer never ended */
    struct bytes method;           /* empty: TRACE_FLAW_NO_REQUEST */
    struct bytes scheme;           /* "http", "https" */
    struct bytes authority;        /* Host or absolute target; may be empty */
    struct bytes target;           /* as sent: origin-form, absolute-form, "*" or authority */
    struct bytes http_version;     /* of the request, else of the answer: "1.0", "1.1", "2" */
    int status;                    /* 0: no answer */
    struct bytes reason;           /* reason phrase */
    struct bytes interim_statuses; /* 1xx answers before the final one: "100", "100,103", "" */
    struct bytes request_headers;  /* one "Name: value\n" a header, order and case as sent */
    struct bytes response_headers;
    struct bytes request_trailers; /* same form; usually empty */
    struct bytes response_trailers;
    int64_t request_body_id;
    int64_t response_body_id;
    uint64_t
        request_body_bytes; /* as transferred, without chunk framing; may exceed what is stored */
    uint64_t response_body_bytes;
    uint32_t flaws;
    bool is_websocket; /* answered 101 to Upgrade: websocket; its messages are in `message` */
};

enum trace_sender { TRACE_CLIENT, TRACE_SERVER };
const char *trace_sender_name(enum trace_sender sender); /* "client", "server" */

struct trace_message {
    int64_t message_id;
    int64_t exchange_id; /* the upgrade */
    int64_t connection_id;
    int64_t session_id;
    int64_t first_us; /* first byte of the first frame */
    int64_t last_us;  /* last byte of the last frame */
    enum trace_sender sender;
    int opcode;             /* RFC 6455 5.2: 1 text, 2 binary, 8 close, 9 ping, 10 pong */
    uint32_t frame_count;   /* 1 unless fragmented */
    bool is_compressed;     /* permessage-deflate; the body holds the inflated bytes */
    uint64_t wire_bytes;    /* payload as transferred */
    uint64_t payload_bytes; /* after inflating; may exceed what is stored */
    int close_code;         /* opcode 8 with a code, else 0 */
    int64_t body_id;
    uint32_t flaws;
};

/* A value that an answer gave and a later request of the same session carries. Places, form and
 * state are words of FORMAT.md; people write these rows too, so none of them is sure to be one. */
struct trace_binding {
    int64_t binding_id;
    int64_t born_exchange_id;
    struct bytes born_place;
    int64_t used_exchange_id;
    struct bytes used_place;
    double score;
    struct bytes evidence;
    struct bytes state;  /* "on", "off" */
    struct bytes form;   /* how the value is written in the request: "raw", "percent" */
    struct bytes origin; /* "found": correlation's own; all else is people's: "edited" */
};

/* The bindings between the same places of the same endpoints, of all sessions. */
struct trace_binding_rule {
    struct bytes born_endpoint; /* "POST /login"; empty for a value that the client makes */
    struct bytes born_place;
    struct bytes used_endpoint;
    struct bytes used_place;
    struct bytes form;
    bool is_on;
    uint64_t count;
};

struct trace_ledger_entry {
    int64_t session_id;    /* 0: none or not known */
    int64_t connection_id; /* 0: not one connection's */
    enum trace_reason reason;
    int64_t first_us; /* of what is counted */
    int64_t last_us;
    uint64_t packets;
    uint64_t payload_bytes; /* seen and not stored */
    uint64_t missing_bytes; /* never seen */
    struct bytes detail;    /* one line, or empty */
};

#endif
