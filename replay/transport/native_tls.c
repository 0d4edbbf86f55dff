/* native_tls.c - TLS over a socket that is connected, by OpenSSL. */
#include "replay/transport/native_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "replay/transport/native_tls_trust.h"

enum { GATHER_BYTES = SSL3_RT_MAX_PLAIN_LENGTH, DETAIL_BYTES = 256 };

struct tls_context {
    SSL_CTX *ssl;
    BIO_METHOD *socket_method;
    enum transport_http http;
    char detail[DETAIL_BYTES];   /* of the handshake that failed last */
    char gathered[GATHER_BYTES]; /* pieces that become one record */
};

struct tls_session {
    SSL *ssl;
    BIO *bio;
    struct tls_context *context;
    struct dial_resumption *resumption;
    uint64_t resumption_key;
    const char *host; /* until the handshake is over */
    const char *detail;
    int fd;
    int error;               /* of the last system call that failed */
    unsigned char waits_for; /* LOOP_READ, LOOP_WRITE */
    bool has_ended;          /* the peer has closed its side of TCP */
    bool is_starved;         /* what is left in OpenSSL's buffer is no whole record */
    bool has_failed;
};

/* The socket as OpenSSL sees it: its own BIO would raise SIGPIPE, and keeps errno to itself. */

static int socket_read(BIO *bio, char *data, size_t len, size_t *ret_len)
{
    struct tls_session *session = BIO_get_data(bio);
    ssize_t got;
    do {
        got = recv(session->fd, data, len, 0);
    } while (got < 0 && errno == EINTR);
    BIO_clear_retry_flags(bio);
    if (got > 0) {
        *ret_len = (size_t)got;
        return 1;
    }
    if (got == 0)
        session->has_ended = true;
    else if (errno == EAGAIN || errno == EWOULDBLOCK)
        BIO_set_retry_read(bio);
    else
        session->error = errno;
    return 0;
}

static int socket_write(BIO *bio, const char *data, size_t len, size_t *ret_len)
{
    struct tls_session *session = BIO_get_data(bio);
    ssize_t sent;
    do {
        sent = send(session->fd, data, len, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    BIO_clear_retry_flags(bio);
    if (sent >= 0) {
        *ret_len = (size_t)sent;
        return 1;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        BIO_set_retry_write(bio);
    else
        session->error = errno;
    return 0;
}

static long socket_control(BIO *bio, int command, long number, void *pointer)
{
    const struct tls_session *session = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_EOF)
        return session->has_ended;
    return command == BIO_CTRL_FLUSH; /* nothing is held back */
}

/* The last ticket is kept: a server that gives several means them for connections in parallel, and
 * takes one again as well. Returns whether the reference is ours now. */
static int on_new_session(SSL *ssl, SSL_SESSION *ticket)
{
    const struct tls_session *session = SSL_get_app_data(ssl);
    if (!session->resumption)
        return 0;
    dial_resumption_fini(session->resumption);
    session->resumption->session = ticket;
    session->resumption->key = session->resumption_key;
    return 1;
}

void dial_resumption_fini(struct dial_resumption *resumption)
{
    SSL_SESSION_free(resumption->session);
    *resumption = (struct dial_resumption){0};
}

static BIO_METHOD *socket_method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "socket");
    if (!method)
        return NULL;
    BIO_meth_set_read_ex(method, socket_read);
    BIO_meth_set_write_ex(method, socket_write);
    BIO_meth_set_ctrl(method, socket_control);
    return method;
}

static void set_modes(SSL_CTX *ssl, bool verifies)
{
    SSL_CTX_set_verify(ssl, verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    /* Between two records no buffer is held; one read takes head and body of a record. */
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ssl, 1);
    /* Whether an answer was whole is for HTTP to say. */
    SSL_CTX_set_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
    /* A server of TLS 1.2 may ask for another handshake, and would have what is sent until then
     * wait for it: it is told no, and goes on or does not. */
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL |
                                            SSL_SESS_CACHE_NO_AUTO_CLEAR);
    SSL_CTX_sess_set_new_cb(ssl, on_new_session);
}

