/* ws_handshake.c - the HTTP side of a WebSocket: what must be right before 101 (RFC 6455, 4.2). */
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/voicelab/app.h"
#include "tests/voicelab/handlers.h"
#include "tests/voicelab/hub.h"
#include "tests/voicelab/request.h"

/* The request outlives the WebSocket: libmicrohttpd calls it completed when the socket is closed.
 */
static void on_upgrade(void *context, struct MHD_Connection *connection, void *state,
                       const char *early, size_t early_bytes, MHD_socket fd,
                       struct MHD_UpgradeResponseHandle *handle)
{
    struct hub *hub = context;
    const struct request *rq = state;

    (void)connection;
    hub_add(hub, fd, handle, early, early_bytes, rq->identity.session);
}

static bool has_token(const char *list, const char *token)
{
    size_t len = strlen(token);

    for (; list && *list; list = strchr(list, ',')) {
        list += strspn(list, ", \t");
        if (strncasecmp(list, token, len) == 0 && (list[len] == '\0' || strchr(", \t", list[len])))
            return true;
    }
    return false;
}

void ws_transcribe(struct request *rq)
{
    const char *upgrade = request_header(rq, "Upgrade");
    const char *version = request_header(rq, "Sec-WebSocket-Version");
    const char *key = request_header(rq, "Sec-WebSocket-Key");
    char accept[32];

    if (!upgrade || strcasecmp(upgrade, "websocket") != 0 ||
        !has_token(request_header(rq, "Connection"), "upgrade")) {
        reply_header(rq, "Connection", "Upgrade");
        reply_header(rq, "Upgrade", "websocket");
        reply_error(rq, 426, "upgrade_required", "this path speaks WebSocket");
        return;
    }
    if (!version || strcmp(version, "13") != 0 || !key || strlen(key) != 24) {
        reply_header(rq, "Sec-WebSocket-Version", "13");
        reply_error(rq, 400, "bad_handshake",
                    "Sec-WebSocket-Version must be 13, the key 24 characters");
        return;
    }
    secret_websocket_accept(key, accept);
    rq->reply.upgrade = MHD_create_response_for_upgrade(on_upgrade, rq->app->hub);
    reply_header(rq, "Upgrade", "websocket");
    reply_header(rq, "Sec-WebSocket-Accept", "%s", accept);
    reply_empty(rq, 101);
}
