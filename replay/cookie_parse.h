/*
 * cookie_parse.h - what one Set-Cookie header says (RFC 6265 sections 5.1.1 and 5.2).
 */
#ifndef REPRISE_REPLAY_COOKIE_PARSE_H
#define REPRISE_REPLAY_COOKIE_PARSE_H

#include "core/bytes.h"

#define COOKIE_FOR_EVER INT64_MAX

/* Views into the header's value. */
struct set_cookie {
    struct bytes name, value;
    struct bytes domain; /* without its leading dot; empty: none was said */
    struct bytes path;   /* empty: the default (5.1.4) */
    bool is_secure;
    int64_t expires_unix_s; /* 0: at once; COOKIE_FOR_EVER: with the session */
};

/* False for what is no cookie: no '=', no name. */
bool set_cookie_parse(struct bytes text, int64_t now_unix_s, struct set_cookie *ret_cookie);

/* The forgiving way in which cookie dates are read. */
bool cookie_date_parse(struct bytes text, int64_t *ret_unix_s);

#endif
