/*
 * header_params.h - takes the values of headers apart: parameters and auth-params, and the links of
 * a Link header (RFC 8288).
 *
 *     attachment; filename="a.wav"          Digest realm="x", nonce="4f", qop=auth
 *     </jobs?page=2>; rel="next last"
 *
 * Views of the header and no memory; what is no parameter is passed over.
 */
#ifndef REPRISE_TRACES_PLACES_HEADER_PARAMS_H
#define REPRISE_TRACES_PLACES_HEADER_PARAMS_H

#include "core/bytes.h"

struct header_param {
    struct bytes name;
    struct bytes value; /* as written, without its quotes */
    bool is_quoted;     /* decode_quoted() undoes what escapes it has */
};

/*
 * The next NAME=VALUE at the front of *rest, and past it. `only_semicolons`: as in Set-Cookie,
 * where a comma belongs to the value; else a comma ends one as well.
 */
bool header_param_next(struct bytes *rest, bool only_semicolons, struct header_param *ret_param);

/* The first parameter of that name (any case), counted from `number` 1. */
bool header_param_find(struct bytes value, bool only_semicolons, struct bytes name, uint32_t number,
                       struct header_param *ret_param);

struct header_link {
    struct bytes target;
    struct bytes relations; /* "next last"; empty without any */
};

bool header_link_next(struct bytes *rest, struct header_link *ret_link);

/* Is `relation` one of them (any case)? */
bool header_link_is(const struct header_link *link, struct bytes relation);

#endif
