/* sessions.c - the live sessions, the keys that lead to them, and the rules between them. */
#include "capture/sessions.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/map.h"
#include "traces/digest.h"

enum {
    MAX_KEYS_HELD = 64,
    MAX_NAME_BYTES = 64,
    MAX_LABEL_BYTES = 32,
    MAX_ADDRESS_BYTES = 46,
    MAX_LOOKS = 64
};

/* A key's place in a session; `hash` is the map's key. */
struct held_key {
    uint64_t hash;
    uint64_t class;
    bool is_everybodys; /* two users sent it beside keys of their own: it leads nowhere */
    struct session *session;
    struct held_key *next;
};

struct session {
    struct session *newer, *older;             /* by last use */
    struct session *next_here, *previous_here; /* of the same address, newest first */
    struct session *next_changed;
    struct trace_session row;
    struct held_key *keys;
    size_t key_count;
    bool is_changed;
    char address[MAX_ADDRESS_BYTES];
    char identity[MAX_NAME_BYTES + 32];
    char label[MAX_LABEL_BYTES];
};

struct sessions {
    struct session_options options;
    void (*on_row)(void *owner, const struct trace_session *row);
    void *owner;
    struct content_decoder *decoder; /* NULL: without memory; coded answers say nothing then */
    bool is_forwarded;               /* the exchange in hand: its address is what a proxy says */
    struct map by_key;
    struct map by_id;
    struct map by_address; /* to the newest of an address */
    struct session *newest, *oldest;
    struct session *changed;
    size_t live_count;
    int64_t last_id;
};

struct sessions *sessions_new(const struct session_options *options,
                              void (*on_row)(void *owner, const struct trace_session *row),
                              void *owner)
{
    struct sessions *sessions = calloc(1, sizeof *sessions);
    if (!sessions)
        return NULL;
    sessions->options = *options;
    sessions->on_row = on_row;
    sessions->owner = owner;
    sessions->decoder = content_decoder_new(SESSION_MAX_PLAIN_BYTES);
    map_init(&sessions->by_key);
    map_init(&sessions->by_id);
    map_init(&sessions->by_address);
    return sessions;
}

static struct bytes id_bytes(const struct session *session)
{
    return bytes_make(&session->row.session_id, sizeof session->row.session_id);
}

static struct bytes hash_bytes(const uint64_t *hash)
{
    return bytes_make(hash, sizeof *hash);
}

static void unlink_session(struct sessions *sessions, struct session *session)
{
    *(session->newer ? &session->newer->older : &sessions->newest) = session->older;
    *(session->older ? &session->older->newer : &sessions->oldest) = session->newer;
}

static void link_newest(struct sessions *sessions, struct session *session)
{
    session->newer = NULL;
    session->older = sessions->newest;
    *(sessions->newest ? &sessions->newest->newer : &sessions->oldest) = session;
    sessions->newest = session;
}

static void mark_changed(struct sessions *sessions, struct session *session)
{
    if (session->is_changed)
        return;
    session->is_changed = true;
    session->next_changed = sessions->changed;
    sessions->changed = session;
}

void sessions_flush(struct sessions *sessions)
{
    while (sessions->changed) {
        struct session *session = sessions->changed;
        sessions->changed = session->next_changed;
        session->is_changed = false;
        sessions->on_row(sessions->owner, &session->row);
    }
}

/* The map's key lies in the session it leads to: it moves with the list's head. */
static int set_head(struct sessions *sessions, const char *address, struct session *head)
{
    map_remove(&sessions->by_address, bytes_of(address));
    return head ? map_set(&sessions->by_address, bytes_of(head->address), head) : 0;
}

static void join_address(struct sessions *sessions, struct session *session)
{
    struct session *head = map_get(&sessions->by_address, bytes_of(session->address));
    if (set_head(sessions, session->address, session)) {
        if (head)
            set_head(sessions, session->address, head);
        return; /* without memory: it is found by its keys only */
    }
    session->next_here = head;
    if (head)
        head->previous_here = session;
}

static void leave_address(struct sessions *sessions, struct session *session)
{
    struct session *head = map_get(&sessions->by_address, bytes_of(session->address));
    if (head == session)
        set_head(sessions, session->address, session->next_here);
    if (session->previous_here)
        session->previous_here->next_here = session->next_here;
    if (session->next_here)
        session->next_here->previous_here = session->previous_here;
}

