/* server.h - the HTTP side: libmicrohttpd, its connections, and the life of each request. */
#ifndef VOICELAB_SERVER_H
#define VOICELAB_SERVER_H

#include <stdint.h>

#include "tests/voicelab/app.h"

struct server;

/* NULL: one line is on stderr. */
struct server *server_start(struct app *app);

/* Accepts nothing new; what is open goes on. */
void server_quiesce(struct server *server);
void server_stop(struct server *server);

uint16_t server_port(const struct server *server);

#endif
