/* births.c - finds values in an answer by their places, and writes them in their form. */
#include "replay/plan/births.h"

#include "core/json_scan.h"
#include "traces/places/place_parts.h"

static struct bytes find_outside_body(const struct place_step *step,
                                      const struct http_response *response)
{
    if (step->kind == PLACE_HEADER)
        return place_find_header(step, response->headers, response->header_count);
    return place_find_set_cookie(step, response->headers, response->header_count, NULL);
}

void births_find(const struct birth *births, uint32_t count, const struct http_response *response,
                 struct birth_found *found)
{
    struct json_wanted wanted[BIRTHS_MAX];
    uint32_t wanted_by[BIRTHS_MAX];
    size_t wanted_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct place_step *step = &births[i].place.steps[0];
        found[i] = (struct birth_found){0};
        if (step->kind == PLACE_BODY) {
            wanted_by[wanted_count] = i;
            wanted[wanted_count++] = (struct json_wanted){.pointer = step->name};
        } else {
            found[i].written = find_outside_body(step, response);
        }
    }
    if (!wanted_count || !json_find(response->body, wanted, wanted_count))
        return;
    for (size_t i = 0; i < wanted_count; i++) {
        if (wanted[i].found.ptr && wanted[i].kind != JSON_SCAN_NULL)
            found[wanted_by[i]] =
                (struct birth_found){wanted[i].found, wanted[i].kind == JSON_SCAN_STRING};
    }
}

struct bytes birth_read(const struct birth *birth, const struct birth_found *found, char *room)
{
    static const struct bytes none = {0};
    struct bytes text = found->written;
    if (!text.ptr)
        return none;
    if (found->is_json_string && bytes_index_of(text, '\\') < text.len) {
        ssize_t len = json_unescape(text, room, BIRTH_MAX_BYTES);
        if (len < 0)
            return none;
        text = bytes_make(room, (size_t)len);
    }
    if (birth->place.step_count > 1)
        text = place_find_in_url(&birth->place.steps[1], text);
    return text.ptr && text.len && text.len <= BIRTH_MAX_BYTES ? text : none;
}

/* RFC 3986 2.3. */
static bool is_unreserved(unsigned char c)
{
    return ascii_is_alpha((char)c) || ascii_is_digit((char)c) || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

static bool stays(enum value_form form, unsigned char c)
{
    if (form == VALUE_PERCENT)
        return is_unreserved(c);
    if (form == VALUE_IN_TARGET)
        return is_unreserved(c) || (c && strchr("!$'()*+,;=:@%", c));
    return form == VALUE_IN_JSON ? c >= 0x20 && c != '"' && c != '\\' : true;
}

size_t value_form_len(enum value_form form, struct bytes text)
{
    size_t len = text.len;
    if (form == VALUE_AS_IS || form == VALUE_IN_BODY)
        return len;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (!stays(form, c))
            len += form != VALUE_IN_JSON ? 2 : c < 0x20 ? 5 : 1;
    }
    return len;
}

void value_form_write(enum value_form form, struct bytes text, char *out)
{
    static const char hex[] = "0123456789ABCDEF";
    if (form == VALUE_IN_JSON) {
        json_escape(text, out, text.len * JSON_MAX_ESCAPE_BYTES);
        return;
    }
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (stays(form, c)) {
            *out++ = (char)c;
        } else {
            *out++ = '%';
            *out++ = hex[c >> 4];
            *out++ = hex[c & 15];
        }
    }
}
