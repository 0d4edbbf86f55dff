/* plan_bodies.c - counts who uses a body, and frees what nobody does. */
#include "replay/plan/plan_bodies.h"

#include <stdlib.h>

static struct bytes key_of(const struct plan_body *body)
{
    return bytes_make(&body->body_id, sizeof body->body_id);
}

/* With the map's slots for it, about. */
static size_t cost_of(const struct plan_body *body)
{
    return sizeof *body + 2 * sizeof(struct map_entry) + body->content.len;
}

void plan_bodies_init(struct plan_bodies *bodies)
{
    *bodies = (struct plan_bodies){0};
    map_init(&bodies->map);
}

void plan_bodies_fini(struct plan_bodies *bodies)
{
    struct map_entry *entry;
    for (size_t position = 0; map_next(&bodies->map, &position, &entry);)
        free(entry->value);
    map_fini(&bodies->map);
    bodies->used_bytes = 0;
}

struct plan_body *plan_bodies_take(struct plan_bodies *bodies, int64_t body_id)
{
    struct plan_body *body = map_get(&bodies->map, bytes_make(&body_id, sizeof body_id));
    if (body)
        body->users++;
    return body;
}

struct plan_body *plan_bodies_add(struct plan_bodies *bodies, int64_t body_id, struct bytes content)
{
    struct plan_body *body = malloc(sizeof *body + content.len + 1);
    if (!body)
        return NULL;
    char *copy = (char *)(body + 1);
    if (content.len)
        memcpy(copy, content.ptr, content.len);
    copy[content.len] = '\0';
    *body = (struct plan_body){
        .body_id = body_id, .users = 1, .content = bytes_make(copy, content.len)};
    if (map_set(&bodies->map, key_of(body), body)) {
        free(body);
        return NULL;
    }
    bodies->used_bytes += cost_of(body);
    return body;
}

void plan_bodies_drop(struct plan_bodies *bodies, struct plan_body *body)
{
    if (--body->users)
        return;
    bodies->used_bytes -= cost_of(body);
    map_remove(&bodies->map, key_of(body));
    free(body);
}
