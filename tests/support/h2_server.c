/* h2_server.c - connections in turn by poll(2), streams by nghttp2. */
#include "tests/support/h2_server.h"

#include <arpa/inet.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"

enum { MAX_CONNECTIONS = 64, BIG_BYTES = 5 << 20 };

struct connection {
    struct h2_server *server;
    int fd;
    nghttp2_session *session;
    bool closes; /* once all is written */
    bool has_gone_away;
    uint32_t refusals;
};

struct stream {
    struct connection *connection;
    struct buf path, fields, body; /* of the request */
    struct buf answer;
    size_t sent;
    size_t most; /* of the answer, before something happens to it; 0: all */
    bool is_answered;
    bool is_continued; /* its 100 is on its way */
};

static const uint8_t gzip_hello[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03,
                                     0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x00, 0x91, 0x5c,
                                     0x00, 0xa5, 0x6a, 0x0a, 0x44, 0x0c, 0x00, 0x00, 0x00};

static ssize_t read_answer(nghttp2_session *session, int32_t id, uint8_t *out, size_t room,
                           uint32_t *flags, nghttp2_data_source *source, void *owner)
{
    struct stream *stream = source->ptr;
    struct connection *connection = owner;
    size_t left = (stream->most ? stream->most : stream->answer.len) - stream->sent;
    size_t len = left < room ? left : room;
    memcpy(out, stream->answer.data + stream->sent, len);
    stream->sent += len;
    if (len < left)
        return (ssize_t)len;
    if (stream->most && bytes_equal(buf_bytes(&stream->path), bytes_of("/cut-inside")))
        connection->closes = true;
    if (stream->most && len == 0) {
        if (!connection->closes && !bytes_equal(buf_bytes(&stream->path), bytes_of("/half")))
            nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_INTERNAL_ERROR);
        return NGHTTP2_ERR_DEFERRED;
    }
    if (stream->most)
        return (ssize_t)len;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (bytes_equal(buf_bytes(&stream->path), bytes_of("/trailers"))) {
        const nghttp2_nv trailer = {(uint8_t *)"x-end", (uint8_t *)"1", 5, 1, 0};
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_submit_trailer(session, id, &trailer, 1);
    }
    return (ssize_t)len;
}

static nghttp2_nv field(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), 0};
}

static void respond(nghttp2_session *session, int32_t id, struct stream *stream, const char *status,
                    const char *body)
{
    nghttp2_nv fields[512] = {field(":status", status), field("x-a", "b"),
                              field("set-cookie", "a=1"), field("set-cookie", "b=2")};
    static char large[4001], long_value[100001];
    size_t count = 4;
    struct bytes path = buf_bytes(&stream->path);
    const nghttp2_data_provider data = {.source.ptr = stream, .read_callback = read_answer};
    if (bytes_equal(path, bytes_of("/gzip"))) {
        fields[count++] = field("content-encoding", "gzip");
        buf_append(&stream->answer, gzip_hello, sizeof gzip_hello);
    }
    memset(large, 'v', sizeof large - 1);
    for (int i = 0; i < 100 && bytes_equal(path, bytes_of("/heads")); i++)
        fields[count++] = field("x-large", large);
    for (int i = 0; i < 300 && bytes_equal(path, bytes_of("/many")); i++)
        fields[count++] = field("x-small", "v");
    memset(long_value, 'v', sizeof long_value - 1);
    if (bytes_equal(path, bytes_of("/long")))
        fields[count++] = field("x-long", long_value);
    buf_append_text(&stream->answer, body);
    nghttp2_submit_response(session, id, fields, count, stream->answer.len ? &data : NULL);
}

