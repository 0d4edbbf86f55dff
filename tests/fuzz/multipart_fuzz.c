/* multipart_fuzz.c - a line as Content-Type, then any bytes as a body: parts are views of it, one
 * behind the other, and hold no boundary. */
#include <assert.h>
#include <stdlib.h>

#include "traces/places/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes body = bytes_make(data, size), type;
    struct multipart multipart;
    struct multipart_part part;
    if (!bytes_split(&body, '\n', &type) || !body.ptr)
        return 0;
    const char *at = body.ptr, *end = body.ptr + body.len;
    if (!multipart_start(&multipart, type, body))
        return 0;
    assert(multipart.boundary.len > 0 && multipart.boundary.len <= MULTIPART_MAX_BOUNDARY_BYTES);
    while (multipart_next(&multipart, &part)) {
        assert(part.content.ptr >= at && part.content.ptr + part.content.len <= end);
        at = part.content.ptr + part.content.len;
        assert(!part.name.ptr || (part.name.ptr > body.ptr && part.name.ptr <= at));
        /* A line of the boundary alone would have ended it. */
        char wanted[MULTIPART_MAX_BOUNDARY_BYTES + 5] = "\n--";
        memcpy(wanted + 3, multipart.boundary.ptr, multipart.boundary.len);
        memcpy(wanted + 3 + multipart.boundary.len, "--", 2);
        assert(!part.content.len ||
               !memmem(part.content.ptr, part.content.len, wanted, multipart.boundary.len + 5));
    }
    return 0;
}
