/*
 * token_target.h - a target that gives tokens and means them, as a transport on the test's clock.
 *
 * POST /auth/login and POST /auth/refresh give a pair, POST /keys a key; any other path wants a
 * good token (Authorization, X-API-Key, ?token= or the cookie sid) and answers 401 without; /never
 * always does. Tokens end on a whole second of its own clock, refresh tokens are good once.
 * POST /jobs gives a job, GET /jobs/ and its id how far it is.
 */
#ifndef REPRISE_TESTS_PLUGINS_TOKEN_TARGET_H
#define REPRISE_TESTS_PLUGINS_TOKEN_TARGET_H

#include "replay/transport/transport.h"

enum token_fault { FAULT_NONE, FAULT_500, FAULT_HANG, FAULT_HTML, FAULT_REFUSED };

/* What it writes into exp; the token itself is good as long as it says in ttl_us. */
enum token_exp { EXP_TRUE, EXP_PAST, EXP_1970, EXP_DIGITS, EXP_WORD, EXP_NO_JWT };

enum { TOKEN_TARGET_MAX_REFRESHES = 200000 };

struct token_target {
    uint64_t ttl_us, delay_us;
    int64_t skew_us; /* its clock ahead of ours */
    uint64_t nbf_us; /* tokens are good so much later, cut to the second; 0: at once */
    bool has_no_date, has_no_expires_in, gives_no_refresh, takes_any_token;
    /* Of tokens that were signed elsewhere, at this moment of the target; NULL: by what was given.
     */
    bool (*judges)(const char *token, int64_t unix_us);
    enum token_exp exp;
    enum token_fault refresh_fault, login_fault;
    int fault_count;       /* answers spoilt by them; -1: all */
    uint64_t lag_us;       /* the first new token is known everywhere so much later */
    uint64_t revoke_at_us; /* of the run: all tokens until then; 0: never */
    uint64_t job_us;       /* how long a job takes */
    /* What it saw. */
    uint32_t logins, refreshes, served, refused, keys;
    uint32_t refresh_attempts; /* whatever came of them */
    uint32_t jobs, polls;
    uint64_t job_began_us; /* the last one */
    uint64_t first_served_at_us;
    uint64_t refreshed_at_us[TOKEN_TARGET_MAX_REFRESHES];
    char last_refused[80], last_token[1200];
};

extern struct token_target token_target;
extern const struct transport_ops token_transport;

#define TOKEN_TARGET_UNIX_S INT64_C(1700000000) /* of the run's 0, on our clock */

/* As after the start: 5 s tokens, 10 ms to answer, nothing seen. */
void token_target_reset(void);

#endif