static void end_session(struct sessions *sessions, struct session *session)
{
    if (session->is_changed)
        sessions_flush(sessions);
    while (session->keys) {
        struct held_key *key = session->keys;
        session->keys = key->next;
        map_remove(&sessions->by_key, hash_bytes(&key->hash));
        free(key);
    }
    leave_address(sessions, session);
    map_remove(&sessions->by_id, id_bytes(session));
    unlink_session(sessions, session);
    sessions->live_count--;
    free(session);
}

void sessions_free(struct sessions *sessions)
{
    if (!sessions)
        return;
    while (sessions->newest)
        end_session(sessions, sessions->newest);
    map_fini(&sessions->by_key);
    map_fini(&sessions->by_id);
    map_fini(&sessions->by_address);
    content_decoder_free(sessions->decoder);
    free(sessions);
}

/* The session, or NULL when it has been idle for too long, which ends it. */
static struct session *if_live(struct sessions *sessions, struct session *session, int64_t at_us)
{
    if (!session)
        return NULL;
    if (at_us - session->row.last_us <= sessions->options.idle_gap_us)
        return session;
    end_session(sessions, session);
    return NULL;
}

static struct session *by_hash(struct sessions *sessions, uint64_t hash, int64_t at_us)
{
    struct held_key *key = map_get(&sessions->by_key, hash_bytes(&hash));
    return if_live(sessions, key && !key->is_everybodys ? key->session : NULL, at_us);
}

/* Whose the connection is. One of a proxy's is of whom its last request came from. */
static struct session *by_connection(struct sessions *sessions,
                                     const struct session_sighting *sighting)
{
    int64_t id = sighting->connection_session_id;
    struct session *session = id ? map_get(&sessions->by_id, bytes_make(&id, sizeof id)) : NULL;
    if (session && sessions->is_forwarded &&
        !bytes_equal(bytes_of(session->address), sighting->address))
        return NULL;
    return if_live(sessions, session, sighting->first_us);
}

static bool holds_another(const struct session *session, uint64_t hash, uint64_t class)
{
    for (const struct held_key *held = session->keys; held; held = held->next) {
        if (held->class == class && held->hash != hash)
            return true;
    }
    return false;
}

static void hold_key(struct sessions *sessions, struct session *session, uint64_t hash,
                     uint64_t class)
{
    if (session->key_count >= MAX_KEYS_HELD || map_get(&sessions->by_key, hash_bytes(&hash)))
        return;
    struct held_key *held = malloc(sizeof *held);
    if (!held)
        return;
    *held =
        (struct held_key){.hash = hash, .class = class, .session = session, .next = session->keys};
    if (map_set(&sessions->by_key, hash_bytes(&held->hash), held)) {
        free(held);
        return;
    }
    session->keys = held;
    session->key_count++;
}

/* "cookie sid 3fa9c1d2": enough of a digest to tell two apart, and nothing of the secret. */
static void set_identity(struct session *session, const struct session_key *key)
{
    static const char *const words[] = {"address", "cookie", "token", "header"};
    unsigned char digest[DIGEST_BYTES];
    char hex[9];
    int name_bytes = key->name.len < MAX_NAME_BYTES ? (int)key->name.len : MAX_NAME_BYTES;
    digest_of(key->value, digest);
    digest_hex(digest, 4, hex);
    snprintf(session->identity, sizeof session->identity, "%s%s%.*s %s", words[key->kind],
             name_bytes ? " " : "", name_bytes, name_bytes ? key->name.ptr : "", hex);
    session->row.identity_kind = key->kind;
    session->row.identity = bytes_of(session->identity);
}

/* The browser's or the program's name. */
static void set_label(struct session *session, struct bytes user_agent)
{
    static const char *const browsers[] = {"Firefox", "Edg", "OPR", "Chrome", "Safari"};
    struct bytes name = bytes_make(user_agent.ptr, bytes_index_of(user_agent, '/'));
    name.len = bytes_index_of(name, ' ');
    for (size_t i = 0; i < sizeof browsers / sizeof *browsers; i++) {
        if (user_agent.len &&
            memmem(user_agent.ptr, user_agent.len, browsers[i], strlen(browsers[i]))) {
            name = bytes_of(browsers[i]);
            break;
        }
    }
    size_t len = name.len < sizeof session->label ? name.len : sizeof session->label - 1;
    if (len)
        memcpy(session->label, name.ptr, len);
    session->row.label = bytes_make(session->label, len);
}

