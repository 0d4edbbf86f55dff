/*
 * asking_server.c - a server that gives ids and wants them back: for what a replay has to carry on.
 *
 *     GET  /give/A,B     200 {"items":[{"id":"A"},{"id":"B"}]}
 *     POST /want/A,B     201 {} when the body has A and B in it, 422 {} when it has not
 *     POST /know/A       200 {"item":"known"} when the body has A in it, else {"item":"unknown"}
 *
 * The ids are in the path and not in what a test records, so a recording that gave others is
 * refused until it carries these. It prints `asking_server: listening on URL` and serves until it
 * is killed.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_REQUEST = 64 * 1024, MAX_ANSWER = 4096 };

/* One request, as text; NULL at the end of the connection. `used`: bytes in the buffer. */
static const char *read_request(int fd, char buffer[MAX_REQUEST], size_t *ret_body)
{
    size_t used = 0, wanted = 0;
    for (;;) {
        buffer[used] = '\0';
        const char *end = strstr(buffer, "\r\n\r\n");
        if (end && !wanted) {
            const char *length = strcasestr(buffer, "\r\ncontent-length:");
            *ret_body = (size_t)(end - buffer) + 4;
            wanted = *ret_body + (length && length < end ? strtoull(length + 17, NULL, 10) : 0);
        }
        if (wanted && used >= wanted)
            return buffer;
        ssize_t got =
            used < MAX_REQUEST - 1 ? recv(fd, buffer + used, MAX_REQUEST - 1 - used, 0) : 0;
        if (got <= 0)
            return NULL;
        used += (size_t)got;
    }
}

/* Are all of "A,B" in the body? */
static bool has_all(const char *body, char *ids)
{
    bool has = true;
    char *rest = ids;
    for (char *id = strsep(&rest, ","); id; id = strsep(&rest, ","))
        has = has && strstr(body, id);
    return has;
}

static void write_items(char *ids, char out[MAX_ANSWER])
{
    size_t len = (size_t)snprintf(out, MAX_ANSWER, "{\"items\":[");
    char *rest = ids;
    for (char *id = strsep(&rest, ","); id && len < MAX_ANSWER; id = strsep(&rest, ","))
        len +=
            (size_t)snprintf(out + len, MAX_ANSWER - len, "{\"id\":\"%s\"}%s", id, rest ? "," : "");
    if (len < MAX_ANSWER)
        snprintf(out + len, MAX_ANSWER - len, "]}");
}

static void answer(int fd, const char *request, const char *body)
{
    char verb[16] = "", ids[512] = "", json[MAX_ANSWER] = "{}", text[2 * MAX_ANSWER];
    int status = 404;
    sscanf(request, "%*s /%15[a-z]/%511[^ ?]", verb, ids);
    if (strcmp(verb, "give") == 0) {
        status = 200;
        write_items(ids, json);
    } else if (strcmp(verb, "want") == 0) {
        status = has_all(body, ids) ? 201 : 422;
    } else if (strcmp(verb, "know") == 0) {
        status = 200;
        snprintf(json, sizeof json, "{\"item\":\"%s\"}", has_all(body, ids) ? "known" : "unknown");
    }
    int len = snprintf(text, sizeof text,
                       "HTTP/1.1 %d Because\r\nContent-Type: application/json\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       status, strlen(json), json);
    send(fd, text, (size_t)len, MSG_NOSIGNAL);
}

static void *run_connection(void *owner)
{
    int fd = *(int *)owner;
    char *buffer = malloc(MAX_REQUEST);
    const char *request;
    size_t body = 0;
    free(owner);
    while (buffer && (request = read_request(fd, buffer, &body)))
        answer(fd, request, request + body);
    free(buffer);
    close(fd);
    return NULL;
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    signal(SIGPIPE, SIG_IGN);
    if (bind(fd, (struct sockaddr *)&address, len) || listen(fd, 1024) ||
        getsockname(fd, (struct sockaddr *)&address, &len)) {
        perror("asking_server");
        return 1;
    }
    printf("asking_server: listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int *client = malloc(sizeof *client);
        pthread_t thread;
        if (!client || (*client = accept(fd, NULL, NULL)) < 0)
            return 1;
        if (pthread_create(&thread, NULL, run_connection, client))
            return 1;
        pthread_detach(thread);
    }
}