static void answer(struct connection *connection, int32_t id, struct stream *stream)
{
    nghttp2_session *session = connection->session;
    const char *path = buf_text(&stream->path);
    const nghttp2_nv hints = field(":status", "103");
    stream->is_answered = true;
    connection->server->requests++;
    if (strcmp(path, "/refuse") == 0 ||
        (strcmp(path, "/refuse-once") == 0 && connection->refusals++ == 0)) {
        nghttp2_submit_rst_stream(session, 0, id, NGHTTP2_REFUSED_STREAM);
    } else if (strcmp(path, "/reset") == 0) {
        nghttp2_submit_rst_stream(session, 0, id, NGHTTP2_INTERNAL_ERROR);
    } else if (strcmp(path, "/cut") == 0) {
        connection->closes = true;
    } else if (strcmp(path, "/garbage") == 0) {
        send(connection->fd, "\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9, MSG_NOSIGNAL);
    } else if (strcmp(path, "/never") == 0 || connection->has_gone_away) {
        return;
    } else if (strcmp(path, "/empty") == 0) {
        respond(session, id, stream, "204", "");
    } else if (strcmp(path, "/big") == 0) {
        memset(buf_reserve(&stream->answer, BIG_BYTES), 'x', BIG_BYTES);
        buf_commit(&stream->answer, BIG_BYTES);
        respond(session, id, stream, "200", "");
    } else if (strncmp(path, "/echo", 5) == 0 || strcmp(path, "/continue") == 0) {
        buf_append_bytes(&stream->answer, buf_bytes(&stream->fields));
        buf_append_char(&stream->answer, '\n');
        buf_append_bytes(&stream->answer, buf_bytes(&stream->body));
        respond(session, id, stream, "200", "");
    } else {
        if (strcmp(path, "/hints") == 0)
            nghttp2_submit_headers(session, 0, id, NULL, &hints, 1, NULL);
        if (strstr(path, "-inside") || strcmp(path, "/half") == 0)
            stream->most = 3;
        respond(session, id, stream, "200", strcmp(path, "/gzip") == 0 ? "" : "hello");
        if (strcmp(path, "/goaway") == 0) {
            nghttp2_submit_goaway(session, 0, id, NGHTTP2_NO_ERROR, NULL, 0);
            connection->has_gone_away = true;
        }
    }
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
    struct connection *connection = owner;
    struct h2_server *server = connection->server;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct stream *stream = calloc(1, sizeof *stream);
    stream->connection = connection;
    buf_init(&stream->path, 65536);
    buf_init(&stream->fields, 1 << 20);
    buf_init(&stream->body, 64 << 20);
    buf_init(&stream->answer, 64 << 20);
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
    if (++server->open_streams > server->most_streams)
        server->most_streams = server->open_streams;
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *owner)
{
    struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    (void)flags;
    (void)owner;
    if (!stream)
        return 0;
    buf_printf(&stream->fields, "%.*s: %.*s\n", (int)name_len, (const char *)name, (int)value_len,
               (const char *)value);
    if (bytes_equal(bytes_make(name, name_len), bytes_of(":path")))
        buf_append(&stream->path, value, value_len);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t len, void *owner)
{
    struct stream *stream = nghttp2_session_get_stream_user_data(session, id);
    struct h2_server *server = ((struct connection *)owner)->server;
    (void)flags;
    server->body_bytes += len;
    if (!stream)
        return 0;
    if (!stream->is_continued && bytes_equal(buf_bytes(&stream->path), bytes_of("/continue")))
        server->early_bytes += len;
    buf_append(&stream->body, data, len);
    return 0;
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
    struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    (void)owner;
    if (stream && frame->hd.type == NGHTTP2_HEADERS)
        stream->is_continued = true;
    return 0;
}

static bool is_answered_early(const struct stream *stream)
{
    struct bytes path = buf_bytes(&stream->path);
    return bytes_equal(path, bytes_of("/early")) || bytes_equal(path, bytes_of("/half"));
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
    struct connection *connection = owner;
    struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_RST_STREAM)
        connection->server->resets++;
    if (!stream || stream->is_answered)
        return 0;
    const nghttp2_nv go_on = field(":status", "100");
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM || is_answered_early(stream))
        answer(connection, frame->hd.stream_id, stream);
    else if (frame->hd.type == NGHTTP2_HEADERS &&
             bytes_equal(buf_bytes(&stream->path), bytes_of("/continue")))
        nghttp2_submit_headers(session, 0, frame->hd.stream_id, NULL, &go_on, 1, NULL);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *owner)
{
    struct connection *connection = owner;
    struct stream *stream = nghttp2_session_get_stream_user_data(session, id);
    (void)code;
    if (!stream)
        return 0;
    nghttp2_session_set_stream_user_data(session, id, NULL);
    connection->server->open_streams--;
    buf_fini(&stream->path);
    buf_fini(&stream->fields);
    buf_fini(&stream->body);
    buf_fini(&stream->answer);
    free(stream);
    return 0;
}

