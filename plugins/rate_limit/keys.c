/* keys.c - the ledgers of all keys of all limits: a hash table with chains. */
#include "keys.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(uint32_t rule, const char *text, size_t bytes)
{
    uint64_t hash = 0xcbf29ce484222325 ^ rule; /* FNV-1a */
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3;
    return hash ^ hash >> 32;
}

static int grow(struct keys *keys)
{
    size_t count = keys->slot_count ? keys->slot_count * 2 : 64;
    struct key **slots = calloc(count, sizeof *slots);
    if (!slots)
        return -1;
    for (size_t i = 0; i < keys->slot_count; i++)
        while (keys->slots[i]) {
            struct key *key = keys->slots[i];
            keys->slots[i] = key->next;
            key->next = slots[key->hash & (count - 1)];
            slots[key->hash & (count - 1)] = key;
        }
    free(keys->slots);
    keys->slots = slots;
    keys->slot_count = count;
    return 0;
}

struct key *keys_get(struct keys *keys, uint32_t rule, const char *text, size_t text_bytes)
{
    text_bytes = text_bytes < KEYS_MAX_TEXT_BYTES ? text_bytes : KEYS_MAX_TEXT_BYTES;
    uint64_t hash = hash_of(rule, text, text_bytes);
    struct key *key = keys->slot_count ? keys->slots[hash & (keys->slot_count - 1)] : NULL;
    for (; key; key = key->next)
        if (key->hash == hash && key->rule == rule && key->text_bytes == text_bytes &&
            (!text_bytes || memcmp(key->text, text, text_bytes) == 0))
            return key;
    if (keys->count == KEYS_MAX || (keys->count >= keys->slot_count && grow(keys)))
        return NULL;
    key = calloc(1, sizeof *key + text_bytes + 1);
    if (!key)
        return NULL;
    key->hash = hash;
    key->rule = rule;
    key->text_bytes = text_bytes;
    if (text_bytes)
        memcpy(key->text, text, text_bytes);
    key->next = keys->slots[hash & (keys->slot_count - 1)];
    keys->slots[hash & (keys->slot_count - 1)] = key;
    keys->count++;
    return key;
}

void keys_fini(struct keys *keys)
{
    for (size_t i = 0; i < keys->slot_count; i++)
        while (keys->slots[i]) {
            struct key *key = keys->slots[i];
            keys->slots[i] = key->next;
            ledger_fini(&key->ledger);
            free(key);
        }
    free(keys->slots);
    *keys = (struct keys){0};
}
