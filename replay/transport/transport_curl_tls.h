/*
 * transport_curl_tls.h - whom to trust: one store of certificates for all users of a transport.
 *
 * Left to itself libcurl reads the system's bundle, some 140 certificates, once per multi handle:
 * with one of those per user that was 15 ms of CPU for each user's first connection.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_CURL_TLS_H
#define REPRISE_REPLAY_TRANSPORT_CURL_TLS_H

#include <curl/curl.h>

#include "replay/transport/transport.h"

struct trust_store;

/* The system's certificates, or those of options->ca_path alone. -1 with err (EXIT_INPUT: not
 * readable). */
int trust_store_open(struct trust_store **ret_store, const struct transport_options *options,
                     struct error *err);
void trust_store_close(struct trust_store *store);

/* Why a handshake on this handle did not trust the target's certificate. */
const char *trust_failure_text(CURL *easy);

/* Set what `options` and the store say on a handle; the store must outlive it. */
void trust_store_apply(struct trust_store *store, const struct transport_options *options,
                       CURL *easy);

#endif