static ssize_t send_bytes(nghttp2_session *session, const uint8_t *data, size_t len, int flags,
                          void *owner)
{
    struct connection *connection = owner;
    (void)session;
    (void)flags;
    ssize_t sent = send(connection->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent >= 0 ? sent : NGHTTP2_ERR_WOULDBLOCK;
}

static void open_connection(struct h2_server *server, struct connection *connection, int fd)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    const nghttp2_settings_entry setting = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
                                            server->max_streams};
    *connection = (struct connection){.server = server, .fd = fd};
    server->connections++;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_send_callback(callbacks, send_bytes);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_option_new(&option);
    nghttp2_option_set_max_send_header_block_length(option, 1 << 20);
    nghttp2_session_server_new2(&connection->session, callbacks, connection, option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    nghttp2_submit_settings(connection->session, 0, &setting, server->max_streams ? 1 : 0);
}

/* nghttp2 does not tell of the streams that go with their session. */
static void close_connection(struct connection *connection)
{
    nghttp2_session_terminate_session(connection->session, NGHTTP2_NO_ERROR);
    for (int32_t id = 1; id < 4000; id += 2)
        on_stream_close(connection->session, id, 0, connection);
    nghttp2_session_del(connection->session);
    close(connection->fd);
    connection->session = NULL;
}

/* False: it is over. */
static bool serve(struct connection *connection)
{
    uint8_t data[16384];
    ssize_t got = recv(connection->fd, data, sizeof data, MSG_DONTWAIT);
    if (got == 0 ||
        (got > 0 && nghttp2_session_mem_recv(connection->session, data, (size_t)got) < 0))
        return false;
    if (connection->server->speaks_http1) {
        static const char text[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        send(connection->fd, text, sizeof text - 1, MSG_NOSIGNAL);
        return false;
    }
    return nghttp2_session_send(connection->session) == 0 && !connection->closes;
}

static void *run(void *owner)
{
    struct h2_server *server = owner;
    struct connection connections[MAX_CONNECTIONS] = {0};
    struct pollfd fds[MAX_CONNECTIONS + 2];
    for (;;) {
        int count = 2;
        fds[0] = (struct pollfd){.fd = server->stop_pipe[0], .events = POLLIN};
        fds[1] = (struct pollfd){.fd = server->listen_fd, .events = POLLIN};
        for (int i = 0; i < MAX_CONNECTIONS; i++) {
            struct connection *connection = &connections[i];
            bool wants_write =
                connection->session && nghttp2_session_want_write(connection->session);
            fds[count++] = (struct pollfd){.fd = connection->session ? connection->fd : -1,
                                           .events = wants_write ? POLLIN | POLLOUT : POLLIN};
        }
        poll(fds, (nfds_t)count, -1);
        if (fds[0].revents)
            break;
        for (int i = 0; i < MAX_CONNECTIONS; i++) {
            if (connections[i].session && fds[i + 2].revents && !serve(&connections[i]))
                close_connection(&connections[i]);
        }
        for (int i = 0; i < MAX_CONNECTIONS && fds[1].revents; i++) {
            if (connections[i].session)
                continue;
            open_connection(server, &connections[i], accept(server->listen_fd, NULL, NULL));
            break;
        }
    }
    for (int i = 0; i < MAX_CONNECTIONS; i++) {
        if (connections[i].session)
            close_connection(&connections[i]);
    }
    return NULL;
}

void h2_server_start(struct h2_server *server)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->listen_fd, (struct sockaddr *)&at, sizeof at) ||
        listen(server->listen_fd, 16) ||
        getsockname(server->listen_fd, (struct sockaddr *)&at, &len) || pipe(server->stop_pipe)) {
        perror("h2_server");
        abort();
    }
    server->port = ntohs(at.sin_port);
    if (pthread_create(&server->thread, NULL, run, server))
        abort();
}

void h2_server_stop(struct h2_server *server)
{
    if (write(server->stop_pipe[1], "", 1) != 1)
        abort();
    pthread_join(server->thread, NULL);
    close(server->stop_pipe[0]);
    close(server->stop_pipe[1]);
    close(server->listen_fd);
}
