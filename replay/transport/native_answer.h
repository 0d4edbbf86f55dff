/*
 * native_answer.h - one HTTP/1 answer as its bytes come in: heads, body, verdict. No sockets here.
 *
 *     interim 1xx heads (skipped) -> head -> body by its framing -> done
 *
 * The bytes lie in a block that the caller reads into. An answer that is whole in it is handed out
 * where it lies, without a copy or an allocation. Of one that comes in several pieces only what is
 * asked for is gathered: the head if a header of it is wanted, the body up to its limit. A body
 * that nobody keeps is counted, and costs nothing however long it is. One that comes in several
 * pieces goes to a reader in these pieces, unless it has to be decoded, and is not gathered for it.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_NATIVE_ANSWER_H
#define REPRISE_REPLAY_TRANSPORT_NATIVE_ANSWER_H

#include "core/buf.h"
#include "core/http_message.h"
#include "replay/outcome.h"
#include "replay/transport/native_answer_head.h"
#include "replay/transport/transport.h"

enum answer_state { ANSWER_NEEDS_MORE, ANSWER_DONE, ANSWER_BROKEN };

/* Looks at a piece of the body as it came: an enum answer_state, DONE when the rest is not wanted;
 * BROKEN with failure and detail set. All headers are in scratch->headers then. */
typedef int (*answer_on_data_fn)(void *owner, struct bytes data);

struct native_answer {
    bool is_to_head;           /* the request was HEAD */
    answer_on_data_fn on_data; /* NULL: nobody looks; with it the headers are kept */
    void *owner;
    bool keeps_body, keeps_headers;
    bool was_read;                         /* the body goes to the reader as it comes */
    bool is_kept_whole;                    /* by somebody else than the reader */
    const struct transport_reader *reader; /* or NULL */
    void *reader_owner;
    bool has_head;       /* the final one */
    bool was_continued;  /* 100 came */
    bool is_head_closed; /* of HTTP/2: what was gathered ends as a head does */
    bool ends_connection;
    enum failure failure; /* when it is broken */
    const char *detail;
    size_t max_body_bytes;
    size_t scanned_bytes; /* of a head that is not whole: no end in them */
    size_t head_bytes;    /* of all heads that are whole */
    size_t field_count;   /* of an HTTP/2 head, as it comes */
    uint64_t body_bytes;  /* without chunk framing */
    struct answer_head facts;
    struct bytes head;        /* good in the call that ended it; else gathered */
    struct bytes content;     /* when it is done: the body, not decoded; .ptr NULL: not kept */
    struct buf gathered_head; /* at most HTTP1_MAX_HEAD_BYTES and a block */
    struct buf gathered_body; /* at most max_body_bytes */
};

void native_answer_init(struct native_answer *answer, bool is_to_head, bool keeps_body,
                        bool keeps_headers, size_t max_body_bytes);
/* Behind init(): somebody reads it as it comes. */
void native_answer_read_by(struct native_answer *answer, const struct transport_reader *reader,
                           void *owner);
/* The head is there (its views in scratch->headers, `facts` say how many), and the body is not. */
void native_answer_begin_reading(struct native_answer *answer, const struct answer_head *facts,
                                 const struct answer_scratch *scratch);
/* Gives back what was gathered. */
void native_answer_fini(struct native_answer *answer);

/*
 * `data` holds all bytes that the last call did not take and those that came since, and has room
 * for one more; it may be changed (chunks are moved together, a kept body ends with a '\0').
 * *ret_left is how many at its end were not taken: they must stay, at the front, for the next call;
 * with `is_full` there is no room to add to them, and all are taken. When it is done, content and
 * the views in scratch->headers (facts.header_count of them) are good until `data` changes, or
 * another head is read with this scratch.
 */
enum answer_state native_answer_take(struct native_answer *answer, char *data, size_t len,
                                     bool is_full, struct answer_scratch *scratch,
                                     size_t *ret_left);

/* The peer has closed in order. ANSWER_DONE: that was the end of it. */
enum answer_state native_answer_close(struct native_answer *answer, struct answer_scratch *scratch);

#endif
