/* hub.h - the open WebSockets: one thread, one epoll loop, one small transcriber each.
 *
 *   OPEN --{"type":"end"}--> final sent, close 1000 --> gone
 *     |
 *     +-- bad message, silence, shutdown --> close 1003, 1007, 1008, 1009, 1001 --> gone
 *
 * In: binary messages of audio; text {"type":"start","session":S} (optional, S as in `ready`) and
 * {"type":"end"}. Out, all JSON text: {"type":"ready","session":S}, a {"type":"partial"} for every
 * piece of audio, {"type":"final"}. */
#ifndef VOICELAB_HUB_H
#define VOICELAB_HUB_H

#include <stddef.h>

#include "tests/voicelab/app.h"

struct hub;
struct MHD_UpgradeResponseHandle;

/* NULL: one line is on stderr. */
struct hub *hub_start(const struct app *app);

/* Says 1001 to everyone and closes; none is left open. Before the HTTP side stops. */
void hub_close_all(struct hub *hub);
void hub_stop(struct hub *hub);

/* Takes over a socket whose handshake is done. `early` is what was read behind the handshake;
 * `session` the key in sessions.h. */
void hub_add(struct hub *hub, int fd, struct MHD_UpgradeResponseHandle *handle, const void *early,
             size_t early_bytes, const char *session);

#endif
