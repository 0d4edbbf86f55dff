/* native_origin.c - a short list, looked through by prefix first. */
#include "replay/transport/native_origin.h"

#include <assert.h>
#include <stdlib.h>

static bool is_same(const struct url *a, const struct url *b)
{
    return a->is_secure == b->is_secure && a->port == b->port &&
           bytes_equal_nocase(a->host, b->host);
}

static void forget_unused(struct native_origins *origins)
{
    struct native_origin **at = &origins->first;
    while (*at) {
        struct native_origin *origin = *at;
        if (origin->references) {
            at = &origin->next;
            continue;
        }
        *at = origin->next;
        origins->count--;
        free(origin);
    }
}

static struct native_origin *add(struct native_origins *origins, const struct url *url)
{
    if (origins->count >= NATIVE_MAX_UNUSED_ORIGINS)
        forget_unused(origins);
    size_t len = url->scheme.len + 3 + url->authority.len;
    struct native_origin *origin = malloc(sizeof *origin + len + 1);
    if (!origin)
        return NULL;
    *origin = (struct native_origin){.next = origins->first, .text_len = len};
    memcpy(origin->text, url->scheme.ptr, len); /* the two lie side by side in a URL */
    origin->text[len] = '\0';
    if (url_parse(bytes_make(origin->text, len), &origin->url)) {
        free(origin);
        return NULL;
    }
    origins->first = origin;
    origins->count++;
    return origin;
}

int native_origin_find(struct native_origins *origins, struct bytes text,
                       struct native_origin **ret_origin)
{
    struct url url;
    struct native_origin *origin;
    for (origin = origins->first; origin; origin = origin->next) {
        if (native_origin_begins(origin, text)) {
            *ret_origin = origin;
            return 0;
        }
    }
    if (url_parse(text, &url) || ascii_lower(url.scheme.ptr[0]) != 'h')
        return -1;
    for (origin = origins->first; origin; origin = origin->next) {
        if (is_same(&origin->url, &url))
            break;
    }
    *ret_origin = origin ? origin : add(origins, &url);
    return 0;
}

void native_origins_fini(struct native_origins *origins)
{
    forget_unused(origins);
    assert(!origins->first);
}
