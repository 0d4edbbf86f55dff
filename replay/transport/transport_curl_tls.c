/* transport_curl_tls.c - one store of trusted certificates for all users of a transport. */
#include "replay/transport/transport_curl_tls.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>

#include "replay/transport/native_tls_trust.h"

struct trust_store {
    X509_STORE *store;
};

int trust_store_open(struct trust_store **ret_store, const struct transport_options *options,
                     struct error *err)
{
    struct trust_store *trust = calloc(1, sizeof *trust);
    if (!trust)
        return error_set(err, EXIT_TOOL, "no memory for certificates");
    if (tls_trust_load(&trust->store, options->ca_path, err)) {
        free(trust);
        return -1;
    }
    *ret_store = trust;
    return 0;
}

void trust_store_close(struct trust_store *store)
{
    if (!store)
        return;
    X509_STORE_free(store->store);
    free(store);
}

/* The context takes a reference of its own. A WebSocket's bytes that were not taken come again from
 * a buffer that may have grown, and so moved. */
static CURLcode on_context(CURL *easy, void *context, void *owner)
{
    struct trust_store *trust = owner;
    (void)easy;
    SSL_CTX_set1_cert_store(context, trust->store);
    SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION); /* as native_tls.c */
    return CURLE_OK;
}

/* libcurl looks at the name by itself, when OpenSSL has found nothing wrong. */
const char *trust_failure_text(CURL *easy)
{
    long outcome = X509_V_OK;
    curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &outcome);
    return X509_verify_cert_error_string(outcome == X509_V_OK ? X509_V_ERR_HOSTNAME_MISMATCH
                                                              : outcome);
}

void trust_store_apply(struct trust_store *store, const struct transport_options *options,
                       CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, store);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, options->verifies_tls ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options->verifies_tls ? 2L : 0L);
}
