/* sign.c - tokens signed here, for targets whose key is known and whose login is not to be loaded.
 */
#include "sign.h"

#include <inttypes.h>
#include <jansson.h>
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tokens.h"

#define SECOND_US INT64_C(1000000)
#define SHORT_LIFE_US (60 * SECOND_US)
#define SHORT_RECORDED_US (3 * SECOND_US) /* two may be cut off: here and of the target's clock */

enum { MAX_KEY_BYTES = 64 * 1024, LIFE_S = 15 * 60 };

struct signer {
    jwt_alg_t algorithm;
    int key_bytes;
    unsigned char key[];
};

void signer_free(struct signer *signer)
{
    free(signer);
}

struct signer *signer_new(const char *algorithm, reprise_bytes key, char *error, size_t error_bytes)
{
    jwt_alg_t known = jwt_str_alg(algorithm);
    if (known != JWT_ALG_HS256 && known != JWT_ALG_RS256 && known != JWT_ALG_ES256) {
        snprintf(error, error_bytes, "sign: '%.20s' is none of HS256, RS256 and ES256", algorithm);
        return NULL;
    }
    if (!key.len || key.len > MAX_KEY_BYTES) {
        snprintf(error, error_bytes, "key: %zu bytes; 1 to %d are a key", key.len, MAX_KEY_BYTES);
        return NULL;
    }
    struct signer *signer = malloc(sizeof *signer + key.len + 1);
    if (!signer)
        return NULL;
    signer->algorithm = known;
    signer->key_bytes = (int)key.len;
    memcpy(signer->key, key.ptr, key.len);
    signer->key[key.len] = '\0';
    const struct sign_request trial = {.unix_us = SECOND_US, .life_us = SECOND_US};
    char *token = signer_sign(signer, &trial);
    if (!token) {
        snprintf(error, error_bytes, "key: it does not sign %s; %s", algorithm,
                 known == JWT_ALG_HS256 ? "the file is the secret itself"
                                        : "a private key of that kind in PEM is wanted");
        signer_free(signer);
        return NULL;
    }
    free(token);
    return signer;
}

static json_t *object_of(reprise_bytes token, int part)
{
    char *text = token_part(token, part);
    json_t *json = text ? json_loads(text, 0, NULL) : NULL;
    free(text);
    return json ? json : json_object();
}

static int64_t seconds_of(const json_t *payload, const char *name)
{
    return (int64_t)json_number_value(json_object_get(payload, name));
}

/* exp counts whole seconds: what is cut off would be much of a short life, so that is made longer.
 * Of a long one nothing is missed, and exp - iat, which some targets look at, is what was asked
 * for; so it is of a recorded life that leaves anything. */
static int64_t end_of(const struct sign_request *request, int64_t now_s, int64_t recorded_s)
{
    int64_t latest_us =
        request->latest_us > request->unix_us ? request->latest_us : request->unix_us;
    int64_t life_us = request->life_us > 0 ? request->life_us : recorded_s * SECOND_US;
    int64_t is_short_us = request->life_us > 0 ? SHORT_LIFE_US : SHORT_RECORDED_US;
    if (life_us >= is_short_us)
        return now_s + life_us / SECOND_US;
    return (latest_us + life_us + SECOND_US - 1) / SECOND_US;
}

static json_t *new_payload(const struct sign_request *request)
{
    char id[40];
    json_t *payload = object_of(request->like, 1);
    int64_t now_s = request->unix_us / SECOND_US;
    int64_t recorded_s = seconds_of(payload, "exp") - seconds_of(payload, "iat");
    if (!seconds_of(payload, "iat") || recorded_s <= 0)
        recorded_s = LIFE_S;
    json_object_set_new(payload, "iat", json_integer(now_s));
    json_object_set_new(payload, "exp", json_integer(end_of(request, now_s, recorded_s)));
    if (json_object_get(payload, "nbf"))
        json_object_set_new(payload, "nbf", json_integer(now_s));
    snprintf(id, sizeof id, "%016" PRIx64 "%016" PRIx64, request->chance[0], request->chance[1]);
    json_object_set_new(payload, "jti", json_string(id));
    if (request->sub)
        json_object_set_new(payload, "sub", json_string(request->sub));
    return payload;
}

/* kid and whatever else the recorded header has; libjwt writes alg and typ. */
static int copy_header(jwt_t *jwt, reprise_bytes like)
{
    json_t *header = object_of(like, 0);
    json_object_del(header, "alg");
    json_object_del(header, "typ");
    char *text = json_object_size(header) ? json_dumps(header, JSON_COMPACT) : NULL;
    int result = text ? jwt_add_headers_json(jwt, text) : 0;
    free(text);
    json_decref(header);
    return result;
}

char *signer_sign(const struct signer *signer, const struct sign_request *request)
{
    jwt_t *jwt = NULL;
    char *token = NULL;
    json_t *payload = new_payload(request);
    char *claims = json_dumps(payload, JSON_COMPACT);
    json_decref(payload);
    if (claims && jwt_new(&jwt) == 0 && jwt_add_grants_json(jwt, claims) == 0 &&
        copy_header(jwt, request->like) == 0 &&
        jwt_set_alg(jwt, signer->algorithm, signer->key, signer->key_bytes) == 0)
        token = jwt_encode_str(jwt);
    free(claims);
    if (jwt)
        jwt_free(jwt);
    return token;
}
