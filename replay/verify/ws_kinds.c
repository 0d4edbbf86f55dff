/* ws_kinds.c - finds what a WebSocket message calls itself, and counts. */
#include "replay/verify/ws_kinds.h"

#include <stdio.h>

#include "core/json_scan.h"

enum { OPCODE_BINARY = 2, LONGEST_KIND = 48 };

/* "progress", "kernel.info_reply": a word, or it is content. */
static bool is_kind(struct bytes text)
{
    if (!text.len || text.len > LONGEST_KIND)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!ascii_is_alnum(c) && !memchr("_-.:/", c, 5))
            return false;
    }
    return true;
}

bool ws_kind_of(struct bytes payload, const char **ret_pointer, struct bytes *ret_kind)
{
    /* The most telling name first. */
    static const char *const pointers[] = {"/msg_type", "/type",   "/event", "/op",  "/action",
                                           "/kind",     "/method", "/topic", "/cmd", "/0"};
    enum { COUNT = sizeof pointers / sizeof pointers[0] };
    struct json_wanted wanted[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        wanted[i] = (struct json_wanted){.pointer = bytes_of(pointers[i])};
    /* socket.io and its kin: digits, then an array. */
    while (payload.len && ascii_is_digit(payload.ptr[0]))
        payload = bytes_from(payload, 1);
    if (!payload.len || (payload.ptr[0] != '{' && payload.ptr[0] != '['))
        return false;
    json_find(payload, wanted, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        if (!wanted[i].found.ptr || wanted[i].kind != JSON_SCAN_STRING || !is_kind(wanted[i].found))
            continue;
        *ret_pointer = pointers[i];
        *ret_kind = wanted[i].found;
        return true;
    }
    return false;
}

static void name_of(struct bytes payload, char out[WS_KIND_BYTES])
{
    const char *pointer;
    struct bytes kind;
    if (ws_kind_of(payload, &pointer, &kind))
        snprintf(out, WS_KIND_BYTES, "%s=%.*s", pointer, BYTES_ARG(kind));
    else
        snprintf(out, WS_KIND_BYTES, "text");
}

void ws_kinds_add(struct ws_kinds *kinds, int opcode, struct bytes payload)
{
    char name[WS_KIND_BYTES] = "binary";
    if (opcode != OPCODE_BINARY)
        name_of(payload, name);
    uint32_t i = 0;
    while (i < kinds->count && strcmp(kinds->items[i].name, name) != 0)
        i++;
    if (i >= WS_KINDS_MAX) {
        i = WS_KINDS_MAX;
        snprintf(name, sizeof name, "(others)");
    }
    if (i == kinds->count) {
        snprintf(kinds->items[i].name, WS_KIND_BYTES, "%s", name);
        kinds->items[i].messages = 0;
        kinds->count++;
    }
    kinds->items[i].messages++;
}

void ws_kinds_facts(const struct ws_kinds *kinds, struct facts *facts)
{
    for (uint32_t i = 0; i < kinds->count; i++) {
        char text[24];
        int len = snprintf(text, sizeof text, "%llu", (unsigned long long)kinds->items[i].messages);
        facts_add_at(facts, FACT_VALUE, 'n', bytes_of("messages"), bytes_make(text, (size_t)len),
                     "ws:%s", kinds->items[i].name);
    }
}
