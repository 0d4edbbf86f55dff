/* header_params_fuzz.c - any bytes as a header's value: its parameters and links are views of it,
 * in its order. */
#include <assert.h>
#include <stdlib.h>

#include "traces/places/header_params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_view(struct bytes view, struct bytes in)
{
    assert(view.ptr && view.ptr >= in.ptr && view.ptr + view.len <= in.ptr + in.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes value = bytes_make(data, size), rest;
    struct header_param param, found;
    struct header_link link;
    if (!size)
        return 0;
    for (int only_semicolons = 0; only_semicolons < 2; only_semicolons++) {
        const char *at = value.ptr;
        rest = value;
        while (header_param_next(&rest, only_semicolons, &param)) {
            check_view(param.name, value);
            check_view(param.value, value);
            assert(param.name.len > 0 && param.name.ptr >= at && param.value.ptr > param.name.ptr);
            at = param.value.ptr + param.value.len;
            assert(header_param_find(value, only_semicolons, param.name, 1, &found));
            assert(found.name.ptr <= param.name.ptr);
        }
        assert(!rest.len);
    }
    rest = value;
    for (size_t left = rest.len; header_link_next(&rest, &link); left = rest.len) {
        assert(rest.len < left);
        check_view(link.target, value);
        check_view(link.relations, value);
    }
    return 0;
}
