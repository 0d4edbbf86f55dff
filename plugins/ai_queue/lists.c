/* lists.c - one list that is asked for all jobs. */
#include "lists.h"

#include <stdio.h>

enum { MAX_LIST_DEPTH = 3 };

struct span list_own_id(const json_t *object, const char **ret_key, char number[32])
{
    const char *key;
    json_t *value;
    *ret_key = "id";
    struct span id = answer_text(json_object_get(object, "id"), number);
    if (url_is_id(id))
        return id;
    json_object_foreach((json_t *)object, key, value)
    {
        id = answer_text(value, number);
        if (!words_id(span_of(key)) || !url_is_id(id))
            continue;
        *ret_key = key;
        return id;
    }
    return (struct span){0};
}

struct lists {
    const struct words *words;
    list_item_fn each;
    void *owner;
    char pointer[POINTER_MAX_BYTES];
};

static void see_element(const struct lists *lists, const json_t *element)
{
    struct list_item item = {.list = lists->pointer};
    char number[32], parent[POINTER_MAX_BYTES];
    const char *key;
    if (!json_is_object(element) || !answer_find_state(lists->words, element, NULL, &item.found))
        return;
    memcpy(parent, item.found.pointer, sizeof parent);
    char *last = strrchr(parent, '/');
    if (last)
        *last = '\0';
    item.id = list_own_id(answer_at(element, parent), &key, number);
    if (!item.id.ptr) {
        parent[0] = '\0';
        item.id = list_own_id(element, &key, number);
    }
    size_t len = strlen(parent);
    if (!item.id.ptr || strpbrk(key, "/~") || len + strlen(key) + 2 > sizeof item.id_pointer)
        return;
    memcpy(item.id_pointer, parent, len);
    snprintf(item.id_pointer + len, sizeof item.id_pointer - len, "/%s", key);
    lists->each(lists->owner, &item);
}

static void see_value(struct lists *lists, const json_t *value, size_t len, int depth)
{
    const char *key;
    json_t *member;
    size_t i;
    lists->pointer[len] = '\0';
    json_array_foreach(value, i, member)
    {
        see_element(lists, member);
    }
    json_object_foreach((json_t *)value, key, member)
    {
        size_t key_len = strlen(key);
        if (depth == MAX_LIST_DEPTH || strpbrk(key, "/~") ||
            len + key_len + 2 > sizeof lists->pointer)
            continue;
        lists->pointer[len] = '/';
        memcpy(lists->pointer + len + 1, key, key_len);
        see_value(lists, member, len + 1 + key_len, depth + 1);
    }
}

void list_each(const struct words *words, const json_t *root, list_item_fn each, void *owner)
{
    struct lists lists = {.words = words, .each = each, .owner = owner};
    see_value(&lists, root, 0, 0);
}

const json_t *list_find(const json_t *root, const char *list, const char *id_pointer,
                        struct span id)
{
    const json_t *array = answer_at(root, list);
    json_t *element;
    size_t i;
    char number[32];
    json_array_foreach(array, i, element)
    {
        if (span_equal(answer_text(answer_at(element, id_pointer), number), id))
            return element;
    }
    return NULL;
}
