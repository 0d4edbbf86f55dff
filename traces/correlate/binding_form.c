/* binding_form.c - tries the forms, the plainest first. */
#include "traces/correlate/binding_form.h"

#include "traces/correlate/value_match.h"

/* What the place undoes for itself: `written` is its text as it stands in the request. */
static const char *form_of_escaped(struct bytes value, struct bytes written)
{
    if (value_is_in(value, written, bytes_of("raw")))
        return "raw";
    return bytes_index_of(written, '+') < written.len ? "plus" : "percent";
}

int binding_form_find(struct exchange_values *values, int64_t exchange_id,
                      const struct place *place, struct bytes value, struct bytes carried,
                      const char **ret_form, struct error *err)
{
    static const char *const coded[] = {"percent", "html", "base64", "base64url", "hex"};
    enum place_kind kind = place->steps[0].kind;
    bool is_escaped = kind == PLACE_PATH || kind == PLACE_QUERY || kind == PLACE_FORM;
    struct bytes written;
    *ret_form = NULL;
    if (value_is_in(value, carried, bytes_of("raw"))) {
        *ret_form = "raw";
        if (is_escaped && exchange_values_written(values, exchange_id, place, &written, err))
            return -1;
        if (is_escaped)
            *ret_form = form_of_escaped(value, written);
        return 0;
    }
    for (size_t i = 0; i < sizeof coded / sizeof coded[0] && !*ret_form; i++) {
        if (value_is_in(value, carried, bytes_of(coded[i])))
            *ret_form = coded[i];
    }
    return 0;
}