static struct session *new_session(struct sessions *sessions,
                                   const struct session_sighting *sighting)
{
    if (sessions->live_count >= sessions->options.max_sessions)
        end_session(sessions, sessions->oldest);
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    snprintf(session->address, sizeof session->address, "%.*s", BYTES_ARG(sighting->address));
    session->row = (struct trace_session){
        .session_id = sessions->last_id + 1,
        .identity_kind = TRACE_BY_ADDRESS,
        .identity = bytes_of(session->address),
        .first_us = sighting->first_us,
        .last_us = sighting->last_us,
    };
    if (map_set(&sessions->by_id, id_bytes(session), session)) {
        free(session);
        return NULL;
    }
    sessions->last_id++;
    sessions->live_count++;
    link_newest(sessions, session);
    join_address(sessions, session);
    set_label(session, session_header_of(sighting->request_headers, "user-agent"));
    return session;
}

/* Rule 2: may this session take the key? Of tokens, API keys and what is lent a user may have one
 * each, but then has said so in one request, or was handed it. */
static struct session *if_free(struct session *session, const struct session_key *key)
{
    static const uint64_t token_classes[] = {TRACE_BY_TOKEN, SESSION_CLASS_API_KEY,
                                             SESSION_CLASS_LENT};
    if (!session || holds_another(session, key->hash, key->class))
        return NULL;
    for (size_t i = 0; i < 3 && key->kind == TRACE_BY_TOKEN; i++) {
        if (holds_another(session, key->hash, token_classes[i]))
            return NULL;
    }
    return session;
}

/* Who else is at this address: the only one there, or, of several, one that nothing is known of. */
static struct session *by_address(struct sessions *sessions,
                                  const struct session_sighting *sighting)
{
    struct session *session = map_get(&sessions->by_address, sighting->address);
    if (session && session->next_here) {
        int looks = MAX_LOOKS;
        while (session && session->keys)
            session = looks-- ? session->next_here : NULL;
    }
    return if_live(sessions, session, sighting->first_us);
}

/* Without a key of its own an exchange may still be another user's than the one who was here last:
 * somebody else signs up or logs in from the same address. */
static bool is_another_user(const struct session *session, const struct session_sighting *sighting,
                            const struct session_keys *born)
{
    for (const struct session_hint *hint = sighting->hints; hint && hint->hash; hint++) {
        if (hint->class == SESSION_CLASS_LOGIN && holds_another(session, hint->hash, hint->class))
            return true;
    }
    for (size_t i = 0; i < born->count; i++) {
        const struct session_key *key = &born->items[i];
        if (key->kind == TRACE_BY_TOKEN && !key->is_weak &&
            holds_another(session, key->hash, key->class))
            return true;
    }
    return false;
}

/* Does the exchange show another user's own keys, beside an API key that the session holds? An API
 * key of another is none of them: who has one may make a second. */
static bool is_beside_another(const struct session *session, const struct session_keys *keys,
                              const struct session_keys *born)
{
    for (size_t i = 0; i < keys->count && !keys->items[i].is_weak; i++) {
        const struct session_key *key = &keys->items[i];
        if (key->class != SESSION_CLASS_API_KEY && holds_another(session, key->hash, key->class))
            return true;
    }
    for (size_t i = 0; i < born->count; i++) {
        const struct session_key *key = &born->items[i];
        if (key->class == TRACE_BY_TOKEN && holds_another(session, key->hash, key->class))
            return true;
    }
    return false;
}

/* Leaves out the API keys that say nothing: those of the whole application. */
static void drop_everybodys(struct sessions *sessions, struct session_keys *keys,
                            const struct session_keys *born)
{
    size_t count = 0;
    for (size_t i = 0; i < keys->count; i++) {
        const struct session_key *key = &keys->items[i];
        struct held_key *held = map_get(&sessions->by_key, hash_bytes(&key->hash));
        if (held && key->class == SESSION_CLASS_API_KEY &&
            is_beside_another(held->session, keys, born))
            held->is_everybodys = true;
        if (!held || !held->is_everybodys)
            keys->items[count++] = *key;
    }
    keys->count = count;
}

/* The strongest is first, weak ones are last. */
static bool has_strong_key(const struct session_keys *keys)
{
    return keys->count && !keys->items[0].is_weak;
}

