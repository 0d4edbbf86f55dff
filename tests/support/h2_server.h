/*
 * h2_server.h - an HTTP/2 server without TLS (prior knowledge) that does what a request's path
 * says.
 *
 *     /hello        200, "hello", X-A: b, two cookies
 *     /echo...      200, the request's fields as "name: value" lines, an empty line, its body
 *     /big          200, 5 MiB of 'x'
 *     /gzip         200, a gzip of "hello hello\n"
 *     /hints        103, then /hello
 *     /trailers     200, "hello", then a trailer
 *     /empty        204, no body
 *     /heads        200, with 400 KiB of header fields
 *     /goaway       /hello, then GOAWAY: no other stream is answered on this connection
 *     /refuse-once  the stream is refused the first time, /hello the second
 *     /refuse       refused every time
 *     /reset        RST_STREAM(INTERNAL_ERROR)
 *     /reset-inside the same inside the body
 *     /cut          the connection is closed
 *     /cut-inside   the same inside the body
 *     /never        no answer
 *     /early        /hello as soon as the fields are there, whatever body follows
 *     /half         the same, but nothing comes behind three bytes of the body
 *     /continue     100 as soon as the fields are there, then /echo
 *     /many         200, with 300 header fields
 *     /long         200, with one of 100 KB, 87 KB as HPACK packs it
 *     /garbage      bytes that are no frame
 */
#ifndef REPRISE_TESTS_SUPPORT_H2_SERVER_H
#define REPRISE_TESTS_SUPPORT_H2_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct h2_server {
    int listen_fd;
    uint16_t port;
    pthread_t thread;
    uint32_t max_streams; /* at once; 0: any number */
    bool speaks_http1;    /* answers everything with an HTTP/1.1 400 */
    int stop_pipe[2];
    /* Read them when it has stopped. */
    uint32_t connections, requests, resets; /* resets: RST_STREAM of the client's */
    uint32_t open_streams, most_streams;
    uint64_t body_bytes;  /* of requests */
    uint64_t early_bytes; /* those of /continue before its 100 was on its way */
};

/* The options are set already, the rest is zero. */
void h2_server_start(struct h2_server *server);
void h2_server_stop(struct h2_server *server);

#endif
