/*
 * wire_server.h - a server on the test's own loop that does to each connection what its script
 * says, byte for byte.
 *
 * The n-th connection plays the n-th script; one without a script is closed at once. No threads:
 * what has happened by the time a pass of the loop ends is all that has happened.
 */
#ifndef REPRISE_TESTS_SUPPORT_WIRE_SERVER_H
#define REPRISE_TESTS_SUPPORT_WIRE_SERVER_H

#include "core/buf.h"
#include "replay/loop.h"

enum wire_kind {
    WIRE_END,   /* listens on, says nothing more */
    WIRE_HEAD,  /* waits for a request's head, up to its empty line */
    WIRE_BODY,  /* waits for `count` bytes */
    WIRE_GO,    /* waits until the test counts server->go up */
    WIRE_SAY,   /* sends `text` */
    WIRE_DRIP,  /* the same, one byte for each pass of the loop */
    WIRE_FLOOD, /* `text` over and over, `count` bytes in all */
    WIRE_DEAF,  /* reads nothing any more */
    WIRE_CLOSE,
    WIRE_RESET
};

struct wire_step {
    enum wire_kind kind;
    const char *text;
    size_t len;
    uint64_t count;
};

#define HEAD                                                                                       \
    {                                                                                              \
        .kind = WIRE_HEAD                                                                          \
    }
#define BODY(n)                                                                                    \
    {                                                                                              \
        .kind = WIRE_BODY, .count = (n)                                                            \
    }
#define GO                                                                                         \
    {                                                                                              \
        .kind = WIRE_GO                                                                            \
    }
#define SAY(literal)                                                                               \
    {                                                                                              \
        .kind = WIRE_SAY, .text = (literal), .len = sizeof(literal) - 1                            \
    }
#define DRIP(literal)                                                                              \
    {                                                                                              \
        .kind = WIRE_DRIP, .text = (literal), .len = sizeof(literal) - 1                           \
    }
#define FLOOD(literal, n)                                                                          \
    {                                                                                              \
        .kind = WIRE_FLOOD, .text = (literal), .len = sizeof(literal) - 1, .count = (n)            \
    }
#define DEAF                                                                                       \
    {                                                                                              \
        .kind = WIRE_DEAF                                                                          \
    }
#define CLOSE                                                                                      \
    {                                                                                              \
        .kind = WIRE_CLOSE                                                                         \
    }
#define RESET                                                                                      \
    {                                                                                              \
        .kind = WIRE_RESET                                                                         \
    }
#define END                                                                                        \
    {                                                                                              \
        .kind = WIRE_END                                                                           \
    }

enum { WIRE_MAX_CONNECTIONS = 32 };

struct wire_server;

struct wire_connection {
    struct wire_server *server;
    struct loop_watch watch;
    struct timer timer; /* the next step, in the next pass */
    int fd;             /* -1: closed by us */
    const struct wire_step *step;
    uint64_t done_count; /* of the step in hand */
    struct buf heard;    /* not yet taken by a step */
    uint64_t heard_bytes;
    bool is_deaf, has_ended; /* the client has closed or reset */
};

struct wire_server {
    struct loop *loop;
    struct loop_watch watch;
    uint16_t port;
    uint32_t go;    /* how many WIRE_GO may pass, in all */
    uint32_t going; /* have passed */
    const struct wire_step *scripts[WIRE_MAX_CONNECTIONS];
    size_t count; /* connections that came */
    struct wire_connection connections[WIRE_MAX_CONNECTIONS];
    struct buf log; /* all heads, one behind the other */
};

/* On a port of 127.0.0.1 that the kernel chooses. `receive_bytes`: of each socket's buffer, 0: as
 * the kernel has it. */
void wire_server_open(struct wire_server *server, struct loop *loop, int receive_bytes);
void wire_server_close(struct wire_server *server);

/* Lets the next WIRE_GO pass, whoever waits for it. */
void wire_server_go(struct wire_server *server);

/* Connections that the client has not closed and neither have we. */
size_t wire_server_open_count(const struct wire_server *server);

#endif
