/*
 * endpoint.h - which requests something is about, as options say it: a method and a path with
 * stars.
 *
 * In a path '*' stands for one segment or a part of it, '**' for anything; the query is left out.
 */
#ifndef PLUGINS_COMMON_ENDPOINT_H
#define PLUGINS_COMMON_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

/* "" for method or path is any. Neither of the request's needs a '\0' behind it; `url` may be
 * absolute. */
bool endpoint_matches(const char *method_wanted, const char *path_wanted, const char *method,
                      size_t method_bytes, const char *url, size_t url_bytes);

/* A word that can only be a method: 1 to 15 capitals. */
bool endpoint_is_method(const char *word, size_t bytes);

#endif