int tls_context_open(struct tls_context **ret_context, const struct transport_options *options,
                     struct error *err)
{
    X509_STORE *store;
    struct tls_context *context = calloc(1, sizeof *context);
    if (context) {
        context->ssl = SSL_CTX_new(TLS_client_method());
        context->socket_method = socket_method_new();
    }
    if (!context || !context->ssl || !context->socket_method) {
        tls_context_close(context);
        return error_set(err, EXIT_TOOL, "no memory for TLS");
    }
    if (tls_trust_load(&store, options->ca_path, err)) {
        tls_context_close(context);
        return -1;
    }
    SSL_CTX_set_cert_store(context->ssl, store);
    set_modes(context->ssl, options->verifies_tls);
    context->http = options->http;
    *ret_context = context;
    return 0;
}

void tls_context_close(struct tls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->socket_method);
    free(context);
}

static int offer_protocols(const struct tls_session *session, bool allows_h2)
{
    static const unsigned char both[] = "\x02h2\x08http/1.1";
    enum { H2_BYTES = 3, ALL_BYTES = sizeof both - 1 };
    const unsigned char *from = allows_h2 ? both : both + H2_BYTES;
    size_t len = allows_h2 ? ALL_BYTES : ALL_BYTES - H2_BYTES;
    if (allows_h2 && session->context->http == TRANSPORT_HTTP_2)
        len = H2_BYTES;
    return SSL_set_alpn_protos(session->ssl, from, (unsigned)len);
}

/* Whom the certificate has to be for, and the name that chooses it; an address is never sent as a
 * name (RFC 6066 3). */
static int name_peer(SSL *ssl, const struct tls_peer *peer)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    if (peer->is_numeric)
        return X509_VERIFY_PARAM_set1_ip_asc(param, peer->host) == 1 ? 0 : -1;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(param, peer->host, 0) != 1)
        return -1;
    return SSL_set_tlsext_host_name(ssl, peer->host) == 1 ? 0 : -1;
}

static int prepare(struct tls_session *session, const struct tls_peer *peer)
{
    struct dial_resumption *resumption = peer->resumption;
    SSL *ssl = session->ssl;
    session->bio = BIO_new(session->context->socket_method);
    if (!session->bio)
        return -1;
    BIO_set_data(session->bio, session);
    BIO_set_init(session->bio, 1);
    SSL_set_bio(ssl, session->bio, session->bio);
    SSL_set_app_data(ssl, session);
    SSL_set_connect_state(ssl);
    if (name_peer(ssl, peer) || offer_protocols(session, peer->allows_h2))
        return -1;
    if (resumption && resumption->session && resumption->key == peer->resumption_key)
        SSL_set_session(ssl, resumption->session);
    return 0;
}

struct tls_session *tls_session_new(struct tls_context *context, const struct tls_peer *peer)
{
    struct tls_session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->context = context;
    session->fd = peer->fd;
    session->host = peer->host;
    session->resumption = peer->resumption;
    session->resumption_key = peer->resumption_key;
    session->detail = "";
    session->has_failed = true; /* no close_notify before there is TLS */
    session->ssl = SSL_new(context->ssl);
    if (!session->ssl || prepare(session, peer)) {
        tls_session_free(session);
        ERR_clear_error();
        return NULL;
    }
    return session;
}

/* Is it only that the socket is not ready? Asked before anything else: OpenSSL's queue of errors is
 * shared by all that runs in the thread, and SSL_get_error() believes whatever lies in it. */
static bool is_blocked(struct tls_session *session)
{
    if (SSL_want_read(session->ssl) && BIO_should_read(session->bio))
        session->waits_for = LOOP_READ;
    else if (SSL_want_write(session->ssl) && BIO_should_write(session->bio))
        session->waits_for = LOOP_WRITE;
    else
        return false;
    return true;
}

/* STREAM_FAILED with errno and detail, or 0 for a peer that has ended it. */
static ssize_t end_of(struct tls_session *session)
{
    int outcome = SSL_get_error(session->ssl, 0);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    if (outcome == SSL_ERROR_ZERO_RETURN)
        return 0;
    session->has_failed = true;
    if (session->error)
        session->detail = strerrordesc_np(session->error);
    else
        session->detail = reason ? reason : "TLS broke without a reason";
    errno = session->error;
    return STREAM_FAILED;
}

