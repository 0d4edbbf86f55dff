/* gate.h - what every request passes before its handler: route, limits, identity, size. */
#ifndef VOICELAB_GATE_H
#define VOICELAB_GATE_H

struct request;

/* With the headers read. `path` is the target without its query, unescaped. May answer. */
void gate_enter(struct request *rq, const char *method, const char *path);

/* The token of "Authorization: Bearer x", or of the query where a route allows it; or NULL. */
const char *gate_bearer(const struct request *rq);

/* 429 with Retry-After when the signup limit of this address is used up. */
void gate_limit_signup(struct request *rq);

#endif
