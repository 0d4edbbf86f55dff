/*
 * endpoint.h - what a request asks for with the ids taken out: `GET /jobs/{id}`.
 *
 * A segment of the path that looks like an id, and not like a word, becomes {id}:
 *
 *     digits                         /jobs/4711, /orders/2024-05-01
 *     UUID, hex from 8 digits on     /f/9b2e0c4d-..., /blob/5f3a9c1d
 *     a mix of letters and digits    /u/V1StGXR8_Z5jdHi6B, /t/01ARZ3NDEKTSV4RRFFQ69G5FAV
 *     letters in mixed case          /dl/TuANnuikSmHC; not /getUserName, /wiki/OpenStreetMap
 *     a word, a separator, an id     /jobs/job_8f3a11c9, /users/user-4711
 *     an address                     /users/ann@example.com
 *
 * What is made of letters and digits is held against how names are made (word_odds.h): of ten
 * random ones some 3% pass for a name, of an id with its kind in front ("vc_") 0.6%. Who must know,
 * looks at values as well, as correlation does.
 *
 * The extension of the last segment stays: /clips/8842.wav is /clips/{id}.wav. Query, fragment and
 * what follows ';' in a segment are left out, as are scheme and authority of an absolute target.
 */
#ifndef REPRISE_TRACES_ENDPOINT_H
#define REPRISE_TRACES_ENDPOINT_H

#include "core/bytes.h"

/* A longer template ends in "{more}", as does one of more than ENDPOINT_MAX_SEGMENTS segments. */
#define ENDPOINT_MAX_SEGMENTS 24
#define ENDPOINT_TEMPLATE_BYTES 256

/* Into `out`, with '\0'; returns a view of it. */
struct bytes endpoint_template(struct bytes target, char out[ENDPOINT_TEMPLATE_BYTES]);

/* Is it that endpoint, or one with words where that has ids? "GET /voices/{id}" fits "GET
 * /voices/Ada" as well, since an id may look like a word: let the value decide. */
bool endpoint_fits(struct bytes wanted, struct bytes name);

#endif
