/* fields.c - the strings and numbers of a JSON or form body as one flat list. */
#include "fields.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tokens.h"

/* The path on the way down. */
struct walk {
    struct fields *fields;
    char path[FIELDS_MAX_PATH_BYTES];
    size_t len;
};

/* Takes `text`, which may be NULL. */
static void add(struct fields *fields, const char *path, char *text, size_t len, bool is_number)
{
    if (fields->count == fields->capacity && fields->count < FIELDS_MAX) {
        size_t wanted = fields->capacity ? fields->capacity * 2 : 16;
        struct field *grown = realloc(fields->items, wanted * sizeof *grown);
        if (grown) {
            fields->items = grown;
            fields->capacity = wanted;
        }
    }
    char *copy = text && fields->count < fields->capacity ? strdup(path) : NULL;
    if (!copy) {
        free(text);
        return;
    }
    fields->items[fields->count++] =
        (struct field){.path = copy, .text = text, .text_len = len, .is_number = is_number};
}

/* One step deeper, '~' and '/' in the name escaped (RFC 6901). False: the path is too long. */
static bool enter(struct walk *walk, const char *name)
{
    size_t len = walk->len;
    if (len + 1 >= sizeof walk->path)
        return false;
    walk->path[len++] = '/';
    for (; *name; name++) {
        const char *piece = *name == '~' ? "~0" : *name == '/' ? "~1" : NULL;
        size_t piece_len = piece ? 2 : 1;
        if (len + piece_len >= sizeof walk->path)
            return false;
        memcpy(walk->path + len, piece ? piece : name, piece_len);
        len += piece_len;
    }
    walk->path[len] = '\0';
    walk->len = len;
    return true;
}

static void leave(struct walk *walk, size_t len)
{
    walk->len = len;
    walk->path[len] = '\0';
}

static void visit(struct walk *walk, const json_t *value, int depth)
{
    char number[40];
    size_t len = walk->len;
    if (json_is_string(value)) {
        reprise_bytes text = {json_string_value(value), json_string_length(value)};
        add(walk->fields, walk->path, text_copy(text), text.len, false);
    } else if (json_is_number(value)) {
        if (json_is_integer(value))
            snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        else
            snprintf(number, sizeof number, "%.3f", json_real_value(value));
        add(walk->fields, walk->path, strdup(number), strlen(number), true);
    } else if (json_is_object(value) && depth < FIELDS_MAX_DEPTH) {
        for (void *at = json_object_iter((json_t *)value); at;
             at = json_object_iter_next((json_t *)value, at)) {
            if (enter(walk, json_object_iter_key(at)))
                visit(walk, json_object_iter_value(at), depth + 1);
            leave(walk, len);
        }
    } else if (json_is_array(value) && depth < FIELDS_MAX_DEPTH) {
        for (size_t i = 0; i < json_array_size(value) && walk->fields->count < FIELDS_MAX; i++) {
            snprintf(number, sizeof number, "%zu", i);
            if (enter(walk, number))
                visit(walk, json_array_get(value, i), depth + 1);
            leave(walk, len);
        }
    }
}

static void parse_form(struct fields *fields, reprise_bytes body)
{
    fields->is_form = true;
    while (body.len && fields->count < FIELDS_MAX) {
        reprise_bytes pair = text_cut(&body, '&');
        reprise_bytes name = text_cut(&pair, '=');
        char *decoded_name = name.len ? text_copy(name) : NULL;
        char *value = decoded_name ? text_copy(pair) : NULL;
        if (value) {
            struct walk walk = {.fields = fields};
            size_t len = text_decode(value, pair.len);
            value[len] = '\0';
            decoded_name[text_decode(decoded_name, name.len)] = '\0';
            if (enter(&walk, decoded_name))
                add(fields, walk.path, value, len, false);
            else
                free(value);
        }
        free(decoded_name);
    }
}

void fields_parse(struct fields *fields, reprise_bytes content_type, reprise_bytes body)
{
    memset(fields, 0, sizeof *fields);
    body = text_trim(body);
    if (!body.len || body.len > FIELDS_MAX_BODY_BYTES)
        return;
    if (text_has(content_type, "x-www-form-urlencoded")) {
        parse_form(fields, body);
        return;
    }
    if (token_is_jwt(body)) {
        add(fields, "", text_copy(body), body.len, false);
        return;
    }
    if (!memchr("{[\"", body.ptr[0], 3))
        return;
    json_t *json = json_loadb(body.ptr, body.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    struct walk walk = {.fields = fields};
    if (json)
        visit(&walk, json, 0);
    json_decref(json);
}

void fields_free(struct fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        free(fields->items[i].path);
        free(fields->items[i].text);
    }
    free(fields->items);
    memset(fields, 0, sizeof *fields);
}

const struct field *fields_find(const struct fields *fields, const char *path)
{
    for (size_t i = 0; path && i < fields->count; i++) {
        if (strcmp(fields->items[i].path, path) == 0)
            return &fields->items[i];
    }
    return NULL;
}

reprise_bytes field_text(const struct field *field)
{
    return (reprise_bytes){field->text, field->text_len};
}

reprise_bytes field_name(const struct field *field)
{
    const char *slash = strrchr(field->path, '/');
    return text_of(slash ? slash + 1 : field->path);
}

char *fields_path_of(const char *written)
{
    if (*written == '/')
        return strdup(written);
    if (*written == '$')
        written++;
    if (*written == '.')
        written++;
    char *path = malloc(strlen(written) + 2);
    if (!path)
        return NULL;
    path[0] = '/';
    for (size_t i = 0;; i++) {
        path[i + 1] = written[i] == '.' ? '/' : written[i];
        if (!written[i])
            return path;
    }
}
