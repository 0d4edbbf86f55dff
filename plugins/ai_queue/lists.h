/*
 * lists.h - one list that is asked for all jobs: [{"id":"j1","status":"queued"}, ...], wherever in
 * an answer it is.
 *
 * An element tells of a job when it has a state; its identifier is the one of the object that has
 * the state, or of the element: "id", else the first field that is named like one.
 */
#ifndef AI_QUEUE_LISTS_H
#define AI_QUEUE_LISTS_H

#include "answers.h"

struct list_item {
    const char *list;                   /* where the array is: a JSON pointer */
    char id_pointer[POINTER_MAX_BYTES]; /* in the element, as found.pointer */
    struct span id;
    struct state_found found;
};

/* Every element with an identifier and a state; `item` is good for the call. */
typedef void (*list_item_fn)(void *owner, const struct list_item *item);
void list_each(const struct words *words, const json_t *root, list_item_fn each, void *owner);

/* The element with this identifier; NULL: there is none. */
const json_t *list_find(const json_t *root, const char *list, const char *id_pointer,
                        struct span id);

/* The identifier of an object by its own fields, its name in *ret_key. ptr is NULL without. */
struct span list_own_id(const json_t *object, const char **ret_key, char number[32]);

#endif
