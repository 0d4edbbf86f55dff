/*
 * request_cut.h - a recorded request as HTTP/1.1 writes it, cut ahead of time into constant pieces
 * and slots.
 *
 *     head:  GET /jobs/17?v=2 HTTP/1.1\r\n Host: ...\r\n ... Content-Length: 24\r\n \r\n
 *                      ^^ slot                     ^ cookie_at        ^^ length_at
 *     body:  {"job":"17","text":"..."}
 *                    ^^ slot
 *
 * `head` is whole: sent as it stands it is a valid request without cookies. What changes from user
 * to user is put in its place when it is sent: the Cookie line at cookie_at, the values of the
 * slots, and the digits of Content-Length when a slot in the body changes its length. The headers
 * of the plan's step are views into `head`, so nothing is stored twice. Read-only once built.
 *
 * A value is put where it goes as it is: whoever takes it from an answer brings it into the form
 * of its place, and never lets CR, LF or NUL into the head, or a space into the target.
 */
#ifndef REPRISE_REPLAY_PLAN_REQUEST_CUT_H
#define REPRISE_REPLAY_PLAN_REQUEST_CUT_H

#include "core/arena.h"
#include "core/http_message.h"

struct request_slot {
    bool is_in_body; /* else in the head */
    uint32_t at;     /* offset there of the recorded value */
    uint32_t len;    /* of the recorded value, which stands for itself while a user has none */
    uint32_t value;  /* index into the user's values */
};

struct request_cut {
    struct bytes head;  /* ends with the empty line */
    struct bytes body;  /* as recorded */
    uint32_t target_at; /* in head, of what follows the origin in the URL: the request target, but
                           for a '/' that is set before "?x" */
    uint32_t
        cookie_at; /* where "Cookie: ...\r\n" goes: where the recording had it, else at the end */
    uint32_t length_at, length_len; /* the digits of Content-Length; length_len 0: it has none */
    uint32_t slot_count;
    struct request_slot *slots; /* those in the head first, each part by `at`; they never overlap */
};

#define REQUEST_CUT_MAX_SLOTS 32     /* of one request */
#define REQUEST_CUT_MAX_HEAD_EDITS 8 /* lines of the head that http->edits touch */
/* Every slot, the cookie's line (3), the length and each edit (4) split a piece in two. */
#define REQUEST_CUT_MAX_PIECES                                                                     \
    (2 * REQUEST_CUT_MAX_SLOTS + 2 * 3 + 4 + 5 * REQUEST_CUT_MAX_HEAD_EDITS)

/* Texts that are made for one request; must live as long as its pieces. */
struct request_cut_scratch {
    char length[24];
};

/* Whether what was changed in `http`, whose cut it is, can be put into the cut: a few headers that
 * frame nothing. */
bool request_cut_takes(const struct request_cut *cut, const struct http_request *http);

/*
 * The pieces of the request in order, body included: views into the cut, `values` and
 * `cookies` (the Cookie value, empty for none). values[i].ptr NULL, or values NULL: as recorded.
 * `edits` may be NULL; else request_cut_takes() it, and its headers take the place of the
 * recorded ones or follow them. Returns how many, at most REQUEST_CUT_MAX_PIECES; none is empty.
 */
size_t request_cut_pieces(const struct request_cut *cut, const struct bytes *values,
                          struct bytes cookies, const struct http_request *edits,
                          struct request_cut_scratch *scratch, struct bytes *pieces);

/*
 * The same as values of a request that can be looked at and changed: `http` begins as the step's
 * own, whatever holds a slot with a value is set anew in its arena and marked in http->changes; a
 * body lies in pieces then. -1 without memory.
 */
int request_cut_fill(const struct request_cut *cut, const struct bytes *values,
                     struct http_request *http);

#endif