ssize_t tls_read(struct tls_session *session, void *data, size_t len)
{
    size_t got;
    if (SSL_read_ex(session->ssl, data, len, &got)) {
        session->is_starved = false;
        return (ssize_t)got;
    }
    session->is_starved = true;
    return is_blocked(session) ? STREAM_BLOCKED : end_of(session);
}

/* Pieces in one row; a long one goes as it is. */
static struct bytes gather(struct tls_context *context, const struct iovec *pieces, int count)
{
    size_t len = 0;
    if (count == 1 || pieces[0].iov_len >= GATHER_BYTES)
        return bytes_make(pieces[0].iov_base,
                          pieces[0].iov_len < GATHER_BYTES ? pieces[0].iov_len : GATHER_BYTES);
    for (int i = 0; i < count && len < GATHER_BYTES; i++) {
        size_t room = GATHER_BYTES - len;
        size_t part = pieces[i].iov_len < room ? pieces[i].iov_len : room;
        if (part)
            memcpy(context->gathered + len, pieces[i].iov_base, part);
        len += part;
    }
    return bytes_make(context->gathered, len);
}

ssize_t tls_write(struct tls_session *session, const struct iovec *pieces, int count)
{
    size_t written;
    if (count <= 0)
        return 0;
    struct bytes bytes = gather(session->context, pieces, count);
    if (bytes.len == 0)
        return 0;
    if (SSL_write_ex(session->ssl, bytes.ptr, bytes.len, &written))
        return (ssize_t)written;
    if (is_blocked(session))
        return STREAM_BLOCKED;
    ssize_t ended = end_of(session);
    if (ended == 0) { /* its close_notify came first */
        session->detail = strerrordesc_np(EPIPE);
        errno = EPIPE;
    }
    return STREAM_FAILED;
}

bool tls_has_pending(const struct tls_session *session)
{
    return !session->is_starved && SSL_has_pending(session->ssl);
}

int tls_events(const struct tls_session *session)
{
    return session->waits_for;
}

const char *tls_detail(const struct tls_session *session)
{
    return session->detail;
}

bool tls_is_resumed(const struct tls_session *session)
{
    return SSL_session_reused(session->ssl);
}

bool tls_is_h2(const struct tls_session *session)
{
    const unsigned char *name;
    unsigned len;
    SSL_get0_alpn_selected(session->ssl, &name, &len);
    return bytes_equal(bytes_make(name, len), bytes_of("h2"));
}

/* Why the handshake failed, in words of the field. */
static enum failure explain(struct tls_session *session)
{
    int outcome = SSL_get_error(session->ssl, -1);
    unsigned long code = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(code), *advice = "";
    char *detail = session->context->detail;
    enum failure failure = FAILURE_TLS;
    session->detail = detail;
    session->has_failed = true;
    ERR_clear_error();
    if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        snprintf(detail, DETAIL_BYTES, "the certificate of %s: %s", session->host,
                 X509_verify_cert_error_string(SSL_get_verify_result(session->ssl)));
        return FAILURE_CERTIFICATE;
    }
    if (session->error)
        reason = strerrordesc_np(session->error);
    else if (session->has_ended || outcome == SSL_ERROR_ZERO_RETURN || !reason)
        reason = "closed by the target";
    if (ERR_GET_REASON(code) == SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL) {
        advice = "; the target speaks another HTTP than the one asked for: --http";
        failure = FAILURE_PROTOCOL;
    }
    snprintf(detail, DETAIL_BYTES, "TLS handshake with %s: %s%s", session->host, reason, advice);
    return failure;
}

int tls_handshake(struct tls_session *session, enum failure *ret_failure)
{
    if (SSL_do_handshake(session->ssl) == 1) {
        session->has_failed = false;
        session->host = NULL;
        return 0;
    }
    if (is_blocked(session))
        return STREAM_BLOCKED;
    *ret_failure = explain(session);
    return STREAM_FAILED;
}

void tls_session_free(struct tls_session *session)
{
    if (!session)
        return;
    if (session->ssl && !session->has_failed) {
        /* One try: also what keeps OpenSSL from taking the ticket for a bad one. */
        SSL_shutdown(session->ssl);
        SSL_set_shutdown(session->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        ERR_clear_error();
    }
    SSL_free(session->ssl);
    free(session);
}
