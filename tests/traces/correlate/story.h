/*
 * story.h - sessions told in a few lines to the finder, and the bindings that it finds in them.
 *
 *     session 1 ann
 *     1 POST /auth/login 200 | body:/email=a@b.c -> body:/access_token=t1 cookie:sid=5
 *     2 GET /jobs/{id} 200   | path:2=job_1 header:Authorization=Bearer~t1 ->
 *     @ 3                    # the answer that was told last ended behind the next 3 requests
 *
 * One line is an exchange: its id, method, template, status, what its request carries and what its
 * answer gives. '~' is a space, "%=" in place of '=' says that the value was written with %XX. A
 * second passes with each line.
 */
#ifndef REPRISE_TESTS_TRACES_CORRELATE_STORY_H
#define REPRISE_TESTS_TRACES_CORRELATE_STORY_H

#include "core/buf.h"
#include "traces/correlate/finder.h"

#define STORY_ORIGIN_UNIX_US 1700000000000000

struct story_found {
    struct buf lines; /* "1 body:/id -> 2 path:2\n", forms other than raw behind it: "as percent" */
    size_t count;
    struct buf report; /* what people are shown of it */
};

/* Tells it and collects what is found. A failure fails the test. */
void story_tell(const char *text, double min_score, struct story_found *ret_found);
void story_found_fini(struct story_found *found);

bool story_has(const struct story_found *found, const char *line);

#endif
