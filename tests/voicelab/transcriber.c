/* transcriber.c - one WebSocket: audio in, partial and final transcripts out. */
#include "tests/voicelab/transcriber.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <wslay/wslay.h>

#include "tests/voicelab/clock.h"
#include "tests/voicelab/metrics.h"
#include "tests/voicelab/secret.h"
#include "tests/voicelab/sessions.h"
#include "tests/voicelab/words.h"

#define MESSAGE_MAX (1u << 20) /* one message in: half a minute of 16 kHz mono */

struct transcriber {
    const struct app *app;
    int fd;
    wslay_event_context_ptr ws;
    char *early; /* bytes read behind the handshake, not yet given to wslay */
    size_t early_bytes, early_used;
    char session[ID_CAP + 8];
    char id[ID_CAP]; /* as said in `ready` */
    uint64_t heard_us;
    uint64_t audio_bytes;
    uint64_t audio_seed; /* of the words; runs over all audio so far */
    unsigned pieces;
    uint16_t close_code; /* 0: not closing */
    const char *close_reason;
    bool is_close_queued;
    bool is_broken; /* the peer is gone */
};

static ssize_t receive(wslay_event_context_ptr ws, uint8_t *out, size_t len, int flags,
                       void *context)
{
    struct transcriber *t = context;
    size_t left = t->early_bytes - t->early_used;

    (void)flags;
    if (left > 0) {
        size_t take = left < len ? left : len;
        memcpy(out, t->early + t->early_used, take);
        t->early_used += take;
        return (ssize_t)take;
    }
    ssize_t got = recv(t->fd, out, len, 0);
    if (got > 0) {
        t->heard_us = clock_monotonic_us();
        return got;
    }
    bool is_later = got < 0 && (errno == EAGAIN || errno == EINTR);
    t->is_broken = !is_later;
    wslay_event_set_error(ws, is_later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t transmit(wslay_event_context_ptr ws, const uint8_t *bytes, size_t len, int flags,
                        void *context)
{
    struct transcriber *t = context;
    ssize_t sent =
        send(t->fd, bytes, len, MSG_NOSIGNAL | ((flags & WSLAY_MSG_MORE) ? MSG_MORE : 0));

    if (sent >= 0)
        return sent;
    bool is_later = errno == EAGAIN || errno == EINTR;
    t->is_broken = !is_later;
    wslay_event_set_error(ws, is_later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

/* Takes the object over. */
static void say(struct transcriber *t, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);

    json_decref(object);
    struct wslay_event_msg message = {WSLAY_TEXT_FRAME, (const uint8_t *)text, strlen(text)};
    if (wslay_event_queue_msg(t->ws, &message) == 0)
        metrics_add(t->app->metrics, COUNT_WS_TEXT_OUT, 1);
    free(text);
}

void transcriber_close(struct transcriber *t, uint16_t code, const char *reason)
{
    if (t->close_code)
        return;
    t->close_code = code;
    t->close_reason = reason;
}

static void take_audio(struct transcriber *t, const uint8_t *bytes, size_t len)
{
    char text[WORDS_CAP];

    metrics_add(t->app->metrics, COUNT_WS_BINARY_IN, 1);
    metrics_add(t->app->metrics, COUNT_WS_BYTES_IN, len);
    if (len == 0) {
        transcriber_close(t, WSLAY_CODE_POLICY_VIOLATION, "audio may not be empty");
        return;
    }
    t->audio_bytes += len;
    t->audio_seed = words_mix(t->audio_seed ^ words_seed(bytes, len));
    t->pieces++;
    words_make(text, t->audio_seed, 1 + t->pieces % 4);
    say(t, json_pack("{s:s, s:i, s:I, s:s}", "type", "partial", "seq", (int)t->pieces, "bytes",
                     (json_int_t)t->audio_bytes, "text", text));
}

static void finish(struct transcriber *t)
{
    char text[WORDS_CAP], id[ID_CAP];

    if (t->audio_bytes == 0) {
        transcriber_close(t, WSLAY_CODE_POLICY_VIOLATION, "no audio came before the end");
        return;
    }
    secret_id(id, "tr_", 16);
    words_make(text, t->audio_seed, 4 + t->pieces);
    say(t, json_pack("{s:s, s:s, s:s, s:I, s:i, s:s}", "type", "final", "session", t->id,
                     "transcript_id", id, "bytes", (json_int_t)t->audio_bytes, "pieces",
                     (int)t->pieces, "text", text));
    transcriber_close(t, WSLAY_CODE_NORMAL_CLOSURE, "");
    metrics_add(t->app->metrics, COUNT_WS_FINISHED, 1);
    sessions_step(t->app->sessions, t->session, 0);
    sessions_reach(t->app->sessions, t->session, MILESTONE_TRANSCRIPT);
}

static void take_text(struct transcriber *t, const uint8_t *bytes, size_t len)
{
    json_t *object = json_loadb((const char *)bytes, len, 0, NULL);
    const char *type = json_string_value(json_object_get(object, "type"));
    const char *session = json_string_value(json_object_get(object, "session"));

    metrics_add(t->app->metrics, COUNT_WS_TEXT_IN, 1);
    if (!type)
        transcriber_close(t, WSLAY_CODE_UNSUPPORTED_DATA, "text must be an object with a type");
    else if (session && strcmp(session, t->id) != 0)
        transcriber_close(t, WSLAY_CODE_POLICY_VIOLATION, "session is not the one of ready");
    else if (strcmp(type, "end") == 0)
        finish(t);
    else if (strcmp(type, "start") != 0)
        transcriber_close(t, WSLAY_CODE_UNSUPPORTED_DATA, "type must be start or end");
    json_decref(object);
}

static void on_message(wslay_event_context_ptr ws,
                       const struct wslay_event_on_msg_recv_arg *message, void *context)
{
    struct transcriber *t = context;

    (void)ws;
    if (t->close_code)
        return; /* what comes behind the end is not for us */
    if (message->opcode == WSLAY_BINARY_FRAME)
        take_audio(t, message->msg, message->msg_length);
    else if (message->opcode == WSLAY_TEXT_FRAME)
        take_text(t, message->msg, message->msg_length);
}

struct transcriber *transcriber_new(const struct app *app, int fd, const void *early,
                                    size_t early_bytes, const char *session)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = receive, .send_callback = transmit, .on_msg_recv_callback = on_message};
    struct transcriber *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->app = app;
    t->fd = fd;
    t->heard_us = clock_monotonic_us();
    snprintf(t->session, sizeof t->session, "%s", session);
    secret_id(t->id, "ws_", 16);
    t->early = early_bytes ? malloc(early_bytes) : NULL;
    if ((early_bytes && !t->early) || wslay_event_context_server_init(&t->ws, &callbacks, t)) {
        free(t->early);
        free(t);
        return NULL;
    }
    if (early_bytes)
        memcpy(t->early, early, early_bytes);
    t->early_bytes = early_bytes;
    wslay_event_config_set_max_recv_msg_length(t->ws, MESSAGE_MAX);
    say(t, json_pack("{s:s, s:s, s:i}", "type", "ready", "session", t->id, "sample_rate", 16000));
    return t;
}

void transcriber_free(struct transcriber *t)
{
    if (!t)
        return;
    wslay_event_context_free(t->ws);
    free(t->early);
    free(t);
}

static void flush(struct transcriber *t)
{
    if (!t->is_broken && wslay_event_want_write(t->ws) && wslay_event_send(t->ws))
        t->is_broken = true;
}

bool transcriber_step(struct transcriber *t)
{
    if (wslay_event_want_read(t->ws) && wslay_event_recv(t->ws))
        t->is_broken = true;
    flush(t);
    /* wslay sends control frames first: a close has to wait until what was said before is out. */
    if (t->close_code && !t->is_close_queued && wslay_event_get_queued_msg_count(t->ws) == 0) {
        t->is_close_queued = true;
        wslay_event_queue_close(t->ws, t->close_code, (const uint8_t *)t->close_reason,
                                strlen(t->close_reason));
        flush(t);
    }
    return !t->is_broken && (wslay_event_want_read(t->ws) || wslay_event_want_write(t->ws));
}

bool transcriber_wants_write(const struct transcriber *t)
{
    return wslay_event_want_write(t->ws);
}

uint64_t transcriber_heard_us(const struct transcriber *t)
{
    return t->heard_us;
}
