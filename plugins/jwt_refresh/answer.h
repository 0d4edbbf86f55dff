/*
 * answer.h - the tokens in an answer: where they are, and what they are.
 *
 * Found by the names people give them (OAuth 2 and its camelCase, headers, cookies of sessions) and
 * by looking like a JWT. A place once found in the recording is where the live answer is read.
 */
#ifndef JWT_REFRESH_ANSWER_H
#define JWT_REFRESH_ANSWER_H

#include "fields.h"
#include "tokens.h"

enum token_in { TOKEN_NOWHERE, TOKEN_IN_BODY, TOKEN_IN_HEADER, TOKEN_IN_COOKIE };

struct token_place {
    enum token_in in;
    char *name; /* JSON pointer, header, cookie */
};

struct answer_places {
    struct token_place access, refresh;
    char *expires; /* pointer of a number: seconds to live, or since 1970; NULL: none */
};

struct answer {
    uint32_t status;
    const reprise_header *headers;
    size_t header_count;
    reprise_bytes body;
};

/* Where the user says they are, as pointers; NULL: find them. */
struct answer_hints {
    const char *access_path, *refresh_path, *expires_path;
};

struct answer_tokens {
    char *access;  /* NULL: there is none */
    char *refresh; /* NULL likewise */
    bool is_jwt;
    struct token_news news;
    bool is_own; /* signed here, and in no answer */
};

/* Whether there is an access token, or the cookie of a session. Then *ret_places is the caller's.
 */
bool answer_find(const struct answer *answer, const struct answer_hints *hints,
                 struct answer_places *ret_places);
/* At these places; where there is nothing, wherever it is found. False: no access token. Then
 * nothing has to be freed. */
bool answer_read(const struct answer *answer, const struct answer_places *places,
                 const struct answer_hints *hints, struct answer_tokens *ret_tokens);

void answer_places_free(struct answer_places *places);
void answer_tokens_free(struct answer_tokens *tokens);

/* Whether a cookie's name sounds like it carries a session. */
bool answer_is_session_cookie(reprise_bytes name);
/* Of a Set-Cookie header: name=value in front, and what follows. False: it is another header. */
bool answer_split_cookie(const reprise_header *header, reprise_bytes *ret_name,
                         reprise_bytes *ret_value, reprise_bytes *ret_attributes);

/* Long enough and without blanks. */
bool answer_may_be_token(reprise_bytes text);

#endif
