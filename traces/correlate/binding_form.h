/*
 * binding_form.h - how a request writes a value that an answer gave: found in what was recorded.
 */
#ifndef REPRISE_TRACES_CORRELATE_BINDING_FORM_H
#define REPRISE_TRACES_CORRELATE_BINDING_FORM_H

#include "traces/correlate/exchange_values.h"

/* A word of binding.form for `value` in `carried`, which the request has decoded at `place`; NULL:
 * it is not in it in any form. Both are read before the exchange is. -1 with err. */
int binding_form_find(struct exchange_values *values, int64_t exchange_id,
                      const struct place *place, struct bytes value, struct bytes carried,
                      const char **ret_form, struct error *err);

#endif
