/*
 * native_tls_trust.h - whom to trust: the certificates that every transport checks a target's by.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_NATIVE_TLS_TRUST_H
#define REPRISE_REPLAY_TRANSPORT_NATIVE_TLS_TRUST_H

#include "core/error.h"

struct x509_store_st; /* OpenSSL's X509_STORE */

/* The system's certificates, or those of `ca_path` (PEM) alone when it is not NULL. The caller's,
 * to be freed with X509_STORE_free(). -1 with err (EXIT_INPUT: not readable). */
int tls_trust_load(struct x509_store_st **ret_store, const char *ca_path, struct error *err);

#endif
