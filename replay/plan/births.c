/* births.c - finds values in an answer by their places. */
#include "replay/plan/births.h"

#include "core/json_scan.h"
#include "traces/places/json_leaves.h"

/* What people's APIs have most: found together, and without looking at the body again. */
static bool is_plain_json(const struct place *place)
{
    return place->step_count == 1 && place->steps[0].kind == PLACE_BODY &&
           !place->steps[0].name_is_escaped;
}

void births_begin(struct births_reader *reader, const struct birth *births, uint32_t count,
                  const struct http_response *response, struct place_scratch *scratch)
{
    struct json_wanted wanted[BIRTHS_AT_ONCE];
    uint32_t wanted_by[BIRTHS_AT_ONCE];
    size_t wanted_count = 0;
    reader->message = (struct message_view){.side = PLACE_IN_ANSWER,
                                            .headers = response->headers,
                                            .header_count = response->header_count,
                                            .body = response->body};
    reader->scratch = scratch;
    for (uint32_t i = 0; i < count; i++) {
        reader->written[i] = (struct bytes){0};
        if (!is_plain_json(&births[i].place))
            continue;
        wanted_by[wanted_count] = i;
        wanted[wanted_count++] = (struct json_wanted){.pointer = births[i].place.steps[0].name};
    }
    if (!wanted_count || !json_find(json_part(response->body), wanted, wanted_count))
        return;
    for (size_t i = 0; i < wanted_count; i++) {
        if (!wanted[i].found.ptr || wanted[i].kind == JSON_SCAN_NULL)
            continue;
        reader->written[wanted_by[i]] = wanted[i].found;
        reader->is_json_string[wanted_by[i]] = wanted[i].kind == JSON_SCAN_STRING;
    }
}

struct bytes births_read(struct births_reader *reader, const struct birth *births, uint32_t i)
{
    static const struct bytes none = {0};
    const struct place *place = &births[i].place;
    struct bytes text = reader->written[i];
    if (!is_plain_json(place))
        text = reader->scratch ? place_find(place, &reader->message, reader->scratch) : none;
    else if (text.ptr && reader->is_json_string[i] && bytes_index_of(text, '\\') < text.len) {
        ssize_t len = json_unescape(text, reader->room, sizeof reader->room);
        if (len < 0)
            return none;
        text = bytes_make(reader->room, (size_t)len);
    }
    return text.ptr && text.len && text.len <= BIRTH_MAX_BYTES ? text : none;
}
