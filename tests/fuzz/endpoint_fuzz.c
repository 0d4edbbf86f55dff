/* endpoint_fuzz.c - any target has a template that fits its room and ends. */
#include <stdlib.h>

#include "traces/endpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char out[ENDPOINT_TEMPLATE_BYTES];
    struct bytes got = endpoint_template(bytes_make(data, size), out);
    if (got.ptr != out || got.len >= sizeof out || out[got.len] != '\0')
        abort();
    return 0;
}
