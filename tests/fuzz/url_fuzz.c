/* url_fuzz.c - any bytes as a URL; what is accepted can be put together again. */
#include <assert.h>
#include <stdlib.h>

#include "core/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_make(data, size);
    struct url url;
    if (url_parse(in, &url))
        return 0;
    assert(url.host.len > 0 && url.target.len > 0 && url.port > 0);
    assert(bytes_index_of(url.target, '#') == url.target.len);
    assert(bytes_index_of(url.authority, '@') == url.authority.len);
    /* scheme "://" authority target is how the text starts; a lone "/" may have been added. */
    size_t at = url.scheme.len + 3 + url.authority.len;
    assert(url.scheme.ptr == in.ptr && url.authority.ptr == in.ptr + url.scheme.len + 3);
    if (url.target.ptr == in.ptr + at)
        assert(at + url.target.len <= in.len);
    else
        assert(bytes_equal(url.target, bytes_of("/")));
    for (size_t i = url.scheme.len + 3; i < at; i++)
        assert((unsigned char)in.ptr[i] > ' ' && in.ptr[i] != 0x7f);
    return 0;
}
