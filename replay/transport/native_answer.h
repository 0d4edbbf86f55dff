/*
 * native_answer.h - one HTTP/1 answer as its bytes come in: heads, body, verdict. No sockets here.
 *
 *     interim 1xx heads (skipped) -> head -> body by its framing -> done
 *
 * The bytes lie in a block that the caller reads into. An answer that is whole in it is handed out
 * where it lies, without a copy or an allocation. Of one that comes in several pieces only what is
 * asked for is gathered: the head if a header of it is wanted, the body up to its limit. A body
 * that nobody keeps is counted, and costs nothing however long it is. One that is not whole with
 * its head goes to a viewer in the pieces it comes in, and it is the viewer who keeps it.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_NATIVE_ANSWER_H
#define REPRISE_REPLAY_TRANSPORT_NATIVE_ANSWER_H

#include "core/buf.h"
#include "core/http_message.h"
#include "replay/outcome.h"
#include "replay/transport/native_answer_head.h"

enum answer_state { ANSWER_NEEDS_MORE, ANSWER_DONE, ANSWER_BROKEN };

/* Who sees an answer whose body is not there with its head. */
struct answer_viewer {
    /* The whole head is in answer->head, what is kept of it in scratch->headers. */
    void (*on_head)(void *owner);
    /* A piece as it came, at least a byte. How the answer stands behind it: DONE when the rest is
     * not wanted, BROKEN with failure and detail set. */
    enum answer_state (*on_body)(void *owner, struct bytes piece);
};

struct native_answer {
    bool is_to_head; /* the request was HEAD */
    bool keeps_body, keeps_headers;
    bool gathers_body;                  /* here: it is kept, or may be handed out whole yet */
    bool was_shown;                     /* the body goes to the viewer as it comes */
    bool views_head;                    /* the headers' views are good in on_body() as well */
    const struct answer_viewer *viewer; /* or NULL */
    void *viewer_owner;
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
    struct bytes content;     /* when it is done: the body, not decoded unless it was shown; .ptr
                                 NULL: not kept */
    struct buf gathered_head; /* at most HTTP1_MAX_HEAD_BYTES and a block */
    struct buf gathered_body; /* at most max_body_bytes */
};

void native_answer_init(struct native_answer *answer, bool is_to_head, bool keeps_body,
                        bool keeps_headers, size_t max_body_bytes);
/* Behind init(): somebody sees it as it comes. */
void native_answer_view_by(struct native_answer *answer, const struct answer_viewer *viewer,
                           void *owner, bool views_head);
/* The head is there, as on_head() finds it, and of the body so much: to the viewer. */
enum answer_state native_answer_show(struct native_answer *answer, struct bytes content);
/* For the viewer: keep this of the body, as `content`. -1: not that much, or no memory; failure and
 * detail say so. */
int native_answer_keep(struct native_answer *answer, struct bytes piece);
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
