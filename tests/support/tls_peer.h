/*
 * tls_peer.h - certificates made on the spot, and a TLS server that does what a test says next.
 *
 * No thread: the server's side is non-blocking and moves when the test calls it.
 */
#ifndef REPRISE_TESTS_SUPPORT_TLS_PEER_H
#define REPRISE_TESTS_SUPPORT_TLS_PEER_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

enum { TLS_PEER_MAX_PATH = 64 };

/* A key and its self-signed certificate. */
struct tls_identity {
    EVP_PKEY *key;
    X509 *certificate;
    char pem_path[TLS_PEER_MAX_PATH]; /* the certificate, for --cacert */
};

/* `names` as in "DNS:localhost,IP:127.0.0.1"; good from now + from_s to now + to_s. */
void tls_identity_make(struct tls_identity *identity, const char *names, long from_s, long to_s);
void tls_identity_fini(struct tls_identity *identity);

struct tls_peer_server {
    int listener;
    uint16_t port; /* at 127.0.0.1 */
    SSL_CTX *context;
    const char
        *alpn;    /* what it speaks, in order of liking: "\x02h2\x08http/1.1"; NULL: ignores it */
    char sni[64]; /* asked for by the last client; empty: none */
    int fd;       /* of the one connection; -1: none yet */
    SSL *ssl;
};

void tls_peer_open(struct tls_peer_server *server, const struct tls_identity *identity,
                   const char *alpn);
void tls_peer_close(struct tls_peer_server *server);

/* Accept and shake hands as far as it goes without waiting. True: the handshake is over. */
bool tls_peer_step(struct tls_peer_server *server);

/* Drop the one connection, orderly or by a reset. */
void tls_peer_drop(struct tls_peer_server *server, bool resets);

#endif
