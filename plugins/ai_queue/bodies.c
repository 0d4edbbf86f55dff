/* bodies.c - what the JSON body of a request says of jobs. */
#include "bodies.h"

#include <ctype.h>

#include "answers.h"

enum { MAX_DEPTH = 8, MAX_QUERY_BYTES = 64 * 1024, MAX_WORD_BYTES = 16 };

struct walk {
    body_id_fn each;
    void *owner;
    size_t left;
};

static bool is_id_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.' || c == '~';
}

/* Names of fields are no identifiers, though the answer of a submit may have ended a URL so. */
static bool is_likely(struct span word)
{
    for (size_t i = 0; i < word.len; i++)
        if (isdigit((unsigned char)word.ptr[i]))
            return true;
    return word.len >= 16;
}

/* The words of a longer text: of {"query":"{ job(id: \"j1\") { status } }"}. */
static void visit_words(struct walk *walk, struct span text)
{
    size_t at = 0;
    while (at < text.len && at < MAX_QUERY_BYTES) {
        size_t from = at;
        while (at < text.len && is_id_byte(text.ptr[at]))
            at++;
        if (is_likely((struct span){text.ptr + from, at - from}))
            walk->each(walk->owner, (struct span){text.ptr + from, at - from});
        at += at == from;
    }
}

static void visit(struct walk *walk, const json_t *value, bool skips_id, int depth)
{
    const char *key;
    json_t *member;
    size_t i;
    char number[32];
    if (walk->left == 0 || depth > MAX_DEPTH)
        return;
    walk->left--;
    json_object_foreach((json_t *)value, key, member)
    {
        if (!skips_id || strcmp(key, "id") != 0)
            visit(walk, member, false, depth + 1);
    }
    json_array_foreach(value, i, member)
    {
        visit(walk, member, body_is_rpc(member), depth + 1);
    }
    struct span text = answer_text(value, number);
    if (url_is_id(text))
        walk->each(walk->owner, text);
    else if (text.len)
        visit_words(walk, text);
}

bool body_is_rpc(const json_t *root)
{
    return json_object_get(root, "jsonrpc") != NULL;
}

void body_each_id(const json_t *root, body_id_fn each, void *owner)
{
    struct walk walk = {each, owner, ANSWERS_MAX_VALUES};
    visit(&walk, root, body_is_rpc(root), 0);
}

/* "getJobStatus" and "job-status" are words in a row. */
static bool has_asking_word(struct span text)
{
    static const char *const words[] = {
        "get",   "status", "statuses", "state",  "states", "poll",     "check",  "progress",
        "query", "info",   "fetch",    "lookup", "list",   "describe", "result", "results"};
    size_t at = 0;
    while (at < text.len) {
        char word[MAX_WORD_BYTES + 1];
        size_t from = at;
        while (at < text.len && isalpha((unsigned char)text.ptr[at]) &&
               (at == from || !isupper((unsigned char)text.ptr[at]) ||
                isupper((unsigned char)text.ptr[at - 1])))
            at++;
        size_t len = at - from;
        at += len == 0;
        if (len == 0 || len > MAX_WORD_BYTES)
            continue;
        for (size_t i = 0; i < len; i++)
            word[i] = (char)tolower((unsigned char)text.ptr[from + i]);
        word[len] = '\0';
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            if (strcmp(word, words[i]) == 0)
                return true;
    }
    return false;
}

static struct span trimmed(struct span text)
{
    while (text.len && isspace((unsigned char)text.ptr[0]))
        text = (struct span){text.ptr + 1, text.len - 1};
    return text;
}

enum body_intent body_intent(struct span url, const json_t *root)
{
    char number[32];
    struct span query = trimmed(answer_text(json_object_get(root, "query"), number));
    struct span method = answer_text(json_object_get(root, "method"), number);
    if (query.len && (query.ptr[0] == '{' || span_begins_nocase(query, "query")))
        return BODY_ASKS;
    if (span_begins_nocase(query, "mutation") || span_begins_nocase(query, "subscription"))
        return BODY_CHANGES;
    if (body_is_rpc(root) && method.len)
        return has_asking_word(method) ? BODY_ASKS : BODY_UNSAID;
    struct url_walk walk;
    struct url_part part;
    struct span last[2] = {{0}};
    url_walk(&walk, url_path(url));
    while (url_next(&walk, &part)) {
        last[0] = last[1];
        last[1] = part.value;
    }
    return has_asking_word(last[0]) || has_asking_word(last[1]) ? BODY_ASKS : BODY_UNSAID;
}

static uint64_t add_to_hash(uint64_t hash, struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(0x100000001b3);
    return (hash ^ 0xff) * UINT64_C(0x100000001b3);
}

static uint64_t hash_texts(uint64_t hash, const json_t *value, int depth)
{
    const char *key;
    json_t *member;
    size_t i;
    if (depth > MAX_DEPTH)
        return hash;
    json_object_foreach((json_t *)value, key, member)
    {
        hash = hash_texts(add_to_hash(hash, span_of(key)), member, depth + 1);
    }
    json_array_foreach(value, i, member)
    {
        hash = hash_texts(hash, member, depth + 1);
    }
    if (json_is_string(value))
        hash =
            add_to_hash(hash, (struct span){json_string_value(value), json_string_length(value)});
    return hash;
}

uint64_t body_hash(struct span url, const json_t *root)
{
    uint64_t hash = add_to_hash(UINT64_C(0xcbf29ce484222325), url_target(url));
    return hash_texts(hash, root, 0) | 1;
}

static bool stands_alone(struct span body, const char *at, size_t len)
{
    const char *end = body.ptr + body.len;
    return (at == body.ptr || !is_id_byte(at[-1])) && (at + len == end || !is_id_byte(at[len]));
}

char *body_replace(struct span body, struct span old, struct span value, size_t *ret_len)
{
    size_t count = 0, used = 0;
    const char *from = body.ptr, *end = body.ptr + body.len, *at = from;
    if (!body.ptr || !old.len)
        return NULL;
    while ((at = memmem(at, (size_t)(end - at), old.ptr, old.len)) != NULL) {
        count += stands_alone(body, at, old.len);
        at += old.len;
    }
    char *result = count ? malloc(body.len + count * value.len + 1) : NULL;
    if (!result)
        return NULL;
    for (at = from; (at = memmem(at, (size_t)(end - at), old.ptr, old.len)) != NULL;
         at += old.len) {
        if (!stands_alone(body, at, old.len))
            continue;
        memcpy(result + used, from, (size_t)(at - from));
        used += (size_t)(at - from);
        memcpy(result + used, value.ptr, value.len);
        used += value.len;
        from = at + old.len;
    }
    memcpy(result + used, from, (size_t)(end - from));
    used += (size_t)(end - from);
    result[used] = '\0';
    *ret_len = used;
    return result;
}