static struct session *choose(struct sessions *sessions, const struct session_sighting *sighting,
                              const struct session_keys *keys, const struct session_keys *born)
{
    int64_t at_us = sighting->first_us;
    struct session *session = NULL;
    for (size_t i = 0; i < keys->count && !session; i++)
        session = by_hash(sessions, keys->items[i].hash, at_us);
    if (session)
        return session;
    if (has_strong_key(keys)) {
        session = if_free(by_connection(sessions, sighting), &keys->items[0]);
        return session ? session : if_free(by_address(sessions, sighting), &keys->items[0]);
    }
    for (const struct session_hint *hint = sighting->hints; hint && hint->hash && !session;
         hint++) {
        session = by_hash(sessions, hint->hash, at_us);
        /* An application's own key in the body is in each user's. */
        if (session && hint->class == SESSION_CLASS_API_KEY &&
            is_another_user(session, sighting, born))
            session = NULL;
    }
    if (session)
        return session;
    session = by_connection(sessions, sighting);
    if (session && is_another_user(session, sighting, born))
        session = NULL;
    if (!session)
        session = by_address(sessions, sighting);
    return session && is_another_user(session, sighting, born) ? NULL : session;
}

/* What leads to the session from now on. A body's names are the sender's own only while nothing
 * better says who that is: an administrator sends other people's. */
static void learn(struct sessions *sessions, struct session *session,
                  const struct session_sighting *sighting, const struct session_keys *keys,
                  const struct session_keys *born)
{
    for (size_t i = 0; i < keys->count && !keys->items[i].is_weak; i++)
        hold_key(sessions, session, keys->items[i].hash, keys->items[i].class);
    for (size_t i = 0; i < born->count; i++)
        hold_key(sessions, session, born->items[i].hash, born->items[i].class);
    const struct session_hint *hint = has_strong_key(keys) ? NULL : sighting->hints;
    for (; hint && hint->hash; hint++)
        hold_key(sessions, session, hint->hash, hint->class);
}

static void note_use(struct sessions *sessions, struct session *session,
                     const struct session_sighting *sighting)
{
    struct trace_session *row = &session->row;
    if (sighting->first_us < row->first_us)
        row->first_us = sighting->first_us;
    if (sighting->last_us > row->last_us)
        row->last_us = sighting->last_us;
    row->exchange_count++;
    row->flaws |= sighting->flaws;
    unlink_session(sessions, session);
    link_newest(sessions, session);
    /* A new one's row is there before the exchange that refers to it: a batch may end behind any
     * row, and what is committed must be whole. */
    if (row->exchange_count == 1)
        sessions->on_row(sessions->owner, row);
    else
        mark_changed(sessions, session);
}

int64_t sessions_add_exchange(struct sessions *sessions, const struct session_sighting *told)
{
    struct session_keys keys, born;
    struct session_sighting with_address = *told;
    const struct session_sighting *sighting = &with_address;
    struct bytes forwarded_for = session_forwarded_for(told->request_headers);
    sessions->is_forwarded = forwarded_for.len > 0;
    if (forwarded_for.len)
        with_address.address = forwarded_for;
    session_keys_of_request(&keys, sighting->request_headers, sighting->target,
                            sessions->options.header);
    session_keys_of_response(
        &born, told->response_headers,
        session_plain_body(sessions->decoder, told->response_headers, told->response_body));
    drop_everybodys(sessions, &keys, &born);
    struct session *session = choose(sessions, sighting, &keys, &born);
    if (!session)
        session = new_session(sessions, sighting);
    if (!session)
        return 0;
    if (has_strong_key(&keys) && session->row.identity_kind < keys.items[0].kind)
        set_identity(session, &keys.items[0]);
    learn(sessions, session, sighting, &keys, &born);
    note_use(sessions, session, sighting);
    return session->row.session_id;
}

void sessions_add_message(struct sessions *sessions, int64_t session_id, int64_t at_us,
                          uint32_t flaws)
{
    struct session *session = map_get(&sessions->by_id, bytes_make(&session_id, sizeof session_id));
    if (!session)
        return;
    session->row.message_count++;
    session->row.flaws |= flaws;
    if (at_us > session->row.last_us)
        session->row.last_us = at_us;
    mark_changed(sessions, session);
}

uint64_t sessions_count(const struct sessions *sessions)
{
    return (uint64_t)sessions->last_id;
}
