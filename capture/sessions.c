/* sessions.c - whose an exchange is: the rules between its keys and the live sessions. */
#include "capture/sessions.h"

#include "capture/session_table.h"

enum { MAX_LOOKS = 64 };

static struct session *by_hash(struct sessions *sessions, uint64_t hash, int64_t at_us)
{
    struct held_key *key = session_table_key(sessions, hash);
    if (key)
        key->last_exchange = sessions->exchange_count;
    return session_table_if_live(sessions, key && !key->is_everybodys ? key->session : NULL, at_us);
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
    return session_table_if_live(sessions, session, sighting->first_us);
}

static bool holds_another(const struct session *session, uint64_t hash, uint64_t class)
{
    for (const struct held_key *held = session->keys; held; held = held->next) {
        if (held->class == class && held->hash != hash)
            return true;
    }
    return false;
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
    return session_table_if_live(sessions, session, sighting->first_us);
}

static enum jar_owner jar_owner(const struct sessions *sessions, const struct session *session,
                                const struct session_sighting *sighting)
{
    bool is_same_connection =
        !sessions->is_forwarded && sighting->connection_session_id == session->row.session_id;
    return session_jar_owner(&session->jar, &sessions->gifts, is_same_connection);
}

/* Without a key of its own an exchange may still be another user's than the one who was here last:
 * somebody else signs up or logs in from the same address. */
static bool is_another_user(const struct sessions *sessions, const struct session *session,
                            const struct session_sighting *sighting,
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
    return jar_owner(sessions, session, sighting) == JAR_IS_ANOTHERS;
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
        struct held_key *held = session_table_key(sessions, key->hash);
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
            is_another_user(sessions, session, sighting, born))
            session = NULL;
    }
    if (session)
        return session;
    session = by_connection(sessions, sighting);
    if (session && is_another_user(sessions, session, sighting, born))
        session = NULL;
    if (!session)
        session = by_address(sessions, sighting);
    return session && is_another_user(sessions, session, sighting, born) ? NULL : session;
}

/* A weak one that two sessions are handed is no user's own. A rival of what the session was handed
 * before may be of another user whom nothing tells apart yet. */
static void hold_born(struct sessions *sessions, struct session *session,
                      const struct session_key *key, bool is_unsure)
{
    struct held_key *held = session_table_key(sessions, key->hash);
    if (held && held->session != session && key->is_weak && key->kind == TRACE_BY_COOKIE)
        held->is_everybodys = true;
    if (held)
        return;
    held = session->keys;
    while (held && held->class != key->class)
        held = held->next;
    session_table_hold(sessions, session, key->hash, key->class);
    if (!is_unsure || key->kind != TRACE_BY_COOKIE || !held || session->keys->hash != key->hash)
        return;
    if (!session->rival_class)
        session->rival_class = key->class;
    held->is_rival = session->keys->is_rival = true;
}

/* One client sends the last of them from then on; several users send theirs in turn. */
static void note_rivals_sent(struct sessions *sessions, struct session *session,
                             const struct session_keys *keys)
{
    for (size_t i = 0; session->rival_class && i < keys->count; i++) {
        struct held_key *held = session_table_key(sessions, keys->items[i].hash);
        if (!held || held->session != session || !held->is_rival ||
            held->class != session->rival_class || held->hash == session->last_rival)
            continue;
        bool is_again = held->is_back;
        held->is_back = true;
        session->last_rival = held->hash;
        if (!is_again)
            continue;
        unsigned users = 0;
        for (held = session->keys; held; held = held->next)
            users += held->is_rival && held->is_back && held->class == session->rival_class;
        session->row.label =
            session_label_of_many(session->label, session->row.label, users, keys->items[i].name);
        sessions->mixed_count += !session->is_mixed;
        session->is_mixed = true;
    }
}

/* What leads to the session from now on. A body's names are the sender's own only while nothing
 * better says who that is: an administrator sends other people's. */
static void learn(struct sessions *sessions, struct session *session,
                  const struct session_sighting *sighting, const struct session_keys *keys,
                  const struct session_keys *born)
{
    for (size_t i = 0; i < keys->count && !keys->items[i].is_weak; i++)
        session_table_hold(sessions, session, keys->items[i].hash, keys->items[i].class);
    note_rivals_sent(sessions, session, keys);
    session_jar_note_sent(&session->jar, keys);
    bool is_unsure =
        !has_strong_key(keys) && jar_owner(sessions, session, sighting) == JAR_IS_UNSURE;
    for (size_t i = 0; i < born->count; i++)
        hold_born(sessions, session, &born->items[i], is_unsure);
    session_jar_add(&session->jar, &sessions->gifts);
    const struct session_hint *hint = has_strong_key(keys) ? NULL : sighting->hints;
    for (; hint && hint->hash; hint++)
        session_table_hold(sessions, session, hint->hash, hint->class);
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
    session_table_note_use(sessions, session);
}

int64_t sessions_add_exchange(struct sessions *sessions, const struct session_sighting *told)
{
    struct session_keys keys, born;
    struct session_sighting with_address = *told;
    const struct session_sighting *sighting = &with_address;
    struct bytes forwarded_for = session_forwarded_for(told->request_headers);
    sessions->exchange_count++;
    sessions->is_forwarded = forwarded_for.len > 0;
    if (forwarded_for.len)
        with_address.address = forwarded_for;
    session_keys_of_request(&keys, sighting->request_headers, sighting->target,
                            sessions->options.header);
    session_keys_of_response(
        &born, told->response_headers,
        session_plain_body(sessions->decoder, told->response_headers, told->response_body));
    drop_everybodys(sessions, &keys, &born);
    sessions->gifts.count = 0;
    if (born.has_set_cookie)
        session_jar_read(&sessions->gifts,
                         &(struct jar_exchange){.request_headers = sighting->request_headers,
                                                .target = sighting->target,
                                                .response_headers = sighting->response_headers,
                                                .first_us = sighting->first_us,
                                                .last_us = sighting->last_us});
    struct session *session = choose(sessions, sighting, &keys, &born);
    if (!session)
        session = session_table_new_session(sessions, sighting);
    if (!session)
        return 0;
    if (has_strong_key(&keys) && session->row.identity_kind < keys.items[0].kind) {
        session->row.identity_kind = keys.items[0].kind;
        session->row.identity = session_identity(session->identity, &keys.items[0]);
    }
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
    session_table_mark_changed(sessions, session);
}

uint64_t sessions_count(const struct sessions *sessions)
{
    return (uint64_t)sessions->last_id;
}

uint64_t sessions_mixed_count(const struct sessions *sessions)
{
    return sessions->mixed_count;
}
