/* recorded.c - looks for a setting's value where it would be set. */
#include "recorded.h"

#include "fields.h"

#include "../common/endpoint.h"
#include "../common/json_place.h"

#include <string.h>
#include <strings.h>

static bool has_header(const reprise_recorded *recorded, const char *name)
{
    for (size_t i = 0; i < recorded->request_header_count; i++) {
        reprise_bytes header = recorded->request_headers[i].name;
        if (header.len == strlen(name) && strncasecmp(header.ptr, name, header.len) == 0)
            return true;
    }
    return false;
}

static bool has_field(const char *text, size_t len, const char *name)
{
    size_t at, bytes;
    return len && field_find(text, len, name, 0, &at, &bytes);
}

static bool has_query_field(reprise_bytes url, const char *name)
{
    const char *query = url.len ? memchr(url.ptr, '?', url.len) : NULL;
    return query && has_field(query + 1, (size_t)(url.ptr + url.len - query - 1), name);
}

static int go_on(void *owner, const struct json_value *value)
{
    (void)owner;
    (void)value;
    return 0;
}

static bool has_json(const reprise_recorded *recorded, const char *pointer)
{
    reprise_bytes body = recorded->request_body;
    return body.len && !has_header(recorded, "Content-Encoding") &&
           json_place_find(body.ptr, body.len, pointer, go_on, NULL) > 0;
}

enum recorded_finding recorded_find(const reprise_recorded *recorded, const struct setting *setting)
{
    bool is_request = recorded->kind == REPRISE_RECORDED_EXCHANGE ||
                      recorded->kind == REPRISE_RECORDED_WS_CONNECT;
    bool is_there = true; /* a header that was not recorded is put there */
    if (!is_request ||
        !endpoint_matches(setting->method, setting->path, recorded->method.ptr,
                          recorded->method.len, recorded->url.ptr, recorded->url.len))
        return RECORDED_ELSEWHERE;
    if (setting->place == SETTING_JSON)
        is_there = has_json(recorded, setting->name);
    else if (setting->place == SETTING_FORM)
        is_there = has_field(recorded->request_body.ptr, recorded->request_body.len, setting->name);
    else if (setting->place == SETTING_QUERY)
        is_there = has_query_field(recorded->url, setting->name);
    return is_there ? RECORDED_THERE : RECORDED_WITHOUT;
}
