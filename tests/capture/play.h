/*
 * play.h - a connection as a play: what each side said, and what the parser made of it as text.
 *
 *     play_begin(&play, false);
 *     play_client(&play, "GET /a HTTP/1.1\r\n\r\n");
 *     play_server(&play, "HTTP/1.1 204 No Content\r\n\r\n");
 *     play_end(&play);
 *     assert_string_equal(play_text(&play), "GET /a 204\n");
 *
 * An exchange is "METHOD target status", then " >body" and " <body" where there are bodies, then
 * flaws in brackets. A message is "client 1 text". At the end every byte must be accounted for.
 */
#ifndef REPRISE_TESTS_CAPTURE_PLAY_H
#define REPRISE_TESTS_CAPTURE_PLAY_H

#include "capture/http_connection.h"

struct play {
    struct http_context context;
    struct http_connection *connection;
    struct buf text;
    int64_t now_us;
    int64_t last_exchange_id;
    uint64_t delivered_bytes;
    size_t piece_bytes; /* deliveries are cut into pieces of this size; 0: not */
    bool has_ended;
};

void play_begin(struct play *play, bool is_mid_stream);
void play_begin_with(struct play *play, bool is_mid_stream, const struct http_limits *limits);
void play_client(struct play *play, const char *text);
void play_server(struct play *play, const char *text);
void play_bytes(struct play *play, enum flow_side from, struct bytes bytes);
void play_gap(struct play *play, enum flow_side from, uint64_t missing_bytes);
void play_close(struct play *play, enum flow_side from, enum trace_connection_end end);

/* Closes both sides (FIN) where that is not done, checks the account, frees the connection. The
 * text stays until play_free(). */
void play_end(struct play *play);
const char *play_text(const struct play *play);
uint64_t play_lost(const struct play *play, enum trace_reason reason); /* before play_end() */
void play_free(struct play *play);

#endif
