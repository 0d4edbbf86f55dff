/*
 * channel.h - one WebSocket of one user: its upgrade, the client's messages in their rhythm, the
 * server's counted.
 *
 *   IDLE --> CONNECTING --> OPEN --> CLOSING --> OVER
 *                 \-- refused, failed ----------^
 *
 * A message waits until as many server messages have come as had come before it in the recording,
 * at most ws_wait_us; one that does not come is counted as missing and no longer waited for. When
 * all client messages are out and all server messages are in, the channel closes with 1000, unless
 * the recording closed it.
 */
#ifndef REPRISE_REPLAY_CHANNEL_H
#define REPRISE_REPLAY_CHANNEL_H

#include "replay/task.h"

enum channel_state {
    CHANNEL_IDLE,
    CHANNEL_CONNECTING,
    CHANNEL_OPEN,
    CHANNEL_CLOSING,
    CHANNEL_OVER
};

struct channel {
    struct user *user;
    enum channel_state state;
    const struct plan_step *connect;
    struct transport_ws *ws;
    struct task *upgrade; /* CONNECTING */
    struct task
        *waiting;      /* messages that wait for the server's, or for the upgrade: by queue_next */
    uint32_t received; /* server messages, given-up ones included */
    uint32_t given_up;
    uint32_t messages_left; /* client messages of the recording not yet sent or dropped */
    uint32_t indices[2];    /* messages shown to plugins: received, outgoing */
    bool awaits_answer;
    uint64_t last_sent_us;
    uint64_t opened_us;
    void *watched;      /* for env->watch; NULL: nobody looks at its messages */
    struct timer timer; /* the wait for server messages, or for the closing handshake */
};

/* Send the upgrade of `task`. -1: it could not even be tried; nothing follows. */
int channel_connect(struct task *task, const struct transport_request *request);

/* The client message of `task` is unlocked: pause it until due, or let it wait for server messages
 * first. */
void channel_message_ready(struct task *task);

/* It is due: ask the plugins, then channel_message_send(). */
void channel_message_ask(struct task *task);

/* Asked already: send, finish. */
void channel_message_send(struct task *task);

/* Not to be sent: a value that it needs is missing. */
void channel_message_finish(struct task *task);

/* The upgrade is dealt with, skipped or given up perhaps: nothing waits for it any more. */
void channel_connect_done(struct user *user, const struct plan_step *step);

void channel_free_sends(struct chain_ws_send *sends);

/* End it without a callback; an upgrade that is under way counts as cancelled. Messages that wait
 * for it stay, for the next attempt. */
void channel_drop(struct channel *channel);

#endif
