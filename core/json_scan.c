/* json_scan.c - walks down JSON text along the pointers that are wanted, and past everything else.
 */
#include "core/json_scan.h"

#include "core/json_way.h"

struct scan {
    struct json_text text;
    struct json_way way;
};

bool json_pointer_is_valid(struct bytes pointer)
{
    if (pointer.len && pointer.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < pointer.len; i++) {
        bool is_escape = pointer.ptr[i] == '~';
        if (is_escape &&
            (i + 1 == pointer.len || (pointer.ptr[i + 1] != '0' && pointer.ptr[i + 1] != '1')))
            return false;
    }
    return true;
}

/* --- the walk ----------------------------------------------------------------------------- */

static bool take_scalar(struct scan *scan, bool is_wanted)
{
    struct bytes text;
    enum json_kind kind;
    bool is_good = json_take_scalar(&scan->text, &text, &kind);
    if (is_good && is_wanted)
        json_way_keep(&scan->way, text, kind);
    return is_good;
}

/* The value at scan->text.at: taken or passed over, or, a container on the way to something,
 * opened. */
static bool begin_value(struct scan *scan, bool is_wanted, bool *ret_is_open)
{
    json_skip_space(&scan->text);
    *ret_is_open = false;
    if (scan->text.at == scan->text.end)
        return false;
    if (*scan->text.at != '{' && *scan->text.at != '[')
        return take_scalar(scan, is_wanted);
    if (!is_wanted || !json_way_leads_on(&scan->way))
        return json_skip_container(&scan->text);
    json_way_open(&scan->way, *scan->text.at++ == '[');
    *ret_is_open = true;
    return true;
}

/* Past "name" and ':' of an object's next member; nothing to do in an array. */
static bool take_name(struct scan *scan, struct bytes *ret_name)
{
    *ret_name = (struct bytes){0};
    if (scan->way.is_array[scan->way.depth - 1])
        return true;
    json_skip_space(&scan->text);
    if (scan->text.at == scan->text.end || *scan->text.at != '"' ||
        !json_take_string(&scan->text, ret_name))
        return false;
    json_skip_space(&scan->text);
    return scan->text.at < scan->text.end && *scan->text.at++ == ':';
}

/* Behind a value: out of all containers that end here, and past the comma. False at the text's end.
 */
static bool end_value(struct scan *scan)
{
    while (scan->way.depth) {
        json_way_step_out(&scan->way);
        json_skip_space(&scan->text);
        if (scan->text.at == scan->text.end)
            return false;
        char c = *scan->text.at++;
        if (c == ',') {
            scan->way.index[scan->way.depth - 1]++;
            return true;
        }
        if (c != (scan->way.is_array[scan->way.depth - 1] ? ']' : '}'))
            return false;
        scan->way.depth--;
    }
    return false;
}

static bool is_empty_container(struct scan *scan)
{
    json_skip_space(&scan->text);
    return scan->text.at < scan->text.end && (*scan->text.at == ']' || *scan->text.at == '}');
}

size_t json_find(struct bytes text, struct json_wanted *wanted, size_t count)
{
    struct scan scan;
    bool is_open, is_wanted = true;
    json_way_start(&scan.way, wanted, count);
    scan.text = json_text_of(text);
    if (text.len == 0 || !begin_value(&scan, true, &is_open))
        return scan.way.found;
    while (scan.way.found < count) {
        struct bytes name;
        if (is_open && is_empty_container(&scan)) {
            scan.text.at++;
            scan.way.depth--;
            is_open = false;
        }
        if (!is_open && !end_value(&scan))
            break;
        if (!take_name(&scan, &name))
            break;
        is_wanted = json_way_step_in(&scan.way, name);
        if (!begin_value(&scan, is_wanted, &is_open))
            break;
    }
    return scan.way.found;
}
