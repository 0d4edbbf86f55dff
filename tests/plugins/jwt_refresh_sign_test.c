/* jwt_refresh_sign_test.c - tokens signed here are what a target with the key takes for its own. */
#include "plugins/jwt_refresh/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jwt.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "tests/plugins/jwt_text.h"

#define SECOND INT64_C(1000000)
#define NOW (1700000000 * SECOND)

static const char secret[] = "a secret of thirty-two characters";

/* A key pair in PEM; the caller's. */
static void make_pair(EVP_PKEY *key, char **ret_private, char **ret_public)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *text;
    assert_int_equal(PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
    long len = BIO_get_mem_data(out, &text);
    *ret_private = text_copy(text_from(text, (size_t)len));
    BIO_free(out);
    out = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(out, key), 1);
    len = BIO_get_mem_data(out, &text);
    *ret_public = text_copy(text_from(text, (size_t)len));
    BIO_free(out);
    EVP_PKEY_free(key);
}

/* Signs like the recorded token, checks it with `public`, and gives what is in it. */
static jwt_t *sign_and_check(const char *algorithm, const char *private, const char *public,
                             const struct sign_request *request)
{
    char error[200] = "";
    jwt_t *jwt = NULL;
    struct signer *signer = signer_new(algorithm, text_of(private), error, sizeof error);
    if (!signer)
        fail_msg("%s", error);
    char *token = signer_sign(signer, request);
    assert_non_null(token);
    assert_int_equal(jwt_decode(&jwt, token, (const unsigned char *)public, (int)strlen(public)),
                     0);
    assert_string_equal(jwt_alg_str(jwt_get_alg(jwt)), algorithm);
    free(token);
    signer_free(signer);
    return jwt;
}

static void each_algorithm_is_verified_with_its_public_key(void **state)
{
    (void)state;
    const struct sign_request request = {.unix_us = NOW, .life_us = 60 * SECOND, .sub = "u7"};
    char *private, *public;
    jwt_free(sign_and_check("HS256", secret, secret, &request));
    make_pair(EVP_RSA_gen(2048), &private, &public);
    jwt_free(sign_and_check("RS256", private, public, &request));
    free(private);
    free(public);
    make_pair(EVP_EC_gen("P-256"), &private, &public);
    jwt_t *jwt = sign_and_check("ES256", private, public, &request);
    assert_string_equal(jwt_get_grant(jwt, "sub"), "u7");
    assert_int_equal(jwt_get_grant_int(jwt, "exp"), 1700000060);
    jwt_free(jwt);
    free(private);
    free(public);
}

static void claims_are_the_recorded_ones_but_for_the_times(void **state)
{
    (void)state;
    char *like = jwt_text("{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}",
                          "{\"iss\":\"https://id.test\",\"sub\":\"recorded\",\"roles\":[\"a\"],"
                          "\"iat\":1600000000,\"nbf\":1600000000,\"exp\":1600000300,"
                          "\"jti\":\"old\"}");
    const struct sign_request request = {.like = text_of(like), .unix_us = NOW, .chance = {1, 2}};
    jwt_t *jwt = sign_and_check("HS256", secret, secret, &request);
    assert_string_equal(jwt_get_grant(jwt, "sub"), "recorded");
    assert_string_equal(jwt_get_grant(jwt, "iss"), "https://id.test");
    assert_string_equal(jwt_get_header(jwt, "kid"), "k1");
    assert_int_equal(jwt_get_grant_int(jwt, "iat"), 1700000000);
    assert_int_equal(jwt_get_grant_int(jwt, "nbf"), 1700000000);
    assert_int_equal(jwt_get_grant_int(jwt, "exp"), 1700000300); /* as long as the recorded one */
    assert_string_equal(jwt_get_grant(jwt, "jti"), "00000000000000010000000000000002");
    char *roles = jwt_get_grants_json(jwt, "roles");
    assert_string_equal(roles, "[\"a\"]");
    free(roles);
    jwt_free(jwt);
    free(like);
}

/* exp of a token without an iat of its own that lives so long. */
static int64_t exp_of(int64_t unix_us, int64_t latest_us, int64_t life_us)
{
    const struct sign_request request = {
        .unix_us = unix_us, .latest_us = latest_us, .life_us = life_us};
    jwt_t *jwt = sign_and_check("HS256", secret, secret, &request);
    int64_t exp_s = jwt_get_grant_int(jwt, "exp");
    assert_int_equal(jwt_get_grant_int(jwt, "iat"), unix_us / SECOND);
    jwt_free(jwt);
    return exp_s - NOW / SECOND;
}

static void a_short_life_is_never_less_than_was_asked_for(void **state)
{
    (void)state;
    assert_int_equal(exp_of(NOW, 0, SECOND), 1);
    assert_int_equal(exp_of(NOW + 1, 0, SECOND), 2);
    assert_int_equal(exp_of(NOW + SECOND - 1, NOW + SECOND + 1, SECOND), 3);
    assert_int_equal(exp_of(NOW + 1, 0, SECOND * 3 / 2), 2);
    assert_int_equal(exp_of(NOW + SECOND / 2, 0, 59 * SECOND), 60);
    assert_int_equal(exp_of(NOW + SECOND / 2, NOW + 2 * SECOND, 60 * SECOND), 60);
}

static void what_is_no_token_gives_no_claims(void **state)
{
    (void)state;
    const struct sign_request request = {.like = text_of("opaque-token"), .unix_us = NOW};
    jwt_t *jwt = sign_and_check("HS256", secret, secret, &request);
    assert_int_equal(jwt_get_grant_int(jwt, "exp"), 1700000900);
    assert_null(jwt_get_grant(jwt, "sub"));
    jwt_free(jwt);
}

static void a_key_that_does_not_fit_is_refused_at_the_start(void **state)
{
    (void)state;
    char error[200];
    char *private, *public;
    make_pair(EVP_EC_gen("P-256"), &private, &public);
    assert_null(signer_new("none", text_of(secret), error, sizeof error));
    assert_string_equal(error, "sign: 'none' is none of HS256, RS256 and ES256");
    assert_null(signer_new("HS512", text_of(secret), error, sizeof error));
    assert_null(signer_new("HS256", text_of(""), error, sizeof error));
    assert_string_equal(error, "key: 0 bytes; 1 to 65536 are a key");
    assert_null(signer_new("RS256", text_of(secret), error, sizeof error));
    assert_string_equal(error,
                        "key: it does not sign RS256; a private key of that kind in PEM is wanted");
    assert_null(signer_new("RS256", text_of(private), error, sizeof error));
    assert_null(signer_new("ES256", text_of(public), error, sizeof error));
    free(private);
    free(public);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_algorithm_is_verified_with_its_public_key),
        cmocka_unit_test(claims_are_the_recorded_ones_but_for_the_times),
        cmocka_unit_test(a_short_life_is_never_less_than_was_asked_for),
        cmocka_unit_test(what_is_no_token_gives_no_claims),
        cmocka_unit_test(a_key_that_does_not_fit_is_refused_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
