/* endpoint.c - which requests something is about: a method and a path with stars. */
#include "endpoint.h"

#include <string.h>

/* '*' stops at a '/', '**' does not. The last star that was met takes one byte more whenever what
 * follows it does not fit; a '*' that cannot grow any more falls back to the last '**'. */
static bool path_matches(const char *pattern, const char *path, size_t path_bytes)
{
    const char *star = NULL, *any = NULL;
    size_t at = 0, star_at = 0, any_at = 0;
    while (at < path_bytes || *pattern) {
        if (pattern[0] == '*' && pattern[1] == '*') {
            pattern += 2;
            any = pattern, any_at = at, star = NULL;
        } else if (pattern[0] == '*') {
            star = ++pattern, star_at = at;
        } else if (at < path_bytes && *pattern == path[at]) {
            pattern++, at++;
        } else if (star && star_at < path_bytes && path[star_at] != '/') {
            pattern = star, at = ++star_at;
        } else if (any && any_at < path_bytes) {
            pattern = any, at = ++any_at, star = NULL;
        } else {
            return false;
        }
    }
    return true;
}

static void cut_path(const char **url, size_t *bytes)
{
    const char *end = *url + *bytes, *at = *url;
    for (const char *c = at; c + 2 < end && *c != '/' && *c != '?'; c++)
        if (c[0] == ':' && c[1] == '/' && c[2] == '/') {
            at = c + 3;
            while (at < end && *at != '/' && *at != '?' && *at != '#')
                at++;
            break;
        }
    const char *stop = at;
    while (stop < end && *stop != '?' && *stop != '#')
        stop++;
    *url = at;
    *bytes = (size_t)(stop - at);
}

bool endpoint_matches(const char *method_wanted, const char *path_wanted, const char *method,
                      size_t method_bytes, const char *url, size_t url_bytes)
{
    if (method_wanted[0] &&
        (strlen(method_wanted) != method_bytes || memcmp(method_wanted, method, method_bytes) != 0))
        return false;
    if (!path_wanted[0])
        return true;
    cut_path(&url, &url_bytes);
    return url_bytes ? path_matches(path_wanted, url, url_bytes)
                     : path_matches(path_wanted, "/", 1);
}

bool endpoint_is_method(const char *word, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (word[i] < 'A' || word[i] > 'Z')
            return false;
    return bytes > 0 && bytes < 16;
}
