/*
 * fields.h - where a field's value stands in a=1&b=2, the text of forms and queries.
 */
#ifndef VARY_FIELDS_H
#define VARY_FIELDS_H

#include "../common/text.h"

/* The `index`-th value of that name (from 0), as written. false: there is none. */
bool field_find(const char *text, size_t len, const char *name, size_t index, size_t *ret_at,
                size_t *ret_len);

/* %41 and + as in forms; what is no escape stays. */
void field_decode(const char *text, size_t len, struct text *into);
/* All but letters, digits and -._~ as %XX: right in forms and in queries. */
void field_encode(const char *bytes, size_t len, struct text *into);

#endif
