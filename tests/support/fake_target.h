/*
 * fake_target.h - a transport that answers from a script on a clock the test moves: no network, no
 * real second.
 *
 * Every request and message that reaches it is written to a log, "12.5 GET /a\n", in milliseconds
 * of the run; where a request has a cut it is taken by its word, as the native transport does.
 */
#ifndef REPRISE_TESTS_SUPPORT_FAKE_TARGET_H
#define REPRISE_TESTS_SUPPORT_FAKE_TARGET_H

#include "core/buf.h"
#include "replay/transport/transport.h"

struct fake_answer {
    const char *request; /* "GET /a"; NULL ends the list */
    double after_ms;     /* from the request to the answer's last byte; < 0: never; a request's
                            limit ends it */
    int status;          /* 0: no answer, `failure` says why */
    enum failure failure;
    const char *set_cookie; /* may be NULL */
    const char *body;       /* may be NULL; $N in it is the number of the request, from 1 */
};

/* What the server does on every WebSocket. */
struct fake_push {
    int after_message; /* -1: after the opening; n: after the client's n-th message, from 0 */
    double after_ms;
    const char *text; /* NULL ends the list; "close" closes, "break" breaks off */
};

/* Besides, in what answers "GET /a". */
struct fake_header {
    const char *request; /* NULL ends the list */
    const char *name, *value;
};

/* What comes of the body of an answer before its end, to somebody who sees it as it comes. Of other
 * answers a viewer who wants_so_far is shown two halves, and no other. */
struct fake_piece {
    const char *request; /* "GET /a"; NULL ends the list */
    double after_ms;     /* from the request */
    const char *text;    /* NULL: the head, with the answer's headers, before the first piece */
};

extern const struct transport_ops fake_target;
extern const struct fake_answer *fake_answers; /* anything else is answered 200 after 10 ms */
extern const struct fake_push *fake_pushes;
extern const struct fake_header *fake_headers;
extern const struct fake_piece *fake_pieces;
extern bool fake_comes_at_once; /* answers without pieces are shown to no viewer */
extern bool fake_logs_all;      /* headers that begin with "X-" or "A", and bodies */
extern struct buf fake_log;

/* The clock of the test, in microseconds. */
extern uint64_t fake_now_us;
uint64_t fake_clock_us(void);

/* A request as it goes over the wire, its target as given. */
void fake_wire(const struct transport_request *request, struct bytes target, struct buf *out);

/* Move the clock from timer to timer until none is left or until_us is reached. */
void fake_run(struct loop *loop, uint64_t until_us);

#endif
