/*
 * transport_rig.h - one user of one transport before a server with a script, all on one loop: what
 * the shared suite and the tests beside it build on.
 */
#ifndef REPRISE_TESTS_SUPPORT_TRANSPORT_RIG_H
#define REPRISE_TESTS_SUPPORT_TRANSPORT_RIG_H

#include "replay/transport/transport.h"
#include "tests/support/wire_server.h"

#define RIG_TIMEOUT_US UINT64_C(20000000) /* nothing here takes long; a test that hangs ends so */
#define RIG_MAX_BODY_BYTES ((size_t)1 << 20)

struct rig {
    const struct transport_ops *ops;
    struct loop loop;
    struct transport *transport;
    struct transport_user *user;
    struct wire_server server;
    struct loop_watch echo; /* a socket that is sent what it sends */
    bool has_echoed;
    struct transport_options options;
    char origin[40];
};

/* What is asked, and what came of it. */
struct asked {
    struct rig *rig;
    char url[256];
    struct http_request http;
    struct transport_request request;
    struct transport_call *call;
    int done_count;
    enum failure failure;
    int status;
    struct buf body, headers;       /* "Name: value\n" */
    struct transport_result result; /* its views are gone */
    char detail[160];
    void (*then)(struct asked *asked); /* inside the callback; may be NULL */
};

/* `timeout_us` 0: long. */
void rig_open(struct rig *rig, const struct transport_ops *ops, uint64_t timeout_us,
              int receive_bytes);
void rig_close(struct rig *rig);

/* Fill it; ask_send() starts it. `method` and `target` are literals. */
void ask_init(struct asked *asked, struct rig *rig, const char *method, const char *target);
/* The same with a POST whose body no socket takes at once. */
enum { RIG_UPLOAD_BYTES = 8 << 20 };
void ask_init_upload(struct asked *asked, struct rig *rig);
/* -1: refused, asked->failure says why. */
int ask_send(struct asked *asked);
void ask_fini(struct asked *asked);

/* Passes of the loop until it is done, or the test fails. */
void rig_wait(struct asked *asked);
/* Send it and wait. */
void rig_ask(struct asked *asked);
/* A GET that has to be answered. */
void rig_ask_fine(struct rig *rig, const char *target);
/* Passes of the loop until `is_so`, or the test fails. */
void rig_wait_until(struct rig *rig, bool (*is_so)(struct rig *rig));
/* So many passes that what can happen without a clock has happened, however slow the kernel is: in
 * each, a datagram that was sent behind all else has come back. */
void rig_settle(struct rig *rig);

#endif
