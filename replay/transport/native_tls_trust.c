/* native_tls_trust.c - whom to trust: the certificates that every transport checks by. */
#include "replay/transport/native_tls_trust.h"

#include <openssl/err.h>
#include <openssl/x509.h>

static int load(X509_STORE *store, const char *ca_path, struct error *err)
{
    if (!ca_path)
        return X509_STORE_set_default_paths(store) == 1
                   ? 0
                   : error_set(err, EXIT_TOOL, "no memory for the system's certificates");
    if (X509_STORE_load_file(store, ca_path) != 1)
        return error_set(err, EXIT_INPUT, "--cacert %s: no certificates in PEM form to read",
                         ca_path);
    return 0;
}

int tls_trust_load(struct x509_store_st **ret_store, const char *ca_path, struct error *err)
{
    X509_STORE *store = X509_STORE_new();
    if (!store)
        return error_set(err, EXIT_TOOL, "no memory for certificates");
    if (load(store, ca_path, err)) {
        X509_STORE_free(store);
        ERR_clear_error();
        return -1;
    }
    /* A certificate that is trusted by name needs nobody above it: what libcurl sets, too. */
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    *ret_store = store;
    return 0;
}
