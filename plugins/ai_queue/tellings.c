/* tellings.c - what an event of a stream, or a message, says of a job. */
#include "tellings.h"

#include <stdio.h>

#include "lists.h"

static void read_id(const char *pointer, struct telling *ret)
{
    char parent[POINTER_MAX_BYTES];
    const char *key;
    snprintf(parent, sizeof parent, "%s", pointer);
    char *last = strrchr(parent, '/');
    if (last)
        *last = '\0';
    ret->id = list_own_id(answer_at(ret->root, parent), &key, ret->number);
    if (!ret->id.ptr)
        ret->id = list_own_id(ret->root, &key, ret->number);
}

void telling_read(const struct words *words, struct span name, struct span data,
                  struct telling *ret)
{
    struct state_found found = {0};
    *ret = (struct telling){.root = answer_parse(data)};
    if (!answer_find_event(words, ret->root, &found)) {
        found = (struct state_found){.state = words_event(words, name)};
        if (found.state == STATE_UNKNOWN && !ret->root) /* data: done */
            found.state = words_event(words, data);
        snprintf(found.word, sizeof found.word, "%s", state_name(found.state));
    }
    ret->state = found.state;
    memcpy(ret->word, found.word, sizeof ret->word);
    read_id(found.pointer, ret);
}

void telling_fini(struct telling *telling)
{
    json_decref(telling->root);
    telling->root = NULL;
}
