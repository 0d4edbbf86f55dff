/* html_walk_fuzz.c - any bytes as a page: values are views of it, in its order. */
#include <assert.h>
#include <stdlib.h>

#include "traces/places/html_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_view(struct bytes view, struct bytes in)
{
    assert(!view.ptr || (view.ptr >= in.ptr && view.ptr + view.len <= in.ptr + in.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes page = bytes_make(data, size);
    struct html_walk walk;
    struct html_item item;
    uint32_t script = 0;
    size_t count = 0;
    html_walk_start(&walk, page);
    for (; html_walk_next(&walk, &item); count++) {
        check_view(item.name, page);
        check_view(item.value, page);
        assert(item.value.len > 0);
        if (item.kind == PLACE_HTML_SCRIPT)
            assert(item.script > script);
        else
            assert(item.kind == PLACE_HTML_HREF || item.name.len > 0);
        script = item.script > script ? item.script : script;
    }
    assert(count <= size / 4); /* the shortest attribute with a value, "src=a", and its tag */
    return 0;
}
