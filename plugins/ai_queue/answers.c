/* answers.c - what the answer of a target says about jobs. */
#include "answers.h"

#include <ctype.h>
#include <stdio.h>

enum { MAX_DEPTH = 8, MAX_STATE_DEPTH = 4 };

json_t *answer_parse(struct span body)
{
    size_t at = 0;
    while (at < body.len && isspace((unsigned char)body.ptr[at]))
        at++;
    if (body.len > ANSWERS_MAX_BYTES || at == body.len ||
        (body.ptr[at] != '{' && body.ptr[at] != '['))
        return NULL;
    return json_loadb(body.ptr, body.len, 0, NULL);
}

struct span answer_text(const json_t *value, char into[32])
{
    if (json_is_string(value))
        return (struct span){json_string_value(value), json_string_length(value)};
    if (!json_is_integer(value))
        return (struct span){0};
    int len = snprintf(into, 32, "%lld", (long long)json_integer_value(value));
    return (struct span){into, (size_t)len};
}

/* One token of a pointer, unescaped. False: it is too long. */
static bool pointer_token(const char **at, char into[POINTER_MAX_BYTES])
{
    size_t used = 0;
    const char *from = *at + 1;
    for (; *from && *from != '/'; from++) {
        char c = *from;
        if (c == '~' && (from[1] == '0' || from[1] == '1'))
            c = *++from == '0' ? '~' : '/';
        if (used + 1 == POINTER_MAX_BYTES)
            return false;
        into[used++] = c;
    }
    into[used] = '\0';
    *at = from;
    return true;
}

const json_t *answer_at(const json_t *root, const char *pointer)
{
    char token[POINTER_MAX_BYTES];
    while (root && *pointer == '/') {
        if (!pointer_token(&pointer, token))
            return NULL;
        if (json_is_array(root)) {
            size_t digits = strspn(token, "0123456789");
            root = digits && digits < 8 && !token[digits]
                       ? json_array_get(root, strtoul(token, NULL, 10))
                       : NULL;
        } else {
            root = json_object_get(root, token);
        }
    }
    return *pointer ? NULL : root;
}

/* Appends "/key", escaped. 0: no room; else the new length. */
static size_t push(char *pointer, size_t len, const char *key)
{
    if (len + 1 >= POINTER_MAX_BYTES)
        return 0;
    pointer[len++] = '/';
    for (; *key; key++) {
        bool is_special = *key == '~' || *key == '/';
        if (len + 2 >= POINTER_MAX_BYTES)
            return 0;
        if (is_special)
            pointer[len++] = '~';
        pointer[len++] = *key == '~' ? '0' : *key == '/' ? '1' : *key;
    }
    pointer[len] = '\0';
    return len;
}

static void keep_word(struct state_found *found, struct span word)
{
    size_t len = word.len < WORDS_MAX_BYTES ? word.len : WORDS_MAX_BYTES;
    for (size_t i = 0; i < len; i++)
        found->word[i] = isgraph((unsigned char)word.ptr[i]) ? word.ptr[i] : ' ';
    found->word[len] = '\0';
}

static bool read_state(const struct words *words, const json_t *value, const json_t *parent,
                       struct state_found *ret)
{
    ret->state = STATE_UNKNOWN;
    ret->is_flag = json_is_boolean(value);
    if (ret->is_flag) {
        const json_t *error = json_object_get(parent, "error");
        bool has_failed =
            json_is_true(value) && error && !json_is_null(error) && !json_is_false(error);
        ret->state = has_failed ? STATE_FAILED : json_is_true(value) ? STATE_DONE : STATE_RUNNING;
        keep_word(ret, span_of(json_is_true(value) ? "true" : "false"));
        return true;
    }
    char number[32];
    struct span word = answer_text(value, number);
    keep_word(ret, word);
    ret->state = words_state(words, word);
    return ret->state != STATE_UNKNOWN;
}

struct search {
    const struct words *words;
    struct state_found *ret;
    char pointer[POINTER_MAX_BYTES];
    const char *skip;
    bool names_count; /* "type" and "event" of a message */
    size_t left;
};

/* The words of one object; flags only where there are no words. */
static bool search_object(struct search *search, const json_t *object, size_t len, bool flags)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        struct span name = span_of(key);
        bool is_candidate = flags ? json_is_boolean(value) && words_flag(name)
                                  : json_is_string(value) && words_field(name);
        if (!is_candidate || !read_state(search->words, value, object, search->ret) ||
            !push(search->pointer, len, key) ||
            (search->skip && strcmp(search->skip, search->pointer) == 0))
            continue;
        memcpy(search->ret->pointer, search->pointer, sizeof search->pointer);
        return true;
    }
    static const char *const named[] = {"type", "event", "event_type", "action", "kind"};
    for (size_t i = 0; flags && search->names_count && i < sizeof named / sizeof named[0]; i++) {
        char number[32];
        struct span word = answer_text(json_object_get(object, named[i]), number);
        enum job_state state = word.ptr ? words_event(search->words, word) : STATE_UNKNOWN;
        if (state == STATE_UNKNOWN)
            continue;
        keep_word(search->ret, word);
        search->ret->state = state;
        search->ret->is_flag = false;
        search->ret->pointer[0] = '\0';
        return true;
    }
    return false;
}

