/*
 * sign.h - tokens signed here, for targets whose key is known and whose login is not to be loaded.
 *
 * The claims are those of a recorded token; exp, iat, nbf and jti are new, sub if one is given.
 * With libjwt. A signer is read-only once made.
 */
#ifndef JWT_REFRESH_SIGN_H
#define JWT_REFRESH_SIGN_H

#include "text.h"

struct signer;

/* algorithm: HS256, RS256 or ES256. key: the secret, or a private key in PEM. NULL, with one line
 * in `error`, when they do not go together. */
struct signer *signer_new(const char *algorithm, reprise_bytes key, char *error,
                          size_t error_bytes);
void signer_free(struct signer *signer);

struct sign_request {
    reprise_bytes like; /* the recorded token; no JWT: only the claims below */
    int64_t unix_us;    /* now, on the target's clock, at least: its iat and nbf */
    int64_t latest_us;  /* and at most; 0: the same */
    int64_t life_us;    /* 0: as long as the recorded one, or 15 minutes */
    const char *sub;    /* NULL: as recorded */
    uint64_t chance[2]; /* the new jti */
};

/* The token, the caller's; NULL when it could not be made. */
char *signer_sign(const struct signer *signer, const struct sign_request *request);

#endif
