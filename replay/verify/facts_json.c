/* facts_json.c - a JSON text's values and containers as facts, by their JSON pointers. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "core/buf.h"
#include "replay/verify/facts.h"

enum { MAX_POINTER_BYTES = 2048 };

struct walk {
    struct facts *facts;
    struct buf pointer; /* of the value in hand */
    uint32_t depth;
};

static void add_value(struct walk *walk, struct bytes name, const json_t *value);

static void add(struct walk *walk, enum fact_kind kind, char type, struct bytes name,
                struct bytes text)
{
    facts_add_at(walk->facts, kind, type, name, text, "body:%s", buf_text(&walk->pointer));
}

/* A key as a token of a pointer (RFC 6901 3). */
static void push_key(struct walk *walk, const char *key, size_t len)
{
    buf_append_char(&walk->pointer, '/');
    for (size_t i = 0; i < len; i++) {
        if (key[i] == '~' || key[i] == '/')
            buf_append_text(&walk->pointer, key[i] == '~' ? "~0" : "~1");
        else
            buf_append_char(&walk->pointer, key[i]);
    }
}

static void pop(struct walk *walk, size_t len)
{
    walk->pointer.len = len;
    if (walk->pointer.data)
        walk->pointer.data[len] = '\0';
}

static void add_object(struct walk *walk, struct bytes name, const json_t *object)
{
    const char *key;
    size_t key_len;
    json_t *member;
    size_t before = walk->pointer.len;
    add(walk, FACT_VALUE, '{', name, bytes_of("object"));
    json_object_keylen_foreach((json_t *)object, key, key_len, member)
    {
        push_key(walk, key, key_len);
        if (!buf_failed(&walk->pointer))
            add_value(walk, bytes_make(key, key_len), member);
        else
            walk->facts->is_cut = true;
        if (buf_failed(&walk->pointer))
            walk->pointer.has_failed = false;
        pop(walk, before);
    }
}

static void add_array(struct walk *walk, struct bytes name, const json_t *array)
{
    size_t before = walk->pointer.len, size = json_array_size(array);
    add(walk, FACT_VALUE, '[', name, bytes_of(size ? "array" : "array (empty)"));
    for (size_t i = 0; i < size && i < FACTS_MAX_ITEMS; i++) {
        if (buf_printf(&walk->pointer, "/%zu", i) == 0)
            add_value(walk, name, json_array_get(array, i)); /* "ids": [1, 2] are ids */
        walk->pointer.has_failed = false;
        pop(walk, before);
    }
}

static void add_number(struct walk *walk, struct bytes name, const json_t *value)
{
    char text[64];
    int len = json_is_integer(value)
                  ? snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(value))
                  : snprintf(text, sizeof text, "%.15g", json_real_value(value));
    add(walk, FACT_VALUE, 'n', name, bytes_make(text, (size_t)len));
}

static void add_value(struct walk *walk, struct bytes name, const json_t *value)
{
    if (walk->depth == FACTS_MAX_DEPTH) {
        walk->facts->is_cut = true;
        return;
    }
    walk->depth++;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        add_object(walk, name, value);
        break;
    case JSON_ARRAY:
        add_array(walk, name, value);
        break;
    case JSON_STRING:
        add(walk, FACT_VALUE, 's', name,
            bytes_make(json_string_value(value), json_string_length(value)));
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        add_number(walk, name, value);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        add(walk, FACT_VALUE, 'b', name, bytes_of(json_is_true(value) ? "true" : "false"));
        break;
    case JSON_NULL:
        add(walk, FACT_VALUE, 'z', name, bytes_of("null"));
        break;
    }
    walk->depth--;
}

int facts_add_json(struct facts *facts, struct bytes text)
{
    const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
    json_t *root = json_loadb(text.ptr, text.len, flags, NULL);
    if (!root) /* an integer of more than 64 bits, perhaps */
        root = json_loadb(text.ptr, text.len, flags | JSON_DECODE_INT_AS_REAL, NULL);
    if (!root)
        return -1;
    struct walk walk = {.facts = facts, .pointer = BUF_INIT(MAX_POINTER_BYTES)};
    add_value(&walk, (struct bytes){0}, root);
    buf_fini(&walk.pointer);
    json_decref(root);
    return 0;
}
