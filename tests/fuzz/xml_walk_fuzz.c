/* xml_walk_fuzz.c - a line as a way, then any bytes as XML: tags match, and what is found is a view
 * or fits. */
#include <assert.h>
#include <stdlib.h>

#include "traces/places/place.h"
#include "traces/places/xml_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_view(struct bytes view, struct bytes in)
{
    assert(!view.ptr || (view.ptr >= in.ptr && view.ptr + view.len <= in.ptr + in.len));
}

static void check_walk(struct bytes document)
{
    struct xml_walk walk;
    struct xml_event event;
    struct xml_attribute attribute;
    uint32_t depth = 0;
    size_t count = 0;
    xml_walk_start(&walk, document);
    for (; xml_walk_next(&walk, &event); count++) {
        depth += event.kind == XML_START;
        depth -= event.kind == XML_END;
        assert(depth == walk.depth && depth <= XML_MAX_DEPTH);
        check_view(event.name, document);
        check_view(event.text, document);
        while (event.kind == XML_START && xml_attribute_next(&event.attributes, &attribute)) {
            check_view(attribute.name, document);
            check_view(attribute.value, document);
            assert(attribute.name.len > 0);
        }
    }
    assert(count <= document.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char space[64];
    struct room room = {space, sizeof space};
    struct bytes document = bytes_make(data, size), way;
    struct xml_text text;
    if (!bytes_split(&document, '\n', &way) || !document.ptr)
        return 0;
    check_walk(document);
    if (!place_name_is_valid(PLACE_XML, way))
        return 0;
    xml_find(way, document, room, &text);
    check_view(text.written, document);
    if (text.text.ptr != space && text.text.ptr)
        assert(text.text.len <= document.len);
    else
        assert(text.text.len <= sizeof space);
    return 0;
}
