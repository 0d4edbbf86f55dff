/*
 * tokens.h - what a token says of itself: whether it is a JSON Web Token, and its times.
 *
 * Nothing is verified: whoever is given a token cannot. libjwt is not asked because 1.10 of Debian
 * 12 refuses what real targets give (typ "at+jwt" of RFC 9068, PS256, EdDSA) and reads no fraction
 * of a second.
 */
#ifndef JWT_REFRESH_TOKENS_H
#define JWT_REFRESH_TOKENS_H

#include "text.h"

enum { TOKEN_MIN_BYTES = 8, TOKEN_MAX_BYTES = 16 * 1024 };

/* Since 1970, in microseconds of the target's clock. Seconds as the RFC has them, with or without a
 * fraction; digits in a string and milliseconds are understood, anything else is as if absent. */
struct token_times {
    bool has_exp, has_nbf, has_iat;
    bool has_odd_exp; /* it is there and is no time */
    int64_t exp_us, nbf_us, iat_us;
};

/* Three parts, the first two of them JSON objects. */
bool token_is_jwt(reprise_bytes text);

/* 0, or -1 when it is no JWT. */
int token_read(reprise_bytes text, struct token_times *ret_times);

/* The JSON text of the header (0) or the payload (1); the caller's, NULL when there is none. */
char *token_part(reprise_bytes text, int part);

/* What an answer says of a token, besides the token itself. */
struct token_news {
    struct token_times times;
    int64_t expires_in_us; /* 0: not said */
    int64_t expires_at_us; /* since 1970; 0: not said */
};

/* What is known of the two clocks when the answer came; all since 1970, of our clock. */
struct token_clock {
    int64_t sent_us;     /* when it was asked for: it is not older than that */
    int64_t received_us; /* now */
    bool is_known;       /* the target's clock, by its Date */
    int64_t ahead_us;    /* how far the target's is ahead, at most: for ends */
    int64_t least_us;    /* and at least: for beginnings */
};

enum token_life {
    TOKEN_LIFE_KNOWN,
    TOKEN_LIFE_UNKNOWN, /* nothing is said */
    TOKEN_LIFE_ABSURD   /* exp in the past, in 1970, before iat: not to be believed */
};

/* Until when, by our clock, the token is surely good; and from when, 0: at once. */
enum token_life token_good_until(const struct token_news *news, const struct token_clock *clock,
                                 int64_t *ret_until_us, int64_t *ret_from_us);

#endif
