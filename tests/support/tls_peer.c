/* tls_peer.c - certificates made on the spot, and a TLS server that does what a test says next. */
#include "tests/support/tls_peer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void add_names(X509 *certificate, const char *names)
{
    X509_EXTENSION *extension =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, (char *)(uintptr_t)names);
    assert(extension);
    assert(X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static void save(struct tls_identity *identity)
{
    snprintf(identity->pem_path, sizeof identity->pem_path, "/tmp/reprise-certificate-XXXXXX");
    FILE *file = fdopen(mkstemp(identity->pem_path), "w");
    assert(file);
    assert(PEM_write_X509(file, identity->certificate) == 1);
    fclose(file);
}

void tls_identity_make(struct tls_identity *identity, const char *names, long from_s, long to_s)
{
    X509 *certificate = X509_new();
    identity->key = EVP_EC_gen("P-256");
    identity->certificate = certificate;
    assert(identity->key && certificate);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), from_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate), to_s);
    X509_set_pubkey(certificate, identity->key);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    add_names(certificate, names);
    assert(X509_sign(certificate, identity->key, EVP_sha256()) > 0);
    save(identity);
}

void tls_identity_fini(struct tls_identity *identity)
{
    unlink(identity->pem_path);
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

static int choose_alpn(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_len,
                       const unsigned char *offered, unsigned offered_len, void *owner)
{
    const struct tls_peer_server *server = owner;
    (void)ssl;
    if (!server->alpn)
        return SSL_TLSEXT_ERR_NOACK;
    return SSL_select_next_proto(
               (unsigned char **)(uintptr_t)ret_name, ret_len, (const unsigned char *)server->alpn,
               (unsigned)strlen(server->alpn), offered, offered_len) == OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int note_sni(SSL *ssl, int *alert, void *owner)
{
    struct tls_peer_server *server = owner;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    snprintf(server->sni, sizeof server->sni, "%s", name ? name : "");
    return SSL_TLSEXT_ERR_OK;
}

void tls_peer_open(struct tls_peer_server *server, const struct tls_identity *identity,
                   const char *alpn)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    *server = (struct tls_peer_server){.fd = -1, .alpn = alpn};
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert(bind(server->listener, (struct sockaddr *)&at, sizeof at) == 0);
    assert(listen(server->listener, 16) == 0);
    assert(getsockname(server->listener, (struct sockaddr *)&at, &len) == 0);
    server->port = ntohs(at.sin_port);
    server->context = SSL_CTX_new(TLS_server_method());
    assert(SSL_CTX_use_certificate(server->context, identity->certificate) == 1);
    assert(SSL_CTX_use_PrivateKey(server->context, identity->key) == 1);
    SSL_CTX_set_session_id_context(server->context, (const unsigned char *)"test", 4);
    SSL_CTX_set_alpn_select_cb(server->context, choose_alpn, server);
    SSL_CTX_set_tlsext_servername_callback(server->context, note_sni);
    SSL_CTX_set_tlsext_servername_arg(server->context, server);
}

void tls_peer_drop(struct tls_peer_server *server, bool resets)
{
    const struct linger at_once = {.l_onoff = 1};
    SSL_free(server->ssl);
    server->ssl = NULL;
    if (server->fd >= 0 && resets)
        setsockopt(server->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    if (server->fd >= 0)
        close(server->fd);
    server->fd = -1;
    ERR_clear_error();
}

void tls_peer_close(struct tls_peer_server *server)
{
    tls_peer_drop(server, false);
    close(server->listener);
    SSL_CTX_free(server->context);
}

bool tls_peer_step(struct tls_peer_server *server)
{
    if (server->fd < 0) {
        server->fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (server->fd < 0)
            return false;
        const int on = 1; /* what is said lies with the client when this returns */
        setsockopt(server->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        server->ssl = SSL_new(server->context);
        SSL_set_fd(server->ssl, server->fd);
    }
    /* The client may have gone. It is not to raise the signal itself: only here it is ignored. */
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    bool is_over = SSL_accept(server->ssl) == 1;
    signal(SIGPIPE, before);
    ERR_clear_error(); /* the client under test runs in the same thread */
    return is_over;
}
