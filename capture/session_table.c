/* session_table.c - three maps and two lists over the live sessions, and the keys that each holds.
 */
#include "capture/session_table.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MAX_KEYS_HELD = 64,
    MAX_VALUES_HELD = 12 /* of one cookie: some servers give a new one with each answer */
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

void session_table_mark_changed(struct sessions *sessions, struct session *session)
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
    session_jar_fini(&session->jar);
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

struct session *session_table_if_live(struct sessions *sessions, struct session *session,
                                      int64_t at_us)
{
    if (!session)
        return NULL;
    if (at_us - session->row.last_us <= sessions->options.idle_gap_us)
        return session;
    end_session(sessions, session);
    return NULL;
}

struct held_key *session_table_key(const struct sessions *sessions, uint64_t hash)
{
    return map_get(&sessions->by_key, hash_bytes(&hash));
}

/* The value idle for longest goes when a cookie has many: a new one came with each answer. */
static void forget_oldest(struct sessions *sessions, struct session *session, uint64_t class)
{
    struct held_key **oldest = NULL;
    size_t count = 0;
    for (struct held_key **at = &session->keys; *at; at = &(*at)->next) {
        if ((*at)->class != class)
            continue;
        if (!oldest || (*at)->last_exchange <= (*oldest)->last_exchange)
            oldest = at;
        count++;
    }
    if (count < MAX_VALUES_HELD)
        return;
    struct held_key *gone = *oldest;
    *oldest = gone->next;
    session->key_count--;
    map_remove(&sessions->by_key, hash_bytes(&gone->hash));
    free(gone);
}

void session_table_hold(struct sessions *sessions, struct session *session, uint64_t hash,
                        uint64_t class)
{
    if (session_table_key(sessions, hash))
        return;
    if (class > SESSION_CLASS_LENT)
        forget_oldest(sessions, session, class);
    if (session->key_count >= MAX_KEYS_HELD)
        return;
    struct held_key *held = malloc(sizeof *held);
    if (!held)
        return;
    *held = (struct held_key){.hash = hash,
                              .class = class,
                              .last_exchange = sessions->exchange_count,
                              .session = session,
                              .next = session->keys};
    if (map_set(&sessions->by_key, hash_bytes(&held->hash), held)) {
        free(held);
        return;
    }
    session->keys = held;
    session->key_count++;
}

struct session *session_table_new_session(struct sessions *sessions,
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
    session->row.label =
        session_label(session->label, session_header_of(sighting->request_headers, "user-agent"));
    return session;
}

/* A new one's row is there before the exchange that refers to it: a batch may end behind any row,
 * and what is committed must be whole. */
void session_table_note_use(struct sessions *sessions, struct session *session)
{
    unlink_session(sessions, session);
    link_newest(sessions, session);
    if (session->row.exchange_count == 1)
        sessions->on_row(sessions->owner, &session->row);
    else
        session_table_mark_changed(sessions, session);
}