/* Of the objects at this depth. */
static bool search_depth(struct search *search, const json_t *value, size_t len, int depth)
{
    const char *key;
    json_t *member;
    if (search->left == 0)
        return false;
    search->left--;
    if (json_is_array(value)) /* one of many says nothing about all */
        return json_array_size(value) == 1 && push(search->pointer, len, "0") &&
               search_depth(search, json_array_get(value, 0), len + 2, depth);
    if (!json_is_object(value))
        return false;
    if (depth == 0)
        return search_object(search, value, len, false) || search_object(search, value, len, true);
    json_object_foreach((json_t *)value, key, member)
    {
        size_t longer =
            json_is_object(member) || json_is_array(member) ? push(search->pointer, len, key) : 0;
        if (longer && search_depth(search, member, longer, depth - 1))
            return true;
    }
    return false;
}

static bool find(struct search *search, const json_t *root)
{
    search->left = ANSWERS_MAX_VALUES;
    for (int depth = 0; root && depth < MAX_STATE_DEPTH; depth++)
        if (search_depth(search, root, 0, depth))
            return true;
    return false;
}

bool answer_find_state(const struct words *words, const json_t *root, const char *skip,
                       struct state_found *ret)
{
    return find(&(struct search){.words = words, .ret = ret, .skip = skip}, root);
}

bool answer_find_event(const struct words *words, const json_t *root, struct state_found *ret)
{
    return find(&(struct search){.words = words, .ret = ret, .names_count = true}, root);
}

bool answer_state_at(const struct words *words, const json_t *root, const char *pointer,
                     struct state_found *ret)
{
    char parent[POINTER_MAX_BYTES];
    const json_t *value = answer_at(root, pointer);
    *ret = (struct state_found){0};
    if (!value)
        return false;
    snprintf(parent, sizeof parent, "%s", pointer);
    char *last = strrchr(parent, '/');
    if (last)
        *last = '\0';
    snprintf(ret->pointer, sizeof ret->pointer, "%s", pointer);
    return read_state(words, value, answer_at(root, parent), ret);
}

bool answer_depth(const json_t *root, uint64_t *ret)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)root, key, value)
    {
        if (!json_is_integer(value) || json_integer_value(value) < 0 || !words_depth(span_of(key)))
            continue;
        *ret = (uint64_t)json_integer_value(value);
        return true;
    }
    return false;
}

struct visit {
    answer_id_fn each;
    void *owner;
    char pointer[POINTER_MAX_BYTES];
    size_t left;
};

static bool has_digit(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (isdigit((unsigned char)text.ptr[i]))
            return true;
    return false;
}

static void visit_leaf(struct visit *visit, const json_t *value, struct span name)
{
    char number[32];
    struct span text = answer_text(value, number);
    struct id_place place = {.name = visit->pointer};
    struct url_part part;
    bool is_named = words_id(name);
    if (!text.len || text.len > URL_MAX_BYTES || (json_is_integer(value) && !is_named))
        return;
    if (memchr(text.ptr, '/', text.len)) {
        if (memchr(text.ptr, ' ', text.len) || !url_pick_id(text, &part))
            return;
        char key[POINTER_MAX_BYTES];
        place.is_url = true;
        place.is_query = part.is_query;
        place.index = part.index;
        if (part.is_query) {
            if (part.name.len >= sizeof key)
                return;
            memcpy(key, part.name.ptr, part.name.len);
            key[part.name.len] = '\0';
            place.key = key;
        }
        visit->each(visit->owner, &place, part.value);
    } else if (url_is_id(text) && (is_named || has_digit(text) || text.len >= 16)) {
        visit->each(visit->owner, &place, text);
    }
}

static void visit_value(struct visit *visit, const json_t *value, struct span name, size_t len,
                        int depth)
{
    const char *key;
    json_t *member;
    size_t i;
    if (visit->left == 0 || depth > MAX_DEPTH)
        return;
    visit->left--;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, member)
        {
            size_t longer = push(visit->pointer, len, key);
            if (longer)
                visit_value(visit, member, span_of(key), longer, depth + 1);
        }
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, member)
        {
            char number[24];
            snprintf(number, sizeof number, "%zu", i);
            size_t longer = push(visit->pointer, len, number);
            if (longer)
                visit_value(visit, member, name, longer, depth + 1);
        }
    } else {
        visit->pointer[len] = '\0';
        visit_leaf(visit, value, name);
    }
}

void answer_each_id(const json_t *root, answer_id_fn each, void *owner)
{
    struct visit visit = {.each = each, .owner = owner, .left = ANSWERS_MAX_VALUES};
    visit_value(&visit, root, (struct span){0}, 0, 0);
}

static bool has_text(const json_t *value, struct span text, int depth, size_t *left)
{
    const char *key;
    json_t *member;
    size_t i;
    char number[32];
    if (*left == 0 || depth > MAX_DEPTH)
        return false;
    --*left;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, member)
        {
            if (has_text(member, text, depth + 1, left))
                return true;
        }
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, member)
        {
            if (has_text(member, text, depth + 1, left))
                return true;
        }
    }
    struct span own = answer_text(value, number);
    return own.ptr && span_equal(own, text);
}

bool answer_has_text(const json_t *root, struct span text)
{
    size_t left = ANSWERS_MAX_VALUES;
    return has_text(root, text, 0, &left);
}
