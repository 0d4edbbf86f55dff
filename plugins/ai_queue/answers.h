/*
 * answers.h - what the answer of a target says about jobs: its identifiers, a job's state, how long
 * the queue is.
 *
 * An answer is JSON or nothing here. Reading is bounded: ANSWERS_MAX_BYTES, values to a depth of 8,
 * ANSWERS_MAX_VALUES of them.
 */
#ifndef AI_QUEUE_ANSWERS_H
#define AI_QUEUE_ANSWERS_H

#include <jansson.h>
#include <stdint.h>

#include "urls.h"
#include "words.h"

enum { ANSWERS_MAX_BYTES = 4 * 1024 * 1024, ANSWERS_MAX_VALUES = 10000, POINTER_MAX_BYTES = 512 };

/* Where an identifier is given. A URL's part is its place there. */
struct id_place {
    bool is_header;
    bool is_url, is_query;
    uint32_t index;   /* of the segment */
    const char *name; /* of the header, or a JSON pointer */
    const char *key;  /* of the query parameter, or NULL */
};

/* Where a job's state is. pointer "": nowhere, the status alone tells. */
struct state_found {
    char pointer[POINTER_MAX_BYTES];
    bool is_flag;
    enum job_state state;
    char word[WORDS_MAX_BYTES + 1]; /* as the target writes it */
};

/* NULL: it is no JSON object or array. Once read: json_decref(). */
json_t *answer_parse(struct span body);

/* Its value as text, numbers in `into`. ptr is NULL when it has none. */
struct span answer_text(const json_t *value, char into[32]);

/* A JSON pointer (RFC 6901). NULL: there is nothing. */
const json_t *answer_at(const json_t *root, const char *pointer);

/* The state nearest to the root, not the one at `skip` (NULL: any); of a message or an event also
 * by its type. */
bool answer_find_state(const struct words *words, const json_t *root, const char *skip,
                       struct state_found *ret);
bool answer_find_event(const struct words *words, const json_t *root, struct state_found *ret);

/* At `pointer` alone. False: nothing is there, or a word that nobody knows: ret->word has it. */
bool answer_state_at(const struct words *words, const json_t *root, const char *pointer,
                     struct state_found *ret);

/* Whether jobs ahead are counted: a number in the topmost object. */
bool answer_depth(const json_t *root, uint64_t *ret);

/* Every value that may be an identifier, with its place; place->name is good for the call. */
typedef void (*answer_id_fn)(void *owner, const struct id_place *place, struct span id);
void answer_each_id(const json_t *root, answer_id_fn each, void *owner);

/* Any text in it that is `text`. */
bool answer_has_text(const json_t *root, struct span text);

#endif
