/*
 * session_table.h - the live sessions, and the ways to them: by key, by id, by address, by last
 * use. Which of them an exchange belongs to is decided in sessions.c.
 */
#ifndef REPRISE_CAPTURE_SESSION_TABLE_H
#define REPRISE_CAPTURE_SESSION_TABLE_H

#include "capture/session_jar.h"
#include "capture/session_texts.h"
#include "capture/sessions.h"
#include "core/map.h"

enum { SESSION_ADDRESS_BYTES = 46 };

/* A key's place in a session; `hash` is the map's key. */
struct held_key {
    uint64_t hash;
    uint64_t class;
    uint64_t last_exchange; /* that handed it out, or was sent with it */
    bool is_everybodys;     /* two users have it beside keys of their own: it leads nowhere */
    bool is_rival;          /* handed out beside another, which one client would not have used */
    bool is_back;           /* a rival that was sent */
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
    struct session_jar jar;
    uint64_t rival_class, last_rival; /* the rivals' cookie, and the one that was sent last */
    bool is_changed;
    bool is_mixed; /* its rivals were sent in turn: it is of several users */
    char address[SESSION_ADDRESS_BYTES];
    char identity[SESSION_IDENTITY_BYTES];
    char label[SESSION_LABEL_BYTES];
};

struct sessions {
    struct session_options options;
    void (*on_row)(void *owner, const struct trace_session *row);
    void *owner;
    struct content_decoder *decoder; /* NULL: without memory; coded answers say nothing then */
    bool is_forwarded;               /* the exchange in hand: its address is what a proxy says */
    struct jar_gifts gifts;          /* of the exchange in hand */
    struct map by_key;
    struct map by_id;
    struct map by_address; /* to the newest of an address */
    struct session *newest, *oldest;
    struct session *changed;
    uint64_t exchange_count;
    size_t live_count;
    uint64_t mixed_count;
    int64_t last_id;
};

/* NULL: nobody holds it. */
struct held_key *session_table_key(const struct sessions *sessions, uint64_t hash);

/* Keeps a key that nobody holds; nothing is changed where somebody does, or without room. */
void session_table_hold(struct sessions *sessions, struct session *session, uint64_t hash,
                        uint64_t class);

/* The session, or NULL when it has been idle for too long, which ends it. */
struct session *session_table_if_live(struct sessions *sessions, struct session *session,
                                      int64_t at_us);

/* The one idle for longest ends when there are too many. NULL without memory. */
struct session *session_table_new_session(struct sessions *sessions,
                                          const struct session_sighting *sighting);

/* It was used last, and its row is to be written: at once when it is new. */
void session_table_note_use(struct sessions *sessions, struct session *session);
void session_table_mark_changed(struct sessions *sessions, struct session *session);

#endif
